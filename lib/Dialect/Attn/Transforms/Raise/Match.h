//===- Match.h - Attention found in scalar expressions ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_MATCH_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_MATCH_H

#include "Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace attn::raise {

/// constant * times... / over..., f32 values of the program.
struct Factor {
  double constant = 1;
  llvm::SmallVector<Expr> times, over;

  bool isNumber() const { return times.empty() && over.empty(); }
  bool isOne() const;
};

/// A boolean that must be true (false if `negated`) for a key to be visible.
struct Condition {
  Expr expr;
  bool negated;
};

/// A term that is added to the score, or taken from it.
struct Term {
  Expr expr;
  bool negated;
};

/// softmax(mask(softcap(scale * q k) + terms)) v, in expressions.
struct Match {
  /// Elements of q, k and v, outermost view first: all have the same value, up
  /// to casts to wider types.
  llvm::SmallVector<Expr> q, k, v;
  unsigned key = 0;
  /// The variable that the first product sums over; none for a head dim of 1.
  std::optional<unsigned> headDim;
  /// The op of the first product.
  mlir::Operation *dot = nullptr;
  Factor scale;
  std::optional<Factor> softcap;
  llvm::SmallVector<Term> terms;
  llvm::SmallVector<Condition> conditions;
  /// The logit of the sink, or null.
  Expr sink = nullptr;
  /// Whether a row without a visible key gives 0, not NaN.
  bool guarded = false;
  /// Whether the division comes after the second product.
  bool deferred = false;
  /// Bits of precision of the weights as they enter the second product.
  unsigned weightPrecision = 24;
};

struct MatchOptions {
  /// A finite replacement for a masked score hides its key.
  bool sentinelsHide = false;
};

/// Finds attention behind an element of a tensor.
class Matcher {
public:
  Matcher(Expressions &in, const MatchOptions &options)
      : in(in), options(options) {}

  /// Whether `out` is attention; if not, `why` says what is in the way.
  mlir::LogicalResult matchOutput(Expr out);

  Match match;
  std::string why;
  /// Whether a softmax feeds a product: what fails then was meant as attention.
  bool foundSoftmax = false;

private:
  mlir::LogicalResult fail(const llvm::Twine &reason);

  // MatchSoftmax.cpp
  mlir::LogicalResult matchWeightedSum(Expr body);
  mlir::LogicalResult matchWeights(Expr weights);
  mlir::LogicalResult matchSum(Expr sum);
  mlir::LogicalResult matchSink(Expr weight);
  mlir::LogicalResult matchExponent(Expr exponent, double factor);
  bool takeDivisor(Expr &expr);
  void takeRowGuards(Expr &weights);
  bool isHiddenRow(Expr condition, bool &negated);
  bool isRowMaximum(Expr expr);

  // MatchScore.cpp
  mlir::LogicalResult matchScore(Expr score, Factor factor, bool capped);
  mlir::LogicalResult matchSelect(Expr select, const Factor &factor,
                                  bool capped);
  mlir::LogicalResult matchTerm(Expr sum, const Factor &factor, bool capped);
  mlir::LogicalResult matchSoftcap(Expr argument, const Factor &factor);
  mlir::LogicalResult matchDot(Expr dot, Factor factor);
  bool matchRuntimeSoftcap(Expr select, mlir::LogicalResult &result);
  bool takeFactor(Expr &expr, Factor &factor);
  bool looksLikeScore(Expr expr);
  llvm::SmallVector<Expr> collectViews(Expr expr, Factor *factor);

  Expressions &in;
  MatchOptions options;
  /// The weight before division, exp(score - shift), and what it is made of.
  Expr weight = nullptr, shift = nullptr, score = nullptr, divisor = nullptr;
  /// What replaces V where a key is hidden: a condition on the score.
  Expr valueGuard = nullptr;
  bool valueGuardNegated = false;
  /// What replaces the weights of a row by 0.
  Expr rowGuard = nullptr;
  bool rowGuardNegated = false;
  bool guardedSum = false, guardedShift = false;
};

/// Whether `expr` is this number.
bool isNumber(Expr expr, double value);

/// The predicate of a comparison of floats (integers).
mlir::arith::CmpFPredicate getFloatPredicate(Expr compare);
mlir::arith::CmpIPredicate getIntPredicate(Expr compare);

} // namespace attn::raise

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_MATCH_H
