//===- SplitKeys.h - Parts of the keys and their merge -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the pass attn-convert-to-online: what the launching function does
// around the launch of a kernel whose work items are parts of the keys.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_SPLITKEYS_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_SPLITKEYS_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Where parts store their results, f32: outs [P, B, Hq, Sq, Dv] and lses [P,
/// B, Hq, Sq]. Packed rows are one batch.
struct Workspace {
  mlir::Value outs, lses;
};

/// The types of the workspace of `op`.
mlir::MemRefType getPartOutsType(AttentionOp op);
mlir::MemRefType getPartLsesType(AttentionOp op);

/// Allocates the workspace of `op`, whose config has a split. `items` is the
/// number of work items that there would be without.
Workspace buildWorkspace(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                         mlir::Value items);

/// Merges the parts into the results of `op` and frees the workspace.
void buildMergeOfParts(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                       const Workspace &workspace);

} // namespace attn

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_SPLITKEYS_H
