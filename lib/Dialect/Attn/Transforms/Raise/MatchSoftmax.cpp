//===- MatchSoftmax.cpp - Weights, their sum, and the second product ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kLn2 = 0.693147180559945309417;
/// log2(e) as an f32 times ln 2 is not quite 1.
static constexpr double kRoundedToOne = 0x1p-22;

LogicalResult Matcher::fail(const Twine &reason) {
  if (why.empty())
    why = reason.str();
  return failure();
}

bool raise::isNumber(Expr expr, double value) {
  return getNumber(expr) == value;
}

arith::CmpFPredicate raise::getFloatPredicate(Expr compare) {
  return cast<arith::CmpFOp>(compare->op).getPredicate();
}

arith::CmpIPredicate raise::getIntPredicate(Expr compare) {
  return cast<arith::CmpIOp>(compare->op).getPredicate();
}

//===----------------------------------------------------------------------===//
// Comparisons that guard
//===----------------------------------------------------------------------===//

/// For `x == value`, or its negation, x.
static Expr getCompared(Expressions &in, Expr condition, double value,
                        bool &negated) {
  condition = in.resolve(condition);
  negated = false;
  while (condition->isCall(Function::Xor)) {
    Expr one = in.resolve(condition->operands[1]);
    auto constant = one->kind == Expression::Constant
                        ? dyn_cast<IntegerAttr>(one->constant)
                        : nullptr;
    if (!constant || constant.getValue().isZero())
      return nullptr;
    negated = !negated;
    condition = in.resolve(condition->operands[0]);
  }
  if (!condition->isCall(Function::CompareF))
    return nullptr;
  switch (getFloatPredicate(condition)) {
  case arith::CmpFPredicate::OEQ:
  case arith::CmpFPredicate::UEQ:
    break;
  case arith::CmpFPredicate::ONE:
  case arith::CmpFPredicate::UNE:
    negated = !negated;
    break;
  default:
    return nullptr;
  }
  if (isNumber(in.strip(condition->operands[1]), value))
    return condition->operands[0];
  if (isNumber(in.strip(condition->operands[0]), value))
    return condition->operands[1];
  return nullptr;
}

/// For `x == value ? instead : x`, or max(x, instead), x; `isFine` says which
/// numbers may stand there instead.
static Expr takeReplacement(Expressions &in, Expr expr, double value,
                            function_ref<bool(double)> isFine) {
  expr = in.strip(expr);
  auto isFineExpr = [&](Expr other) {
    std::optional<double> number = getNumber(in.strip(other));
    return number && isFine(*number);
  };
  if (expr->isCall(Function::Max)) {
    for (int i : {0, 1})
      if (isFineExpr(expr->operands[i]))
        return expr->operands[1 - i];
    return nullptr;
  }
  bool negated;
  if (!expr->isCall(Function::Select))
    return nullptr;
  Expr compared = getCompared(in, expr->operands[0], value, negated);
  Expr instead = expr->operands[negated ? 2 : 1];
  Expr kept = expr->operands[negated ? 1 : 2];
  return compared && isFineExpr(instead) && in.areEqual(compared, kept)
             ? kept
             : nullptr;
}

/// Whether `condition` says that every score of the row is -inf; known only
/// once the score is.
bool Matcher::isHiddenRow(Expr condition, bool &negated) {
  if (Expr compared = getCompared(in, condition, -kInfinity, negated))
    return isRowMaximum(compared);
  // all(score == -inf), not any(score != -inf)
  bool flipped = false;
  condition = in.resolve(condition);
  while (condition->isCall(Function::Xor)) {
    flipped = !flipped;
    condition = in.resolve(condition->operands[0]);
  }
  bool isAny = condition->isReduce(Function::Or);
  if ((!isAny && !condition->isReduce(Function::And)) ||
      condition->variables.size() != 1)
    return false;
  bool differs;
  Expr compared = getCompared(in, condition->operands[0], -kInfinity, differs);
  if (!compared || differs != isAny)
    return false;
  negated = flipped != isAny;
  return in.areEqual(
      in.substitute(compared, {{condition->variables[0], in.dim(match.key)}}),
      score);
}

//===----------------------------------------------------------------------===//
// The second product
//===----------------------------------------------------------------------===//

/// Takes a division off `expr`: x / divisor or x * (1 / divisor).
bool Matcher::takeDivisor(Expr &expr) {
  if (expr->isCall(Function::Div)) {
    divisor = expr->operands[1];
    expr = in.strip(expr->operands[0]);
    return true;
  }
  if (!expr->isCall(Function::Mul))
    return false;
  for (int i : {0, 1}) {
    Expr factor = in.strip(expr->operands[i]);
    if (!factor->isCall(Function::Div) ||
        !isNumber(in.strip(factor->operands[0]), 1))
      continue;
    divisor = factor->operands[1];
    expr = in.strip(expr->operands[1 - i]);
    return true;
  }
  return false;
}

