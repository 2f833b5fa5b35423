//===- PipelineCopies.cpp - Loads of tiles run ahead of their use ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over keys with n buffers:
//
//   barrier                                all threads are done with the
//   buffers for s in [0, n - 1): copy tile s; commit for i:
//     wait for all groups but the latest n - 2
//     barrier      tile i is there, and nobody reads tile i - 1 any more
//     copy tile i + n - 1 to the buffer of tile i - 1; commit
//     use tile i
//
// Where the accumulators leave few registers for the scores, V has a group, a
// wait and a barrier of its own in front of its use: its copies start when the
// scores are gone. Then one buffer is enough to run ahead: V is copied while K
// is used, and the next K while V is.
//
// Groups are closed where there is nothing to copy too, so that they count
// iterations. Loops that follow each other, over tiles that need no mask and
// over those that do, form a chain: the last iterations of one copy the first
// tiles of the next.
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
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/Sequence.h"

namespace attn {
#define GEN_PASS_DEF_PIPELINECOPIESPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

Value attn::allocateBuffer(ImplicitLocOpBuilder &b, TileType tile,
                           int64_t stages) {
  auto layout = cast<SharedAttr>(tile.getLayout());
  int64_t rows = tile.getShape()[0], columns = tile.getShape()[1];
  if (tile.getDims()[0] != Dim::q && tile.getDims()[0] != Dim::kv)
    std::swap(rows, columns);
  auto type = MemRefType::get(
      {stages, getBufferRows(layout, rows, columns), layout.getPitch()},
      tile.getElementType(), MemRefLayoutAttrInterface(),
      b.getI64IntegerAttr(kSharedMemory));
  return memref::AllocOp::create(b, type);
}

SharedAttr attn::getLayout(LoadTileOp load) {
  return cast<SharedAttr>(load.getTile().getType().getLayout());
}

/// Starts the copies of rows from `row` on that `load` stands for.
static void startCopies(ImplicitLocOpBuilder &b, LoadTileOp load, Value row,
                        Value valid, Value buffer, Value stage) {
  CopyTileOp::create(b, load.getView(), row, valid, buffer, stage,
                     getLayout(load), load.getAligned());
}

static bool areAligned(ArrayRef<LoadTileOp> loads) {
  return llvm::all_of(loads, [](LoadTileOp load) { return load.getAligned(); });
}

/// The last op of `block` that uses one of `values`, itself or by its regions.
static Operation *findLastUser(Block &block, ArrayRef<Value> values) {
  Operation *last = nullptr;
  for (Value value : values)
    for (Operation *user : value.getUsers())
      if (Operation *here = block.findAncestorOpInBlock(*user);
          here && (!last || last->isBeforeInBlock(here)))
        last = here;
  return last;
}

/// The first op of the load's block that uses the tile.
static Operation *findFirstUser(LoadTileOp load) {
  Operation *first = nullptr;
  for (Operation *user : load->getUsers())
    if (Operation *here = load->getBlock()->findAncestorOpInBlock(*user);
        here && (!first || here->isBeforeInBlock(first)))
      first = here;
  return first;
}

/// Whether `op` belongs to the further attempts, or to their loop over rows.
static bool isCold(Operation *op) {
  auto holdsRetry = [](Operation *region) {
    return region->walk([](scf::WhileOp) { return WalkResult::interrupt(); })
        .wasInterrupted();
  };
  return op->getParentOfType<scf::WhileOp>() || holdsRetry(op->getParentOp());
}

/// Replaces `loads`, of one block, by copies that all threads wait for together
/// where the last of them stands. The buffers stay until their last use.
static void waitForLoads(MutableArrayRef<LoadTileOp> loads) {
  LoadTileOp last = loads.back();
  ImplicitLocOpBuilder b(last.getLoc(), last);
  Value zero = buildIndex(b, 0);
  SmallVector<Value> buffers, tiles;
  for (LoadTileOp load : loads)
    buffers.push_back(allocateBuffer(b, load.getTile().getType(), 1));
  gpu::BarrierOp::create(b);
  auto kernel = last->getParentOfType<func::FuncOp>();
  bool fetches = getBlockSchedule(kernel).getFetches();
  if (fetches && areAligned(loads)) {
    fetchAndPut(b, loads, buffers);
  } else {
    for (auto [load, buffer] : llvm::zip_equal(loads, buffers))
      startCopies(b, load, load.getRow(), load.getValid(), buffer, zero);
    // Further attempts copy elements one by one, which are there already, as
    // are all of a chip that copies through registers.
    if (!isCold(last) && !fetches) {
      CopyCommitOp::create(b);
      CopyWaitOp::create(b, 0);
    }
  }
  gpu::BarrierOp::create(b);
  for (auto [load, buffer] : llvm::zip_equal(loads, buffers)) {
    tiles.push_back(
        SharedTileOp::create(b, load.getTile().getType(), buffer, zero));
    load.replaceAllUsesWith(tiles.back());
  }
  if (Operation *user = findLastUser(*last->getBlock(), tiles)) {
    b.setInsertionPointAfter(user);
    for (Value buffer : llvm::reverse(buffers))
      memref::DeallocOp::create(b, buffer);
  }
  for (LoadTileOp load : loads)
    load.erase();
}

/// The same for the loads of one block, together as far as none is used before
/// all are there.
static void waitForBlock(MutableArrayRef<LoadTileOp> loads) {
  while (!loads.empty()) {
    auto isUsedBefore = [](LoadTileOp load, LoadTileOp other) {
      return llvm::any_of(load->getUsers(), [&](Operation *user) {
        Operation *here = other->getBlock()->findAncestorOpInBlock(*user);
        return here && here->isBeforeInBlock(other);
      });
    };
    size_t count = 1;
    while (
        count < loads.size() &&
        llvm::none_of(
            loads.take_front(count),
            [&](LoadTileOp load) { return isUsedBefore(load, loads[count]); }))
      ++count;
    waitForLoads(loads.take_front(count));
    loads = loads.drop_front(count);
  }
}

/// Whether `loop` only goes through those that pass over keys: the ranges of a
/// table, of which there may be none.
static bool isOverRanges(Operation *loop) {
  return isa<scf::ForOp>(loop) && loop->walk([&](LoadTileOp load) {
                                        return load->getParentOp() == loop
                                                   ? WalkResult::advance()
                                                   : WalkResult::interrupt();
                                      })
                                      .wasInterrupted();
}

/// A copy of the query tile, of the same group as the first copies of keys.
static void startLoad(LoadTileOp load) {
  ImplicitLocOpBuilder b(load.getLoc(), load);
  TileType tile = load.getTile().getType();
  Value buffer = allocateBuffer(b, tile, 1), zero = buildIndex(b, 0);
  startCopies(b, load, load.getRow(), load.getValid(), buffer, zero);
  Value shared = SharedTileOp::create(b, tile, buffer, zero);
  load.replaceAllUsesWith(shared);
  if (Operation *user = findLastUser(*load->getBlock(), shared)) {
    b.setInsertionPointAfter(user);
    if (isOverRanges(user)) {
      CopyCommitOp::create(b);
      CopyWaitOp::create(b, 0);
      gpu::BarrierOp::create(b);
    }
    memref::DeallocOp::create(b, buffer);
  }
  load.erase();
}

/// Whether the accumulators that `loop` carries leave few registers for the
/// scores.
static bool isCrowded(scf::ForOp loop) {
  // Registers of a thread that the loop carries as one tile.
  constexpr int64_t kManyRegisters = 128;
  return llvm::any_of(loop.getResultTypes(), [](Type type) {
    auto tile = dyn_cast<TileType>(type);
    auto layout = tile ? dyn_cast<FragmentAttr>(tile.getLayout()) : nullptr;
    return layout && countValues(layout.getRegisters()) >= kManyRegisters;
  });
}

namespace {

/// Pipelines the loads of a chain of loops.
class ChainPipeliner {
public:
  ChainPipeliner(MutableArrayRef<KeyLoop> chain, int64_t stages)
      : chain(chain), stages(stages), b(chain[0].loop.getLoc(), chain[0].loop),
        groups(isCrowded(chain[0].loop) ? chain[0].loads.size() : 1) {}

