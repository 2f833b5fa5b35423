//===- Attempts.cpp - How often a work item is computed -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work item walks its keys and stores its results; again, up to twice, if an
// accumulator is not finite, which is rare:
//
//   0  plain products; hidden keys have weight 0, which keeps their V out
//      unless it is NaN or infinite,
//   1  products that skip weights of 0,
//   2  the same with small weights, in case visible V add up to more than f32
//      holds on the way to a finite mean.
//
// Later attempts keep the finite results of earlier ones: small weights lose
// bits of a tiny V.
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;

/// 2^32 keys of the largest V then fit into an f32 accumulator.
static constexpr float kSmallWeight = 0x1p-32f;

/// Makes one range of two where the second begins as the first one ends.
static void joinNeighbours(BodyRanges &ranges) {
  BodyRanges joined;
  for (auto [begin, end] : llvm::zip_equal(ranges.begins, ranges.ends)) {
    if (!joined.ends.empty() && joined.ends.back() == begin) {
      joined.ends.back() = end;
      continue;
    }
    joined.begins.push_back(begin);
    joined.ends.push_back(end);
  }
  ranges = std::move(joined);
}

/// Whether waves decide for themselves, in each tile, whether to mask: a body
/// that can mask then is as fast as one that cannot, and two would cost the
/// registers of what goes around the first one.
bool KernelBuilder::masksByVote() {
  return isLazy() && !table && hasWholeTiles() && classMasks.size() == 1 &&
         isa_and_present<CausalAttr>(classMasks.front());
}

/// The keys of all tiles: those that need no mask, then the others; with
/// `oneBody` all through the body that masks, even where nothing is hidden.
FailureOr<OnlineState> KernelBuilder::buildKeys(const OnlineState &state) {
  BodyRanges all = full;
  all.append(partial);
  joinNeighbours(all);
  bool votes = masksByVote() && all.begins.size() == 1;
  if ((oneBody || votes) && !partial.begins.empty())
    return buildRangeLoops(state, all, TileKind::Partial);
  BodyRanges unmasked = full;
  if (table && canBeFull()) // It tells which tiles of the others are full.
    unmasked.append(partial);
  FailureOr<OnlineState> next =
      buildRangeLoops(state, unmasked, TileKind::Full);
  if (failed(next))
    return failure();
  return buildRangeLoops(*next, partial, TileKind::Partial);
}

/// Whether an accumulator of the attempt is not finite.
FailureOr<Value> KernelBuilder::buildAttempt() {
  FailureOr<OnlineState> state =
      buildKeys(buildInitialState(b, config.getBlockQ(), op.getValueHeadDim(),
                                  /*hasExactSum=*/lse && shortensWeights()));
  if (failed(state))
    return failure();
  Value finite = AllFiniteOp::create(b, state->acc);
  storeResults(*state);
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  return arith::XOrIOp::create(b, finite, yes).getResult();
}

/// A loop over the attempts from number `begin` on.
LogicalResult KernelBuilder::buildAttemptLoop(int64_t begin) {
  Value first = buildIndex(b, 0), last = buildIndex(b, 2);
  auto attempts = scf::WhileOp::create(b, b.getIndexType(),
                                       ValueRange{buildIndex(b, begin)});
  OpBuilder::InsertionGuard insertion(b);
  Block *body =
      b.createBlock(&attempts.getBefore(), {}, b.getIndexType(), b.getLoc());
  Value attempt = body->getArgument(0);
  auto isAttempt = [&](arith::CmpIPredicate predicate, Value number) -> Value {
    return arith::CmpIOp::create(b, predicate, attempt, number);
  };
  guard = isAttempt(arith::CmpIPredicate::ne, first);
  guardScale =
      arith::SelectOp::create(b, isAttempt(arith::CmpIPredicate::eq, last),
                              buildF32(b, kSmallWeight), buildF32(b, 1));
  FailureOr<Value> overflows = buildAttempt();
  if (failed(overflows))
    return failure();
  Value notLast = isAttempt(arith::CmpIPredicate::ne, last);
  Value again = arith::AndIOp::create(b, *overflows, notLast);
  scf::ConditionOp::create(b, again, attempt);
  Block *next =
      b.createBlock(&attempts.getAfter(), {}, b.getIndexType(), b.getLoc());
  Value following =
      arith::AddIOp::create(b, next->getArgument(0), buildIndex(b, 1));
  scf::YieldOp::create(b, following);
  return success();
}

/// On a CPU all attempts are turns of one loop. Blocks of threads unroll their
/// tiles into registers: the attempt that nearly always is the only one stands
/// alone, without guards, and the others share the least code.
LogicalResult KernelBuilder::buildAttempts() {
  if (!isa<BlockScheduleAttr>(config.getSchedule()))
    return buildAttemptLoop(/*begin=*/0);
  FailureOr<Value> overflows = buildAttempt();
  if (failed(overflows))
    return failure();
  auto again = scf::IfOp::create(b, *overflows, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(again.thenBlock());
  oneBody = true;
  return buildAttemptLoop(/*begin=*/1);
}
