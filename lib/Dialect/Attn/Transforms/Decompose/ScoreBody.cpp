//===- ScoreBody.cpp - The final score of one pair, as scalar ops ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreBody.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::decompose;

namespace {
class ScoreBody {
public:
  ScoreBody(ImplicitLocOpBuilder &b, const DenseProblem &problem,
            const Point &point)
      : b(b), op(problem.op), problem(problem), point(point) {}

  Value build(Value dot);

private:
  Value buildPosition();
  Value buildScaled(Value dot);
  Value buildSoftcap(Value score);
  Value buildAlibi(Value score);
  Value buildBias();
  Value buildFinal(Value dot, Value visible);

  Value buildMask(Attribute mask);
  Value buildLeaf(Attribute mask);
  Value buildWindow(SlidingWindowAttr window);
  Value buildSegments(SegmentsAttr segments);
  Value buildPerHead(PerHeadAttr perHead);
  Value buildAll(ArrayRef<Attribute> masks, bool isAnd);

  Value buildCall(FlatSymbolRefAttr symbol, ValueRange leading,
                  ValueRange captures);
  /// The element of an operand [B, Hq, Sq, Skv] whose dims may be 1.
  Value buildReadScores(Value tensor);
  Value toFloat(Value index);
  Value boolean(bool value) {
    return arith::ConstantIntOp::create(b, value, 1);
  }
  Value compare(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpIOp::create(b, predicate, lhs, rhs);
  }

  ImplicitLocOpBuilder &b;
  AttentionOp op;
  const DenseProblem &problem;
  Point point;
  Value position;
  /// Masks share parts.
  llvm::DenseMap<Attribute, Value> known;
};
} // namespace

//===----------------------------------------------------------------------===//
// Reading operands
//===----------------------------------------------------------------------===//

/// `index`, or 0 in a dim of size 1, which a dynamic one may turn out to be.
static Value buildBroadcast(ImplicitLocOpBuilder &b, Value tensor, int64_t dim,
                            Value index) {
  int64_t size = cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
  if (size == 1)
    return buildIndex(b, 0);
  if (!ShapedType::isDynamic(size))
    return index;
  Value actual = tensor::DimOp::create(b, tensor, dim);
  Value isOne = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, actual,
                                      buildIndex(b, 1));
  return arith::SelectOp::create(b, isOne, buildIndex(b, 0), index);
}

Value ScoreBody::buildReadScores(Value tensor) {
  const Value full[] = {point.batch, point.head, point.row, point.key};
  SmallVector<Value> indices;
  for (auto [dim, index] : llvm::enumerate(full))
    indices.push_back(buildBroadcast(b, tensor, dim, index));
  return tensor::ExtractOp::create(b, tensor, indices);
}

Value decompose::buildReadDescale(ImplicitLocOpBuilder &b,
                                  const DenseProblem &problem, Value tensor,
                                  Value batch, Value head) {
  AttentionOp op = problem.op;
  Value kvHeads =
      tensor::DimOp::create(b, op.getK(), getLayoutDims(op.getKLayout()).head);
  Value heads =
      tensor::DimOp::create(b, op.getQ(), getLayoutDims(op.getQLayout()).head);
  Value group = arith::DivUIOp::create(b, heads, kvHeads);
  Value kvHead = arith::DivUIOp::create(b, head, group);
  return tensor::ExtractOp::create(
      b, tensor,
      ValueRange{buildBroadcast(b, tensor, 0, batch),
                 buildBroadcast(b, tensor, 1, kvHead)});
}

Value ScoreBody::toFloat(Value index) {
  Value integer = arith::IndexCastOp::create(b, b.getI64Type(), index);
  return arith::SIToFPOp::create(b, b.getF32Type(), integer);
}

