// RUN: attn-opt %s --split-input-file \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   | FileCheck %s

// Inits are written in place and results are their buffers.
// CHECK-LABEL: func @in_place
// CHECK-SAME:    %[[Q:.*]]: memref<2x16x4x32xf16>, %[[K:.*]]: memref<2x64x2x32xf16>, %[[V:.*]]: memref<2x64x2x32xf16>
// CHECK-SAME:    %[[OUT:.*]]: memref<2x16x4x32xf16>, %[[LSE:.*]]: memref<2x4x16xf32>
// CHECK-NOT:     memref.alloc
// CHECK-NOT:     memref.copy
// CHECK:         attn.attention ins(%[[Q]], %[[K]], %[[V]] : memref<2x16x4x32xf16>, memref<2x64x2x32xf16>, memref<2x64x2x32xf16>)
// CHECK-SAME:      mask(#attn.causal) scale(1.250000e-01)
// CHECK-SAME:      outs(%[[OUT]], %[[LSE]] : memref<2x16x4x32xf16>, memref<2x4x16xf32>){{$}}
// CHECK:         return %[[OUT]], %[[LSE]]
func.func @in_place(
    %q: tensor<2x16x4x32xf16>, %k: tensor<2x64x2x32xf16>,
    %v: tensor<2x64x2x32xf16>, %init: tensor<2x16x4x32xf16>,
    %lse_init: tensor<2x4x16xf32>)
    -> (tensor<2x16x4x32xf16>, tensor<2x4x16xf32>) {
  %out, %lse = attn.attention
      ins(%q, %k, %v : tensor<2x16x4x32xf16>, tensor<2x64x2x32xf16>,
          tensor<2x64x2x32xf16>)
      mask(#attn.causal) scale(1.250000e-01)
      outs(%init, %lse_init : tensor<2x16x4x32xf16>, tensor<2x4x16xf32>)
      -> tensor<2x16x4x32xf16>, tensor<2x4x16xf32>
  return %out, %lse : tensor<2x16x4x32xf16>, tensor<2x4x16xf32>
}

// -----

// tensor.empty becomes an allocation that nothing is copied into.
// CHECK-LABEL: func @empty_init
// CHECK:         %[[OUT:.*]] = memref.alloc() {{.*}} : memref<1x8x2x16xf32>
// CHECK-NOT:     memref.copy
// CHECK:         attn.attention {{.*}} outs(%[[OUT]] : memref<1x8x2x16xf32>)
// CHECK-NOT:     memref.copy
// CHECK:         return %[[OUT]]
func.func @empty_init(%q: tensor<1x8x2x16xf32>, %k: tensor<1x8x2x16xf32>)
    -> tensor<1x8x2x16xf32> {
  %init = tensor.empty() : tensor<1x8x2x16xf32>
  %out = attn.attention
      ins(%q, %k, %k : tensor<1x8x2x16xf32>, tensor<1x8x2x16xf32>,
          tensor<1x8x2x16xf32>)
      scale(1.0) outs(%init : tensor<1x8x2x16xf32>) -> tensor<1x8x2x16xf32>
  return %out : tensor<1x8x2x16xf32>
}

// -----

// q is read while out is written: the same tensor cannot serve as both.
// CHECK-LABEL: func @init_is_q
// CHECK-SAME:    %[[Q:.*]]: memref<1x8x2x16xf32>, %[[K:.*]]: memref
// CHECK:         %[[OUT:.*]] = memref.alloc()
// CHECK-NOT:     memref.copy
// CHECK:         attn.attention ins(%[[Q]], %[[K]], %[[K]] {{.*}} outs(%[[OUT]] :
func.func @init_is_q(%q: tensor<1x8x2x16xf32>, %k: tensor<1x8x2x16xf32>)
    -> tensor<1x8x2x16xf32> {
  %out = attn.attention
      ins(%q, %k, %k : tensor<1x8x2x16xf32>, tensor<1x8x2x16xf32>,
          tensor<1x8x2x16xf32>)
      scale(1.0) outs(%q : tensor<1x8x2x16xf32>) -> tensor<1x8x2x16xf32>
  return %out : tensor<1x8x2x16xf32>
}

// -----

// An init that is still needed is not overwritten.
// CHECK-LABEL: func @init_is_live
// CHECK-SAME:    %[[K:[a-z0-9]*]]: memref<1x8x2x16xf32>, %[[INIT:[a-z0-9]*]]: memref<1x8x2x16xf32>)
// CHECK:         %[[OUT:.*]] = memref.alloc()
// CHECK:         attn.attention {{.*}} outs(%[[OUT]] :
// CHECK:         return %[[OUT]], %[[INIT]]
func.func @init_is_live(%k: tensor<1x8x2x16xf32>, %init: tensor<1x8x2x16xf32>)
    -> (tensor<1x8x2x16xf32>, tensor<1x8x2x16xf32>) {
  %out = attn.attention
      ins(%k, %k, %k : tensor<1x8x2x16xf32>, tensor<1x8x2x16xf32>,
          tensor<1x8x2x16xf32>)
      scale(1.0) outs(%init : tensor<1x8x2x16xf32>) -> tensor<1x8x2x16xf32>
  return %out, %init : tensor<1x8x2x16xf32>, tensor<1x8x2x16xf32>
}

// -----

// Every tensor operand is replaced, scalars stay, and the function that is
// named by the op keeps fitting its captures.
// CHECK-LABEL: func private @mod
// CHECK-SAME:    memref<4xf32>
// CHECK:         memref.load
func.func private @mod(%s: f32, %b: index, %h: index, %i: index, %j: index,
                       %table: tensor<4xf32>, %c: f32) -> f32 {
  %t = tensor.extract %table[%h] : tensor<4xf32>
  %u = arith.mulf %t, %c : f32
  %r = arith.addf %s, %u : f32
  return %r : f32
}

// CHECK-LABEL: func @all_operands
// CHECK:         attn.attention
// CHECK-SAME:      mask_operands(%{{[a-z0-9]+}}, %{{[a-z0-9]+}} : memref<2x8xi32>, memref<2x64xi32>)
// CHECK-SAME:      dynamic_scale(%{{[a-z0-9]+}})
// CHECK-SAME:      dynamic_q_offset(%{{[a-z0-9]+}} : memref<2xi64>)
// CHECK-SAME:      q_lens(%{{[a-z0-9]+}} : memref<2xi32>)
// CHECK-SAME:      kv_lens(%{{[a-z0-9]+}} : memref<2xi32>)
// CHECK-SAME:      bias(%{{[a-z0-9]+}} : memref<1x4x8x64xf16>)
// CHECK-SAME:      sinks(%{{[a-z0-9]+}} : memref<4xf32>)
// CHECK-SAME:      score_mod(@mod)
// CHECK-SAME:      score_operands(%{{[a-z0-9]+}}, %{{[a-z0-9]+}} : memref<4xf32>, f32)
func.func @all_operands(
    %q: tensor<2x8x4x32xf32>, %k: tensor<2x64x2x32xf32>,
    %qseg: tensor<2x8xi32>, %kvseg: tensor<2x64xi32>, %scale: f32,
    %offset: tensor<2xi64>, %lens: tensor<2xi32>, %bias: tensor<1x4x8x64xf16>,
    %sinks: tensor<4xf32>, %init: tensor<2x8x4x32xf32>)
    -> tensor<2x8x4x32xf32> {
  %out = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x32xf32>, tensor<2x64x2x32xf32>,
          tensor<2x64x2x32xf32>)
      mask(#attn.segments<q = 0, kv = 1>)
      mask_operands(%qseg, %kvseg : tensor<2x8xi32>, tensor<2x64xi32>)
      dynamic_scale(%scale) dynamic_q_offset(%offset : tensor<2xi64>)
      q_lens(%lens : tensor<2xi32>) kv_lens(%lens : tensor<2xi32>)
      bias(%bias : tensor<1x4x8x64xf16>) sinks(%sinks : tensor<4xf32>)
      score_mod(@mod) score_operands(%sinks, %scale : tensor<4xf32>, f32)
      outs(%init : tensor<2x8x4x32xf32>) -> tensor<2x8x4x32xf32>
  return %out : tensor<2x8x4x32xf32>
}

// -----

// CHECK-LABEL: func @merge
// CHECK-SAME:    %[[O:.*]]: memref<4x1x8x16x64xf32>, %[[L:.*]]: memref<4x1x8x16xf32>, %[[S:.*]]: memref<8xf32>, %[[OUT:.*]]: memref<1x8x16x64xbf16>, %[[LSE:.*]]: memref<1x8x16xf32>)
// CHECK:         attn.merge ins(%[[O]], %[[L]] : memref<4x1x8x16x64xf32>, memref<4x1x8x16xf32>)
// CHECK-SAME:      sinks(%[[S]] : memref<8xf32>) outs(%[[OUT]], %[[LSE]] :
// CHECK:         return %[[OUT]], %[[LSE]]
func.func @merge(%o: tensor<4x1x8x16x64xf32>, %l: tensor<4x1x8x16xf32>,
                 %sinks: tensor<8xf32>, %init: tensor<1x8x16x64xbf16>,
                 %lse_init: tensor<1x8x16xf32>)
    -> (tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>) {
  %out, %lse = attn.merge
      ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      sinks(%sinks : tensor<8xf32>)
      outs(%init, %lse_init : tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>)
      -> tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>
  return %out, %lse : tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>
}

// -----

// The memref form is left alone.
// CHECK-LABEL: func @memrefs
// CHECK-SAME:    %[[Q:.*]]: memref<1x8x2x16xf32>, %[[OUT:.*]]: memref<1x8x2x16xf32>
// CHECK-NEXT:    attn.attention ins(%[[Q]], %[[Q]], %[[Q]] {{.*}} outs(%[[OUT]] :
// CHECK-NEXT:    return
func.func @memrefs(%q: memref<1x8x2x16xf32>, %out: memref<1x8x2x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x8x2x16xf32>, memref<1x8x2x16xf32>,
          memref<1x8x2x16xf32>)
      scale(1.0) outs(%out : memref<1x8x2x16xf32>)
  return
}