  void run();

private:
  /// The numbers of the loads that are waited for together.
  llvm::iota_range<size_t> getGroup(size_t group) const {
    size_t count = chain[0].loads.size();
    return groups == 1 ? llvm::seq<size_t>(0, count)
                       : llvm::seq<size_t>(group, group + 1);
  }
  size_t getLead() const;
  void copyAhead(size_t number, size_t group, Value iteration, Value stage);
  void copyTiles(KeyLoop &member, size_t group, Value iteration, Value stage);
  void waitForGroup(size_t number, size_t group, Value stage);
  Value buildLater(KeyLoop &member, Value iteration, int64_t distance);
  void pipeline(size_t number);

  MutableArrayRef<KeyLoop> chain;
  int64_t stages;
  ImplicitLocOpBuilder b;
  size_t groups;
  SmallVector<Value> buffers;
};

} // namespace

/// How many groups the copies are ahead of their use.
size_t ChainPipeliner::getLead() const {
  return std::max<size_t>(groups * (stages - 1), 1);
}

/// Starts the copies of a group for an iteration.
void ChainPipeliner::copyTiles(KeyLoop &member, size_t group, Value iteration,
                               Value stage) {
  IRMapping map;
  map.map(member.loop.getInductionVar(), iteration);
  for (Operation &op : *member.loop.getBody())
    if (member.slice.contains(&op))
      b.clone(op, map);
  for (size_t i : getGroup(group)) {
    LoadTileOp load = member.loads[i];
    startCopies(b, load, map.lookupOrDefault(load.getRow()),
                map.lookupOrDefault(load.getValid()), buffers[i], stage);
  }
}

/// The same, if there is such an iteration, in this loop or one that follows.
void ChainPipeliner::copyAhead(size_t number, size_t group, Value iteration,
                               Value stage) {
  KeyLoop &member = chain[number];
  Value end = member.loop.getUpperBound();
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, iteration, end);
  bool isLast = number + 1 == chain.size();
  auto choice = scf::IfOp::create(b, exists, /*withElseRegion=*/!isLast);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(choice.thenBlock());
  copyTiles(member, group, iteration, stage);
  if (isLast)
    return;
  b.setInsertionPointToStart(choice.elseBlock());
  // The loop may have no iteration at all.
  Value done = arith::MaxSIOp::create(b, end, member.loop.getLowerBound());
  Value beyond = arith::SubIOp::create(b, iteration, done);
  copyAhead(
      number + 1, group,
      arith::AddIOp::create(b, chain[number + 1].loop.getLowerBound(), beyond),
      stage);
}

