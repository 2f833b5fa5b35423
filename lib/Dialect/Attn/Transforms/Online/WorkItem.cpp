//===- WorkItem.cpp - One batch, one head, one block of query rows ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

Value attn::buildMin(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::MinSIOp::create(b, lhs, rhs);
}

Value attn::buildLoadIndex(ImplicitLocOpBuilder &b, Value memref,
                           ValueRange indices) {
  Value element = memref::LoadOp::create(b, memref, indices);
  return arith::IndexCastOp::create(b, b.getIndexType(), element);
}

Value attn::buildDim(ImplicitLocOpBuilder &b, Value memref, int dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return buildIndex(b, type.getDimSize(dim));
  return memref::DimOp::create(b, memref, dim);
}

WorkExtents attn::buildWorkExtents(ImplicitLocOpBuilder &b, AttentionOp op,
                                   Value q) {
  LayoutDims dims = getLayoutDims(op.getQLayout());
  AffineExpr s0 = b.getAffineSymbolExpr(0);
  Value blocks = affine::AffineApplyOp::create(
      b, AffineMap::get(0, 1, s0.ceilDiv(op.getConfigAttr().getBlockQ())),
      buildDim(b, q, dims.sequence));
  return {buildDim(b, q, dims.batch), buildDim(b, q, dims.head), blocks};
}

/// The length of one sequence: its element of `lens`, or the whole dim.
Value KernelBuilder::buildSeqLen(Value lens, Value memref, Layout layout) {
  if (lens)
    return buildLoadIndex(b, arg(lens), item.batch);
  return buildDim(b, arg(memref), getLayoutDims(layout).sequence);
}

Value KernelBuilder::buildQOffset() {
  Value dynamic = op.getDynamicQOffset();
  if (!dynamic)
    return buildIndex(b, op.getQOffset().value_or(0));
  if (isa<MemRefType>(dynamic.getType()))
    return buildLoadIndex(b, arg(dynamic), item.batch);
  return arith::IndexCastOp::create(b, b.getIndexType(), arg(dynamic));
}

/// The slope of the head, or of the batch and head.
Value KernelBuilder::buildAlibiSlope() {
  Value slopes = arg(op.getAlibiSlopes());
  SmallVector<Value> at{item.batch, item.head};
  if (cast<MemRefType>(slopes.getType()).getRank() == 1)
    at.erase(at.begin());
  return memref::LoadOp::create(b, slopes, at);
}

/// The rows of the work item's sequence and of the head that `sequence` names.
Value KernelBuilder::buildView(Value memref, Layout layout, Dim sequence,
                               Dim dim, int64_t extent) {
  auto type = ViewType::get(b.getContext(), sequence, dim, extent,
                            getElementTypeOrSelf(memref.getType()));
  Value head = sequence == Dim::q ? item.head : item.kvHead;
  return ViewOp::create(b, type, memref, item.batch, head, Value(), layout);
}

/// Decodes the work item and what depends on it alone.
void KernelBuilder::buildWorkItem(Value index) {
  Value q = arg(op.getQ()), k = arg(op.getK());
  Value blockQ = buildIndex(b, config.getBlockQ());
  WorkExtents work = buildWorkExtents(b, op, q);
  auto decoded = WorkItemOp::create(b, index, work.batches, work.heads,
                                    work.qBlocks, /*longest_first=*/true);
  item.batch = decoded.getBatch();
  item.head = decoded.getHead();
  item.qBlock = decoded.getQBlock();
  Value kvHeads = buildDim(b, k, getLayoutDims(op.getKLayout()).head);
  Value group = arith::DivUIOp::create(b, work.heads, kvHeads);
  item.kvHead = arith::DivUIOp::create(b, item.head, group);
  item.firstRow = arith::MulIOp::create(b, item.qBlock, blockQ);
  item.qLen = buildSeqLen(op.getQLens(), op.getQ(), op.getQLayout());
  item.kvLen = buildSeqLen(op.getKvLens(), op.getK(), op.getKLayout());
  item.qOffset = buildQOffset();
  Value left = arith::SubIOp::create(b, item.qLen, item.firstRow);
  item.rows =
      arith::MaxSIOp::create(b, buildMin(b, left, blockQ), buildIndex(b, 0));
  kView = buildView(k, op.getKLayout(), Dim::kv, Dim::d, op.getHeadDim());
  vView = buildView(arg(op.getV()), op.getVLayout(), Dim::kv, Dim::dv,
                    op.getValueHeadDim());
  if (op.getSinks())
    item.sink = memref::LoadOp::create(b, arg(op.getSinks()), item.head);
  if (op.getAlibiSlopes())
    item.alibiSlope = buildAlibiSlope();
}

/// The query tile, of the type that enters the products, and scaled where that
/// is exact.
Value KernelBuilder::loadQueryTile() {
  Value view = buildView(arg(op.getQ()), op.getQLayout(), Dim::q, Dim::d,
                         op.getHeadDim());
  auto tileType = TileType::get(b.getContext(), {Dim::q, Dim::d},
                                {config.getBlockQ(), op.getHeadDim()},
                                score->getOperandType());
  Value tile = LoadTileOp::create(b, tileType, view, item.firstRow, item.rows);
  return score->buildScaledQuery(b, tile);
}
