//===- ExpandFloat8.cpp - 8-bit floats to wider ones by bit operations ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An 8-bit float is moved to where a wider format has its sign, exponent and
// upper mantissa bits. That format then reads a number that is off by a power
// of two, as the exponent biases differ, and a multiplication corrects it
// exactly. Subnormal numbers come right too: the wider format has subnormals of
// its own.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include <cmath>
#include <limits>

namespace attn {
#define GEN_PASS_DEF_EXPANDFLOAT8PASS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr int kSign = 0x80, kMagnitude = 0x7f;
static constexpr int kHalfBias = 15, kSingleBias = 127;

namespace {

/// Which bytes are NaN and have to be made one.
enum class NaNBytes {
  /// The wider format sees NaN where the narrow one does.
  AsWide,
  /// All bits but the sign.
  AllOnes,
  /// The sign alone.
  NegativeZero,
};

struct Float8Format {
  int mantissaBits, bias;
  NaNBytes nan;
  /// Whether f16 holds every number once the bits are moved there. It takes
  /// the largest exponent for infinity and NaN.
  bool fitsHalf;
};

} // namespace

static std::optional<Float8Format> getFormat(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return Float8Format{3, 7, NaNBytes::AllOnes, true};
  if (isa<Float8E5M2Type>(type))
    return Float8Format{2, 15, NaNBytes::AsWide, true};
  if (isa<Float8E4M3FNUZType>(type))
    return Float8Format{3, 8, NaNBytes::NegativeZero, true};
  if (isa<Float8E5M2FNUZType>(type))
    return Float8Format{2, 16, NaNBytes::NegativeZero, false};
  return std::nullopt;
}

/// `scalar`, or a vector of it shaped like `type`.
static Type getLike(Type type, Type scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(scalar);
  return scalar;
}

static Value buildInt(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  auto element = cast<IntegerType>(getElementTypeOrSelf(type));
  APInt bits(element.getWidth(), value, /*isSigned=*/true,
             /*implicitTrunc=*/true);
  TypedAttr attr = b.getIntegerAttr(element, bits);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, bits);
  return arith::ConstantOp::create(b, attr);
}

static Value buildFloat(ImplicitLocOpBuilder &b, Type type, double value) {
  TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(b, attr);
}

/// The bits of `bytes` as those of `wide`, f16 or f32, with the sign on top and
/// exponent and mantissa `shift` bits up.
static Value moveBits(ImplicitLocOpBuilder &b, Value bytes, Type wide,
                      int shift) {
  int width = wide.getIntOrFloatBitWidth();
  Type words = getLike(bytes.getType(), b.getIntegerType(width));
  // Every bit above the byte is the sign, so shifting leaves it on top.
  Value extended = arith::ExtSIOp::create(b, words, bytes);
  Value moved = arith::ShLIOp::create(b, extended, buildInt(b, words, shift));
  int64_t kept = (int64_t(1) << (width - 1)) | (int64_t(kMagnitude) << shift);
  Value bits = arith::AndIOp::create(b, moved, buildInt(b, words, kept));
  return arith::BitcastOp::create(b, getLike(words, wide), bits);
}

/// `bytes` of `format` as `result`, f32, or f16 where that holds their bits.
static Value buildWide(ImplicitLocOpBuilder &b, Value bytes, Type result,
                       Float8Format format) {
  Type type = getLike(bytes.getType(), result);
  Type wide = format.fitsHalf ? Type(b.getF16Type()) : Type(b.getF32Type());
  int wideMantissa = cast<FloatType>(wide).getFPMantissaWidth() - 1;
  Value value = moveBits(b, bytes, wide, wideMantissa - format.mantissaBits);
  if (wide != result)
    value = arith::ExtFOp::create(b, type, value);
  int exponent = (format.fitsHalf ? kHalfBias : kSingleBias) - format.bias;
  if (exponent != 0)
    value = arith::MulFOp::create(
        b, value, buildFloat(b, type, std::ldexp(1.0, exponent)));
  if (format.nan == NaNBytes::AsWide)
    return value;

  Value tested = bytes;
  int nanByte = kSign;
  if (format.nan == NaNBytes::AllOnes) {
    nanByte = kMagnitude;
    tested = arith::AndIOp::create(b, bytes,
                                   buildInt(b, bytes.getType(), kMagnitude));
  }
  Value isNaN = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, tested,
                                      buildInt(b, bytes.getType(), nanByte));
  return arith::SelectOp::create(
      b, isNaN, buildFloat(b, type, std::numeric_limits<double>::quiet_NaN()),
      value);
}

/// `single` as a bf16, `type`, which holds it exactly: nothing is rounded.
static Value buildUpperHalf(ImplicitLocOpBuilder &b, Value single, Type type) {
  Type words = getLike(type, b.getI32Type());
  Value bits = arith::BitcastOp::create(b, words, single);
  Value upper = arith::ShRUIOp::create(b, bits, buildInt(b, words, 16));
  Value half = arith::TruncIOp::create(b, getLike(type, b.getI16Type()), upper);
  return arith::BitcastOp::create(b, type, half);
}

namespace {

struct ExpandExtF : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    Value source = op.getIn();
    auto format = getFormat(getElementTypeOrSelf(source.getType()));
    if (!format)
      return rewriter.notifyMatchFailure(op, "not of an 8-bit float");
    if (isa<TensorType>(source.getType()))
      return rewriter.notifyMatchFailure(op, "neither scalar nor vector");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value bytes = arith::BitcastOp::create(
        b, getLike(source.getType(), b.getI8Type()), source);
    rewriter.replaceOp(op, convert(b, bytes, op.getType(), *format));
    return success();
  }

private:
  static Value convert(ImplicitLocOpBuilder &b, Value bytes, Type type,
                       Float8Format format) {
    Type element = getElementTypeOrSelf(type);
    if (element.isF16() && format.fitsHalf)
      return buildWide(b, bytes, element, format);
    Value single = buildWide(b, bytes, b.getF32Type(), format);
    // Both 16-bit types hold what any of the formats does.
    if (element.isBF16())
      return buildUpperHalf(b, single, type);
    if (element.isF16())
      return arith::TruncFOp::create(b, type, single);
    if (element.isF64())
      return arith::ExtFOp::create(b, type, single);
    return single;
  }
};

struct ExpandFloat8Pass : attn::impl::ExpandFloat8PassBase<ExpandFloat8Pass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExtF>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
