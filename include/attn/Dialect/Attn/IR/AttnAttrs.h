//===- AttnAttrs.h - Masks, configurations and layouts -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNATTRS_H
#define ATTN_DIALECT_ATTN_IR_ATTNATTRS_H

#include "mlir/IR/BuiltinAttributes.h"

#include "attn/Dialect/Attn/IR/AttnEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnAttrs.h.inc"

namespace attn {

/// Whether `attr` is one of the masks of AttnMasks.td.
bool isMask(mlir::Attribute attr);

/// Whether `attr` is a layout that a tile type may have.
bool isTileLayout(mlir::Attribute attr);

/// The direct operands of `and`, `or`, `not` and `per_head`; empty for a leaf.
llvm::SmallVector<mlir::Attribute> getMaskOperands(mlir::Attribute mask);

/// Where the dims of an operand lie in its shape; -1 where the layout has no
/// such dim. In packed layouts `sequence` is the token dim, in the paged one
/// `batch` is the page and `sequence` the row within it.
struct LayoutDims {
  int batch, sequence, head, dim;
};
LayoutDims getLayoutDims(Layout layout);
/// Number of dims of an operand of this layout.
int getLayoutRank(Layout layout);
/// thd, htd or hdt.
bool isPacked(Layout layout);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_ATTNATTRS_H
