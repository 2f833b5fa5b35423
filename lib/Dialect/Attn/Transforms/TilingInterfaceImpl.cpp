//===- TilingInterfaceImpl.cpp - Tiling of attn.attention -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/TilingInterfaceImpl.h"
#include "AttentionTile.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Whether a function that is called with the numbers of batch and head takes
/// part.
static bool callsFunctions(AttentionOp op) {
  bool found = static_cast<bool>(op.getScoreModAttr());
  if (Attribute mask = op.getMaskAttr())
    mask.walk([&](CustomAttr) { found = true; });
  return found;
}

static bool hasPerHead(AttentionOp op) {
  bool found = false;
  if (Attribute mask = op.getMaskAttr())
    mask.walk([&](PerHeadAttr) { found = true; });
  return found;
}

/// The mask of a tile, and the mask operands that it names, sliced.
static Attribute tileMask(AttentionTile &tile, AttentionOp op,
                          SmallVectorImpl<Value> &operands) {
  Attribute mask = op.getMaskAttr();
  if (!mask)
    return mask;
  // Leaves may share an operand and see different parts of it.
  auto add = [&](int64_t slot, const Axes &axes, bool broadcast) -> int64_t {
    Value part = tile.slice(op.getMaskOperands()[slot], axes, broadcast);
    operands.push_back(part);
    return operands.size() - 1;
  };
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](PrefixAttr leaf) -> Attribute {
    if (!leaf.hasSlot())
      return leaf;
    return PrefixAttr::get(leaf.getContext(), 0,
                           add(leaf.getSlot(), {Axis::Batch}, false));
  });
  replacer.addReplacement([&](SegmentsAttr leaf) -> Attribute {
    int64_t q = add(leaf.getQSlot(), getQueryAxes(op), false);
    int64_t kv = add(leaf.getKvSlot(), getKeyAxes(op), false);
    return SegmentsAttr::get(leaf.getContext(), q, kv);
  });
  replacer.addReplacement([&](DenseAttr leaf) -> Attribute {
    Axes axes = {Axis::Batch, Axis::Head, Axis::Row, Axis::Whole};
    return DenseAttr::get(leaf.getContext(), add(leaf.getSlot(), axes, true));
  });
  replacer.addReplacement([&](CustomAttr leaf) -> Attribute {
    SmallVector<int64_t> slots;
    for (int64_t slot : leaf.getSlots()) {
      slots.push_back(operands.size());
      operands.push_back(op.getMaskOperands()[slot]);
    }
    return CustomAttr::get(leaf.getContext(), leaf.getFunction(), slots);
  });
  replacer.addReplacement([&](PerHeadAttr node) -> Attribute {
    AxisSlice heads = tile.get(Axis::Head);
    std::optional<int64_t> offset = getConstantIntValue(heads.offset);
    std::optional<int64_t> size = getConstantIntValue(heads.size);
    if (!offset || !size) // The tile has all heads.
      return node;
    return PerHeadAttr::get(node.getContext(),
                            node.getMasks().slice(*offset, *size));
  });
  return replacer.replace(mask);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// A tensor of `function` of the elements of a tensor of rank 1.
static Value
mapElements(OpBuilder &b, Location loc, Value tensor,
            function_ref<Value(OpBuilder &, Location, Value)> function) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value empty = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, tensor), type.getElementType());
  AffineMap identity = b.getMultiDimIdentityMap(1);
  auto generic = linalg::GenericOp::create(
      b, loc, empty.getType(), tensor, empty,
      ArrayRef<AffineMap>{identity, identity},
      ArrayRef<utils::IteratorType>{utils::IteratorType::parallel},
      [&](OpBuilder &nested, Location nestedLoc, ValueRange elements) {
        linalg::YieldOp::create(nested, nestedLoc,
                                function(nested, nestedLoc, elements.front()));
      });
  return generic.getResult(0);
}

/// `x` of type index as an integer of type `type`.
static Value toInteger(OpBuilder &b, Location loc, OpFoldResult x, Type type) {
  return getValueOrCreateCastToIndexLike(
      b, loc, type, getValueOrCreateConstantIndexOp(b, loc, x));
}

