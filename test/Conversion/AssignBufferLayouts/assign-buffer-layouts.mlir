// RUN: attn-opt %s --attn-assign-buffer-layouts | FileCheck %s
// RUN: attn-opt %s --attn-assign-buffer-layouts > %t
// RUN: attn-opt %t --attn-assign-buffer-layouts | diff %t -

// Query rows are the innermost dim of every tile that has them.
// CHECK-LABEL: func @query_rows
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<q 64, d 32, f32, #attn.buffer<[d, q]>>
// CHECK:         attn.fill {{.*}} -> !attn.tile<q 64, dv 16, f32, #attn.buffer<[dv, q]>>
// CHECK:         attn.fill {{.*}} -> !attn.tile<q 64, f32, #attn.buffer<[q]>>
// CHECK:         attn.contract {{.*}} -> !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
func.func @query_rows(%q: memref<1x100x2x32xf32>,
                      %k: memref<1x100x2x32xf32>, %at: index, %zero: f32) {
  %view = attn.view %q[%at, %at] <bshd>
      : memref<1x100x2x32xf32> -> !attn.view<q, d 32, f32>
  %tile = attn.load_tile %view[%at] valid(%at)
      : !attn.view<q, d 32, f32> -> !attn.tile<q 64, d 32, f32>
  %acc = attn.fill %zero : f32 -> !attn.tile<q 64, dv 16, f32>
  %sum = attn.fill %zero : f32 -> !attn.tile<q 64, f32>
  %k_view = attn.view %k[%at, %at] <bshd>
      : memref<1x100x2x32xf32> -> !attn.view<kv, d 32, f32>
  %keys = attn.load_tile %k_view[%at] valid(%at)
      : !attn.view<kv, d 32, f32> -> !attn.tile<kv 128, d 32, f32>
  %s = attn.contract %keys, %tile valid(%at) : !attn.tile<kv 128, d 32, f32>,
      !attn.tile<q 64, d 32, f32> -> !attn.tile<q 64, kv 128, f32>
  return
}

// The order in which a type lists its dims has no meaning.
// CHECK-LABEL: func @order_of_dims
// CHECK:         attn.fill {{.*}} -> !attn.tile<kv 8, q 64, f32, #attn.buffer<[kv, q]>>
func.func @order_of_dims(%zero: f32) {
  %s = attn.fill %zero : f32 -> !attn.tile<kv 8, q 64, f32>
  return
}

// Weights of 16 bits lie in pairs along the keys, as values do.
// CHECK-LABEL: func @weights
// CHECK:         attn.map ins(%{{.*}} : !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>)
// CHECK:         -> !attn.tile<q 64, kv 128, bf16, #attn.buffer<[kv, q], pairs>>
func.func @weights(%zero: f32) {
  %p = attn.fill %zero : f32 -> !attn.tile<q 64, kv 128, f32>
  %rounded = attn.map ins(%p : !attn.tile<q 64, kv 128, f32>) {
  ^bb0(%x: f32, %i: index, %j: index):
    %y = arith.truncf %x : f32 to bf16
    attn.yield %y : bf16
  } -> !attn.tile<q 64, kv 128, bf16>
  return
}

// Keys are read where they are if they have the type of the tile.
// CHECK-LABEL: func @keys_f32
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, d 32, f32, #attn.in_place>
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, d 32, f32, #attn.in_place>
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, d 32, f32, #attn.buffer<[kv, d]>>
func.func @keys_f32(%k: memref<1x100x2x32xf32>, %kt: memref<1x2x32x100xf32>,
                    %h: memref<1x100x2x32xf16>, %at: index) {
  %view = attn.view %k[%at, %at] <bshd>
      : memref<1x100x2x32xf32> -> !attn.view<kv, d 32, f32>
  %0 = attn.load_tile %view[%at] valid(%at)
      : !attn.view<kv, d 32, f32> -> !attn.tile<kv 128, d 32, f32>
  %transposed = attn.view %kt[%at, %at] <bhds>
      : memref<1x2x32x100xf32> -> !attn.view<kv, d 32, f32>
  %1 = attn.load_tile %transposed[%at] valid(%at)
      : !attn.view<kv, d 32, f32> -> !attn.tile<kv 128, d 32, f32>
  %half = attn.view %h[%at, %at] <bshd>
      : memref<1x100x2x32xf16> -> !attn.view<kv, d 32, f16>
  %2 = attn.load_tile %half[%at] valid(%at)
      : !attn.view<kv, d 32, f16> -> !attn.tile<kv 128, d 32, f32>
  return
}

