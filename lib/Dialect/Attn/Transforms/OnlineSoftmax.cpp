//===- OnlineSoftmax.cpp - The online softmax, written once ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/OnlineSoftmax.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kLn2 = 0.693147180559945309417;
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

/// A finite sink as a base-2 score; one that overflows becomes the largest
/// number of its sign, which outweighs or vanishes beside every score all the
/// same.
static Value buildBase2Sink(ImplicitLocOpBuilder &b, Value sink) {
  constexpr double largest = std::numeric_limits<float>::max();
  Value base2 = arith::MulFOp::create(b, sink, buildF32(b, kLog2E));
  for (double sign : {1.0, -1.0}) {
    Value overflows = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, base2,
                                            buildF32(b, sign * INFINITY));
    Value isFinite = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, sink,
                                           buildF32(b, sign * INFINITY));
    base2 = arith::SelectOp::create(
        b, arith::AndIOp::create(b, overflows, isFinite),
        buildF32(b, sign * largest), base2);
  }
  return base2;
}

OnlineState attn::buildInitialState(ImplicitLocOpBuilder &b, int64_t blockQ,
                                    int64_t valueHeadDim, Value sink) {
  auto accType = TileType::get(b.getContext(), {Dim::q, Dim::dv},
                               {blockQ, valueHeadDim}, b.getF32Type());
  auto statType =
      TileType::get(b.getContext(), {Dim::q}, {blockQ}, b.getF32Type());
  Value zero = buildF32(b, 0);
  Value max = buildNegativeInfinity(b);
  Value sum = zero;
  if (sink) {
    // A sink of -inf is no key at all: exp(-inf - max) is 0 for every max.
    Value hidden = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sink,
                                         buildNegativeInfinity(b));
    sum = arith::SelectOp::create(b, hidden, zero, buildF32(b, 1));
    max = buildBase2Sink(b, sink);
  }
  return {FillOp::create(b, accType, zero), FillOp::create(b, statType, max),
          FillOp::create(b, statType, sum)};
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

/// 2^(lhs - rhs), elementwise with rhs broadcast.
static Value buildExp2Difference(ImplicitLocOpBuilder &b, Value lhs,
                                 Value rhs) {
  return buildMap(b, cast<TileType>(lhs.getType()), {lhs, rhs},
                  [](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
                    Value difference =
                        arith::SubFOp::create(b, elements[0], elements[1]);
                    return math::Exp2Op::create(b, difference).getResult();
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

/// The weights rounded to `type`.
static Value buildRounded(ImplicitLocOpBuilder &b, Value weights, Type type) {
  auto weightType = cast<TileType>(weights.getType());
  if (weightType.getElementType() == type)
    return weights;
  auto rounded = TileType::get(b.getContext(), weightType.getDims(),
                               weightType.getShape(), type);
  return buildMap(
      b, rounded, weights,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        return arith::TruncFOp::create(b, type, elements[0]).getResult();
      });
}

OnlineState attn::buildOnlineStep(ImplicitLocOpBuilder &b,
                                  const OnlineState &state,
                                  const OnlineTile &tile) {
  OnlineState next;
  next.max = ReduceOp::create(b, ReductionKind::max, tile.scores, state.max);
  Value safeMax = buildSafeMax(b, next.max);
  Value rescale = buildExp2Difference(b, state.max, safeMax);
  Value rescaledSum = buildProduct(b, state.sum, rescale);
  Value rescaledAcc = buildProduct(b, state.acc, rescale);
  Value weights = buildExp2Difference(b, tile.scores, safeMax);
  next.sum = ReduceOp::create(b, ReductionKind::add, weights, rescaledSum);
  Value rounded = buildRounded(b, weights, tile.weightType);
  next.acc = ContractOp::create(b, rescaledAcc.getType(), tile.v, rounded,
                                tile.valid, rescaledAcc, tile.guard);
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
                        Value rows) {
  auto statType = cast<TileType>(state.sum.getType());
  Value divisor = buildMap(
      b, statType, state.sum,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange at) {
        Value has = buildRowHasOutput(b, at[0], rows, elements[0]);
        return arith::SelectOp::create(b, has, elements[0], buildF32(b, 0))
            .getResult();
      });
  return buildMap(
      b, cast<TileType>(state.acc.getType()), {state.acc, divisor},
      [](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        // Rows without output may hold anything: select, do not multiply.
        Value zero = buildF32(b, 0);
        Value quotient = arith::DivFOp::create(b, elements[0], elements[1]);
        Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                           elements[1], zero);
        return arith::SelectOp::create(b, none, zero, quotient).getResult();
      });
}

Value attn::buildLse(ImplicitLocOpBuilder &b, const OnlineState &state,
                     Value rows, Value sink) {
  auto statType = cast<TileType>(state.sum.getType());
  Value base2Sink = sink ? buildBase2Sink(b, sink) : Value();
  return buildMap(
      b, statType, {state.max, state.sum},
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange at) {
        Value has = buildRowHasOutput(b, at[0], rows, elements[1]);
        Value log = math::Log2Op::create(b, elements[1]);
        Value base2 = arith::AddFOp::create(b, elements[0], log);
        Value lse = arith::MulFOp::create(b, base2, buildF32(b, kLn2));
        if (sink) {
          // Where nothing but the sink counts, lse is the sink itself; through
          // base 2 and back it would be rounded.
          Value isSink = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                               elements[0], base2Sink);
          Value isAlone = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                elements[1], buildF32(b, 1));
          lse = arith::SelectOp::create(
              b, arith::AndIOp::create(b, isSink, isAlone), sink, lse);
        }
        return arith::SelectOp::create(b, has, lse, buildNegativeInfinity(b))
            .getResult();
      });
}
