//===- ScoreFunction.cpp - From a dot product to a final score ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/ScoreFunction.h"
#include "attn/Analysis/FragmentLayout.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "attn/Dialect/Attn/IR/MathHints.h"
#include "attn/Dialect/Attn/Transforms/OnlineSoftmax.h"
#include "attn/Dialect/Attn/Transforms/UserFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include <cmath>

using namespace mlir;
using namespace attn;

/// The type that operands of the matrix products have: 16-bit where the target
/// multiplies pairs of them, f32 otherwise.
static Type chooseOperandType(AttentionOp op) {
  Attribute schedule = op.getConfigAttr().getSchedule();
  Type q = op.getQType().getElementType(), k = op.getKType().getElementType();
  if (isa<BlockScheduleAttr>(schedule))
    return getProductType(q, k);
  auto vectors = dyn_cast<VectorScheduleAttr>(schedule);
  return vectors && vectors.getPairs() ? k : Float32Type::get(op.getContext());
}

/// Bounds of a scale that is a unit. A difference of two products that
/// overflows has weight 0 with any of them, and the largest is far from
/// overflowing too.
static constexpr double kMinUnit = 0x1p-64, kMaxUnit = 0x1p64;

ScoreFunction::ScoreFunction(ImplicitLocOpBuilder &b, AttentionOp op,
                             function_ref<Value(Value)> map, Value alibiSlope,
                             Value descale)
    : operandType(chooseOperandType(op)), alibiSlope(alibiSlope),
      hasBias(op.getBias() != nullptr) {
  if (FlatSymbolRefAttr symbol = op.getScoreModAttr())
    scoreMod = lookupUserFunction(op, symbol);
  for (Value capture : op.getScoreOperands())
    captures.push_back(map(capture));
  double softcap = op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0.0;
  double constant = softcap > 0 ? 1.0 / softcap : 1.0;
  if (softcap > 0)
    softcapFactor = buildF32(b, softcap);
  if (op.getDynamicSoftcap())
    softcapFactor = dynamicSoftcap = map(op.getDynamicSoftcap());
  if (!op.getScale()) {
    dotFactor = arith::MulFOp::create(b, map(op.getDynamicScale()),
                                      buildF32(b, constant));
    if (descale)
      dotFactor = arith::MulFOp::create(b, dotFactor, descale);
    return;
  }
  double factor = constant * op.getScale()->convertToDouble();
  if (descale) {
    dotFactor = arith::MulFOp::create(b, buildF32(b, factor), descale);
    return;
  }
  if (!needsMap() && factor >= kMinUnit && factor <= kMaxUnit)
    unit = factor;
  else if (factor != 1.0)
    dotFactor = buildF32(b, factor);
}

Value ScoreFunction::buildDynamicSoftcap(ImplicitLocOpBuilder &b,
                                         Value scaled) const {
  Value ratio = arith::DivFOp::create(b, scaled, dynamicSoftcap);
  Value capped =
      arith::MulFOp::create(b, math::TanhOp::create(b, ratio), softcapFactor);
  Value capping = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                        dynamicSoftcap, buildF32(b, 0));
  return arith::SelectOp::create(b, capping, capped, scaled);
}

/// The score before ALiBi and bias.
Value ScoreFunction::buildCapped(ImplicitLocOpBuilder &b, Value dot) const {
  Value score = dot;
  if (dotFactor)
    score = arith::MulFOp::create(b, score, dotFactor);
  if (dynamicSoftcap)
    return buildDynamicSoftcap(b, score);
  if (softcapFactor)
    score =
        arith::MulFOp::create(b, math::TanhOp::create(b, score), softcapFactor);
  return score;
}

/// Subtracts slope * |q_pos - j|. Positions are 64-bit: their difference is
/// exact.
Value ScoreFunction::buildAlibi(ImplicitLocOpBuilder &b, Value score,
                                const ScoreElement &element) const {
  Value difference = arith::SubIOp::create(b, element.qPos, element.key);
  Value i64 = arith::IndexCastOp::create(b, b.getI64Type(), difference);
  auto number = arith::SIToFPOp::create(b, b.getF32Type(), i64);
  number->setAttr(kDistance, b.getUnitAttr());
  Value distance = math::AbsFOp::create(b, number);
  Value penalty = arith::MulFOp::create(b, alibiSlope, distance);
  return arith::SubFOp::create(b, score, penalty);
}

/// The user's function of a score.
Value ScoreFunction::buildModified(ImplicitLocOpBuilder &b, Value score,
                                   const ScoreElement &element) const {
  SmallVector<Value> arguments{score, element.batch, element.head, element.qPos,
                               element.key};
  llvm::append_range(arguments, captures);
  return inlineUserFunction(b, scoreMod, arguments);
}

Value ScoreFunction::buildScore(ImplicitLocOpBuilder &b,
                                const ScoreElement &element) const {
  Value score = buildCapped(b, element.dot);
  if (alibiSlope)
    score = buildAlibi(b, score, element);
  if (hasBias)
    score = arith::AddFOp::create(b, score, element.bias);
  if (scoreMod)
    score = buildModified(b, score, element);
  if (!hasBias)
    return score;
  // A bias of -inf hides the key, also where the sum is NaN, and whatever the
  // user's function makes of it.
  Value none = buildF32(b, -INFINITY);
  Value hidden =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, element.bias, none);
  return arith::SelectOp::create(b, hidden, none, score);
}
