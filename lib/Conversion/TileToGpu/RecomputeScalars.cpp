//===- RecomputeScalars.cpp - No scalar outlives the loops over keys ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops over keys need all registers. Strides, lengths and offsets that
// only the code behind them needs would hold some of them throughout, or be
// spilled: they are computed once more where they are needed, from the number
// of the work item, which `attn.opaque` hides.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Conversion/GpuPasses.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_RECOMPUTESCALARSPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {
/// The rest of a block, from one op on.
class Tail {
public:
  Tail(Operation *first, scf::ForOp workItem)
      : first(first), workItem(workItem) {}

  void recompute();

private:
  bool contains(Operation *op) const {
    Operation *here = first->getBlock()->findAncestorOpInBlock(*op);
    return here && (here == first || first->isBeforeInBlock(here));
  }
  bool canRepeat(Operation *op) const;
  SmallVector<Operation *> collectSources() const;

  Operation *first;
  scf::ForOp workItem;
};
} // namespace

/// Whether `op` computes scalars of the work item, and can do so once more.
/// Constants and arguments cost nothing.
bool Tail::canRepeat(Operation *op) const {
  bool isScalar = llvm::none_of(op->getResultTypes(), llvm::IsaPred<TileType>);
  return isScalar && workItem->isProperAncestor(op) && !contains(op) &&
         op->getNumRegions() == 0 &&
         (isPure(op) || isa<memref::LoadOp, PackedBlockOp>(op));
}

/// The ops in front that the tail needs the results of, in order.
SmallVector<Operation *> Tail::collectSources() const {
  llvm::SetVector<Value> pending;
  for (Operation *op = first; op; op = op->getNextNode())
    op->walk(
        [&](Operation *inner) { pending.insert_range(inner->getOperands()); });
  llvm::SetVector<Operation *> needed;
  for (size_t i = 0; i < pending.size(); ++i) {
    Operation *op = pending[i].getDefiningOp();
    if (!op || !canRepeat(op))
      continue;
    needed.insert(op);
    pending.insert_range(op->getOperands());
  }
  SmallVector<Operation *> ordered(needed.begin(), needed.end());
  computeTopologicalSorting(ordered);
  return ordered;
}

void Tail::recompute() {
  SmallVector<Operation *> sources = collectSources();
  ImplicitLocOpBuilder b(first->getLoc(), first);
  IRMapping map;
  Value item = workItem.getInductionVar();
  map.map(item, OpaqueOp::create(b, b.getIndexType(), item).getResult());
  for (Operation *op : sources) {
    Operation *copy = b.clone(*op, map);
    op->replaceUsesWithIf(copy->getResults(), [&](OpOperand &use) {
      return contains(use.getOwner());
    });
  }
}

/// The last loop of `block` that carries tiles; null without.
static scf::ForOp findLastKeyLoop(Block &block) {
  scf::ForOp last;
  for (auto loop : block.getOps<scf::ForOp>())
    if (llvm::any_of(loop.getResultTypes(), llvm::IsaPred<TileType>))
      last = loop;
  return last;
}

namespace {
struct RecomputeScalarsPass
    : attn::impl::RecomputeScalarsPassBase<RecomputeScalarsPass> {
  void runOnOperation() override {
    if (!getBlockSchedule(getOperation()))
      return;
    SmallVector<scf::WhileOp> retries;
    getOperation().walk([&](scf::WhileOp loop) { retries.push_back(loop); });
    for (scf::WhileOp retry : retries) {
      auto choice = retry->getParentOfType<scf::IfOp>();
      auto workItem = retry->getParentOfType<scf::ForOp>();
      while (workItem && workItem->getParentOfType<scf::ForOp>())
        workItem = workItem->getParentOfType<scf::ForOp>();
      if (!choice || !workItem || !workItem->isProperAncestor(choice))
        continue;
      Operation *rare =
          choice.getThenRegion().isAncestor(retry->getParentRegion())
              ? &choice.getThenRegion().front().front()
              : &choice.getElseRegion().front().front();
      Tail(rare, workItem).recompute();
      // The first attempt may stand under a condition of its own.
      Block *attempt = choice->getBlock();
      if (auto guarded = choice.getCondition().getDefiningOp<scf::IfOp>())
        attempt = guarded.thenBlock();
      if (scf::ForOp last = findLastKeyLoop(*attempt))
        Tail(last->getNextNode(), workItem).recompute();
    }
  }
};
} // namespace
