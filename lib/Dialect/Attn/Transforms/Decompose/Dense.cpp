//===- Dense.cpp - An attention problem with its sequences apart ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Dense.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;
using namespace attn::decompose;

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

Value decompose::buildGeneric(ImplicitLocOpBuilder &b, unsigned loops,
                              ArrayRef<Access> ins, Access init, BodyFn body) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Access &in : ins) {
    inputs.push_back(in.tensor);
    maps.push_back(in.map);
  }
  maps.push_back(init.map);
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  for (AffineExpr result : init.map.getResults())
    iterators[cast<AffineDimExpr>(result).getPosition()] =
        utils::IteratorType::parallel;
  auto generic = linalg::GenericOp::create(
      b, b.getLoc(), init.tensor.getType(), inputs, init.tensor, maps,
      iterators, [&](OpBuilder &nested, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder inner(loc, nested);
        Value result = body(inner, elements);
        linalg::YieldOp::create(inner, result);
      });
  return generic.getResult(0);
}

Value decompose::buildTabulate(ImplicitLocOpBuilder &b,
                               ArrayRef<OpFoldResult> sizes, Type element,
                               BodyFn body) {
  return buildTabulateInto(b, tensor::EmptyOp::create(b, sizes, element), body);
}

Value decompose::buildTabulateInto(ImplicitLocOpBuilder &b, Value init,
                                   BodyFn body) {
  unsigned rank = cast<RankedTensorType>(init.getType()).getRank();
  return buildGeneric(b, rank, {}, {init, b.getMultiDimIdentityMap(rank)},
                      [&](ImplicitLocOpBuilder &b, ValueRange) {
                        SmallVector<Value> indices;
                        for (unsigned dim = 0; dim < rank; ++dim)
                          indices.push_back(linalg::IndexOp::create(b, dim));
                        return body(b, indices);
                      });
}

Value decompose::buildFilled(ImplicitLocOpBuilder &b,
                             ArrayRef<OpFoldResult> sizes, double value) {
  Value empty = tensor::EmptyOp::create(b, sizes, b.getF32Type());
  return linalg::FillOp::create(b, buildF32(b, value), empty).getResult(0);
}

Value decompose::buildGuarded(ImplicitLocOpBuilder &b, Value inside,
                              function_ref<Value()> then, Value otherwise) {
  if (!inside)
    return then();
  auto guard = scf::IfOp::create(b, otherwise.getType(), inside,
                                 /*withElseRegion=*/true);
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPointToStart(guard.thenBlock());
  scf::YieldOp::create(b, then());
  b.setInsertionPointToStart(guard.elseBlock());
  scf::YieldOp::create(b, otherwise);
  return guard.getResult(0);
}

Value decompose::buildAnd(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  return arith::AndIOp::create(b, lhs, rhs);
}

Value decompose::buildLess(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lhs, rhs);
}

Value decompose::buildReadIndex(ImplicitLocOpBuilder &b, Value tensor,
                                ValueRange indices) {
  Value element = tensor::ExtractOp::create(b, tensor, indices);
  return arith::IndexCastOp::create(b, b.getIndexType(), element);
}

Value decompose::buildExtend(ImplicitLocOpBuilder &b, Value value) {
  if (value.getType().isF32())
    return value;
  if (value.getType().getIntOrFloatBitWidth() > 32)
    return arith::TruncFOp::create(b, b.getF32Type(), value);
  return arith::ExtFOp::create(b, b.getF32Type(), value);
}

//===----------------------------------------------------------------------===//
// Lengths
//===----------------------------------------------------------------------===//

/// offsets[batch + 1] - offsets[batch].
static Value buildLength(ImplicitLocOpBuilder &b, Value offsets, Value batch) {
  Value next = arith::AddIOp::create(b, batch, buildIndex(b, 1));
  Value end = buildReadIndex(b, offsets, next);
  return arith::SubIOp::create(b, end, buildReadIndex(b, offsets, batch));
}

Value DenseProblem::buildRowCount(ImplicitLocOpBuilder &b, Value batch) const {
  if (op.isPackedQ())
    return buildLength(b, op.getCuSeqlensQ(), batch);
  Value lengths = op.getQLens();
  return lengths ? buildReadIndex(b, lengths, batch) : Value();
}

Value DenseProblem::buildKeyCount(ImplicitLocOpBuilder &b, Value batch) const {
  if (op.isPackedKv())
    return buildLength(b, op.getCuSeqlensKv(), batch);
  Value lengths = op.getKvLens();
  return lengths ? buildReadIndex(b, lengths, batch) : Value();
}

