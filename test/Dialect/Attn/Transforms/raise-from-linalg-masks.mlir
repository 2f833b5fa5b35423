// Raising: masks.
// Attention as producers write it, each after the IR of the one that is named.
// RUN: attn-opt %s --attn-raise-from-linalg --verify-diagnostics | FileCheck %s

// StableHLO: iota, compare and select, fused into one generic.
// CHECK-LABEL: func @causal_by_index(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
// CHECK-SAME:      scale(2.500000e-01)
func.func @causal_by_index(%q: tensor<8x8x16xf32>,
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
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// The other way round: scores above the diagonal are replaced.
// CHECK-LABEL: func @causal_by_inverse(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
// CHECK-SAME:      scale(2.500000e-01)
func.func @causal_by_inverse(%q: tensor<8x8x16xf32>,
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
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi ult, %i, %j : index
    %y = arith.select %c, %cst2, %x0 : f32
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

// Causal with the last row at the last key, as PyTorch's causal_lower_right.
// CHECK-LABEL: func @causal_bottom_right(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
// CHECK-SAME:      q_offset(4)
func.func @causal_bottom_right(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 0xFF800000 : f32
  %cst2 = arith.constant 4 : index
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
    %o2 = arith.addi %i, %cst2 : index
    %c = arith.cmpi sge, %o2, %j : index
    %y = arith.select %c, %x0, %cst3 : f32
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

// Mistral: a window of 3 keys that ends with the row.
// CHECK-LABEL: func @sliding_window(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.sliding_window<2, 0>)
func.func @sliding_window(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 0xFF800000 : f32
  %cst2 = arith.constant 3 : index
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
    %below = arith.cmpi sle, %j, %i : index
    %w = arith.subi %i, %cst2 : index
    %near = arith.cmpi sgt, %j, %w : index
    %c = arith.andi %below, %near : i1
    %y = arith.select %c, %x0, %cst3 : f32
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

// JAX: constant iotas compared, then broadcast over heads.
// CHECK-LABEL: func @causal_by_iota(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
func.func @causal_by_iota(%q: tensor<8x8x16xf32>,
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
  %7 = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xi32>
  %8 = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]> : tensor<12xi32>
  %9 = tensor.empty() : tensor<8x12xi1>
  %10 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a)>, affine_map<(a, b) -> (b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%7, %8 : tensor<8xi32>, tensor<12xi32>) outs(%9 : tensor<8x12xi1>) {
  ^bb0(%x0: i32, %x1: i32, %o: i1):
    %y = arith.cmpi sge, %x0, %x1 : i32
    linalg.yield %y : i1
  } -> tensor<8x12xi1>
  %11 = tensor.empty() : tensor<8x8x12xf32>
  %12 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%10, %6 : tensor<8x12xi1>, tensor<8x8x12xf32>) outs(%11 : tensor<8x8x12xf32>) {
  ^bb0(%x0: i1, %x1: f32, %o: f32):
    %y = arith.select %x0, %x1, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %13 = tensor.empty() : tensor<8x8x12xf32>
  %14 = linalg.softmax dimension(2) ins(%12 : tensor<8x8x12xf32>)
      outs(%13 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %15 = tensor.empty() : tensor<8x8x16xf32>
  %16 = linalg.fill ins(%cst0 : f32) outs(%15 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %17 = linalg.batch_matmul ins(%14, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%16 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %17 : tensor<8x8x16xf32>
}

// torch-mlir: a causal buffer, exported as a literal.
// CHECK-LABEL: func @causal_by_constant(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
func.func @causal_by_constant(%q: tensor<8x8x16xf32>,
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
  %7 = arith.constant dense<[[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]]> : tensor<8x12xi1>
  %8 = tensor.empty() : tensor<8x8x12xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%7, %6 : tensor<8x12xi1>, tensor<8x8x12xf32>) outs(%8 : tensor<8x8x12xf32>) {
  ^bb0(%x0: i1, %x1: f32, %o: f32):
    %y = arith.select %x0, %x1, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.softmax dimension(2) ins(%9 : tensor<8x8x12xf32>)
      outs(%10 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8x16xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %14 = linalg.batch_matmul ins(%11, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%13 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %14 : tensor<8x8x16xf32>
}

// ONNX importers: a constant of 0 and -inf is added.
// CHECK-LABEL: func @causal_by_added_constant(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
// CHECK-NOT:     bias
func.func @causal_by_added_constant(%q: tensor<8x8x16xf32>,
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
  %7 = arith.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000]]> : tensor<8x12xf32>
  %8 = tensor.empty() : tensor<8x8x12xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %7 : tensor<8x8x12xf32>, tensor<8x12xf32>) outs(%8 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.addf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.softmax dimension(2) ins(%9 : tensor<8x8x12xf32>)
      outs(%10 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8x16xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %14 = linalg.batch_matmul ins(%11, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%13 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %14 : tensor<8x8x16xf32>
}

// torch-mlir: masked_fill of zeros, then added.
// CHECK-LABEL: func @causal_by_added_select(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.causal)
func.func @causal_by_added_select(%q: tensor<8x8x16xf32>,
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

// PyTorch _safe_softmax: a row without a visible key gives 0, as attention does.
// CHECK-LABEL: func @safe_softmax(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.dense<0>)
// CHECK-SAME:      mask_operands(%{{.*}} : tensor<8x1x8x12xi1>)
func.func @safe_softmax(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %mask: tensor<8x8x12xi1>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant true
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
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%mask, %6 : tensor<8x8x12xi1>, tensor<8x8x12xf32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: i1, %x1: f32, %o: f32):
    %y = arith.select %x0, %x1, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.softmax dimension(2) ins(%8 : tensor<8x8x12xf32>)
      outs(%9 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x12xi1>
  %12 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%11 : tensor<8x8x12xi1>) {
  ^bb0(%x0: f32, %o: i1):
    %y = arith.cmpf oeq, %x0, %cst2 : f32
    linalg.yield %y : i1
  } -> tensor<8x8x12xi1>
  %13 = tensor.empty() : tensor<8x8xi1>
  %14 = linalg.fill ins(%cst3 : i1) outs(%13 : tensor<8x8xi1>) -> tensor<8x8xi1>
  %15 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%12 : tensor<8x8x12xi1>) outs(%14 : tensor<8x8xi1>) {
  ^bb0(%x0: i1, %o: i1):
    %y = arith.andi %x0, %o : i1
    linalg.yield %y : i1
  } -> tensor<8x8xi1>
  %16 = tensor.empty() : tensor<8x8x12xf32>
  %17 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%10, %15 : tensor<8x8x12xf32>, tensor<8x8xi1>) outs(%16 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: i1, %o: f32):
    %y = arith.select %x1, %cst0, %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %18 = tensor.empty() : tensor<8x8x16xf32>
  %19 = linalg.fill ins(%cst0 : f32) outs(%18 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %20 = linalg.batch_matmul ins(%17, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%19 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %20 : tensor<8x8x16xf32>
}

// rocMLIR: max(max, lowest) and max(sum, 1) give 0 in a row without a visible key.
// CHECK-LABEL: func @guarded_maximum_and_sum(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.dense<0>)
// CHECK-SAME:      mask_operands(%{{.*}} : tensor<1x1x8x12xi1>)
func.func @guarded_maximum_and_sum(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %mask: tensor<8x12xi1>)
    -> tensor<8x8x16xf32> {
  %cst4 = arith.constant 1.0 : f32
  %cst3 = arith.constant -3.40282347E+38 : f32
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
  %9 = tensor.empty() : tensor<8x8xf32>
  %10 = linalg.fill ins(%cst2 : f32) outs(%9 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%10 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%11 : tensor<8x8xf32>) outs(%12 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %cst3 : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %14 = tensor.empty() : tensor<8x8x12xf32>
  %15 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8, %13 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%14 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %16 = tensor.empty() : tensor<8x8xf32>
  %17 = linalg.fill ins(%cst0 : f32) outs(%16 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %18 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%15 : tensor<8x8x12xf32>) outs(%17 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %19 = tensor.empty() : tensor<8x8xf32>
  %20 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%18 : tensor<8x8xf32>) outs(%19 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %cst4 : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %21 = tensor.empty() : tensor<8x8x12xf32>
  %22 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%15, %20 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%21 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %23 = tensor.empty() : tensor<8x8x16xf32>
  %24 = linalg.fill ins(%cst0 : f32) outs(%23 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %25 = linalg.batch_matmul ins(%22, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%24 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %25 : tensor<8x8x16xf32>
}

// Lengths of padded sequences, guarded.
// CHECK-LABEL: func @lengths(
// CHECK:         attn.attention ins(
// CHECK-SAME:      kv_lens(%{{.*}} : tensor<8xi32>)
func.func @lengths(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %lens: tensor<8xi32>)
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
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %lens : tensor<8x8x12xf32>, tensor<8xi32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: i32, %o: f32):
    %j = linalg.index 2 : index
    %l = arith.index_cast %x1 : i32 to index
    %c = arith.cmpi slt, %j, %l : index
    %y = arith.select %c, %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8xf32>
  %10 = linalg.fill ins(%cst2 : f32) outs(%9 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%10 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%11 : tensor<8x8xf32>) outs(%12 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %c = arith.cmpf oeq, %x0, %cst2 : f32
    %y = arith.select %c, %cst0, %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %14 = tensor.empty() : tensor<8x8x12xf32>
  %15 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8, %13 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%14 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %16 = tensor.empty() : tensor<8x8xf32>
  %17 = linalg.fill ins(%cst0 : f32) outs(%16 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %18 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%15 : tensor<8x8x12xf32>) outs(%17 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %19 = tensor.empty() : tensor<8x8xf32>
  %20 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%18 : tensor<8x8xf32>) outs(%19 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %c = arith.cmpf oeq, %x0, %cst0 : f32
    %y = arith.select %c, %cst3, %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %21 = tensor.empty() : tensor<8x8x12xf32>
  %22 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%15, %20 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%21 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %23 = tensor.empty() : tensor<8x8x16xf32>
  %24 = linalg.fill ins(%cst0 : f32) outs(%23 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %25 = linalg.batch_matmul ins(%22, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%24 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %25 : tensor<8x8x16xf32>
}

// JAX splash attention's segment ids, guarded.
// CHECK-LABEL: func @segments(
// CHECK:         attn.attention ins(
// CHECK-SAME:      mask(#attn.segments<q = 0, kv = 1>)
// CHECK-SAME:      mask_operands(%{{.*}}, %{{.*}} : tensor<8x8xi32>, tensor<8x12xi32>)
func.func @segments(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %sq: tensor<8x8xi32>,
    %skv: tensor<8x12xi32>)
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
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %sq, %skv : tensor<8x8x12xf32>, tensor<8x8xi32>, tensor<8x12xi32>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: i32, %x2: i32, %o: f32):
    %c = arith.cmpi eq, %x1, %x2 : i32
    %y = arith.select %c, %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8xf32>
  %10 = linalg.fill ins(%cst2 : f32) outs(%9 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%10 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%11 : tensor<8x8xf32>) outs(%12 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %c = arith.cmpf oeq, %x0, %cst2 : f32
    %y = arith.select %c, %cst0, %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %14 = tensor.empty() : tensor<8x8x12xf32>
  %15 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8, %13 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%14 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %16 = tensor.empty() : tensor<8x8xf32>
  %17 = linalg.fill ins(%cst0 : f32) outs(%16 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %18 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%15 : tensor<8x8x12xf32>) outs(%17 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %19 = tensor.empty() : tensor<8x8xf32>
  %20 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%18 : tensor<8x8xf32>) outs(%19 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %c = arith.cmpf oeq, %x0, %cst0 : f32
    %y = arith.select %c, %cst3, %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8xf32>
  %21 = tensor.empty() : tensor<8x8x12xf32>
  %22 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%15, %20 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%21 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %23 = tensor.empty() : tensor<8x8x16xf32>
  %24 = linalg.fill ins(%cst0 : f32) outs(%23 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %25 = linalg.batch_matmul ins(%22, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%24 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %25 : tensor<8x8x16xf32>
}
