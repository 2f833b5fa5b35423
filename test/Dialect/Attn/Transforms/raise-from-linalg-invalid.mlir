// Not raised: products and softmax that are others than attention's. Each function stays as it was, and a remark says why.
// RUN: attn-opt %s --attn-raise-from-linalg --verify-diagnostics | FileCheck %s

// A debugging hook returns the scores: they would be computed all the same.
// CHECK-LABEL: func @scores_are_returned(
// CHECK-NOT:     attn.attention
func.func @scores_are_returned(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> (tensor<8x8x16xf32>, tensor<8x8x12xf32>) {
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
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{not raised to attn.attention: scores or weights are also used by 'func.return'}}
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11, %6 : tensor<8x8x16xf32>, tensor<8x8x12xf32>
}

// Hugging Face output_attentions=True.
// CHECK-LABEL: func @weights_are_returned(
// CHECK-NOT:     attn.attention
func.func @weights_are_returned(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> (tensor<8x8x16xf32>, tensor<8x8x12xf32>) {
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
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{scores or weights are also used by 'func.return'}}
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11, %8 : tensor<8x8x16xf32>, tensor<8x8x12xf32>
}

// A softmax over the query rows, as a wrong dim in torch.softmax gives.
// CHECK-LABEL: func @softmax_over_rows(
// CHECK-NOT:     attn.attention
func.func @softmax_over_rows(%q: tensor<8x12x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x12x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x12x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x12x12xf32>) -> tensor<8x12x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x12x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x12x12xf32>) -> tensor<8x12x12xf32>
  %5 = tensor.empty() : tensor<8x12x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x12x12xf32>) outs(%5 : tensor<8x12x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x12x12xf32>
  %7 = tensor.empty() : tensor<8x12x12xf32>
  %8 = linalg.softmax dimension(1) ins(%6 : tensor<8x12x12xf32>)
      outs(%7 : tensor<8x12x12xf32>) -> tensor<8x12x12xf32>
  %9 = tensor.empty() : tensor<8x12x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x12x16xf32>) -> tensor<8x12x16xf32>
  // expected-remark@+1 {{the softmax does not run over the keys that the second product sums over}}
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x12x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x12x16xf32>) -> tensor<8x12x16xf32>
  return %11 : tensor<8x12x16xf32>
}

// Weights divided by sums over the rows.
// CHECK-LABEL: func @sum_over_rows(
// CHECK-NOT:     attn.attention
func.func @sum_over_rows(%q: tensor<8x12x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x12x16xf32> {
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf32>) outs(%0 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x12x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x12x12xf32>) -> tensor<8x12x12xf32>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x12x16xf32>, tensor<8x16x12xf32>)
      outs(%3 : tensor<8x12x12xf32>) -> tensor<8x12x12xf32>
  %5 = tensor.empty() : tensor<8x12x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x12x12xf32>) outs(%5 : tensor<8x12x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = math.exp %x0 : f32
    linalg.yield %y : f32
  } -> tensor<8x12x12xf32>
  %7 = tensor.empty() : tensor<8x12xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<8x12xf32>) -> tensor<8x12xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, c)>],
      iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%6 : tensor<8x12x12xf32>) outs(%8 : tensor<8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.addf %x0, %o : f32
    linalg.yield %y : f32
  } -> tensor<8x12xf32>
  %10 = tensor.empty() : tensor<8x12x12xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %9 : tensor<8x12x12xf32>, tensor<8x12xf32>) outs(%10 : tensor<8x12x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x12x12xf32>
  %12 = tensor.empty() : tensor<8x12x16xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x12x16xf32>) -> tensor<8x12x16xf32>
  // expected-remark@+1 {{the softmax does not run over the keys}}
  %14 = linalg.batch_matmul ins(%11, %v : tensor<8x12x12xf32>, tensor<8x12x16xf32>)
      outs(%13 : tensor<8x12x16xf32>) -> tensor<8x12x16xf32>
  return %14 : tensor<8x12x16xf32>
}

// JAX with x64: attention would round more.
// CHECK-LABEL: func @double(
// CHECK-NOT:     attn.attention
func.func @double(%q: tensor<8x8x16xf64>,
    %k: tensor<8x12x16xf64>,
    %v: tensor<8x12x16xf64>)
    -> tensor<8x8x16xf64> {
  %cst0 = arith.constant 0.0 : f64
  %0 = tensor.empty() : tensor<8x8x12xf64>
  %1 = linalg.fill ins(%cst0 : f64) outs(%0 : tensor<8x8x12xf64>) -> tensor<8x8x12xf64>
  %2 = linalg.generic {indexing_maps = [affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>, affine_map<(n, i, j, d) -> (n, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<8x8x16xf64>, tensor<8x12x16xf64>) outs(%1 : tensor<8x8x12xf64>) {
  ^bb0(%x0: f64, %x1: f64, %o: f64):
    %m = arith.mulf %x0, %x1 : f64
    %y = arith.addf %o, %m : f64
    linalg.yield %y : f64
  } -> tensor<8x8x12xf64>
  %3 = tensor.empty() : tensor<8x8x12xf64>
  %4 = linalg.softmax dimension(2) ins(%2 : tensor<8x8x12xf64>)
      outs(%3 : tensor<8x8x12xf64>) -> tensor<8x8x12xf64>
  %5 = tensor.empty() : tensor<8x8x16xf64>
  %6 = linalg.fill ins(%cst0 : f64) outs(%5 : tensor<8x8x16xf64>) -> tensor<8x8x16xf64>
  // expected-remark@+1 {{computes in a type wider than f32}}
  %7 = linalg.generic {indexing_maps = [affine_map<(n, i, d, j) -> (n, i, j)>, affine_map<(n, i, d, j) -> (n, j, d)>, affine_map<(n, i, d, j) -> (n, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%4, %v : tensor<8x8x12xf64>, tensor<8x12x16xf64>) outs(%6 : tensor<8x8x16xf64>) {
  ^bb0(%x0: f64, %x1: f64, %o: f64):
    %m = arith.mulf %x0, %x1 : f64
    %y = arith.addf %o, %m : f64
    linalg.yield %y : f64
  } -> tensor<8x8x16xf64>
  return %7 : tensor<8x8x16xf64>
}

// A sum with an epsilon added.
// CHECK-LABEL: func @epsilon(
// CHECK-NOT:     attn.attention
func.func @epsilon(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 1.0e-06 : f32
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
  %15 = tensor.empty() : tensor<8x8x12xf32>
  %16 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%11, %14 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%15 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %s = arith.addf %x1, %cst3 : f32
    %y = arith.divf %x0, %s : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %17 = tensor.empty() : tensor<8x8x16xf32>
  %18 = linalg.fill ins(%cst0 : f32) outs(%17 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{something is added to the sum of the softmax}}
  %19 = linalg.batch_matmul ins(%16, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%18 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %19 : tensor<8x8x16xf32>
}

// Weights divided by the largest one.
// CHECK-LABEL: func @divided_by_the_maximum(
// CHECK-NOT:     attn.attention
func.func @divided_by_the_maximum(%q: tensor<8x8x16xf32>,
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
  %13 = linalg.fill ins(%cst2 : f32) outs(%12 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %14 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%11 : tensor<8x8x12xf32>) outs(%13 : tensor<8x8xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.maximumf %x0, %o : f32
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
  // expected-remark@+1 {{divided by something else than their sum}}
  %19 = linalg.batch_matmul ins(%16, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%18 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %19 : tensor<8x8x16xf32>
}

// A sum of at least 2, which changes rows that see one key.
// CHECK-LABEL: func @clamped_sum(
// CHECK-NOT:     attn.attention
func.func @clamped_sum(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst3 = arith.constant 2.0 : f32
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
  %15 = tensor.empty() : tensor<8x8x12xf32>
  %16 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%11, %14 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%15 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %s = arith.maximumf %x1, %cst3 : f32
    %y = arith.divf %x0, %s : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %17 = tensor.empty() : tensor<8x8x16xf32>
  %18 = linalg.fill ins(%cst0 : f32) outs(%17 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the sum of the softmax is changed before the division}}
  %19 = linalg.batch_matmul ins(%16, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%18 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %19 : tensor<8x8x16xf32>
}

// A product that accumulates onto a residual.
// CHECK-LABEL: func @residual(
// CHECK-NOT:     attn.attention
func.func @residual(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %res: tensor<8x8x16xf32>)
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
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  // expected-remark@+1 {{the second product does not start from 0}}
  %9 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%res : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %9 : tensor<8x8x16xf32>
}

// torch-mlir in training mode: dropout of the weights.
// CHECK-LABEL: func @dropout(
// CHECK-NOT:     attn.attention
func.func @dropout(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>,
    %keep: tensor<8x8x12xf32>)
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
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8, %keep : tensor<8x8x12xf32>, tensor<8x8x12xf32>) outs(%9 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.mulf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the weights are not divided by their sum}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A sum of other exponentials than the weights.
// CHECK-LABEL: func @other_temperature(
// CHECK-NOT:     attn.attention
func.func @other_temperature(%q: tensor<8x8x16xf32>,
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
  %12 = tensor.empty() : tensor<8x8x12xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6, %9 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%12 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %e = arith.mulf %d, %cst3 : f32
    %y = math.exp %e : f32
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
      ins(%11, %16 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%17 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %y = arith.divf %x0, %x1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %19 = tensor.empty() : tensor<8x8x16xf32>
  %20 = linalg.fill ins(%cst0 : f32) outs(%19 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the softmax does not run over the keys}}
  %21 = linalg.batch_matmul ins(%18, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%20 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %21 : tensor<8x8x16xf32>
}

// ONNX QLinear models: i8 products.
// CHECK-LABEL: func @quantised(
// CHECK-NOT:     attn.attention
func.func @quantised(%q: tensor<8x8x16xi8>,
    %k: tensor<8x12x16xi8>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 0.0 : f32
  %cst1 = arith.constant 0.01 : f32
  %cst0 = arith.constant 0 : i32
  %0 = tensor.empty() : tensor<8x8x12xi32>
  %1 = linalg.fill ins(%cst0 : i32) outs(%0 : tensor<8x8x12xi32>) -> tensor<8x8x12xi32>
  %2 = linalg.generic {indexing_maps = [affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>, affine_map<(n, i, j, d) -> (n, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<8x8x16xi8>, tensor<8x12x16xi8>) outs(%1 : tensor<8x8x12xi32>) {
  ^bb0(%x0: i8, %x1: i8, %o: i32):
    %e0 = arith.extsi %x0 : i8 to i32
    %e1 = arith.extsi %x1 : i8 to i32
    %m = arith.muli %e0, %e1 : i32
    %y = arith.addi %o, %m : i32
    linalg.yield %y : i32
  } -> tensor<8x8x12xi32>
  %3 = tensor.empty() : tensor<8x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2 : tensor<8x8x12xi32>) outs(%3 : tensor<8x8x12xf32>) {
  ^bb0(%x0: i32, %o: f32):
    %y = arith.sitofp %x0 : i32 to f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf32>) outs(%5 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst2 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score goes through 'arith.sitofp'}}
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// A mask on the weights, which then do not sum to 1.
// CHECK-LABEL: func @mask_after_softmax(
// CHECK-NOT:     attn.attention
func.func @mask_after_softmax(%q: tensor<8x8x16xf32>,
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
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x12xf32>
  %10 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8 : tensor<8x8x12xf32>) outs(%9 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %cst0 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %11 = tensor.empty() : tensor<8x8x16xf32>
  %12 = linalg.fill ins(%cst0 : f32) outs(%11 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{weights are replaced by 0 for another reason}}
  %13 = linalg.batch_matmul ins(%10, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %13 : tensor<8x8x16xf32>
}

// A contraction over two dims.
// CHECK-LABEL: func @two_head_dims(
// CHECK-NOT:     attn.attention
func.func @two_head_dims(%q: tensor<8x8x4x4xf32>,
    %k: tensor<8x12x4x4xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(n, i, j, d, e) -> (n, i, d, e)>, affine_map<(n, i, j, d, e) -> (n, j, d, e)>, affine_map<(n, i, j, d, e) -> (n, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%q, %k : tensor<8x8x4x4xf32>, tensor<8x12x4x4xf32>) outs(%1 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %3 = tensor.empty() : tensor<8x8x12xf32>
  %4 = linalg.softmax dimension(2) ins(%2 : tensor<8x8x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x16xf32>
  %6 = linalg.fill ins(%cst0 : f32) outs(%5 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the first product sums over more than one dim}}
  %7 = linalg.batch_matmul ins(%4, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%6 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %7 : tensor<8x8x16xf32>
}

// Values that all batches share, keys that they do not.
// CHECK-LABEL: func @values_of_all_batches(
// CHECK-NOT:     attn.attention
func.func @values_of_all_batches(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<12x16xf32>)
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
  %8 = linalg.softmax dimension(2) ins(%6 : tensor<8x8x12xf32>)
      outs(%7 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{k and v have no form with dims for batch, head, key and head dim}}
  %11 = linalg.generic {indexing_maps = [affine_map<(n, i, d, j) -> (n, i, j)>, affine_map<(n, i, d, j) -> (j, d)>, affine_map<(n, i, d, j) -> (n, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%8, %v : tensor<8x8x12xf32>, tensor<12x16xf32>) outs(%10 : tensor<8x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// A Gaussian kernel: sums of (q - k) squared.
// CHECK-LABEL: func @squared_distance(
// CHECK-NOT:     attn.attention
func.func @squared_distance(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>, affine_map<(n, i, j, d) -> (n, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<8x8x16xf32>, tensor<8x12x16xf32>) outs(%1 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %m = arith.mulf %d, %d : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %3 = tensor.empty() : tensor<8x8x12xf32>
  %4 = linalg.softmax dimension(2) ins(%2 : tensor<8x8x12xf32>)
      outs(%3 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x16xf32>
  %6 = linalg.fill ins(%cst0 : f32) outs(%5 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  // expected-remark@+1 {{the score is not a product of one factor with the keys and one without}}
  %7 = linalg.batch_matmul ins(%4, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%6 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %7 : tensor<8x8x16xf32>
}

// No softmax, no remark.
// CHECK-LABEL: func @linear_attention(
// CHECK-NOT:     attn.attention
func.func @linear_attention(%p: tensor<8x8x12xf32>, %v: tensor<8x12x16xf32>,
    %init: tensor<8x8x16xf32>) -> tensor<8x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %o_zero = linalg.fill ins(%zero : f32) outs(%init : tensor<8x8x16xf32>)
      -> tensor<8x8x16xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%o_zero : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %o : tensor<8x8x16xf32>
}
