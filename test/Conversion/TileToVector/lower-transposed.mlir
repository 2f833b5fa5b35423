// RUN: attn-opt %s --convert-attn-tile-to-vector --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Query rows come as blocks that are transposed in registers: two rounds of
// shuffles for 4 x 4. The 6 elements of a row leave 2, which go one by one, as
// do rows that fill no block; rows beyond them are 0.
!q = !attn.tile<q 16, d 6, f32, #attn.buffer<[d, q]>>
!view = !attn.view<q, d 6, f32>
// CHECK-LABEL: func @load
// CHECK-SAME:    %[[Q:[^:]*]]: memref<1x32x2x6xf32>, %{{[^:]*}}: index, %[[N:[^:]*]]: index
// CHECK-DAG:     %[[BUFFER:.*]] = memref.alloc() {{.*}} : memref<6x16xf32>
// CHECK-DAG:     %[[ZEROS:.*]] = arith.constant dense<0.000000e+00> : vector<4xf32>
// CHECK-DAG:     %[[MASK:.*]] = arith.constant -4 : index
// CHECK:         %[[FULL:.*]] = arith.andi %[[N]], %[[MASK]]
// CHECK:         scf.for
// CHECK:           scf.for %{{.*}} = %[[FULL]] to
// CHECK:             vector.store %[[ZEROS]], %[[BUFFER]]
// CHECK:         scf.for %{{.*}} to %[[FULL]]
// CHECK-COUNT-4:   vector.load %{{.*}} vector<4xf32>
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [0, 4, 2, 6]
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [1, 5, 3, 7]
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [0, 4, 2, 6]
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [1, 5, 3, 7]
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [0, 1, 4, 5]
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [2, 3, 6, 7]
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [0, 1, 4, 5]
// CHECK:           vector.shuffle %{{.*}}, %{{.*}} [2, 3, 6, 7]
// CHECK-COUNT-4:   vector.store %{{.*}}, %[[BUFFER]]
// CHECK:         scf.for %{{.*}} to %[[FULL]]
// CHECK:           scf.for
// CHECK:             memref.load
// CHECK:             memref.store
// CHECK:         scf.for %{{.*}} = %[[FULL]] to %[[N]]
func.func @load(%q: memref<1x32x2x6xf32>, %row: index, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 4, pairs = false>} {
  %c0 = arith.constant 0 : index
  %view = attn.view %q[%c0, %c0] <bshd> : memref<1x32x2x6xf32> -> !view
  %t = attn.load_tile %view[%row] valid(%n) : !view -> !q
  return
}

// -----

// Pairs are words of 32 bits that lie side by side already.
!q = !attn.tile<q 16, d 9, bf16, #attn.buffer<[d, q], pairs>>
!view = !attn.view<q, d 9, bf16>
// CHECK-LABEL: func @load_pairs
// CHECK:         %[[LOADED:.*]] = vector.load %{{.*}} vector<8xbf16>
// CHECK:         vector.bitcast %[[LOADED]] : vector<8xbf16> to vector<4xi32>
// CHECK:         vector.shuffle %{{.*}} : vector<4xi32>, vector<4xi32>
// The ninth element pairs with 0.
// CHECK:         %[[LAST:.*]] = memref.load %{{.*}} : memref<{{.*}}xbf16
// CHECK:         %[[BITS:.*]] = arith.bitcast %[[LAST]] : bf16 to i16
// CHECK:         arith.extui %[[BITS]] : i16 to i32
func.func @load_pairs(%q: memref<1x32x2x9xbf16>, %row: index, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 4, pairs = true>} {
  %c0 = arith.constant 0 : index
  %view = attn.view %q[%c0, %c0] <bshd> : memref<1x32x2x9xbf16> -> !view
  %t = attn.load_tile %view[%row] valid(%n) : !view -> !q
  return
}

// -----

// Rows that are not contiguous, and tiles that are no whole number of blocks,
// go one by one.
!q = !attn.tile<q 16, d 8, f32, #attn.buffer<[d, q]>>
!odd = !attn.tile<q 6, d 8, f32, #attn.buffer<[d, q]>>
!view = !attn.view<q, d 8, f32>
// CHECK-LABEL: func @one_by_one
// CHECK-NOT:     vector.shuffle
// CHECK:         return
func.func @one_by_one(%q: memref<1x2x8x32xf32>, %p: memref<1x2x32x8xf32>,
                      %row: index, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 4, pairs = false>} {
  %c0 = arith.constant 0 : index
  %a = attn.view %q[%c0, %c0] <bhds> : memref<1x2x8x32xf32> -> !view
  %s = attn.load_tile %a[%row] valid(%n) : !view -> !q
  %b = attn.view %p[%c0, %c0] <bhsd> : memref<1x2x32x8xf32> -> !view
  %t = attn.load_tile %b[%row] valid(%n) : !view -> !odd
  return
}

// -----

// Outputs go the same way, rounded after the transposition.
!out = !attn.tile<q 16, dv 5, f32, #attn.buffer<[dv, q]>>
!view = !attn.view<q, dv 5, bf16>
// CHECK-LABEL: func @store
// CHECK-SAME:    %{{[^:]*}}: memref<1x32x2x5xbf16>, %{{[^:]*}}: index, %[[N:[^:]*]]: index
// CHECK:         %[[FULL:.*]] = arith.andi %[[N]], %{{.*}}
// CHECK:         scf.for %{{.*}} to %[[FULL]]
// CHECK-COUNT-4:   vector.load %{{.*}} vector<4xf32>
// CHECK-COUNT-8:   vector.shuffle
// CHECK:           %[[ROUNDED:.*]] = arith.truncf %{{.*}} : vector<4xf32> to vector<4xbf16>
// CHECK:           vector.store %[[ROUNDED]]
// CHECK:         scf.for %{{.*}} to %[[FULL]]
// CHECK:           arith.truncf %{{.*}} : f32 to bf16
// CHECK:         scf.for %{{.*}} = %[[FULL]] to %[[N]]
// CHECK:           arith.truncf %{{.*}} : f32 to bf16
func.func @store(%o: memref<1x32x2x5xbf16>, %row: index, %n: index, %x: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 4, pairs = false>} {
  %c0 = arith.constant 0 : index
  %view = attn.view %o[%c0, %c0] <bshd> : memref<1x32x2x5xbf16> -> !view
  %t = attn.fill %x : f32 -> !out
  attn.store_tile %t, %view[%row] valid(%n) : !out, !view
  return
}