Value ScoreBody::buildPosition() {
  if (Value positions = op.getQPositions())
    return buildReadIndex(b, positions,
                          problem.buildRowIndices(b, point.batch, point.row));
  Value offset = op.getDynamicQOffset();
  if (offset && isa<TensorType>(offset.getType()))
    offset = buildReadIndex(b, offset, point.batch);
  else if (offset)
    offset = arith::IndexCastOp::create(b, b.getIndexType(), offset);
  else if (int64_t constant = op.getQOffset().value_or(0))
    offset = buildIndex(b, constant);
  return offset ? arith::AddIOp::create(b, point.row, offset).getResult()
                : point.row;
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

Value ScoreBody::buildWindow(SlidingWindowAttr window) {
  Value visible;
  if (window.hasLeft()) {
    Value first =
        arith::SubIOp::create(b, position, buildIndex(b, window.getLeft()));
    visible = compare(arith::CmpIPredicate::sge, point.key, first);
  }
  if (window.hasRight()) {
    Value last =
        arith::AddIOp::create(b, position, buildIndex(b, window.getRight()));
    visible = buildAnd(b, visible,
                       compare(arith::CmpIPredicate::sle, point.key, last));
  }
  return visible ? visible : boolean(true);
}

Value ScoreBody::buildSegments(SegmentsAttr segments) {
  Value q = op.getMaskOperands()[segments.getQSlot()];
  Value kv = op.getMaskOperands()[segments.getKvSlot()];
  Value row = tensor::ExtractOp::create(
      b, q, problem.buildRowIndices(b, point.batch, point.row));
  Value key = tensor::ExtractOp::create(
      b, kv, problem.buildKeyIndices(b, point.batch, point.key));
  return compare(arith::CmpIPredicate::eq, row, key);
}

Value ScoreBody::buildPerHead(PerHeadAttr perHead) {
  Value visible = boolean(false);
  for (auto [head, mask] : llvm::enumerate(perHead.getMasks())) {
    Value isHead =
        compare(arith::CmpIPredicate::eq, point.head, buildIndex(b, head));
    visible = arith::SelectOp::create(b, isHead, buildMask(mask), visible);
  }
  return visible;
}

Value ScoreBody::buildAll(ArrayRef<Attribute> masks, bool isAnd) {
  Value all;
  for (Attribute mask : masks) {
    Value visible = buildMask(mask);
    if (!all)
      all = visible;
    else if (isAnd)
      all = arith::AndIOp::create(b, all, visible);
    else
      all = arith::OrIOp::create(b, all, visible);
  }
  return all ? all : boolean(isAnd);
}

Value ScoreBody::buildLeaf(Attribute mask) {
  using Predicate = arith::CmpIPredicate;
  return TypeSwitch<Attribute, Value>(mask)
      .Case([&](CausalAttr) {
        return compare(Predicate::sle, point.key, position);
      })
      .Case([&](SlidingWindowAttr window) { return buildWindow(window); })
      .Case([&](ChunkedAttr chunked) {
        Value size = buildIndex(b, chunked.getSize());
        Value row = arith::FloorDivSIOp::create(b, position, size);
        Value key = arith::FloorDivSIOp::create(b, point.key, size);
        return compare(Predicate::eq, row, key);
      })
      .Case([&](PrefixAttr prefix) {
        Value length =
            prefix.hasSlot()
                ? buildReadIndex(b, op.getMaskOperands()[prefix.getSlot()],
                                 point.batch)
                : buildIndex(b, prefix.getLength());
        return compare(Predicate::slt, point.key, length);
      })
      .Case([&](SegmentsAttr segments) { return buildSegments(segments); })
      .Case([&](DenseAttr dense) {
        return buildReadScores(op.getMaskOperands()[dense.getSlot()]);
      })
      .Case([&](CustomAttr custom) {
        SmallVector<Value> captures;
        for (int64_t slot : custom.getSlots())
          captures.push_back(op.getMaskOperands()[slot]);
        return buildCall(custom.getFunction(),
                         {point.batch, point.head, position, point.key},
                         captures);
      });
}

Value ScoreBody::buildMask(Attribute mask) {
  if (Value visible = known.lookup(mask))
    return visible;
  Value visible =
      TypeSwitch<Attribute, Value>(mask)
          .Case([&](AndAttr node) { return buildAll(node.getMasks(), true); })
          .Case([&](OrAttr node) { return buildAll(node.getMasks(), false); })
          .Case([&](NotAttr node) -> Value {
            return arith::XOrIOp::create(b, buildMask(node.getMask()),
                                         boolean(true));
          })
          .Case([&](PerHeadAttr node) { return buildPerHead(node); })
          .Default([&](Attribute leaf) { return buildLeaf(leaf); });
  known[mask] = visible;
  return visible;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// The body of a user function in place of a call.
Value ScoreBody::buildCall(FlatSymbolRefAttr symbol, ValueRange leading,
                           ValueRange captures) {
  auto function =
      SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, symbol);
  Block &body = function.getBody().front();
  IRMapping map;
  SmallVector<Value> operands(leading);
  llvm::append_range(operands, captures);
  for (auto [argument, operand] : llvm::zip(body.getArguments(), operands)) {
    if (argument.getType() != operand.getType())
      operand = tensor::CastOp::create(b, argument.getType(), operand);
    map.map(argument, operand);
  }
  for (Operation &inner : body.without_terminator())
    b.clone(inner, map);
  return map.lookupOrDefault(body.getTerminator()->getOperand(0));
}

Value ScoreBody::buildScaled(Value dot) {
  Value scale = op.getDynamicScale();
  if (!scale)
    scale = buildF32(b, op.getScale()->convertToDouble());
  for (Value descale : {op.getQDescale(), op.getKDescale()})
    if (descale)
      scale = arith::MulFOp::create(
          b, scale,
          buildReadDescale(b, problem, descale, point.batch, point.head));
  return arith::MulFOp::create(b, dot, scale);
}

Value ScoreBody::buildSoftcap(Value score) {
  Value cap = op.getDynamicSoftcap();
  if (!cap && (!op.getSoftcap() || op.getSoftcap()->isZero()))
    return score;
  if (!cap)
    cap = buildF32(b, op.getSoftcap()->convertToDouble());
  Value ratio = arith::DivFOp::create(b, score, cap);
  Value capped = arith::MulFOp::create(b, math::TanhOp::create(b, ratio), cap);
  if (!op.getDynamicSoftcap())
    return capped;
  Value capping =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, cap, buildF32(b, 0));
  return arith::SelectOp::create(b, capping, capped, score);
}

