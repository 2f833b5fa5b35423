//===- PipelineCopies.cpp - Loads of tiles run ahead of their use ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over keys with n buffers:
//
//   barrier                                all threads are done with the buffers
//   for s in [0, n - 1): copy tile s; commit
//   for i:
//     wait for all groups but the latest n - 2
//     barrier      tile i is there, and nobody reads tile i - 1 any more
//     copy tile i + n - 1 to the buffer of tile i - 1; commit
//     use tile i
//
// Groups are closed where there is nothing to copy too, so that they count
// iterations.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Conversion/GpuPasses.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Analysis/SliceAnalysis.h"

namespace attn {
#define GEN_PASS_DEF_PIPELINECOPIESPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// A buffer in shared memory for `stages` tiles.
static Value allocateBuffer(ImplicitLocOpBuilder &b, TileType tile,
                            int64_t stages) {
  auto layout = cast<SharedAttr>(tile.getLayout());
  Dim rows = tile.hasDim(Dim::q) ? Dim::q : Dim::kv;
  auto type = MemRefType::get(
      {stages, tile.getExtent(rows), layout.getPitch()}, tile.getElementType(),
      MemRefLayoutAttrInterface(), b.getI64IntegerAttr(kSharedMemory));
  return memref::AllocOp::create(b, type);
}

static SharedAttr getLayout(LoadTileOp load) {
  return cast<SharedAttr>(load.getTile().getType().getLayout());
}

/// Replaces `load` by a copy that all threads wait for. Query tiles stay where
/// they are for the rest of the work item.
static void waitForLoad(LoadTileOp load) {
  ImplicitLocOpBuilder b(load.getLoc(), load);
  TileType tile = load.getTile().getType();
  Value buffer = allocateBuffer(b, tile, 1), zero = buildIndex(b, 0);
  gpu::BarrierOp::create(b);
  CopyTileOp::create(b, load.getView(), load.getRow(), load.getValid(), buffer,
                     zero, getLayout(load));
  CopyCommitOp::create(b);
  CopyWaitOp::create(b, 0);
  gpu::BarrierOp::create(b);
  load.replaceAllUsesWith(
      SharedTileOp::create(b, tile, buffer, zero).getResult());
  if (!tile.hasDim(Dim::q)) {
    b.setInsertionPoint(load->getBlock()->getTerminator());
    memref::DeallocOp::create(b, buffer);
  }
  load.erase();
}

/// A copy of the query tile, which the first wait of a key loop covers.
static void startLoad(LoadTileOp load) {
  ImplicitLocOpBuilder b(load.getLoc(), load);
  TileType tile = load.getTile().getType();
  Value buffer = allocateBuffer(b, tile, 1), zero = buildIndex(b, 0);
  CopyTileOp::create(b, load.getView(), load.getRow(), load.getValid(), buffer,
                     zero, getLayout(load));
  CopyCommitOp::create(b);
  load.replaceAllUsesWith(
      SharedTileOp::create(b, tile, buffer, zero).getResult());
  load.erase();
}

namespace {

/// Pipelines the loads that stand directly in one loop over keys.
class LoopPipeliner {
public:
  LoopPipeliner(scf::ForOp loop, SmallVector<LoadTileOp> loads, int64_t stages)
      : loop(loop), loads(std::move(loads)), stages(stages),
        b(loop.getLoc(), loop) {}

  /// Whether rows of later iterations can be computed ahead of time.
  bool canRunAhead();
  void run();

private:
  void copyTiles(Value iteration, Value stage);
  Value buildNextStage(Value stage, int64_t distance);
  scf::ForOp addStage();

  scf::ForOp loop;
  SmallVector<LoadTileOp> loads;
  int64_t stages;
  ImplicitLocOpBuilder b;
  SmallVector<Value> buffers;
  /// The ops of the loop's body that rows and numbers of keys come from.
  llvm::SetVector<Operation *> slice;
};

} // namespace

bool LoopPipeliner::canRunAhead() {
  BackwardSliceOptions options;
  options.omitBlockArguments = true;
  options.filter = [&](Operation *op) {
    return op->getBlock() == loop.getBody();
  };
  for (LoadTileOp load : loads)
    for (Value value : {load.getRow(), load.getValid()}) {
      if (llvm::is_contained(loop.getRegionIterArgs(), value))
        return false;
      if (Operation *op = value.getDefiningOp();
          op && op->getBlock() == loop.getBody()) {
        (void)getBackwardSlice(op, &slice, options);
        slice.insert(op);
      }
    }
  return llvm::all_of(slice, [&](Operation *op) {
    return isPure(op) && llvm::none_of(op->getOperands(), [&](Value operand) {
             return llvm::is_contained(loop.getRegionIterArgs(), operand);
           });
  });
}

/// Starts the copies of an iteration, if there is such an iteration.
void LoopPipeliner::copyTiles(Value iteration, Value stage) {
  Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, iteration,
                                       loop.getUpperBound());
  auto guarded = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(guarded.thenBlock());
  IRMapping map;
  map.map(loop.getInductionVar(), iteration);
  for (Operation &op : *loop.getBody())
    if (slice.contains(&op))
      b.clone(op, map);
  for (auto [load, buffer] : llvm::zip_equal(loads, buffers))
    CopyTileOp::create(b, load.getView(), map.lookupOrDefault(load.getRow()),
                       map.lookupOrDefault(load.getValid()), buffer, stage,
                       getLayout(load));
}

