// Not raised: scores, masks and biases that are others than attention's. Each function stays as it was, and a remark says why.
// RUN: attn-opt %s --attn-raise-from-linalg --verify-diagnostics | FileCheck %s

// Hugging Face masked_fill with a large number: a row that sees nothing gives a
// mean, not 0.
// CHECK-LABEL: func @finite_sentinel(
// CHECK-NOT:     attn.attention
func.func @finite_sentinel(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant -1.0e+09 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{masked scores are -1e+09, not -inf}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A boolean mask that may hide whole rows, which plain softmax makes NaN.
// CHECK-LABEL: func @runtime_mask(
// CHECK-NOT:     attn.attention
func.func @runtime_mask(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %mask: tensor<8x12xi1>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 0xFF800000 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%mask, %6 : tensor<8x12xi1>, tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: i1, %x1: f32, %o: f32):
    %y = arith.select %x0, %x1, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{a row without a visible key would be NaN here and 0 in attention}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// torch-mlir attn_mask of a float type: it may be -inf everywhere in a row.
// CHECK-LABEL: func @runtime_bias(
// CHECK-NOT:     attn.attention
func.func @runtime_bias(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %bias: tensor<8x8x12xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %bias : tensor<8x8x12xf32>, tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.addf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{a row whose bias is -inf everywhere would be NaN}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// Early ALiBi code: (scores + bias) * scale.
// CHECK-LABEL: func @scale_after_bias(
// CHECK-NOT:     attn.attention
func.func @scale_after_bias(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %bias: tensor<8x8x12xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4, %bias : tensor<8x8x12xf32>, tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.addf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the scale also multiplies a term that is added to the score}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A mask in front of tanh: hidden scores become -50.
// CHECK-LABEL: func @mask_before_softcap(
// CHECK-NOT:     attn.attention
func.func @mask_before_softcap(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 50.0 : f32
  %cst2 = arith.constant 0xFF800000 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%9 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %d = arith.divf %x0, %cst3 : f32
    %t = math.tanh %d : f32
    %y = arith.mulf %t, %cst3 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x12xf32>
  %12 = linalg.softmax dimension(2) ins(%10 : tensor<8x8x12xf32>)
      outs(%11 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %13 = tensor.empty() : tensor<8x8x16xf32>
  %14 = linalg.fill ins(%cst0 : f32) outs(%13 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{a mask lies before the softcap}}
  %15 = linalg.batch_matmul ins(%12, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%14 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %15 : tensor<8x8x16xf32>
}

// A bias in front of tanh.
// CHECK-LABEL: func @bias_before_softcap(
// CHECK-NOT:     attn.attention
func.func @bias_before_softcap(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %bias: tensor<8x8x12xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 50.0 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %bias : tensor<8x8x12xf32>, tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.addf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%9 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %d = arith.divf %x0, %cst2 : f32
    %t = math.tanh %d : f32
    %y = arith.mulf %t, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x12xf32>
  %12 = linalg.softmax dimension(2) ins(%10 : tensor<8x8x12xf32>)
      outs(%11 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %13 = tensor.empty() : tensor<8x8x16xf32>
  %14 = linalg.fill ins(%cst0 : f32) outs(%13 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{a term is added before the softcap}}
  %15 = linalg.batch_matmul ins(%12, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%14 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %15 : tensor<8x8x16xf32>
}

// MIGraphX: clip of the scores.
// CHECK-LABEL: func @clamped_scores(
// CHECK-NOT:     attn.attention
func.func @clamped_scores(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 1.0e+04 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.minimumf %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score goes through 'arith.minimumf'}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// Scores behind a ReLU.
// CHECK-LABEL: func @relu_scores(
// CHECK-NOT:     attn.attention
func.func @relu_scores(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %cst0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score goes through 'arith.maximumf'}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A learned temperature per head.
// CHECK-LABEL: func @scale_per_head(
// CHECK-NOT:     attn.attention
func.func @scale_per_head(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %t: tensor<8xf32>)
    -> tensor<8x8x16xf32> {
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4, %t : tensor<8x8x12xf32>, tensor<8xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.mulf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score is multiplied by a tensor}}
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// A run-time softcap: attention has none where it is not positive.
// CHECK-LABEL: func @runtime_softcap(
// CHECK-NOT:     attn.attention
func.func @runtime_softcap(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %cap: f32)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %d = arith.divf %x0, %cap : f32
    %t = math.tanh %d : f32
    %y = arith.mulf %t, %cap : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the run-time softcap may not be positive}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A softcap of a softcap.
// CHECK-LABEL: func @two_softcaps(
// CHECK-NOT:     attn.attention
func.func @two_softcaps(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 50.0 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %d = arith.divf %x0, %cst2 : f32
    %t = math.tanh %d : f32
    %y = arith.mulf %t, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%9 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %d = arith.divf %x0, %cst2 : f32
    %t = math.tanh %d : f32
    %y = arith.mulf %t, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x12xf32>
  %12 = linalg.softmax dimension(2) ins(%10 : tensor<8x8x12xf32>)
      outs(%11 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %13 = tensor.empty() : tensor<8x8x16xf32>
  %14 = linalg.fill ins(%cst0 : f32) outs(%13 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score is capped twice}}
  %15 = linalg.batch_matmul ins(%12, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%14 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %15 : tensor<8x8x16xf32>
}

// Sparse attention: small scores are dropped.
// CHECK-LABEL: func @threshold(
// CHECK-NOT:     attn.attention
func.func @threshold(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 0.5 : f32
  %cst2 = arith.constant 0xFF800000 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %c = arith.cmpf ogt, %x0, %cst3 : f32
    %y = arith.select %c, %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{a mask or a term of the score depends on the score}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// Causal with the last row at the last key and more rows than keys: the first rows
// see nothing.
// CHECK-LABEL: func @causal_with_hidden_rows(
// CHECK-NOT:     attn.attention
func.func @causal_with_hidden_rows(%q: tensor<8x12x16xf32>,
    %k: tensor<8x8x16xf32>,
    %v: tensor<8x8x16xf32>)
    -> tensor<8x12x16xf32> {
  %cst3 = arith.constant 0xFF800000 : f32
  %cst2 = arith.constant 4 : index
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x8xf32>
  %1 = linalg.transpose ins(%k : tensor<8x8x16xf32>) outs(%0 : tensor<8x16x8xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x12x8xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x12x8xf32>) -> tensor<8x12x8xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x12x16xf32>, tensor<8x16x8xf32>)
      outs(%3 : tensor<8x12x8xf32>) -> tensor<8x12x8xf32>
  %5 = tensor.empty() : tensor<8x12x8xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x12x8xf32>) outs(%5 : tensor<8x12x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x12x8xf32>
  %7 = tensor.empty() : tensor<8x12x8xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x12x8xf32>) outs(%7 : tensor<8x12x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %o2 = arith.subi %i, %cst2 : index
    %c = arith.cmpi sle, %j, %o2 : index
    %y = arith.select %c, %x0, %cst3 : f32
    linalg.yield %y : f32
  } -> tensor<8x12x8xf32>
  %9 = tensor.empty() : tensor<8x12x8xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x12x8xf32>)
      outs(%9 : tensor<8x12x8xf32>) -> tensor<8x12x8xf32>
  %11 = tensor.empty() : tensor<8x12x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x12x16xf32>) -> tensor<8x12x16xf32>
  // expected-remark@+1 {{a row without a visible key would be NaN}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x12x8xf32>, tensor<8x8x16xf32>)
      outs(%12 : tensor<8x12x16xf32>) -> tensor<8x12x16xf32>
  return %13 : tensor<8x12x16xf32>
}

// A negative scale behind the mask shows what was hidden.
// CHECK-LABEL: func @mask_before_negative_scale(
// CHECK-NOT:     attn.attention
func.func @mask_before_negative_scale(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant -0.25 : f32
  %cst1 = arith.constant 0xFF800000 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{a mask lies before a scale that is not known to be positive}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A run-time scale behind the mask.
// CHECK-LABEL: func @mask_before_runtime_scale(
// CHECK-NOT:     attn.attention
func.func @mask_before_runtime_scale(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %scale: f32)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0xFF800000 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %scale : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{a mask lies before a scale that is not known to be positive}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A distance kernel: bias - scores.
// CHECK-LABEL: func @bias_minus_scores(
// CHECK-NOT:     attn.attention
func.func @bias_minus_scores(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %bias: tensor<8x8x12xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %bias : tensor<8x8x12xf32>, tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.subf %x1, %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score is subtracted}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// Scores chosen from two products.
// CHECK-LABEL: func @two_masks(
// CHECK-NOT:     attn.attention
func.func @two_masks(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %k2: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x16x12xf32>
  %6 = linalg.transpose ins(%k2 : tensor<8x12x16xf32>) outs(%5 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = linalg.batch_matmul ins(%q, %6 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%8 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4, %9 : tensor<8x8x12xf32>, tensor<8x8x12xf32>) outs(%10 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8x12xf32>
  %13 = linalg.softmax dimension(2) ins(%11 : tensor<8x8x12xf32>)
      outs(%12 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %14 = tensor.empty() : tensor<8x8x16xf32>
  %15 = linalg.fill ins(%cst0 : f32) outs(%14 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score is chosen from two}}
  %16 = linalg.batch_matmul ins(%13, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%15 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %16 : tensor<8x8x16xf32>
}
