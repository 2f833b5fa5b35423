//===- AttnFolds.cpp - Canonicalisation of attn ops -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Casts of tensor operands are folded by the tensor dialect, for every op of
// destination style.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// The value of an integer constant or of all elements of a constant tensor.
static std::optional<int64_t> getSplatInteger(Value value) {
  Attribute constant;
  if (!value || !matchPattern(value, m_Constant(&constant)))
    return std::nullopt;
  if (auto integer = dyn_cast<IntegerAttr>(constant))
    return integer.getValue().getSExtValue();
  auto splat = dyn_cast<SplatElementsAttr>(constant);
  if (splat && splat.getElementType().isIntOrIndex())
    return splat.getSplatValue<APInt>().getSExtValue();
  return std::nullopt;
}

/// The constant f32 that `value` holds, or null.
static FloatAttr getFloat(Value value) {
  FloatAttr constant;
  if (value)
    matchPattern(value, m_Constant(&constant));
  return constant;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static int64_t getSequence(ShapedType type, Layout layout) {
  return type.getDimSize(getLayoutDims(layout).sequence);
}

static MaskBounds getMaskBounds(AttentionOp op) {
  MaskBounds bounds;
  if (int64_t keys = op.getNumKeys(); !ShapedType::isDynamic(keys) && keys > 0)
    bounds.keys = keys;
  if (op.getQPositions() || op.getDynamicQOffset())
    return bounds;
  bounds.minQ = op.getQOffset().value_or(0);
  int64_t rows = getSequence(op.getQType(), op.getQLayout());
  int64_t maxQ;
  if (!ShapedType::isDynamic(rows) && rows > 0 &&
      !llvm::AddOverflow(*bounds.minQ, rows - 1, maxQ))
    bounds.maxQ = maxQ;
  return bounds;
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Prefixes whose mask operand is a constant become constants themselves.
static Attribute foldPrefixSlots(AttentionOp op, Attribute mask) {
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](PrefixAttr prefix) -> Attribute {
    if (!prefix.hasSlot())
      return prefix;
    std::optional<int64_t> length =
        getSplatInteger(op.getMaskOperands()[prefix.getSlot()]);
    if (!length)
      return prefix;
    return PrefixAttr::get(op.getContext(), std::max<int64_t>(*length, 0));
  });
  return replacer.replace(mask);
}

/// Numbers the mask operands in the order in which `mask` names them, equal
/// ones once, and returns them in that order.
static SmallVector<Value> renumberSlots(AttentionOp op, Attribute &mask) {
  llvm::SetVector<Value, SmallVector<Value>> operands;
  auto renumber = [&](int64_t slot) -> int64_t {
    Value operand = op.getMaskOperands()[slot];
    operands.insert(operand);
    return std::distance(operands.begin(), llvm::find(operands, operand));
  };
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](PrefixAttr leaf) -> Attribute {
    if (!leaf.hasSlot())
      return leaf;
    return PrefixAttr::get(leaf.getContext(), 0, renumber(leaf.getSlot()));
  });
  replacer.addReplacement([&](SegmentsAttr leaf) -> Attribute {
    int64_t qSlot = renumber(leaf.getQSlot());
    return SegmentsAttr::get(leaf.getContext(), qSlot,
                             renumber(leaf.getKvSlot()));
  });
  replacer.addReplacement([&](DenseAttr leaf) -> Attribute {
    return DenseAttr::get(leaf.getContext(), renumber(leaf.getSlot()));
  });
  replacer.addReplacement([&](CustomAttr leaf) -> Attribute {
    SmallVector<int64_t> slots = llvm::map_to_vector(leaf.getSlots(), renumber);
    return CustomAttr::get(leaf.getContext(), leaf.getFunction(), slots);
  });
  mask = replacer.replace(mask);
  return operands.takeVector();
}

namespace {
/// Writes the mask as simply as constants and static sizes allow, and drops the
/// operands that no slot names any more.
struct SimplifyMask : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    Attribute old = op.getMaskAttr();
    if (!old)
      return failure();
    Attribute mask = simplifyMask(foldPrefixSlots(op, old), getMaskBounds(op));
    SmallVector<Value> operands = renumberSlots(op, mask);
    if (mask == old && llvm::equal(operands, op.getMaskOperands()))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setMaskAttr(showsAll(mask) ? Attribute() : mask);
      op.getMaskOperandsMutable().assign(operands);
    });
    return success();
  }
};

