// RUN: attn-opt %s --canonicalize --split-input-file | FileCheck %s

// Masks are printed by functions of one op each; the property that simplifying
// never changes what is visible is tested in test/unit/SimplifyMaskTest.cpp.

// CHECK-LABEL: func @flatten
// CHECK:         mask(#attn.and<[#attn.chunked<16>, #attn.causal, #attn.prefix<slot 0>]>)
func.func @flatten(%x: memref<?x?x2x64xf32>, %n: memref<?xi32>) {
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.and<[#attn.chunked<16>, #attn.and<[#attn.causal, #attn.or<[
          #attn.prefix<slot 0>]>]>, #attn.and<[]>, #attn.causal]>)
      mask_operands(%n : memref<?xi32>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  return
}

// -----

// CHECK-LABEL: func @double_negation
// CHECK:         mask(#attn.chunked<16>)
func.func @double_negation(%x: memref<?x?x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.not<#attn.not<#attn.chunked<16>>>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  return
}

// -----

// A mask that shows everything is no mask.
// CHECK-LABEL: func @all
// CHECK-NOT:     mask
func.func @all(%x: memref<?x?x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.and<[#attn.sliding_window<unbounded, unbounded>,
          #attn.or<[#attn.causal, #attn.not<#attn.causal>]>,
          #attn.not<#attn.or<[]>>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  return
}

// -----

// CHECK-LABEL: func @windows
// CHECK:         mask(#attn.sliding_window<64, 0>)
// CHECK:         mask(#attn.sliding_window<128, 9>)
// CHECK:         mask(#attn.causal)
func.func @windows(%x: memref<?x?x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.and<[#attn.sliding_window<64, 9>, #attn.causal,
          #attn.sliding_window<128, unbounded>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.or<[#attn.sliding_window<64, 9>, #attn.sliding_window<128, 0>
          ]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.or<[#attn.sliding_window<64, 0>, #attn.sliding_window<
          unbounded, 0>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  return
}

// -----

// CHECK-LABEL: func @prefixes_and_chunks
// CHECK:         mask(#attn.and<[#attn.prefix<16>, #attn.chunked<8>]>)
// CHECK:         mask(#attn.or<[#attn.prefix<32>, #attn.chunked<64>]>)
// CHECK:         mask(#attn.and<[#attn.chunked<8>, #attn.chunked<12>]>)
func.func @prefixes_and_chunks(%x: memref<?x?x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.and<[#attn.prefix<32>, #attn.chunked<64>, #attn.prefix<16>,
                      #attn.chunked<8>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.or<[#attn.prefix<32>, #attn.chunked<64>, #attn.prefix<16>,
                     #attn.chunked<8>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.and<[#attn.chunked<8>, #attn.chunked<12>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  return
}

// -----

// CHECK-LABEL: func @absorb
// CHECK:         mask(#attn.causal)
// CHECK:         mask(#attn.causal)
func.func @absorb(%x: memref<?x?x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.and<[#attn.or<[#attn.causal, #attn.chunked<8>]>,
                      #attn.causal]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.or<[#attn.causal, #attn.and<[#attn.causal, #attn.chunked<8>]>
          ]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  return
}

// -----

// CHECK-LABEL: func @per_head
// CHECK:         mask(#attn.causal)
// CHECK:         mask(#attn.per_head<[#attn.causal, #attn.chunked<8>]>)
func.func @per_head(%x: memref<?x?x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.per_head<[#attn.causal, #attn.sliding_window<unbounded, 0>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.per_head<[#attn.causal, #attn.and<[#attn.chunked<8>]>]>)
      scale(1.0) outs(%x : memref<?x?x2x64xf32>)
  return
}

// -----

// Slots are renumbered once nothing names the operands before them.
// CHECK-LABEL: func @slots
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<2x8x2x64xf32>, %[[DEAD:[a-z0-9]+]]: memref<2xi32>, %[[S:[a-z0-9]+]]: memref<2x8xi32>, %[[C:[a-z0-9]+]]: memref<4xi32>
// CHECK:         mask(#attn.and<[#attn.custom<@see, [0]>, #attn.segments<q = 1, kv = 1>]>)
// CHECK-SAME:    mask_operands(%[[C]], %[[S]] : memref<4xi32>, memref<2x8xi32>)
func.func private @see(%b: index, %h: index, %i: index, %j: index,
                       %c: memref<4xi32>) -> i1 {
  %true = arith.constant true
  return %true : i1
}
func.func @slots(%x: memref<2x8x2x64xf32>, %dead: memref<2xi32>,
                 %s: memref<2x8xi32>, %c: memref<4xi32>) {
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.and<[#attn.or<[#attn.prefix<slot 0>, #attn.and<[]>]>,
                      #attn.custom<@see, [3]>,
                      #attn.segments<q = 1, kv = 2>]>)
      mask_operands(%dead, %s, %s, %c : memref<2xi32>, memref<2x8xi32>,
          memref<2x8xi32>, memref<4xi32>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  return
}

// -----

// Static sizes decide: the window reaches over all 8 keys to the right, and no
// row is further than 7 from key 0.
// CHECK-LABEL: func @static_sizes
// CHECK:         attn.attention
// CHECK-NOT:     mask
// CHECK:         attn.attention
// CHECK-NOT:     mask
// CHECK:         attn.attention
// CHECK-SAME:      mask(#attn.causal)
// CHECK:         attn.attention
// CHECK-NOT:     mask
// CHECK:         attn.attention
// CHECK-NOT:     mask
// CHECK:         return
func.func @static_sizes(%x: memref<2x8x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.sliding_window<7, 7>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  // The last key is before every row.
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.causal) q_offset(7)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.and<[#attn.sliding_window<7, 0>, #attn.prefix<8>]>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.chunked<8>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.prefix<8>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  return
}

// -----

// What the positions are is not known: nothing is decided.
// CHECK-LABEL: func @unknown_positions
// CHECK:         mask(#attn.sliding_window<7, 7>)
// CHECK:         mask(#attn.sliding_window<7, 7>)
func.func @unknown_positions(%x: memref<2x8x2x64xf32>, %offset: i64,
                             %positions: memref<2x8xi64>) {
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.sliding_window<7, 7>) dynamic_q_offset(%offset : i64)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.sliding_window<7, 7>) q_positions(%positions : memref<2x8xi64>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  return
}

// -----

// Sizes of packed sequences add up to the tokens; pages bound the keys.
// CHECK-LABEL: func @packed_and_paged
// CHECK:         attn.attention
// CHECK-NOT:     mask
// CHECK:         attn.attention
// CHECK-SAME:      mask(#attn.prefix<99>)
// CHECK:         attn.attention
// CHECK-NOT:     mask
// CHECK:         return
func.func @packed_and_paged(%q: memref<100x2x64xf32>, %cu: memref<4xi32>,
                            %x: memref<3x8x2x64xf32>,
                            %pages: memref<50x16x2x64xf32>,
                            %lens: memref<3xi32>, %table: memref<3x4xi32>) {
  attn.attention ins(%q, %q, %q : memref<100x2x64xf32>, memref<100x2x64xf32>,
      memref<100x2x64xf32>) layout(thd)
      cu_seqlens_q(%cu : memref<4xi32>) cu_seqlens_kv(%cu : memref<4xi32>)
      mask(#attn.prefix<100>) scale(1.0) outs(%q : memref<100x2x64xf32>)
  attn.attention ins(%q, %q, %q : memref<100x2x64xf32>, memref<100x2x64xf32>,
      memref<100x2x64xf32>) layout(thd)
      cu_seqlens_q(%cu : memref<4xi32>) cu_seqlens_kv(%cu : memref<4xi32>)
      mask(#attn.prefix<99>) scale(1.0) outs(%q : memref<100x2x64xf32>)
  attn.attention ins(%x, %pages, %pages : memref<3x8x2x64xf32>,
      memref<50x16x2x64xf32>, memref<50x16x2x64xf32>)
      layout(q = bshd, k = paged, v = paged, out = bshd)
      kv_lens(%lens : memref<3xi32>) block_table(%table : memref<3x4xi32>)
      mask(#attn.prefix<64>) scale(1.0) outs(%x : memref<3x8x2x64xf32>)
  return
}

// -----

// No visible key: out is 0 and lse is -inf.
// CHECK-LABEL: func @hidden_tensors
// CHECK-SAME:    %[[OUT:[a-z0-9]+]]: tensor<2x8x2x64xbf16>, %[[LSE:[a-z0-9]+]]: tensor<2x2x8xf32>)
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : bf16
// CHECK-DAG:     %[[INF:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG:     %[[O:.*]] = linalg.fill ins(%[[ZERO]] : bf16) outs(%[[OUT]] :
// CHECK-DAG:     %[[L:.*]] = linalg.fill ins(%[[INF]] : f32) outs(%[[LSE]] :
// CHECK-NOT:     attn.attention
// CHECK:         return %[[O]], %[[L]]
func.func @hidden_tensors(%x: tensor<2x8x2x64xf32>,
                          %init: tensor<2x8x2x64xbf16>,
                          %lse: tensor<2x2x8xf32>)
    -> (tensor<2x8x2x64xbf16>, tensor<2x2x8xf32>) {
  %0:2 = attn.attention ins(%x, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      mask(#attn.or<[]>) scale(1.0)
      outs(%init, %lse : tensor<2x8x2x64xbf16>, tensor<2x2x8xf32>)
      -> tensor<2x8x2x64xbf16>, tensor<2x2x8xf32>
  return %0#0, %0#1 : tensor<2x8x2x64xbf16>, tensor<2x2x8xf32>
}

// -----

// Every way not to see a key, on memrefs.
// CHECK-LABEL: func @hidden_memrefs
// CHECK-COUNT-6: linalg.fill
// CHECK-NOT:     linalg.fill
// CHECK-NOT:     attn.attention
// CHECK:         return
func.func @hidden_memrefs(%x: memref<2x8x2x64xf32>, %none: memref<2x0x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.and<[#attn.chunked<4>, #attn.prefix<0>]>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.causal) q_offset(-8)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.sliding_window<3, 0>) q_offset(11)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.chunked<8>) q_offset(8)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.and<[#attn.causal, #attn.not<#attn.causal>]>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %none, %none : memref<2x8x2x64xf32>,
      memref<2x0x2x64xf32>, memref<2x0x2x64xf32>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  return
}

// -----

// One position more, and a key is visible.
// CHECK-LABEL: func @barely_visible
// CHECK-COUNT-3: attn.attention
// CHECK-NOT:     linalg.fill
func.func @barely_visible(%x: memref<2x8x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.causal) q_offset(-7)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.sliding_window<3, 0>) q_offset(10)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.chunked<8>) q_offset(7)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  return
}

// -----

// Sinks give lse a value even where no key is visible.
// CHECK-LABEL: func @hidden_with_sinks
// CHECK-NOT:     linalg.fill
// CHECK:         attn.attention
// CHECK-SAME:      mask(#attn.or<[]>)
// CHECK-NOT:     mask_operands
func.func @hidden_with_sinks(%x: memref<2x8x2x64xf32>, %sinks: memref<2xf32>,
                             %n: memref<2xi32>) {
  attn.attention ins(%x, %x, %x : memref<2x8x2x64xf32>, memref<2x8x2x64xf32>,
      memref<2x8x2x64xf32>)
      mask(#attn.and<[#attn.prefix<slot 0>, #attn.prefix<0>]>)
      mask_operands(%n : memref<2xi32>) sinks(%sinks : memref<2xf32>)
      scale(1.0) outs(%x : memref<2x8x2x64xf32>)
  return
}

// -----

// Constants become attributes, and attributes that say nothing go.
// CHECK-LABEL: func @scalars
// CHECK:         attn.attention
// CHECK-SAME:      scale(5.000000e-01) softcap(3.000000e+01) q_offset(5) outs
// CHECK:         attn.attention
// CHECK-SAME:      scale(1.000000e+00) outs
// CHECK:         attn.attention
// CHECK-SAME:      scale(1.000000e+00) outs
func.func @scalars(%x: tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32> {
  %half = arith.constant 0.5 : f32
  %cap = arith.constant 30.0 : f32
  %minus = arith.constant -1.0 : f32
  %five = arith.constant 5 : i64
  %zeros = arith.constant dense<0> : tensor<2xi64>
  %0 = attn.attention ins(%x, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      dynamic_scale(%half) dynamic_softcap(%cap) dynamic_q_offset(%five : i64)
      outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  %1 = attn.attention ins(%0, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      scale(1.0) dynamic_softcap(%minus)
      dynamic_q_offset(%zeros : tensor<2xi64>)
      outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  %2 = attn.attention ins(%1, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      scale(1.0) softcap(0.0) q_offset(0)
      outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  return %2 : tensor<2x8x2x64xf32>
}

// -----

// An infinite scale or softcap gives NaN where it is computed, not here; offsets
// that differ between batches stay.
// CHECK-LABEL: func @no_attributes_for
// CHECK:         dynamic_scale(
// CHECK-SAME:      dynamic_softcap(
// CHECK-SAME:      dynamic_q_offset(
func.func @no_attributes_for(%x: tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32> {
  %inf = arith.constant 0x7F800000 : f32
  %offsets = arith.constant dense<[1, 2]> : tensor<2xi64>
  %0 = attn.attention ins(%x, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      dynamic_scale(%inf) dynamic_softcap(%inf)
      dynamic_q_offset(%offsets : tensor<2xi64>)
      outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  return %0 : tensor<2x8x2x64xf32>
}

// -----

// CHECK-LABEL: func @constant_prefix
// CHECK:         mask(#attn.or<[#attn.causal, #attn.prefix<3>]>)
// CHECK-NOT:     mask_operands
// CHECK:         linalg.fill
func.func @constant_prefix(%x: tensor<2x8x2x64xf32>)
    -> (tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>) {
  %n = arith.constant dense<3> : tensor<2xi32>
  %negative = arith.constant dense<-1> : tensor<2xi32>
  %0 = attn.attention ins(%x, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      mask(#attn.or<[#attn.causal, #attn.prefix<slot 0>]>)
      mask_operands(%n : tensor<2xi32>)
      scale(1.0) outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  %1 = attn.attention ins(%x, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      mask(#attn.prefix<slot 0>) mask_operands(%negative : tensor<2xi32>)
      scale(1.0) outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  return %0, %1 : tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>
}

// -----

// CHECK-LABEL: func @full_lengths
// CHECK:         attn.attention
// CHECK-NOT:     lens
// CHECK:         attn.attention
// CHECK-SAME:      q_lens
// CHECK-SAME:      kv_lens
func.func @full_lengths(%x: tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32> {
  %full = arith.constant dense<8> : tensor<2xi32>
  %short = arith.constant dense<7> : tensor<2xi32>
  %0 = attn.attention ins(%x, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      q_lens(%full : tensor<2xi32>) kv_lens(%full : tensor<2xi32>)
      scale(1.0) outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  %1 = attn.attention ins(%0, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      q_lens(%short : tensor<2xi32>) kv_lens(%short : tensor<2xi32>)
      scale(1.0) outs(%x : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  return %1 : tensor<2x8x2x64xf32>
}

// -----

// CHECK-LABEL: func @dead_lse
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x8x2x64xf32>, %[[LSE:[a-z0-9]+]]: tensor<2x2x8xf32>
// CHECK:         attn.attention
// CHECK-SAME:      outs(%[[X]] : tensor<2x8x2x64xf32>) {note = "kept"} -> tensor<2x8x2x64xf32>
func.func @dead_lse(%x: tensor<2x8x2x64xf32>, %lse: tensor<2x2x8xf32>)
    -> tensor<2x8x2x64xf32> {
  %0:2 = attn.attention ins(%x, %x, %x : tensor<2x8x2x64xf32>,
      tensor<2x8x2x64xf32>, tensor<2x8x2x64xf32>)
      scale(1.0) outs(%x, %lse : tensor<2x8x2x64xf32>, tensor<2x2x8xf32>)
      {note = "kept"} -> tensor<2x8x2x64xf32>, tensor<2x2x8xf32>
  return %0#0 : tensor<2x8x2x64xf32>
}

// -----

// CHECK-LABEL: func @dead_lse_of_merge
// CHECK:         attn.merge
// CHECK-SAME:      sinks(
// CHECK-SAME:      outs(%{{[a-z0-9]+}} : tensor<1x8x16x64xbf16>) -> tensor<1x8x16x64xbf16>
func.func @dead_lse_of_merge(
    %o: tensor<4x1x8x16x64xf32>, %l: tensor<4x1x8x16xf32>,
    %sinks: tensor<8xf32>, %out: tensor<1x8x16x64xbf16>,
    %lse: tensor<1x8x16xf32>) -> tensor<1x8x16x64xbf16> {
  %r:2 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      sinks(%sinks : tensor<8xf32>)
      outs(%out, %lse : tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>)
      -> tensor<1x8x16x64xbf16>, tensor<1x8x16xf32>
  return %r#0 : tensor<1x8x16x64xbf16>
}

// -----

// Static shapes reach the op; casts that know less than their source go.
// CHECK-LABEL: func @memref_casts
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<2x8x2x64xf32>, %[[S:[a-z0-9]+]]: memref<2xf32>, %[[D:[a-z0-9]+]]: memref<?x?x?x64xf32>
// CHECK:         %[[STATIC:.*]] = memref.cast %[[D]]
// CHECK-NEXT:    attn.attention ins(%[[X]], %[[STATIC]], %[[X]]
// CHECK-SAME:      score_operands(%[[S]] : memref<2xf32>)
// CHECK-SAME:      outs(%[[X]] : memref<2x8x2x64xf32>)
func.func private @mod(%s: f32, %b: index, %h: index, %i: index, %j: index,
                       %c: memref<?xf32>) -> f32 {
  %x = memref.load %c[%h] : memref<?xf32>
  %r = arith.addf %s, %x : f32
  return %r : f32
}
func.func @memref_casts(%x: memref<2x8x2x64xf32>, %s: memref<2xf32>,
                        %d: memref<?x?x?x64xf32>) {
  %0 = memref.cast %x : memref<2x8x2x64xf32> to
      memref<?x?x?x64xf32, strided<[?, ?, ?, 1], offset: ?>>
  %1 = memref.cast %s : memref<2xf32> to memref<?xf32>
  %2 = memref.cast %d : memref<?x?x?x64xf32> to memref<2x8x2x64xf32>
  attn.attention
      ins(%0, %2, %x : memref<?x?x?x64xf32, strided<[?, ?, ?, 1], offset: ?>>,
          memref<2x8x2x64xf32>, memref<2x8x2x64xf32>)
      score_mod(@mod) score_operands(%1 : memref<?xf32>) scale(1.0)
      outs(%0 : memref<?x?x?x64xf32, strided<[?, ?, ?, 1], offset: ?>>)
  return
}

// -----

// CHECK-LABEL: func @tensor_casts
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x8x2x64xf32>, %[[S:[a-z0-9]+]]: tensor<2xf32>
// CHECK:         %[[R:.*]] = attn.attention ins(%[[X]], %[[X]], %[[X]]
// CHECK-SAME:      score_operands(%[[S]] : tensor<2xf32>)
// CHECK-SAME:      -> tensor<2x8x2x64xf32>
// CHECK:         %[[C:.*]] = tensor.cast %[[R]]
// CHECK:         return %[[C]]
func.func private @mod(%s: f32, %b: index, %h: index, %i: index, %j: index,
                       %c: tensor<?xf32>) -> f32 {
  %x = tensor.extract %c[%h] : tensor<?xf32>
  %r = arith.addf %s, %x : f32
  return %r : f32
}
func.func @tensor_casts(%x: tensor<2x8x2x64xf32>, %s: tensor<2xf32>)
    -> tensor<?x?x?x64xf32> {
  %0 = tensor.cast %x : tensor<2x8x2x64xf32> to tensor<?x?x?x64xf32>
  %1 = tensor.cast %s : tensor<2xf32> to tensor<?xf32>
  %2 = attn.attention
      ins(%0, %0, %x : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>,
          tensor<2x8x2x64xf32>)
      score_mod(@mod) score_operands(%1 : tensor<?xf32>) scale(1.0)
      outs(%0 : tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32>
  return %2 : tensor<?x?x?x64xf32>
}
