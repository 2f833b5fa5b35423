//===- ExpandMath.cpp - Math functions as arithmetic -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/IR/MathHints.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>

namespace attn {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// 2 * 2^f on [-0.5, 0.5], ascending powers. Minimax in relative error (9e-8)
/// with the constant term fixed, so that 2^0 is exactly 1.
static constexpr float kExp2Coefficients[] = {
    2 * 1.0f,          2 * 0.693146977f,   2 * 0.240222421f,
    2 * 0.0555073384f, 2 * 0.00967151345f, 2 * 0.00132647065f};
static constexpr int kMantissaBits = 23;
/// Of 2^(n - 1): the polynomial holds the other factor 2, which lets n be 128.
static constexpr int kExponentBias = 127 - 1;
/// Adding 1.5 * 2^23 rounds to an integer, which then lies in the low mantissa
/// bits; adding the bias too makes those bits the exponent field of 2^(n - 1).
static constexpr float kRoundMagic = 12582912.0f + kExponentBias;
/// At this exponent the field is 0, so the power is 0.
static constexpr float kMinExponent = -126.0f;
/// At this exponent the product, 2 * 2^127, is infinite.
static constexpr float kMaxExponent = 128.0f;

static constexpr double kLog2E = 1.44269504088896340736;
static constexpr double kLn2 = 0.693147180559945309417;
/// ln 2 in two parts: products of the first with integers up to 128 are exact.
static constexpr float kLn2High = 0x1.62e4p-1f;
static constexpr float kLn2Low = static_cast<float>(kLn2 - kLn2High);

static constexpr double kPi = 3.14159265358979323846;
/// pi / 2 - its rounding to double.
static constexpr double kHalfPiLow = 6.123233995736766e-17;
/// (sin x - x) / x^3 and (cos x - 1 + x^2 / 2) / x^4 as polynomials in x^2 on
/// [-pi/4, pi/4], ascending.
static constexpr float kSinCoefficients[] = {
    -1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f};
static constexpr float kCosCoefficients[] = {
    4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f};

/// A splat or scalar constant of a type like `type` (f32 or a vector of it).
static Value buildFloat(ImplicitLocOpBuilder &b, Type type, float value) {
  TypedAttr attr = b.getF32FloatAttr(value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, value);
  return arith::ConstantOp::create(b, attr);
}

static Value buildInt(ImplicitLocOpBuilder &b, Type type, int32_t value) {
  TypedAttr attr = b.getI32IntegerAttr(value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, value);
  return arith::ConstantOp::create(b, attr);
}

static Type getIntLike(Type type) {
  auto i32 = IntegerType::get(type.getContext(), 32);
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(i32);
  return i32;
}

/// `limit` where x is `beyond` it; NaN stays. In this form each limit is one
/// instruction of x86.
static Value buildLimit(ImplicitLocOpBuilder &b, Value x,
                        arith::CmpFPredicate beyond, float limit) {
  Value bound = buildFloat(b, x.getType(), limit);
  Value isBeyond = arith::CmpFOp::create(b, beyond, x, bound);
  return arith::SelectOp::create(b, isBeyond, bound, x);
}

/// low where x < low, high where x > high; NaN stays.
static Value buildClamp(ImplicitLocOpBuilder &b, Value x, float low,
                        float high) {
  x = buildLimit(b, x, arith::CmpFPredicate::OLT, low);
  return buildLimit(b, x, arith::CmpFPredicate::OGT, high);
}

/// The polynomial with these ascending coefficients at x.
static Value buildPolynomial(ImplicitLocOpBuilder &b, Value x,
                             ArrayRef<float> coefficients) {
  Value value;
  for (float coefficient : llvm::reverse(coefficients)) {
    Value c = buildFloat(b, x.getType(), coefficient);
    value = value ? Value(math::FmaOp::create(b, value, x, c)) : c;
  }
  return value;
}

namespace {
/// round(x), twice: as a number, and in the low bits of x + magic.
struct Rounded {
  Value number, shifted;
};
} // namespace

static Rounded buildRound(ImplicitLocOpBuilder &b, Value x) {
  Value magic = buildFloat(b, x.getType(), kRoundMagic);
  Value shifted = arith::AddFOp::create(b, x, magic);
  return {arith::SubFOp::create(b, shifted, magic), shifted};
}

/// 2^(n + fraction) with the rounded number n.
static Value buildPower(ImplicitLocOpBuilder &b, Value fraction,
                        const Rounded &n) {
  Type type = fraction.getType(), intType = getIntLike(type);
  Value polynomial = buildPolynomial(b, fraction, kExp2Coefficients);
  Value bits = arith::BitcastOp::create(b, intType, n.shifted);
  Value exponent =
      arith::ShLIOp::create(b, bits, buildInt(b, intType, kMantissaBits));
  Value power = arith::BitcastOp::create(b, type, exponent);
  return arith::MulFOp::create(b, polynomial, power);
}

/// 2^x = 2^(n - 1) p(x - n) with n = round(x). Everything stays NaN for a NaN
/// x: the comparisons are false for it and the product keeps it.
static Value buildExp2OfClamped(ImplicitLocOpBuilder &b, Value x) {
  Rounded n = buildRound(b, x);
  return buildPower(b, arith::SubFOp::create(b, x, n.number), n);
}

static Value buildExp2(ImplicitLocOpBuilder &b, Value x) {
  return buildExp2OfClamped(b, buildClamp(b, x, kMinExponent, kMaxExponent));
}

/// The same for an x that is at most 0, or NaN.
static Value buildExp2OfNotPositive(ImplicitLocOpBuilder &b, Value x) {
  return buildExp2OfClamped(
      b, buildLimit(b, x, arith::CmpFPredicate::OLT, kMinExponent));
}

/// e^x = 2^n 2^((x - n ln 2) / ln 2) with n = round(x / ln 2): the product x /
/// ln 2 would be too coarse for large x.
static Value buildExp(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  auto constant = [&](double value) {
    return buildFloat(b, type, static_cast<float>(value));
  };
  // The upper limit is the first number whose power is infinite.
  Value clamped =
      buildClamp(b, x, static_cast<float>(kMinExponent * kLn2), 0x1.62e43p+6f);
  Value log2E = constant(kLog2E);
  Rounded n = buildRound(b, arith::MulFOp::create(b, clamped, log2E));
  Value rest = math::FmaOp::create(b, n.number, constant(-kLn2High), clamped);
  rest = math::FmaOp::create(b, n.number, constant(-kLn2Low), rest);
  return buildPower(b, arith::MulFOp::create(b, rest, log2E), n);
}

/// A double constant like the f32 or vector `type`.
static Value buildDouble(ImplicitLocOpBuilder &b, Type type, double value) {
  TypedAttr attr = b.getF64FloatAttr(value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector.clone(b.getF64Type()), value);
  return arith::ConstantOp::create(b, attr);
}

//===----------------------------------------------------------------------===//
// Powers
//===----------------------------------------------------------------------===//

/// The bits of sqrt(1/2) as a double: mantissas from there on count upwards.
static constexpr int64_t kHalfRootBits = 0x3fe6a09e667f3bcd;
static constexpr int kDoubleMantissaBits = 52;

/// 2 artanh(s) / ln 2 = s (c0 + c1 s^2 + ...), |s| <= 0.172, to 2^-39.
static constexpr double kLog2Coefficients[] = {
    2 / kLn2,     2 / kLn2 / 3,  2 / kLn2 / 5, 2 / kLn2 / 7,
    2 / kLn2 / 9, 2 / kLn2 / 11, 2 / kLn2 / 13};

/// log2 of a float |x| as a double: x = 2^n m with m in [sqrt(1/2), sqrt(2)),
/// log2(m) by the series of artanh((m - 1) / (m + 1)). As doubles, denormal
/// floats are normal numbers.
static Value buildLog2Double(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  auto constant = [&](double value) { return buildDouble(b, type, value); };
  Type doubleType = constant(0).getType(), bitsType = b.getI64Type();
  if (auto vector = dyn_cast<VectorType>(type))
    bitsType = vector.clone(bitsType);
  auto integer = [&](int64_t value) -> Value {
    TypedAttr attr = b.getI64IntegerAttr(value);
    if (auto vector = dyn_cast<VectorType>(bitsType))
      attr = DenseElementsAttr::get(vector, value);
    return arith::ConstantOp::create(b, attr);
  };
  Value magnitude =
      math::AbsFOp::create(b, arith::ExtFOp::create(b, doubleType, x));
  Value bits = arith::BitcastOp::create(b, bitsType, magnitude);
  Value above = arith::SubIOp::create(b, bits, integer(kHalfRootBits));
  Value n = arith::ShRSIOp::create(b, above, integer(kDoubleMantissaBits));
  Value field = arith::ShLIOp::create(b, n, integer(kDoubleMantissaBits));
  Value mantissa = arith::BitcastOp::create(
      b, doubleType, arith::SubIOp::create(b, bits, field));
  Value n32 = arith::TruncIOp::create(b, getIntLike(type), n);
  Value exponent = arith::SIToFPOp::create(b, doubleType, n32);
  Value s =
      arith::DivFOp::create(b, arith::SubFOp::create(b, mantissa, constant(1)),
                            arith::AddFOp::create(b, mantissa, constant(1)));
  Value square = arith::MulFOp::create(b, s, s);
  Value series;
  for (double coefficient : llvm::reverse(kLog2Coefficients)) {
    Value c = constant(coefficient);
    series = series ? Value(math::FmaOp::create(b, series, square, c)) : c;
  }
  Value log = math::FmaOp::create(b, series, s, exponent);
  // What has no mantissa: log2(inf) = inf, log2(0) = -inf.
  for (auto [number, value] : {std::pair(double(INFINITY), double(INFINITY)),
                               std::pair(0.0, -double(INFINITY))}) {
    Value is = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, magnitude,
                                     constant(number));
    log = arith::SelectOp::create(b, is, constant(value), log);
  }
  return log;
}

