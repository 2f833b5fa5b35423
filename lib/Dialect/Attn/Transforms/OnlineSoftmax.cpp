//===- OnlineSoftmax.cpp - The online softmax, written once ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/OnlineSoftmax.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/IR/MathHints.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using namespace attn;

static constexpr double kLn2 = kBase2Unit;
static constexpr double kLog2E = 1.44269504088896340736;

static Value buildNegativeInfinity(ImplicitLocOpBuilder &b) {
  return buildF32(b, -INFINITY);
}

Value attn::buildMap(ImplicitLocOpBuilder &b, TileType result,
                     ValueRange inputs, MapBodyFn build) {
  auto map = MapOp::create(b, result, inputs);
  SmallVector<Type> types = llvm::map_to_vector(inputs, [](Value input) {
    return cast<TileType>(input.getType()).getElementType();
  });
  types.append(result.getRank(), b.getIndexType());
  SmallVector<Location> locs(types.size(), b.getLoc());
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&map.getBody(), {}, types, locs);
  ValueRange args = body->getArguments();
  Value value =
      build(b, args.take_front(inputs.size()), args.drop_front(inputs.size()));
  YieldOp::create(b, value);
  return map.getResult();
}

OnlineState attn::buildInitialState(ImplicitLocOpBuilder &b, int64_t blockQ,
                                    int64_t valueHeadDim, bool hasExactSum) {
  auto accType = TileType::get(b.getContext(), {Dim::q, Dim::dv},
                               {blockQ, valueHeadDim}, b.getF32Type());
  auto statType =
      TileType::get(b.getContext(), {Dim::q}, {blockQ}, b.getF32Type());
  Value zero = buildF32(b, 0);
  OnlineState state{FillOp::create(b, accType, zero),
                    FillOp::create(b, statType, buildNegativeInfinity(b)),
                    FillOp::create(b, statType, zero)};
  if (hasExactSum)
    state.exactSum = FillOp::create(b, statType, zero);
  return state;
}

/// The row maximum to subtract. While a row has seen nothing its maximum is
/// -inf; subtracting 0 instead keeps -inf - max = -inf, and 2^-inf is 0.
static Value buildSafeMax(ImplicitLocOpBuilder &b, Value max) {
  return buildMap(
      b, cast<TileType>(max.getType()), max,
      [](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        Value none =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, elements[0],
                                  buildNegativeInfinity(b));
        return arith::SelectOp::create(b, none, buildF32(b, 0), elements[0])
            .getResult();
      });
}

/// exp(unit (lhs - rhs)) for lhs <= rhs, elementwise with rhs broadcast. Unit
/// and base 2 enter after the subtraction: the difference of equal scores is 0
/// and their weight 1, however large they are, and what is rounded is small.
/// (unit lhs - (unit rhs)) as one multiply-add would give neither.
/// If max is `lazy`, or lower than the maximum, lhs may be larger than rhs.
static Value buildExpDifference(ImplicitLocOpBuilder &b, Value lhs, Value rhs,
                                double unit, bool lazy = false) {
  return buildMap(
      b, cast<TileType>(lhs.getType()), {lhs, rhs},
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        Value difference = arith::SubFOp::create(b, elements[0], elements[1]);
        Value exponent = difference;
        if (unit != kBase2Unit)
          exponent =
              arith::MulFOp::create(b, difference, buildF32(b, unit * kLog2E));
        auto weight = math::Exp2Op::create(b, exponent);
        if (!lazy)
          weight->setAttr(kNotPositive, b.getUnitAttr());
        return weight.getResult();
      });
}

/// The weights of the scores of a tile, with `max`, or a little less,
/// subtracted.
static Value buildWeights(ImplicitLocOpBuilder &b, const OnlineTile &tile,
                          Value max) {
  if (tile.factor == 1)
    return buildExpDifference(b, tile.scores, max, tile.unit,
                              tile.lazy || tile.shortensWeights);
  assert(tile.unit == kBase2Unit && tile.lazy && "factor of other exponents");
  Value factor = buildF32(b, tile.factor);
  return buildMap(
      b, cast<TileType>(tile.scores.getType()), {tile.scores, max},
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        Value minus = arith::NegFOp::create(b, elements[1]);
        Value exponent = math::FmaOp::create(b, elements[0], factor, minus);
        if (tile.guard) {
          Value scaled = arith::MulFOp::create(b, elements[0], factor);
          Value exact = arith::SubFOp::create(b, scaled, elements[1]);
          exponent = arith::SelectOp::create(b, tile.guard, exact, exponent);
        }
        return math::Exp2Op::create(b, exponent).getResult();
      });
}