/// The number of rows of each batch that are left in the tile.
static Value tileQueryLengths(OpBuilder &b, const AttentionTile &tile,
                              Location loc, Value lengths) {
  Type type = getElementTypeOrSelf(lengths.getType());
  Value first = toInteger(b, loc, tile.get(Axis::Row).offset, type);
  Value count = toInteger(b, loc, tile.get(Axis::Row).size, type);
  Value zero = toInteger(b, loc, b.getIndexAttr(0), type);
  return mapElements(
      b, loc, lengths, [&](OpBuilder &b, Location loc, Value length) -> Value {
        Value left = arith::SubIOp::create(b, loc, length, first);
        left = arith::MaxSIOp::create(b, loc, left, zero);
        return arith::MinSIOp::create(b, loc, left, count);
      });
}

/// Lets the rows of `tiled` start at the first row of the tile.
static void shiftPositions(OpBuilder &b, const AttentionTile &tile,
                           AttentionOp tiled) {
  OpFoldResult row = tile.get(Axis::Row).offset;
  if (tiled.getQPositions() || isZeroInteger(row))
    return;
  Location loc = tiled.getLoc();
  b.setInsertionPoint(tiled);
  if (std::optional<int64_t> constant = getConstantIntValue(row);
      constant && !tiled.getDynamicQOffset()) {
    tiled.setQOffset(tiled.getQOffset().value_or(0) + *constant);
    return;
  }
  Value first = toInteger(b, loc, row, b.getI64Type());
  Value offset = tiled.getDynamicQOffset();
  auto addFirst = [&](OpBuilder &b, Location loc, Value base) -> Value {
    return arith::AddIOp::create(b, loc, base, first);
  };
  if (offset && isa<TensorType>(offset.getType())) {
    offset = mapElements(b, loc, offset, addFirst);
  } else if (offset) {
    offset = addFirst(b, loc, offset);
  } else if (int64_t base = tiled.getQOffset().value_or(0)) {
    offset = addFirst(b, loc, arith::ConstantIntOp::create(b, loc, base, 64));
  } else {
    offset = first;
  }
  tiled.removeQOffsetAttr();
  tiled.getDynamicQOffsetMutable().assign(offset);
}

//===----------------------------------------------------------------------===//
// The tiled op
//===----------------------------------------------------------------------===//

/// Fails, with an error, where the tile cannot be computed by one attention op.
static LogicalResult checkTile(const AttentionTile &tile, AttentionOp op) {
  auto isUnit = [&](Axis axis) {
    return tile.startsAtZero(axis) && isOneInteger(tile.get(axis).size);
  };
  if ((!hasBatchLoop(op) && !isUnit(Axis::Batch)) ||
      (op.isPackedQ() && !isUnit(Axis::Row)))
    return op.emitOpError() << "has packed sequences, which cannot be tiled by "
                               "batch or query row; expected tile sizes of 0";
  if (callsFunctions(op) &&
      !(tile.startsAtZero(Axis::Batch) && tile.startsAtZero(Axis::KvHead)))
    return op.emitOpError() << "calls a function with the number of the batch "
                               "and head, so that these cannot be tiled; "
                               "expected tile sizes of 0";
  LayoutDims kDims = getLayoutDims(op.getKLayout());
  bool constantHeads = getConstantIntValue(tile.get(Axis::Head).offset) &&
                       getConstantIntValue(tile.get(Axis::Head).size);
  if (hasPerHead(op) && !constantHeads &&
      !tile.isWhole(Axis::KvHead, op.getK(), kDims.head))
    return op.emitOpError()
           << "has a per_head mask, so that heads can be tiled "
              "at constant offsets only";
  if (op.hasTensorSemantics() || op.isPackedQ() ||
      tile.isWhole(Axis::Row, op.getQ(),
                   getLayoutDims(op.getQLayout()).sequence))
    return success();
  Value offset = op.getDynamicQOffset();
  if (op.getQLens() || (offset && isa<MemRefType>(offset.getType())))
    return op.emitOpError() << "has " << (op.getQLens() ? "q_lens" : "offsets")
                            << " in a memref, so that query rows cannot be "
                               "tiled; expected tensors or a tile size of 0";
  return success();
}

