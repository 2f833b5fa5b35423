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
// scores are gone.
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
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/Sequence.h"

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

/// Starts the copies of rows from `row` on that `load` stands for.
static void startCopies(ImplicitLocOpBuilder &b, LoadTileOp load, Value row,
                        Value valid, Value buffer, Value stage) {
  auto layout = cast<SharedAttr>(load.getTile().getType().getLayout());
  CopyTileOp::create(b, load.getView(), row, valid, buffer, stage, layout,
                     load.getAligned());
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
  for (auto [load, buffer] : llvm::zip_equal(loads, buffers))
    startCopies(b, load, load.getRow(), load.getValid(), buffer, zero);
  CopyCommitOp::create(b);
  CopyWaitOp::create(b, 0);
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

/// A copy of the query tile, which the first wait of a key loop covers.
static void startLoad(LoadTileOp load) {
  ImplicitLocOpBuilder b(load.getLoc(), load);
  TileType tile = load.getTile().getType();
  Value buffer = allocateBuffer(b, tile, 1), zero = buildIndex(b, 0);
  startCopies(b, load, load.getRow(), load.getValid(), buffer, zero);
  CopyCommitOp::create(b);
  Value shared = SharedTileOp::create(b, tile, buffer, zero);
  load.replaceAllUsesWith(shared);
  if (Operation *user = findLastUser(*load->getBlock(), shared)) {
    b.setInsertionPointAfter(user);
    memref::DeallocOp::create(b, buffer);
  }
  load.erase();
}

namespace {

/// A loop over keys, and the loads that stand directly in it.
struct KeyLoop {
  scf::ForOp loop;
  SmallVector<LoadTileOp> loads;
  /// The ops of the loop's body that rows and numbers of keys come from.
  llvm::SetVector<Operation *> slice;

  /// Whether rows of later iterations can be computed ahead of time.
  bool canRunAhead();
  /// How many groups its copies form.
  size_t countGroups();
  /// Whether they can be computed in front of `first`.
  bool canRunBefore(scf::ForOp first);
  bool copiesLike(const KeyLoop &other) const;
};

/// Pipelines the loads of a chain of loops.
class ChainPipeliner {
public:
  ChainPipeliner(MutableArrayRef<KeyLoop> chain, int64_t stages)
      : chain(chain), stages(stages), b(chain[0].loop.getLoc(), chain[0].loop),
        groups(chain[0].countGroups()) {}

  void run();

private:
  /// The numbers of the loads that are waited for together.
  llvm::iota_range<size_t> getGroup(size_t group) const {
    size_t count = chain[0].loads.size();
    return groups == 1 ? llvm::seq<size_t>(0, count)
                       : llvm::seq<size_t>(group, group + 1);
  }
  void copyAhead(size_t number, size_t group, Value iteration, Value stage);
  void copyTiles(KeyLoop &member, size_t group, Value iteration, Value stage);
  void waitForGroup(size_t number, size_t group, Value stage);
  Value buildLater(KeyLoop &member, Value iteration, int64_t distance);
  Value buildNextStage(Value stage, int64_t distance);
  void addStage(KeyLoop &member, Value stage);
  void pipeline(size_t number);

  MutableArrayRef<KeyLoop> chain;
  int64_t stages;
  ImplicitLocOpBuilder b;
  size_t groups;
  SmallVector<Value> buffers;
};

} // namespace

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

size_t KeyLoop::countGroups() {
  // Registers of a thread that the loop carries as one tile.
  constexpr int64_t kManyRegisters = 128;
  bool isCrowded = llvm::any_of(loop.getResultTypes(), [](Type type) {
    auto tile = dyn_cast<TileType>(type);
    auto layout = tile ? dyn_cast<FragmentAttr>(tile.getLayout()) : nullptr;
    return layout && countValues(layout.getRegisters()) >= kManyRegisters;
  });
  return isCrowded ? loads.size() : 1;
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

bool KeyLoop::copiesLike(const KeyLoop &other) const {
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

Value ChainPipeliner::buildNextStage(Value stage, int64_t distance) {
  if (stages == 2 && distance == 1)
    return arith::SubIOp::create(b, buildIndex(b, 1), stage);
  Value next = arith::AddIOp::create(b, stage, buildIndex(b, distance));
  Value wraps = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, next,
                                      buildIndex(b, stages));
  Value wrapped = arith::SubIOp::create(b, next, buildIndex(b, stages));
  return arith::SelectOp::create(b, wraps, wrapped, next);
}

/// Gives a loop one more iter_arg, the number of the buffer in use.
void ChainPipeliner::addStage(KeyLoop &member, Value stage) {
  scf::ForOp loop = member.loop;
  b.setInsertionPoint(loop);
  SmallVector<Value> inits(loop.getInitArgs());
  inits.push_back(stage);
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

/// The wait for the tiles of a group, and the copies that take the place of
/// those that nobody uses any more.
void ChainPipeliner::waitForGroup(size_t number, size_t group, Value stage) {
  KeyLoop &member = chain[number];
  CopyWaitOp::create(b, groups * (stages - 1) - 1);
  gpu::BarrierOp::create(b);
  Value ahead = buildLater(member, member.loop.getInductionVar(), stages - 1);
  copyAhead(number, group, ahead, buildNextStage(stage, stages - 1));
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
  yield->insertOperands(yield->getNumOperands(), buildNextStage(stage, 1));
}

void ChainPipeliner::run() {
  for (LoadTileOp load : chain[0].loads)
    buffers.push_back(allocateBuffer(b, load.getTile().getType(), stages));
  gpu::BarrierOp::create(b);
  for (int64_t stage = 0; stage < stages - 1; ++stage)
    for (size_t group = 0; group < groups; ++group) {
      copyAhead(0, group,
                buildLater(chain[0], chain[0].loop.getLowerBound(), stage),
                buildIndex(b, stage));
      CopyCommitOp::create(b);
    }
  Value stage = buildIndex(b, 0);
  for (KeyLoop &member : chain) {
    addStage(member, stage);
    stage = member.loop.getResults().back();
  }
  for (size_t number = 0; number < chain.size(); ++number)
    pipeline(number);
  for (KeyLoop &member : chain)
    for (LoadTileOp load : member.loads)
      load.erase();
  b.setInsertionPointAfter(chain.back().loop);
  for (Value buffer : llvm::reverse(buffers))
    memref::DeallocOp::create(b, buffer);
}

/// The loops that follow the first one of `loops` as one chain with it.
static size_t countChained(MutableArrayRef<KeyLoop> loops) {
  size_t count = 1;
  while (count < loops.size() && loops[count].copiesLike(loops[0]) &&
         loops[count].canRunBefore(loops[0].loop))
    ++count;
  return count;
}

/// Whether `op` belongs to the further attempts, or to their loop over rows.
static bool isCold(Operation *op) {
  auto holdsRetry = [](Operation *region) {
    return region->walk([](scf::WhileOp) { return WalkResult::interrupt(); })
        .wasInterrupted();
  };
  return op->getParentOfType<scf::WhileOp>() || holdsRetry(op->getParentOp());
}

/// The loop over keys that `load` stands in, or null: it carries tiles.
static scf::ForOp getKeyLoop(LoadTileOp load) {
  auto loop = dyn_cast<scf::ForOp>(load->getParentOp());
  bool carriesTiles =
      loop && llvm::any_of(loop.getResultTypes(), llvm::IsaPred<TileType>);
  return carriesTiles ? loop : scf::ForOp();
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
    llvm::MapVector<Operation *, SmallVector<LoadTileOp>> byLoop;
    llvm::MapVector<Block *, SmallVector<LoadTileOp>> waited;
    for (LoadTileOp load : loads) {
      bool isQuery = load.getTile().getType().hasDim(Dim::q);
      scf::ForOp loop = getKeyLoop(load);
      if (!isQuery && loop && schedule.getStages() > 1 && !isCold(load))
        byLoop[loop].push_back(load);
      else if (isQuery && schedule.getStages() > 1 && !isCold(load))
        startLoad(load);
      else if (isQuery)
        waitForLoads(load);
      else
        waited[load->getBlock()].push_back(load);
    }
    SmallVector<KeyLoop> loops;
    for (auto &[loop, members] : byLoop) {
      KeyLoop member{cast<scf::ForOp>(loop), members, {}};
      if (member.canRunAhead())
        loops.push_back(member);
      else
        waited[member.loop.getBody()] = members;
    }
    for (auto &[block, members] : waited)
      waitForBlock(members);
    for (MutableArrayRef<KeyLoop> rest(loops); !rest.empty();) {
      size_t count = countChained(rest);
      ChainPipeliner(rest.take_front(count), schedule.getStages()).run();
      rest = rest.drop_front(count);
    }
  }
};
} // namespace
