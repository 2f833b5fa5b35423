// Raising: scales, softcaps, biases and forms of the exponential.
// Attention as producers write it, each after the IR of the one that is named.
// RUN: attn-opt %s --attn-raise-from-linalg --verify-diagnostics | FileCheck %s

// JAX: q * scale in front of the product.
// CHECK-LABEL: func @scaled_query(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @scaled_query(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.0 : f32
  %cst0 = arith.constant 0.25 : f32
  %0 = tensor.empty() : tensor<8x8x16xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q : tensor<8x8x16xf32>) outs(%0 : tensor<8x8x16xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x16xf32>
  %2 = tensor.empty() : tensor<8x16x12xf32>
  %3 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%2 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %4 = tensor.empty() : tensor<8x8x12xf32>
  %5 = linalg.fill ins(%cst1 : f32) outs(%4 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %6 = linalg.batch_matmul ins(%1, %3 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%5 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst1 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// PyTorch's math attention: q and k times the square root of the scale each.
// CHECK-LABEL: func @square_roots_of_the_scale(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @square_roots_of_the_scale(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.0 : f32
  %cst0 = arith.constant 0.5 : f32
  %0 = tensor.empty() : tensor<8x8x16xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q : tensor<8x8x16xf32>) outs(%0 : tensor<8x8x16xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x16xf32>
  %2 = tensor.empty() : tensor<8x12x16xf32>
  %3 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%k : tensor<8x12x16xf32>) outs(%2 : tensor<8x12x16xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst0 : f32
    linalg.yield %y : f32
  } -> tensor<8x12x16xf32>
  %4 = tensor.empty() : tensor<8x16x12xf32>
  %5 = linalg.transpose ins(%3 : tensor<8x12x16xf32>) outs(%4 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %6 = tensor.empty() : tensor<8x8x12xf32>
  %7 = linalg.fill ins(%cst1 : f32) outs(%6 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %8 = linalg.batch_matmul ins(%1, %5 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst1 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// Hugging Face: scores / sqrt(d).
// CHECK-LABEL: func @divided_scores(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @divided_scores(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 4.0 : f32
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
    %y = arith.divf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// A scale that is an argument.
// CHECK-LABEL: func @scalar_scale(
// CHECK:         attn.attention ins(
// CHECK-SAME:      dynamic_scale(%arg3)
func.func @scalar_scale(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %scale: f32)
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
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %scale : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// MIGraphX, rocMLIR: the scale as a splat constant, arithmetic on tensors.
// CHECK-LABEL: func @splat_scale(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @splat_scale(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = arith.constant dense<0.25> : tensor<8x8x12xf32>
  %6 = arith.mulf %4, %5 : tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// No scale at all.
// CHECK-LABEL: func @no_scale(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(1.000000e+00)
func.func @no_scale(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
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
  %6 = linalg.softmax dimension(2) ins(%4 : tensor<8x8x12xf32>)
      outs(%5 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x16xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %9 = linalg.batch_matmul ins(%6, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%8 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %9 : tensor<8x8x16xf32>
}

// Hugging Face BERT: (1 - mask) * -10000 is no boolean mask and stays a bias.
// CHECK-LABEL: func @padding_bias(
// CHECK:         attn.attention ins(
// CHECK-NOT:     mask
// CHECK-SAME:      bias(%{{.*}} : tensor<8x1x1x12xf32>)
func.func @padding_bias(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %mask: tensor<8x12xi64>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant -1.0e+04 : f32
  %cst2 = arith.constant 1.0 : f32
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
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %mask : tensor<8x8x12xf32>, tensor<8x12xi64>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: i64, %o: f32):
    %m = arith.sitofp %x1 : i64 to f32
    %n = arith.subf %cst2, %m : f32
    %b = arith.mulf %n, %cst3 : f32
    %y = arith.addf %x0, %b : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// An added mask of -1e9 stays a bias: in a row that sees little it counts.
// CHECK-LABEL: func @finite_causal_bias(
// CHECK:         attn.attention ins(
// CHECK-NOT:     mask
// CHECK-SAME:      bias(%{{.*}} : tensor<1x1x8x12xf32>)
func.func @finite_causal_bias(%q: tensor<8x8x16xf32>,
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
    %m = arith.select %c, %cst0, %cst2 : f32
    %y = arith.addf %x0, %m : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// Gemma 2: tanh(scores / 50) * 50, then the mask.
// CHECK-LABEL: func @softcap(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
// CHECK-SAME:      scale(2.500000e-01)
// CHECK-SAME:      softcap(5.000000e+01)
func.func @softcap(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 0xFF800000 : f32
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
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %cst3 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x12xf32>
  %12 = linalg.softmax dimension(2) ins(%10 : tensor<8x8x12xf32>)
      outs(%11 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %13 = tensor.empty() : tensor<8x8x16xf32>
  %14 = linalg.fill ins(%cst0 : f32) outs(%13 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %15 = linalg.batch_matmul ins(%12, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%14 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %15 : tensor<8x8x16xf32>
}

// The same after folding: the scale and 1/50 are one constant.
// CHECK-LABEL: func @softcap_with_folded_scale(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01) softcap(5.000000e+01)
func.func @softcap_with_folded_scale(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 50.0 : f32
  %cst1 = arith.constant 0.005 : f32
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
    %d = arith.mulf %x0, %cst1 : f32
    %t = math.tanh %d : f32
    %y = arith.mulf %t, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// Triton-like importers: exp2 of scores times log2(e).
// CHECK-LABEL: func @base_two(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @base_two(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 0xFF800000 : f32
  %cst2 = arith.constant 1.44269502 : f32
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
    %y = arith.mulf %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8xf32>
  %10 = linalg.fill ins(%cst3 : f32) outs(%9 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%10 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %12 = tensor.empty() : tensor<8x8x12xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8, %11 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%12 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp2 %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %14 = tensor.empty() : tensor<8x8xf32>
  %15 = linalg.fill ins(%cst0 : f32) outs(%14 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %16 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%13 : tensor<8x8x12xf32>) outs(%15 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %17 = tensor.empty() : tensor<8x8x12xf32>
  %18 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%13, %16 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%17 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %19 = tensor.empty() : tensor<8x8x16xf32>
  %20 = linalg.fill ins(%cst0 : f32) outs(%19 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %21 = linalg.batch_matmul ins(%18, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%20 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %21 : tensor<8x8x16xf32>
}

// The same with scale * log2(e) in one constant.
// CHECK-LABEL: func @base_two_folded(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @base_two_folded(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 0xFF800000 : f32
  %cst1 = arith.constant 0.360673755 : f32
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
  %7 = tensor.empty() : tensor<8x8xf32>
  %8 = linalg.fill ins(%cst2 : f32) outs(%7 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%8 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %9 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%10 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp2 %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %14 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%11 : tensor<8x8x12xf32>) outs(%13 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %15 = tensor.empty() : tensor<8x8x12xf32>
  %16 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%11, %14 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%15 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %17 = tensor.empty() : tensor<8x8x16xf32>
  %18 = linalg.fill ins(%cst0 : f32) outs(%17 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %19 = linalg.batch_matmul ins(%16, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%18 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %19 : tensor<8x8x16xf32>
}

// TOSA to linalg: softmax ends with reciprocal and mul.
// CHECK-LABEL: func @reciprocal(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
// CHECK-NOT:     linalg.generic
func.func @reciprocal(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 1.0 : f32
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
  %7 = tensor.empty() : tensor<8x8xf32>
  %8 = linalg.fill ins(%cst2 : f32) outs(%7 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%8 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %9 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%10 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %14 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%11 : tensor<8x8x12xf32>) outs(%13 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %15 = tensor.empty() : tensor<8x8xf32>
  %16 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%14 : tensor<8x8xf32>) outs(%15 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.divf %cst3, %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %17 = tensor.empty() : tensor<8x8x12xf32>
  %18 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%11, %16 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%17 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.mulf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %19 = tensor.empty() : tensor<8x8x16xf32>
  %20 = linalg.fill ins(%cst0 : f32) outs(%19 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %21 = linalg.batch_matmul ins(%18, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%20 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %21 : tensor<8x8x16xf32>
}

// IREE's decomposed online attention: the division comes last.
// CHECK-LABEL: func @division_after_the_product(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
// CHECK-NOT:     linalg.generic
func.func @division_after_the_product(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
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
  %7 = tensor.empty() : tensor<8x8xf32>
  %8 = linalg.fill ins(%cst2 : f32) outs(%7 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%8 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %9 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%10 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %14 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%11 : tensor<8x8x12xf32>) outs(%13 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %15 = tensor.empty() : tensor<8x8x16xf32>
  %16 = linalg.fill ins(%cst0 : f32) outs(%15 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %17 = linalg.batch_matmul ins(%11, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%16 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %18 = tensor.empty() : tensor<8x8x16xf32>
  %19 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%17, %14 : tensor<8x8x16xf32>, tensor<8x8xf32>) outs(%18 : tensor<8x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x16xf32>
  return %19 : tensor<8x8x16xf32>
}

// exp without taking the maximum off: the same numbers, where they do not overflow.
// CHECK-LABEL: func @no_maximum(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @no_maximum(%q: tensor<8x8x16xf32>,
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
    %y = math.exp %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%10 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %12 = tensor.empty() : tensor<8x8x12xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8, %11 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%12 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %14 = tensor.empty() : tensor<8x8x16xf32>
  %15 = linalg.fill ins(%cst0 : f32) outs(%14 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %16 = linalg.batch_matmul ins(%13, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%15 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %16 : tensor<8x8x16xf32>
}

// torch-mlir before -inf: the maximum starts with the lowest float; maxnumf.
// CHECK-LABEL: func @maximum_from_lowest(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @maximum_from_lowest(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant -3.40282347E+38 : f32
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
  %7 = tensor.empty() : tensor<8x8xf32>
  %8 = linalg.fill ins(%cst2 : f32) outs(%7 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%8 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maxnumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %9 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%10 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %14 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%11 : tensor<8x8x12xf32>) outs(%13 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %15 = tensor.empty() : tensor<8x8x12xf32>
  %16 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%11, %14 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%15 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %17 = tensor.empty() : tensor<8x8x16xf32>
  %18 = linalg.fill ins(%cst0 : f32) outs(%17 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %19 = linalg.batch_matmul ins(%16, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%18 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %19 : tensor<8x8x16xf32>
}
