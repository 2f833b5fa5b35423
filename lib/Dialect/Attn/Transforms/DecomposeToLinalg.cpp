//===- DecomposeToLinalg.cpp - Attention as plain linalg ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompose/ScoreBody.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

namespace attn {
#define GEN_PASS_DEF_DECOMPOSETOLINALGPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::decompose;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static Value buildIs(ImplicitLocOpBuilder &b, Value value, double constant) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, value,
                               buildF32(b, constant));
}

/// `value`, or `instead` where it is `constant`.
static Value buildReplace(ImplicitLocOpBuilder &b, Value value, double constant,
                          double instead) {
  return arith::SelectOp::create(b, buildIs(b, value, constant),
                                 buildF32(b, instead), value);
}

/// `value`, an f32, in the element type of an output.
static Value buildRounded(ImplicitLocOpBuilder &b, Value value, Type type) {
  return type.isF32() ? value
                      : arith::TruncFOp::create(b, type, value).getResult();
}

namespace {
/// Softmax over the last of `loops` loops of a tensor of scores, without the
/// division: statistics have the dims of the other loops.
struct Softmax {
  /// Row maximum, 0 where every score is -inf, so that scores may be shifted.
  Value maximum;
  /// exp(score - maximum): exactly 0 where the score is -inf.
  Value weights;
  /// Sum of the weights: 0 in a row of hidden keys, at least 1 in others.
  Value sum;
};
} // namespace

/// `sinks`, if given, has the element of `sinkDim` of the rows.
static Softmax buildSoftmax(ImplicitLocOpBuilder &b, Value scores,
                            ArrayRef<OpFoldResult> rowSizes, AffineMap scoreMap,
                            AffineMap rowMap, Value sinks, unsigned sinkDim) {
  unsigned loops = scoreMap.getNumDims(), rank = rowSizes.size();
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  AffineMap sinkMap = AffineMap::get(rank, 0, b.getAffineDimExpr(sinkDim));
  auto mapRows = [&](Value rows, BodyFn body) {
    SmallVector<Access> ins = {{rows, identity}};
    if (sinks)
      ins.push_back({sinks, sinkMap});
    Value empty = tensor::EmptyOp::create(b, rowSizes, b.getF32Type());
    return buildGeneric(b, rank, ins, {empty, identity}, body);
  };
  Softmax softmax;
  Value maximum =
      buildGeneric(b, loops, Access{scores, scoreMap},
                   {buildFilled(b, rowSizes, -kInfinity), rowMap},
                   [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                     return arith::MaximumFOp::create(b, x[0], x[1]);
                   });
  softmax.maximum =
      mapRows(maximum, [&](ImplicitLocOpBuilder &b, ValueRange x) {
        Value shift = x[0];
        if (sinks)
          shift = arith::MaximumFOp::create(b, shift, x[1]);
        return buildReplace(b, shift, -kInfinity, 0);
      });
  Value empty = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), scores), b.getF32Type());
  softmax.weights = buildGeneric(
      b, loops, {{scores, scoreMap}, {softmax.maximum, rowMap}},
      {empty, scoreMap}, [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
        return math::ExpOp::create(b, arith::SubFOp::create(b, x[0], x[1]));
      });
  softmax.sum =
      buildGeneric(b, loops, Access{softmax.weights, scoreMap},
                   {buildFilled(b, rowSizes, 0), rowMap},
                   [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                     return arith::AddFOp::create(b, x[0], x[1]);
                   });
  if (!sinks)
    return softmax;
  softmax.sum = buildGeneric(
      b, rank,
      {{softmax.sum, identity}, {softmax.maximum, identity}, {sinks, sinkMap}},
      {tensor::EmptyOp::create(b, rowSizes, b.getF32Type()), identity},
      [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
        Value weight =
            math::ExpOp::create(b, arith::SubFOp::create(b, x[2], x[1]));
        return arith::AddFOp::create(b, x[0], weight);
      });
  return softmax;
}

