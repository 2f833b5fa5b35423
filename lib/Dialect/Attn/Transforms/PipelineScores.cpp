//===- PipelineScores.cpp - Scores of the next keys beside this softmax ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"

namespace attn {
#define GEN_PASS_DEF_PIPELINESCORESPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {
/// A loop over key tiles, and the product of its body that needs nothing that
/// the loop carries.
struct ScoreLoop {
  scf::ForOp loop;
  ContractOp scores;
  /// What computes the product, in order, the product included.
  SetVector<Operation *> slice;
};
} // namespace

/// The ops of the loop body that `scores` is computed from; none if one of them
/// writes memory or uses what the loop carries.
static FailureOr<SetVector<Operation *>> collectSlice(scf::ForOp loop,
                                                      ContractOp scores) {
  Block *body = loop.getBody();
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) { return op->getBlock() == body; };
  SetVector<Operation *> slice;
  if (failed(getBackwardSlice(scores.getOperation(), &slice, options)))
    return failure();
  bool usesIndex = false;
  for (Operation *op : slice) {
    if (!isMemoryEffectFree(op) && !hasSingleEffect<MemoryEffects::Read>(op))
      return failure();
    if (op->getNumRegions() != 0)
      return failure();
    for (Value operand : op->getOperands()) {
      usesIndex |= operand == loop.getInductionVar();
      if (llvm::is_contained(loop.getRegionIterArgs(), operand))
        return failure();
    }
  }
  // A loop whose iterations all have the same scores only says how often.
  if (!usesIndex)
    return failure();
  return slice;
}

static bool isScores(ContractOp contract) {
  return llvm::is_contained(contract.getResult().getType().getDims(), Dim::kv);
}

/// The loop as one to pipeline. A guarded product belongs to the rare second
/// attempt at a work item.
static std::optional<ScoreLoop> findScores(scf::ForOp loop) {
  ContractOp scores;
  for (auto contract : loop.getBody()->getOps<ContractOp>()) {
    if (contract.getGuard())
      return std::nullopt;
    if (!isScores(contract))
      continue;
    if (scores)
      return std::nullopt;
    scores = contract;
  }
  if (!scores)
    return std::nullopt;
  FailureOr<SetVector<Operation *>> slice = collectSlice(loop, scores);
  if (failed(slice))
    return std::nullopt;
  return ScoreLoop{loop, scores, std::move(*slice)};
}

/// The product at `index`, at the builder's place.
static Value cloneScores(OpBuilder &b, const ScoreLoop &found, Value index) {
  IRMapping mapping;
  ScoreLoop use = found;
  mapping.map(use.loop.getInductionVar(), index);
  for (Operation *op : use.slice)
    b.clone(*op, mapping);
  return mapping.lookup(use.scores.getResult());
}

/// The product of the first iteration; anything if there is none.
static Value buildFirstScores(ImplicitLocOpBuilder &b, const ScoreLoop &found) {
  scf::ForOp loop = found.loop;
  TileType type = ContractOp(found.scores).getResult().getType();
  Value first = loop.getLowerBound();
  Value runs = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, first,
                                     loop.getUpperBound());
  auto guarded = scf::IfOp::create(b, TypeRange{type}, runs,
                                   /*withElseRegion=*/true);
  OpBuilder then = guarded.getThenBodyBuilder();
  scf::YieldOp::create(then, b.getLoc(), cloneScores(then, found, first));
  ImplicitLocOpBuilder otherwise(b.getLoc(), guarded.getElseBodyBuilder());
  Value zero =
      arith::ConstantOp::create(otherwise, otherwise.getF32FloatAttr(0));
  Value none = FillOp::create(otherwise, type, zero);
  scf::YieldOp::create(otherwise, none);
  return guarded.getResult(0);
}

/// The iteration after this one; the last one is its own successor, so that no
/// row is read that the loop does not read anyway.
static Value buildNextIndex(ImplicitLocOpBuilder &b, scf::ForOp loop) {
  Value next = arith::AddIOp::create(b, loop.getInductionVar(), loop.getStep());
  Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, next,
                                       loop.getUpperBound());
  return arith::SelectOp::create(b, exists, next, loop.getInductionVar());
}

static void pipelineScores(IRRewriter &rewriter, const ScoreLoop &found) {
  scf::ForOp loop = found.loop;
  ImplicitLocOpBuilder before(loop.getLoc(), rewriter);
  before.setInsertionPoint(loop);
  Value first = buildFirstScores(before, found);
  // The product at the head of the body is the next one; what follows uses the
  // carried one.
  ImplicitLocOpBuilder head(loop.getLoc(), loop.getBody(),
                            loop.getBody()->begin());
  Value next = cloneScores(head, found, buildNextIndex(head, loop));
  rewriter.setInsertionPoint(loop);
  FailureOr<LoopLikeOpInterface> carrying = loop.replaceWithAdditionalYields(
      rewriter, first, /*replaceInitOperandUsesInLoop=*/false,
      [&](OpBuilder &, Location, ArrayRef<BlockArgument>) {
        return SmallVector<Value>{next};
      });
  assert(succeeded(carrying) && "scf.for takes further values");
  auto pipelined = cast<scf::ForOp>(carrying->getOperation());
  ContractOp scores = found.scores;
  rewriter.replaceAllUsesWith(scores.getResult(),
                              pipelined.getRegionIterArgs().back());
  for (Operation *op : llvm::reverse(found.slice.getArrayRef()))
    if (isOpTriviallyDead(op))
      rewriter.eraseOp(op);
}

namespace {
struct PipelineScoresPass
    : attn::impl::PipelineScoresPassBase<PipelineScoresPass> {
  void runOnOperation() override {
    SmallVector<ScoreLoop> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (std::optional<ScoreLoop> found = findScores(loop))
        loops.push_back(std::move(*found));
    });
    IRRewriter rewriter(&getContext());
    for (const ScoreLoop &found : loops)
      pipelineScores(rewriter, found);
  }
};
} // namespace