/// lhs * rhs, elementwise with rhs broadcast.
static Value buildProduct(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return buildMap(
      b, cast<TileType>(lhs.getType()), {lhs, rhs},
      [](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        return arith::MulFOp::create(b, elements[0], elements[1]).getResult();
      });
}

/// How many bits of an f32's 24 a number of `type` does not have.
static int countLostBits(Type type) {
  const llvm::fltSemantics &narrow = cast<FloatType>(type).getFloatSemantics();
  return APFloat::semanticsPrecision(APFloat::IEEEsingle()) -
         APFloat::semanticsPrecision(narrow);
}

/// The weights rounded to `type`.
static Value buildRounded(ImplicitLocOpBuilder &b, Value weights, Type type,
                          bool isShortened) {
  auto weightType = cast<TileType>(weights.getType());
  if (weightType.getElementType() == type)
    return weights;
  auto rounded = TileType::get(b.getContext(), weightType.getDims(),
                               weightType.getShape(), type);
  return buildMap(
      b, rounded, weights,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        auto rounded = arith::TruncFOp::create(b, type, elements[0]);
        if (isShortened)
          rounded->setAttr(kShortened, b.getUnitAttr());
        return rounded.getResult();
      });
}

/// The f32 weights without the bits that `type` does not keep. As they are
/// relative to a reference below the maximum, this rounds. NaN are quiet and
/// stay NaN.
static Value buildShortened(ImplicitLocOpBuilder &b, Value weights, Type type) {
  return buildMap(
      b, cast<TileType>(weights.getType()), weights,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        Value kept = arith::ConstantOp::create(
            b, b.getI32IntegerAttr(-(1 << countLostBits(type))));
        Value bits = arith::BitcastOp::create(b, b.getI32Type(), elements[0]);
        bits = arith::AndIOp::create(b, bits, kept);
        return arith::BitcastOp::create(b, b.getF32Type(), bits).getResult();
      });
}

/// What weights that are cut are relative to, in place of `max`, in units of
/// `unit`. It makes them larger by half an ulp below 2 and a quarter above 1: a
/// weight of 1 is cut to 1 then, and so is one that is a little less.
static Value buildReference(ImplicitLocOpBuilder &b, Value max, Type weightType,
                            double unit) {
  double drop =
      std::log1p(std::ldexp(1.0, countLostBits(weightType) - 25)) / unit;
  return buildMap(
      b, cast<TileType>(max.getType()), max,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        return arith::SubFOp::create(b, elements[0], buildF32(b, drop))
            .getResult();
      });
}

/// What weights of `tile` are relative to.
static Value buildTileReference(ImplicitLocOpBuilder &b, Value max,
                                const OnlineTile &tile) {
  if (!tile.shortensWeights)
    return max;
  return buildReference(b, max, tile.weightType, tile.unit);
}

/// The sums of `state` times e^(unit (from - to)), for from <= to.
static OnlineState buildRescaled(ImplicitLocOpBuilder &b,
                                 const OnlineState &state, Value from, Value to,
                                 double unit) {
  Value rescale = buildExpDifference(b, from, buildSafeMax(b, to), unit);
  OnlineState rescaled = state;
  rescaled.sum = buildProduct(b, state.sum, rescale);
  if (state.exactSum)
    rescaled.exactSum = buildProduct(b, state.exactSum, rescale);
  if (state.acc)
    rescaled.acc = buildProduct(b, state.acc, rescale);
  return rescaled;
}

/// The state with `max` in place of its maximum.
static OnlineState buildWithMax(ImplicitLocOpBuilder &b,
                                const OnlineState &state,
                                const OnlineTile &tile, Value max) {
  OnlineState next =
      buildRescaled(b, state, buildTileReference(b, state.max, tile),
                    buildTileReference(b, max, tile), tile.unit);
  next.max = max;
  return next;
}

