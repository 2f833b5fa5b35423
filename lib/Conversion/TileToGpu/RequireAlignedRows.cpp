//===- RequireAlignedRows.cpp - The first attempt copies whole chunks -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whether rows begin at multiples of 16 bytes is known at run time only, and
// nearly always true. Asking at every copy would leave a second copy of it, by
// elements, in every loop. So the question is asked once: if the answer is no,
// the first attempt does not take place, and the loop of further ones, whose
// copies go by elements, starts with attempt 0.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Conversion/GpuPasses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_REQUIREALIGNEDROWSPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr int64_t kChunkBytes = 16;

/// Whether the rows of `view` are whole chunks of neighbours that may begin at
/// multiples of 16 bytes.
static bool mayBeAligned(ViewOp view) {
  ViewType type = view.getView().getType();
  auto source = cast<MemRefType>(view.getSource().getType());
  LayoutDims dims = getLayoutDims(view.getLayout());
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  auto isMultiple = [&](int64_t elements) {
    return ShapedType::isDynamic(elements) ||
           elements * bytes % kChunkBytes == 0;
  };
  auto [strides, offset] = source.getStridesAndOffset();
  return dims.dim > dims.sequence && isMultiple(type.getExtent()) &&
         isMultiple(strides[dims.sequence]) && isMultiple(strides[dims.head]);
}

/// The view that `op` moves rows of in chunks, if they are aligned; or null.
static ViewOp getMovedView(Operation *op) {
  if (auto load = dyn_cast<LoadTileOp>(op)) {
    auto view = load.getView().getDefiningOp<ViewOp>();
    return view && mayBeAligned(view) ? view : ViewOp();
  }
  if (auto store = dyn_cast<StoreTileOp>(op)) {
    auto view = store.getView().getDefiningOp<ViewOp>();
    return view && mayBeAligned(view) ? view : ViewOp();
  }
  return ViewOp();
}

namespace {

/// The first attempt of a work item, and the condition of the others.
class FirstAttempt {
public:
  explicit FirstAttempt(scf::WhileOp retry)
      : retry(retry), choice(retry->getParentOfType<scf::IfOp>()) {}

  /// Finds the ops of the attempt; false if they cannot stand apart.
  bool find();
  void guard();

private:
  bool belongs(Operation &op) const;

  scf::WhileOp retry;
  scf::IfOp choice;
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<ViewOp> views;
};

} // namespace

/// What touches tiles, and what depends on that.
bool FirstAttempt::belongs(Operation &op) const {
  return op
      .walk([&](Operation *inner) {
        auto isOurs = [&](Value value) {
          Operation *source = value.getDefiningOp();
          return isa<TileType>(value.getType()) ||
                 (source && ops.contains(source));
        };
        bool found = llvm::any_of(inner->getOperands(), isOurs) ||
                     llvm::any_of(inner->getResults(), isOurs);
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

bool FirstAttempt::find() {
  if (!choice || choice.getNumResults() != 0 ||
      !matchPattern(retry.getInits().front(), m_One()))
    return false;
  for (Operation &op : *choice->getBlock()) {
    if (&op == choice)
      break;
    if (belongs(op))
      ops.insert(&op);
    else if (!ops.empty() && !isMemoryEffectFree(&op) &&
             !hasSingleEffect<MemoryEffects::Read>(&op))
      return false;
  }
  for (Operation *op : ops) {
    for (Operation *user : op->getUsers()) {
      Operation *here = choice->getBlock()->findAncestorOpInBlock(*user);
      bool isCondition =
          user == choice && choice.getCondition().getDefiningOp() == op;
      if (!here || (!ops.contains(here) && !isCondition))
        return false;
    }
    op->walk([&](Operation *inner) {
      if (ViewOp view = getMovedView(inner))
        views.insert(view);
    });
  }
  return !views.empty() && ops.contains(choice.getCondition().getDefiningOp());
}

void FirstAttempt::guard() {
  ImplicitLocOpBuilder b(choice.getLoc(), choice);
  Value aligned;
  for (ViewOp view : views) {
    Value each = RowsAlignedOp::create(b, b.getI1Type(), view.getView());
    aligned =
        aligned ? arith::AndIOp::create(b, aligned, each).getResult() : each;
  }
  // The condition may have been inverted.
  bool retriesIfTrue =
      choice.getThenRegion().isAncestor(retry->getParentRegion());
  auto attempt = scf::IfOp::create(b, TypeRange{b.getI1Type()}, aligned,
                                   /*withElseRegion=*/true);
  b.setInsertionPointToStart(attempt.elseBlock());
  scf::YieldOp::create(
      b,
      arith::ConstantOp::create(b, b.getBoolAttr(retriesIfTrue)).getResult());
  b.setInsertionPointToStart(attempt.thenBlock());
  auto yield = scf::YieldOp::create(b, choice.getCondition());
  choice.getConditionMutable().assign(attempt.getResult(0));
  for (Operation *op : ops) {
    op->moveBefore(yield);
    op->walk([](Operation *inner) {
      if (getMovedView(inner))
        inner->setAttr("aligned", UnitAttr::get(inner->getContext()));
    });
  }
  b.setInsertionPoint(choice);
  retry.getInitsMutable().assign(
      arith::SelectOp::create(b, aligned, buildIndex(b, 1), buildIndex(b, 0)));
}

namespace {
struct RequireAlignedRowsPass
    : attn::impl::RequireAlignedRowsPassBase<RequireAlignedRowsPass> {
  void runOnOperation() override {
    if (!getBlockSchedule(getOperation()))
      return;
    SmallVector<scf::WhileOp> loops;
    getOperation().walk([&](scf::WhileOp loop) { loops.push_back(loop); });
    for (scf::WhileOp loop : loops)
      if (FirstAttempt attempt(loop); attempt.find())
        attempt.guard();
  }
};
} // namespace
