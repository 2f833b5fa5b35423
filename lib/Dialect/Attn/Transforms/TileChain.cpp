//===- TileChain.cpp - Tiles that loops over keys load, in order ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/TileChain.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace attn;

bool KeyLoop::canRunAhead() {
  BackwardSliceOptions options;
  options.omitBlockArguments = true;
  options.filter = [&](Operation *op) {
    return op->getBlock() == loop.getBody();
  };
  auto isCarried = [&](Value value) {
    return llvm::is_contained(loop.getRegionIterArgs(), value);
  };
  for (LoadTileOp load : loads)
    for (Value value : {load.getRow(), load.getValid()}) {
      if (isCarried(value))
        return false;
      if (Operation *op = value.getDefiningOp();
          op && op->getBlock() == loop.getBody()) {
        (void)getBackwardSlice(op, &slice, options);
        slice.insert(op);
      }
    }
  return llvm::all_of(slice, [&](Operation *op) {
    return isPure(op) && llvm::none_of(op->getOperands(), isCarried);
  });
}

bool KeyLoop::canRunBefore(scf::ForOp first) {
  auto isEarly = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || slice.contains(op) || op->getBlock() != first->getBlock())
      return true;
    return op->isBeforeInBlock(first);
  };
  SmallVector<Value> needed{loop.getLowerBound(), loop.getUpperBound()};
  for (LoadTileOp load : loads)
    needed.append({load.getView(), load.getRow(), load.getValid()});
  for (Operation *op : slice)
    llvm::append_range(needed, op->getOperands());
  return llvm::all_of(needed, isEarly);
}

bool KeyLoop::loadsLike(const KeyLoop &other) const {
  if (loads.size() != other.loads.size() ||
      loop->getBlock() != other.loop->getBlock() ||
      scf::ForOp(loop).getStep() != scf::ForOp(other.loop).getStep())
    return false;
  return llvm::all_of(llvm::zip_equal(loads, other.loads), [](auto pair) {
    auto [mine, others] = pair;
    return LoadTileOp(mine).getTile().getType() ==
           LoadTileOp(others).getTile().getType();
  });
}

bool KeyLoop::usesIndex() {
  return llvm::any_of(slice, [&](Operation *op) {
    return llvm::is_contained(op->getOperands(), loop.getInductionVar());
  });
}

size_t attn::countChained(MutableArrayRef<KeyLoop> loops) {
  size_t count = 1;
  while (count < loops.size() && loops[count].loadsLike(loops[0]) &&
         loops[count].canRunBefore(loops[0].loop))
    ++count;
  return count;
}

/// Whether the last iteration is one step before the end.
static bool hasWholeSteps(scf::ForOp loop) {
  std::optional<int64_t> begin = getConstantIntValue(loop.getLowerBound());
  std::optional<int64_t> end = getConstantIntValue(loop.getUpperBound());
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  return step && (*step == 1 || (begin && end && (*end - *begin) % *step == 0));
}

/// Whether the loop is known to end behind its begin, or there.
static bool isOrdered(scf::ForOp loop) {
  OpFoldResult begin = loop.getLowerBound();
  auto end = loop.getUpperBound().getDefiningOp<arith::MaxSIOp>();
  return end && llvm::any_of(end->getOperands(), [&](Value least) {
           return isEqualConstantIntOrValue(least, begin);
         });
}

bool attn::isOneRange(ArrayRef<KeyLoop> chain) {
  for (auto [number, member] : llvm::enumerate(chain)) {
    scf::ForOp loop = member.loop;
    if (!hasWholeSteps(loop) || (chain.size() > 1 && !isOrdered(loop)))
      return false;
    if (number == 0)
      continue;
    scf::ForOp before = chain[number - 1].loop;
    if (before.getUpperBound() != loop.getLowerBound())
      return false;
  }
  return true;
}

Value attn::buildNextOfRange(ImplicitLocOpBuilder &b, ArrayRef<KeyLoop> chain,
                             Value iteration, int64_t distance) {
  scf::ForOp loop = chain.back().loop;
  Value last = arith::SubIOp::create(b, loop.getUpperBound(), loop.getStep());
  for (int64_t i = 0; i < distance; ++i) {
    Value next = arith::AddIOp::create(b, iteration, loop.getStep());
    Value isLast =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, iteration, last);
    iteration = arith::SelectOp::create(b, isLast, last, next);
  }
  return iteration;
}