/// Whether arithmetic on single elements leads from `expr` to an exponential.
static bool isBehindExp(Expressions &in, Expr expr) {
  expr = in.strip(expr);
  if (expr->isCall(Function::Exp) || expr->isCall(Function::Exp2))
    return true;
  return (expr->isCall(Function::Div) || expr->isCall(Function::Mul) ||
          expr->isCall(Function::Select)) &&
         llvm::any_of(expr->operands,
                      [&](Expr operand) { return isBehindExp(in, operand); });
}

/// Whether `out` is a sum of weights times values that does not start from 0.
static bool accumulates(Expressions &in, Expr out) {
  if (!out->isCall(Function::Add) || !out->op ||
      !isa<linalg::LinalgOp>(out->op->getParentOp()))
    return false;
  Expr sum = out->operands[1];
  return sum->isReduce(Function::Add) &&
         isBehindExp(in, in.strip(sum->operands[0]));
}

LogicalResult Matcher::matchOutput(Expr out) {
  out = in.strip(out);
  // Rows that are padding: select(inside, out, 0).
  while (out->isCall(Function::Select)) {
    bool second = isNumber(in.strip(out->operands[2]), 0);
    if (!second && !isNumber(in.strip(out->operands[1]), 0))
      break;
    match.conditions.push_back({out->operands[0], !second});
    out = in.strip(out->operands[second ? 1 : 2]);
  }
  match.deferred = takeDivisor(out);
  foundSoftmax = accumulates(in, out);
  if (!out->isReduce(Function::Add))
    return fail("the second product does not start from 0");
  if (out->variables.size() != 1)
    return fail("the second product sums over more than one dim");
  match.key = out->variables[0];
  if (failed(matchWeightedSum(in.strip(out->operands[0]))))
    return failure();
  if (Operation *op = in.findWideFloat())
    return fail("'" + op->getName().getStringRef() +
                "' computes in a type wider than f32, attention in f32");
  return success();
}

/// The number of significant bits that casts and stores leave of `expr`.
static unsigned getPrecision(Expressions &in, Expr expr) {
  unsigned precision = 24;
  while (true) {
    if (auto type = dyn_cast<FloatType>(expr->type))
      precision = std::min(
          precision, APFloat::semanticsPrecision(type.getFloatSemantics()));
    if (expr->isCall(Function::Cast))
      expr = expr->operands[0];
    else if (Expr next = in.step(expr))
      expr = next;
    else
      return precision;
  }
}

LogicalResult Matcher::matchWeightedSum(Expr body) {
  if (!body->isCall(Function::Mul))
    return fail("the second product is not a sum of products");
  Expr weights = body->operands[0], value = body->operands[1];
  if (!isBehindExp(in, weights))
    std::swap(weights, value);
  if (!isBehindExp(in, weights))
    return fail("no factor of the second product is a softmax");
  foundSoftmax = true;
  match.weightPrecision = getPrecision(in, weights);
  // Values of hidden keys that never meet a product.
  Expr guard = in.strip(value);
  if (guard->isCall(Function::Select)) {
    bool hidden = isNumber(in.strip(guard->operands[1]), 0);
    if (hidden || isNumber(in.strip(guard->operands[2]), 0)) {
      valueGuard = guard->operands[0];
      valueGuardNegated = !hidden;
      value = guard->operands[hidden ? 2 : 1];
    }
  }
  match.v = collectViews(value, /*factor=*/nullptr);
  if (match.v.empty())
    return fail("the values are computed where they are used");
  return matchWeights(weights);
}

//===----------------------------------------------------------------------===//
// The weights
//===----------------------------------------------------------------------===//

/// Takes off select(row is hidden, 0, weights); the condition is kept for when
/// the score is known.
void Matcher::takeRowGuards(Expr &weights) {
  if (!weights->isCall(Function::Select))
    return;
  bool hidden = isNumber(in.strip(weights->operands[1]), 0);
  if (!hidden && !isNumber(in.strip(weights->operands[2]), 0))
    return;
  rowGuard = weights->operands[0];
  rowGuardNegated = !hidden;
  weights = in.strip(weights->operands[hidden ? 2 : 1]);
}

