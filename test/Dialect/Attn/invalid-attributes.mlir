// What masks, layouts and configurations refuse.
// RUN: attn-opt %s --allow-unregistered-dialect --split-input-file \
// RUN:   --verify-diagnostics

// expected-error @+1 {{sliding_window side is -1; expected a count >= 0 or 'unbounded'}}
"test.op"() {a = #attn.sliding_window<-1, 0>} : () -> ()

// -----

// expected-error @+1 {{sliding_window side is -2; expected a count >= 0 or 'unbounded'}}
"test.op"() {a = #attn.sliding_window<0, -2>} : () -> ()

// -----

// expected-error @+1 {{integer value too large}}
"test.op"() {a = #attn.sliding_window<99999999999999999999, 0>} : () -> ()

// -----

// expected-error @+1 {{chunked size is 0; expected at least 1}}
"test.op"() {a = #attn.chunked<0>} : () -> ()

// -----

// expected-error @+1 {{prefix length is -1; expected at least 0}}
"test.op"() {a = #attn.prefix<-1>} : () -> ()

// -----

// expected-error @+1 {{prefix slot is -1; expected a slot >= 0}}
"test.op"() {a = #attn.prefix<slot -1>} : () -> ()

// -----

// expected-error @+1 {{segments q slot is -1; expected a slot >= 0}}
"test.op"() {a = #attn.segments<q = -1, kv = 0>} : () -> ()

// -----

// expected-error @+1 {{segments kv slot is -1; expected a slot >= 0}}
"test.op"() {a = #attn.segments<q = 0, kv = -1>} : () -> ()

// -----

// expected-error @+1 {{dense slot is -1; expected a slot >= 0}}
"test.op"() {a = #attn.dense<-1>} : () -> ()

// -----

// expected-error @+1 {{custom slot is -3; expected a slot >= 0}}
"test.op"() {a = #attn.custom<@f, [0, -3]>} : () -> ()

// -----

// expected-error @+1 {{and has operand 3 : i64; expected a mask of the attn dialect}}
"test.op"() {a = #attn.and<[#attn.causal, 3]>} : () -> ()

// -----

// expected-error @+1 {{or has operand "causal"; expected a mask of the attn dialect}}
"test.op"() {a = #attn.or<["causal"]>} : () -> ()

// -----

// expected-error @+1 {{not has operand #attn.in_place; expected a mask of the attn dialect}}
"test.op"() {a = #attn.not<#attn.in_place>} : () -> ()

// -----

// expected-error @+1 {{per_head has operand unit; expected a mask of the attn dialect}}
"test.op"() {a = #attn.per_head<[unit]>} : () -> ()

// -----

// expected-error @+1 {{per_head has no masks; expected one per query head}}
"test.op"() {a = #attn.per_head<[]>} : () -> ()

// -----

// expected-error @+2 {{failed to parse Attn_LayoutAttr parameter 'value'}}
// expected-error @+1 {{expected one of [bshd, bhsd, bhds, thd, htd, hdt, paged] for order of the dims of q, k, v or out, got: shbd}}
"test.op"() {a = #attn.layout<shbd>} : () -> ()

// -----

// expected-error @+1 {{buffer lists dim 'q' twice; expected two different dims}}
"test.op"() {a = #attn.buffer<[q, q]>} : () -> ()

// -----

// expected-error @+1 {{buffer lists 0 dims; expected one or two}}
"test.op"() {a = #attn.buffer<[]>} : () -> ()

// -----

// expected-error @+1 {{buffer lists 3 dims; expected one or two}}
"test.op"() {a = #attn.buffer<[q, kv, d]>} : () -> ()

// -----

// expected-error @+1 {{buffer has pairs and one dim; expected two dims}}
"test.op"() {a = #attn.buffer<[q], pairs>} : () -> ()

// -----

// expected-error @+1 {{config blocks are 0, 1, 1; expected at least 1}}
"test.op"() {a = #attn.config<block_q = 0, block_kv = 1, block_kv_compute = 1, schedule = unit>} : () -> ()

// -----

// expected-error @+1 {{config block_kv_compute 2 does not divide block_kv 3}}
"test.op"() {a = #attn.config<block_q = 1, block_kv = 3, block_kv_compute = 2, schedule = unit>} : () -> ()

// -----

// expected-error @+1 {{config heads are 5; expected 1 to block_q, which is 4}}
"test.op"() {a = #attn.config<block_q = 4, block_kv = 1, block_kv_compute = 1, schedule = unit, heads = 5>} : () -> ()

// -----

// expected-error @+1 {{split count, items, size are 2, 0, 64; expected a count, a size, or items and a size}}
"test.op"() {a = #attn.split<count = 2, size = 64>} : () -> ()

// -----

// expected-error @+1 {{split count, items, size are 0, 8, 0; expected a count, a size, or items and a size}}
"test.op"() {a = #attn.split<items = 8>} : () -> ()

// -----

// expected-error @+1 {{vector_schedule is by_row and has unit 12; expected a power of two}}
"test.op"() {a = #attn.vector_schedule<rows = 1, lanes = 12, unit = 12, pairs = false, by_row = true>} : () -> ()

// -----

// expected-error @+1 {{vector_schedule rows, lanes, unit are 0, 4, 4; expected at least 1, lanes a multiple of unit}}
"test.op"() {a = #attn.vector_schedule<rows = 0, lanes = 4, unit = 4, pairs = false>} : () -> ()

// -----

// expected-error @+1 {{vector_schedule rows, lanes, unit are 1, 6, 4; expected at least 1, lanes a multiple of unit}}
"test.op"() {a = #attn.vector_schedule<rows = 1, lanes = 6, unit = 4, pairs = false>} : () -> ()

// -----

// expected-error @+2 {{failed to parse Attn_CustomAttr parameter 'function'}}
// expected-error @+1 {{invalid kind of attribute specified}}
"test.op"() {a = #attn.custom<@f::@g>} : () -> ()
