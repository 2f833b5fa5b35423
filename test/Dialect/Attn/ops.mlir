// Every form of every op of the attn dialect: text, generic text and bytecode.
// RUN: attn-opt %s --verify-roundtrip | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s
// RUN: attn-opt %s --emit-bytecode | attn-opt | FileCheck %s

//===----------------------------------------------------------------------===//
// attn.attention
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @tensors
// CHECK:         %{{[a-z0-9_#]+}} = attn.attention ins(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : tensor<1x8x4x64xf32>, tensor<1x16x2x64xf32>, tensor<1x16x2x32xf32>) scale(1.250000e-01) outs(%{{[a-z0-9_#]+}} : tensor<1x8x4x32xf32>) -> tensor<1x8x4x32xf32>
func.func @tensors(
    %q: tensor<1x8x4x64xf32>, %k: tensor<1x16x2x64xf32>,
    %v: tensor<1x16x2x32xf32>, %init: tensor<1x8x4x32xf32>)
    -> tensor<1x8x4x32xf32> {
  %out = attn.attention
      ins(%q, %k, %v : tensor<1x8x4x64xf32>, tensor<1x16x2x64xf32>,
          tensor<1x16x2x32xf32>)
      scale(0.125) outs(%init : tensor<1x8x4x32xf32>) -> tensor<1x8x4x32xf32>
  return %out : tensor<1x8x4x32xf32>
}

// CHECK-LABEL: func @memrefs_and_lse
// CHECK:         attn.attention ins(
// CHECK-SAME:      ) scale(-0.000000e+00) outs(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : memref<?x?x?x64xbf16>, memref<?x?x?xf32>){{$}}
func.func @memrefs_and_lse(
    %q: memref<?x?x?x64xbf16>, %k: memref<?x?x?x64xbf16>,
    %out: memref<?x?x?x64xbf16>, %lse: memref<?x?x?xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<?x?x?x64xbf16>, memref<?x?x?x64xbf16>,
          memref<?x?x?x64xbf16>)
      scale(-0.0)
      outs(%out, %lse : memref<?x?x?x64xbf16>, memref<?x?x?xf32>)
  return
}

// Results of dynamic shape have the types of their inits.
// CHECK-LABEL: func @dynamic_tensors
// CHECK:         attn.attention
// CHECK-SAME:      -> tensor<?x?x4x64xf16>, tensor<?x4x?xf32>
func.func @dynamic_tensors(
    %q: tensor<?x?x?x64xf32>, %k: tensor<?x?x2x64xf16>,
    %init: tensor<?x?x4x64xf16>, %lse: tensor<?x4x?xf32>)
    -> (tensor<?x?x4x64xf16>, tensor<?x4x?xf32>) {
  %out:2 = attn.attention
      ins(%q, %k, %k : tensor<?x?x?x64xf32>, tensor<?x?x2x64xf16>,
          tensor<?x?x2x64xf16>)
      scale(1.0) outs(%init, %lse : tensor<?x?x4x64xf16>, tensor<?x4x?xf32>)
      -> tensor<?x?x4x64xf16>, tensor<?x4x?xf32>
  return %out#0, %out#1 : tensor<?x?x4x64xf16>, tensor<?x4x?xf32>
}

// CHECK-LABEL: func @one_layout
// CHECK:         ) layout(bhsd) scale(
func.func @one_layout(%x: memref<1x4x8x64xf32>) {
  attn.attention
      ins(%x, %x, %x : memref<1x4x8x64xf32>, memref<1x4x8x64xf32>,
          memref<1x4x8x64xf32>)
      layout(bhsd) scale(1.0) outs(%x : memref<1x4x8x64xf32>)
  return
}

