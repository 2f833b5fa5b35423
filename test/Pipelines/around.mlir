// Ops around an attention op survive every stage, and give what they should.
// With inputs of 1, V is 3 everywhere, so that attention gives 3; adding Q gives
// 4; the last 16 rows are overwritten by those of an argument.

// RUN: attn-opt %s --attn-to-configured=target=x86-64-v3 \
// RUN:   | FileCheck %s --check-prefix=CONFIGURED
// RUN: attn-opt %s --attn-to-online=target=x86-64-v3 \
// RUN:   | FileCheck %s --check-prefix=ONLINE
// RUN: attn-opt %s --attn-to-tile=target=x86-64-v3 \
// RUN:   | FileCheck %s --check-prefix=ONLINE
// RUN: attn-opt %s --attn-to-llvm=target=x86-64-v3 \
// RUN:   | FileCheck %s --check-prefix=LLVM \
// RUN:     --implicit-check-not='{{^ *(%.* = )?"?(linalg|memref|tensor|attn|scf|builtin)[.]}}'
// RUN: attn-runner %s --random --distribution=ones --outputs=%t.a.npy,%t.b.npy
// RUN: %python %S/Inputs/npy_values.py %t.a.npy | FileCheck %s --check-prefix=A
// RUN: %python %S/Inputs/npy_values.py %t.b.npy | FileCheck %s --check-prefix=B
// A:      4096 x 3{{$}}
// A-NOT:  x
// B:      2048 x 4{{$}}
// B-NEXT: 2048 x 1{{$}}
// B-NOT:  x

// The stages before `llvm` are starting points too.
// RUN: attn-opt %s --attn-to-online -o %t.online.mlir
// RUN: attn-runner %t.online.mlir --entry=around --random --distribution=ones \
// RUN:   --outputs=%t.c.npy,%t.d.npy
// RUN: cmp %t.a.npy %t.c.npy
// RUN: cmp %t.b.npy %t.d.npy

// CONFIGURED-LABEL: func.func @around
// CONFIGURED:         linalg.generic
// CONFIGURED:           arith.mulf
// CONFIGURED:         attn.attention {{.*}} config(
// CONFIGURED:         linalg.add
// CONFIGURED:         tensor.extract_slice
// CONFIGURED:         tensor.insert_slice

// ONLINE-LABEL: func.func private @around_attention_0
// ONLINE:       func.func @around
// ONLINE-NOT:     tensor
// ONLINE:         linalg.generic
// ONLINE:           arith.mulf
// ONLINE:         attn.launch @around_attention_0
// ONLINE:         linalg.add
// ONLINE:         memref.copy

// LLVM:        llvm.func @attn_parallel_for(i64, !llvm.ptr, !llvm.ptr)
// LLVM:        llvm.func @around_attention_0(
// LLVM:        llvm.func @around(
// LLVM:          llvm.fmul
// LLVM:          llvm.call @attn_parallel_for
// LLVM:          llvm.fadd
// LLVM:          llvm.return
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
func.func @around(%q: tensor<1x32x4x32xf32>, %k: tensor<1x32x4x32xf32>,
                  %v: tensor<1x32x4x32xf32>, %r: tensor<1x32x4x32xf32>)
    -> (tensor<1x32x4x32xf32>, tensor<1x32x4x32xf32>) {
  %empty = tensor.empty() : tensor<1x32x4x32xf32>
  %three = arith.constant 3.0 : f32
  %values = linalg.generic {
      indexing_maps = [#id, #id],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%v : tensor<1x32x4x32xf32>) outs(%empty : tensor<1x32x4x32xf32>) {
  ^bb0(%x: f32, %o: f32):
    %y = arith.mulf %x, %three : f32
    linalg.yield %y : f32
  } -> tensor<1x32x4x32xf32>
  %a = attn.attention
      ins(%q, %k, %values : tensor<1x32x4x32xf32>, tensor<1x32x4x32xf32>,
          tensor<1x32x4x32xf32>)
      mask(#attn.causal) scale(0.25)
      outs(%empty : tensor<1x32x4x32xf32>) -> tensor<1x32x4x32xf32>
  %sum = linalg.add
      ins(%a, %q : tensor<1x32x4x32xf32>, tensor<1x32x4x32xf32>)
      outs(%empty : tensor<1x32x4x32xf32>) -> tensor<1x32x4x32xf32>
  %rows = tensor.extract_slice %r[0, 0, 0, 0] [1, 16, 4, 32] [1, 1, 1, 1]
      : tensor<1x32x4x32xf32> to tensor<1x16x4x32xf32>
  %b = tensor.insert_slice %rows into %sum[0, 16, 0, 0] [1, 16, 4, 32]
      [1, 1, 1, 1] : tensor<1x16x4x32xf32> into tensor<1x32x4x32xf32>
  return %a, %b : tensor<1x32x4x32xf32>, tensor<1x32x4x32xf32>
}
