//===- ScoreFunction.h - From a dot product to a base-2 score -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// score = log2(e) * (softcap > 0 ? softcap * tanh(r / softcap) : r) with
// r = scale * dot(q, k). What multiplies the dot product itself is folded into
// the query tile where that tile is f32; 16-bit operands of the matrix product
// keep their values and are scaled after it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_SCOREFUNCTION_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_SCOREFUNCTION_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

class ScoreFunction {
public:
  /// Builds what all scores share at `b`; `map` gives the value that stands for
  /// an operand of `op`, and `descale` (f32, may be null) multiplies scale.
  ScoreFunction(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                llvm::function_ref<mlir::Value(mlir::Value)> map,
                mlir::Value descale);

  /// Element type of the operands of the matrix products.
  mlir::Type getOperandType() const { return operandType; }

  /// The q x d tile that enters the product.
  mlir::Value buildScaledQuery(mlir::ImplicitLocOpBuilder &b,
                               mlir::Value tile) const;

  /// Whether `buildScore` does anything.
  bool needsMap() const { return dotFactor || softcapFactor; }

  /// The base-2 score of one element of the product.
  mlir::Value buildScore(mlir::ImplicitLocOpBuilder &b, mlir::Value dot) const;

private:
  mlir::Value buildDynamicSoftcap(mlir::ImplicitLocOpBuilder &b,
                                  mlir::Value scaled) const;

  mlir::Type operandType;
  /// Multiplies the query tile, or null.
  mlir::Value queryFactor;
  /// Multiplies the product, or null.
  mlir::Value dotFactor;
  /// Multiplies tanh of the scaled product; null without softcap.
  mlir::Value softcapFactor;
  /// The run-time softcap, which may be 0; null if it is static.
  mlir::Value dynamicSoftcap;
};

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_SCOREFUNCTION_H
