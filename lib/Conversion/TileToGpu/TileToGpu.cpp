//===- TileToGpu.cpp - Tile ops become the code of one thread -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "../WorkItems.h"
#include "attn/Conversion/GpuPasses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTTILETOGPUPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Lowers one kernel, block by block.
class BlockKernelLowering {
public:
  BlockKernelLowering(func::FuncOp kernel, BlockScheduleAttr schedule)
      : lowering(kernel, schedule) {}

  LogicalResult run();

private:
  LogicalResult lowerBlock(Block &block);
  LogicalResult lowerOp(Operation *op);
  LogicalResult lowerFor(scf::ForOp loop);
  LogicalResult lowerGuarded(scf::ForOp loop, Value condition);
  LogicalResult lowerIf(scf::IfOp choice);
  void lowerBuffer(memref::AllocOp op);
  void lowerUniformWrite(Operation *op);
  void lowerOpaque(OpaqueOp op);
  SmallVector<Value> flatten(ValueRange values);
  void bind(ValueRange from, ValueRange to);

  ThreadLowering lowering;
  /// What an `attn.opaque` of the block in work has replaced.
  std::optional<ThreadLowering::Numbers> outerNumbers;
  SmallVector<Operation *> dead;
};

} // namespace

LogicalResult BlockKernelLowering::run() {
  func::FuncOp kernel = lowering.getKernel();
  // What runs once was emitted already.
  if (failed(lowerBlock(kernel.getBody().front())))
    return failure();
  for (Operation *op : dead)
    op->dropAllReferences();
  for (Operation *op : dead)
    op->erase();
  OpBuilder b(kernel.getContext());
  kernel->setAttr(kBlockSize, b.getI64IntegerAttr(lowering.getThreads()));
  kernel->setAttr(kSharedBytes, b.getI64IntegerAttr(lowering.getSharedBytes()));
  kernel->removeAttr("attn.schedule");
  return success();
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

/// Values with a tile replaced by its registers.
SmallVector<Value> BlockKernelLowering::flatten(ValueRange values) {
  SmallVector<Value> flat;
  for (Value value : values) {
    if (isa<TileType>(value.getType()))
      llvm::append_range(flat, lowering.getRegisters(value));
    else
      flat.push_back(value);
  }
  return flat;
}

/// Makes `to`, flattened, stand for `from`.
void BlockKernelLowering::bind(ValueRange from, ValueRange to) {
  for (Value value : from) {
    size_t count = 1;
    if (auto tile = dyn_cast<TileType>(value.getType())) {
      auto layout = cast<FragmentAttr>(tile.getLayout());
      count = countValues(layout.getRegisters());
      lowering.setRegisters(value, SmallVector<Value>(to.take_front(count)));
    } else {
      value.replaceAllUsesWith(to.front());
    }
    to = to.drop_front(count);
  }
}

/// What `loop` runs its only iteration under; null of other loops.
static Value getCondition(scf::ForOp loop) {
  auto times = loop.getUpperBound().getDefiningOp<arith::SelectOp>();
  bool isGuard = times && matchPattern(times.getTrueValue(), m_One()) &&
                 matchPattern(times.getFalseValue(), m_Zero()) &&
                 matchPattern(loop.getLowerBound(), m_Zero()) &&
                 matchPattern(loop.getStep(), m_One());
  return isGuard ? times.getCondition() : Value();
}

/// A loop of at most one iteration as a branch: from loops compilers take out
/// what each element is compared with, and have no registers for it.
LogicalResult BlockKernelLowering::lowerGuarded(scf::ForOp loop,
                                                Value condition) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  SmallVector<Value> inits = flatten(loop.getInitArgs());
  auto choice = scf::IfOp::create(b, TypeRange(ValueRange(inits)), condition,
                                  /*withElseRegion=*/true);
  loop.getInductionVar().replaceAllUsesWith(loop.getLowerBound());
  bind(loop.getRegionIterArgs(), inits);
  Block &then = *choice.thenBlock();
  then.getOperations().splice(then.end(), loop.getBody()->getOperations());
  if (failed(lowerBlock(then)))
    return failure();
  then.getTerminator()->setOperands(
      flatten(then.getTerminator()->getOperands()));
  b.setInsertionPointToEnd(choice.elseBlock());
  scf::YieldOp::create(b, inits);
  bind(loop.getResults(), choice.getResults());
  dead.push_back(loop);
  return success();
}

