//===- Passes.td - Passes on the attn dialect -----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD
#define ATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def BufferizePass : Pass<"attn-bufferize", "::mlir::ModuleOp"> {
  let summary = "Bufferize functions on tensors and free what they allocate";
  let description = [{
    In: functions on tensors, memrefs or both. Out: functions on memrefs.
    Results that a function on tensors returns are buffers that its caller owns;
    every other buffer that it allocates is freed. Functions on memrefs alone
    manage their memory themselves and are left as they are.
  }];
}

def RecognizeMasksPass
    : Pass<"attn-recognize-masks", "::mlir::ModuleOp"> {
  let summary = "Replace mask functions by the masks that they compute";
  let description = [{
    In: `attn.attention` with `#attn.custom` masks. Out: the same, with a mask
    of the algebra in place of every function that is one: comparisons of q_pos
    + c, j + c, q_pos - j + c and their floor quotients by a constant, or of j
    with an i32 length per batch, under and, or, xor and select. Such a mask
    becomes loop bounds; the others are looked at pair by pair. Masks are
    simplified, and private functions that are named no more are erased.

    ```mlir
    %visible = arith.cmpi sle, %j, %q_pos : index      // #attn.causal
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def ConvertToOnlinePass
    : Pass<"attn-convert-to-online", "::mlir::ModuleOp"> {
  let summary = "Replace attn.attention by an online-softmax kernel";
  let description = [{
    In: `attn.attention` on memrefs with a `config`. Out: for each, a private
    kernel function over a range of work items, and an `attn.launch` in its
    place. A work item is one batch, one query head and `block_q` query rows.
    The kernel loops over the key ranges that the mask analysis derived (tiles
    that no row sees are not in them) and carries (accumulator, row maximum, row
    sum) through at most two copies of the tile body: one that masks, for tiles
    that are partly visible, and one that does not.
  }];
  let options = [
    Option<"countTiles", "count-tiles", "bool", "false",
           "Tile bodies count their executions in @attn_tile_counts">
  ];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def DecomposeToLinalgPass
    : Pass<"attn-decompose-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Write attention ops on tensors as plain linalg";
  let description = [{
    In: `attn.attention` and `attn.merge` on tensors. Out: `linalg.generic`,
    `arith`, `math` and `tensor` ops that mean the same, hidden keys and rows
    without a visible key included; packed and paged operands also need `scf.if`
    around addresses that exist for some elements only. User functions are
    inlined. Block sizes, splits and configurations are dropped: they say how,
    not what. Scores are held in memory as a whole, in f32. Ops on memrefs are
    refused.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

def RaiseFromLinalgPass
    : Pass<"attn-raise-from-linalg", "::mlir::func::FuncOp"> {
  let summary = "Find attention written as linalg and make it attn.attention";
  let description = [{
    In: functions on tensors. Out: the same, softmax(mask(scale q k + bias)) v
    being one `attn.attention` wherever the op computes exactly that: the same
    function of real numbers, rounded no more often. What looks like attention
    and is not replaced stays as it was, with a remark that says why.

    Elements are matched, not ops: transposes, reshapes, broadcasts, casts and
    the number of ops that share the work do not matter. docs/raising.md lists
    what is understood.
  }];
  let options = [
    Option<"assumeVisibleRows", "assume-visible-rows", "bool", "false",
           "Every row sees a key, whatever masks and biases hold at run time">,
    Option<"assumeSentinelsHide", "assume-sentinels-hide", "bool", "false",
           "A score replaced by a number of at most -10000 hides its key">
  ];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def ConvertMergePass : Pass<"attn-convert-merge", "::mlir::ModuleOp"> {
  let summary = "Replace attn.merge by a kernel over rows";
  let description = [{
    In: `attn.merge` on memrefs of any strides. Out: for each, a private kernel
    function over a range of rows, and an `attn.launch` in its place. Parts are
    summed in ascending order, so that results do not depend on the thread
    count; an empty part is never read.

    An op with the attribute `attn.block_size` becomes a kernel of a GPU: blocks
    of so many threads, one per row.
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::gpu::GPUDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def PipelineScoresPass
    : Pass<"attn-pipeline-scores", "::mlir::func::FuncOp"> {
  let summary = "Multiply the next keys beside the softmax of these";
  let description = [{
    In: kernels with loops over key tiles. Out: the same, with the product of
    query and key tiles one iteration ahead: the loop carries the products of
    its iteration, and its body computes those of the next one, which nothing
    else in the body waits for. A machine whose matrix unit works beside its
    vector unit then has work for both. The last iteration repeats its own
    product, so that nothing is read that was not read before.

    Loops whose products are guarded, those of the rare second attempt at a work
    item, stay as they are.

    ```mlir
    %s = attn.contract %k0, %q ...
    scf.for %i = ... iter_args(%acc, ..., %s) {
      %next = attn.contract %k, %q ...    // of tile i + 1
      ... attn.map ins(%s ...) ...        // of tile i
      scf.yield %acc1, ..., %next
    }
    ```
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"
  ];
}

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD
