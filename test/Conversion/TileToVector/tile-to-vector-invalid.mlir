// RUN: attn-opt %s --convert-attn-tile-to-vector --split-input-file \
// RUN:   --verify-diagnostics

!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @no_vector_form(%m: memref<16xf32>, %x: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %a = attn.fill %x : f32 -> !stat
  %b = attn.map ins(%a : !stat) {
  ^bb0(%e: f32, %q: index):
    // expected-error@+1 {{'memref.dim' op in an attn.map has no vector form; expected an elementwise op}}
    %n = memref.dim %m, %q : memref<16xf32>
    %i = arith.index_cast %n : index to i32
    %y = arith.sitofp %i : i32 to f32
    attn.yield %y : f32
  } -> !stat
  return
}

// -----

!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @mixed_loop(%x: f32, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %c1 = arith.constant 1 : index
  %a = attn.fill %x : f32 -> !stat
  // expected-error@+1 {{'scf.for' op carries tiles and other values; expected tiles only}}
  %r:2 = scf.for %i = %c1 to %n step %c1 iter_args(%t = %a, %s = %x)
      -> (!stat, f32) {
    scf.yield %t, %s : !stat, f32
  }
  return
}

// -----

!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @exchange(%x: f32, %y: f32, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %c1 = arith.constant 1 : index
  %a = attn.fill %x : f32 -> !stat
  %b = attn.fill %y : f32 -> !stat
  %r:2 = scf.for %i = %c1 to %n step %c1 iter_args(%s = %a, %t = %b)
      -> (!stat, !stat) {
    // expected-error@+1 {{'scf.yield' op exchanges the buffers of iter_args, which has no vector lowering}}
    scf.yield %t, %s : !stat, !stat
  }
  return
}

// -----

!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @select_of_tiles(%x: f32, %flag: i1)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %a = attn.fill %x : f32 -> !stat
  %b = attn.fill %x : f32 -> !stat
  // expected-error@+1 {{'arith.select' op on tiles has no vector lowering}}
  %c = arith.select %flag, %a, %b : !stat
  return
}

// -----

// Lanes hold query rows: a tile without them has no lanes.
!k = !attn.tile<kv 8, d 4, f32, #attn.buffer<[kv, d]>>
func.func @map_of_keys(%x: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %a = attn.fill %x : f32 -> !k
  // expected-error@+1 {{'attn.map' op has no vector lowering for '!attn.tile<kv 8, d 4, f32, #attn.buffer<[kv, d]>>'; expected a tile with query rows}}
  %b = attn.map ins(%a : !k) {
  ^bb0(%e: f32, %j: index, %d: index):
    attn.yield %x : f32
  } -> !k
  return
}

// -----

!i = !attn.tile<q 16, i32, #attn.buffer<[q]>>
func.func @integer_sum(%x: memref<?xi32>, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %i = attn.load_box %x[%n] valid(%n) : memref<?xi32> -> !i
  // expected-error@+1 {{'attn.store_stats' op has no vector lowering for '!attn.tile<q 16, i32, #attn.buffer<[q]>>'; expected element type f32, f16 or bf16}}
  attn.store_stats %i, %x[%n] valid(%n) : !i, memref<?xi32>
  return
}

// -----

func.func @box_of_another_space(%x: memref<?xf32, 1>, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  // expected-error@+1 {{'attn.load_box' op has no vector lowering for 'memref<?xf32, 1>'; expected strides and the default memory space}}
  %i = attn.load_box %x[%n] valid(%n)
      : memref<?xf32, 1> -> !attn.tile<q 16, f32, #attn.buffer<[q]>>
  return
}

// -----

!k = !attn.tile<kv 8, d 4, f32, #attn.buffer<[kv, d]>>
!q = !attn.tile<q 16, d 4, f32, #attn.buffer<[d, q]>>
!s = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
func.func @rows_in_lhs(%x: f32, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %kt = attn.fill %x : f32 -> !k
  %qt = attn.fill %x : f32 -> !q
  // expected-error@+1 {{'attn.contract' op has no vector lowering; expected query rows in rhs and result, not in lhs}}
  %s = attn.contract %qt, %kt valid(%n) : !q, !k -> !s
  return
}

// -----

!t = !attn.tile<q 16, dv 4, f32, #attn.buffer<[dv, q]>>
!v = !attn.view<q, dv 4, f8E4M3FN>
func.func @store_fp8(%out: memref<1x16x1x4xf8E4M3FN>, %x: f32, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %view = attn.view %out[%n, %n] <bshd> : memref<1x16x1x4xf8E4M3FN> -> !v
  %t = attn.fill %x : f32 -> !t
  // expected-error@+1 {{has no vector lowering for '!attn.view<q, dv 4, f8E4M3FN>'; expected element type f32, f16 or bf16}}
  attn.store_tile %t, %view[%n] valid(%n) : !t, !v
  return
}