/// The length of the longest packed sequence.
static OpFoldResult buildLongest(ImplicitLocOpBuilder &b, Value offsets,
                                 OpFoldResult batches) {
  Value zero = arith::ConstantIntOp::create(b, 0, 32);
  Value empty =
      tensor::EmptyOp::create(b, ArrayRef<OpFoldResult>{}, b.getI32Type());
  Value start = linalg::FillOp::create(b, zero, empty).getResult(0);
  Value lengths = buildTabulate(
      b, batches, b.getI32Type(), [&](ImplicitLocOpBuilder &b, ValueRange at) {
        return arith::IndexCastOp::create(b, b.getI32Type(),
                                          buildLength(b, offsets, at[0]))
            .getResult();
      });
  Value longest = buildGeneric(
      b, 1, Access{lengths, b.getMultiDimIdentityMap(1)},
      {start, AffineMap::get(1, 0, b.getContext())},
      [](ImplicitLocOpBuilder &b, ValueRange elements) {
        return arith::MaxSIOp::create(b, elements[0], elements[1]).getResult();
      });
  return buildReadIndex(b, longest, {});
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Where (batch, head, sequence, dim) lies in an operand of this layout.
static AffineMap getPointMap(Layout layout, MLIRContext *context) {
  LayoutDims dims = getLayoutDims(layout);
  SmallVector<AffineExpr> results(4);
  const int places[] = {dims.batch, dims.head, dims.sequence, dims.dim};
  for (auto [loop, dim] : llvm::enumerate(places))
    results[dim] = getAffineDimExpr(loop, context);
  return AffineMap::get(4, 0, results, context);
}

/// Indices of (batch, head of the operand, row or key, dim) in an operand.
/// `offsets` says where its packed sequences start.
SmallVector<Value> DenseProblem::buildPlace(ImplicitLocOpBuilder &b,
                                            Layout layout, Value offsets,
                                            ValueRange point) const {
  LayoutDims dims = getLayoutDims(layout);
  SmallVector<Value> place(getLayoutRank(layout));
  place[dims.head] = point[1];
  place[dims.sequence] = point[2];
  place[dims.dim] = point[3];
  if (layout == Layout::paged) {
    OpFoldResult size = tensor::getMixedSize(
        b, b.getLoc(), op.getK(), getLayoutDims(op.getKLayout()).sequence);
    Value pageSize = getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
    Value entry = arith::DivUIOp::create(b, point[2], pageSize);
    place[dims.batch] =
        buildReadIndex(b, op.getBlockTable(), {point[0], entry});
    place[dims.sequence] = arith::RemUIOp::create(b, point[2], pageSize);
  } else if (offsets) {
    Value first = buildReadIndex(b, offsets, point[0]);
    place[dims.sequence] = arith::AddIOp::create(b, first, point[2]);
  } else {
    place[dims.batch] = point[0];
  }
  return place;
}

SmallVector<Value> DenseProblem::buildRowIndices(ImplicitLocOpBuilder &b,
                                                 Value batch, Value row) const {
  if (!op.isPackedQ())
    return {batch, row};
  Value first = buildReadIndex(b, op.getCuSeqlensQ(), batch);
  return {arith::AddIOp::create(b, first, row)};
}

SmallVector<Value> DenseProblem::buildKeyIndices(ImplicitLocOpBuilder &b,
                                                 Value batch, Value key) const {
  if (!op.isPackedKv())
    return {batch, key};
  Value first = buildReadIndex(b, op.getCuSeqlensKv(), batch);
  return {arith::AddIOp::create(b, first, key)};
}

/// Packed queries as [B, Hq, longest, D].
Access DenseProblem::spreadQueries(ImplicitLocOpBuilder &b) const {
  auto type = cast<RankedTensorType>(op.getQ().getType());
  OpFoldResult sizes[] = {batches, heads, rows,
                          b.getIndexAttr(op.getHeadDim())};
  Value spread = buildTabulate(
      b, sizes, type.getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange point) {
        Value zero =
            arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
        Value inside = buildLess(b, point[2], buildRowCount(b, point[0]));
        return buildGuarded(
            b, inside,
            [&]() -> Value {
              return tensor::ExtractOp::create(
                  b, op.getQ(),
                  buildPlace(b, op.getQLayout(), op.getCuSeqlensQ(), point));
            },
            zero);
      });
  return {spread, b.getMultiDimIdentityMap(4)};
}