/// Weights of up to 2 to this, before a lazy maximum follows.
static constexpr double kLazyExponent = 8;

/// The largest magnitude of a maximum, in units of base 2, with which a
/// multiply-add gives the exponents. What the maximum was rounded by is common
/// to its row and no error, but the largest weight, 2 to that, must still round
/// to 1 in `type`, and V divided by it to V. Maxima up to 2^e are rounded by at
/// most 2^(e - 25), which must not exceed 2^-(p + 1) where p bits are kept.
static double getMaxFusedMax(Type type) {
  return std::ldexp(1.0, countLostBits(type));
}

/// What scores of a row are compared with, in their own units, to tell whether
/// its maximum follows.
static Value buildLimits(ImplicitLocOpBuilder &b, const OnlineState &state,
                         const OnlineTile &tile) {
  constexpr double kMaxF32 = 0x1.fffffep127;
  Value margin =
      buildF32(b, std::min(kLazyExponent / (tile.unit * kLog2E), kMaxF32));
  if (tile.guard)
    margin = arith::SelectOp::create(b, tile.guard, buildF32(b, 0), margin);
  return buildMap(
      b, cast<TileType>(state.max.getType()), state.max,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        Value limit = arith::AddFOp::create(b, elements[0], margin);
        if (tile.factor != 1)
          limit = arith::MulFOp::create(b, limit, buildF32(b, 1 / tile.factor));
        return limit;
      });
}

/// The maximum that a row's largest score makes: NaN if it is too large.
static Value buildRowMax(ImplicitLocOpBuilder &b, const OnlineTile &tile,
                         Value largest) {
  if (tile.factor == 1)
    return largest;
  Value max = arith::MulFOp::create(b, largest, buildF32(b, tile.factor));
  Value tooLarge = arith::CmpFOp::create(
      b, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, max),
      buildF32(b, getMaxFusedMax(tile.weightType)));
  if (tile.guard) {
    Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
    Value free = arith::XOrIOp::create(b, tile.guard, yes);
    tooLarge = arith::AndIOp::create(b, tooLarge, free);
  }
  return arith::SelectOp::create(b, tooLarge, buildF32(b, NAN), max);
}

/// The state whose maxima have followed the scores where these exceed them by
/// much. -inf is exceeded by every number, so that first tiles give the exact
/// maximum.
static OnlineState buildFollowed(ImplicitLocOpBuilder &b,
                                 const OnlineState &state,
                                 const OnlineTile &tile) {
  auto statType = cast<TileType>(state.max.getType());
  Value limits = buildLimits(b, state, tile);
  Value exceeds = AnyAboveOp::create(b, b.getI1Type(), tile.scores, limits);
  SmallVector<Value, 4> values = state.values();
  auto choice = scf::IfOp::create(b, TypeRange(ValueRange(values)), exceeds,
                                  /*withElseRegion=*/true);
  ImplicitLocOpBuilder then(b.getLoc(), choice.getThenBodyBuilder());
  Value none = FillOp::create(then, statType, buildNegativeInfinity(then));
  Value largest = ReduceOp::create(then, ReductionKind::max, tile.scores, none);
  // Only the rows that exceed: a row's result depends on no other row.
  Value max = buildMap(
      then, statType, {largest, limits, state.max},
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        Value follows = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                              elements[0], elements[1]);
        return arith::SelectOp::create(
                   b, follows, buildRowMax(b, tile, elements[0]), elements[2])
            .getResult();
      });
  scf::YieldOp::create(then, buildWithMax(then, state, tile, max).values());
  OpBuilder otherwise = choice.getElseBodyBuilder();
  scf::YieldOp::create(otherwise, b.getLoc(), values);
  return OnlineState::fromValues(choice.getResults());
}