// The default layout, spelled out, is not printed.
// CHECK-LABEL: func @default_layout
// CHECK:         memref<1x8x4x64xf32>) scale(
func.func @default_layout(%x: memref<1x8x4x64xf32>) {
  attn.attention
      ins(%x, %x, %x : memref<1x8x4x64xf32>, memref<1x8x4x64xf32>,
          memref<1x8x4x64xf32>)
      layout(q = bshd, k = bshd, v = bshd, out = bshd)
      scale(1.0) outs(%x : memref<1x8x4x64xf32>)
  return
}

// CHECK-LABEL: func @layout_per_operand
// CHECK:         layout(q = bshd, k = bhds, v = bhsd, out = bshd) scale(
func.func @layout_per_operand(
    %q: memref<1x8x4x64xf32>, %k: memref<1x2x64x16xf32>,
    %v: memref<1x2x16x64xf32>) {
  attn.attention
      ins(%q, %k, %v : memref<1x8x4x64xf32>, memref<1x2x64x16xf32>,
          memref<1x2x16x64xf32>)
      layout(q = bshd, k = bhds, v = bhsd, out = bshd)
      scale(1.0) outs(%q : memref<1x8x4x64xf32>)
  return
}

// CHECK-LABEL: func @packed
// CHECK:         layout(thd)
// CHECK-SAME:      cu_seqlens_q(%{{[a-z0-9_#]+}} : tensor<4xi32>)
// CHECK-SAME:      cu_seqlens_kv(%{{[a-z0-9_#]+}} : tensor<4xi32>)
func.func @packed(
    %q: tensor<100x4x64xf32>, %k: tensor<200x2x64xf32>, %cu: tensor<4xi32>,
    %init: tensor<100x4x64xf32>, %lse: tensor<4x100xf32>)
    -> (tensor<100x4x64xf32>, tensor<4x100xf32>) {
  %out:2 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0)
      cu_seqlens_q(%cu : tensor<4xi32>) cu_seqlens_kv(%cu : tensor<4xi32>)
      outs(%init, %lse : tensor<100x4x64xf32>, tensor<4x100xf32>)
      -> tensor<100x4x64xf32>, tensor<4x100xf32>
  return %out#0, %out#1 : tensor<100x4x64xf32>, tensor<4x100xf32>
}

// CHECK-LABEL: func @packed_heads_first
// CHECK:         layout(q = htd, k = hdt, v = thd, out = thd)
func.func @packed_heads_first(
    %q: memref<4x100x64xf32>, %k: memref<2x64x200xf32>,
    %v: memref<200x2x64xf32>, %out: memref<100x4x64xf32>, %cu: memref<?xi32>) {
  attn.attention
      ins(%q, %k, %v : memref<4x100x64xf32>, memref<2x64x200xf32>,
          memref<200x2x64xf32>)
      layout(q = htd, k = hdt, v = thd, out = thd) scale(1.0)
      cu_seqlens_q(%cu : memref<?xi32>) cu_seqlens_kv(%cu : memref<?xi32>)
      outs(%out : memref<100x4x64xf32>)
  return
}

// Packed queries over paged keys.
// CHECK-LABEL: func @paged
// CHECK:         layout(q = thd, k = paged, v = paged, out = thd)
// CHECK-SAME:      kv_lens(%{{[a-z0-9_#]+}} : memref<3xi32>)
// CHECK-SAME:      cu_seqlens_q(%{{[a-z0-9_#]+}} : memref<4xi32>)
// CHECK-SAME:      block_table(%{{[a-z0-9_#]+}} : memref<3x10xi32>)
func.func @paged(
    %q: memref<7x4x64xf16>,
    %k: memref<50x16x2x64xf16, strided<[8192, 128, 64, 1], offset: ?>>,
    %lens: memref<3xi32>, %cu: memref<4xi32>, %table: memref<3x10xi32>) {
  attn.attention
      ins(%q, %k, %k : memref<7x4x64xf16>,
          memref<50x16x2x64xf16, strided<[8192, 128, 64, 1], offset: ?>>,
          memref<50x16x2x64xf16, strided<[8192, 128, 64, 1], offset: ?>>)
      layout(q = thd, k = paged, v = paged, out = thd) scale(1.0)
      cu_seqlens_q(%cu : memref<4xi32>) kv_lens(%lens : memref<3xi32>)
      block_table(%table : memref<3x10xi32>)
      outs(%q : memref<7x4x64xf16>)
  return
}

