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
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
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

/// What the coordinates are compared with: clamped, less the thread's part.
static Value buildBound(ImplicitLocOpBuilder &b, MapOp map,
                        const LinearSum &sum, ThreadLowering &lowering) {
  Value bound = buildIndex(b, 0);
  for (Value value : sum.subtracted)
    bound = arith::AddIOp::create(b, bound, value);
  for (Value value : sum.added)
    bound = arith::SubIOp::create(b, bound, value);
  bound = arith::MinSIOp::create(b, bound, buildIndex(b, kBound));
  bound = arith::MaxSIOp::create(b, bound, buildIndex(b, -kBound));
  bound = arith::IndexCastOp::create(b, b.getI32Type(), bound);
  TileType tile = map.getResult().getType();
  auto layout = cast<FragmentAttr>(tile.getLayout());
  for (auto [dim, factor] : llvm::zip_equal(tile.getDims(), sum.factors)) {
    if (factor == 0)
      continue;
    Value part = arith::MulIOp::create(b, lowering.getThreadOffset(layout, dim),
                                       buildI32(b, factor));
    bound = arith::SubIOp::create(b, bound, part);
  }
  return bound;
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
}

/// What register `reg` compares with the bound of `op`.
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
  return arith::CmpIOp::create(b, cast<arith::CmpIOp>(op).getPredicate(),
                               buildI32(b, getConstant(op, reg)),
                               found->second.bound);
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

Value CoordinateComparisons::buildForAll(ImplicitLocOpBuilder &b, Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &map.getBody().front())
    return Value();
  if (comparisons.contains(op)) {
    std::optional<int64_t> hardest = findHardest(op);
    return hardest ? build(b, op, *hardest) : Value();
  }
  auto both = dyn_cast<arith::AndIOp>(op);
  if (!both)
    return Value();
  Value lhs = buildForAll(b, both.getLhs());
  Value rhs = lhs ? buildForAll(b, both.getRhs()) : Value();
  return rhs ? arith::AndIOp::create(b, lhs, rhs).getResult() : Value();
}