OnlineState attn::buildOnlineStep(ImplicitLocOpBuilder &b,
                                  const OnlineState &state,
                                  const OnlineTile &tile) {
  OnlineState next;
  if (tile.lazy)
    next = buildFollowed(b, state, tile);
  else
    next = buildWithMax(
        b, state, tile,
        ReduceOp::create(b, ReductionKind::max, tile.scores, state.max));
  Value reference = buildSafeMax(b, buildTileReference(b, next.max, tile));
  Value weights = buildWeights(b, tile, reference);
  auto addTo = [&](Value sum, Value terms) -> Value {
    return ReduceOp::create(b, ReductionKind::add, terms, sum);
  };
  if (next.exactSum)
    next.exactSum = addTo(next.exactSum, weights);
  if (tile.shortensWeights)
    weights = buildShortened(b, weights, tile.weightType);
  next.sum = addTo(next.sum, weights);
  Value rounded =
      buildRounded(b, weights, tile.weightType, tile.shortensWeights);
  next.acc =
      ContractOp::create(b, next.acc.getType(), tile.v, rounded, tile.valid,
                         next.acc, tile.guard, tile.guardScale);
  return next;
}

OnlineState attn::buildExactState(ImplicitLocOpBuilder &b,
                                  const OnlineState &state, Type weightType,
                                  double unit) {
  return {/*acc=*/nullptr, buildReference(b, state.max, weightType, unit),
          state.exactSum};
}

OnlineState attn::buildWithSink(ImplicitLocOpBuilder &b, OnlineState state,
                                Value sink, double unit) {
  auto statType = cast<TileType>(state.max.getType());
  if (unit != 1)
    state.max = buildMap(
        b, statType, state.max,
        [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
          return arith::MulFOp::create(b, elements[0], buildF32(b, unit))
              .getResult();
        });
  Value max = buildMap(
      b, statType, state.max,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        return arith::MaxNumFOp::create(b, elements[0], sink).getResult();
      });
  OnlineState next = buildRescaled(b, state, state.max, max, /*unit=*/1);
  next.max = max;
  // 0 for a sink of -inf, which is no key at all.
  Value weight = buildExpDifference(b, FillOp::create(b, statType, sink),
                                    buildSafeMax(b, max), /*unit=*/1);
  next.sum = buildMap(
      b, statType, {next.sum, weight},
      [](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        return arith::AddFOp::create(b, elements[0], elements[1]).getResult();
      });
  return next;
}

/// Whether the row at coordinate `row` has output: it is a row of the sequence
/// and has seen a key.
static Value buildRowHasOutput(ImplicitLocOpBuilder &b, Value row, Value rows,
                               Value sum) {
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, rows);
  // A NaN sum must reach the output.
  Value visible =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, sum, buildF32(b, 0));
  return arith::AndIOp::create(b, inside, visible);
}

Value attn::buildOutput(ImplicitLocOpBuilder &b, const OnlineState &state,
                        Value rows, Value accScale, Value descale) {
  auto statType = cast<TileType>(state.sum.getType());
  Value divisor = buildMap(
      b, statType, state.sum,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange at) {
        Value has = buildRowHasOutput(b, at[0], rows, elements[0]);
        Value sum = elements[0];
        if (accScale)
          sum = arith::MulFOp::create(b, sum, accScale);
        return arith::SelectOp::create(b, has, sum, buildF32(b, 0)).getResult();
      });
  return buildMap(
      b, cast<TileType>(state.acc.getType()), {state.acc, divisor},
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        // Rows without output may hold anything: select, do not multiply.
        Value zero = buildF32(b, 0);
        Value quotient = arith::DivFOp::create(b, elements[0], elements[1]);
        if (descale)
          quotient = arith::MulFOp::create(b, quotient, descale);
        Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                           elements[1], zero);
        return arith::SelectOp::create(b, none, zero, quotient).getResult();
      });
}

Value attn::buildLse(ImplicitLocOpBuilder &b, const OnlineState &state,
                     Value rows, double unit) {
  auto statType = cast<TileType>(state.sum.getType());
  return buildMap(
      b, statType, {state.max, state.sum},
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange at) {
        Value has = buildRowHasOutput(b, at[0], rows, elements[1]);
        Value log2 = math::Log2Op::create(b, elements[1]);
        Value log = arith::MulFOp::create(b, log2, buildF32(b, kLn2));
        Value max = arith::MulFOp::create(b, elements[0], buildF32(b, unit));
        Value lse = arith::AddFOp::create(b, max, log);
        return arith::SelectOp::create(b, has, lse, buildNegativeInfinity(b))
            .getResult();
      });
}
