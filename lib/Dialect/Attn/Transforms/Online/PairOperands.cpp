//===- PairOperands.cpp - Operands with elements per row and key --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

/// The trailing dims of `memref` at the indices `leading` of the others. A dim
/// of size 1 is broadcast: it is left out, or has stride 0 where its size is
/// known at run time only.
static PairOperand buildPlane(ImplicitLocOpBuilder &b, Value memref,
                              ValueRange leading, ArrayRef<Dim> dims) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  SmallVector<int64_t> staticStrides = type.getStridesAndOffset().first;
  auto getStride = [&](int dim) -> OpFoldResult {
    if (type.getDimSize(dim) == 1)
      return b.getIndexAttr(0);
    if (!type.isDynamicDim(dim) && !ShapedType::isDynamic(staticStrides[dim]))
      return b.getIndexAttr(staticStrides[dim]);
    Value stride = metadata.getStrides()[dim];
    if (!type.isDynamicDim(dim))
      return stride;
    Value isOne =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                              metadata.getSizes()[dim], buildIndex(b, 1));
    return arith::SelectOp::create(b, isOne, buildIndex(b, 0), stride)
        .getResult();
  };

  Value offset = metadata.getOffset();
  for (auto [dim, index] : llvm::enumerate(leading)) {
    Value stride =
        getValueOrCreateConstantIndexOp(b, b.getLoc(), getStride(dim));
    Value step = arith::MulIOp::create(b, index, stride);
    offset = arith::AddIOp::create(b, offset, step);
  }

  PairOperand operand;
  SmallVector<OpFoldResult> sizes, strides;
  SmallVector<int64_t> shape, layout;
  for (auto [position, dim] : llvm::enumerate(dims)) {
    int number = leading.size() + position;
    bool isLast = position + 1 == dims.size();
    if (type.getDimSize(number) == 1 && !(isLast && operand.dims.empty()))
      continue;
    operand.dims.push_back(dim);
    sizes.push_back(metadata.getSizes()[number]);
    strides.push_back(getStride(number));
    shape.push_back(ShapedType::kDynamic);
    layout.push_back(
        getConstantIntValue(strides.back()).value_or(ShapedType::kDynamic));
  }
  auto planeType = MemRefType::get(
      shape, type.getElementType(),
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, layout));
  operand.plane =
      memref::ReinterpretCastOp::create(b, planeType, metadata.getBaseBuffer(),
                                        OpFoldResult(offset), sizes, strides);
  return operand;
}

/// An operand [B, S], or [total] if the sequences are packed behind each other
/// with `base` elements in front of this one.
PairOperand KernelBuilder::buildSequenceOperand(Value memref, Dim dim,
                                                Value base) {
  SmallVector<Value, 1> leading;
  if (cast<MemRefType>(memref.getType()).getRank() == 2)
    leading.push_back(item.batch);
  PairOperand operand = buildPlane(b, memref, leading, dim);
  if (leading.empty())
    (dim == Dim::q ? operand.qBase : operand.kvBase) = base;
  return operand;
}

/// The operands that `mask` reads, by slot.
void KernelBuilder::buildMaskPairOperands(Attribute mask) {
  auto slots = op.getMaskOperands();
  if (auto segments = dyn_cast<SegmentsAttr>(mask)) {
    maskPairs[segments.getQSlot()] = buildSequenceOperand(
        arg(slots[segments.getQSlot()]), Dim::q, item.qBase);
    maskPairs[segments.getKvSlot()] = buildSequenceOperand(
        arg(slots[segments.getKvSlot()]), Dim::kv, item.kvBase);
  }
  if (auto dense = dyn_cast<DenseAttr>(mask))
    maskPairs[dense.getSlot()] =
        buildPlane(b, arg(slots[dense.getSlot()]), {item.batch, item.head},
                   {Dim::q, Dim::kv});
  for (Attribute operand : getMaskOperands(mask))
    buildMaskPairOperands(operand);
}

/// Finds the parts for the work item of all operands with elements per row or
/// key, and loads what depends on the rows alone.
void KernelBuilder::buildPairOperands() {
  maskPairs.assign(op.getMaskOperands().size(), std::nullopt);
  if (op.getMaskAttr())
    buildMaskPairOperands(op.getMaskAttr());
  if (op.getQPositions())
    positions =
        buildSequenceOperand(arg(op.getQPositions()), Dim::q, item.qBase);
  if (op.getBias())
    bias = buildPlane(b, arg(op.getBias()), {item.batch, item.head},
                      {Dim::q, Dim::kv});
  auto loadRows = [&](std::optional<PairOperand> &operand) {
    if (operand && operand->dims == ArrayRef(Dim::q))
      operand->rowTile = loadPairTile(*operand, KeyTile());
  };
  loadRows(positions);
  loadRows(bias);
  for (std::optional<PairOperand> &operand : maskPairs)
    loadRows(operand);
}

/// The element type of a box of `source`; see attn.load_box.
static Type getBoxElementType(Type source) {
  if (isa<FloatType>(source))
    return Float32Type::get(source.getContext());
  if (source.isInteger(1))
    return IntegerType::get(source.getContext(), 8);
  return source;
}

Value KernelBuilder::loadPairTile(const PairOperand &operand,
                                  const KeyTile &keys) {
  if (operand.rowTile)
    return operand.rowTile;
  SmallVector<Value> offsets, valid;
  SmallVector<int64_t> shape;
  for (Dim dim : operand.dims) {
    bool isQ = dim == Dim::q;
    Value base = isQ ? operand.qBase : operand.kvBase;
    Value first = isQ ? item.firstRow : keys.first;
    offsets.push_back(base ? arith::AddIOp::create(b, base, first) : first);
    valid.push_back(isQ ? item.rows : keys.valid);
    shape.push_back(isQ ? config.getBlockQ() : keys.count);
  }
  Type source = cast<MemRefType>(operand.plane.getType()).getElementType();
  auto type = TileType::get(b.getContext(), operand.dims, shape,
                            getBoxElementType(source));
  return LoadBoxOp::create(b, type, operand.plane, offsets, valid);
}

/// The operands that scores, visibility or both depend on.
SmallVector<PairOperand *> KernelBuilder::getPairOperands(bool scores,
                                                          bool visibility) {
  SmallVector<PairOperand *> operands;
  if (positions && (visibility || score->usesPositions()))
    operands.push_back(&*positions);
  if (bias && scores)
    operands.push_back(&*bias);
  for (std::optional<PairOperand> &operand : maskPairs)
    if (operand && visibility)
      operands.push_back(&*operand);
  return operands;
}

/// A map over `inputs` whose body finds the elements of `operands` in them.
Value KernelBuilder::buildPairMap(TileType type, ValueRange inputs,
                                  ArrayRef<PairOperand *> operands,
                                  const KeyTile &keys, MapBodyFn body) {
  SmallVector<Value> all(inputs);
  for (PairOperand *operand : operands)
    all.push_back(loadPairTile(*operand, keys));
  return buildMap(
      b, type, all,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange at) {
        ValueRange own = elements.drop_front(inputs.size());
        for (auto [operand, element] : llvm::zip_equal(operands, own))
          operand->element = element;
        return body(b, elements.take_front(inputs.size()), at);
      });
}