// Packed queries over padded keys.
// CHECK-LABEL: func @packed_over_padded
// CHECK:         layout(q = thd, k = bshd, v = bshd, out = thd)
func.func @packed_over_padded(
    %q: memref<7x4x64xf16>, %k: memref<3x16x2x64xf16>, %lens: memref<3xi32>,
    %cu: memref<4xi32>, %segments: memref<7xi32>, %kv: memref<3x16xi32>,
    %bias: memref<3x4x5x16xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<7x4x64xf16>, memref<3x16x2x64xf16>,
          memref<3x16x2x64xf16>)
      layout(q = thd, k = bshd, v = bshd, out = thd)
      mask(#attn.segments<q = 0, kv = 1>)
      mask_operands(%segments, %kv : memref<7xi32>, memref<3x16xi32>)
      scale(1.0) cu_seqlens_q(%cu : memref<4xi32>)
      kv_lens(%lens : memref<3xi32>) bias(%bias : memref<3x4x5x16xf32>)
      outs(%q : memref<7x4x64xf16>)
  return
}

// CHECK-LABEL: func private @mod
func.func private @mod(%s: f32, %b: index, %h: index, %i: index, %j: index,
                       %table: memref<4xf32, strided<[?], offset: ?>>,
                       %c: f32) -> f32 {
  %t = memref.load %table[%h] : memref<4xf32, strided<[?], offset: ?>>
  %u = math.tanh %t : f32
  %r = arith.addf %s, %u : f32
  return %r : f32
}

// CHECK-LABEL: func private @visible
func.func private @visible(%b: index, %h: index, %i: index, %j: index,
                           %flags: memref<2x8xi8>) -> i1 {
  %flag = memref.load %flags[%b, %i] : memref<2x8xi8>
  %r = arith.trunci %flag : i8 to i1
  return %r : i1
}

