// RUN: attn-opt %s --attn-to-online --split-input-file | FileCheck %s

// The score function stands in the map of the score tile, after softcap. Its
// load is clamped, its divisor cannot be 0, and the function itself is gone.

func.func private @scores(%s: f32, %b: index, %h: index, %q: index, %j: index,
                          %t: memref<4x?xf32>, %n: i32) -> f32 {
  %i = arith.index_cast %j : index to i32
  %d = arith.remsi %i, %n : i32
  %at = arith.index_cast %d : i32 to index
  %x = memref.load %t[%h, %at] : memref<4x?xf32>
  %f = arith.mulf %s, %x : f32
  return %f : f32
}

// CHECK-NOT:   @scores
// CHECK-LABEL: func private @attention_attention_0
// CHECK-SAME:    %[[TABLE:[^:]*]]: memref<4x?xf32>, %[[N:[^:]*]]: i32
// CHECK:         %[[HEAD:.*]], %q_block = attn.work_item
// CHECK:         attn.contract
// CHECK:         attn.map
// CHECK:           %[[CAPPED:.*]] = math.tanh
// CHECK:           %[[SCORE:.*]] = arith.mulf %[[CAPPED]]
// CHECK:           %[[DIVISOR:.*]] = arith.select
// CHECK:           arith.remsi %{{.*}}, %[[DIVISOR]] : i32
// CHECK:           arith.minsi
// CHECK:           %[[AT:.*]] = arith.maxsi
// CHECK:           %[[X:.*]] = memref.load %[[TABLE]][%{{.*}}, %{{.*}}]
// CHECK:           arith.mulf %[[SCORE]], %[[X]]
// CHECK-NOT:   @scores
func.func @attention(%q: memref<1x64x4x8xf32>, %k: memref<1x128x4x8xf32>,
                     %t: memref<4x?xf32>, %n: i32,
                     %out: memref<1x64x4x8xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x64x4x8xf32>, memref<1x128x4x8xf32>,
      memref<1x128x4x8xf32>) scale(1.0) softcap(2.0)
      score_mod(@scores) score_operands(%t, %n : memref<4x?xf32>, i32)
      outs(%out : memref<1x64x4x8xf32>)
  return
}

// -----

// A public function stays; on tensors it becomes one on memrefs.

// CHECK-LABEL: func @visible
// CHECK-SAME:    memref<?xi32, strided<[?], offset: ?>>
// CHECK:         memref.load
func.func @visible(%b: index, %h: index, %q: index, %j: index,
                   %ids: tensor<?xi32>) -> i1 {
  %x = tensor.extract %ids[%q] : tensor<?xi32>
  %y = tensor.extract %ids[%j] : tensor<?xi32>
  %r = arith.cmpi eq, %x, %y : i32
  return %r : i1
}

// The table of tiles calls the function, and the body that masks does.
// CHECK-LABEL: func private @attention_tiles_0
// CHECK:         attn.map
// CHECK-COUNT-2:   memref.load
// CHECK:           arith.cmpi eq, %{{.*}} : i32
// CHECK:         attn.tile_kind
// CHECK-LABEL: func private @attention_attention_1
// CHECK:         attn.map ins
// CHECK-COUNT-2:   memref.load %{{.*}}[%{{.*}}] : memref<128xi32
// CHECK:           arith.cmpi eq, %{{.*}} : i32
func.func @attention(%q: tensor<1x64x4x8xf32>, %k: tensor<1x128x4x8xf32>,
                     %ids: tensor<128xi32>) -> tensor<1x64x4x8xf32> {
  %out = attn.attention ins(%q, %k, %k : tensor<1x64x4x8xf32>,
      tensor<1x128x4x8xf32>, tensor<1x128x4x8xf32>) scale(1.0)
      mask(#attn.custom<@visible, [0]>) mask_operands(%ids : tensor<128xi32>)
      outs(%q : tensor<1x64x4x8xf32>) -> tensor<1x64x4x8xf32>
  return %out : tensor<1x64x4x8xf32>
}