/// Keys or values as [B, Hq, longest, D], each of the query heads that share a
/// KV head having its own.
Access DenseProblem::spreadKeys(ImplicitLocOpBuilder &b, Value tensor,
                                Layout layout) const {
  auto type = cast<RankedTensorType>(tensor.getType());
  LayoutDims dims = getLayoutDims(layout);
  OpFoldResult sizes[] = {batches, heads, keys,
                          b.getIndexAttr(type.getDimSize(dims.dim))};
  OpFoldResult kvHeads = tensor::getMixedSize(b, b.getLoc(), tensor, dims.head);
  Value queryHeads = getValueOrCreateConstantIndexOp(b, b.getLoc(), heads);
  Value group = b.createOrFold<arith::DivUIOp>(
      queryHeads, getValueOrCreateConstantIndexOp(b, b.getLoc(), kvHeads));
  Value spread = buildTabulate(
      b, sizes, type.getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange point) {
        Value zero =
            arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
        Value inside;
        if (op.isPackedKv() || op.isPaged())
          inside = buildLess(b, point[2], buildKeyCount(b, point[0]));
        SmallVector<Value> place(point);
        place[1] = arith::DivUIOp::create(b, point[1], group);
        return buildGuarded(
            b, inside,
            [&]() -> Value {
              return tensor::ExtractOp::create(
                  b, tensor, buildPlace(b, layout, op.getCuSeqlensKv(), place));
            },
            zero);
      });
  return {spread, b.getMultiDimIdentityMap(4)};
}

Value DenseProblem::buildSequenceOfToken(ImplicitLocOpBuilder &b) const {
  OpFoldResult tokens = tensor::getMixedSize(
      b, b.getLoc(), op.getQ(), getLayoutDims(op.getQLayout()).sequence);
  Type i32 = b.getI32Type();
  Value zero = arith::ConstantIntOp::create(b, 0, 32);
  Value empty = tensor::EmptyOp::create(b, ArrayRef<OpFoldResult>{tokens}, i32);
  Value start = linalg::FillOp::create(b, zero, empty).getResult(0);
  // The sequences that end at or before the token, counted.
  Value ends = tensor::ExtractSliceOp::create(
      b, op.getCuSeqlensQ(), ArrayRef<OpFoldResult>{b.getIndexAttr(1)},
      ArrayRef<OpFoldResult>{batches},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  AffineExpr token = b.getAffineDimExpr(0), sequence = b.getAffineDimExpr(1);
  return buildGeneric(
      b, 2, Access{ends, AffineMap::get(2, 0, sequence)},
      {start, AffineMap::get(2, 0, token)},
      [&](ImplicitLocOpBuilder &b, ValueRange elements) -> Value {
        Value at =
            arith::IndexCastOp::create(b, i32, linalg::IndexOp::create(b, 0));
        Value ended = arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                            elements[0], at);
        Value one = arith::ExtUIOp::create(b, i32, ended);
        return arith::AddIOp::create(b, elements[1], one);
      });
}

/// Whether every query head has a KV head of its own, known from the types.
static bool hasOwnHeads(AttentionOp op) {
  int64_t queryHeads =
      op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  int64_t kvHeads =
      op.getKType().getDimSize(getLayoutDims(op.getKLayout()).head);
  return !ShapedType::isDynamic(queryHeads) && queryHeads == kvHeads;
}

DenseProblem::DenseProblem(ImplicitLocOpBuilder &b, AttentionOp op) : op(op) {
  Location loc = b.getLoc();
  LayoutDims qDims = getLayoutDims(op.getQLayout());
  LayoutDims kDims = getLayoutDims(op.getKLayout());
  auto sizeOf = [&](Value tensor, int dim) {
    return tensor::getMixedSize(b, loc, tensor, dim);
  };
  auto countOf = [&](Value offsets) -> OpFoldResult {
    AffineExpr size = b.getAffineSymbolExpr(0);
    return affine::makeComposedFoldedAffineApply(b, loc, size - 1,
                                                 {sizeOf(offsets, 0)});
  };
  heads = sizeOf(op.getQ(), qDims.head);
  if (op.isPackedQ()) {
    batches = countOf(op.getCuSeqlensQ());
    rows = buildLongest(b, op.getCuSeqlensQ(), batches);
  } else {
    batches = sizeOf(op.getQ(), qDims.batch);
    rows = sizeOf(op.getQ(), qDims.sequence);
  }
  if (op.isPackedKv()) {
    keys = buildLongest(b, op.getCuSeqlensKv(), batches);
  } else if (op.isPaged()) {
    AffineExpr entries = b.getAffineSymbolExpr(0),
               size = b.getAffineSymbolExpr(1);
    keys = affine::makeComposedFoldedAffineApply(
        b, loc, entries * size,
        {sizeOf(op.getBlockTable(), 1), sizeOf(op.getK(), kDims.sequence)});
  } else {
    keys = sizeOf(op.getK(), kDims.sequence);
  }
  q = op.isPackedQ()
          ? spreadQueries(b)
          : Access{op.getQ(), getPointMap(op.getQLayout(), b.getContext())};
  bool inPlace = hasOwnHeads(op) && !op.isPackedKv() && !op.isPaged();
  auto makeKeys = [&](Value tensor, Layout layout) {
    return inPlace ? Access{tensor, getPointMap(layout, b.getContext())}
                   : spreadKeys(b, tensor, layout);
  };
  k = makeKeys(op.getK(), op.getKLayout());
  v = makeKeys(op.getV(), op.getVLayout());
}
