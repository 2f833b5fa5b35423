//===- PeelFirstAttempt.cpp - A lean body beside the rare second attempt --===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_PEELFIRSTATTEMPTPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {
/// A product whose guard is known to be off is a plain one.
struct DropUnusedGuard : OpRewritePattern<ContractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ContractOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getGuard() || !matchPattern(op.getGuard(), m_Zero()))
      return rewriter.notifyMatchFailure(op, "guard may be on");
    rewriter.modifyOpInPlace(op, [&] {
      op.getGuardMutable().clear();
      op.getGuardScaleMutable().clear();
    });
    return success();
  }
};

/// So is a store that keeps nothing.
struct DropUnusedKeep : OpRewritePattern<StoreTileOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(StoreTileOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getKeepFinite() || !matchPattern(op.getKeepFinite(), m_Zero()))
      return rewriter.notifyMatchFailure(op, "may keep elements");
    rewriter.modifyOpInPlace(op, [&] { op.getKeepFiniteMutable().clear(); });
    return success();
  }
};
} // namespace

static bool holdsGuardedProduct(scf::WhileOp loop) {
  return loop
      .walk([](ContractOp op) {
        return op.getGuard() ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Clones the ops of `block` but its terminator for `arguments`; returns what
/// maps its values to the clones.
static IRMapping cloneBody(OpBuilder &b, Block &block, ValueRange arguments) {
  IRMapping mapping;
  mapping.map(block.getArguments(), arguments);
  for (Operation &op : block.without_terminator())
    b.clone(op, mapping);
  return mapping;
}

/// The mapped operands of a terminator.
static SmallVector<Value> lookup(const IRMapping &mapping, ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value value) { return mapping.lookupOrDefault(value); });
}

/// The first turn of `loop` before it, and the loop with the turns after that
/// under the first one's condition.
static void peelFirstTurn(scf::WhileOp loop, RewriterBase &rewriter) {
  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  IRMapping first = cloneBody(rewriter, *loop.getBeforeBody(), loop.getInits());
  scf::ConditionOp condition = loop.getConditionOp();
  SmallVector<Value> passed = lookup(first, condition.getArgs());
  auto again =
      scf::IfOp::create(rewriter, loc, loop.getResultTypes(),
                        first.lookupOrDefault(condition.getCondition()),
                        /*withElseRegion=*/loop.getNumResults() != 0);
  rewriter.setInsertionPointToStart(again.thenBlock());
  IRMapping after = cloneBody(rewriter, *loop.getAfterBody(), passed);
  SmallVector<Value> next = lookup(after, loop.getYieldOp().getOperands());
  auto rest = scf::WhileOp::create(rewriter, loc, loop.getResultTypes(), next);
  rewriter.inlineRegionBefore(loop.getBefore(), rest.getBefore(),
                              rest.getBefore().end());
  rewriter.inlineRegionBefore(loop.getAfter(), rest.getAfter(),
                              rest.getAfter().end());
  if (loop.getNumResults() != 0) {
    rewriter.setInsertionPointToEnd(again.thenBlock());
    scf::YieldOp::create(rewriter, loc, rest.getResults());
    rewriter.setInsertionPointToEnd(again.elseBlock());
    scf::YieldOp::create(rewriter, loc, passed);
  }
  rewriter.replaceOp(loop, again.getResults());
}

namespace {
struct PeelFirstAttemptPass
    : attn::impl::PeelFirstAttemptPassBase<PeelFirstAttemptPass> {
  void runOnOperation() override {
    SmallVector<scf::WhileOp> loops;
    getOperation().walk([&](scf::WhileOp loop) {
      if (holdsGuardedProduct(loop))
        loops.push_back(loop);
    });
    if (loops.empty())
      return;
    IRRewriter rewriter(&getContext());
    for (scf::WhileOp loop : loops)
      peelFirstTurn(loop, rewriter);
    // Folding turns the first attempt's conditions into constants.
    RewritePatternSet patterns(&getContext());
    patterns.add<DropUnusedGuard, DropUnusedKeep>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
