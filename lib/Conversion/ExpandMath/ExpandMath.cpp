//===- ExpandMath.cpp - exp2, log2 and tanh as arithmetic --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
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

/// 2^x = 2^(n - 1) p(x - n) with n = round(x). Everything stays NaN for a NaN
/// x: the comparisons are false for it and the product keeps it.
static Value buildExp2(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value low = buildFloat(b, type, kMinExponent);
  Value high = buildFloat(b, type, kMaxExponent);
  // In this form each clamp is one instruction of x86.
  Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, low);
  Value clamped = arith::SelectOp::create(b, below, low, x);
  Value above =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, clamped, high);
  clamped = arith::SelectOp::create(b, above, high, clamped);

  Value magic = buildFloat(b, type, kRoundMagic);
  Value shifted = arith::AddFOp::create(b, clamped, magic);
  Value rounded = arith::SubFOp::create(b, shifted, magic);
  Value fraction = arith::SubFOp::create(b, clamped, rounded);
  Value polynomial;
  for (float coefficient : llvm::reverse(kExp2Coefficients)) {
    Value c = buildFloat(b, type, coefficient);
    polynomial =
        polynomial ? Value(math::FmaOp::create(b, polynomial, fraction, c)) : c;
  }
  Type intType = getIntLike(type);
  Value bits = arith::BitcastOp::create(b, intType, shifted);
  Value exponent =
      arith::ShLIOp::create(b, bits, buildInt(b, intType, kMantissaBits));
  Value power = arith::BitcastOp::create(b, type, exponent);
  return arith::MulFOp::create(b, polynomial, power);
}

namespace {

struct ExpandExp2 : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, buildExp2(b, op.getOperand()));
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
/// one: log2(x) = log2(2^23 x) - 23 for them.
struct ScaleLog2Denormals : OpRewritePattern<math::Log2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Log2Op op,
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
    Value log = math::Log2Op::create(b, normal);
    log.getDefiningOp()->setAttr(kGuarded, b.getUnitAttr());
    Value bias = arith::SelectOp::create(b, tiny, constant(23), constant(0));
    rewriter.replaceOp(op, arith::SubFOp::create(b, log, bias).getResult());
    return success();
  }
};

struct ExpandMathPass : attn::impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<KeepTanhNaN, ScaleLog2Denormals>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    RewritePatternSet expansions(&getContext());
    expansions.add<ExpandExp2>(&getContext());
    populateMathPolynomialApproximationPatterns(expansions, [](StringRef name) {
      return name == math::TanhOp::getOperationName() ||
             name == math::Log2Op::getOperationName();
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(expansions))))
      signalPassFailure();
  }
};

} // namespace
