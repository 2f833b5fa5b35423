//===- LowerPages.cpp - Where the rows of paged keys lie ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products and copies read the rows of pages where they lie, through a table
// with the offset of every row of a tile. It is made once per tile, page by
// page, so that no page size needs a division per row.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

Value Rows::at(ImplicitLocOpBuilder &b, Value row) const {
  return offsets ? memref::LoadOp::create(b, offsets, row) : row;
}

/// Starts the way of a row to the cache. Where few query rows stream the keys,
/// the machine cannot guess the next page, and the table is made long enough
/// before its rows are read.
static void prefetchRow(ImplicitLocOpBuilder &b, Value view, Value offset) {
  constexpr int64_t kLineBits = 512;
  auto type = cast<MemRefType>(view.getType());
  int64_t line = kLineBits / type.getElementTypeBitWidth();
  for (int64_t column = 0; column < type.getDimSize(1); column += line)
    memref::PrefetchOp::create(b, view,
                               ValueRange{offset, buildIndex(b, column)},
                               /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
}

/// Stores the offsets of the rows [begin, end) of the sequence that lie in page
/// `number`; `row` is the first row of the tile. The rows of `streamed`, a view
/// or null, are prefetched.
static void storePageOffsets(ImplicitLocOpBuilder &b, const Pages &pages,
                             Value number, Value row, Value end, Value offsets,
                             Value streamed) {
  Value entry =
      memref::LoadOp::create(b, pages.table, ValueRange{pages.batch, number});
  Value page = arith::IndexCastOp::create(b, b.getIndexType(), entry);
  Value firstOfPage = arith::MulIOp::create(b, number, pages.size);
  Value endOfPage = arith::AddIOp::create(b, firstOfPage, pages.size);
  // The offset that row 0 of the sequence would have if pages were adjacent.
  Value origin = arith::SubIOp::create(
      b, arith::MulIOp::create(b, page, pages.pageStride),
      arith::MulIOp::create(b, firstOfPage, pages.rowStride));
  buildLoop(b, arith::MaxSIOp::create(b, firstOfPage, row),
            arith::MinSIOp::create(b, endOfPage, end), 1, [&](Value i) {
              Value distance = arith::MulIOp::create(b, i, pages.rowStride);
              Value offset = arith::AddIOp::create(b, origin, distance);
              memref::StoreOp::create(
                  b, offset, offsets,
                  ValueRange{arith::SubIOp::create(b, i, row)});
              if (streamed)
                prefetchRow(b, streamed, offset);
            });
}

Value attn::buildRowOffsets(ImplicitLocOpBuilder &b, const Pages &pages,
                            LoadTileOp op, TileLowering &lowering) {
  TileType tile = op.getTile().getType();
  auto type = MemRefType::get({tile.getExtent(Dim::kv)}, b.getIndexType());
  Value offsets = lowering.allocate(type, op->getBlock());
  Value streamed;
  if (lowering.getSchedule().getByRow())
    streamed = lowering.getView(op.getView());
  Value zero = buildIndex(b, 0);
  Value end = arith::AddIOp::create(b, op.getRow(), op.getValid());
  Value firstPage = arith::DivUIOp::create(b, op.getRow(), pages.size);
  Value roundUp = arith::SubIOp::create(b, pages.size, buildIndex(b, 1));
  Value endPage = arith::DivUIOp::create(
      b, arith::AddIOp::create(b, end, roundUp), pages.size);
  // Without valid rows no entry of the table may be read.
  Value hasRows =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, op.getValid(), zero);
  buildLoop(b, firstPage, arith::SelectOp::create(b, hasRows, endPage, zero), 1,
            [&](Value number) {
              storePageOffsets(b, pages, number, op.getRow(), end, offsets,
                               streamed);
            });
  return offsets;
}
