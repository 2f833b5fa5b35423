// What tile and view types refuse.
// RUN: attn-opt %s --allow-unregistered-dialect --split-input-file \
// RUN:   --verify-diagnostics

// expected-error @+1 {{tile has 0 dims; expected one or two}}
"test.op"() {a = !attn.tile<f32>} : () -> ()

// -----

// expected-error @+1 {{tile has 3 dims; expected one or two}}
"test.op"() {a = !attn.tile<q 1, kv 2, d 3, f32>} : () -> ()

// -----

// expected-error @+1 {{tile has dim 'q' twice; expected two different dims}}
"test.op"() {a = !attn.tile<q 16, q 16, f32>} : () -> ()

// -----

// expected-error @+1 {{expected one of [q, kv, d, dv] for named dim of a tile, got: s}}
"test.op"() {a = !attn.tile<s 4, f32>} : () -> ()

// -----

// expected-error @+1 {{tile extent of dim 'kv' is 0; expected at least 1}}
"test.op"() {a = !attn.tile<q 4, kv 0, f32>} : () -> ()

// -----

// expected-error @+1 {{tile has no element type}}
"test.op"() {a = !attn.tile<q 4>} : () -> ()

// -----

// expected-error @+1 {{tile element type is 'index'; expected a float or integer type}}
"test.op"() {a = !attn.tile<q 4, index>} : () -> ()

// -----

// expected-error @+1 {{tile layout is 3 : i64; expected a tile layout of the attn dialect}}
"test.op"() {a = !attn.tile<q 4, f32, 3>} : () -> ()

// -----

// expected-error @+1 {{tile layout is #attn.causal; expected a tile layout of the attn dialect}}
"test.op"() {a = !attn.tile<q 4, f32, #attn.causal>} : () -> ()

// -----

// expected-error @+1 {{tile layout is #attn.buffer<[kv]>; expected it to list the dims of the tile}}
"test.op"() {a = !attn.tile<q 4, f32, #attn.buffer<[kv]>>} : () -> ()

// -----

// expected-error @+1 {{tile layout is #attn.buffer<[kv]>; expected it to list the dims of the tile}}
"test.op"() {a = !attn.tile<q 4, kv 4, f32, #attn.buffer<[kv]>>} : () -> ()

// -----

// expected-error @+1 {{tile layout is #attn.buffer<[kv, q], pairs> and element type 'f32'; expected a float of 16 bits with pairs}}
"test.op"() {a = !attn.tile<q 4, kv 4, f32, #attn.buffer<[kv, q], pairs>>} : () -> ()

// -----

// expected-error @+1 {{element type 'i16'; expected a float of 16 bits with pairs}}
"test.op"() {a = !attn.tile<q 4, kv 4, i16, #attn.buffer<[kv, q], pairs>>} : () -> ()

// -----

// expected-error @+1 {{view sequence dim is 'd'; expected 'q' or 'kv'}}
"test.op"() {a = !attn.view<d, d 64, f32>} : () -> ()

// -----

// expected-error @+1 {{view head dim is 'kv'; expected 'd' or 'dv'}}
"test.op"() {a = !attn.view<q, kv 64, f32>} : () -> ()

// -----

// expected-error @+1 {{view extent is 0; expected at least 1}}
"test.op"() {a = !attn.view<q, d 0, f32>} : () -> ()

// -----

// expected-error @+1 {{view element type is 'i8'; expected a float type}}
"test.op"() {a = !attn.view<q, d 64, i8>} : () -> ()
