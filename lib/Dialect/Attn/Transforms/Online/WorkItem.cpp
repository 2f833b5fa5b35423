//===- WorkItem.cpp - One batch, one head, one block of query rows ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "TileTable.h"
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
                                   Value q, Value cuSeqlensQ) {
  LayoutDims dims = getLayoutDims(op.getQLayout());
  int64_t heads = op.getConfigAttr().getHeads();
  int64_t blockQ = op.getConfigAttr().getBlockQ() / heads;
  AffineExpr rows = b.getAffineSymbolExpr(0), starts = b.getAffineSymbolExpr(1);
  SmallVector<Value> sizes{buildDim(b, q, dims.sequence)};
  AffineExpr blocks = rows.ceilDiv(blockQ);
  // See attn.packed_block; there are B + 1 starts.
  if (cuSeqlensQ) {
    sizes.push_back(buildDim(b, cuSeqlensQ, 0));
    blocks = rows.floorDiv(blockQ) + starts;
  }
  Value count = affine::AffineApplyOp::create(
      b, AffineMap::get(0, sizes.size(), blocks), sizes);
  Value batches = cuSeqlensQ ? buildIndex(b, 1) : buildDim(b, q, dims.batch);
  Value tileHeads = buildDim(b, q, dims.head);
  if (heads > 1)
    tileHeads = arith::DivUIOp::create(b, tileHeads, buildIndex(b, heads));
  return {batches, tileHeads, count};
}

Value KernelBuilder::buildTileRows(Value rows) {
  if (config.getHeads() == 1)
    return rows;
  return arith::MulIOp::create(b, rows, buildIndex(b, config.getHeads()));
}

/// The number of the work item's keys, and their first row where packed.
void KernelBuilder::buildKeyLength() {
  Value k = arg(op.getK());
  if (op.getKvLens()) {
    item.kvLen = buildLoadIndex(b, arg(op.getKvLens()), item.batch);
    return;
  }
  if (!op.isPackedKv()) {
    item.kvLen = buildDim(b, k, getLayoutDims(op.getKLayout()).sequence);
    return;
  }
  Value starts = arg(op.getCuSeqlensKv());
  Value next = arith::AddIOp::create(b, item.batch, buildIndex(b, 1));
  item.kvBase = buildLoadIndex(b, starts, item.batch);
  item.kvLen =
      arith::SubIOp::create(b, buildLoadIndex(b, starts, next), item.kvBase);
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
  bool isQuery = sequence == Dim::q;
  Value index = item.batch;
  if (isPacked(layout))
    index = isQuery ? item.qBase : item.kvBase;
  Value table = layout == Layout::paged ? arg(op.getBlockTable()) : Value();
  return ViewOp::create(b, type, memref, index,
                        isQuery ? item.head : item.kvHead, table, layout,
                        isQuery ? config.getHeads() : 1);
}

/// Decodes the work item as far as that needs no sequence to exist.
void KernelBuilder::buildWorkItem(Value index) {
  Value q = arg(op.getQ()), cuSeqlensQ;
  LayoutDims dims = getLayoutDims(op.getQLayout());
  if (op.isPackedQ())
    cuSeqlensQ = arg(op.getCuSeqlensQ());
  WorkExtents work = buildWorkExtents(b, op, q, cuSeqlensQ);
  // Heads may share the rows of the table that they read.
  Value heads = fillsTable ? buildTableHeads(b, op, work.heads) : work.heads;
  auto decoded = WorkItemOp::create(b, index, work.batches, heads, work.qBlocks,
                                    /*longest_first=*/true);
  item.head = buildTileRows(decoded.getHead());
  item.blockNumber = arith::AddIOp::create(
      b, arith::MulIOp::create(b, decoded.getBatch(), work.qBlocks),
      decoded.getQBlock());
  int64_t blockQ = getBlockRows();
  if (op.isPackedQ()) {
    auto block = PackedBlockOp::create(b, decoded.getQBlock(), cuSeqlensQ,
                                       buildDim(b, q, dims.sequence), blockQ);
    item.batch = block.getSequence();
    item.firstRow = block.getRow();
    item.qBase = block.getBase();
    item.qLen = block.getLength();
    return;
  }
  item.batch = decoded.getBatch();
  item.firstRow =
      arith::MulIOp::create(b, decoded.getQBlock(), buildIndex(b, blockQ));
  item.qLen = op.getQLens() ? buildLoadIndex(b, arg(op.getQLens()), item.batch)
                            : buildDim(b, q, dims.sequence);
}

/// What depends on the sequence of the work item.
void KernelBuilder::buildSequence() {
  Value k = arg(op.getK());
  Value heads =
      buildDim(b, arg(op.getQ()), getLayoutDims(op.getQLayout()).head);
  Value kvHeads = buildDim(b, k, getLayoutDims(op.getKLayout()).head);
  Value group = arith::DivUIOp::create(b, heads, kvHeads);
  item.kvHead = arith::DivUIOp::create(b, item.head, group);
  buildKeyLength();
  item.qOffset = buildQOffset();
  Value left = arith::SubIOp::create(b, item.qLen, item.firstRow);
  item.rows = buildTileRows(arith::MaxSIOp::create(
      b, buildMin(b, left, buildIndex(b, getBlockRows())), buildIndex(b, 0)));
  kView = buildView(k, op.getKLayout(), Dim::kv, Dim::d, op.getHeadDim());
  vView = buildView(arg(op.getV()), op.getVLayout(), Dim::kv, Dim::dv,
                    op.getValueHeadDim());
  if (op.getSinks() && !config.getSplit())
    item.sink = memref::LoadOp::create(b, arg(op.getSinks()), item.head);
  if (op.getAlibiSlopes())
    item.alibiSlope = buildAlibiSlope();
  buildDescales();
}

/// The factor of this work item in a [B or 1, Hkv or 1] operand; null without.
Value KernelBuilder::buildDescale(Value operand) {
  if (!operand)
    return Value();
  auto clamp = [&](Value index, int dim) {
    Value size = buildDim(b, arg(operand), dim);
    return buildMin(b, index, arith::SubIOp::create(b, size, buildIndex(b, 1)));
  };
  return memref::LoadOp::create(
      b, arg(operand), ValueRange{clamp(item.batch, 0), clamp(item.kvHead, 1)});
}

void KernelBuilder::buildDescales() {
  Value q = buildDescale(op.getQDescale()), k = buildDescale(op.getKDescale());
  item.scoreDescale = q && k ? arith::MulFOp::create(b, q, k).getResult()
                      : q    ? q
                             : k;
  item.outDescale = buildDescale(op.getVDescale());
}

/// The query tile, of the type that enters the products.
Value KernelBuilder::loadQueryTile() {
  Value view = buildView(arg(op.getQ()), op.getQLayout(), Dim::q, Dim::d,
                         op.getHeadDim());
  auto tileType = TileType::get(b.getContext(), {Dim::q, Dim::d},
                                {config.getBlockQ(), op.getHeadDim()},
                                score->getOperandType());
  return LoadTileOp::create(b, tileType, view, buildTileRows(item.firstRow),
                            item.rows);
}
