//===- CoordinateComparisons.cpp - Masks in one comparison an element -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask compares sums of coordinates with what is equal for all elements:
//
//   j + first_key <= i + q_pos     <=>     j - i <= q_pos - first_key
//
// The left side is small and, but for the thread's part of the coordinates, a
// constant of each register. The right side is clamped to 32 bits and the
// thread's part subtracted, once per map, so that an element costs one
// comparison with a constant instead of 64-bit arithmetic.
//
// A distance of positions becomes a number in the same way: what all elements
// have in common is converted from 64 bits once, and the constant of a register
// added to the number. Both are exact up to 2^24.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Dialect/Attn/IR/MathHints.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

/// Larger than any sum of coordinates, and far from the limits of 32 bits.
static constexpr int64_t kBound = int64_t(1) << 28;
static constexpr int64_t kMaxFactor = 8;

namespace {
/// factors * coordinates + the sum of `added` - the sum of `subtracted`.
struct LinearSum {
  SmallVector<int64_t, 2> factors;
  SmallVector<Value> added, subtracted;
};
} // namespace

/// Writes `value`, of the body of `map`, as such a sum, `sign` times; false if
/// it is none.
static bool collect(MapOp map, Value value, int64_t sign, LinearSum &sum) {
  Block &body = map.getBody().front();
  size_t inputs = map.getInputs().size();
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == &body) {
    if (argument.getArgNumber() < inputs)
      return false;
    sum.factors[argument.getArgNumber() - inputs] += sign;
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &body) {
    (sign > 0 ? sum.added : sum.subtracted).push_back(value);
    return true;
  }
  if (!isa<arith::AddIOp, arith::SubIOp>(op))
    return false;
  int64_t second = isa<arith::SubIOp>(op) ? -sign : sign;
  return collect(map, op->getOperand(0), sign, sum) &&
         collect(map, op->getOperand(1), second, sum);
}

static bool isSigned(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
  case arith::CmpIPredicate::ne:
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::sge:
    return true;
  default:
    return false;
  }
}

/// `added` less `subtracted`.
static Value buildDifference(ImplicitLocOpBuilder &b, ArrayRef<Value> added,
                             ArrayRef<Value> subtracted) {
  Value sum;
  for (Value value : added)
    sum = sum ? arith::AddIOp::create(b, sum, value).getResult() : value;
  if (!sum)
    sum = buildIndex(b, 0);
  for (Value value : subtracted)
    sum = arith::SubIOp::create(b, sum, value);
  return sum;
}

/// The thread's part of each coordinate, i32.
static SmallVector<Value> buildThreadParts(ImplicitLocOpBuilder &b, MapOp map,
                                           const LinearSum &sum,
                                           ThreadLowering &lowering) {
  TileType tile = map.getResult().getType();
  auto layout = cast<FragmentAttr>(tile.getLayout());
  SmallVector<Value> parts;
  for (auto [dim, factor] : llvm::zip_equal(tile.getDims(), sum.factors))
    if (factor != 0)
      parts.push_back(arith::MulIOp::create(
          b, lowering.getThreadOffset(layout, dim), buildI32(b, factor)));
  return parts;
}

/// `bound`, clamped. Where the unit of scalars orders no numbers of 64 bits, by
/// a shift and a sign. Of a choice, both values are: that leaves the loop.
static Value buildClamped(ImplicitLocOpBuilder &b, Value bound,
                          bool comparesWide) {
  if (comparesWide) {
    bound = arith::MinSIOp::create(b, bound, buildIndex(b, kBound));
    bound = arith::MaxSIOp::create(b, bound, buildIndex(b, -kBound));
    return arith::IndexCastOp::create(b, b.getI32Type(), bound);
  }
  if (auto choice = bound.getDefiningOp<arith::SelectOp>())
    return arith::SelectOp::create(
        b, choice.getCondition(),
        buildClamped(b, choice.getTrueValue(), comparesWide),
        buildClamped(b, choice.getFalseValue(), comparesWide));
  constexpr int64_t kRangeBits = 29, kSignBit = 63;
  static_assert(2 * kBound == int64_t(1) << kRangeBits);
  Value i64 = arith::AddIOp::create(b, toI64(b, bound), buildI64(b, kBound));
  Value isNear = arith::CmpIOp::create(
      b, arith::CmpIPredicate::eq,
      arith::ShRUIOp::create(b, i64, buildI64(b, kRangeBits)), buildI64(b, 0));
  auto narrow = [&](Value value) -> Value {
    return arith::TruncIOp::create(b, b.getI32Type(), value);
  };
  Value isNotNegative = arith::XOrIOp::create(
      b, narrow(arith::ShRSIOp::create(b, i64, buildI64(b, kSignBit))),
      buildI32(b, -1));
  Value end = arith::AndIOp::create(b, isNotNegative, buildI32(b, 2 * kBound));
  return arith::SubIOp::create(
      b, arith::SelectOp::create(b, isNear, narrow(i64), end),
      buildI32(b, kBound));
}

