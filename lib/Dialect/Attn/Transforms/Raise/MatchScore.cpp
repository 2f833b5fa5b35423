//===- MatchScore.cpp - Scale, softcap, terms and masks of the score ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// What producers write for "hidden" is at least as small as this.
static constexpr double kLargestSentinel = -1e4;

bool Factor::isOne() const { return isNumber() && constant == 1; }

/// `a` divided by `b`, without what cancels.
static Factor multiply(Factor a, const Factor &b) {
  a.constant *= b.constant;
  a.times.append(b.times);
  a.over.append(b.over);
  for (auto *it = a.times.begin(); it != a.times.end();) {
    auto *same = llvm::find_if(
        a.over, [&](Expr other) { return other->value == (*it)->value; });
    if (same == a.over.end()) {
      ++it;
      continue;
    }
    a.over.erase(same);
    it = a.times.erase(it);
  }
  return a;
}

//===----------------------------------------------------------------------===//
// Factors
//===----------------------------------------------------------------------===//

/// Takes numbers and run-time scalars that multiply or divide `expr` into
/// `factor`. Returns whether there were any; `expr` may then be an access.
bool Matcher::takeFactor(Expr &expr, Factor &factor) {
  Expr call = in.strip(expr);
  auto isScalar = [&](Expr operand) {
    return getNumber(operand) || operand->kind == Expression::Scalar;
  };
  auto take = [&](Expr operand, bool divides) {
    if (std::optional<double> number = getNumber(operand))
      factor.constant =
          divides ? factor.constant / *number : factor.constant * *number;
    else
      (divides ? factor.over : factor.times).push_back(operand);
  };
  if (call->isCall(Function::Neg)) {
    factor.constant = -factor.constant;
    expr = call->operands[0];
    return true;
  }
  if (call->isCall(Function::Div)) {
    Expr operand = in.strip(call->operands[1]);
    if (!isScalar(operand) || isNumber(operand, 0))
      return false;
    take(operand, /*divides=*/true);
    expr = call->operands[0];
    return true;
  }
  if (!call->isCall(Function::Mul))
    return false;
  for (int i : {0, 1}) {
    Expr operand = in.strip(call->operands[i]);
    if (!isScalar(operand))
      continue;
    take(operand, /*divides=*/false);
    expr = call->operands[1 - i];
    return true;
  }
  return false;
}

/// The tensors whose elements have the value of `expr`, outermost view first.
/// Factors on the way go into `factor`, if given, and what is in front of them
/// is no such tensor.
SmallVector<Expr> Matcher::collectViews(Expr expr, Factor *factor) {
  SmallVector<Expr> views;
  while (expr) {
    if (expr->kind == Expression::Access)
      views.push_back(expr);
    if (factor && takeFactor(expr, *factor)) {
      views.clear();
      continue;
    }
    bool widens = expr->isCall(Function::Cast) &&
                  expr->operands[0]->type.getIntOrFloatBitWidth() <
                      expr->type.getIntOrFloatBitWidth();
    expr = widens ? expr->operands[0] : in.step(expr);
  }
  return views;
}

//===----------------------------------------------------------------------===//
// The first product
//===----------------------------------------------------------------------===//

LogicalResult Matcher::matchDot(Expr dot, Factor factor) {
  if (dot->variables.size() != 1)
    return fail("the first product sums over more than one dim");
  match.headDim = dot->variables[0];
  match.dot = in.getOrigin(dot);
  Expr product = in.strip(dot->operands[0]);
  while (takeFactor(product, factor))
    product = in.strip(product);
  if (!product->isCall(Function::Mul))
    return fail("the score is not a sum of products");
  Expr q = product->operands[0], k = product->operands[1];
  if (!in.isIndependent(q, match.key))
    std::swap(q, k);
  if (!in.isIndependent(q, match.key) || in.isIndependent(k, match.key))
    return fail("the score is not a product of one factor with the keys and "
                "one without");
  match.q = collectViews(q, &factor);
  match.k = collectViews(k, &factor);
  if (match.q.empty() || match.k.empty())
    return fail("q or k is computed where it is used");
  match.scale = multiply(match.scale, factor);
  return success();
}

//===----------------------------------------------------------------------===//
// Around it
//===----------------------------------------------------------------------===//

/// Whether a sum of products lies below, through what a score may go through.
bool Matcher::looksLikeScore(Expr expr) {
  expr = in.strip(expr);
  if (expr->isReduce(Function::Add))
    return !in.isIndependent(expr, match.key);
  if (expr->kind != Expression::Call || expr->function == Function::Other ||
      expr->function == Function::CompareF ||
      expr->function == Function::CompareI)
    return false;
  return llvm::any_of(expr->operands,
                      [&](Expr operand) { return looksLikeScore(operand); });
}

