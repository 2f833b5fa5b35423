//===- DropBarriers.cpp - Barriers that separate nothing ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whoever uses shared memory puts barriers around that, not knowing what comes
// before and after. A barrier is needed if something since the last one and
// something up to the next one touch the same memory, and one of them writes:
// all else is ordered by those two.
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

/// Kinds of accesses: a set of bits.
enum Accesses : unsigned {
  none = 0,
  sharedRead = 1,
  sharedWrite = 2,
  globalRead = 4,
  globalWrite = 8,
  all = 15
};

Accesses operator|(Accesses a, Accesses b) {
  return static_cast<Accesses>(static_cast<unsigned>(a) |
                               static_cast<unsigned>(b));
}

/// What ops do that other threads of the block may see something of.
class AccessKinds {
public:
  explicit AccessKinds(LLVM::LLVMFuncOp kernel);

  /// Before a barrier or, if `backwards`, behind it.
  Accesses get(Operation *op, bool backwards) const;

  /// The barriers of a block, what accesses memory, and what holds such ops: a
  /// few of the thousands of ops of a kernel, which are gone through once for
  /// each barrier that is dropped.
  ArrayRef<Operation *> getRelevant(Block &block) const {
    auto found = relevant.find(&block);
    return found == relevant.end() ? ArrayRef<Operation *>() : found->second;
  }

  void erase(gpu::BarrierOp barrier) {
    llvm::erase(relevant[barrier->getBlock()], barrier.getOperation());
    barrier.erase();
  }

private:
  bool findRelevant(Operation *op);

  /// Arrays that the kernel does not write are no matter.
  Accesses getRead(Value array) const {
    return !array || written.contains(array) ? globalRead : none;
  }

  /// Null stands for any.
  llvm::DenseSet<Value> written;
  bool waitsForCopies = false;
  llvm::DenseMap<Block *, SmallVector<Operation *>> relevant;
};

} // namespace

AccessKinds::AccessKinds(LLVM::LLVMFuncOp kernel) {
  kernel.walk([&](Operation *op) {
    if (auto store = dyn_cast<LLVM::StoreOp>(op))
      written.insert(getArray(store.getAddr()));
    if (auto store = dyn_cast<memref::StoreOp>(op))
      written.insert(getArray(store.getMemref()));
    if (auto update = dyn_cast<memref::AtomicRMWOp>(op))
      written.insert(getArray(update.getMemref()));
    waitsForCopies |= isa<CopyWaitOp>(op);
  });
  findRelevant(kernel);
}

