// RUN: attn-opt %s --convert-attn-tile-to-vector --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// A load whose index differs between lanes is a gather from one flat dim; the
// strides of the memref are in the offsets. What is equal in all lanes is one
// scalar offset.

!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @gather
// CHECK-SAME:    %[[TABLE:[^:]*]]: memref<4x?xf32, strided<[?, 3], offset: ?>>
// CHECK:         scf.for
// CHECK:           %{{.*}}, %[[OFFSET:.*]], %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[TABLE]]
// CHECK:           %[[SHARED:.*]] = arith.muli %{{.*}}, %[[STRIDES]]#0 : index
// CHECK:           %[[LANES:.*]] = arith.muli %{{.*}} : vector<8xindex>
// CHECK:           %[[FLAT:.*]] = memref.reinterpret_cast %[[TABLE]] to offset: [%[[OFFSET]]], sizes: [1], strides: [1]
// CHECK:           vector.gather %[[FLAT]][%[[SHARED]]] [%[[LANES]]]
// CHECK-SAME:        into vector<8xf32>
func.func @gather(%t: memref<4x?xf32, strided<[?, 3], offset: ?>>,
                  %o: memref<1x1x16xf32>, %x: f32, %h: index, %end: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %a = attn.fill %x : f32 -> !stat
  %b = attn.map ins(%a : !stat) {
  ^bb0(%e: f32, %q: index):
    %l = memref.load %t[%h, %q] : memref<4x?xf32, strided<[?, 3], offset: ?>>
    %s = arith.addf %e, %l : f32
    attn.yield %s : f32
  } -> !stat
  attn.store_stats %b, %o[%c0, %c0, %c0] valid(%c16) : !stat, memref<1x1x16xf32>
  return
}

// -----

// A load that all lanes share stays one.

!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @uniform
// CHECK-NOT:     vector.gather
// CHECK:         %[[ONE:.*]] = memref.load %{{.*}} : memref<4xf32>
// CHECK:         vector.broadcast %[[ONE]] : f32 to vector<8xf32>
// CHECK-NOT:     vector.gather
// CHECK:         return
func.func @uniform(%t: memref<4xf32>, %o: memref<1x1x16xf32>, %x: f32,
                   %h: index, %end: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %a = attn.fill %x : f32 -> !stat
  %b = attn.map ins(%a : !stat) {
  ^bb0(%e: f32, %q: index):
    %l = memref.load %t[%h] : memref<4xf32>
    %s = arith.addf %e, %l : f32
    attn.yield %s : f32
  } -> !stat
  attn.store_stats %b, %o[%c0, %c0, %c0] valid(%c16) : !stat, memref<1x1x16xf32>
  return
}