/// A loop that carries registers in place of tiles.
LogicalResult BlockKernelLowering::lowerFor(scf::ForOp loop) {
  if (llvm::none_of(loop.getResultTypes(), llvm::IsaPred<TileType>))
    return lowerBlock(*loop.getBody());
  if (Value condition = getCondition(loop))
    return lowerGuarded(loop, condition);
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  auto flat = scf::ForOp::create(b, loop.getLowerBound(), loop.getUpperBound(),
                                 loop.getStep(), flatten(loop.getInitArgs()));
  flat->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  Block &body = *flat.getBody();
  body.getOperations().splice(body.end(), loop.getBody()->getOperations());
  loop.getInductionVar().replaceAllUsesWith(flat.getInductionVar());
  bind(loop.getRegionIterArgs(), flat.getRegionIterArgs());
  if (failed(lowerBlock(body)))
    return failure();
  Operation *yield = body.getTerminator();
  b.setInsertionPoint(yield);
  scf::YieldOp::create(b, flatten(yield->getOperands()));
  yield->erase();
  bind(loop.getResults(), flat.getResults());
  dead.push_back(loop);
  return success();
}

/// A choice between tiles, which threads of a warp make together.
LogicalResult BlockKernelLowering::lowerIf(scf::IfOp choice) {
  bool yieldsTiles =
      llvm::any_of(choice.getResultTypes(), llvm::IsaPred<TileType>);
  SmallVector<Type> types;
  for (Region *region : {&choice.getThenRegion(), &choice.getElseRegion()}) {
    if (region->empty())
      continue;
    if (failed(lowerBlock(region->front())))
      return failure();
    if (!yieldsTiles)
      continue;
    Operation *yield = region->front().getTerminator();
    SmallVector<Value> flat = flatten(yield->getOperands());
    yield->setOperands(flat);
    types.assign(TypeRange(flat).begin(), TypeRange(flat).end());
  }
  if (!yieldsTiles)
    return success();
  ImplicitLocOpBuilder b(choice.getLoc(), choice);
  auto flat = scf::IfOp::create(b, types, choice.getCondition(),
                                /*addThenBlock=*/false,
                                /*addElseBlock=*/false);
  flat.getThenRegion().takeBody(choice.getThenRegion());
  flat.getElseRegion().takeBody(choice.getElseRegion());
  bind(choice.getResults(), flat.getResults());
  dead.push_back(choice);
  return success();
}

void BlockKernelLowering::lowerBuffer(memref::AllocOp op) {
  auto type = op.getType();
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  lowering.getBufferBegin(op) = lowering.allocateShared(bytes);
}

/// All threads compute what depends on the work item alone; one writes it.
void BlockKernelLowering::lowerUniformWrite(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        lowering.getThread(), buildI32(b, 0));
  buildIf(b, isFirst, [&] { b.clone(*op); });
  dead.push_back(op);
}

