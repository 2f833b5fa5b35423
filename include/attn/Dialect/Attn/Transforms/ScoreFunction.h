//===- ScoreFunction.h - From a dot product to a final score -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The score of one pair of a row and a key, in natural units throughout:
//
//   r = scale * dot(q, k)
//   s = softcap > 0 ? softcap * tanh(r / softcap) : r
//   s = s - alibi_slope * |q_pos - j| + bias
//   f = bias == -inf ? -inf : score_mod(s, b, h, q_pos, j, captures...)
//
// The scale multiplies the finished dot product, where it is one rounding; a
// sum of many equally rounded terms would drift. Where nothing but a positive
// scale makes the score, it stays a dot product, and the scale is the unit in
// which the online softmax counts.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_SCOREFUNCTION_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_SCOREFUNCTION_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// What the score of one pair may depend on.
struct ScoreElement {
  /// The dot product, and the bias, null if the op has none; both f32.
  mlir::Value dot, bias;
  /// Batch, query head, position of the row, and key; index.
  mlir::Value batch, head, qPos, key;
};

class ScoreFunction {
public:
  /// Builds what all scores share at `b`; `map` gives the value that stands for
  /// an operand of `op`. `alibiSlope` is that of the head and `descale` what
  /// multiplies the scale; both are f32 and may be null.
  ScoreFunction(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                llvm::function_ref<mlir::Value(mlir::Value)> map,
                mlir::Value alibiSlope, mlir::Value descale);

  /// Element type of the operands of the matrix products.
  mlir::Type getOperandType() const { return operandType; }

  /// What final scores are multiplied by to be natural.
  double getUnit() const { return unit; }

  /// Whether `buildScore` does anything.
  bool needsMap() const {
    return dotFactor || softcapFactor || alibiSlope || hasBias ||
           mlir::func::FuncOp(scoreMod);
  }

  /// Whether it reads ScoreElement::qPos.
  bool usesPositions() const {
    return alibiSlope || mlir::func::FuncOp(scoreMod);
  }

  /// The final score of one pair, -inf where the bias hides it.
  mlir::Value buildScore(mlir::ImplicitLocOpBuilder &b,
                         const ScoreElement &element) const;

private:
  mlir::Value buildCapped(mlir::ImplicitLocOpBuilder &b, mlir::Value dot) const;
  mlir::Value buildDynamicSoftcap(mlir::ImplicitLocOpBuilder &b,
                                  mlir::Value scaled) const;
  mlir::Value buildAlibi(mlir::ImplicitLocOpBuilder &b, mlir::Value score,
                         const ScoreElement &element) const;
  mlir::Value buildModified(mlir::ImplicitLocOpBuilder &b, mlir::Value score,
                            const ScoreElement &element) const;

  mlir::Type operandType;
  double unit = 1;
  /// Multiplies the product, or null.
  mlir::Value dotFactor;
  /// Multiplies tanh of the scaled product; null without softcap.
  mlir::Value softcapFactor;
  /// The run-time softcap, which may be 0; null if it is static.
  mlir::Value dynamicSoftcap;
  /// Null without ALiBi.
  mlir::Value alibiSlope;
  bool hasBias;
  /// The user's function, or null, and its captures.
  mlir::func::FuncOp scoreMod;
  llvm::SmallVector<mlir::Value> captures;
};

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_SCOREFUNCTION_H