// CHECK-LABEL: func @everything
// CHECK:         attn.attention ins(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : memref<2x8x4x64xf8E4M3FN>, memref<2x16x2x64xf8E5M2>, memref<2x16x2x64xf8E5M2>)
// CHECK-SAME:      mask(#attn.and<[#attn.dense<0>, #attn.custom<@visible, [1]>, #attn.prefix<slot 2>]>)
// CHECK-SAME:      mask_operands(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : memref<1x1x8x16xi1>, memref<2x8xi8>, memref<2xi32>)
// CHECK-SAME:      dynamic_scale(%{{[a-z0-9_#]+}})
// CHECK-SAME:      dynamic_softcap(%{{[a-z0-9_#]+}})
// CHECK-SAME:      dynamic_q_offset(%{{[a-z0-9_#]+}} : memref<2xi64>)
// CHECK-SAME:      q_lens(%{{[a-z0-9_#]+}} : memref<2xi32>)
// CHECK-SAME:      kv_lens(%{{[a-z0-9_#]+}} : memref<2xi32>)
// CHECK-SAME:      bias(%{{[a-z0-9_#]+}} : memref<1x4x8x16xf16, strided<[0, 128, 16, 1]>>)
// CHECK-SAME:      sinks(%{{[a-z0-9_#]+}} : memref<4xf32>)
// CHECK-SAME:      alibi_slopes(%{{[a-z0-9_#]+}} : memref<2x4xf32>)
// CHECK-SAME:      score_mod(@mod)
// CHECK-SAME:      score_operands(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : memref<4xf32>, f32)
// CHECK-SAME:      q_descale(%{{[a-z0-9_#]+}} : memref<2x2xf32>)
// CHECK-SAME:      k_descale(%{{[a-z0-9_#]+}} : memref<1x2xf32>)
// CHECK-SAME:      v_descale(%{{[a-z0-9_#]+}} : memref<2x1xf32>)
// CHECK-SAME:      num_splits(3)
// CHECK-SAME:      block_q(64)
// CHECK-SAME:      block_kv(128)
// CHECK-SAME:      block_kv_compute(32)
// CHECK-SAME:      config(#attn.config<block_q = 64, block_kv = 128, block_kv_compute = 32, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>)
// CHECK-SAME:      outs(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : memref<2x8x4x64xbf16>, memref<2x4x8xf32>) {note = "kept"}
func.func @everything(
    %q: memref<2x8x4x64xf8E4M3FN>, %k: memref<2x16x2x64xf8E5M2>,
    %dense: memref<1x1x8x16xi1>, %flags: memref<2x8xi8>, %scalar: f32,
    %offset: memref<2xi64>, %lens: memref<2xi32>,
    %bias: memref<1x4x8x16xf16, strided<[0, 128, 16, 1]>>,
    %sinks: memref<4xf32>, %slopes: memref<2x4xf32>, %qd: memref<2x2xf32>,
    %kd: memref<1x2xf32>, %vd: memref<2x1xf32>, %out: memref<2x8x4x64xbf16>,
    %lse: memref<2x4x8xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<2x8x4x64xf8E4M3FN>, memref<2x16x2x64xf8E5M2>,
          memref<2x16x2x64xf8E5M2>)
      config(#attn.config<block_q = 64, block_kv = 128, block_kv_compute = 32,
              schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8,
                                               pairs = false>>)
      mask(#attn.and<[#attn.dense<0>, #attn.custom<@visible, [1]>,
                      #attn.prefix<slot 2>]>)
      mask_operands(%dense, %flags, %lens
          : memref<1x1x8x16xi1>, memref<2x8xi8>, memref<2xi32>)
      dynamic_scale(%scalar) dynamic_softcap(%scalar)
      dynamic_q_offset(%offset : memref<2xi64>)
      q_lens(%lens : memref<2xi32>) kv_lens(%lens : memref<2xi32>)
      bias(%bias : memref<1x4x8x16xf16, strided<[0, 128, 16, 1]>>)
      sinks(%sinks : memref<4xf32>) alibi_slopes(%slopes : memref<2x4xf32>)
      score_mod(@mod) score_operands(%sinks, %scalar : memref<4xf32>, f32)
      q_descale(%qd : memref<2x2xf32>) k_descale(%kd : memref<1x2xf32>)
      v_descale(%vd : memref<2x1xf32>)
      num_splits(3) block_q(64) block_kv(128) block_kv_compute(32)
      outs(%out, %lse : memref<2x8x4x64xbf16>, memref<2x4x8xf32>)
      {note = "kept"}
  return
}