/// 2^x of a double x that is not too exact for a float.
static Value buildExp2OfDouble(ImplicitLocOpBuilder &b, Value x, Type type) {
  for (auto [beyond, limit] :
       {std::pair(arith::CmpFPredicate::OLT, double(kMinExponent)),
        std::pair(arith::CmpFPredicate::OGT, double(kMaxExponent))}) {
    Value bound = buildDouble(b, type, limit);
    Value isBeyond = arith::CmpFOp::create(b, beyond, x, bound);
    x = arith::SelectOp::create(b, isBeyond, bound, x);
  }
  Value n = math::RoundEvenOp::create(b, x);
  Value fraction =
      arith::TruncFOp::create(b, type, arith::SubFOp::create(b, x, n));
  Value number = arith::TruncFOp::create(b, type, n);
  Value magic = buildFloat(b, type, kRoundMagic);
  return buildPower(b, fraction,
                    {number, arith::AddFOp::create(b, number, magic)});
}

/// x^y = +-2^(y log2 |x|), with the special cases of C's pow. The product is a
/// double: an error of it is one of the result, times ln 2.
static Value buildPowF(ImplicitLocOpBuilder &b, Value x, Value y) {
  Type type = x.getType();
  auto constant = [&](float value) { return buildFloat(b, type, value); };
  auto compare = [&](arith::CmpFPredicate predicate, Value lhs,
                     Value rhs) -> Value {
    return arith::CmpFOp::create(b, predicate, lhs, rhs);
  };
  Value log = buildLog2Double(b, x);
  Value wideY = arith::ExtFOp::create(b, log.getType(), y);
  Value exponent = arith::MulFOp::create(b, wideY, log);
  // 1^y and (-1)^y are of magnitude 1 for an infinite y too.
  Value zero = buildDouble(b, type, 0);
  Value isUnit = compare(arith::CmpFPredicate::OEQ, log, zero);
  exponent = arith::SelectOp::create(b, isUnit, zero, exponent);
  Value power = buildExp2OfDouble(b, exponent, type);

  // The sign of x counts for odd integers y; a half is exact where that
  // matters.
  auto isInteger = [&](Value value) {
    return compare(arith::CmpFPredicate::OEQ, value,
                   math::FloorOp::create(b, value));
  };
  Value integer = isInteger(y);
  Value half = arith::MulFOp::create(b, y, constant(0.5));
  Value odd = arith::AndIOp::create(
      b, integer,
      compare(arith::CmpFPredicate::ONE, half, math::FloorOp::create(b, half)));
  power = arith::SelectOp::create(b, odd, math::CopySignOp::create(b, power, x),
                                  power);

  // A negative number has no other powers; -inf has: they are those of inf.
  Value none = constant(NAN);
  Value negative = arith::AndIOp::create(
      b, compare(arith::CmpFPredicate::OLT, x, constant(0)),
      compare(arith::CmpFPredicate::OGT, x, constant(-INFINITY)));
  Value whole = arith::SelectOp::create(b, negative, none, power);
  power = arith::SelectOp::create(b, integer, power, whole);
  Value isNaN = compare(arith::CmpFPredicate::UNO, x, y);
  power = arith::SelectOp::create(b, isNaN, none, power);
  // Even of NaN.
  Value isOne = arith::OrIOp::create(
      b, compare(arith::CmpFPredicate::OEQ, x, constant(1)),
      compare(arith::CmpFPredicate::OEQ, y, constant(0)));
  return arith::SelectOp::create(b, isOne, constant(1), power);
}