/// What follows in the block needs no number of the thread from in front of it.
void BlockKernelLowering::lowerOpaque(OpaqueOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value number = arith::IndexCastUIOp::create(b, b.getI32Type(), op.getIndex());
  int64_t lanes = lowering.getSchedule().getLanes();
  op.replaceAllUsesWith(toIndex(b, buildHidden(b, number, lanes)));
  ThreadLowering::Numbers old = lowering.startAgain(b);
  if (!outerNumbers)
    outerNumbers = std::move(old);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static bool isSharedBuffer(Value value) {
  auto space = dyn_cast_or_null<IntegerAttr>(
      cast<MemRefType>(value.getType()).getMemorySpace());
  return space && space.getInt() == kSharedMemory;
}

LogicalResult BlockKernelLowering::lowerOp(Operation *op) {
  auto done = [&] {
    dead.push_back(op);
    return success();
  };
  ThreadLowering &state = lowering;
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](scf::ForOp loop) { return lowerFor(loop); })
      .Case([&](scf::IfOp choice) { return lowerIf(choice); })
      .Case([&](WorkItemOp op) { return lowerWorkItem(op), done(); })
      .Case([&](PackedBlockOp op) { return lowerPackedBlock(op), done(); })
      .Case([&](ViewOp op) { return lowerRowsView(op, state), done(); })
      .Case([&](OpaqueOp op) { return lowerOpaque(op), done(); })
      .Case([&](RowsAlignedOp op) {
        const GlobalRows &rows = state.getRows(op.getView());
        op.replaceAllUsesWith(rows.canFetch ? rows.canFetch : rows.isAligned);
        return done();
      })
      .Case([&](CopyTileOp op) { return lowerCopyTile(op, state), done(); })
      .Case([&](FetchTileOp op) { return lowerFetchTile(op, state), done(); })
      .Case([&](PutTileOp op) { return lowerPutTile(op, state), done(); })
      .Case([&](LoadTileOp op) { return lowerQueryLoad(op, state), done(); })
      .Case([&](SharedTileOp op) { return lowerSharedTile(op, state), done(); })
      .Case(
          [&](LoadBoxOp op) { return lowerBoxToRegisters(op, state), done(); })
      .Case([&](StoreTileOp op) {
        return lowerStoreRegisters(op, state), done();
      })
      .Case([&](StoreStatsOp op) {
        return lowerStoreStatistics(op, state), done();
      })
      .Case([&](FillOp op) { return lowerFillRegisters(op, state), done(); })
      .Case([&](AllFiniteOp op) {
        return lowerBlockAllFinite(op, state), done();
      })
      .Case(
          [&](TileKindOp op) { return lowerBlockTileKind(op, state), done(); })
      .Case([&](MapOp op) { return lowerMapToRegisters(op, state), done(); })
      .Case(
          [&](ReduceOp op) { return lowerReduceRegisters(op, state), done(); })
      .Case([&](AnyAboveOp op) { return lowerAnyAbove(op, state), done(); })
      .Case([&](CombinePartialOp op) {
        return lowerCombinePartial(op, state), done();
      })
      .Case([&](ContractOp op) { return lowerProduct(op, state), done(); })
      .Case([&](memref::AllocOp op) -> LogicalResult {
        if (!isSharedBuffer(op))
          return op.emitOpError("allocates memory in a kernel, which has no "
                                "lowering to blocks of threads");
        return lowerBuffer(op), done();
      })
      .Case([&](memref::DeallocOp op) {
        state.releaseShared(state.getBufferBegin(op.getMemref()));
        return done();
      })
      .Case<memref::StoreOp, memref::AtomicRMWOp>(
          [&](Operation *op) { return lowerUniformWrite(op), success(); })
      .Default([&](Operation *other) -> LogicalResult {
        if (llvm::any_of(other->getResultTypes(), llvm::IsaPred<TileType>))
          return other->emitOpError("on tiles has no lowering to blocks of "
                                    "threads");
        for (Region &region : other->getRegions())
          for (Block &block : region)
            if (failed(lowerBlock(block)))
              return failure();
        return success();
      });
}

LogicalResult BlockKernelLowering::lowerBlock(Block &block) {
  std::optional<ThreadLowering::Numbers> outside;
  std::swap(outside, outerNumbers);
  // Lowering emits in front of the op, so that what comes next is still to do.
  for (Operation *op = block.empty() ? nullptr : &block.front(); op;) {
    Operation *next = op->getNextNode();
    if (failed(lowerOp(op)))
      return failure();
    op = next;
  }
  if (outerNumbers)
    lowering.putBack(std::move(*outerNumbers));
  outerNumbers = std::move(outside);
  return success();
}

/// Reports tiles that have no layout of a block.
static LogicalResult verifyLayouts(func::FuncOp kernel) {
  WalkResult result = kernel.walk([](Operation *op) -> WalkResult {
    for (Type type : op->getResultTypes())
      if (auto tile = dyn_cast<TileType>(type))
        if (!isa_and_present<FragmentAttr, SharedAttr>(tile.getLayout()))
          return op->emitOpError("has a tile of type ")
                 << tile << "; expected a fragment or shared layout (run "
                 << "attn-assign-fragment-layouts first)";
    auto load = dyn_cast<LoadTileOp>(op);
    if (load && isa<SharedAttr>(load.getTile().getType().getLayout()))
      return op->emitOpError("has no lowering to blocks of threads; run "
                             "attn-pipeline-copies first");
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct ConvertTileToGpuPass
    : attn::impl::ConvertTileToGpuPassBase<ConvertTileToGpuPass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp kernel : kernels) {
      BlockScheduleAttr schedule = getBlockSchedule(kernel);
      if (schedule && (failed(verifyLayouts(kernel)) ||
                       failed(BlockKernelLowering(kernel, schedule).run())))
        return signalPassFailure();
    }
  }
};
} // namespace