LogicalResult Matcher::matchWeights(Expr weights) {
  weights = in.strip(weights);
  takeRowGuards(weights);
  Expr deferred = divisor;
  if (takeDivisor(weights) && deferred)
    return fail("the weights are divided twice");
  if (!divisor)
    return fail("the weights are not divided by their sum");
  weight = weights;
  if (!weight->isCall(Function::Exp) && !weight->isCall(Function::Exp2))
    return fail("the weights are no exponentials");
  double factor = weight->isCall(Function::Exp2) ? kLn2 : 1;
  if (failed(matchExponent(in.strip(weight->operands[0]), factor)) ||
      failed(matchSum(divisor)))
    return failure();
  if (valueGuard) {
    bool negated;
    Expr compared = getCompared(in, valueGuard, -kInfinity, negated);
    if (!compared || negated != valueGuardNegated ||
        !in.areEqual(compared, score))
      return fail("values are replaced by 0 for another reason than a score "
                  "of -inf");
  }
  bool isRowGuarded = false;
  if (rowGuard) {
    bool negated;
    if (!isHiddenRow(rowGuard, negated) || negated != rowGuardNegated)
      return fail("weights are replaced by 0 for another reason than a row of "
                  "scores that are -inf");
    isRowGuarded = true;
  }
  // The weights of a hidden row are 0, not NaN, only if the shift is finite.
  match.guarded = isRowGuarded || (guardedShift && (guardedSum || match.sink));
  return success();
}

/// score - shift, where the shift is the same for all keys: it cancels.
LogicalResult Matcher::matchExponent(Expr exponent, double factor) {
  auto takeShift = [&](Expr &expr) {
    if (!expr->isCall(Function::Sub) ||
        !in.isIndependent(expr->operands[1], match.key))
      return false;
    shift = expr->operands[1];
    expr = in.strip(expr->operands[0]);
    return true;
  };
  if (!takeShift(exponent) && exponent->isCall(Function::Mul))
    for (int i : {0, 1}) {
      Expr inner = in.strip(exponent->operands[1 - i]);
      std::optional<double> number = getNumber(in.strip(exponent->operands[i]));
      if (!number || !takeShift(inner))
        continue;
      factor *= *number;
      exponent = inner;
      break;
    }
  // Base 2 with the constant right at the top: nothing is left of it.
  if (factor != 1 && exponent->isCall(Function::Mul))
    for (int i : {0, 1})
      if (std::optional<double> number =
              getNumber(in.strip(exponent->operands[i]));
          number && std::abs(factor * *number - 1) < kRoundedToOne) {
        factor = 1;
        exponent = in.strip(exponent->operands[1 - i]);
        break;
      }
  if (std::abs(factor - 1) < kRoundedToOne)
    factor = 1;
  score = exponent;
  guardedShift = !shift || takeReplacement(in, shift, -kInfinity, [](double x) {
                             return std::isfinite(x);
                           }) != nullptr;
  Factor scale;
  scale.constant = factor;
  return matchScore(exponent, scale, /*capped=*/false);
}

/// Whether `expr` is the largest score of the row, where that is finite.
bool Matcher::isRowMaximum(Expr expr) {
  if (!expr)
    return false;
  if (Expr kept = takeReplacement(in, expr, -kInfinity,
                                  [](double x) { return std::isfinite(x); }))
    expr = kept;
  expr = in.strip(expr);
  return expr->isReduce(Function::Max) && expr->variables.size() == 1 &&
         in.areEqual(in.substitute(expr->operands[0],
                                   {{expr->variables[0], in.dim(match.key)}}),
                     score);
}

/// exp(sink - shift), with the shift of the weights.
LogicalResult Matcher::matchSink(Expr expr) {
  expr = in.strip(expr);
  if (!expr->isCall(Function::Exp) || !weight->isCall(Function::Exp))
    return fail("something is added to the sum of the softmax");
  expr = in.strip(expr->operands[0]);
  if (!shift || !expr->isCall(Function::Sub) ||
      !in.areEqual(expr->operands[1], shift) ||
      !in.isIndependent(expr->operands[0], match.key))
    return fail("something is added to the sum of the softmax");
  match.sink = expr->operands[0];
  return success();
}

LogicalResult Matcher::matchSum(Expr sum) {
  // The sum is at least 1 where a key is visible, if its maximum was taken off.
  Expr kept = takeReplacement(
      in, sum, 0, [](double instead) { return instead > 0 && instead <= 1; });
  sum = in.strip(sum);
  bool raised = sum->isCall(Function::Max);
  if (raised && !(kept && isRowMaximum(shift)))
    return fail("the sum of the softmax is changed before the division");
  if (kept) {
    guardedSum = true;
    sum = in.strip(kept);
  }
  if (sum->isCall(Function::Add)) {
    Expr lhs = in.strip(sum->operands[0]);
    bool first = lhs->isReduce(Function::Add);
    if (failed(matchSink(sum->operands[first ? 1 : 0])))
      return failure();
    sum = in.strip(sum->operands[first ? 0 : 1]);
  }
  if (!sum->isReduce(Function::Add) || sum->variables.size() != 1)
    return fail("the weights are divided by something else than their sum");
  unsigned variable = sum->variables[0];
  bool sameKeys = in.getExtent(variable) == in.getExtent(match.key) &&
                  in.areEqual(in.substitute(sum->operands[0],
                                            {{variable, in.dim(match.key)}}),
                              weight);
  if (!sameKeys)
    return fail("the softmax does not run over the keys that the second "
                "product sums over");
  return success();
}