//===----------------------------------------------------------------------===//
// Sine and cosine
//===----------------------------------------------------------------------===//

namespace {
/// x = quarters * pi / 2 + rest, quarters counted modulo 4.
struct Quarters {
  Value rest, count;
};
} // namespace

/// In double: a rest of single precision would lose a bit with every doubling
/// of x.
static Quarters reduceAngle(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  auto constant = [&](double value) { return buildDouble(b, type, value); };
  Value wide = arith::ExtFOp::create(b, constant(0).getType(), x);
  Value n = math::RoundEvenOp::create(
      b, arith::MulFOp::create(b, wide, constant(2 / kPi)));
  Value rest = math::FmaOp::create(b, n, constant(-kPi / 2), wide);
  rest = math::FmaOp::create(b, n, constant(-kHalfPiLow), rest);
  Value quarter = arith::MulFOp::create(b, n, constant(0.25));
  Value whole = math::FloorOp::create(b, quarter);
  Value part = arith::SubFOp::create(b, quarter, whole);
  Value count = arith::MulFOp::create(b, part, constant(4));
  return {arith::TruncFOp::create(b, type, rest),
          arith::TruncFOp::create(b, type, count)};
}

/// sin(x + shift * pi / 2).
static Value buildSine(ImplicitLocOpBuilder &b, Value x, int shift) {
  Type type = x.getType();
  auto constant = [&](float value) { return buildFloat(b, type, value); };
  Quarters quarters = reduceAngle(b, x);
  // The rest of huge numbers is noise, but an angle.
  Value y = buildClamp(b, quarters.rest, -0.8f, 0.8f);
  Value square = arith::MulFOp::create(b, y, y);
  Value cube = arith::MulFOp::create(b, square, y);
  Value sine = math::FmaOp::create(
      b, buildPolynomial(b, square, kSinCoefficients), cube, y);
  Value fourth = arith::MulFOp::create(b, square, square);
  Value cosine = math::FmaOp::create(b, square, constant(-0.5f), constant(1));
  cosine = math::FmaOp::create(b, buildPolynomial(b, square, kCosCoefficients),
                               fourth, cosine);
  // Quarter 0: sin, 1: cos, 2: -sin, 3: -cos.
  auto isQuarter = [&](int quarter) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, quarters.count,
                                 constant((quarter + 4 - shift) % 4));
  };
  auto either = [&](int one, int other) -> Value {
    return arith::OrIOp::create(b, isQuarter(one), isQuarter(other));
  };
  Value value = arith::SelectOp::create(b, either(1, 3), cosine, sine);
  Value negated = arith::NegFOp::create(b, value);
  value = arith::SelectOp::create(b, either(2, 3), negated, value);
  // No angle: infinity - infinity is NaN, as NaN - NaN.
  Value zero = arith::SubFOp::create(b, x, x);
  Value isAngle =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, zero, zero);
  return arith::SelectOp::create(b, isAngle, value, zero);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// Functions whose upstream approximation serves.