/// Without a visible key and without sinks there is nothing to compute.
struct FillHidden : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    bool hidden = op.getMaskAttr() && showsNothing(op.getMaskAttr());
    if ((!hidden && op.getNumKeys() != 0) || op.getSinks())
      return failure();
    SmallVector<Value> results;
    for (auto [i, init] : llvm::enumerate(op.getOuts())) {
      auto type = cast<FloatType>(getElementTypeOrSelf(init.getType()));
      const llvm::fltSemantics &semantics = type.getFloatSemantics();
      APFloat value = i == 0 ? APFloat::getZero(semantics)
                             : APFloat::getInf(semantics, /*Negative=*/true);
      Value scalar = arith::ConstantOp::create(
          rewriter, op.getLoc(), rewriter.getFloatAttr(type, value));
      auto fill = linalg::FillOp::create(rewriter, op.getLoc(), scalar, init);
      llvm::append_range(results, fill->getResults());
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Other operands
//===----------------------------------------------------------------------===//

/// Run-time scalars that are constants become attributes; a softcap of 0 and an
/// offset of 0 say nothing.
struct FoldScalars : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    FloatAttr scale = getFloat(op.getDynamicScale());
    if (scale && scale.getValue().isFinite()) {
      rewriter.modifyOpInPlace(op, [&] {
        op.getDynamicScaleMutable().clear();
        op.setScaleAttr(scale);
      });
      return success();
    }
    // A run-time softcap that is not positive means none, as NaN does.
    FloatAttr softcap = getFloat(op.getDynamicSoftcap());
    if (softcap && !softcap.getValue().isPosInfinity()) {
      bool positive = !softcap.getValue().isNaN() &&
                      !softcap.getValue().isNegative() &&
                      !softcap.getValue().isZero();
      rewriter.modifyOpInPlace(op, [&] {
        op.getDynamicSoftcapMutable().clear();
        op.setSoftcapAttr(positive ? softcap : FloatAttr());
      });
      return success();
    }
    if (op.getSoftcap() && op.getSoftcap()->isZero()) {
      rewriter.modifyOpInPlace(op, [&] { op.removeSoftcapAttr(); });
      return success();
    }
    if (std::optional<int64_t> offset =
            getSplatInteger(op.getDynamicQOffset())) {
      rewriter.modifyOpInPlace(op, [&] {
        op.getDynamicQOffsetMutable().clear();
        op.setQOffset(*offset);
      });
      return success();
    }
    if (op.getQOffset() == 0) {
      rewriter.modifyOpInPlace(op, [&] { op.removeQOffsetAttr(); });
      return success();
    }
    return failure();
  }
};

/// Lengths that reach the end of every sequence hide nothing.
struct DropFullLengths : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    auto isFull = [](Value lengths, int64_t size) {
      std::optional<int64_t> length = getSplatInteger(lengths);
      return length && !ShapedType::isDynamic(size) && *length >= size;
    };
    bool dropQ =
        isFull(op.getQLens(), getSequence(op.getQType(), op.getQLayout()));
    // Pages are found through the lengths.
    bool dropKv = !op.isPaged() && isFull(op.getKvLens(), op.getNumKeys());
    if (!dropQ && !dropKv)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      if (dropQ)
        op.getQLensMutable().clear();
      if (dropKv)
        op.getKvLensMutable().clear();
    });
    return success();
  }
};

/// Memrefs that a cast only made less static are used as they were.
struct FoldMemRefCasts : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    bool folded = false;
    for (OpOperand &operand : op->getOpOperands()) {
      auto cast = operand.get().getDefiningOp<memref::CastOp>();
      if (!cast || !memref::CastOp::canFoldIntoConsumerOp(cast))
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(cast.getSource()); });
      folded = true;
    }
    return success(folded);
  }
};

/// A second init whose result nobody reads is not computed.
template <typename OpTy>
struct DropDeadLse : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 2 || !op->getResult(1).use_empty())
      return failure();
    // The inits are the last operands.
    auto clone =
        cast<OpTy>(mlir::clone(rewriter, op, op->getResult(0).getType(),
                               llvm::to_vector(op->getOperands().drop_back())));
    clone.getProperties().operandSegmentSizes.back() = 1;
    rewriter.replaceAllUsesWith(op->getResult(0), clone->getResult(0));
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<DropDeadLse<AttentionOp>, DropFullLengths, FillHidden,
               FoldMemRefCasts, FoldScalars, SimplifyMask>(context);
}

void MergeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DropDeadLse<MergeOp>>(context);
}