Value ChainPipeliner::buildLater(KeyLoop &member, Value iteration,
                                 int64_t distance) {
  Value steps =
      arith::MulIOp::create(b, member.loop.getStep(), buildIndex(b, distance));
  return arith::AddIOp::create(b, iteration, steps);
}

/// The wait for the tiles of a group, and the copies that take the place of
/// those that nobody uses any more.
void ChainPipeliner::waitForGroup(size_t number, size_t group, Value stage) {
  KeyLoop &member = chain[number];
  CopyWaitOp::create(b, getLead() - 1);
  gpu::BarrierOp::create(b);
  size_t next = group + getLead(), distance = next / groups;
  Value iteration = member.loop.getInductionVar();
  if (distance == 0)
    copyTiles(member, next, iteration, stage);
  else
    copyAhead(number, next % groups, buildLater(member, iteration, distance),
              buildNextStage(b, stage, distance, stages));
  CopyCommitOp::create(b);
  for (size_t i : getGroup(group)) {
    LoadTileOp load = member.loads[i];
    load.replaceAllUsesWith(
        SharedTileOp::create(b, load.getTile().getType(), buffers[i], stage)
            .getResult());
  }
}

void ChainPipeliner::pipeline(size_t number) {
  KeyLoop &member = chain[number];
  Value stage = member.loop.getRegionIterArgs().back();
  for (size_t group = 0; group < groups; ++group) {
    if (group == 0)
      b.setInsertionPointToStart(member.loop.getBody());
    else
      b.setInsertionPoint(findFirstUser(member.loads[group]));
    waitForGroup(number, group, stage);
  }
  auto yield = cast<scf::YieldOp>(member.loop.getBody()->getTerminator());
  b.setInsertionPoint(yield);
  yield->insertOperands(yield->getNumOperands(),
                        buildNextStage(b, stage, 1, stages));
}

/// Whether the loop of `member` is known to have an iteration.
static bool hasIterations(const KeyLoop &member) {
  scf::ForOp loop = member.loop;
  APInt begin, end;
  return matchPattern(loop.getLowerBound(), m_ConstantInt(&begin)) &&
         matchPattern(loop.getUpperBound(), m_ConstantInt(&end)) &&
         begin.slt(end);
}