/// What the coordinates are compared with: clamped, less the thread's part.
static Value buildBound(ImplicitLocOpBuilder &b, MapOp map,
                        const LinearSum &sum, ThreadLowering &lowering) {
  Value bound = buildDifference(b, sum.subtracted, sum.added);
  bound = buildClamped(b, bound, !lowering.getSchedule().getFetches());
  for (Value part : buildThreadParts(b, map, sum, lowering))
    bound = arith::SubIOp::create(b, bound, part);
  return bound;
}

/// What the distances of all elements of a thread have in common, as a number.
static Value buildDistance(ImplicitLocOpBuilder &b, MapOp map,
                           const LinearSum &sum, ThreadLowering &lowering) {
  Value common = toI64(b, buildDifference(b, sum.added, sum.subtracted));
  for (Value part : buildThreadParts(b, map, sum, lowering))
    common = arith::AddIOp::create(
        b, common, arith::ExtSIOp::create(b, b.getI64Type(), part));
  return arith::SIToFPOp::create(b, b.getF32Type(), common);
}

/// The difference of positions that `number` is of, as a sum of index values.
static Value getDistance(arith::SIToFPOp number) {
  auto cast = number.getIn().getDefiningOp<arith::IndexCastOp>();
  bool isOfIndex = cast && cast.getIn().getType().isIndex();
  return number->hasAttr(kDistance) && number.getType().isF32() && isOfIndex
             ? cast.getIn()
             : Value();
}

CoordinateComparisons::CoordinateComparisons(ImplicitLocOpBuilder &b, MapOp map,
                                             ThreadLowering &lowering)
    : map(map) {
  for (auto compare : map.getBody().front().getOps<arith::CmpIOp>()) {
    LinearSum sum;
    sum.factors.assign(map.getResult().getType().getRank(), 0);
    if (!compare.getLhs().getType().isIndex() ||
        !isSigned(compare.getPredicate()) ||
        !collect(map, compare.getLhs(), 1, sum) ||
        !collect(map, compare.getRhs(), -1, sum) ||
        llvm::any_of(sum.factors, [](int64_t factor) {
          return std::abs(factor) > kMaxFactor;
        }))
      continue;
    Value bound = buildBound(b, map, sum, lowering);
    comparisons[compare] = {sum.factors, bound};
  }
  for (auto number : map.getBody().front().getOps<arith::SIToFPOp>()) {
    LinearSum sum;
    sum.factors.assign(map.getResult().getType().getRank(), 0);
    Value distance = getDistance(number);
    if (distance && collect(map, distance, 1, sum))
      comparisons[number] = {sum.factors, buildDistance(b, map, sum, lowering)};
  }
}

/// What register `reg` compares with the bound of `op`, or adds to it.
int64_t CoordinateComparisons::getConstant(Operation *op, int64_t reg) {
  TileType tile = map.getResult().getType();
  auto layout = cast<FragmentAttr>(tile.getLayout());
  int64_t constant = 0;
  for (auto [dim, factor] :
       llvm::zip_equal(tile.getDims(), comparisons.find(op)->second.factors))
    constant += factor * getRegisterOffset(layout, dim, reg);
  return constant;
}

Value CoordinateComparisons::build(ImplicitLocOpBuilder &b, Operation *op,
                                   int64_t reg) {
  auto found = comparisons.find(op);
  if (found == comparisons.end())
    return Value();
  int64_t constant = getConstant(op, reg);
  Value bound = found->second.bound;
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return arith::CmpIOp::create(b, compare.getPredicate(),
                                 buildI32(b, constant), bound);
  return arith::AddFOp::create(b, bound,
                               buildF32(b, static_cast<double>(constant)));
}

/// The register whose comparison implies those of all others.
std::optional<int64_t> CoordinateComparisons::findHardest(Operation *op) {
  bool isBelow;
  switch (cast<arith::CmpIOp>(op).getPredicate()) {
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::sle:
    isBelow = true;
    break;
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::sge:
    isBelow = false;
    break;
  default:
    return std::nullopt;
  }
  auto layout = cast<FragmentAttr>(map.getResult().getType().getLayout());
  int64_t hardest = 0;
  for (int64_t reg = 1, end = countValues(layout.getRegisters()); reg < end;
       ++reg) {
    int64_t here = getConstant(op, reg), there = getConstant(op, hardest);
    if (isBelow ? here > there : here < there)
      hardest = reg;
  }
  return hardest;
}

Value CoordinateComparisons::buildFailsForAny(ImplicitLocOpBuilder &b,
                                              Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &map.getBody().front())
    return Value();
  if (comparisons.contains(op)) {
    std::optional<int64_t> hardest = findHardest(op);
    if (!hardest)
      return Value();
    auto holds = build(b, op, *hardest).getDefiningOp<arith::CmpIOp>();
    holds.setPredicate(arith::invertPredicate(holds.getPredicate()));
    return holds;
  }
  auto both = dyn_cast<arith::AndIOp>(op);
  if (!both)
    return Value();
  Value lhs = buildFailsForAny(b, both.getLhs());
  Value rhs = lhs ? buildFailsForAny(b, both.getRhs()) : Value();
  return rhs ? arith::OrIOp::create(b, lhs, rhs).getResult() : Value();
}
