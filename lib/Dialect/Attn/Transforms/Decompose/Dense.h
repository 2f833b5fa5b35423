//===- Dense.h - An attention problem with its sequences apart --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the linalg form of attn.attention is written in: loops over (batch,
// query head, row, key), with operands that have a place for each of them.
// Packed sequences are spread to [B, H, longest, D], pages are gathered, and
// keys and values are repeated for the query heads that share them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_DECOMPOSE_DENSE_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_DECOMPOSE_DENSE_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::decompose {

using BodyFn = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                              mlir::ValueRange elements)>;

/// A tensor and where its element for a point of the loops lies.
struct Access {
  mlir::Value tensor;
  mlir::AffineMap map;
};

/// A linalg.generic whose loops are dims 0 .. `loops` - 1 and which gives
/// `init.tensor` its result: loops that `init.map` does not name are reduced.
mlir::Value buildGeneric(mlir::ImplicitLocOpBuilder &b, unsigned loops,
                         llvm::ArrayRef<Access> ins, Access init, BodyFn body);

/// A tensor of these sizes whose elements are `body` of the loop indices.
mlir::Value buildTabulate(mlir::ImplicitLocOpBuilder &b,
                          llvm::ArrayRef<mlir::OpFoldResult> sizes,
                          mlir::Type element, BodyFn body);

/// The same in place of the elements of `init`.
mlir::Value buildTabulateInto(mlir::ImplicitLocOpBuilder &b, mlir::Value init,
                              BodyFn body);

/// A tensor of these sizes filled with `value`, the start of a reduction.
mlir::Value buildFilled(mlir::ImplicitLocOpBuilder &b,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes, double value);

/// `inside ? then() : otherwise`, where `then` must not run outside: its
/// addresses may not exist. Without `inside` it is `then()`.
mlir::Value buildGuarded(mlir::ImplicitLocOpBuilder &b, mlir::Value inside,
                         llvm::function_ref<mlir::Value()> then,
                         mlir::Value otherwise);

mlir::Value buildAnd(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs,
                     mlir::Value rhs);

/// A comparison of indices.
mlir::Value buildLess(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs,
                      mlir::Value rhs);

/// An element of an integer tensor as an index.
mlir::Value buildReadIndex(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor,
                           mlir::ValueRange indices);

/// `value` of any float type as f32, exactly.
mlir::Value buildExtend(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

class DenseProblem {
public:
  /// Builds at `b` what all steps share.
  DenseProblem(mlir::ImplicitLocOpBuilder &b, AttentionOp op);

  /// Its accessors are not const, and read only.
  mutable AttentionOp op;
  mlir::OpFoldResult batches, heads, rows, keys;
  /// With maps from (batch, query head, row or key, head dim).
  Access q, k, v;

  /// Number of rows and keys of a sequence as an index, or null where every
  /// sequence is full. Called within a body, `batch` being an index.
  mlir::Value buildRowCount(mlir::ImplicitLocOpBuilder &b,
                            mlir::Value batch) const;
  mlir::Value buildKeyCount(mlir::ImplicitLocOpBuilder &b,
                            mlir::Value batch) const;

  /// Whether rows or keys beyond those counts have no place in the operands.
  bool isRagged() const {
    return op.isPackedQ() || op.isPackedKv() || op.isPaged();
  }

  /// Indices of what belongs to a row (key) in an operand that is [B, S], or
  /// [total] if packed. The row (key) must be inside.
  llvm::SmallVector<mlir::Value> buildRowIndices(mlir::ImplicitLocOpBuilder &b,
                                                 mlir::Value batch,
                                                 mlir::Value row) const;
  llvm::SmallVector<mlir::Value> buildKeyIndices(mlir::ImplicitLocOpBuilder &b,
                                                 mlir::Value batch,
                                                 mlir::Value key) const;

  /// From [B, H, longest] back to packed tokens: the sequence of every token,
  /// [total_q], B for tokens behind the last one.
  mlir::Value buildSequenceOfToken(mlir::ImplicitLocOpBuilder &b) const;

private:
  Access spreadQueries(mlir::ImplicitLocOpBuilder &b) const;
  Access spreadKeys(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor,
                    Layout layout) const;
  llvm::SmallVector<mlir::Value> buildPlace(mlir::ImplicitLocOpBuilder &b,
                                            Layout layout, mlir::Value offsets,
                                            mlir::ValueRange point) const;
};

} // namespace attn::decompose

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_DECOMPOSE_DENSE_H