/// Replaces the operands of `op` by their parts in `operands`, but for the mask
/// operands and the inits.
static void sliceOperands(OpBuilder &b, AttentionTile &tile, AttentionOp op,
                          MutableArrayRef<Value> operands) {
  auto replace = [&](OpOperand &operand, const Axes &axes, bool broadcast) {
    operands[operand.getOperandNumber()] =
        tile.slice(operand.get(), axes, broadcast);
  };
  auto replaceOptional = [&](MutableOperandRange range, const Axes &axes,
                             bool broadcast = false) {
    if (!range.empty())
      replace(range[0], axes, broadcast);
  };
  replace(op.getQMutable(), getAxes(op.getQLayout(), Axis::Row, Axis::Head),
          false);
  replace(op.getKMutable(), getAxes(op.getKLayout(), Axis::Whole, Axis::KvHead),
          false);
  replace(op.getVMutable(), getAxes(op.getVLayout(), Axis::Whole, Axis::KvHead),
          false);
  replaceOptional(op.getBiasMutable(),
                  {Axis::Batch, Axis::Head, Axis::Row, Axis::Whole}, true);
  replaceOptional(op.getSinksMutable(), {Axis::Head});
  if (Value slopes = op.getAlibiSlopes())
    replaceOptional(op.getAlibiSlopesMutable(),
                    cast<ShapedType>(slopes.getType()).getRank() == 1
                        ? Axes{Axis::Head}
                        : Axes{Axis::Batch, Axis::Head});
  replaceOptional(op.getQLensMutable(), {Axis::Batch});
  replaceOptional(op.getKvLensMutable(), {Axis::Batch});
  if (Value offset = op.getDynamicQOffset();
      offset && isa<ShapedType>(offset.getType()))
    replaceOptional(op.getDynamicQOffsetMutable(), {Axis::Batch});
  replaceOptional(op.getQPositionsMutable(), getQueryAxes(op));
  replaceOptional(op.getBlockTableMutable(), {Axis::Batch, Axis::Whole});
  Axes descale = {Axis::Batch, Axis::KvHead};
  replaceOptional(op.getQDescaleMutable(), descale, true);
  replaceOptional(op.getKDescaleMutable(), descale, true);
  replaceOptional(op.getVDescaleMutable(), descale, true);

  if (Value lengths = op.getQLens();
      lengths && !op.isPackedQ() &&
      !tile.isWhole(Axis::Row, op.getQ(),
                    getLayoutDims(op.getQLayout()).sequence)) {
    Value &part = operands[op.getQLensMutable()[0].getOperandNumber()];
    part = tileQueryLengths(b, tile, op.getLoc(), part);
  }
}

