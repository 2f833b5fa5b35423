//===- AttentionTile.cpp - A tile of attn.attention's loops ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

OpFoldResult attn::getSize(OpBuilder &b, Location loc, Value value,
                           int64_t dim) {
  return isa<TensorType>(value.getType())
             ? tensor::getMixedSize(b, loc, value, dim)
             : memref::getMixedSize(b, loc, value, dim);
}

bool attn::hasBatchLoop(AttentionOp op) {
  return !op.isPackedQ() && !op.isPackedKv();
}

Axes attn::getAxes(Layout layout, Axis sequence, Axis head) {
  LayoutDims dims = getLayoutDims(layout);
  Axes axes(getLayoutRank(layout), Axis::Whole);
  axes[dims.head] = head;
  if (isPacked(layout))
    return axes;
  axes[dims.sequence] = sequence;
  if (layout != Layout::paged)
    axes[dims.batch] = Axis::Batch;
  return axes;
}

Axes attn::getOutAxes(AttentionOp op) {
  return getAxes(op.getOutLayout(), Axis::Row, Axis::Head);
}

Axes attn::getLseAxes(AttentionOp op) {
  if (op.isPackedQ())
    return {Axis::Head, Axis::Whole};
  return {Axis::Batch, Axis::Head, Axis::Row};
}

Axes attn::getQueryAxes(AttentionOp op) {
  if (op.isPackedQ())
    return {Axis::Whole};
  return {Axis::Batch, Axis::Row};
}

Axes attn::getKeyAxes(AttentionOp op) {
  if (op.isPackedKv())
    return {Axis::Whole};
  return {Axis::Batch, Axis::Whole};
}

//===----------------------------------------------------------------------===//
// One tile
//===----------------------------------------------------------------------===//

static OpFoldResult multiply(OpBuilder &b, Location loc, OpFoldResult a,
                             OpFoldResult factor) {
  if (std::optional<int64_t> constant = getConstantIntValue(factor)) {
    AffineExpr d0 = b.getAffineDimExpr(0);
    return affine::makeComposedFoldedAffineApply(b, loc, d0 * *constant, {a});
  }
  return arith::MulIOp::create(b, loc,
                               getValueOrCreateConstantIndexOp(b, loc, a),
                               getValueOrCreateConstantIndexOp(b, loc, factor))
      .getResult();
}

OpFoldResult attn::getGroupSize(OpBuilder &b, AttentionOp op) {
  Location loc = op.getLoc();
  OpFoldResult heads =
      getSize(b, loc, op.getQ(), getLayoutDims(op.getQLayout()).head);
  OpFoldResult kvHeads =
      getSize(b, loc, op.getK(), getLayoutDims(op.getKLayout()).head);
  std::optional<int64_t> constant = getConstantIntValue(heads);
  std::optional<int64_t> kvConstant = getConstantIntValue(kvHeads);
  if (constant && kvConstant)
    return b.getIndexAttr(*constant / *kvConstant);
  return arith::DivUIOp::create(
             b, loc, getValueOrCreateConstantIndexOp(b, loc, heads),
             getValueOrCreateConstantIndexOp(b, loc, kvHeads))
      .getResult();
}

AttentionTile::AttentionTile(OpBuilder &b, AttentionOp op,
                             ArrayRef<OpFoldResult> offsets,
                             ArrayRef<OpFoldResult> sizes)
    : b(b), loc(op.getLoc()), op(op) {
  for (int axis = 0; axis < kNumLoops; ++axis)
    slices[axis] = {offsets[axis], sizes[axis]};
  OpFoldResult group = getGroupSize(b, op);
  AxisSlice kvHeads = slices[static_cast<int>(Axis::KvHead)];
  slices[kNumLoops] = {multiply(b, loc, kvHeads.offset, group),
                       multiply(b, loc, kvHeads.size, group)};
}

bool AttentionTile::startsAtZero(Axis axis) const {
  return isZeroInteger(get(axis).offset);
}

bool AttentionTile::isWhole(Axis axis, Value value, int64_t dim) const {
  if (!startsAtZero(axis))
    return false;
  int64_t extent = cast<ShapedType>(value.getType()).getDimSize(dim);
  OpFoldResult size = get(axis).size;
  if (!ShapedType::isDynamic(extent))
    return getConstantIntValue(size) == extent;
  auto sizeValue = dyn_cast<Value>(size);
  auto dimOp = sizeValue ? sizeValue.getDefiningOp<ShapedDimOpInterface>()
                         : ShapedDimOpInterface();
  return dimOp && dimOp.getShapedValue() == value &&
         getConstantIntValue(dimOp.getDimension()) == dim;
}

AxisSlice AttentionTile::selectBroadcast(OpFoldResult extent,
                                         const AxisSlice &slice) {
  auto toValue = [&](OpFoldResult x) {
    return getValueOrCreateConstantIndexOp(b, loc, x);
  };
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                      toValue(extent), one);
  Value offset =
      arith::SelectOp::create(b, loc, isOne, zero, toValue(slice.offset));
  Value size = arith::SelectOp::create(b, loc, isOne, one, toValue(slice.size));
  return {offset, size};
}

void AttentionTile::getPart(Value value, const Axes &axes, bool broadcast,
                            SmallVectorImpl<OpFoldResult> &offsets,
                            SmallVectorImpl<OpFoldResult> &sizes) {
  for (auto [dim, axis] : llvm::enumerate(axes)) {
    OpFoldResult extent = getSize(b, loc, value, dim);
    bool whole = axis == Axis::Whole ||
                 (axis == Axis::Batch && !hasBatchLoop(op)) ||
                 (axis == Axis::Row && op.isPackedQ()) ||
                 (broadcast && isOneInteger(extent));
    AxisSlice part = whole ? AxisSlice{b.getIndexAttr(0), extent} : get(axis);
    if (!whole && broadcast && !getConstantIntValue(extent))
      part = selectBroadcast(extent, part);
    offsets.push_back(part.offset);
    sizes.push_back(part.size);
  }
}

Value AttentionTile::slice(Value value, const Axes &axes, bool broadcast) {
  SmallVector<OpFoldResult> offsets, sizes;
  getPart(value, axes, broadcast, offsets, sizes);
  ArrayRef<int64_t> shape = cast<ShapedType>(value.getType()).getShape();
  bool all = llvm::all_of(llvm::zip_equal(shape, offsets, sizes), [](auto dim) {
    auto &[extent, offset, size] = dim;
    return isZeroInteger(offset) && getConstantIntValue(size) == extent;
  });
  if (all)
    return value;
  SmallVector<OpFoldResult> strides(shape.size(), b.getIndexAttr(1));
  Operation *slice;
  if (isa<TensorType>(value.getType()))
    slice =
        tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, strides);
  else
    slice = memref::SubViewOp::create(b, loc, value, offsets, sizes, strides);
  sliceOps.push_back(slice);
  return slice->getResult(0);
}