void ChainPipeliner::run() {
  assert((stages > 1 || groups > 1) && "nothing to be ahead of");
  for (LoadTileOp load : chain[0].loads)
    buffers.push_back(allocateBuffer(b, load.getTile().getType(), stages));
  gpu::BarrierOp::create(b);
  for (size_t next = 0; next < getLead(); ++next) {
    int64_t stage = next / groups;
    copyAhead(0, next % groups,
              buildLater(chain[0], chain[0].loop.getLowerBound(), stage),
              buildIndex(b, stage));
    CopyCommitOp::create(b);
  }
  Value stage = buildIndex(b, 0);
  for (KeyLoop &member : chain) {
    addCarried(b, member, stage);
    stage = member.loop.getResults().back();
  }
  for (size_t number = 0; number < chain.size(); ++number)
    pipeline(number);
  bool endsQueries = !isOverRanges(chain.back().loop->getParentOp());
  for (KeyLoop &member : chain)
    for (LoadTileOp load : member.loads)
      load.erase();
  b.setInsertionPointAfter(chain.back().loop);
  // Without any iteration nobody waited for the copy of the query tile, whose
  // buffer is free now, if this is no loop over ranges.
  if (endsQueries && llvm::none_of(chain, hasIterations))
    CopyWaitOp::create(b, 0);
  gpu::BarrierOp::create(b);
  for (Value buffer : llvm::reverse(buffers))
    memref::DeallocOp::create(b, buffer);
}

/// The loop over keys that `load` stands in, or null: it carries tiles.
static scf::ForOp getKeyLoop(LoadTileOp load) {
  auto loop = dyn_cast<scf::ForOp>(load->getParentOp());
  bool carriesTiles =
      loop && llvm::any_of(loop.getResultTypes(), llvm::IsaPred<TileType>);
  return carriesTiles ? loop : scf::ForOp();
}

/// Whether copies of `loads` run ahead of their use, into a second buffer or
/// into that of another tile.
static bool runAhead(ArrayRef<LoadTileOp> loads, BlockScheduleAttr schedule) {
  auto isOfCrowdedLoop = [](LoadTileOp load) {
    scf::ForOp loop = getKeyLoop(load);
    return loop && !isCold(load) && isCrowded(loop);
  };
  return schedule.getStages() > 1 ||
         (!schedule.getFetches() && llvm::any_of(loads, isOfCrowdedLoop));
}

namespace {
struct PipelineCopiesPass
    : attn::impl::PipelineCopiesPassBase<PipelineCopiesPass> {
  void runOnOperation() override {
    BlockScheduleAttr schedule = getBlockSchedule(getOperation());
    if (!schedule)
      return;
    SmallVector<LoadTileOp> loads;
    getOperation().walk([&](LoadTileOp load) {
      if (isa<SharedAttr>(load.getTile().getType().getLayout()))
        loads.push_back(load);
    });
    bool ahead = runAhead(loads, schedule);
    llvm::MapVector<Operation *, SmallVector<LoadTileOp>> byLoop;
    llvm::MapVector<Block *, SmallVector<LoadTileOp>> waited;
    for (LoadTileOp load : loads) {
      bool isQuery = load.getTile().getType().hasDim(Dim::q);
      scf::ForOp loop = getKeyLoop(load);
      if (!isQuery && loop && ahead && !isCold(load))
        byLoop[loop].push_back(load);
      else if (isQuery && ahead && !isCold(load))
        startLoad(load);
      else if (isQuery)
        waitForLoads(load);
      else
        waited[load->getBlock()].push_back(load);
    }
    SmallVector<KeyLoop> loops;
    for (auto &[loop, members] : byLoop) {
      KeyLoop member{cast<scf::ForOp>(loop), members, {}};
      // A fetch is always of some tile: that of another iteration.
      if (member.canRunAhead() &&
          (!schedule.getFetches() ||
           (member.usesIndex() && areAligned(member.loads))))
        loops.push_back(member);
      else
        waited[member.loop.getBody()] = members;
    }
    for (auto &[block, members] : waited)
      waitForBlock(members);
    for (MutableArrayRef<KeyLoop> rest(loops); !rest.empty();) {
      size_t count = countChained(rest);
      if (schedule.getFetches())
        pipelineFetches(rest.take_front(count), schedule);
      else
        ChainPipeliner(rest.take_front(count), schedule.getStages()).run();
      rest = rest.drop_front(count);
    }
  }
};
} // namespace
