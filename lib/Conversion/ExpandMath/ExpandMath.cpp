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

/// 2^f on [-0.5, 0.5], ascending powers. Minimax in relative error (9e-8) with
/// the constant term fixed to 1, so that 2^0 is exactly 1.
static constexpr float kExp2Coefficients[] = {1.0f,           0.693146977f,
                                              0.240222421f,   0.0555073384f,
                                              0.00967151345f, 0.00132647065f};
static constexpr int kMantissaBits = 23;
static constexpr int kExponentBias = 127;
/// Adding 1.5 * 2^23 rounds to an integer, which then lies in the low mantissa
/// bits; adding the bias too makes those bits the exponent field of 2^n.
static constexpr float kRoundMagic = 12582912.0f + kExponentBias;
/// Smallest exponent of a normal number, and the one of infinity.
static constexpr float kMinExponent = -126.0f;
static constexpr float kInfExponent = 128.0f;

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

/// 2^x = 2^n p(x - n) with n = round(x). Everything stays NaN for a NaN x: the
/// comparisons choose it and the product keeps it.
static Value buildExp2(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  // n = 128 makes the exponent field that of infinity.
  Value high = buildFloat(b, type, kInfExponent);
  Value overflows =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, high);
  Value bounded = arith::SelectOp::create(b, overflows, high, x);

  Value magic = buildFloat(b, type, kRoundMagic);
  Value shifted = arith::AddFOp::create(b, bounded, magic);
  Value rounded = arith::SubFOp::create(b, shifted, magic);
  Value fraction = arith::SubFOp::create(b, bounded, rounded);
  Value polynomial;
  for (float coefficient : llvm::reverse(kExp2Coefficients)) {
    Value c = buildFloat(b, type, coefficient);
    polynomial = polynomial
                     ? Value(math::FmaOp::create(b, polynomial, fraction, c))
                     : c;
  }
  Type intType = getIntLike(type);
  Value bits = arith::BitcastOp::create(b, intType, shifted);
  Value exponent =
      arith::ShLIOp::create(b, bits, buildInt(b, intType, kMantissaBits));
  Value power = arith::BitcastOp::create(b, type, exponent);
  Value result = arith::MulFOp::create(b, polynomial, power);
  // Below, the exponent field has wrapped around.
  Value normal = arith::CmpFOp::create(b, arith::CmpFPredicate::UGE, x,
                                       buildFloat(b, type, kMinExponent));
  return arith::SelectOp::create(b, normal, result,
                                 buildFloat(b, type, 0.0f));
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

/// The upstream approximation clamps NaN away: put it back.
struct KeepTanhNaN : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;
  static constexpr StringLiteral kGuarded = "attn.nan_kept";
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

struct ExpandMathPass : attn::impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<KeepTanhNaN>(&getContext());
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