/// sum over the last but one loop of weight * value, over what is not hidden:
/// a hidden value never meets a product.
static Value buildWeightedSum(ImplicitLocOpBuilder &b, Access scores,
                              Access weights, Access values,
                              ArrayRef<OpFoldResult> sizes, AffineMap map) {
  return buildGeneric(
      b, map.getNumDims(), {scores, weights, values},
      {buildFilled(b, sizes, 0), map},
      [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
        Value hidden = buildIs(b, x[0], -kInfinity);
        Value value = arith::SelectOp::create(b, hidden, buildF32(b, 0),
                                              buildExtend(b, x[2]));
        Value weight = x[1];
        // As matrix units do it.
        if (Type type = x[2].getType(); isa<Float16Type, BFloat16Type>(type))
          weight = buildExtend(b, arith::TruncFOp::create(b, type, weight));
        return arith::AddFOp::create(b, x[3],
                                     arith::MulFOp::create(b, weight, value));
      });
}

/// maximum + ln(sum), -inf where nothing is summed.
static Value buildLogSum(ImplicitLocOpBuilder &b, Value maximum, Value sum) {
  Value lse = arith::AddFOp::create(b, maximum, math::LogOp::create(b, sum));
  return arith::SelectOp::create(b, buildIs(b, sum, 0), buildF32(b, -kInfinity),
                                 lse);
}

/// weighted / sum, 0 where nothing is summed.
static Value buildMean(ImplicitLocOpBuilder &b, Value weighted, Value sum) {
  return arith::DivFOp::create(b, weighted, buildReplace(b, sum, 0, 1));
}

//===----------------------------------------------------------------------===//
// attn.attention
//===----------------------------------------------------------------------===//

namespace {
/// Builds the results of one attention op.
class Decomposition {
public:
  Decomposition(ImplicitLocOpBuilder &b, AttentionOp op)
      : b(b), op(op), problem(b, op) {}

  SmallVector<Value> build();

private:
  /// A map of `loops` dims to these.
  AffineMap map(unsigned loops, ArrayRef<unsigned> dims) {
    return AffineMap::getMultiDimMapWithTargets(loops, dims, b.getContext());
  }
  Value buildScores();
  Value buildOut(const Softmax &softmax, Value weighted);
  Value buildLse(const Softmax &softmax);
  /// A tensor like `init` of `body` of the (batch, head, row, ...) of each of
  /// its elements and of the elements of `sources` there; `dims` says where
  /// these lie in it, packed ones have no batch. Padding rows get `padding`.
  Value buildResult(
      Value init, ArrayRef<int> dims, ArrayRef<Value> sources, double padding,
      function_ref<Value(ImplicitLocOpBuilder &, ValueRange, ValueRange)> body);
  /// The indices of a packed element in tensors with a dim for the batch, and
  /// whether its token is part of a sequence.
  Value buildUnpacked(ImplicitLocOpBuilder &b, Value sequences,
                      SmallVectorImpl<Value> &point);

  ImplicitLocOpBuilder &b;
  AttentionOp op;
  DenseProblem problem;
};
} // namespace

Value Decomposition::buildScores() {
  OpFoldResult sizes[] = {problem.batches, problem.heads, problem.rows,
                          problem.keys};
  // Loops: batch, head, row, key, head dim.
  auto withLoops = [&](const Access &access, ArrayRef<unsigned> loops) {
    return Access{access.tensor, access.map.compose(map(5, loops))};
  };
  Value dots = buildGeneric(
      b, 5,
      {withLoops(problem.q, {0, 1, 2, 4}), withLoops(problem.k, {0, 1, 3, 4})},
      {buildFilled(b, sizes, 0), map(5, {0, 1, 2, 3})},
      [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
        Value query = buildExtend(b, x[0]), key = buildExtend(b, x[1]);
        return arith::AddFOp::create(b, x[2],
                                     arith::MulFOp::create(b, query, key));
      });
  AffineMap identity = b.getMultiDimIdentityMap(4);
  return buildGeneric(
      b, 4, Access{dots, identity},
      {tensor::EmptyOp::create(b, sizes, b.getF32Type()), identity},
      [&](ImplicitLocOpBuilder &b, ValueRange x) {
        Point point = {
            linalg::IndexOp::create(b, 0), linalg::IndexOp::create(b, 1),
            linalg::IndexOp::create(b, 2), linalg::IndexOp::create(b, 3)};
        return buildScore(b, problem, point, x[0]);
      });
}

