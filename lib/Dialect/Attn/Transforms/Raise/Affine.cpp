//===- Affine.cpp - Index expressions with known extents ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expression.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

AffineExpr Expressions::addIndex(int64_t extent) {
  return extent == 1 ? number(0) : dim(addVariable(extent));
}

static bool isConstant(AffineExpr expr, int64_t &value) {
  auto constant = dyn_cast<AffineConstantExpr>(expr);
  if (constant)
    value = constant.getValue();
  return constant != nullptr;
}

namespace {
/// The least (most) value of an expression.
class Bound {
public:
  Bound(ArrayRef<int64_t> extents, bool most) : extents(extents), most(most) {}

  std::optional<int64_t> find(AffineExpr expr) {
    if (int64_t value; isConstant(expr, value))
      return value;
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      if (!most)
        return 0;
      int64_t extent = extents[dim.getPosition()];
      return ShapedType::isDynamic(extent) ? std::nullopt
                                           : std::optional(extent - 1);
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    return binary ? findBinary(binary) : std::nullopt;
  }

private:
  std::optional<int64_t> findBinary(AffineBinaryOpExpr expr) {
    AffineExpr lhs = expr.getLHS(), rhs = expr.getRHS();
    int64_t value;
    if (expr.getKind() == AffineExprKind::Add) {
      auto a = find(lhs), b = find(rhs);
      return a && b ? std::optional(*a + *b) : std::nullopt;
    }
    if (!isConstant(rhs, value))
      return std::nullopt;
    switch (expr.getKind()) {
    case AffineExprKind::Mul: {
      auto a = value < 0 ? Bound(extents, !most).find(lhs) : find(lhs);
      return a ? std::optional(*a * value) : std::nullopt;
    }
    case AffineExprKind::FloorDiv: {
      auto a = find(lhs);
      return a && value > 0 ? std::optional(llvm::divideFloorSigned(*a, value))
                            : std::nullopt;
    }
    case AffineExprKind::Mod:
      return most ? value - 1 : 0;
    default:
      return std::nullopt;
    }
  }

  ArrayRef<int64_t> extents;
  bool most;
};
} // namespace

std::optional<int64_t> Expressions::getMinimum(AffineExpr expr) const {
  return Bound(extents, /*most=*/false).find(expr);
}

std::optional<int64_t> Expressions::getMaximum(AffineExpr expr) const {
  return Bound(extents, /*most=*/true).find(expr);
}

/// The terms of a sum.
static void collectTerms(AffineExpr expr, SmallVectorImpl<AffineExpr> &terms) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add) {
    terms.push_back(expr);
    return;
  }
  collectTerms(sum.getLHS(), terms);
  collectTerms(sum.getRHS(), terms);
}

/// expr / divisor and the rest of it, where the terms that are no multiples of
/// the divisor stay within 0 .. divisor - 1 together.
static std::optional<std::pair<AffineExpr, AffineExpr>>
divide(const Expressions &expressions, AffineExpr expr, int64_t divisor) {
  SmallVector<AffineExpr> terms;
  collectTerms(expr, terms);
  AffineExpr quotient = expressions.number(0), rest = quotient;
  for (AffineExpr term : terms) {
    if (term.isMultipleOf(divisor))
      quotient = quotient + term.floorDiv(divisor);
    else
      rest = rest + term;
  }
  auto low = expressions.getMinimum(rest), high = expressions.getMaximum(rest);
  if (!low || !high || *low < 0 || *high >= divisor)
    return std::nullopt;
  return std::pair(quotient, rest);
}

AffineExpr Expressions::simplify(AffineExpr expr) const {
  AffineExpr divided = simplifyDivisions(expr);
  bool isLinear = divided.isPureAffine();
  divided.walk([&](AffineExpr part) {
    isLinear &= part.getKind() != AffineExprKind::FloorDiv &&
                part.getKind() != AffineExprKind::CeilDiv &&
                part.getKind() != AffineExprKind::Mod;
  });
  // Like terms are only found in sums without divisions.
  return isLinear ? simplifyAffineExpr(divided, extents.size(), symbols.size())
                  : divided;
}

AffineExpr Expressions::simplifyDivisions(AffineExpr expr) const {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr;
  AffineExpr lhs = simplifyDivisions(binary.getLHS()),
             rhs = simplifyDivisions(binary.getRHS());
  int64_t divisor;
  bool divides = isConstant(rhs, divisor) && divisor > 0;
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::FloorDiv:
    if (divides)
      if (auto parts = divide(*this, lhs, divisor))
        return simplifyDivisions(parts->first);
    return lhs.floorDiv(rhs);
  case AffineExprKind::Mod:
    if (divides)
      if (auto parts = divide(*this, lhs, divisor))
        return simplifyDivisions(parts->second);
    return lhs % rhs;
  default:
    return expr;
  }
}
