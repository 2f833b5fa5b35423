//===- RaiseFromLinalg.cpp - Attention written as linalg, made one op -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raise/Build.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace attn {
#define GEN_PASS_DEF_RAISEFROMLINALGPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::raise;

/// Results that one product may be followed by: a division, a cast and a
/// transpose, with one to spare.
static constexpr unsigned kMaxTail = 4;

/// The result of a linalg op that sums, or null.
static Value getProduct(Operation *op) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured || !structured.hasPureTensorSemantics() ||
      structured->getNumResults() != 1 ||
      structured.getNumReductionLoops() == 0 ||
      structured.getNumDpsInputs() < 2)
    return {};
  return structured->getResult(0);
}

/// The only op that uses `value`, if it works on elements one by one.
static Operation *getElementwiseUser(Value value) {
  if (!value.hasOneUse())
    return nullptr;
  // Ops in a body belong to the op around it.
  Operation *user =
      value.getParentBlock()->findAncestorOpInBlock(**value.user_begin());
  if (!user || user->getNumResults() != 1 ||
      !isa<RankedTensorType>(user->getResult(0).getType()))
    return nullptr;
  if (auto structured = dyn_cast<linalg::LinalgOp>(user))
    return structured.getNumReductionLoops() == 0 ? user : nullptr;
  return OpTrait::hasElementwiseMappableTraits(user) ? user : nullptr;
}

/// An op behind the first product that the result does not need: replacing the
/// result would leave the scores computed.
static Operation *findOtherUser(Operation *dot, Operation *last) {
  SetVector<Operation *> needed;
  BackwardSliceOptions options;
  options.omitUsesFromAbove = false;
  (void)getBackwardSlice(last, &needed, options);
  SetVector<Operation *> reached;
  reached.insert(dot);
  for (size_t i = 0; i < reached.size(); ++i)
    for (Operation *user : reached[i]->getUsers()) {
      user = last->getBlock()->findAncestorOpInBlock(*user);
      if (user && user != last && !needed.contains(user))
        return user;
      if (user && user != last)
        reached.insert(user);
    }
  return nullptr;
}

/// Whether a term or a condition is computed from the scores.
static bool dependsOn(const Match &match, Operation *dot) {
  SetVector<Operation *> scores;
  getForwardSlice(dot, &scores);
  scores.insert(dot);
  std::function<bool(Expr)> depends = [&](Expr expr) {
    if (expr->kind == Expression::Access)
      if (Operation *op = expr->value.getDefiningOp())
        return scores.contains(op);
    return llvm::any_of(expr->operands, depends);
  };
  return llvm::any_of(match.terms,
                      [&](const Term &term) { return depends(term.expr); }) ||
         llvm::any_of(match.conditions, [&](const Condition &condition) {
           return depends(condition.expr);
         });
}

namespace {
/// One attempt: what came of it, and why not if nothing did.
struct Attempt {
  bool raised = false, foundSoftmax = false;
  std::string why;
};
} // namespace

static Attempt raiseResult(Value result, const MatchOptions &options,
                           bool assumeVisibleRows) {
  Expressions in(result.getContext());
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<AffineExpr> indices;
  for (int64_t size : type.getShape())
    indices.push_back(in.addIndex(size));
  Expr out = in.access(result, indices);
  Matcher matcher(in, options);
  Attempt attempt;
  bool matched = succeeded(matcher.matchOutput(out));
  attempt.foundSoftmax = matcher.foundSoftmax;
  attempt.why = matcher.why;
  if (!matched)
    return attempt;
  Operation *dot = matcher.match.dot;
  if (Operation *user = findOtherUser(dot, result.getDefiningOp())) {
    attempt.why = ("scores or weights are also used by '" +
                   user->getName().getStringRef() + "'")
                      .str();
    return attempt;
  }
  if (dependsOn(matcher.match, dot)) {
    attempt.why = "a mask or a term of the score depends on the score";
    return attempt;
  }
  Operation *last = result.getDefiningOp();
  ImplicitLocOpBuilder b(last->getLoc(), last);
  AttentionRaiser raiser(b, in, matcher.match, out, assumeVisibleRows);
  Value raised = raiser.build();
  attempt.why = raiser.why;
  if (!raised)
    return attempt;
  attempt.raised = true;
  result.replaceAllUsesWith(raised);
  return attempt;
}

/// Tries the product and what follows it, the last one first.
static Attempt raiseProduct(Value product, const MatchOptions &options,
                            bool assumeVisibleRows) {
  SmallVector<Value> results = {product};
  while (results.size() < kMaxTail)
    if (Operation *user = getElementwiseUser(results.back()))
      results.push_back(user->getResult(0));
    else
      break;
  Attempt best;
  for (Value result : llvm::reverse(results)) {
    Attempt attempt = raiseResult(result, options, assumeVisibleRows);
    if (attempt.raised)
      return attempt;
    // The first that is a softmax at all has seen the most of it.
    if (!best.foundSoftmax)
      best = attempt;
  }
  return best;
}

/// Erases what raising has left without uses, and nothing that was so before.
static void eraseDead(func::FuncOp function,
                      const llvm::DenseSet<Operation *> &deadBefore) {
  function.walk([&](Block *block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isOpTriviallyDead(&op) && !deadBefore.contains(&op))
        op.erase();
  });
}

namespace {
struct RaiseFromLinalgPass
    : attn::impl::RaiseFromLinalgPassBase<RaiseFromLinalgPass> {
  using RaiseFromLinalgPassBase::RaiseFromLinalgPassBase;

  void runOnOperation() override {
    llvm::DenseSet<Operation *> deadBefore;
    getOperation().walk([&](Operation *op) {
      if (isOpTriviallyDead(op))
        deadBefore.insert(op);
    });
    MatchOptions options;
    options.sentinelsHide = assumeSentinelsHide;
    SmallVector<Value> products;
    getOperation().walk([&](Operation *op) {
      if (Value product = getProduct(op))
        products.push_back(product);
    });
    // Later products first: raising them leaves earlier ones without uses.
    for (Value product : llvm::reverse(products)) {
      Attempt attempt = raiseProduct(product, options, assumeVisibleRows);
      if (!attempt.raised && attempt.foundSoftmax)
        mlir::emitRemark(product.getLoc())
            << "not raised to attn.attention: " << attempt.why;
    }
    eraseDead(getOperation(), deadBefore);
  }
};
} // namespace