/// What `iteration` of the loop loads.
static SmallVector<TileRows> buildRows(ImplicitLocOpBuilder &b, KeyLoop &member,
                                       Value iteration) {
  IRMapping map;
  map.map(member.loop.getInductionVar(), iteration);
  for (Operation &op : *member.loop.getBody())
    if (member.slice.contains(&op))
      b.clone(op, map);
  SmallVector<TileRows> rows;
  for (LoadTileOp load : member.loads)
    rows.push_back({map.lookupOrDefault(load.getRow()),
                    map.lookupOrDefault(load.getValid())});
  return rows;
}

/// `here` in iterations before `end`, `later` from there on. Where `later` is
/// another number in a single iteration, on which side of `end` that one is
/// does not depend on `iteration`.
static Value buildEither(ImplicitLocOpBuilder &b, Value iteration, Value end,
                         Value here, Value later) {
  auto isBeforeEnd = [&](Value number) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, end);
  };
  auto choice = later.getDefiningOp<arith::SelectOp>();
  auto test = choice ? choice.getCondition().getDefiningOp<arith::CmpIOp>()
                     : arith::CmpIOp();
  bool isOfOne = test && test.getPredicate() == arith::CmpIPredicate::eq &&
                 test.getLhs() == iteration &&
                 isEqualConstantIntOrValue(choice.getFalseValue(), here);
  if (!isOfOne)
    return arith::SelectOp::create(b, isBeforeEnd(iteration), here, later);
  Value single = arith::SelectOp::create(b, isBeforeEnd(test.getRhs()), here,
                                         choice.getTrueValue());
  return arith::SelectOp::create(b, test, single, here);
}

SmallVector<TileRows> attn::buildRowsOfRange(ImplicitLocOpBuilder &b,
                                             MutableArrayRef<KeyLoop> chain,
                                             Value iteration) {
  SmallVector<TileRows> rows = buildRows(b, chain.front(), iteration);
  if (chain.size() == 1)
    return rows;
  Value end = chain.front().loop.getUpperBound();
  for (auto [here, later] : llvm::zip_equal(
           rows, buildRowsOfRange(b, chain.drop_front(), iteration))) {
    here.row = buildEither(b, iteration, end, here.row, later.row);
    here.valid = buildEither(b, iteration, end, here.valid, later.valid);
  }
  return rows;
}

ChainTile attn::buildChainTile(ImplicitLocOpBuilder &b,
                               MutableArrayRef<KeyLoop> chain, size_t number,
                               Value iteration) {
  KeyLoop &member = chain[number];
  Value end = member.loop.getUpperBound();
  ChainTile tile;
  tile.exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, iteration, end);
  tile.rows = buildRows(b, member, iteration);
  if (number + 1 == chain.size())
    return tile;
  // The loop may have no iteration at all.
  Value done = arith::MaxSIOp::create(b, end, member.loop.getLowerBound());
  Value beyond = arith::SubIOp::create(b, iteration, done);
  Value first = chain[number + 1].loop.getLowerBound();
  ChainTile next = buildChainTile(b, chain, number + 1,
                                  arith::AddIOp::create(b, first, beyond));
  for (auto [rows, later] : llvm::zip_equal(tile.rows, next.rows)) {
    rows.row = arith::SelectOp::create(b, tile.exists, rows.row, later.row);
    rows.valid =
        arith::SelectOp::create(b, tile.exists, rows.valid, later.valid);
  }
  tile.exists = arith::OrIOp::create(b, tile.exists, next.exists);
  return tile;
}

SmallVector<TileRows> attn::buildLaterRows(ImplicitLocOpBuilder &b,
                                           MutableArrayRef<KeyLoop> chain,
                                           size_t number, int64_t distance) {
  scf::ForOp loop = chain[number].loop;
  MutableArrayRef<KeyLoop> range =
      isOneRange(chain) ? chain : chain.drop_front(number);
  if (isOneRange(range))
    return buildRowsOfRange(
        b, range, buildNextOfRange(b, range, loop.getInductionVar(), distance));
  Value steps =
      arith::MulIOp::create(b, loop.getStep(), buildIndex(b, distance));
  ChainTile later =
      buildChainTile(b, chain, number,
                     arith::AddIOp::create(b, loop.getInductionVar(), steps));
  SmallVector<TileRows> now =
      buildRows(b, chain[number], loop.getInductionVar());
  for (auto [rows, current] : llvm::zip_equal(later.rows, now)) {
    rows.row = arith::SelectOp::create(b, later.exists, rows.row, current.row);
    rows.valid =
        arith::SelectOp::create(b, later.exists, rows.valid, current.valid);
  }
  return later.rows;
}