Value ScoreBody::buildAlibi(Value score) {
  Value slopes = op.getAlibiSlopes();
  if (!slopes)
    return score;
  SmallVector<Value> indices = {point.batch, point.head};
  bool perBatch = cast<RankedTensorType>(slopes.getType()).getRank() == 2;
  Value slope = tensor::ExtractOp::create(
      b, slopes, ArrayRef(indices).drop_front(perBatch ? 0 : 1));
  Value difference = arith::SubIOp::create(b, position, point.key);
  Value distance = math::AbsFOp::create(b, toFloat(difference));
  return arith::SubFOp::create(b, score,
                               arith::MulFOp::create(b, slope, distance));
}

Value ScoreBody::buildBias() {
  return op.getBias() ? buildExtend(b, buildReadScores(op.getBias())) : Value();
}

Value ScoreBody::buildFinal(Value dot, Value visible) {
  Value score = buildAlibi(buildSoftcap(buildScaled(dot)));
  Value hidden = buildF32(b, -std::numeric_limits<double>::infinity());
  Value bias = buildBias();
  if (bias)
    score = arith::AddFOp::create(b, score, bias);
  if (op.getScoreModAttr()) {
    SmallVector<Value> leading = {score, point.batch, point.head, position,
                                  point.key};
    score = buildCall(op.getScoreModAttr(), leading, op.getScoreOperands());
    // Whatever the function made of it.
    if (bias)
      visible = buildAnd(
          b, visible,
          arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, bias, hidden));
  }
  return visible
             ? arith::SelectOp::create(b, visible, score, hidden).getResult()
             : score;
}

Value ScoreBody::build(Value dot) {
  Value inside;
  if (Value rows = problem.buildRowCount(b, point.batch))
    inside = buildLess(b, point.row, rows);
  if (Value keys = problem.buildKeyCount(b, point.batch))
    inside = buildAnd(b, inside, buildLess(b, point.key, keys));
  auto buildInside = [&](Value visible) {
    position = buildPosition();
    if (op.getMaskAttr())
      visible = buildAnd(b, visible, buildMask(op.getMaskAttr()));
    return buildFinal(dot, visible);
  };
  if (!problem.isRagged())
    return buildInside(inside);
  return buildGuarded(
      b, inside, [&] { return buildInside({}); },
      buildF32(b, -std::numeric_limits<double>::infinity()));
}

Value decompose::buildScore(ImplicitLocOpBuilder &b,
                            const DenseProblem &problem, const Point &point,
                            Value dot) {
  return ScoreBody(b, problem, point).build(dot);
}