static bool isApproximated(StringRef name) {
  return llvm::is_contained(
      {math::TanhOp::getOperationName(), math::Log2Op::getOperationName(),
       math::LogOp::getOperationName(), math::Log1pOp::getOperationName(),
       math::ExpM1Op::getOperationName(), math::ErfOp::getOperationName()},
      name);
}

namespace {

/// Replaces a function of one f32 by what `build` makes.
template <typename OpTy>
struct Expand : OpRewritePattern<OpTy> {
  using BuildFn = Value (*)(ImplicitLocOpBuilder &b, Value x);
  Expand(MLIRContext *context, BuildFn build)
      : OpRewritePattern<OpTy>(context), build(build) {}
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, build(b, op.getOperand()));
    return success();
  }
  BuildFn build;
};

struct ExpandPowF : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, buildPowF(b, op.getLhs(), op.getRhs()));
    return success();
  }
};

/// Only one limit is left of the clamp.
struct ExpandExp2OfNotPositive : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    if (!op->hasAttr(kNotPositive) ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "may be positive, or not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, buildExp2OfNotPositive(b, op.getOperand()));
    return success();
  }
};

/// Marks ops whose operand upstream's approximation takes as it is.
static constexpr StringLiteral kGuarded = "attn.guarded";

/// The upstream approximation clamps NaN away: put it back.
struct KeepTanhNaN : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::TanhOp op,
                                PatternRewriter &rewriter) const override {
    if (op->hasAttr(kGuarded))
      return rewriter.notifyMatchFailure(op, "guarded already");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    Value tanh = math::TanhOp::create(b, x);
    tanh.getDefiningOp()->setAttr(kGuarded, b.getUnitAttr());
    Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
    rewriter.replaceOp(op,
                       arith::SelectOp::create(b, isNaN, x, tanh).getResult());
    return success();
  }
};

