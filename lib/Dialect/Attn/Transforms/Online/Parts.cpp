//===- Parts.cpp - The keys of one part of a split ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With a split, a work item is one part of the keys of what would be a work
// item without. Parts are counted within a batch, so that the heads of a batch
// read the same part of the keys one after the other: they may lie in the same
// pages of memory. A part visits the key tiles of the item that lie between two
// bounds, and stores what it has found as an attention of its own; rows are
// addressed as without a split.
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

/// `memref[part]`; further dims of `drop` are of size 1 and left out too.
static Value buildPartOf(ImplicitLocOpBuilder &b, Value memref, Value part,
                         unsigned drop) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      steps(type.getRank(), b.getIndexAttr(1)), sizes;
  for (int dim = 0; dim < type.getRank(); ++dim) {
    Value size = buildDim(b, memref, dim);
    sizes.push_back(type.isDynamicDim(dim)
                        ? OpFoldResult(size)
                        : b.getIndexAttr(type.getDimSize(dim)));
  }
  offsets[0] = part;
  sizes[0] = b.getIndexAttr(1);
  SmallVector<int64_t> shape(type.getShape().drop_front(drop));
  MemRefType slice = memref::SubViewOp::inferRankReducedResultType(
      shape, type, offsets, sizes, steps);
  return memref::SubViewOp::create(b, slice, memref, offsets, sizes, steps);
}

/// Takes the number of the part out of `index` and makes the part's workspace
/// the place of the results. Returns the index of the item.
Value KernelBuilder::buildPart(Value index) {
  Value parts = buildDim(b, workspace.outs, 0);
  Value starts = op.getCuSeqlensQ() ? arg(op.getCuSeqlensQ()) : Value();
  WorkExtents work = buildWorkExtents(b, op, arg(op.getQ()), starts);
  Value items = arith::MulIOp::create(b, work.heads, work.qBlocks);
  Value inBatch = arith::RemUIOp::create(b, index, items);
  Value partOfBatch = arith::DivUIOp::create(b, index, items);
  item.part = arith::RemUIOp::create(b, partOfBatch, parts);
  // Packed rows are one batch of the workspace.
  unsigned drop = op.isPackedQ() ? 2 : 1;
  outLayout = op.isPackedQ() ? Layout::htd : Layout::bhsd;
  out = buildPartOf(b, workspace.outs, item.part, drop);
  lse = buildPartOf(b, workspace.lses, item.part, drop);
  Value batch = arith::DivUIOp::create(b, partOfBatch, parts);
  return arith::AddIOp::create(b, arith::MulIOp::create(b, batch, items),
                               inBatch);
}

/// The smallest range of key tiles that holds all ranges; empty, and anywhere,
/// if they are.
static std::pair<Value, Value> buildHull(ImplicitLocOpBuilder &b,
                                         ArrayRef<const BodyRanges *> bodies) {
  Value hullBegin, hullEnd;
  for (const BodyRanges *ranges : bodies)
    for (auto [begin, end] : llvm::zip_equal(ranges->begins, ranges->ends)) {
      if (!hullBegin) {
        hullBegin = begin, hullEnd = end;
        continue;
      }
      // An empty range must not widen the hull.
      Value used =
          arith::CmpIOp::create(b, arith::CmpIPredicate::slt, begin, end);
      Value empty = arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                                          hullBegin, hullEnd);
      Value low = arith::SelectOp::create(
          b, empty, begin, arith::MinSIOp::create(b, begin, hullBegin));
      Value high = arith::SelectOp::create(
          b, empty, end, arith::MaxSIOp::create(b, end, hullEnd));
      hullBegin = arith::SelectOp::create(b, used, low, hullBegin);
      hullEnd = arith::SelectOp::create(b, used, high, hullEnd);
    }
  if (!hullBegin)
    hullBegin = hullEnd = buildIndex(b, 0);
  return {hullBegin, hullEnd};
}

/// Keeps of `full` and `partial` what belongs to the part.
void KernelBuilder::cutRanges() {
  SplitAttr split = config.getSplit();
  Value first, tiles;
  if (split.getItems() == 0 && split.getSize() > 0) {
    first = buildIndex(b, 0);
    tiles =
        buildIndex(b, llvm::divideCeil(split.getSize(), config.getBlockKv()));
  } else {
    auto [hullBegin, hullEnd] = buildHull(b, {&full, &partial});
    first = hullBegin;
    Value visited = arith::MaxSIOp::create(
        b, arith::SubIOp::create(b, hullEnd, hullBegin), buildIndex(b, 0));
    tiles =
        arith::CeilDivUIOp::create(b, visited, buildDim(b, workspace.outs, 0));
  }
  first = arith::AddIOp::create(b, first,
                                arith::MulIOp::create(b, item.part, tiles));
  Value last = arith::AddIOp::create(b, first, tiles);
  for (BodyRanges *ranges : {&full, &partial})
    for (auto [begin, end] : llvm::zip_equal(ranges->begins, ranges->ends)) {
      begin = arith::MaxSIOp::create(b, begin, first);
      end = arith::MinSIOp::create(b, end, last);
    }
}
