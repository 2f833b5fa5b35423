//===- ScoreFunction.cpp - From a dot product to a base-2 score --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/ScoreFunction.h"
#include "attn/Dialect/Attn/Transforms/OnlineSoftmax.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

static constexpr double kLog2E = 1.44269504088896340736;

/// The type that operands of the matrix products have: 16-bit where the target
/// multiplies pairs of them, f32 otherwise.
static Type chooseOperandType(AttentionOp op) {
  auto schedule =
      dyn_cast<VectorScheduleAttr>(op.getConfigAttr().getSchedule());
  if (schedule && schedule.getPairs())
    return getElementTypeOrSelf(op.getK().getType());
  return Float32Type::get(op.getContext());
}

ScoreFunction::ScoreFunction(ImplicitLocOpBuilder &b, AttentionOp op,
                             function_ref<Value(Value)> map, Value descale)
    : operandType(chooseOperandType(op)) {
  double softcap = op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0.0;
  double constant = softcap > 0 ? 1.0 / softcap : kLog2E;
  if (softcap > 0)
    softcapFactor = buildF32(b, softcap * kLog2E);
  if (op.getDynamicSoftcap()) {
    dynamicSoftcap = map(op.getDynamicSoftcap());
    softcapFactor =
        arith::MulFOp::create(b, dynamicSoftcap, buildF32(b, kLog2E));
    constant = 1.0;
  }
  Value factor;
  if (op.getScale())
    factor = buildF32(b, constant * op.getScale()->convertToDouble());
  else
    factor = arith::MulFOp::create(b, map(op.getDynamicScale()),
                                   buildF32(b, constant));
  if (descale)
    factor = arith::MulFOp::create(b, factor, descale);
  (operandType.isF32() ? queryFactor : dotFactor) = factor;
}

Value ScoreFunction::buildScaledQuery(ImplicitLocOpBuilder &b,
                                      Value tile) const {
  if (!queryFactor)
    return tile;
  return buildMap(
      b, cast<TileType>(tile.getType()), tile,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        return arith::MulFOp::create(b, elements[0], queryFactor).getResult();
      });
}

Value ScoreFunction::buildDynamicSoftcap(ImplicitLocOpBuilder &b,
                                         Value scaled) const {
  Value ratio = arith::DivFOp::create(b, scaled, dynamicSoftcap);
  Value capped =
      arith::MulFOp::create(b, math::TanhOp::create(b, ratio), softcapFactor);
  Value plain = arith::MulFOp::create(b, scaled, buildF32(b, kLog2E));
  Value capping = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                        dynamicSoftcap, buildF32(b, 0));
  return arith::SelectOp::create(b, capping, capped, plain);
}

Value ScoreFunction::buildScore(ImplicitLocOpBuilder &b, Value dot) const {
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
