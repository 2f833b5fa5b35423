//===- DropBarriers.cpp - Barriers between which nothing happens ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whoever uses shared memory puts barriers around that, not knowing what comes
// before and after. Where a barrier comes right behind another, or in front of
// all that threads could see of each other, one is enough, or none.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/GpuPasses.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_DROPBARRIERSPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

/// The array that a pointer or a memref points into; null if unknown.
static Value getArray(Value pointer) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (!isa<LLVM::GEPOp, LLVM::IntToPtrOp, arith::IndexCastOp,
             memref::ExtractAlignedPointerAsIndexOp>(op))
      break;
    pointer = op->getOperand(0);
  }
  return isa<MemRefType>(pointer.getType()) ? pointer : Value();
}

namespace {

/// Accesses that other threads of the block may see something of.
class SharedAccesses {
public:
  explicit SharedAccesses(LLVM::LLVMFuncOp kernel) {
    kernel.walk([&](Operation *op) {
      if (auto store = dyn_cast<LLVM::StoreOp>(op))
        written.insert(getArray(store.getAddr()));
      if (auto store = dyn_cast<memref::StoreOp>(op))
        written.insert(getArray(store.getMemref()));
      if (auto update = dyn_cast<memref::AtomicRMWOp>(op))
        written.insert(getArray(update.getMemref()));
      waitsForCopies |= isa<CopyWaitOp>(op);
    });
  }

  /// Whether other threads may see something of `op` that comes before or, if
  /// `backwards`, behind a barrier. A copy that is waited for begins, at the
  /// earliest, when it is started, and is done, at the latest, behind the wait.
  bool contains(Operation *op, bool backwards) const {
    if (isa<CopyWaitOp>(op))
      return !backwards;
    if (isa<CopyChunkOp>(op))
      return backwards || !waitsForCopies;
    if (auto load = dyn_cast<LLVM::LoadOp>(op))
      return isWritten(getArray(load.getAddr()));
    if (auto load = dyn_cast<memref::LoadOp>(op))
      return isWritten(getArray(load.getMemref()));
    return !isMemoryEffectFree(op) &&
           !isa<LoadChunkOp, CopyCommitOp, FenceScheduleOp, gpu::ShuffleOp>(op);
  }

private:
  bool isWritten(Value array) const {
    return !array || written.contains(array);
  }

  /// Null stands for shared memory, which has no array.
  llvm::DenseSet<Value> written;
  bool waitsForCopies = false;
};

} // namespace

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

namespace {

/// Walks the ops of a kernel, or walks them backwards, and knows whether there
/// may have been a shared access since the last barrier.
class BarrierScan {
public:
  BarrierScan(LLVM::LLVMFuncOp kernel, bool backwards)
      : kernel(kernel), accesses(kernel), backwards(backwards) {}

  /// The barriers that no access comes before, or, backwards, behind.
  SmallVector<gpu::BarrierOp> run() {
    for (Block &block : kernel.getBody())
      visit(block, /*dirty=*/!llvm::hasSingleElement(kernel.getBody()));
    SmallVector<gpu::BarrierOp> unneeded;
    kernel.walk([&](gpu::BarrierOp barrier) {
      if (!needed.contains(barrier))
        unneeded.push_back(barrier);
    });
    return unneeded;
  }

private:
  bool visit(Block &block, bool dirty);
  bool visit(Operation *op, bool dirty);
  bool visitFor(scf::ForOp loop, bool dirty);
  bool visitIf(scf::IfOp choice, bool dirty);
  bool visitWhile(scf::WhileOp loop, bool dirty);

  LLVM::LLVMFuncOp kernel;
  SharedAccesses accesses;
  bool backwards;
  llvm::DenseSet<Operation *> needed;
};

} // namespace

bool BarrierScan::visit(Block &block, bool dirty) {
  if (backwards)
    for (Operation &op : llvm::reverse(block))
      dirty = visit(&op, dirty);
  else
    for (Operation &op : block)
      dirty = visit(&op, dirty);
  return dirty;
}

/// An iteration may follow another one, or not take place.
bool BarrierScan::visitFor(scf::ForOp loop, bool dirty) {
  bool after = visit(*loop.getBody(), dirty);
  if (after && !dirty)
    after = visit(*loop.getBody(), true);
  return dirty || after;
}

bool BarrierScan::visitIf(scf::IfOp choice, bool dirty) {
  bool then = visit(*choice.thenBlock(), dirty);
  bool otherwise =
      choice.elseBlock() ? visit(*choice.elseBlock(), dirty) : dirty;
  return then || otherwise;
}

/// Before, (after, before)*.
bool BarrierScan::visitWhile(scf::WhileOp loop, bool dirty) {
  bool leaves = visit(*loop.getBeforeBody(), dirty);
  bool again = visit(*loop.getAfterBody(), leaves);
  if (again && !dirty) {
    leaves = visit(*loop.getBeforeBody(), true);
    visit(*loop.getAfterBody(), leaves);
  }
  return leaves;
}

bool BarrierScan::visit(Operation *op, bool dirty) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](gpu::BarrierOp barrier) {
        if (dirty)
          needed.insert(barrier);
        return false;
      })
      .Case([&](scf::ForOp loop) { return visitFor(loop, dirty); })
      .Case([&](scf::IfOp choice) { return visitIf(choice, dirty); })
      .Case([&](scf::WhileOp loop) { return visitWhile(loop, dirty); })
      .Default([&](Operation *other) {
        for (Region &region : other->getRegions())
          for (Block &block : region)
            visit(block, /*dirty=*/true);
        return dirty || other->getNumRegions() > 0 ||
               accesses.contains(other, backwards);
      });
}

namespace {
struct DropBarriersPass : attn::impl::DropBarriersPassBase<DropBarriersPass> {
  void runOnOperation() override {
    SmallVector<LLVM::LLVMFuncOp> kernels;
    getOperation()->walk([&](LLVM::LLVMFuncOp kernel) {
      if (kernel->hasAttr(kKernelIndex))
        kernels.push_back(kernel);
    });
    for (LLVM::LLVMFuncOp kernel : kernels)
      for (bool backwards : {false, true})
        for (gpu::BarrierOp barrier : BarrierScan(kernel, backwards).run())
          barrier.erase();
  }
};
} // namespace
