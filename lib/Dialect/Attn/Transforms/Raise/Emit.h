//===- Emit.h - Expressions back to tensors ---------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_EMIT_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_EMIT_H

#include "Operands.h"

namespace attn::raise {

/// The sizes of a problem.
struct Sizes {
  mlir::OpFoldResult batch, heads, rows, keys;
};

/// A tensor [B, Hq, Sq, Skv] of the sum of `terms` as f32, or of one i1. Dims
/// that no term depends on have size 1. Null if a term cannot be computed by
/// itself: it depends on something else.
mlir::Value emitPairs(mlir::ImplicitLocOpBuilder &b, const Roles &roles,
                      const Sizes &sizes, llvm::ArrayRef<Term> terms,
                      mlir::Type element);

/// `factor` as an f32 value.
mlir::Value emitFactor(mlir::ImplicitLocOpBuilder &b, const Factor &factor);

/// A symbol plus a constant, as a value of type index.
mlir::Value emitSymbolic(mlir::ImplicitLocOpBuilder &b, const Expressions &in,
                         mlir::AffineExpr expr);

/// `value` in f32.
mlir::Value emitF32(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

} // namespace attn::raise

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_EMIT_H
