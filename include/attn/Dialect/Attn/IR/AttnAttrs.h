//===- AttnAttrs.h - Masks, configurations and layouts -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNATTRS_H
#define ATTN_DIALECT_ATTN_IR_ATTNATTRS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/Hashing.h"
#include <optional>

#include "attn/Dialect/Attn/IR/AttnEnums.h.inc"

namespace attn {

/// One digit of a fragment's register, lane or warp number: digit * step along
/// `dim`.
struct LayoutDigit {
  Dim dim;
  int64_t size, step;

  bool operator==(const LayoutDigit &other) const {
    return dim == other.dim && size == other.size && step == other.step;
  }
};

inline llvm::hash_code hash_value(const LayoutDigit &digit) {
  return llvm::hash_combine(static_cast<int>(digit.dim), digit.size,
                            digit.step);
}

} // namespace attn

#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnAttrs.h.inc"

namespace attn {

/// Limits on a mask. Attributes share parts, so that a few lines can stand for
/// a mask whose text would fill the memory; and what looks at masks calls
/// itself for every level.
constexpr int64_t kMaxMaskNodes = 1 << 22, kMaxMaskDepth = 256;

/// Limit on the `rows` times the `lanes` of a vector schedule.
constexpr int64_t kMaxAccumulators = 4096;

/// Whether `attr` is one of the masks of AttnMasks.td.
bool isMask(mlir::Attribute attr);

/// Whether `attr` is a layout that a tile type may have.
bool isTileLayout(mlir::Attribute attr);

/// The direct operands of `and`, `or`, `not` and `per_head`; empty for a leaf.
llvm::SmallVector<mlir::Attribute> getMaskOperands(mlir::Attribute mask);

/// Whether `mask` is `#attn.and<[]>` (`#attn.or<[]>`), which is how
/// simplifyMask writes a mask that shows every key (no key).
bool showsAll(mlir::Attribute mask);
bool showsNothing(mlir::Attribute mask);

/// What is known of the problem that a mask belongs to.
struct MaskBounds {
  /// The smallest and largest position of a query row.
  std::optional<int64_t> minQ, maxQ;
  /// An upper bound on the number of keys, at least 1.
  std::optional<int64_t> keys;
};

/// A mask that shows the same keys as `mask` to every row that `bounds` allow,
/// and is no larger: nested and duplicate operands, double negations, windows
/// that intersect or unite, sides and leaves that the bounds decide. Slots keep
/// their numbers; some may no longer be named.
mlir::Attribute simplifyMask(mlir::Attribute mask,
                             const MaskBounds &bounds = {});

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
