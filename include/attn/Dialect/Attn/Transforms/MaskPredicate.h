//===- MaskPredicate.h - The mask of one pair, as arith ops -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_MASKPREDICATE_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_MASKPREDICATE_H

#include "mlir/IR/Builders.h"

namespace attn {

class CustomAttr;

/// What a mask may look at, for one pair of a query row and a key.
struct MaskOperands {
  /// Position of the row (i + q_offset, or q_positions[b, i]) and the key:
  /// index.
  mlir::Value qPos, j;
  /// Batch, query head and query row, index; unused by the structured masks.
  mlir::Value b, h, i;
  /// Value of a prefix slot for this batch: index. Called at most once per
  /// slot.
  llvm::function_ref<mlir::Value(int64_t slot)> slotValue;
  /// The element of a slot of segments (an id, any integer type) or dense (i1)
  /// that belongs to the row, the key or the pair. Null: such masks are
  /// refused.
  llvm::function_ref<mlir::Value(int64_t slot)> slotElement;
  /// i1 of a custom mask for this pair; null where there is none to call.
  llvm::function_ref<mlir::Value(CustomAttr custom)> customValue;
};

/// Emits the i1 predicate `mask` of one pair; a null mask is true. Lengths are
/// not part of it. What depends only on qPos or only on j is computed as such,
/// so that vectorising along one of the two leaves the other scalar. No
/// division is emitted for a power of two, and equal parts are emitted once.
///
/// Fails, after calling `emitError` with the reason, for per_head (expand it
/// first), for custom without a `customValue`, and for segments and dense
/// without `slotElement`.
mlir::FailureOr<mlir::Value>
emitVisible(mlir::OpBuilder &builder, mlir::Location loc, mlir::Attribute mask,
            const MaskOperands &operands,
            llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_MASKPREDICATE_H
