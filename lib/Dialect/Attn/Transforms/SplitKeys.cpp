//===- SplitKeys.cpp - Parts of the keys and their merge ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SplitKeys.h"
#include "Online/KernelBuilder.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// The number of parts
//===----------------------------------------------------------------------===//

/// Windows are added up only where sums cannot overflow.
static constexpr int64_t kLongSequence = int64_t(1) << 60;

/// A bound on the distance between the first and the last key that one row
/// sees, counting both; none if nothing but the lengths bounds it.
static std::optional<int64_t> getVisibleKeys(Attribute mask) {
  if (auto window = dyn_cast_or_null<SlidingWindowAttr>(mask)) {
    if (window.hasLeft() && window.hasRight() &&
        window.getLeft() < kLongSequence && window.getRight() < kLongSequence)
      return window.getLeft() + window.getRight() + 1;
    return std::nullopt;
  }
  if (auto chunked = dyn_cast_or_null<ChunkedAttr>(mask))
    return chunked.getSize();
  if (auto prefix = dyn_cast_or_null<PrefixAttr>(mask))
    return prefix.hasSlot() ? std::nullopt
                            : std::optional<int64_t>(prefix.getLength());
  std::optional<int64_t> keys;
  if (auto all = dyn_cast_or_null<AndAttr>(mask))
    for (Attribute operand : getMaskOperands(all))
      if (std::optional<int64_t> bound = getVisibleKeys(operand))
        keys = std::min(keys.value_or(*bound), *bound);
  return keys;
}

/// max over [0, count) of length(i), or 0.
static Value buildLongest(ImplicitLocOpBuilder &b, Value count,
                          function_ref<Value(Value)> length) {
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), count, buildIndex(b, 1),
                                 ValueRange{buildIndex(b, 0)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value longest = arith::MaxSIOp::create(b, length(loop.getInductionVar()),
                                         loop.getRegionIterArg(0));
  scf::YieldOp::create(b, longest);
  return loop.getResult(0);
}

/// The number of keys of the longest sequence. Where the lengths are on a
/// device, the host knows a bound: parts beyond the keys are empty, which
/// changes nothing in a merge.
static Value buildMaxKeys(ImplicitLocOpBuilder &b, AttentionOp op) {
  if (isa<BlockScheduleAttr>(op.getConfigAttr().getSchedule()))
    return buildKeyCapacity(b, op);
  if (Value lens = op.getKvLens())
    return buildLongest(b, buildDim(b, lens, 0), [&](Value batch) {
      return buildLoadIndex(b, lens, batch);
    });
  if (Value starts = op.getCuSeqlensKv()) {
    Value one = buildIndex(b, 1);
    Value count = arith::SubIOp::create(b, buildDim(b, starts, 0), one);
    return buildLongest(b, count, [&](Value batch) -> Value {
      Value next = arith::AddIOp::create(b, batch, one);
      return arith::SubIOp::create(b, buildLoadIndex(b, starts, next),
                                   buildLoadIndex(b, starts, batch));
    });
  }
  return buildDim(b, op.getK(), getLayoutDims(op.getKLayout()).sequence);
}

/// The number of parts, at least 1. It depends on the problem alone.
static Value buildPartCount(ImplicitLocOpBuilder &b, AttentionOp op,
                            Value items) {
  SplitAttr split = op.getConfigAttr().getSplit();
  if (split.getCount() > 0)
    return buildIndex(b, split.getCount());
  int64_t blockKv = op.getConfigAttr().getBlockKv();
  int64_t size = llvm::alignTo(split.getSize(), blockKv);
  Value one = buildIndex(b, 1), keys = buildMaxKeys(b, op);
  if (std::optional<int64_t> visible = getVisibleKeys(op.getMaskAttr());
      visible && split.getItems() > 0)
    keys = arith::MinSIOp::create(b, keys, buildIndex(b, *visible));
  Value count = arith::CeilDivUIOp::create(b, keys, buildIndex(b, size));
  if (split.getItems() > 0) {
    Value atLeastOne = arith::MaxSIOp::create(b, items, one);
    Value wanted = arith::CeilDivUIOp::create(
        b, buildIndex(b, split.getItems()), atLeastOne);
    count = arith::MinSIOp::create(b, count, wanted);
  }
  return arith::MaxSIOp::create(b, count, one);
}

//===----------------------------------------------------------------------===//
// Workspace and merge
//===----------------------------------------------------------------------===//

/// Dims of q's layout that are batch, head and rows of the workspace; the batch
/// of packed rows is -1.
static SmallVector<int, 3> getRowDims(Layout layout) {
  LayoutDims dims = getLayoutDims(layout);
  return {isPacked(layout) ? -1 : dims.batch, dims.head, dims.sequence};
}