/// Lists what matters in the regions of `op`, and returns whether it does
/// itself.
bool AccessKinds::findRelevant(Operation *op) {
  bool matters = false;
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (Operation &inner : block)
        if (findRelevant(&inner)) {
          relevant[&block].push_back(&inner);
          matters = true;
        }
  if (isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
    return matters;
  return isa<gpu::BarrierOp>(op) || op->getNumRegions() > 0 ||
         get(op, /*backwards=*/false) != none ||
         get(op, /*backwards=*/true) != none;
}

static bool isShared(Value pointer) {
  constexpr unsigned kSharedSpace = 3;
  auto type = cast<LLVM::LLVMPointerType>(pointer.getType());
  return type.getAddressSpace() == kSharedSpace;
}

Accesses AccessKinds::get(Operation *op, bool backwards) const {
  return llvm::TypeSwitch<Operation *, Accesses>(op)
      .Case([&](LLVM::LoadOp load) {
        return isShared(load.getAddr()) ? sharedRead
                                        : getRead(getArray(load.getAddr()));
      })
      .Case([&](LLVM::StoreOp store) {
        return isShared(store.getAddr()) ? sharedWrite : globalWrite;
      })
      .Case([&](memref::LoadOp load) {
        return getRead(getArray(load.getMemref()));
      })
      .Case([](memref::StoreOp) { return globalWrite; })
      .Case([](LoadMatricesOp) { return sharedRead; })
      // A copy that is waited for begins, at the earliest, when it is started,
      // and is done, at the latest, behind the wait.
      .Case([&](CopyChunkOp) {
        return backwards || !waitsForCopies ? sharedWrite : none;
      })
      .Case([&](CopyWaitOp) { return backwards ? none : sharedWrite; })
      .Case<LoadChunkOp, CopyCommitOp, FenceScheduleOp, gpu::ShuffleOp>(
          [](Operation *) { return none; })
      .Default([](Operation *other) {
        return isMemoryEffectFree(other) ? none : all;
      });
}

/// Whether accesses before and behind a barrier need it.
static bool conflict(Accesses before, Accesses behind) {
  auto meet = [](unsigned a, unsigned b, unsigned read, unsigned write) {
    return ((a & write) && (b & (read | write))) || ((a & read) && (b & write));
  };
  return meet(before, behind, sharedRead, sharedWrite) ||
         meet(before, behind, globalRead, globalWrite);
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

namespace {

/// Walks the ops of a kernel, or walks them backwards, and finds what may have
/// been accessed since the last barrier.
class BarrierScan {
public:
  BarrierScan(LLVM::LLVMFuncOp kernel, const AccessKinds &kinds, bool backwards)
      : kinds(kinds), backwards(backwards) {
    for (Block &block : kernel.getBody())
      visit(block, llvm::hasSingleElement(kernel.getBody()) ? none : all);
  }

  Accesses get(gpu::BarrierOp barrier) const { return found.lookup(barrier); }

private:
  Accesses visit(Block &block, Accesses since);
  Accesses visit(Operation *op, Accesses since);
  Accesses visitFor(scf::ForOp loop, Accesses since);
  Accesses visitIf(scf::IfOp choice, Accesses since);
  Accesses visitWhile(scf::WhileOp loop, Accesses since);

  const AccessKinds &kinds;
  bool backwards;
  llvm::DenseMap<Operation *, Accesses> found;
};

} // namespace

Accesses BarrierScan::visit(Block &block, Accesses since) {
  if (backwards)
    for (Operation *op : llvm::reverse(kinds.getRelevant(block)))
      since = visit(op, since);
  else
    for (Operation *op : kinds.getRelevant(block))
      since = visit(op, since);
  return since;
}

/// An iteration may follow another one, or not take place.
Accesses BarrierScan::visitFor(scf::ForOp loop, Accesses since) {
  Accesses after = visit(*loop.getBody(), since);
  after = visit(*loop.getBody(), since | after);
  return since | after;
}

Accesses BarrierScan::visitIf(scf::IfOp choice, Accesses since) {
  Accesses then = visit(*choice.thenBlock(), since);
  return then |
         (choice.elseBlock() ? visit(*choice.elseBlock(), since) : since);
}

/// Before, (after, before)*.
Accesses BarrierScan::visitWhile(scf::WhileOp loop, Accesses since) {
  Accesses leaves = visit(*loop.getBeforeBody(), since);
  Accesses again = visit(*loop.getAfterBody(), leaves);
  leaves = visit(*loop.getBeforeBody(), since | again);
  visit(*loop.getAfterBody(), leaves);
  return leaves;
}

Accesses BarrierScan::visit(Operation *op, Accesses since) {
  return llvm::TypeSwitch<Operation *, Accesses>(op)
      .Case([&](gpu::BarrierOp barrier) {
        if (barrier->hasAttr(kOfWarp))
          return since;
        Accesses &here = found[barrier];
        here = here | since;
        return none;
      })
      .Case([&](scf::ForOp loop) { return visitFor(loop, since); })
      .Case([&](scf::IfOp choice) { return visitIf(choice, since); })
      .Case([&](scf::WhileOp loop) { return visitWhile(loop, since); })
      .Default([&](Operation *other) {
        for (Region &region : other->getRegions())
          for (Block &block : region)
            visit(block, all);
        return since |
               (other->getNumRegions() > 0 ? all : kinds.get(other, backwards));
      });
}

/// A barrier that `kernel` does not need, or null.
static gpu::BarrierOp findUnneeded(LLVM::LLVMFuncOp kernel,
                                   const AccessKinds &kinds) {
  BarrierScan before(kernel, kinds, /*backwards=*/false),
      behind(kernel, kinds, /*backwards=*/true);
  gpu::BarrierOp unneeded;
  kernel.walk([&](gpu::BarrierOp barrier) {
    if (barrier->hasAttr(kOfWarp) ||
        conflict(before.get(barrier), behind.get(barrier)))
      return WalkResult::advance();
    unneeded = barrier;
    return WalkResult::interrupt();
  });
  return unneeded;
}

/// Where nothing is copied in the background there is nothing to wait for.
static void dropWaits(LLVM::LLVMFuncOp kernel) {
  SmallVector<Operation *> waits;
  WalkResult result = kernel.walk([&](Operation *op) {
    if (isa<CopyCommitOp, CopyWaitOp>(op))
      waits.push_back(op);
    return isa<CopyChunkOp>(op) ? WalkResult::interrupt()
                                : WalkResult::advance();
  });
  if (result.wasInterrupted())
    return;
  for (Operation *wait : waits)
    wait->erase();
}

namespace {
struct DropBarriersPass : attn::impl::DropBarriersPassBase<DropBarriersPass> {
  void runOnOperation() override {
    SmallVector<LLVM::LLVMFuncOp> kernels;
    getOperation()->walk([&](LLVM::LLVMFuncOp kernel) {
      if (kernel->hasAttr(kKernelIndex))
        kernels.push_back(kernel);
    });
    for (LLVM::LLVMFuncOp kernel : kernels) {
      dropWaits(kernel);
      // One by one: others may then separate what it did.
      AccessKinds kinds(kernel);
      while (gpu::BarrierOp barrier = findUnneeded(kernel, kinds))
        kinds.erase(barrier);
    }
  }
};
} // namespace