Value LoopPipeliner::buildNextStage(Value stage, int64_t distance) {
  Value next = arith::AddIOp::create(b, stage, buildIndex(b, distance));
  Value wraps = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, next,
                                      buildIndex(b, stages));
  Value wrapped = arith::SubIOp::create(b, next, buildIndex(b, stages));
  return arith::SelectOp::create(b, wraps, wrapped, next);
}

/// Gives the loop one more iter_arg, the number of the buffer in use.
scf::ForOp LoopPipeliner::addStage() {
  SmallVector<Value> inits(loop.getInitArgs());
  inits.push_back(buildIndex(b, 0));
  auto next = scf::ForOp::create(b, loop.getLowerBound(), loop.getUpperBound(),
                                 loop.getStep(), inits);
  next.getBody()->getOperations().clear();
  next.getBody()->getOperations().splice(next.getBody()->end(),
                                         loop.getBody()->getOperations());
  for (auto [from, to] : llvm::zip(loop.getBody()->getArguments(),
                                   next.getBody()->getArguments()))
    from.replaceAllUsesWith(to);
  for (auto [from, to] : llvm::zip(loop.getResults(), next.getResults()))
    from.replaceAllUsesWith(to);
  loop.erase();
  return next;
}

void LoopPipeliner::run() {
  for (LoadTileOp load : loads)
    buffers.push_back(allocateBuffer(b, load.getTile().getType(), stages));
  gpu::BarrierOp::create(b);
  for (int64_t stage = 0; stage < stages - 1; ++stage) {
    Value iteration = arith::AddIOp::create(b, loop.getLowerBound(),
                                            buildIndex(b, stage));
    copyTiles(iteration, buildIndex(b, stage));
    CopyCommitOp::create(b);
  }
  loop = addStage();
  Value stage = loop.getRegionIterArgs().back();
  b.setInsertionPointToStart(loop.getBody());
  CopyWaitOp::create(b, stages - 2);
  gpu::BarrierOp::create(b);
  Value ahead = arith::AddIOp::create(b, loop.getInductionVar(),
                                      buildIndex(b, stages - 1));
  copyTiles(ahead, buildNextStage(stage, stages - 1));
  CopyCommitOp::create(b);
  for (auto [load, buffer] : llvm::zip_equal(loads, buffers)) {
    load.replaceAllUsesWith(
        SharedTileOp::create(b, load.getTile().getType(), buffer, stage)
            .getResult());
    load.erase();
  }
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  b.setInsertionPoint(yield);
  yield->insertOperands(yield->getNumOperands(), buildNextStage(stage, 1));
  b.setInsertionPointAfter(loop);
  for (Value buffer : llvm::reverse(buffers))
    memref::DeallocOp::create(b, buffer);
}

/// Whether `op` belongs to the further attempts, which are rare.
static bool isCold(Operation *op) {
  return op->getParentOfType<scf::WhileOp>() != nullptr;
}

namespace {
struct PipelineCopiesPass
    : attn::impl::PipelineCopiesPassBase<PipelineCopiesPass> {
  void runOnOperation() override {
    BlockScheduleAttr schedule = getBlockSchedule(getOperation());
    if (!schedule)
      return;
    SmallVector<LoadTileOp> loads;
    getOperation().walk([&](LoadTileOp load) { loads.push_back(load); });
    llvm::MapVector<Operation *, SmallVector<LoadTileOp>> byLoop;
    for (LoadTileOp load : loads) {
      bool isQuery = load.getTile().getType().hasDim(Dim::q);
      auto loop = dyn_cast<scf::ForOp>(load->getParentOp());
      if (!isQuery && loop && schedule.getStages() > 1 && !isCold(load))
        byLoop[loop].push_back(load);
      else if (isQuery && schedule.getStages() > 1)
        startLoad(load);
      else
        waitForLoad(load);
    }
    for (auto &[loop, members] : byLoop) {
      LoopPipeliner pipeliner(cast<scf::ForOp>(loop), members,
                              schedule.getStages());
      if (pipeliner.canRunAhead())
        pipeliner.run();
      else
        llvm::for_each(members, waitForLoad);
    }
  }
};
} // namespace
