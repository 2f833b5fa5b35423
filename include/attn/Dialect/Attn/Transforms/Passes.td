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

def ConvertMergePass : Pass<"attn-convert-merge", "::mlir::ModuleOp"> {
  let summary = "Replace attn.merge by a kernel over rows";
  let description = [{
    In: `attn.merge` on memrefs of any strides. Out: for each, a private kernel
    function over a range of rows, and an `attn.launch` in its place. Parts are
    summed in ascending order, so that results do not depend on the thread
    count; an empty part is never read.
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD
