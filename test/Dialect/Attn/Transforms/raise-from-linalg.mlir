// Raising: products, softmax, layouts, heads and types.
// Attention as producers write it, each after the IR of the one that is named.
// RUN: attn-opt %s --attn-raise-from-linalg --verify-diagnostics | FileCheck %s

// torch-mlir: aten.scaled_dot_product_attention decomposed, batch and heads in one
// dim.
// CHECK-LABEL: func @batch_matmul_softmax(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<8x8x1x16xf32>, tensor<8x12x1x16xf32>, tensor<8x12x1x16xf32>)
// CHECK-SAME:      scale(2.500000e-01)
func.func @batch_matmul_softmax(%q: tensor<8x8x16xf32>,
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
  %9 = tensor.empty() : tensor<8x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %11 = linalg.batch_matmul ins(%8, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%10 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %11 : tensor<8x8x16xf32>
}

// torch-mlir: aten._softmax as reductions and elementwise generics.
// CHECK-LABEL: func @decomposed_softmax(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
// CHECK-NOT:     linalg.generic
func.func @decomposed_softmax(%q: tensor<8x8x16xf32>,
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

// StableHLO to linalg with named ops: dot_general, reduce, broadcast_in_dim.
// CHECK-LABEL: func @reduce_and_broadcast(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
// CHECK-NOT:     linalg.reduce
func.func @reduce_and_broadcast(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst2 = arith.constant 0xFF800000 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %2 = linalg.batch_matmul indexing_maps = [
      affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>,
      affine_map<(n, i, j, d) -> (n, i, j)>]
      ins(%q, %k : tensor<8x8x16xf32>, tensor<8x12x16xf32>)
      outs(%1 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %3 = tensor.empty() : tensor<8x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2 : tensor<8x8x12xf32>) outs(%3 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8xf32>
  %6 = linalg.fill ins(%cst2 : f32) outs(%5 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %7 = linalg.reduce { arith.maximumf } ins(%4 : tensor<8x8x12xf32>)
      outs(%6 : tensor<8x8xf32>) dimensions = [2]
  %8 = tensor.empty() : tensor<8x8x12xf32>
  %9 = linalg.broadcast ins(%7 : tensor<8x8xf32>) outs(%8 : tensor<8x8x12xf32>)
      dimensions = [2]
  %10 = linalg.sub ins(%4, %9 : tensor<8x8x12xf32>, tensor<8x8x12xf32>)
      outs(%8 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %11 = linalg.exp ins(%10 : tensor<8x8x12xf32>) outs(%8 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %14 = linalg.reduce { arith.addf } ins(%11 : tensor<8x8x12xf32>)
      outs(%13 : tensor<8x8xf32>) dimensions = [2]
  %15 = linalg.broadcast ins(%14 : tensor<8x8xf32>) outs(%8 : tensor<8x8x12xf32>)
      dimensions = [2]
  %16 = linalg.div ins(%11, %15 : tensor<8x8x12xf32>, tensor<8x8x12xf32>)
      outs(%8 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %17 = tensor.empty() : tensor<8x8x16xf32>
  %18 = linalg.fill ins(%cst0 : f32) outs(%17 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %19 = linalg.batch_matmul ins(%16, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%18 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %19 : tensor<8x8x16xf32>
}

// StableHLO to linalg with primitive ops: linalg.map.
// CHECK-LABEL: func @scale_by_map(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @scale_by_map(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %2 = linalg.batch_matmul indexing_maps = [
      affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>,
      affine_map<(n, i, j, d) -> (n, i, j)>]
      ins(%q, %k : tensor<8x8x16xf32>, tensor<8x12x16xf32>)
      outs(%1 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %3 = tensor.empty() : tensor<8x8x12xf32>
  %4 = linalg.map ins(%2 : tensor<8x8x12xf32>) outs(%3 : tensor<8x8x12xf32>)
      (%x: f32, %init: f32) {
        %y = arith.mulf %x, %cst1 : f32
        linalg.yield %y : f32
      }
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.softmax dimension(2) ins(%4 : tensor<8x8x12xf32>)
      outs(%5 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x16xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %9 = linalg.batch_matmul ins(%6, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%8 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %9 : tensor<8x8x16xf32>
}

// linalg.contract, what IREE's generalisation leaves of named products.
// CHECK-LABEL: func @contract(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @contract(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %2 = linalg.contract indexing_maps = [
      affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>,
      affine_map<(n, i, j, d) -> (n, i, j)>]
      ins(%q, %k : tensor<8x8x16xf32>, tensor<8x12x16xf32>)
      outs(%1 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %3 = tensor.empty() : tensor<8x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2 : tensor<8x8x12xf32>) outs(%3 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.softmax dimension(2) ins(%4 : tensor<8x8x12xf32>)
      outs(%5 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x16xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %9 = linalg.batch_matmul ins(%6, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%8 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %9 : tensor<8x8x16xf32>
}

// IREE: batch_matmul with the transpose in its indexing maps.
// CHECK-LABEL: func @transposed_maps(
// CHECK:         attn.attention ins(
// CHECK-SAME:      scale(2.500000e-01)
func.func @transposed_maps(%q: tensor<8x8x16xf32>,
    %k: tensor<8x12x16xf32>,
    %v: tensor<8x12x16xf32>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<8x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %2 = linalg.batch_matmul indexing_maps = [
      affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>,
      affine_map<(n, i, j, d) -> (n, i, j)>]
      ins(%q, %k : tensor<8x8x16xf32>, tensor<8x12x16xf32>)
      outs(%1 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %3 = tensor.empty() : tensor<8x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2 : tensor<8x8x12xf32>) outs(%3 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.softmax dimension(2) ins(%4 : tensor<8x8x12xf32>)
      outs(%5 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %7 = tensor.empty() : tensor<8x8x16xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %9 = linalg.batch_matmul ins(%6, %v : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%8 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %9 : tensor<8x8x16xf32>
}

// IREE: f16 operands, f32 sums and softmax, weights rounded for the second product.
// The rounding of the result is taken in.
// CHECK-LABEL: func @f16_with_f32_sums(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<2x4x8x16xf16>, tensor<2x4x12x16xf16>, tensor<2x4x12x16xf16>)
// CHECK-SAME:      layout(bhsd)
// CHECK-SAME:      -> tensor<2x4x8x16xf16>
func.func @f16_with_f32_sums(%q: tensor<2x4x8x16xf16>,
    %k: tensor<2x4x12x16xf16>,
    %v: tensor<2x4x12x16xf16>)
    -> tensor<2x4x8x16xf16> {
  %cst1 = arith.constant 0.125 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x4x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x4x8x16xf16>, tensor<2x4x12x16xf16>) outs(%1 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f16, %x1: f16, %o: f32):
    %e0 = arith.extf %x0 : f16 to f32
    %e1 = arith.extf %x1 : f16 to f32
    %m = arith.mulf %e0, %e1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %3 = tensor.empty() : tensor<2x4x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%2 : tensor<2x4x8x12xf32>) outs(%3 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %5 = tensor.empty() : tensor<2x4x8x12xf32>
  %6 = linalg.softmax dimension(3) ins(%4 : tensor<2x4x8x12xf32>)
      outs(%5 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %7 = tensor.empty() : tensor<2x4x8x12xf16>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%6 : tensor<2x4x8x12xf32>) outs(%7 : tensor<2x4x8x12xf16>) {
  ^bb0(%x0: f32, %o: f16):
    %y = arith.truncf %x0 : f32 to f16
    linalg.yield %y : f16
  } -> tensor<2x4x8x12xf16>
  %9 = tensor.empty() : tensor<2x4x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, h, j, d)>, affine_map<(b, h, i, d, j) -> (b, h, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%8, %v : tensor<2x4x8x12xf16>, tensor<2x4x12x16xf16>) outs(%10 : tensor<2x4x8x16xf32>) {
  ^bb0(%x0: f16, %x1: f16, %o: f32):
    %e0 = arith.extf %x0 : f16 to f32
    %e1 = arith.extf %x1 : f16 to f32
    %m = arith.mulf %e0, %e1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x16xf32>
  %12 = tensor.empty() : tensor<2x4x8x16xf16>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%11 : tensor<2x4x8x16xf32>) outs(%12 : tensor<2x4x8x16xf16>) {
  ^bb0(%x0: f32, %o: f16):
    %y = arith.truncf %x0 : f32 to f16
    linalg.yield %y : f16
  } -> tensor<2x4x8x16xf16>
  return %13 : tensor<2x4x8x16xf16>
}

// The same with weights that stay f32: K and V are widened, since attention rounds
// weights to V's type.
// CHECK-LABEL: func @f32_weights_of_f16_values(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<2x4x8x16xf32>, tensor<2x4x12x16xf32>, tensor<2x4x12x16xf32>)
// CHECK-SAME:      -> tensor<2x4x8x16xf32>
func.func @f32_weights_of_f16_values(%q: tensor<2x4x8x16xf16>,
    %k: tensor<2x4x12x16xf16>,
    %v: tensor<2x4x12x16xf16>)
    -> tensor<2x4x8x16xf32> {
  %cst1 = arith.constant 0.125 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x4x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x4x8x16xf16>, tensor<2x4x12x16xf16>) outs(%1 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f16, %x1: f16, %o: f32):
    %e0 = arith.extf %x0 : f16 to f32
    %e1 = arith.extf %x1 : f16 to f32
    %m = arith.mulf %e0, %e1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %3 = tensor.empty() : tensor<2x4x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%2 : tensor<2x4x8x12xf32>) outs(%3 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %5 = tensor.empty() : tensor<2x4x8x12xf32>
  %6 = linalg.softmax dimension(3) ins(%4 : tensor<2x4x8x12xf32>)
      outs(%5 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %7 = tensor.empty() : tensor<2x4x8x16xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, h, j, d)>, affine_map<(b, h, i, d, j) -> (b, h, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%6, %v : tensor<2x4x8x12xf32>, tensor<2x4x12x16xf16>) outs(%8 : tensor<2x4x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f16, %o: f32):
    %e1 = arith.extf %x1 : f16 to f32
    %m = arith.mulf %x0, %e1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x16xf32>
  return %9 : tensor<2x4x8x16xf32>
}

// torch-mlir: softmax upcast to f32 between products that round to f16; attention
// sums in f32, which rounds less.
// CHECK-LABEL: func @f32_softmax_between_f16_products(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<8x8x1x16xf16>
// CHECK-SAME:      -> tensor<8x8x1x16xf16>
func.func @f32_softmax_between_f16_products(%q: tensor<8x8x16xf16>,
    %k: tensor<8x12x16xf16>,
    %v: tensor<8x12x16xf16>)
    -> tensor<8x8x16xf16> {
  %cst3 = arith.constant 0.0 : f32
  %cst2 = arith.constant 0xFF800000 : f32
  %cst1 = arith.constant 0.25 : f16
  %cst0 = arith.constant 0.0 : f16
  %0 = tensor.empty() : tensor<8x16x12xf16>
  %1 = linalg.transpose ins(%k : tensor<8x12x16xf16>) outs(%0 : tensor<8x16x12xf16>)
      permutation = [0, 2, 1]
  %2 = tensor.empty() : tensor<8x8x12xf16>
  %3 = linalg.fill ins(%cst0 : f16) outs(%2 : tensor<8x8x12xf16>) -> tensor<8x8x12xf16>
  %4 = linalg.batch_matmul ins(%q, %1 : tensor<8x8x16xf16>, tensor<8x16x12xf16>)
      outs(%3 : tensor<8x8x12xf16>) -> tensor<8x8x12xf16>
  %5 = tensor.empty() : tensor<8x8x12xf16>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<8x8x12xf16>) outs(%5 : tensor<8x8x12xf16>) {
  ^bb0(%x0: f16, %o: f16):
    %y = arith.mulf %x0, %cst1 : f16
    linalg.yield %y : f16
  } -> tensor<8x8x12xf16>
  %7 = tensor.empty() : tensor<8x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<8x8x12xf16>) outs(%7 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f16, %o: f32):
    %y = arith.extf %x0 : f16 to f32
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
  %12 = tensor.empty() : tensor<8x8x12xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8, %11 : tensor<8x8x12xf32>, tensor<8x8xf32>) outs(%12 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %d = arith.subf %x0, %x1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %14 = tensor.empty() : tensor<8x8xf32>
  %15 = linalg.fill ins(%cst3 : f32) outs(%14 : tensor<8x8xf32>) -> tensor<8x8xf32>
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
  %19 = tensor.empty() : tensor<8x8x12xf16>
  %20 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%18 : tensor<8x8x12xf32>) outs(%19 : tensor<8x8x12xf16>) {
  ^bb0(%x0: f32, %o: f16):
    %y = arith.truncf %x0 : f32 to f16
    linalg.yield %y : f16
  } -> tensor<8x8x12xf16>
  %21 = tensor.empty() : tensor<8x8x16xf16>
  %22 = linalg.fill ins(%cst0 : f16) outs(%21 : tensor<8x8x16xf16>) -> tensor<8x8x16xf16>
  %23 = linalg.batch_matmul ins(%20, %v : tensor<8x8x12xf16>, tensor<8x12x16xf16>)
      outs(%22 : tensor<8x8x16xf16>) -> tensor<8x8x16xf16>
  return %23 : tensor<8x8x16xf16>
}

// torch-mlir of a .float() model: f16 operands extended in front of the product.
// CHECK-LABEL: func @extended_operands(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<8x8x1x16xf32>
// CHECK-SAME:      scale(2.500000e-01)
func.func @extended_operands(%q: tensor<8x8x16xf16>,
    %k: tensor<8x12x16xf16>,
    %v: tensor<8x12x16xf16>)
    -> tensor<8x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = arith.extf %q : tensor<8x8x16xf16> to tensor<8x8x16xf32>
  %1 = arith.extf %k : tensor<8x12x16xf16> to tensor<8x12x16xf32>
  %2 = arith.extf %v : tensor<8x12x16xf16> to tensor<8x12x16xf32>
  %3 = tensor.empty() : tensor<8x16x12xf32>
  %4 = linalg.transpose ins(%1 : tensor<8x12x16xf32>) outs(%3 : tensor<8x16x12xf32>)
      permutation = [0, 2, 1]
  %5 = tensor.empty() : tensor<8x8x12xf32>
  %6 = linalg.fill ins(%cst0 : f32) outs(%5 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %7 = linalg.batch_matmul ins(%0, %4 : tensor<8x8x16xf32>, tensor<8x16x12xf32>)
      outs(%6 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %8 = tensor.empty() : tensor<8x8x12xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%7 : tensor<8x8x12xf32>) outs(%8 : tensor<8x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x8x12xf32>
  %10 = tensor.empty() : tensor<8x8x12xf32>
  %11 = linalg.softmax dimension(2) ins(%9 : tensor<8x8x12xf32>)
      outs(%10 : tensor<8x8x12xf32>) -> tensor<8x8x12xf32>
  %12 = tensor.empty() : tensor<8x8x16xf32>
  %13 = linalg.fill ins(%cst0 : f32) outs(%12 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  %14 = linalg.batch_matmul ins(%11, %2 : tensor<8x8x12xf32>, tensor<8x12x16xf32>)
      outs(%13 : tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
  return %14 : tensor<8x8x16xf32>
}

// Hugging Face repeat_kv: K and V broadcast to the query heads.
// CHECK-LABEL: func @repeated_keys(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<2x4x8x16xf32>, tensor<2x2x12x16xf32>, tensor<2x2x12x16xf32>)
// CHECK-NOT:     linalg.broadcast
func.func @repeated_keys(%q: tensor<2x4x8x16xf32>,
    %k: tensor<2x2x12x16xf32>,
    %v: tensor<2x2x12x16xf32>)
    -> tensor<2x4x8x16xf32> {
  %cst1 = arith.constant 0.125 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x2x2x12x16xf32>
  %1 = linalg.broadcast ins(%k : tensor<2x2x12x16xf32>)
      outs(%0 : tensor<2x2x2x12x16xf32>) dimensions = [2]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3], [4]]
      : tensor<2x2x2x12x16xf32> into tensor<2x4x12x16xf32>
  %3 = tensor.empty() : tensor<2x2x2x12x16xf32>
  %4 = linalg.broadcast ins(%v : tensor<2x2x12x16xf32>)
      outs(%3 : tensor<2x2x2x12x16xf32>) dimensions = [2]
  %5 = tensor.collapse_shape %4 [[0], [1, 2], [3], [4]]
      : tensor<2x2x2x12x16xf32> into tensor<2x4x12x16xf32>
  %6 = tensor.empty() : tensor<2x4x8x12xf32>
  %7 = linalg.fill ins(%cst0 : f32) outs(%6 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %8 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %2 : tensor<2x4x8x16xf32>, tensor<2x4x12x16xf32>) outs(%7 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %9 = tensor.empty() : tensor<2x4x8x12xf32>
  %10 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%8 : tensor<2x4x8x12xf32>) outs(%9 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %11 = tensor.empty() : tensor<2x4x8x12xf32>
  %12 = linalg.softmax dimension(3) ins(%10 : tensor<2x4x8x12xf32>)
      outs(%11 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %13 = tensor.empty() : tensor<2x4x8x16xf32>
  %14 = linalg.fill ins(%cst0 : f32) outs(%13 : tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %15 = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, h, j, d)>, affine_map<(b, h, i, d, j) -> (b, h, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%12, %5 : tensor<2x4x8x12xf32>, tensor<2x4x12x16xf32>) outs(%14 : tensor<2x4x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x16xf32>
  return %15 : tensor<2x4x8x16xf32>
}

// JAX einsum bgrid,bgjd->bgrij: groups are dims of their own.
// CHECK-LABEL: func @grouped_contraction(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<2x4x8x16xf32>, tensor<2x2x12x16xf32>, tensor<2x2x12x16xf32>)
// CHECK-SAME:      mask(#attn.causal)
// CHECK:         tensor.expand_shape
func.func @grouped_contraction(%q: tensor<2x2x2x8x16xf32>,
    %k: tensor<2x2x12x16xf32>,
    %v: tensor<2x2x12x16xf32>)
    -> tensor<2x2x2x8x16xf32> {
  %cst2 = arith.constant 0xFF800000 : f32
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x2x2x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<2x2x2x8x12xf32>) -> tensor<2x2x2x8x12xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, g, r, i, j, d) -> (b, g, r, i, d)>, affine_map<(b, g, r, i, j, d) -> (b, g, j, d)>, affine_map<(b, g, r, i, j, d) -> (b, g, r, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x2x2x8x16xf32>, tensor<2x2x12x16xf32>) outs(%1 : tensor<2x2x2x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x2x2x8x12xf32>
  %3 = tensor.empty() : tensor<2x2x2x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d, e) -> (a, b, c, d, e)>, affine_map<(a, b, c, d, e) -> (a, b, c, d, e)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%2 : tensor<2x2x2x8x12xf32>) outs(%3 : tensor<2x2x2x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<2x2x2x8x12xf32>
  %5 = tensor.empty() : tensor<2x2x2x8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d, e) -> (a, b, c, d, e)>, affine_map<(a, b, c, d, e) -> (a, b, c, d, e)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%4 : tensor<2x2x2x8x12xf32>) outs(%5 : tensor<2x2x2x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %i = linalg.index 3 : index
    %j = linalg.index 4 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %x0, %cst2 : f32
    linalg.yield %y : f32
  } -> tensor<2x2x2x8x12xf32>
  %7 = tensor.empty() : tensor<2x2x2x8x12xf32>
  %8 = linalg.softmax dimension(4) ins(%6 : tensor<2x2x2x8x12xf32>)
      outs(%7 : tensor<2x2x2x8x12xf32>) -> tensor<2x2x2x8x12xf32>
  %9 = tensor.empty() : tensor<2x2x2x8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<2x2x2x8x16xf32>) -> tensor<2x2x2x8x16xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(b, g, r, i, d, j) -> (b, g, r, i, j)>, affine_map<(b, g, r, i, d, j) -> (b, g, j, d)>, affine_map<(b, g, r, i, d, j) -> (b, g, r, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%8, %v : tensor<2x2x2x8x12xf32>, tensor<2x2x12x16xf32>) outs(%10 : tensor<2x2x2x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x2x2x8x16xf32>
  return %11 : tensor<2x2x2x8x16xf32>
}

// Falcon: one KV head, without a dim for it.
// CHECK-LABEL: func @multi_query(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<2x4x8x16xf32>, tensor<2x12x1x16xf32>, tensor<2x12x1x16xf32>)
func.func @multi_query(%q: tensor<2x4x8x16xf32>,
    %k: tensor<2x12x16xf32>,
    %v: tensor<2x12x16xf32>)
    -> tensor<2x4x8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x4x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x4x8x16xf32>, tensor<2x12x16xf32>) outs(%1 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %3 = tensor.empty() : tensor<2x4x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%2 : tensor<2x4x8x12xf32>) outs(%3 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %5 = tensor.empty() : tensor<2x4x8x12xf32>
  %6 = linalg.softmax dimension(3) ins(%4 : tensor<2x4x8x12xf32>)
      outs(%5 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %7 = tensor.empty() : tensor<2x4x8x16xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, j, d)>, affine_map<(b, h, i, d, j) -> (b, h, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%6, %v : tensor<2x4x8x12xf32>, tensor<2x12x16xf32>) outs(%8 : tensor<2x4x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x16xf32>
  return %9 : tensor<2x4x8x16xf32>
}

// The transpose back to [B, S, H, D] becomes the layout of the result.
// CHECK-LABEL: func @transposed_result(
// CHECK:         attn.attention ins(
// CHECK-SAME:      layout(q = bhsd, k = bhsd, v = bhsd, out = bshd)
// CHECK-NOT:     linalg.transpose
func.func @transposed_result(%q: tensor<2x4x8x16xf32>,
    %k: tensor<2x4x12x16xf32>,
    %v: tensor<2x4x12x16xf32>)
    -> tensor<2x8x4x16xf32> {
  %cst1 = arith.constant 0.125 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x4x8x12xf32>
  %1 = linalg.fill ins(%cst0 : f32) outs(%0 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x4x8x16xf32>, tensor<2x4x12x16xf32>) outs(%1 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %3 = tensor.empty() : tensor<2x4x8x12xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%2 : tensor<2x4x8x12xf32>) outs(%3 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %5 = tensor.empty() : tensor<2x4x8x12xf32>
  %6 = linalg.softmax dimension(3) ins(%4 : tensor<2x4x8x12xf32>)
      outs(%5 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %7 = tensor.empty() : tensor<2x4x8x16xf32>
  %8 = linalg.fill ins(%cst0 : f32) outs(%7 : tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %9 = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, h, j, d)>, affine_map<(b, h, i, d, j) -> (b, h, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%6, %v : tensor<2x4x8x12xf32>, tensor<2x4x12x16xf32>) outs(%8 : tensor<2x4x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x16xf32>
  %10 = tensor.empty() : tensor<2x8x4x16xf32>
  %11 = linalg.transpose ins(%9 : tensor<2x4x8x16xf32>) outs(%10 : tensor<2x8x4x16xf32>)
      permutation = [0, 2, 1, 3]
  return %11 : tensor<2x8x4x16xf32>
}

// The heads of a projection [B, S, H * D], split and transposed.
// CHECK-LABEL: func @split_heads(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<2x8x4x16xf32>, tensor<2x12x4x16xf32>, tensor<2x12x4x16xf32>)
// CHECK-SAME:      layout(q = bshd, k = bshd, v = bshd, out = bhsd)
func.func @split_heads(%q: tensor<2x8x64xf32>,
    %k: tensor<2x12x64xf32>,
    %v: tensor<2x12x64xf32>)
    -> tensor<2x4x8x16xf32> {
  %cst1 = arith.constant 0.125 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.expand_shape %q [[0], [1], [2, 3]]
      output_shape [2, 8, 4, 16] : tensor<2x8x64xf32> into tensor<2x8x4x16xf32>
  %1 = tensor.empty() : tensor<2x4x8x16xf32>
  %2 = linalg.transpose ins(%0 : tensor<2x8x4x16xf32>) outs(%1 : tensor<2x4x8x16xf32>)
      permutation = [0, 2, 1, 3]
  %3 = tensor.expand_shape %k [[0], [1], [2, 3]]
      output_shape [2, 12, 4, 16] : tensor<2x12x64xf32> into tensor<2x12x4x16xf32>
  %4 = tensor.empty() : tensor<2x4x12x16xf32>
  %5 = linalg.transpose ins(%3 : tensor<2x12x4x16xf32>) outs(%4 : tensor<2x4x12x16xf32>)
      permutation = [0, 2, 1, 3]
  %6 = tensor.expand_shape %v [[0], [1], [2, 3]]
      output_shape [2, 12, 4, 16] : tensor<2x12x64xf32> into tensor<2x12x4x16xf32>
  %7 = tensor.empty() : tensor<2x4x12x16xf32>
  %8 = linalg.transpose ins(%6 : tensor<2x12x4x16xf32>) outs(%7 : tensor<2x4x12x16xf32>)
      permutation = [0, 2, 1, 3]
  %9 = tensor.empty() : tensor<2x4x8x12xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %11 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, h, i, d)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%2, %5 : tensor<2x4x8x16xf32>, tensor<2x4x12x16xf32>) outs(%10 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %12 = tensor.empty() : tensor<2x4x8x12xf32>
  %13 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%11 : tensor<2x4x8x12xf32>) outs(%12 : tensor<2x4x8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x12xf32>
  %14 = tensor.empty() : tensor<2x4x8x12xf32>
  %15 = linalg.softmax dimension(3) ins(%13 : tensor<2x4x8x12xf32>)
      outs(%14 : tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %16 = tensor.empty() : tensor<2x4x8x16xf32>
  %17 = linalg.fill ins(%cst0 : f32) outs(%16 : tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %18 = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, h, j, d)>, affine_map<(b, h, i, d, j) -> (b, h, i, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%15, %8 : tensor<2x4x8x12xf32>, tensor<2x4x12x16xf32>) outs(%17 : tensor<2x4x8x16xf32>) {
  ^bb0(%x0: f32, %x1: f32, %o: f32):
    %m = arith.mulf %x0, %x1 : f32
    %y = arith.addf %o, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8x16xf32>
  return %18 : tensor<2x4x8x16xf32>
}

// linalg.matmul for a single head.
// CHECK-LABEL: func @one_head(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<1x8x1x16xf32>
// CHECK-SAME:      scale(2.500000e-01)
func.func @one_head(%q: tensor<8x16xf32>,
    %k: tensor<12x16xf32>,
    %v: tensor<12x16xf32>)
    -> tensor<8x16xf32> {
  %cst1 = arith.constant 0.25 : f32
  %cst0 = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<16x12xf32>
  %1 = linalg.transpose ins(%k : tensor<12x16xf32>) outs(%0 : tensor<16x12xf32>)
      permutation = [1, 0]
  %2 = tensor.empty() : tensor<8x12xf32>
  %3 = linalg.fill ins(%cst0 : f32) outs(%2 : tensor<8x12xf32>) -> tensor<8x12xf32>
  %4 = linalg.matmul ins(%q, %1 : tensor<8x16xf32>, tensor<16x12xf32>)
      outs(%3 : tensor<8x12xf32>) -> tensor<8x12xf32>
  %5 = tensor.empty() : tensor<8x12xf32>
  %6 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%4 : tensor<8x12xf32>) outs(%5 : tensor<8x12xf32>) {
  ^bb0(%x0: f32, %o: f32):
    %y = arith.mulf %x0, %cst1 : f32
    linalg.yield %y : f32
  } -> tensor<8x12xf32>
  %7 = tensor.empty() : tensor<8x12xf32>
  %8 = linalg.softmax dimension(1) ins(%6 : tensor<8x12xf32>)
      outs(%7 : tensor<8x12xf32>) -> tensor<8x12xf32>
  %9 = tensor.empty() : tensor<8x16xf32>
  %10 = linalg.fill ins(%cst0 : f32) outs(%9 : tensor<8x16xf32>) -> tensor<8x16xf32>
  %11 = linalg.matmul ins(%8, %v : tensor<8x12xf32>, tensor<12x16xf32>)
      outs(%10 : tensor<8x16xf32>) -> tensor<8x16xf32>
  return %11 : tensor<8x16xf32>
}

// Dynamic batch and lengths: torch-mlir with symbolic dims.
// CHECK-LABEL: func @dynamic(
// CHECK:         attn.attention ins(
// CHECK-SAME:      tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>)
// CHECK-SAME:      scale(1.000000e+00)
func.func @dynamic(%q: tensor<?x?x16xf32>, %k: tensor<?x?x16xf32>,
                   %v: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : tensor<?x?x16xf32>
  %sq = tensor.dim %q, %c1 : tensor<?x?x16xf32>
  %skv = tensor.dim %k, %c1 : tensor<?x?x16xf32>
  %s_init = tensor.empty(%b, %sq, %skv) : tensor<?x?x?xf32>
  %s_zero = linalg.fill ins(%zero : f32) outs(%s_init : tensor<?x?x?xf32>)
      -> tensor<?x?x?xf32>
  %s = linalg.batch_matmul indexing_maps = [
      affine_map<(n, i, j, d) -> (n, i, d)>, affine_map<(n, i, j, d) -> (n, j, d)>,
      affine_map<(n, i, j, d) -> (n, i, j)>]
      ins(%q, %k : tensor<?x?x16xf32>, tensor<?x?x16xf32>)
      outs(%s_zero : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<?x?x?xf32>)
      outs(%s_init : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %o_init = tensor.empty(%b, %sq) : tensor<?x?x16xf32>
  %o_zero = linalg.fill ins(%zero : f32) outs(%o_init : tensor<?x?x16xf32>)
      -> tensor<?x?x16xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<?x?x?xf32>, tensor<?x?x16xf32>)
      outs(%o_zero : tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %o : tensor<?x?x16xf32>
}
