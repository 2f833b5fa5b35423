//===- PipelineFetches.cpp - Loads that pass registers run ahead ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over keys with n buffers, on a chip that cannot copy past registers:
//
//   for s in [0, n - 1): fetch and put tile s
//   for i:
//     barrier      tile i is there, and nobody reads tile i - 1 any more
//     fetch tile i + n - 1
//     use tile i
//     put tile i + n - 1 into the buffer of tile i - 1
//
// The body has no branch: after the last tile, the last one is fetched again.
// Loops that are one range carry the number of the tile to fetch, but for one
// that counts from a constant.
//
// With a third buffer, tile i was there one iteration earlier: the barrier
// stands before the put, and nobody waits for the LDS at the head of the body.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kStagesOfLateBarrier = 3;

Value attn::buildNextStage(ImplicitLocOpBuilder &b, Value stage,
                           int64_t distance, int64_t stages) {
  if (stages == 1)
    return buildIndex(b, 0);
  Value number = arith::IndexCastOp::create(b, b.getI32Type(), stage);
  Value next = arith::AddIOp::create(b, number, buildI32(b, distance));
  Value wraps = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, next,
                                      buildI32(b, stages));
  Value wrapped = arith::SubIOp::create(b, next, buildI32(b, stages));
  next = arith::SelectOp::create(b, wraps, wrapped, next);
  return arith::IndexCastUIOp::create(b, b.getIndexType(), next);
}

void attn::addCarried(ImplicitLocOpBuilder &b, KeyLoop &member, Value init) {
  scf::ForOp loop = member.loop;
  b.setInsertionPoint(loop);
  SmallVector<Value> inits(loop.getInitArgs());
  inits.push_back(init);
  auto next = scf::ForOp::create(b, loop.getLowerBound(), loop.getUpperBound(),
                                 loop.getStep(), inits);
  next.getBody()->getOperations().splice(next.getBody()->end(),
                                         loop.getBody()->getOperations());
  for (auto [from, to] : llvm::zip(loop.getBody()->getArguments(),
                                   next.getBody()->getArguments()))
    from.replaceAllUsesWith(to);
  for (auto [from, to] : llvm::zip(loop.getResults(), next.getResults()))
    from.replaceAllUsesWith(to);
  loop.erase();
  member.loop = next;
}

/// The parts of a tile that goes to `buffer`.
static ValueRange fetch(ImplicitLocOpBuilder &b, LoadTileOp load,
                        const TileRows &rows, Value buffer,
                        BlockScheduleAttr schedule) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<Type> types =
      getFetchedTypes(schedule, load.getView().getType().getElementType(),
                      getLayout(load), type);
  return FetchTileOp::create(b, types, load.getView(), rows.row, rows.valid,
                             type.getDimSize(1), getLayout(load))
      .getParts();
}

static void put(ImplicitLocOpBuilder &b, LoadTileOp load, const TileRows &rows,
                ValueRange parts, Value buffer, Value stage) {
  PutTileOp::create(b, parts, load.getView(), rows.row, rows.valid, buffer,
                    stage, getLayout(load));
}

/// All loads before the first store, which waits for its own.
static void fetchAndPut(ImplicitLocOpBuilder &b, ArrayRef<LoadTileOp> loads,
                        ArrayRef<TileRows> rows, ArrayRef<Value> buffers,
                        Value stage, BlockScheduleAttr schedule) {
  SmallVector<ValueRange> parts;
  for (auto [load, at, buffer] : llvm::zip_equal(loads, rows, buffers))
    parts.push_back(fetch(b, load, at, buffer, schedule));
  for (auto [load, at, part, buffer] :
       llvm::zip_equal(loads, rows, parts, buffers))
    put(b, load, at, part, buffer, stage);
}

void attn::fetchAndPut(ImplicitLocOpBuilder &b,
                       MutableArrayRef<LoadTileOp> loads,
                       ArrayRef<Value> buffers) {
  auto kernel = loads.front()->getParentOfType<func::FuncOp>();
  SmallVector<TileRows> rows;
  for (LoadTileOp load : loads)
    rows.push_back({load.getRow(), load.getValid()});
  ::fetchAndPut(b, loads, rows, buffers, buildIndex(b, 0),
                getBlockSchedule(kernel));
}

/// Whether one loop alone counts from a constant: LLVM then makes sums of the
/// products that tiles begin at, which cost less than a carried number.
static bool countsFromConstant(ArrayRef<KeyLoop> chain) {
  scf::ForOp first = chain.front().loop;
  return chain.size() == 1 && getConstantIntValue(first.getLowerBound());
}

namespace {

class FetchPipeliner {
public:
  FetchPipeliner(MutableArrayRef<KeyLoop> chain, BlockScheduleAttr schedule)
      : chain(chain), schedule(schedule), stages(schedule.getStages()),
        b(chain[0].loop.getLoc(), chain[0].loop),
        carriesTile(isOneRange(chain) && !countsFromConstant(chain)) {}