// What excludes each other in @everything.
// CHECK-LABEL: func @alternatives
// CHECK:         softcap(5.000000e+01) q_offset(-3)
// CHECK-SAME:      alibi_slopes(%{{[a-z0-9_#]+}} : tensor<4xf32>)
// CHECK-SAME:      split_size(256)
// CHECK:         dynamic_q_offset(%{{[a-z0-9_#]+}} : i64)
// CHECK:         q_positions(%{{[a-z0-9_#]+}} : tensor<2x8xi64>)
func.func @alternatives(
    %q: tensor<2x8x4x64xf32>, %slopes: tensor<4xf32>, %offset: i64,
    %positions: tensor<2x8xi64>) -> tensor<2x8x4x64xf32> {
  %0 = attn.attention
      ins(%q, %q, %q : tensor<2x8x4x64xf32>, tensor<2x8x4x64xf32>,
          tensor<2x8x4x64xf32>)
      scale(1.0) softcap(50.0) q_offset(-3) split_size(256)
      alibi_slopes(%slopes : tensor<4xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  %1 = attn.attention
      ins(%0, %q, %q : tensor<2x8x4x64xf32>, tensor<2x8x4x64xf32>,
          tensor<2x8x4x64xf32>)
      scale(1.0) dynamic_q_offset(%offset : i64)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  %2 = attn.attention
      ins(%1, %q, %q : tensor<2x8x4x64xf32>, tensor<2x8x4x64xf32>,
          tensor<2x8x4x64xf32>)
      scale(1.0) q_positions(%positions : tensor<2x8xi64>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return %2 : tensor<2x8x4x64xf32>
}

// A head dim of one is contiguous whatever its stride; empty keys are a problem
// like any other.
// CHECK-LABEL: func @degenerate
func.func @degenerate(%q: memref<1x8x4x1xf32, strided<[64, 8, 2, 7]>>,
                      %k: memref<1x0x4x1xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x8x4x1xf32, strided<[64, 8, 2, 7]>>,
          memref<1x0x4x1xf32>, memref<1x0x4x1xf32>)
      scale(1.0) outs(%q : memref<1x8x4x1xf32, strided<[64, 8, 2, 7]>>)
  return
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func private @tree
func.func private @tree(%b: index, %h: index, %i: index, %j: index) -> i1 {
  %r = arith.cmpi sle, %j, %i : index
  return %r : i1
}

// CHECK-LABEL: func @masks
func.func @masks(%x: memref<2x8x2x64xf32>, %n: memref<2xi32>,
                 %s: memref<2x8xi32>) {
  // CHECK: mask(#attn.causal)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>) mask(#attn.causal) scale(1.0)
      outs(%x : memref<2x8x2x64xf32>)
  // CHECK: mask(#attn.sliding_window<127, 0>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>) mask(#attn.sliding_window<127, 0>) scale(1.0)
      outs(%x : memref<2x8x2x64xf32>)
  // CHECK: mask(#attn.sliding_window<unbounded, unbounded>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>) mask(#attn.sliding_window<unbounded, unbounded>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  // CHECK: mask(#attn.chunked<16>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>) mask(#attn.chunked<16>) scale(1.0)
      outs(%x : memref<2x8x2x64xf32>)
  // CHECK: mask(#attn.or<[#attn.prefix<4>, #attn.prefix<slot 0>, #attn.not<#attn.causal>]>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.or<[#attn.prefix<4>, #attn.prefix<slot 0>,
                     #attn.not<#attn.causal>]>)
      mask_operands(%n : memref<2xi32>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  // CHECK: mask(#attn.per_head<[#attn.and<[]>, #attn.segments<q = 0, kv = 0>]>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.per_head<[#attn.and<[]>, #attn.segments<q = 0, kv = 0>]>)
      mask_operands(%s : memref<2x8xi32>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  // CHECK: mask(#attn.custom<@tree>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>) mask(#attn.custom<@tree>) scale(1.0)
      outs(%x : memref<2x8x2x64xf32>)
  return
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @merge_tensors
// CHECK:         attn.merge ins(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : tensor<?x1x8x16x64xf32>, tensor<4x1x8x16xf32>) sinks(%{{[a-z0-9_#]+}} : tensor<8xf32>) outs(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>) {note = "kept"} -> tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>
func.func @merge_tensors(
    %o: tensor<?x1x8x16x64xf32>, %l: tensor<4x1x8x16xf32>,
    %sinks: tensor<8xf32>, %out: tensor<1x8x16x64xbf16>,
    %lse: tensor<1x8x16xf32>) -> (tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>) {
  %r:2 = attn.merge
      ins(%o, %l : tensor<?x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      sinks(%sinks : tensor<8xf32>)
      outs(%out, %lse : tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>)
      {note = "kept"} -> tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>
  return %r#0, %r#1 : tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>
}

// CHECK-LABEL: func @merge_memrefs
// CHECK:         attn.merge ins(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : memref<?x?x?x?x?xf32>, memref<?x?x?x?xf32>) outs(%{{[a-z0-9_#]+}} : memref<?x?x?x?xf16>){{$}}
func.func @merge_memrefs(%o: memref<?x?x?x?x?xf32>, %l: memref<?x?x?x?xf32>,
                         %out: memref<?x?x?x?xf16>) {
  attn.merge ins(%o, %l : memref<?x?x?x?x?xf32>, memref<?x?x?x?xf32>)
      outs(%out : memref<?x?x?x?xf16>)
  return
}

//===----------------------------------------------------------------------===//
// Work items, views and tiles
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func private @kernel
func.func private @kernel(%x: memref<?xf32>, %begin: index, %end: index) {
  return
}
// CHECK-LABEL: func private @kernel_without_args
func.func private @kernel_without_args(%begin: index, %end: index) {
  return
}

// CHECK-LABEL: func @launch
// CHECK:         attn.launch @kernel over %{{[a-z0-9_#]+}}(%{{[a-z0-9_#]+}} : memref<?xf32>){{$}}
// CHECK:         attn.launch @kernel_without_args over %{{[a-z0-9_#]+}}(){{$}}
func.func @launch(%count: index, %x: memref<?xf32>) {
  attn.launch @kernel over %count (%x : memref<?xf32>)
  attn.launch @kernel_without_args over %count ()
  return
}

// CHECK-LABEL: func @packed_block
// CHECK:         attn.packed_block %{{[a-z0-9_#]+}} of %{{[a-z0-9_#]+}} total(%{{[a-z0-9_#]+}}) size(64) : memref<?xi32>
func.func @packed_block(%n: index, %starts: memref<?xi32>, %rows: index) {
  %0:4 = attn.packed_block %n of %starts total(%rows) size(64) : memref<?xi32>
  return
}

// CHECK-LABEL: func @work_item
// CHECK:         attn.work_item %{{[a-z0-9_#]+}} of(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}){{$}}
// CHECK:         attn.work_item %{{[a-z0-9_#]+}} of(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}) longest_first{{$}}
func.func @work_item(%w: index, %b: index, %h: index, %n: index) {
  %0:3 = attn.work_item %w of (%b, %h, %n)
  %1:3 = attn.work_item %w of (%b, %h, %n) longest_first
  return
}

// CHECK-LABEL: func @views
// CHECK:         attn.view %{{[a-z0-9_#]+}}[%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}] <bshd> : memref<?x?x8x64xf32> -> !attn.view<q, d 64, f32>
// CHECK:         attn.view %{{[a-z0-9_#]+}}[%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}] <paged> pages(%{{[a-z0-9_#]+}} : memref<?x?xi32>) : memref<?x?x8x64xf32> -> !attn.view<kv, dv 64, f32>
func.func @views(%x: memref<?x?x8x64xf32>, %table: memref<?x?xi32>, %i: index) {
  %0 = attn.view %x[%i, %i] <bshd>
      : memref<?x?x8x64xf32> -> !attn.view<q, d 64, f32>
  %1 = attn.view %x[%i, %i] <paged> pages(%table : memref<?x?xi32>)
      : memref<?x?x8x64xf32> -> !attn.view<kv, dv 64, f32>
  return
}

// CHECK-LABEL: func @load_and_store
// CHECK:         attn.load_tile %{{[a-z0-9_#]+}}[%{{[a-z0-9_#]+}}] valid(%{{[a-z0-9_#]+}}) : !attn.view<kv, d 64, bf16> -> !attn.tile<kv 128, d 64, bf16>
// CHECK:         attn.load_tile %{{[a-z0-9_#]+}}[%{{[a-z0-9_#]+}}] valid(%{{[a-z0-9_#]+}}) : !attn.view<kv, d 64, bf16> -> !attn.tile<d 64, kv 128, f32>
// CHECK:         attn.store_tile %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}[%{{[a-z0-9_#]+}}] valid(%{{[a-z0-9_#]+}}) : !attn.tile<q 64, dv 64, f32>, !attn.view<q, dv 64, bf16>
// CHECK:         attn.store_tile %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}[%{{[a-z0-9_#]+}}] valid(%{{[a-z0-9_#]+}}) keep_finite(%{{[a-z0-9_#]+}}) : !attn.tile<q 64, dv 64, f32>, !attn.view<q, dv 64, bf16>
// CHECK:         attn.store_stats %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}[%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}] valid(%{{[a-z0-9_#]+}}) : !attn.tile<q 64, f32>, memref<?x8x?xf32>
func.func @load_and_store(%in: !attn.view<kv, d 64, bf16>,
                          %out: !attn.view<q, dv 64, bf16>,
                          %t: !attn.tile<q 64, dv 64, f32>,
                          %m: !attn.tile<q 64, f32>, %lse: memref<?x8x?xf32>,
                          %i: index, %keep: i1) {
  %0 = attn.load_tile %in[%i] valid(%i)
      : !attn.view<kv, d 64, bf16> -> !attn.tile<kv 128, d 64, bf16>
  %1 = attn.load_tile %in[%i] valid(%i)
      : !attn.view<kv, d 64, bf16> -> !attn.tile<d 64, kv 128, f32>
  attn.store_tile %t, %out[%i] valid(%i)
      : !attn.tile<q 64, dv 64, f32>, !attn.view<q, dv 64, bf16>
  attn.store_tile %t, %out[%i] valid(%i) keep_finite(%keep)
      : !attn.tile<q 64, dv 64, f32>, !attn.view<q, dv 64, bf16>
  attn.store_stats %m, %lse[%i, %i, %i] valid(%i)
      : !attn.tile<q 64, f32>, memref<?x8x?xf32>
  return
}

// Types print in full, so that a dump reads like the documentation.
// CHECK-LABEL: func @arithmetic
// CHECK:         attn.fill %{{[a-z0-9_#]+}} : f32 -> !attn.tile<q 64, f32>
// CHECK:         attn.contract %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} valid(%{{[a-z0-9_#]+}}) : !attn.tile<kv 128, d 64, f32>, !attn.tile<q 64, d 64, f32> -> !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
// CHECK:         attn.all_finite %{{[a-z0-9_#]+}} : !attn.tile<q 64, dv 32, f32>
// CHECK:         attn.contract %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} valid(%{{[a-z0-9_#]+}}) into(%{{[a-z0-9_#]+}} : !attn.tile<q 64, dv 32, f32>) guard(%{{[a-z0-9_#]+}}) : !attn.tile<kv 128, dv 32, f32, #attn.in_place>, !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>> -> !attn.tile<q 64, dv 32, f32>
// CHECK:         attn.contract %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} valid(%{{[a-z0-9_#]+}}) guard(%{{[a-z0-9_#]+}} scale %{{[a-z0-9_#]+}}) : !attn.tile<kv 128, dv 32, f32, #attn.in_place>, !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>> -> !attn.tile<q 64, dv 32, f32>
// CHECK:         attn.reduce max %{{[a-z0-9_#]+}} into %{{[a-z0-9_#]+}} : !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>> -> !attn.tile<q 64, f32>
// CHECK:         attn.reduce add %{{[a-z0-9_#]+}} into %{{[a-z0-9_#]+}} : !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>> -> !attn.tile<q 64, f32>
func.func @arithmetic(%k: !attn.tile<kv 128, d 64, f32>,
                      %q: !attn.tile<q 64, d 64, f32>,
                      %v: !attn.tile<kv 128, dv 32, f32, #attn.in_place>,
                      %acc: !attn.tile<q 64, dv 32, f32>, %n: index,
                      %guard: i1, %x: f32) {
  %m = attn.fill %x : f32 -> !attn.tile<q 64, f32>
  %s = attn.contract %k, %q valid(%n)
      : !attn.tile<kv 128, d 64, f32>, !attn.tile<q 64, d 64, f32>
      -> !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
  %ok = attn.all_finite %acc : !attn.tile<q 64, dv 32, f32>
  %o = attn.contract %v, %s valid(%n) into(%acc : !attn.tile<q 64, dv 32, f32>)
      guard(%guard)
      : !attn.tile<kv 128, dv 32, f32, #attn.in_place>,
        !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
      -> !attn.tile<q 64, dv 32, f32>
  %o2 = attn.contract %v, %s valid(%n) guard(%guard scale %x)
      : !attn.tile<kv 128, dv 32, f32, #attn.in_place>,
        !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
      -> !attn.tile<q 64, dv 32, f32>
  %0 = attn.reduce max %s into %m
      : !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
      -> !attn.tile<q 64, f32>
  %1 = attn.reduce add %s into %m
      : !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
      -> !attn.tile<q 64, f32>
  return
}

// CHECK-LABEL: func @map
// CHECK:         attn.map ins(%{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : !attn.tile<q 64, kv 128, f32>, !attn.tile<q 64, f32>) {
// CHECK-NEXT:    ^bb0(%{{[a-z0-9_#]+}}: f32, %{{[a-z0-9_#]+}}: f32, %{{[a-z0-9_#]+}}: index, %{{[a-z0-9_#]+}}: index):
// CHECK:           attn.yield %{{[a-z0-9_#]+}} : bf16
// CHECK-NEXT:    } -> !attn.tile<q 64, kv 128, bf16>
// CHECK:         attn.map {
// CHECK-NEXT:    ^bb0(%{{[a-z0-9_#]+}}: index):
// CHECK:         } -> !attn.tile<q 64, f32>
func.func @map(%s: !attn.tile<q 64, kv 128, f32>, %m: !attn.tile<q 64, f32>,
               %zero: f32) {
  %p = attn.map ins(%s, %m : !attn.tile<q 64, kv 128, f32>,
                    !attn.tile<q 64, f32>) {
  ^bb0(%x: f32, %max: f32, %i: index, %j: index):
    %d = arith.subf %x, %max : f32
    %e = math.exp %d : f32
    %r = arith.truncf %e : f32 to bf16
    attn.yield %r : bf16
  } -> !attn.tile<q 64, kv 128, bf16>
  %z = attn.map {
  ^bb0(%i: index):
    attn.yield %zero : f32
  } -> !attn.tile<q 64, f32>
  return
}

// CHECK-LABEL: func @dot_pairs
// CHECK:         attn.dot_pairs %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}}, %{{[a-z0-9_#]+}} : vector<32xbf16>, vector<16xf32>
func.func @dot_pairs(%a: vector<32xbf16>, %b: vector<32xbf16>,
                     %acc: vector<16xf32>) -> vector<16xf32> {
  %0 = attn.dot_pairs %a, %b, %acc : vector<32xbf16>, vector<16xf32>
  return %0 : vector<16xf32>
}

// CHECK-LABEL: func private @types
// CHECK-SAME:    !attn.tile<q 16, kv 8, bf16, #attn.buffer<[kv, q], pairs>>
// CHECK-SAME:    !attn.tile<dv 64, f32, #attn.buffer<[dv]>>
// CHECK-SAME:    !attn.tile<kv 8, d 4, f16, #attn.in_place>
func.func private @types(
    !attn.tile<q 16, kv 8, bf16, #attn.buffer<[kv, q], pairs>>,
    !attn.tile<dv 64, f32, #attn.buffer<[dv]>>,
    !attn.tile<kv 8, d 4, f16, #attn.in_place>)