/// The upstream approximation takes denormal numbers for the smallest normal
/// one: log(x) = log(2^23 x) - log(2^23) for them. `unit` is log(2).
template <typename OpTy>
struct ScaleLogDenormals : OpRewritePattern<OpTy> {
  ScaleLogDenormals(MLIRContext *context, double unit)
      : OpRewritePattern<OpTy>(context), unit(unit) {}
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (op->hasAttr(kGuarded) || !getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "guarded already, or not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    Type type = x.getType();
    auto constant = [&](float value) { return buildFloat(b, type, value); };
    Value tiny = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x,
                                       constant(0x1p-126f));
    Value scaled = arith::MulFOp::create(b, x, constant(0x1p23f));
    Value normal = arith::SelectOp::create(b, tiny, scaled, x);
    Value log = OpTy::create(b, normal);
    log.getDefiningOp()->setAttr(kGuarded, b.getUnitAttr());
    Value bias = arith::SelectOp::create(
        b, tiny, constant(static_cast<float>(23 * unit)), constant(0));
    rewriter.replaceOp(op, arith::SubFOp::create(b, log, bias).getResult());
    return success();
  }
  double unit;
};

/// Applies `patterns` to the functions of `root` and to what becomes of them:
/// nearly all ops of a kernel are something else.
static LogicalResult rewriteMath(Operation *root, RewritePatternSet patterns) {
  SmallVector<Operation *> functions;
  root->walk([&](Operation *op) {
    if (isa_and_present<math::MathDialect>(op->getDialect()))
      functions.push_back(op);
  });
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  return applyOpPatternsGreedily(functions, std::move(patterns), config);
}

struct ExpandMathPass : attn::impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<KeepTanhNaN>(context);
    patterns.add<ScaleLogDenormals<math::Log2Op>>(context, 1.0);
    patterns.add<ScaleLogDenormals<math::LogOp>>(context, kLn2);
    if (failed(rewriteMath(getOperation(), std::move(patterns))))
      return signalPassFailure();
    RewritePatternSet expansions(context);
    expansions.add<Expand<math::Exp2Op>>(context, buildExp2);
    expansions.add<ExpandExp2OfNotPositive>(context, /*benefit=*/2);
    expansions.add<ExpandPowF>(context);
    expansions.add<Expand<math::ExpOp>>(context, buildExp);
    expansions.add<Expand<math::SinOp>>(context,
                                        [](ImplicitLocOpBuilder &b, Value x) {
                                          return buildSine(b, x, /*shift=*/0);
                                        });
    expansions.add<Expand<math::CosOp>>(context,
                                        [](ImplicitLocOpBuilder &b, Value x) {
                                          return buildSine(b, x, /*shift=*/1);
                                        });
    populateMathPolynomialApproximationPatterns(expansions, isApproximated);
    if (failed(rewriteMath(getOperation(), std::move(expansions))))
      signalPassFailure();
  }
};

} // namespace
