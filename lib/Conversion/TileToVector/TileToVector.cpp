//===- TileToVector.cpp - Tile ops become loops over vectors -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTTILETOVECTORPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Scratch buffers
//===----------------------------------------------------------------------===//

/// One cache line: vectors of no machine straddle two of them.
static constexpr int64_t kScratchAlignment = 64;

/// The memref type of a scratch buffer for `tile`.
static MemRefType getBufferType(TileType tile) {
  auto layout = cast<BufferLayoutAttr>(tile.getLayout());
  SmallVector<int64_t> shape = llvm::map_to_vector(
      layout.getOrder(), [&](Dim dim) { return tile.getExtent(dim); });
  Type element = tile.getElementType();
  if (layout.getPairs()) {
    shape.front() = llvm::divideCeil(shape.front(), 2);
    element = IntegerType::get(tile.getContext(), 32);
  } else if (!element.isF32()) {
    // Read in pairs along the innermost dim.
    shape.back() = llvm::alignTo(shape.back(), 2);
  }
  return MemRefType::get(shape, element);
}

/// Whether tiles defined in `a` and `b` can be alive at the same time.
static bool blocksOverlap(Block *a, Block *b) {
  return a->findAncestorOpInBlock(*b->getParentOp()) != nullptr || a == b ||
         b->findAncestorOpInBlock(*a->getParentOp()) != nullptr;
}

void TileLowering::setBuffer(Value tile, Value buffer) {
  buffers[tile] = buffer;
  for (auto &[candidate, blocks] : scratch)
    if (candidate == buffer)
      blocks.push_back(tile.getParentBlock());
}

Value TileLowering::allocate(MemRefType type, Block *block) {
  for (auto &[buffer, blocks] : scratch) {
    if (buffer.getType() != type || llvm::any_of(blocks, [&](Block *other) {
          return blocksOverlap(block, other);
        }))
      continue;
    blocks.push_back(block);
    return buffer;
  }
  Block &entry = kernel.getBody().front();
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&entry);
  Value buffer =
      memref::AllocOp::create(b, type, b.getI64IntegerAttr(kScratchAlignment));
  b.setInsertionPoint(entry.getTerminator());
  memref::DeallocOp::create(b, buffer);
  scratch.push_back({buffer, {block}});
  return buffer;
}

Value TileLowering::allocate(Value tile) {
  MemRefType type = getBufferType(cast<TileType>(tile.getType()));
  return buffers[tile] = allocate(type, tile.getParentBlock());
}

bool attn::isLastUse(Value value, Operation *last) {
  Block *block = last->getBlock();
  if (value.getParentBlock() != block)
    return false;
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    Operation *here = block->findAncestorOpInBlock(*user);
    return here && (here == last || here->isBeforeInBlock(last));
  });
}

