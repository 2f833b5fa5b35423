// Kernels of tile ops that verify and have no vector lowering.
// RUN: attn-opt %s --convert-attn-tile-to-vector --split-input-file \
// RUN:   --verify-diagnostics -o /dev/null

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
// expected-error@+1 {{has attn.schedule and 0 blocks; expected a body of one block}}
func.func private @declaration(memref<4xf32>) attributes {attn.schedule = #s}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
// expected-error@+1 {{has attn.schedule and 2 blocks; expected a body of one block}}
func.func @blocks() attributes {attn.schedule = #s} {
  cf.br ^bb1
^bb1:
  return
}

// -----

// expected-error@+1 {{has attn.schedule 3 : i64; expected #attn.vector_schedule}}
func.func @schedule() attributes {attn.schedule = 3} {
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @argument(%t: !t, %m: memref<16xf32>, %n: index)
    attributes {attn.schedule = #s} {
  // expected-error@+1 {{has no vector lowering for '!attn.tile<q 16, f32, #attn.buffer<[q]>>'; expected no tile that is a block argument outside of scf.for}}
  attn.store_stats %t, %m[%n] valid(%n) : !t, memref<16xf32>
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
func.func @no_layout(%x: f32) attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected a layout; run attn-assign-buffer-layouts first}}
  %t = attn.fill %x : f32 -> !attn.tile<q 16, f32>
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, dv 4, bf16, #attn.buffer<[dv, q], pairs>>
func.func @fill_pairs(%x: bf16) attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected a buffer without pairs}}
  %t = attn.fill %x : bf16 -> !t
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, f64, #attn.buffer<[q]>>
func.func @double(%x: f64) attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected element type f32, f16 or bf16}}
  %t = attn.fill %x : f64 -> !t
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, dv 4, f32, #attn.buffer<[dv, q]>>
!v = !attn.view<q, dv 4, f32>
func.func @load_out(%q: memref<1x8x1x4xf32>, %n: index)
    attributes {attn.schedule = #s} {
  %view = attn.view %q[%n, %n] <bshd> : memref<1x8x1x4xf32> -> !v
  // expected-error@+1 {{expected query rows of 'd'}}
  %t = attn.load_tile %view[%n] valid(%n) : !v -> !t
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<kv 16, d 4, f32, #attn.buffer<[d, kv]>>
!v = !attn.view<kv, d 4, f32>
func.func @load_transposed(%q: memref<1x8x1x4xf32>, %n: index)
    attributes {attn.schedule = #s} {
  %view = attn.view %q[%n, %n] <bshd> : memref<1x8x1x4xf32> -> !v
  // expected-error@+1 {{expected a buffer with 'q' or the head dim innermost}}
  %t = attn.load_tile %view[%n] valid(%n) : !v -> !t
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<kv 16, d 4, bf16, #attn.buffer<[kv, d], pairs>>
!v = !attn.view<kv, d 4, f8E4M3FN>
func.func @load_pairs(%q: memref<1x8x1x4xf8E4M3FN>, %n: index)
    attributes {attn.schedule = #s} {
  %view = attn.view %q[%n, %n] <bshd> : memref<1x8x1x4xf8E4M3FN> -> !v
  // expected-error@+1 {{expected the view's element type}}
  %t = attn.load_tile %view[%n] valid(%n) : !v -> !t
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!v = !attn.view<kv, d 4, f32>
func.func @view_space(%q: memref<1x8x1x4xf32, 1>, %n: index)
    attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected strides and the default memory space}}
  %view = attn.view %q[%n, %n] <bshd> : memref<1x8x1x4xf32, 1> -> !v
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!v = !attn.view<q, d 4, f32>
func.func @view_paged_rows(%q: memref<1x8x1x4xf32>, %t: memref<1x2xi32>,
                           %n: index) attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected pages of keys and values only}}
  %view = attn.view %q[%n, %n] <paged> pages(%t : memref<1x2xi32>)
      : memref<1x8x1x4xf32> -> !v
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!v = !attn.view<kv, d 4, f32>
func.func @view_table_space(%k: memref<1x8x1x4xf32>, %t: memref<1x2xi32, 1>,
                            %n: index) attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected strides and the default memory space}}
  %view = attn.view %k[%n, %n] <paged> pages(%t : memref<1x2xi32, 1>)
      : memref<1x8x1x4xf32> -> !v
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
func.func @packed_block_space(%n: index, %starts: memref<?xi32, 1>)
    attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected strides and the default memory space}}
  %b:4 = attn.packed_block %n of %starts total(%n) size(8) : memref<?xi32, 1>
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!v = !attn.view<kv, d 4, f32>
func.func @view_argument(%view: !v, %n: index) attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected a view that an attn.view makes}}
  %t = attn.load_tile %view[%n] valid(%n)
      : !v -> !attn.tile<kv 16, d 4, f32, #attn.in_place>
  return
}

// -----

// A sum over the pairs of keys needs them side by side.
#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = true>
!v = !attn.tile<kv 8, dv 4, bf16, #attn.buffer<[kv, dv]>>
!p = !attn.tile<q 16, kv 8, bf16, #attn.buffer<[kv, q], pairs>>
!o = !attn.tile<q 16, dv 4, f32, #attn.buffer<[dv, q]>>
!view = !attn.view<kv, dv 4, bf16>
func.func @sum_over_keys(%m: memref<1x8x1x4xbf16>, %x: f32, %n: index)
    attributes {attn.schedule = #s} {
  %view = attn.view %m[%n, %n] <bshd> : memref<1x8x1x4xbf16> -> !view
  %v = attn.load_tile %view[%n] valid(%n) : !view -> !v
  %p = attn.map {
  ^bb0(%q: index, %j: index):
    %y = arith.truncf %x : f32 to bf16
    attn.yield %y : bf16
  } -> !p
  // expected-error@+1 {{expected a buffer with pairs}}
  %o = attn.contract %v, %p valid(%n) : !v, !p -> !o
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, kv 8, f32, #attn.buffer<[q, kv]>>
func.func @rows_outermost(%x: f32) attributes {attn.schedule = #s} {
  // expected-error@+1 {{expected a buffer with 'q' innermost}}
  %t = attn.map {
  ^bb0(%i: index, %j: index):
    attn.yield %x : f32
  } -> !t
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @body_without_result(%x: f32, %m: memref<4xf32>, %n: index)
    attributes {attn.schedule = #s} {
  %t = attn.map {
  ^bb0(%i: index):
    // expected-error@+1 {{in an attn.map has no vector form; expected one scalar result and no regions}}
    memref.store %x, %m[%n] : memref<4xf32>
    attn.yield %x : f32
  } -> !t
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @inside(%x: f32) attributes {attn.schedule = #s} {
  scf.execute_region {
    // expected-error@+1 {{has no vector lowering inside of 'scf.execute_region'}}
    %t = attn.fill %x : f32 -> !t
    scf.yield
  }
  return
}

// -----

#s = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>
!t = !attn.tile<q 16, f32, #attn.buffer<[q]>>
func.func @conditional(%x: f32, %flag: i1, %m: memref<16xf32>, %n: index)
    attributes {attn.schedule = #s} {
  %t = attn.fill %x : f32 -> !t
  scf.if %flag {
    attn.store_stats %t, %m[%n] valid(%n) : !t, memref<16xf32>
  }
  return
}
