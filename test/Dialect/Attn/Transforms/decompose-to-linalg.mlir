// Attention as plain linalg. That the numbers are right is tested in
// test/numerics/linalg.test.
// RUN: attn-opt %s --attn-decompose-to-linalg --canonicalize --mlir-print-local-scope \
// RUN:   | FileCheck %s --implicit-check-not=attn.

// Scores, their maximum, weights, their sum, the second product without hidden
// values, the division.
// CHECK-LABEL: func @causal(
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]
// CHECK:           arith.mulf
// CHECK:           arith.addf
// CHECK:         linalg.generic
// CHECK-DAG:       %[[I:.*]] = linalg.index 2
// CHECK-DAG:       %[[J:.*]] = linalg.index 3
// CHECK:           %[[VISIBLE:.*]] = arith.cmpi sle, %[[J]], %[[I]]
// CHECK:           arith.select %[[VISIBLE]], %{{.*}}, %[[HIDDEN:.*]] : f32
// CHECK:           arith.maximumf
// CHECK:           math.exp
// CHECK:           arith.addf
// CHECK:         linalg.generic
// CHECK:           %[[IS_HIDDEN:.*]] = arith.cmpf oeq, %{{.*}}, %[[HIDDEN]]
// CHECK:           %[[V:.*]] = arith.select %[[IS_HIDDEN]]
// CHECK:           arith.mulf %{{.*}}, %[[V]]
// CHECK:         %[[OUT:.*]] = linalg.generic {{.*}} outs(%arg3
// CHECK:           arith.divf
// CHECK:         return %[[OUT]]
func.func @causal(
    %q: tensor<2x8x4x16xf32>, %k: tensor<2x12x4x16xf32>,
    %v: tensor<2x12x4x16xf32>, %init: tensor<2x8x4x16xf32>)
    -> tensor<2x8x4x16xf32> {
  %out = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x16xf32>, tensor<2x12x4x16xf32>,
          tensor<2x12x4x16xf32>)
      mask(#attn.causal) scale(0.25)
      outs(%init : tensor<2x8x4x16xf32>) -> tensor<2x8x4x16xf32>
  return %out : tensor<2x8x4x16xf32>
}

// Sizes, blocks and splits that say how, not what, are gone; lse is a result.
// CHECK-LABEL: func @dynamic(
// CHECK:         math.log
// CHECK:         return %{{.*}}, %{{.*}} : tensor<?x?x4x16xbf16>, tensor<?x4x?xf32>
func.func @dynamic(
    %q: tensor<?x?x4x16xbf16>, %k: tensor<?x?x2x16xbf16>,
    %init: tensor<?x?x4x16xbf16>, %lse: tensor<?x4x?xf32>)
    -> (tensor<?x?x4x16xbf16>, tensor<?x4x?xf32>) {
  %out:2 = attn.attention
      ins(%q, %k, %k : tensor<?x?x4x16xbf16>, tensor<?x?x2x16xbf16>,
          tensor<?x?x2x16xbf16>)
      scale(1.0) num_splits(3) block_kv(128)
      outs(%init, %lse : tensor<?x?x4x16xbf16>, tensor<?x4x?xf32>)
      -> tensor<?x?x4x16xbf16>, tensor<?x4x?xf32>
  return %out#0, %out#1 : tensor<?x?x4x16xbf16>, tensor<?x4x?xf32>
}

// User functions are inlined.
func.func private @mod(%s: f32, %b: index, %h: index, %i: index, %j: index,
                       %table: tensor<?xf32>) -> f32 {
  %t = tensor.extract %table[%h] : tensor<?xf32>
  %r = math.sin %t : f32
  %f = arith.addf %s, %r : f32
  return %f : f32
}

func.func private @even(%b: index, %h: index, %i: index, %j: index) -> i1 {
  %c2 = arith.constant 2 : index
  %c0 = arith.constant 0 : index
  %sum = arith.addi %i, %j : index
  %rest = arith.remsi %sum, %c2 : index
  %r = arith.cmpi eq, %rest, %c0 : index
  return %r : i1
}

// CHECK-LABEL: func @functions(
// CHECK:         arith.remsi
// CHECK:         math.sin
// CHECK-NOT:     call
// CHECK:         return
func.func @functions(
    %q: tensor<2x8x4x16xf32>, %table: tensor<4xf32>,
    %init: tensor<2x8x4x16xf32>) -> tensor<2x8x4x16xf32> {
  %out = attn.attention
      ins(%q, %q, %q : tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>,
          tensor<2x8x4x16xf32>)
      mask(#attn.custom<@even>) scale(0.25) score_mod(@mod)
      score_operands(%table : tensor<4xf32>)
      outs(%init : tensor<2x8x4x16xf32>) -> tensor<2x8x4x16xf32>
  return %out : tensor<2x8x4x16xf32>
}

// Only addresses that may not exist need control flow.
// CHECK-LABEL: func @paged(
// CHECK:         scf.if
// CHECK:           tensor.extract
func.func @paged(
    %q: tensor<7x4x16xf32>, %pages: tensor<9x8x2x16xf32>,
    %cu: tensor<4xi32>, %lens: tensor<3xi32>, %table: tensor<3x5xi32>,
    %init: tensor<7x4x16xf32>) -> tensor<7x4x16xf32> {
  %out = attn.attention
      ins(%q, %pages, %pages : tensor<7x4x16xf32>, tensor<9x8x2x16xf32>,
          tensor<9x8x2x16xf32>)
      layout(q = thd, k = paged, v = paged, out = thd) scale(0.25)
      cu_seqlens_q(%cu : tensor<4xi32>) kv_lens(%lens : tensor<3xi32>)
      block_table(%table : tensor<3x5xi32>)
      outs(%init : tensor<7x4x16xf32>) -> tensor<7x4x16xf32>
  return %out : tensor<7x4x16xf32>
}

// CHECK-LABEL: func @merge(
// CHECK:         arith.maximumf
// CHECK:         math.exp
// CHECK:         math.log
func.func @merge(
    %outs: tensor<3x1x4x8x16xf32>, %lses: tensor<3x1x4x8xf32>,
    %sinks: tensor<4xf32>, %init: tensor<1x4x8x16xf16>,
    %lse: tensor<1x4x8xf32>) -> (tensor<1x4x8x16xf16>, tensor<1x4x8xf32>) {
  %r:2 = attn.merge ins(%outs, %lses : tensor<3x1x4x8x16xf32>,
      tensor<3x1x4x8xf32>) sinks(%sinks : tensor<4xf32>)
      outs(%init, %lse : tensor<1x4x8x16xf16>, tensor<1x4x8xf32>)
      -> tensor<1x4x8x16xf16>, tensor<1x4x8xf32>
  return %r#0, %r#1 : tensor<1x4x8x16xf16>, tensor<1x4x8xf32>
}
