// What cannot be tiled says so; the transform dialect adds errors of its own.
// RUN: not attn-opt %s --transform-interpreter --split-input-file 2>&1 \
// RUN:   | FileCheck %s

// CHECK: error: 'attn.attention' op has packed sequences, which cannot be tiled by batch or query row; expected tile sizes of 0
func.func @packed_rows(%x: tensor<100x8x32xf32>, %cu: tensor<4xi32>) -> tensor<100x8x32xf32> {
  %0 = attn.attention ins(%x, %x, %x : tensor<100x8x32xf32>,
      tensor<100x8x32xf32>, tensor<100x8x32xf32>) layout(thd)
      cu_seqlens_q(%cu : tensor<4xi32>) cu_seqlens_kv(%cu : tensor<4xi32>)
      scale(0.5) outs(%x : tensor<100x8x32xf32>) -> tensor<100x8x32xf32>
  return %0 : tensor<100x8x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 0, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK: error: 'attn.attention' op has packed sequences, which cannot be tiled by batch or query row; expected tile sizes of 0
func.func @packed_batch(%x: tensor<100x8x32xf32>, %cu: tensor<4xi32>) -> tensor<100x8x32xf32> {
  %0 = attn.attention ins(%x, %x, %x : tensor<100x8x32xf32>,
      tensor<100x8x32xf32>, tensor<100x8x32xf32>) layout(thd)
      cu_seqlens_q(%cu : tensor<4xi32>) cu_seqlens_kv(%cu : tensor<4xi32>)
      scale(0.5) outs(%x : tensor<100x8x32xf32>) -> tensor<100x8x32xf32>
  return %0 : tensor<100x8x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [2, 0, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Padded rows over packed keys: the batches are bound by cu_seqlens_kv.
// CHECK: error: 'attn.attention' op has packed sequences, which cannot be tiled by batch or query row; expected tile sizes of 0
func.func @packed_keys(%x: tensor<2x64x8x32xf32>, %k: tensor<100x8x32xf32>,
                       %cu: tensor<3xi32>) -> tensor<2x64x8x32xf32> {
  %0 = attn.attention ins(%x, %k, %k : tensor<2x64x8x32xf32>,
      tensor<100x8x32xf32>, tensor<100x8x32xf32>)
      layout(q = bshd, k = thd, v = thd, out = bshd)
      cu_seqlens_kv(%cu : tensor<3xi32>)
      scale(0.5) outs(%x : tensor<2x64x8x32xf32>) -> tensor<2x64x8x32xf32>
  return %0 : tensor<2x64x8x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [2, 0, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index) -> f32 {
  return %s : f32
}
// CHECK: error: 'attn.attention' op calls a function with the number of the batch and head, so that these cannot be tiled; expected tile sizes of 0
func.func @heads_of_functions(%x: tensor<2x64x8x32xf32>) -> tensor<2x64x8x32xf32> {
  %0 = attn.attention ins(%x, %x, %x : tensor<2x64x8x32xf32>,
      tensor<2x64x8x32xf32>, tensor<2x64x8x32xf32>)
      score_mod(@mod)
      scale(0.5) outs(%x : tensor<2x64x8x32xf32>) -> tensor<2x64x8x32xf32>
  return %0 : tensor<2x64x8x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 2, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func private @see(%b: index, %h: index, %i: index, %j: index) -> i1 {
  %r = arith.cmpi sle, %j, %b : index
  return %r : i1
}
// CHECK: error: 'attn.attention' op calls a function with the number of the batch and head, so that these cannot be tiled; expected tile sizes of 0
func.func @batch_of_custom_mask(%x: tensor<2x64x8x32xf32>) -> tensor<2x64x8x32xf32> {
  %0 = attn.attention ins(%x, %x, %x : tensor<2x64x8x32xf32>,
      tensor<2x64x8x32xf32>, tensor<2x64x8x32xf32>)
      mask(#attn.not<#attn.custom<@see>>)
      scale(0.5) outs(%x : tensor<2x64x8x32xf32>) -> tensor<2x64x8x32xf32>
  return %0 : tensor<2x64x8x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 0, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK: error: 'attn.attention' op has a per_head mask, so that heads can be tiled at constant offsets only
func.func @per_head(%x: tensor<2x64x2x32xf32>) -> tensor<2x64x2x32xf32> {
  %0 = attn.attention ins(%x, %x, %x : tensor<2x64x2x32xf32>,
      tensor<2x64x2x32xf32>, tensor<2x64x2x32xf32>)
      mask(#attn.per_head<[#attn.causal, #attn.chunked<8>]>)
      scale(0.5) outs(%x : tensor<2x64x2x32xf32>) -> tensor<2x64x2x32xf32>
  return %0 : tensor<2x64x2x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 1, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK: error: 'attn.attention' op has q_lens in a memref, so that query rows cannot be tiled; expected tensors or a tile size of 0
func.func @lengths_in_memory(%x: memref<2x64x8x32xf32>, %lens: memref<2xi32>) {
  attn.attention ins(%x, %x, %x : memref<2x64x8x32xf32>,
      memref<2x64x8x32xf32>, memref<2x64x8x32xf32>)
      q_lens(%lens : memref<2xi32>)
      scale(0.5) outs(%x : memref<2x64x8x32xf32>)
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 0, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK: error: 'attn.attention' op has offsets in a memref, so that query rows cannot be tiled; expected tensors or a tile size of 0
func.func @offsets_in_memory(%x: memref<2x64x8x32xf32>, %o: memref<2xi64>) {
  attn.attention ins(%x, %x, %x : memref<2x64x8x32xf32>,
      memref<2x64x8x32xf32>, memref<2x64x8x32xf32>)
      dynamic_q_offset(%o : memref<2xi64>)
      scale(0.5) outs(%x : memref<2x64x8x32xf32>)
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 0, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