Value TileLowering::reuseOrAllocate(Value result, ValueRange inputs,
                                    Operation *last) {
  for (Value input : inputs) {
    if (input.getType() != result.getType() || !isLastUse(input, last))
      continue;
    Value buffer = getBuffer(input);
    setBuffer(result, buffer);
    return buffer;
  }
  return allocate(result);
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

void attn::buildLoop(ImplicitLocOpBuilder &b, Value begin, Value end,
                     int64_t step, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, begin, end, buildIndex(b, step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void attn::buildLoop(ImplicitLocOpBuilder &b, Value end, int64_t step,
                     function_ref<void(Value)> body) {
  buildLoop(b, buildIndex(b, 0), end, step, body);
}

namespace {

/// Lowers one kernel, block by block.
class KernelLowering {
public:
  KernelLowering(func::FuncOp kernel, VectorScheduleAttr schedule)
      : lowering(kernel, schedule) {}

  LogicalResult run() {
    if (failed(lowerBlock(lowering.getKernel().getBody().front())))
      return failure();
    // Dead ops use each other and the arguments of dead loops in any order.
    for (Operation *op : dead)
      op->dropAllReferences();
    for (Operation *op : dead)
      op->erase();
    return success();
  }

private:
  LogicalResult lowerBlock(Block &block);
  LogicalResult lowerOp(Operation *op);
  LogicalResult lowerFor(scf::ForOp loop);

  TileLowering lowering;
  SmallVector<Operation *> dead;
};

} // namespace

/// Makes `to` hold what `from` holds.
static void copyBuffer(ImplicitLocOpBuilder &b, Value from, Value to) {
  if (from != to)
    memref::CopyOp::create(b, from, to);
}

/// Drops the tile iter_args of `loop`: each lives in one buffer, which the body
/// updates.
LogicalResult KernelLowering::lowerFor(scf::ForOp loop) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  bool hasTiles = llvm::any_of(loop.getResultTypes(), llvm::IsaPred<TileType>);
  if (!hasTiles)
    return lowerBlock(*loop.getBody());
  if (!llvm::all_of(loop.getResultTypes(), llvm::IsaPred<TileType>))
    return loop.emitOpError("carries tiles and other values; expected tiles "
                            "only");
  SmallVector<Value> carried;
  for (auto [init, arg, result] : llvm::zip_equal(
           loop.getInitArgs(), loop.getRegionIterArgs(), loop.getResults())) {
    // Two iter_args may start from the same tile: only one can have its buffer.
    Value buffer = llvm::is_contained(carried, lowering.getBuffer(init))
                       ? lowering.allocate(result)
                       : lowering.reuseOrAllocate(result, init, loop);
    copyBuffer(b, lowering.getBuffer(init), buffer);
    lowering.setBuffer(arg, buffer);
    carried.push_back(buffer);
  }
  if (failed(lowerBlock(*loop.getBody())))
    return failure();
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  b.setInsertionPoint(yield);
  for (auto [position, value] : llvm::enumerate(yield.getOperands())) {
    Value from = lowering.getBuffer(value);
    // The copies are made one after the other.
    for (size_t earlier = 0; earlier < position; ++earlier)
      if (carried[earlier] == from &&
          lowering.getBuffer(yield.getOperand(earlier)) != from)
        return yield.emitOpError("exchanges the buffers of iter_args, which "
                                 "has no vector lowering");
    copyBuffer(b, from, carried[position]);
  }

  b.setInsertionPoint(loop);
  auto bare = scf::ForOp::create(b, loop.getLowerBound(), loop.getUpperBound(),
                                 loop.getStep());
  loop.getInductionVar().replaceAllUsesWith(bare.getInductionVar());
  bare.getBody()->getOperations().splice(
      bare.getBody()->begin(), loop.getBody()->getOperations(),
      loop.getBody()->begin(), Block::iterator(yield));
  dead.push_back(loop);
  return success();
}

LogicalResult KernelLowering::lowerOp(Operation *op) {
  auto done = [&] {
    dead.push_back(op);
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](scf::ForOp loop) { return lowerFor(loop); })
      .Case([&](WorkItemOp item) { return lowerWorkItem(item), done(); })
      .Case(
          [&](PackedBlockOp block) { return lowerPackedBlock(block), done(); })
      .Case([&](ViewOp view) { return lowerView(view, lowering), done(); })
      .Case([&](LoadTileOp load) {
        return lowerLoadTile(load, lowering), done();
      })
      .Case(
          [&](LoadBoxOp load) { return lowerLoadBox(load, lowering), done(); })
      .Case([&](TileKindOp kind) {
        return lowerTileKind(kind, lowering), done();
      })
      .Case([&](StoreTileOp store) {
        return lowerStoreTile(store, lowering), done();
      })
      .Case([&](StoreStatsOp store) {
        return lowerStoreStats(store, lowering), done();
      })
      .Case([&](AllFiniteOp check) {
        return lowerAllFinite(check, lowering), done();
      })
      .Case([&](FillOp fill) { return lowerFill(fill, lowering), done(); })
      .Case([&](ContractOp contract) -> LogicalResult {
        if (!contract.getRhs().getType().hasDim(Dim::q) ||
            !contract.getResult().getType().hasDim(Dim::q))
          return contract.emitOpError("has no vector lowering; expected query "
                                      "rows in rhs and result, not in lhs");
        return lowerContract(contract, lowering), done();
      })
      .Default([&](Operation *other) -> LogicalResult {
        if (llvm::any_of(other->getResultTypes(), llvm::IsaPred<TileType>))
          return other->emitOpError("on tiles has no vector lowering");
        for (Region &region : other->getRegions())
          for (Block &block : region)
            if (failed(lowerBlock(block)))
              return failure();
        return success();
      });
}

LogicalResult KernelLowering::lowerBlock(Block &block) {
  sinkRescales(block);
  // Lowering emits in front of the op, so that what comes next is still to do.
  for (Operation *op = block.empty() ? nullptr : &block.front(); op;) {
    if (auto map = dyn_cast<MapOp>(op); map && getRescaledUser(map)) {
      dead.push_back(map);
      op = op->getNextNode();
      continue;
    }
    if (!isa<MapOp, ReduceOp>(op)) {
      Operation *next = op->getNextNode();
      if (failed(lowerOp(op)))
        return failure();
      op = next;
      continue;
    }
    SmallVector<Operation *> group = collectElementwiseGroup(op);
    Operation *next = group.back()->getNextNode();
    // Scalar ops stand between the ops of a group only.
    if (failed(lowerElementwise(group, lowering)))
      return failure();
    dead.append(group.begin(), group.end());
    op = next;
  }
  return success();
}

namespace {
struct ConvertTileToVectorPass
    : attn::impl::ConvertTileToVectorPassBase<ConvertTileToVectorPass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp kernel : kernels) {
      Attribute given = kernel->getAttr("attn.schedule");
      if (!given)
        continue;
      auto schedule = dyn_cast<VectorScheduleAttr>(given);
      if (!schedule) {
        kernel.emitOpError("has attn.schedule ")
            << given << "; expected #attn.vector_schedule";
        return signalPassFailure();
      }
      if (failed(verifyVectorKernel(kernel)) ||
          failed(KernelLowering(kernel, schedule).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
