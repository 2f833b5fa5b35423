//===- ScoreBody.h - The final score of one pair, as scalar ops -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_DECOMPOSE_SCOREBODY_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_DECOMPOSE_SCOREBODY_H

#include "Dense.h"

namespace attn::decompose {

/// One point of the loops: index values.
struct Point {
  mlir::Value batch, head, row, key;
};

/// The score of the pair at `point` in natural units, -inf where the key is
/// hidden, made of `dot`, the f32 product of the row and the key. Reads
/// nothing of hidden pairs that has no place in its operand.
mlir::Value buildScore(mlir::ImplicitLocOpBuilder &b,
                       const DenseProblem &problem, const Point &point,
                       mlir::Value dot);

/// The element of an operand [B or 1, Hkv or 1] of descale factors for a query
/// head.
mlir::Value buildReadDescale(mlir::ImplicitLocOpBuilder &b,
                             const DenseProblem &problem, mlir::Value tensor,
                             mlir::Value batch, mlir::Value head);

} // namespace attn::decompose

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_DECOMPOSE_SCOREBODY_H
