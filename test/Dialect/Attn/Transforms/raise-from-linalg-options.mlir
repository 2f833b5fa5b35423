// What raising takes on the user's word, and only then.
// Without the options there is a remark: raise-from-linalg-invalid-scores.mlir.
// RUN: attn-opt %s --attn-raise-from-linalg="assume-visible-rows assume-sentinels-hide" 2>&1 \
// RUN:   | FileCheck %s --implicit-check-not=remark

#ids = affine_map<(n, i, j) -> (n, i, j)>

// CHECK-LABEL: func @runtime_bias(
// CHECK:         attn.attention ins(
// CHECK-SAME:      bias(%{{.*}} : tensor<8x1x8x12xf32>)
func.func @runtime_bias(%q: tensor<8x8x16xf32>, %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>, %bias: tensor<8x8x12xf32>)
    -> tensor<8x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %s_init = tensor.empty() : tensor<8x8x12xf32>
  %s_zero = linalg.fill ins(%zero : f32) outs(%s_init : tensor<8x8x12xf32>)
      -> tensor<8x8x12xf32>
  %s = linalg.batch_matmul indexing_maps = [
      affine_map<(n, i, j, d) -> (n, i, d)>,
      affine_map<(n, i, j, d) -> (n, j, d)>,
      affine_map<(n, i, j, d) -> (n, i, j)>]
      ins(%q, %k : tensor<8x8x16xf32>, tensor<8x12x16xf32>)
      outs(%s_zero : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %biased = linalg.add ins(%s, %bias : tensor<8x8x12xf32>, tensor<8x8x12xf32>)
      outs(%s_init : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %p = linalg.softmax dimension(2) ins(%biased : tensor<8x8x12xf32>)
      outs(%s_init : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %o_init = tensor.empty() : tensor<8x8x16xf32>
  %o_zero = linalg.fill ins(%zero : f32) outs(%o_init : tensor<8x8x16xf32>)
      -> tensor<8x8x16xf32>
  %o = linalg.batch_matmul
      ins(%p, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%o_zero : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %o : tensor<8x8x16xf32>
}

// A position that is known at run time only: Hugging Face with a KV cache.
// CHECK-LABEL: func @cache_position(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
// CHECK-SAME:      dynamic_q_offset(%{{.*}} : i64)
func.func @cache_position(%q: tensor<8x8x16xf32>, %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>, %first: i64) -> tensor<8x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant -3.40282347E+38 : f32
  %s_init = tensor.empty() : tensor<8x8x12xf32>
  %s_zero = linalg.fill ins(%zero : f32) outs(%s_init : tensor<8x8x12xf32>)
      -> tensor<8x8x12xf32>
  %s = linalg.batch_matmul indexing_maps = [
      affine_map<(n, i, j, d) -> (n, i, d)>,
      affine_map<(n, i, j, d) -> (n, j, d)>,
      affine_map<(n, i, j, d) -> (n, i, j)>]
      ins(%q, %k : tensor<8x8x16xf32>, tensor<8x12x16xf32>)
      outs(%s_zero : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %masked = linalg.generic {indexing_maps = [#ids, #ids],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<8x8x12xf32>) outs(%s_init : tensor<8x8x12xf32>) {
  ^bb0(%x: f32, %init: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %row = arith.index_cast %i : index to i64
    %key = arith.index_cast %j : index to i64
    %position = arith.addi %row, %first : i64
    %visible = arith.cmpi sle, %key, %position : i64
    %y = arith.select %visible, %x, %lowest : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %p = linalg.softmax dimension(2) ins(%masked : tensor<8x8x12xf32>)
      outs(%s_init : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %o_init = tensor.empty() : tensor<8x8x16xf32>
  %o_zero = linalg.fill ins(%zero : f32) outs(%o_init : tensor<8x8x16xf32>)
      -> tensor<8x8x16xf32>
  %o = linalg.batch_matmul
      ins(%p, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%o_zero : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %o : tensor<8x8x16xf32>
}