Value Decomposition::buildUnpacked(ImplicitLocOpBuilder &b, Value sequences,
                                   SmallVectorImpl<Value> &point) {
  point[0] = buildReadIndex(b, sequences, point[2]);
  Value batches =
      getValueOrCreateConstantIndexOp(b, b.getLoc(), problem.batches);
  return buildLess(b, point[0], batches);
}

Value Decomposition::buildResult(
    Value init, ArrayRef<int> dims, ArrayRef<Value> sources, double padding,
    function_ref<Value(ImplicitLocOpBuilder &, ValueRange, ValueRange)> body) {
  Type element = getElementTypeOrSelf(init.getType());
  unsigned rank = cast<RankedTensorType>(init.getType()).getRank();
  Value sequences = op.isPackedQ() ? problem.buildSequenceOfToken(b) : Value();
  SmallVector<Access> ins;
  if (!sequences)
    for (Value source : sources) {
      SmallVector<unsigned> loops(dims.begin(), dims.end());
      loops.resize(cast<RankedTensorType>(source.getType()).getRank());
      ins.push_back({source, map(rank, loops)});
    }
  return buildGeneric(
      b, rank, ins, {init, b.getMultiDimIdentityMap(rank)},
      [&](ImplicitLocOpBuilder &b, ValueRange x) {
        SmallVector<Value> point, elements(x.drop_back());
        for (int dim : dims)
          point.push_back(dim < 0 ? Value() : linalg::IndexOp::create(b, dim));
        Value inside;
        if (sequences)
          inside = buildUnpacked(b, sequences, point);
        else if (Value rows = problem.buildRowCount(b, point[0]))
          inside = buildLess(b, point[2], rows);
        auto buildInside = [&] {
          if (sequences) {
            Value first = buildReadIndex(b, op.getCuSeqlensQ(), point[0]);
            point[2] = arith::SubIOp::create(b, point[2], first);
            for (Value source : sources) {
              size_t rank = cast<RankedTensorType>(source.getType()).getRank();
              elements.push_back(tensor::ExtractOp::create(
                  b, source, ArrayRef(point).take_front(rank)));
            }
          }
          return body(b, point, elements);
        };
        Value result =
            buildGuarded(b, inside, buildInside, buildF32(b, padding));
        return buildRounded(b, result, element);
      });
}

Value Decomposition::buildOut(const Softmax &softmax, Value weighted) {
  LayoutDims dims = getLayoutDims(op.getOutLayout());
  return buildResult(
      op.getOut(), {dims.batch, dims.head, dims.sequence, dims.dim},
      {weighted, softmax.sum}, 0,
      [&](ImplicitLocOpBuilder &b, ValueRange point, ValueRange x) {
        Value out = buildMean(b, x[0], x[1]);
        if (!op.getVDescale())
          return out;
        Value descale =
            buildReadDescale(b, problem, op.getVDescale(), point[0], point[1]);
        return arith::MulFOp::create(b, out, descale).getResult();
      });
}

Value Decomposition::buildLse(const Softmax &softmax) {
  SmallVector<int> dims = {0, 1, 2};
  if (op.isPackedQ())
    dims = {-1, 0, 1};
  return buildResult(op.getLse(), dims, {softmax.maximum, softmax.sum},
                     -kInfinity,
                     [&](ImplicitLocOpBuilder &b, ValueRange, ValueRange x) {
                       return buildLogSum(b, x[0], x[1]);
                     });
}