/// Scores plus or minus terms that do not depend on them.
LogicalResult Matcher::matchTerm(Expr sum, const Factor &factor, bool capped) {
  if (capped)
    return fail("a term is added before the softcap, attention adds it after");
  if (!factor.isOne())
    return fail("the scale also multiplies a term that is added to the score");
  Expr score = sum->operands[0], term = sum->operands[1];
  bool negated = sum->isCall(Function::Sub);
  if (!looksLikeScore(score)) {
    if (negated)
      return fail("the score is subtracted");
    std::swap(score, term);
  }
  match.terms.push_back({term, negated});
  return matchScore(score, factor, capped);
}

/// cap > 0 ? cap * tanh(x / cap) : x
bool Matcher::matchRuntimeSoftcap(Expr select, LogicalResult &result) {
  Expr condition = in.resolve(select->operands[0]);
  if (!condition->isCall(Function::CompareF) ||
      getFloatPredicate(condition) != arith::CmpFPredicate::OGT ||
      !isNumber(in.strip(condition->operands[1]), 0))
    return false;
  Expr cap = in.strip(condition->operands[0]);
  Factor outer, inner;
  Expr tanh = select->operands[1];
  if (cap->kind != Expression::Scalar || !takeFactor(tanh, outer))
    return false;
  tanh = in.strip(tanh);
  if (!tanh->isCall(Function::Tanh))
    return false;
  Expr argument = tanh->operands[0];
  auto isCap = [&](const Factor &factor, ArrayRef<Expr> used) {
    return factor.constant == 1 && used.size() == 1 &&
           used[0]->value == cap->value &&
           factor.times.size() + factor.over.size() == 1;
  };
  if (!takeFactor(argument, inner) || !isCap(outer, outer.times) ||
      !isCap(inner, inner.over) || !in.areEqual(argument, select->operands[2]))
    return false;
  match.softcap = outer;
  result = matchScore(argument, Factor(), /*capped=*/true);
  return true;
}

LogicalResult Matcher::matchSelect(Expr select, const Factor &factor,
                                   bool capped) {
  LogicalResult result = failure();
  if (!match.softcap && factor.isOne() && matchRuntimeSoftcap(select, result))
    return result;
  std::optional<double> yes = getNumber(in.strip(select->operands[1]));
  std::optional<double> no = getNumber(in.strip(select->operands[2]));
  if (!yes && !no)
    return fail("the score is chosen from two");
  double other = yes ? *yes : *no;
  if (other != -kInfinity &&
      !(options.sentinelsHide && other <= kLargestSentinel)) {
    SmallString<32> text;
    llvm::raw_svector_ostream(text) << llvm::format("%g", other);
    return fail("masked scores are " + text +
                ", not -inf: such keys are weighed, if only with tiny numbers");
  }
  if (capped)
    return fail("a mask lies before the softcap, which makes a finite score "
                "of -inf");
  if (!factor.isNumber() || factor.constant <= 0)
    return fail("a mask lies before a scale that is not known to be positive");
  match.conditions.push_back({select->operands[0], yes.has_value()});
  return matchScore(select->operands[yes ? 2 : 1], factor, capped);
}

/// factor * tanh(argument): the cap is the factor, and its inverse scales.
LogicalResult Matcher::matchSoftcap(Expr argument, const Factor &factor) {
  if (match.softcap)
    return fail("the score is capped twice");
  if (!factor.isNumber())
    return fail("the run-time softcap may not be positive, which switches "
                "attention's off");
  if (factor.constant == 0)
    return fail("the softcap is 0");
  match.softcap = Factor();
  match.softcap->constant = std::abs(factor.constant);
  match.scale = factor;
  return matchScore(argument, Factor(), /*capped=*/true);
}

LogicalResult Matcher::matchScore(Expr score, Factor factor, bool capped) {
  while (takeFactor(score, factor))
    continue;
  score = in.strip(score);
  if (score->isReduce(Function::Add))
    return matchDot(score, factor);
  if (score->isCall(Function::Select))
    return matchSelect(score, factor, capped);
  if (score->isCall(Function::Add) || score->isCall(Function::Sub))
    return matchTerm(score, factor, capped);
  if (score->isCall(Function::Tanh))
    return matchSoftcap(score->operands[0], factor);
  if (score->isCall(Function::Mul) || score->isCall(Function::Div))
    return fail("the score is multiplied by a tensor");
  if (score->kind == Expression::Call && score->op)
    return fail("the score goes through '" +
                score->op->getName().getStringRef() + "'");
  return fail("the score is not a product");
}
