// RUN: attn-opt %s --attn-to-llvm=target=x86-64-v4 | FileCheck %s
// RUN: attn-runner %s --target=native

// Arithmetic on tensors around the op survives.
// CHECK-LABEL: llvm.func @main(
// CHECK:         llvm.fmul
// CHECK:         llvm.call @attn_parallel_for
// CHECK:         llvm.fadd
func.func @main(%q: tensor<1x8x1x4xf32>, %init: tensor<1x8x1x4xf32>)
    -> tensor<1x8x1x4xf32> {
  %q2 = arith.mulf %q, %q : tensor<1x8x1x4xf32>
  %out = attn.attention ins(%q2, %q2, %q2 : tensor<1x8x1x4xf32>,
      tensor<1x8x1x4xf32>, tensor<1x8x1x4xf32>) scale(1.0)
      outs(%init : tensor<1x8x1x4xf32>) -> tensor<1x8x1x4xf32>
  %r = arith.addf %out, %q : tensor<1x8x1x4xf32>
  return %r : tensor<1x8x1x4xf32>
}