SmallVector<Value> Decomposition::build() {
  Value scores = buildScores();
  OpFoldResult rowSizes[] = {problem.batches, problem.heads, problem.rows};
  Softmax softmax =
      buildSoftmax(b, scores, rowSizes, b.getMultiDimIdentityMap(4),
                   map(4, {0, 1, 2}), op.getSinks(), 1);
  // Loops: batch, head, row, key, head dim of V.
  OpFoldResult sizes[] = {problem.batches, problem.heads, problem.rows,
                          b.getIndexAttr(op.getValueHeadDim())};
  AffineMap pairs = map(5, {0, 1, 2, 3});
  Value weighted = buildWeightedSum(
      b, {scores, pairs}, {softmax.weights, pairs},
      {problem.v.tensor, problem.v.map.compose(map(5, {0, 1, 3, 4}))}, sizes,
      map(5, {0, 1, 2, 4}));
  SmallVector<Value> results = {buildOut(softmax, weighted)};
  if (op.getLse())
    results.push_back(buildLse(softmax));
  return results;
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

static SmallVector<Value> buildMerge(ImplicitLocOpBuilder &b, MergeOp op) {
  SmallVector<OpFoldResult> partSizes =
      tensor::getMixedSizes(b, b.getLoc(), op.getPartOuts());
  ArrayRef<OpFoldResult> sizes = ArrayRef(partSizes).drop_front();
  auto map = [&](unsigned loops, ArrayRef<unsigned> dims) {
    return AffineMap::getMultiDimMapWithTargets(loops, dims, b.getContext());
  };
  // Loops: batch, head, row, part, then head dim.
  Softmax softmax =
      buildSoftmax(b, op.getPartLses(), sizes.drop_back(), map(4, {3, 0, 1, 2}),
                   map(4, {0, 1, 2}), op.getSinks(), 1);
  Value weighted = buildWeightedSum(b, {op.getPartLses(), map(5, {3, 0, 1, 2})},
                                    {softmax.weights, map(5, {3, 0, 1, 2})},
                                    {op.getPartOuts(), map(5, {3, 0, 1, 2, 4})},
                                    sizes, map(5, {0, 1, 2, 4}));
  auto build = [&](Value init, ArrayRef<Access> ins, BodyFn body) {
    unsigned rank = cast<RankedTensorType>(init.getType()).getRank();
    return buildGeneric(b, rank, ins, {init, b.getMultiDimIdentityMap(rank)},
                        body);
  };
  SmallVector<Value> results;
  Value out = op.getOuts()[0];
  results.push_back(build(
      out, {{weighted, map(4, {0, 1, 2, 3})}, {softmax.sum, map(4, {0, 1, 2})}},
      [&](ImplicitLocOpBuilder &b, ValueRange x) {
        return buildRounded(b, buildMean(b, x[0], x[1]),
                            getElementTypeOrSelf(out.getType()));
      }));
  if (op.getOuts().size() > 1)
    results.push_back(build(op.getOuts()[1],
                            {{softmax.maximum, map(3, {0, 1, 2})},
                             {softmax.sum, map(3, {0, 1, 2})}},
                            [](ImplicitLocOpBuilder &b, ValueRange x) {
                              return buildLogSum(b, x[0], x[1]);
                            }));
  return results;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Fails, with an error, for an op on memrefs; puts plain ops in the place of
/// any other.
template <typename OpTy>
static LogicalResult
replace(OpTy op,
        function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, OpTy)> build) {
  if (op->getNumResults() == 0)
    return op.emitOpError() << "works on memrefs; expected tensors, which is "
                               "what its linalg form is made of";
  ImplicitLocOpBuilder b(op.getLoc(), op);
  SmallVector<Value> results = build(b, op);
  for (auto [result, old] : llvm::zip_equal(results, op->getResults()))
    if (result.getType() != old.getType())
      result = tensor::CastOp::create(b, old.getType(), result);
  op->replaceAllUsesWith(results);
  op->erase();
  return success();
}

namespace {
struct DecomposeToLinalgPass
    : attn::impl::DecomposeToLinalgPassBase<DecomposeToLinalgPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<AttentionOp, MergeOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      auto attention = dyn_cast<AttentionOp>(op);
      LogicalResult done =
          attention ? replace<AttentionOp>(
                          attention,
                          [](ImplicitLocOpBuilder &b, AttentionOp op) {
                            return Decomposition(b, op).build();
                          })
                    : replace<MergeOp>(cast<MergeOp>(op), buildMerge);
      if (failed(done))
        return signalPassFailure();
    }
  }
};
} // namespace