  void run();

private:
  void fetchFirst(int64_t stage);
  void carry();
  SmallVector<TileRows> buildLater(size_t number);
  void pipeline(size_t number);

  MutableArrayRef<KeyLoop> chain;
  BlockScheduleAttr schedule;
  int64_t stages;
  ImplicitLocOpBuilder b;
  SmallVector<Value> buffers;
  /// Whether the loops carry the number of the tile to fetch, behind that of
  /// the buffer in use.
  bool carriesTile;
};

} // namespace

/// Tile `stage` of the chain, if it has so many.
void FetchPipeliner::fetchFirst(int64_t stage) {
  scf::ForOp first = chain[0].loop;
  Value steps = arith::MulIOp::create(b, first.getStep(), buildIndex(b, stage));
  ChainTile tile = buildChainTile(
      b, chain, 0, arith::AddIOp::create(b, first.getLowerBound(), steps));
  auto guarded = scf::IfOp::create(b, tile.exists, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(guarded.thenBlock());
  fetchAndPut(b, chain[0].loads, tile.rows, buffers, buildIndex(b, stage),
              schedule);
}

/// Makes the loops carry the buffer in use, and the tile to fetch.
void FetchPipeliner::carry() {
  SmallVector<Value> carried{buildIndex(b, 0)};
  if (carriesTile)
    carried.push_back(
        buildNextOfRange(b, chain, chain[0].loop.getLowerBound(), stages - 1));
  for (KeyLoop &member : chain) {
    for (Value value : carried)
      addCarried(b, member, value);
    carried = llvm::to_vector_of<Value>(
        member.loop.getResults().take_back(carried.size()));
  }
}

/// What an iteration fetches: the tiles of a later one.
SmallVector<TileRows> FetchPipeliner::buildLater(size_t number) {
  if (!carriesTile)
    return buildLaterRows(b, chain, number, stages - 1);
  return buildRowsOfRange(b, chain,
                          chain[number].loop.getRegionIterArgs().back());
}

void FetchPipeliner::pipeline(size_t number) {
  KeyLoop &member = chain[number];
  auto carried = member.loop.getRegionIterArgs().take_back(1 + carriesTile);
  Value stage = carried.front();
  b.setInsertionPointToStart(member.loop.getBody());
  bool isLate = stages >= kStagesOfLateBarrier;
  if (!isLate)
    gpu::BarrierOp::create(b);
  // Behind the branches of the body, beside the products.
  auto products = member.loop.getBody()->getOps<ContractOp>();
  if (!products.empty())
    b.setInsertionPoint(*products.begin());
  SmallVector<TileRows> later = buildLater(number);
  SmallVector<ValueRange> parts;
  for (auto [load, rows, buffer] :
       llvm::zip_equal(member.loads, later, buffers))
    parts.push_back(fetch(b, load, rows, buffer, schedule));
  for (auto [load, buffer] : llvm::zip_equal(member.loads, buffers))
    load.replaceAllUsesWith(
        SharedTileOp::create(b, load.getTile().getType(), buffer, stage)
            .getResult());
  auto yield = cast<scf::YieldOp>(member.loop.getBody()->getTerminator());
  b.setInsertionPoint(yield);
  if (isLate)
    gpu::BarrierOp::create(b);
  Value next = buildNextStage(b, stage, stages - 1, stages);
  for (auto [load, rows, part, buffer] :
       llvm::zip_equal(member.loads, later, parts, buffers))
    put(b, load, rows, part, buffer, next);
  SmallVector<Value> after{buildNextStage(b, stage, 1, stages)};
  if (carriesTile)
    after.push_back(buildNextOfRange(b, chain, carried.back(), /*distance=*/1));
  yield->insertOperands(yield->getNumOperands(), after);
}

void FetchPipeliner::run() {
  for (LoadTileOp load : chain[0].loads)
    buffers.push_back(allocateBuffer(b, load.getTile().getType(), stages));
  gpu::BarrierOp::create(b);
  for (int64_t stage = 0; stage < stages - 1; ++stage)
    fetchFirst(stage);
  if (stages >= kStagesOfLateBarrier)
    gpu::BarrierOp::create(b);
  carry();
  for (size_t number = 0; number < chain.size(); ++number)
    pipeline(number);
  for (KeyLoop &member : chain)
    for (LoadTileOp load : member.loads)
      load.erase();
  b.setInsertionPointAfter(chain.back().loop);
  for (Value buffer : llvm::reverse(buffers))
    memref::DeallocOp::create(b, buffer);
}

void attn::pipelineFetches(MutableArrayRef<KeyLoop> chain,
                           BlockScheduleAttr schedule) {
  FetchPipeliner(chain, schedule).run();
}