static FailureOr<TilingResult> tileAttention(OpBuilder &b, AttentionOp op,
                                             ArrayRef<OpFoldResult> offsets,
                                             ArrayRef<OpFoldResult> sizes) {
  AttentionTile tile(b, op, offsets, sizes);
  if (failed(checkTile(tile, op)))
    return failure();
  SmallVector<Value> operands(op->getOperands());
  sliceOperands(b, tile, op, operands);
  SmallVector<Value> maskOperands;
  Attribute mask = tileMask(tile, op, maskOperands);
  SmallVector<Type> resultTypes;
  for (auto [i, init] : llvm::enumerate(op.getOutsMutable())) {
    Value part =
        tile.slice(init.get(), i == 0 ? getOutAxes(op) : getLseAxes(op));
    operands[init.getOperandNumber()] = part;
    if (op.hasTensorSemantics())
      resultTypes.push_back(part.getType());
  }
  auto tiled = cast<AttentionOp>(mlir::clone(b, op, resultTypes, operands));
  tiled.setMaskAttr(mask);
  tiled.getMaskOperandsMutable().assign(maskOperands);
  OpBuilder::InsertionGuard guard(b);
  if (!op.isPackedQ())
    shiftPositions(b, tile, tiled);
  return TilingResult{{tiled},
                      SmallVector<Value>(tiled->getResults()),
                      llvm::to_vector(tile.getSliceOps())};
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

/// The tile of the iteration space behind a tile of out or lse; fails where
/// none is: a part of the head dim or of a group of query heads.
static LogicalResult getTileOfResult(OpBuilder &b, AttentionOp op,
                                     unsigned result,
                                     ArrayRef<OpFoldResult> offsets,
                                     ArrayRef<OpFoldResult> sizes,
                                     SmallVectorImpl<OpFoldResult> &tileOffsets,
                                     SmallVectorImpl<OpFoldResult> &tileSizes) {
  // Dims that are not looped over must be there as a whole.
  std::optional<int64_t> group = getConstantIntValue(getGroupSize(b, op));
  AxisSlice slices[kNumLoops] = {{b.getIndexAttr(0), b.getIndexAttr(1)},
                                 {b.getIndexAttr(0), b.getIndexAttr(1)},
                                 {b.getIndexAttr(0), b.getIndexAttr(1)}};
  auto shape = cast<ShapedType>(op.getOuts()[result].getType()).getShape();
  Axes axes = result == 0 ? getOutAxes(op) : getLseAxes(op);
  for (auto [axis, offset, size, extent] :
       llvm::zip_equal(axes, offsets, sizes, shape)) {
    bool whole = isZeroInteger(offset) && getConstantIntValue(size) == extent;
    bool looped =
        axis != Axis::Whole && (axis != Axis::Batch || hasBatchLoop(op));
    if (axis == Axis::Head) {
      std::optional<int64_t> first = getConstantIntValue(offset);
      std::optional<int64_t> count = getConstantIntValue(size);
      AxisSlice &kvHeads = slices[static_cast<int>(Axis::KvHead)];
      if (group == 1)
        kvHeads = {offset, size};
      else if (group && first && count && *first % *group == 0 &&
               *count % *group == 0)
        kvHeads = {b.getIndexAttr(*first / *group),
                   b.getIndexAttr(*count / *group)};
      else
        return failure();
    } else if (looped) {
      slices[static_cast<int>(axis)] = {offset, size};
    } else if (!whole) {
      return failure();
    }
  }
  for (const AxisSlice &slice : slices) {
    tileOffsets.push_back(slice.offset);
    tileSizes.push_back(slice.size);
  }
  return success();
}

namespace {
struct AttentionTiling
    : public TilingInterface::ExternalModel<AttentionTiling, AttentionOp> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *) const {
    return SmallVector<utils::IteratorType>(kNumLoops,
                                            utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *operation,
                                        OpBuilder &b) const {
    auto op = cast<AttentionOp>(operation);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(op);
    Location loc = op.getLoc();
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    LayoutDims q = getLayoutDims(op.getQLayout());
    LayoutDims k = getLayoutDims(op.getKLayout());
    OpFoldResult batches =
        hasBatchLoop(op) ? getSize(b, loc, op.getQ(), q.batch) : one;
    OpFoldResult rows =
        op.isPackedQ() ? one : getSize(b, loc, op.getQ(), q.sequence);
    return {Range{zero, batches, one},
            Range{zero, getSize(b, loc, op.getK(), k.head), one},
            Range{zero, rows, one}};
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &b,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    return tileAttention(b, cast<AttentionOp>(op), offsets, sizes);
  }

  LogicalResult
  getResultTilePosition(Operation *operation, OpBuilder &b, unsigned result,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVector<OpFoldResult> &resultOffsets,
                        SmallVector<OpFoldResult> &resultSizes) const {
    auto op = cast<AttentionOp>(operation);
    AttentionTile(b, op, offsets, sizes)
        .getPart(op.getOuts()[result],
                 result == 0 ? getOutAxes(op) : getLseAxes(op),
                 /*broadcast=*/false, resultOffsets, resultSizes);
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *op, OpBuilder &b, unsigned result,
      ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
      SmallVectorImpl<OpFoldResult> &tileOffsets,
      SmallVectorImpl<OpFoldResult> &tileSizes) const {
    return getTileOfResult(b, cast<AttentionOp>(op), result, offsets, sizes,
                           tileOffsets, tileSizes);
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *operation, OpBuilder &b, unsigned result,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    auto op = cast<AttentionOp>(operation);
    SmallVector<OpFoldResult> tileOffsets, tileSizes;
    if (failed(getTileOfResult(b, op, result, offsets, sizes, tileOffsets,
                               tileSizes)))
      return failure();
    FailureOr<TilingResult> tiled =
        tileAttention(b, op, tileOffsets, tileSizes);
    if (succeeded(tiled))
      tiled->tiledValues = {tiled->tiledValues[result]};
    return tiled;
  }
};
} // namespace

void attn::registerTilingInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    // Tiling creates ops of these.
    context->loadDialect<affine::AffineDialect, arith::ArithDialect,
                         linalg::LinalgDialect, memref::MemRefDialect,
                         tensor::TensorDialect>();
    AttentionOp::attachInterface<AttentionTiling>(*context);
  });
}