MemRefType attn::getPartLsesType(AttentionOp op) {
  SplitAttr split = op.getConfigAttr().getSplit();
  SmallVector<int64_t> shape{split.getCount() > 0 ? split.getCount()
                                                  : ShapedType::kDynamic};
  for (int dim : getRowDims(op.getQLayout())) {
    int64_t size = dim < 0 ? 1 : op.getQType().getDimSize(dim);
    // No subview of a static size of 0 is valid.
    shape.push_back(size == 0 ? ShapedType::kDynamic : size);
  }
  return MemRefType::get(shape, Float32Type::get(op.getContext()));
}

MemRefType attn::getPartOutsType(AttentionOp op) {
  MemRefType lses = getPartLsesType(op);
  SmallVector<int64_t> shape(lses.getShape());
  shape.push_back(op.getValueHeadDim());
  return MemRefType::get(shape, lses.getElementType());
}

Workspace attn::buildWorkspace(ImplicitLocOpBuilder &b, AttentionOp op,
                               Value items) {
  MemRefType lses = getPartLsesType(op), outs = getPartOutsType(op);
  SmallVector<Value> sizes;
  if (lses.isDynamicDim(0))
    sizes.push_back(buildPartCount(b, op, items));
  for (auto [position, dim] : llvm::enumerate(getRowDims(op.getQLayout())))
    if (lses.isDynamicDim(position + 1))
      sizes.push_back(buildDim(b, op.getQ(), dim));
  IntegerAttr alignment = b.getI64IntegerAttr(64);
  return {memref::AllocOp::create(b, outs, sizes, alignment),
          memref::AllocOp::create(b, lses, sizes, alignment)};
}

/// `memref` with its dims in the order of `dims`; -1 is a new dim of size 1. If
/// `isContiguous`, the last one has a stride of 1.
static Value buildPermuted(ImplicitLocOpBuilder &b, Value memref,
                           ArrayRef<int> dims, bool isContiguous) {
  auto source = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  SmallVector<OpFoldResult> sizes, steps;
  SmallVector<int64_t> shape, staticSteps;
  for (auto [position, dim] : llvm::enumerate(dims)) {
    bool isLast = position + 1 == dims.size();
    bool isUnit = dim < 0 || (isLast && isContiguous);
    shape.push_back(dim < 0 ? 1 : source.getDimSize(dim));
    staticSteps.push_back(isUnit ? 1 : ShapedType::kDynamic);
    sizes.push_back(ShapedType::isDynamic(shape.back())
                        ? OpFoldResult(metadata.getSizes()[dim])
                        : b.getIndexAttr(shape.back()));
    steps.push_back(isUnit ? OpFoldResult(b.getIndexAttr(1))
                           : OpFoldResult(metadata.getStrides()[dim]));
  }
  auto layout =
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, staticSteps);
  auto type = MemRefType::get(shape, source.getElementType(), layout);
  return memref::ReinterpretCastOp::create(b, type, metadata.getBaseBuffer(),
                                           metadata.getOffset(), sizes, steps);
}

/// The row lengths that the merge needs: those of the op, or, as packed rows
/// are one batch, where the last sequence ends.
static Value buildRowLengths(ImplicitLocOpBuilder &b, AttentionOp op) {
  Value starts = op.getCuSeqlensQ();
  if (!starts)
    return op.getQLens();
  Value last =
      arith::SubIOp::create(b, buildDim(b, starts, 0), buildIndex(b, 1));
  return memref::SubViewOp::create(b, starts, ArrayRef<OpFoldResult>{last},
                                   ArrayRef<OpFoldResult>{b.getIndexAttr(1)},
                                   ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

void attn::buildMergeOfParts(ImplicitLocOpBuilder &b, AttentionOp op,
                             const Workspace &workspace) {
  Layout layout = op.getOutLayout();
  LayoutDims dims = getLayoutDims(layout);
  SmallVector<int> order(getRowDims(layout));
  order.push_back(dims.dim);
  SmallVector<Value> outs{
      buildPermuted(b, op.getOut(), order, dims.dim > dims.sequence)};
  if (Value lse = op.getLse())
    outs.push_back(op.isPackedQ() ? buildPermuted(b, lse, {-1, 0, 1}, false)
                                  : lse);
  auto merge = MergeOp::create(b, TypeRange(), workspace.outs, workspace.lses,
                               op.getSinks(), buildRowLengths(b, op), outs);
  if (isa<BlockScheduleAttr>(op.getConfigAttr().getSchedule()))
    merge->setAttr(kBlockSize, b.getI64IntegerAttr(kMergeThreads));
  memref::DeallocOp::create(b, workspace.outs);
  memref::DeallocOp::create(b, workspace.lses);
}
