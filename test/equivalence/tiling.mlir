// Attention in one op, and the same attention tiled by batch, KV head and 16 of
// 50 query rows (the last tile has 2), give the same bits: block sizes are
// pinned, so every row meets its keys in the same order.
//
// RUN: rm -rf %t && mkdir %t
// RUN: attn-opt %s --transform-preload-library=transform-library-paths=%S/Inputs/tile-attention.mlir \
// RUN:   --transform-interpreter > %t/tiled.mlir
// RUN: FileCheck %s --input-file=%t/tiled.mlir
// RUN: attn-opt %t/tiled.mlir --canonicalize --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --buffer-deallocation-pipeline --convert-bufferization-to-memref \
// RUN:   --canonicalize --expand-strided-metadata --lower-affine \
// RUN:   --convert-linalg-to-loops --canonicalize > %t/tiled-memrefs.mlir
// RUN: attn-runner %s --random --check --outputs=%t/out.npy,%t/lse.npy
// RUN: attn-runner %t/tiled-memrefs.mlir --random \
// RUN:   --outputs=%t/tiled-out.npy,%t/tiled-lse.npy
// RUN: cmp %t/out.npy %t/tiled-out.npy
// RUN: cmp %t/lse.npy %t/tiled-lse.npy

// CHECK-COUNT-3: scf.for
// CHECK:         attn.attention
// CHECK-SAME:      tensor<1x?x2x32xf32>
func.func @attention(%q: tensor<2x50x8x32xf32>, %k: tensor<2x96x4x32xf32>,
                     %v: tensor<2x96x4x16xf32>, %sinks: tensor<8xf32>,
                     %softcap: f32)
    -> (tensor<2x50x8x16xf32>, tensor<2x8x50xf32>) {
  %q_lens = arith.constant dense<[37, 50]> : tensor<2xi32>
  %kv_lens = arith.constant dense<[96, 61]> : tensor<2xi32>
  %prefixes = arith.constant dense<[11, 40]> : tensor<2xi32>
  %offsets = arith.constant dense<[-5, 17]> : tensor<2xi64>
  %out_init = tensor.empty() : tensor<2x50x8x16xf32>
  %lse_init = tensor.empty() : tensor<2x8x50xf32>
  %out, %lse = attn.attention
      ins(%q, %k, %v : tensor<2x50x8x32xf32>, tensor<2x96x4x32xf32>,
          tensor<2x96x4x16xf32>)
      mask(#attn.or<[#attn.sliding_window<20, 3>, #attn.prefix<slot 0>]>)
      mask_operands(%prefixes : tensor<2xi32>)
      scale(0.5) dynamic_softcap(%softcap)
      dynamic_q_offset(%offsets : tensor<2xi64>)
      q_lens(%q_lens : tensor<2xi32>) kv_lens(%kv_lens : tensor<2xi32>)
      sinks(%sinks : tensor<8xf32>) block_q(16) block_kv(32)
      outs(%out_init, %lse_init : tensor<2x50x8x16xf32>, tensor<2x8x50xf32>)
      -> tensor<2x50x8x16xf32>, tensor<2x8x50xf32>
  return %out, %lse : tensor<2x50x8x16xf32>, tensor<2x8x50xf32>
}