// In pairs, the two elements must be neighbours and none may lack its partner.
// CHECK-LABEL: func @keys_bf16
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, d 32, bf16, #attn.in_place>
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, d 31, bf16, #attn.buffer<[kv, d]>>
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, d 32, bf16, #attn.buffer<[kv, d]>>
func.func @keys_bf16(%k: memref<1x100x2x32xbf16>, %odd: memref<1x100x2x31xbf16>,
                     %kt: memref<1x2x32x100xbf16>, %at: index) {
  %even_view = attn.view %k[%at, %at] <bshd>
      : memref<1x100x2x32xbf16> -> !attn.view<kv, d 32, bf16>
  %0 = attn.load_tile %even_view[%at] valid(%at)
      : !attn.view<kv, d 32, bf16> -> !attn.tile<kv 128, d 32, bf16>
  %odd_view = attn.view %odd[%at, %at] <bshd>
      : memref<1x100x2x31xbf16> -> !attn.view<kv, d 31, bf16>
  %1 = attn.load_tile %odd_view[%at] valid(%at)
      : !attn.view<kv, d 31, bf16> -> !attn.tile<kv 128, d 31, bf16>
  %transposed = attn.view %kt[%at, %at] <bhds>
      : memref<1x2x32x100xbf16> -> !attn.view<kv, d 32, bf16>
  %2 = attn.load_tile %transposed[%at] valid(%at)
      : !attn.view<kv, d 32, bf16> -> !attn.tile<kv 128, d 32, bf16>
  return
}

// f32 values are read where they are; pairs of two keys have to be formed.
// CHECK-LABEL: func @values
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, dv 16, f32, #attn.in_place>
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 128, dv 16, bf16, #attn.buffer<[kv, dv], pairs>>
func.func @values(%v: memref<1x100x2x16xf32>, %b: memref<1x100x2x16xbf16>,
                  %at: index) {
  %view = attn.view %v[%at, %at] <bshd>
      : memref<1x100x2x16xf32> -> !attn.view<kv, dv 16, f32>
  %0 = attn.load_tile %view[%at] valid(%at)
      : !attn.view<kv, dv 16, f32> -> !attn.tile<kv 128, dv 16, f32>
  %pair_view = attn.view %b[%at, %at] <bshd>
      : memref<1x100x2x16xbf16> -> !attn.view<kv, dv 16, bf16>
  %1 = attn.load_tile %pair_view[%at] valid(%at)
      : !attn.view<kv, dv 16, bf16> -> !attn.tile<kv 128, dv 16, bf16>
  return
}

// What a loop carries has a layout at every end.
// CHECK-LABEL: func @loop
// CHECK:         scf.for {{.*}} iter_args(%[[M:.*]] = %{{.*}}) -> (!attn.tile<q 64, f32, #attn.buffer<[q]>>)
// CHECK:           attn.reduce max %{{.*}} into %[[M]] : !attn.tile<q 64, kv 8, f32, #attn.buffer<[kv, q]>> -> !attn.tile<q 64, f32, #attn.buffer<[q]>>
func.func @loop(%zero: f32, %begin: index, %end: index, %one: index) {
  %s = attn.fill %zero : f32 -> !attn.tile<q 64, kv 8, f32>
  %m0 = attn.fill %zero : f32 -> !attn.tile<q 64, f32>
  %m = scf.for %i = %begin to %end step %one iter_args(%old = %m0)
      -> !attn.tile<q 64, f32> {
    %new = attn.reduce max %s into %old
        : !attn.tile<q 64, kv 8, f32> -> !attn.tile<q 64, f32>
    scf.yield %new : !attn.tile<q 64, f32>
  }
  return
}

// A layout that is there already is kept.
// CHECK-LABEL: func @given
// CHECK:         attn.fill {{.*}} -> !attn.tile<q 64, dv 16, f32, #attn.buffer<[q, dv]>>
func.func @given(%zero: f32) {
  %acc = attn.fill %zero
      : f32 -> !attn.tile<q 64, dv 16, f32, #attn.buffer<[q, dv]>>
  return
}
