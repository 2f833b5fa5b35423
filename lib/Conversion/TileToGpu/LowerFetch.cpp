//===- LowerFetch.cpp - Tiles that pass registers on their way ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread's part of a tile is a number of units. A unit of a plain tile is as
// many neighbouring elements of a row as make 16 bytes of shared memory. A unit
// of a transposed one is a few columns of four keys: loaded as pieces of four
// rows, stored as pieces of as many columns, with the transposition in between.
//
// Loads are not in branches: what lies beyond the tile is loaded as 0.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kChunkBits = 128, kUnitKeys = 4;

namespace {

/// The units of a tile, of `width` columns, and which of them a thread has.
struct FetchPlan {
  FetchPlan(BlockScheduleAttr schedule, SharedAttr layout, int64_t bufferRows,
            int64_t width)
      : transposed(layout.getTransposed()),
        threads(schedule.getWarps() * schedule.getLanes()), width(width) {
    int64_t rows = bufferRows, columns = layout.getColumns();
    if (transposed)
      std::swap(rows, columns);
    unitRows = transposed ? kUnitKeys : 1;
    unitsOfRow = columns / width;
    count = rows / unitRows * unitsOfRow;
    ofThread = llvm::divideCeil(count, threads);
  }

  bool transposed;
  int64_t threads;
  /// Columns and rows of a unit.
  int64_t width, unitRows;
  int64_t unitsOfRow, count, ofThread;
};

/// What fetching and putting have in common.
class TileFetcher {
public:
  TileFetcher(ImplicitLocOpBuilder &b, Value view, SharedAttr layout,
              int64_t bufferRows, Type part, ThreadLowering &lowering)
      : b(b), lowering(lowering), rows(lowering.getRows(view)),
        extent(cast<ViewType>(view.getType()).getExtent()),
        plan(lowering.getSchedule(), layout, bufferRows,
             cast<VectorType>(part).getNumElements()) {}

  SmallVector<Value> fetch(FetchTileOp op);
  void put(const SharedPlace &place, ValueRange parts, Type element);

private:
  /// The first row and column of a unit of this thread, i32.
  std::pair<Value, Value> getUnit(int64_t number);
  Value buildLimit(Value valid);
  void putChunk(const SharedPlace &place, Value part, Value row, Value column);
  void putColumns(const SharedPlace &place, ValueRange parts, Value key,
                  Value column);

  ImplicitLocOpBuilder &b;
  ThreadLowering &lowering;
  const GlobalRows &rows;
  int64_t extent;
  FetchPlan plan;
};

} // namespace

/// Units of a chunk of shared memory, or of four columns; of two if threads
/// would be left without one.
static int64_t chooseWidth(BlockScheduleAttr schedule, SharedAttr layout,
                           MemRefType buffer) {
  if (!layout.getTransposed())
    return kChunkBits / buffer.getElementTypeBitWidth();
  constexpr int64_t kMost = 4, kLeast = 2;
  FetchPlan plan(schedule, layout, buffer.getDimSize(1), kMost);
  return plan.count < plan.threads ? kLeast : kMost;
}

SmallVector<Type> attn::getFetchedTypes(BlockScheduleAttr schedule,
                                        Type element, SharedAttr layout,
                                        MemRefType buffer) {
  FetchPlan plan(schedule, layout, buffer.getDimSize(1),
                 chooseWidth(schedule, layout, buffer));
  return SmallVector<Type>(plan.ofThread * plan.unitRows,
                           VectorType::get(plan.width, getStoredType(element)));
}

std::pair<Value, Value> TileFetcher::getUnit(int64_t number) {
  Value unit = arith::AddIOp::create(b, lowering.getThread(),
                                     buildI32(b, number * plan.threads));
  Value perRow = buildI32(b, plan.unitsOfRow);
  Value row = arith::DivUIOp::create(b, unit, perRow);
  Value column = arith::RemUIOp::create(b, unit, perRow);
  return {arith::MulIOp::create(b, row, buildI32(b, plan.unitRows)),
          arith::MulIOp::create(b, column, buildI32(b, plan.width))};
}

/// The bytes from the first row on that may be read, an i32, which holds those
/// of a tile that can be fetched. Of a choice, what both of its values give:
/// all but the choice leaves the loop.
Value TileFetcher::buildLimit(Value valid) {
  if (auto choice = valid.getDefiningOp<arith::SelectOp>())
    return arith::SelectOp::create(b, choice.getCondition(),
                                   buildLimit(choice.getTrueValue()),
                                   buildLimit(choice.getFalseValue()));
  int64_t bytes = rows.element.getIntOrFloatBitWidth() / 8;
  Value count = arith::IndexCastOp::create(b, b.getI32Type(), valid);
  Value stride = arith::TruncIOp::create(b, b.getI32Type(), rows.rowStride);
  Value before = arith::SubIOp::create(b, count, buildI32(b, 1));
  Value elements = arith::AddIOp::create(
      b, arith::MulIOp::create(b, before, stride), buildI32(b, extent));
  Value limit = arith::MulIOp::create(b, elements, buildI32(b, bytes));
  Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, count,
                                     buildI32(b, 0));
  return arith::SelectOp::create(b, some, limit, buildI32(b, 0));
}

SmallVector<Value> TileFetcher::fetch(FetchTileOp op) {
  SmallVector<Value> parts;
  if (!rows.canFetch) {
    for (Type type : op.getResultTypes())
      parts.push_back(LLVM::ZeroOp::create(b, type));
    return parts;
  }
  int64_t bytes = rows.element.getIntOrFloatBitWidth() / 8;
  Value base = buildRowPointer(b, rows, toI64(b, op.getRow()));
  Value limit = buildLimit(op.getValid());
  Value stride = arith::TruncIOp::create(b, b.getI32Type(), rows.rowStride);
  Type type = op.getResultTypes().front();
  for (int64_t number = 0; number < plan.ofThread; ++number) {
    auto [row, column] = getUnit(number);
    for (int64_t i = 0; i < plan.unitRows; ++i) {
      Value at = arith::AddIOp::create(b, row, buildI32(b, i));
      Value element = arith::AddIOp::create(
          b, arith::MulIOp::create(b, at, stride), column);
      Value offset = arith::MulIOp::create(b, element, buildI32(b, bytes));
      // Columns that only fill up the tile lie beyond every limit.
      if (extent < plan.unitsOfRow * plan.width) {
        constexpr int64_t kBeyond = 0x7ffffff0;
        Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                             column, buildI32(b, extent));
        offset =
            arith::SelectOp::create(b, inside, offset, buildI32(b, kBeyond));
      }
      parts.push_back(LoadChunkOp::create(b, type, base, offset, limit));
    }
  }
  return parts;
}

/// The elements of `part`, of `from` in global memory, as `to`.
static Value buildConverted(ImplicitLocOpBuilder &b, Value part, Type from,
                            Type to) {
  auto type = cast<VectorType>(part.getType());
  if (type.getElementType() != from)
    part = arith::BitcastOp::create(b, type.clone(from), part);
  return buildWidened(b, part, to);
}

void TileFetcher::putChunk(const SharedPlace &place, Value part, Value row,
                           Value column) {
  constexpr unsigned kAlignment = 16;
  Value offset = buildSharedOffset(b, place, row, column);
  LLVM::StoreOp::create(b, part, lowering.getSharedPointer(b, offset),
                        kAlignment);
}

/// Column i of the parts, each of which is a row.
void TileFetcher::putColumns(const SharedPlace &place, ValueRange parts,
                             Value key, Value column) {
  int64_t width = plan.width;
  SmallVector<int64_t> all;
  for (int64_t i = 0; i < 2 * width; ++i)
    all.push_back(i);
  Value upper = vector::ShuffleOp::create(b, parts[0], parts[1], all);
  Value lower = vector::ShuffleOp::create(b, parts[2], parts[3], all);
  for (int64_t i = 0; i < width; ++i) {
    Value keys = vector::ShuffleOp::create(
        b, upper, lower,
        ArrayRef<int64_t>{i, width + i, 2 * width + i, 3 * width + i});
    Value at = arith::AddIOp::create(b, column, buildI32(b, i));
    Value offset = buildSharedOffset(b, place, key, at);
    LLVM::StoreOp::create(
        b, keys, lowering.getSharedPointer(b, offset),
        /*alignment=*/static_cast<unsigned>(kUnitKeys * place.elementBytes));
  }
}

void TileFetcher::put(const SharedPlace &place, ValueRange parts,
                      Type element) {
  SmallVector<Value> wide;
  for (Value part : parts)
    wide.push_back(buildConverted(b, part, rows.element, element));
  for (int64_t number = 0; number < plan.ofThread; ++number) {
    auto [row, column] = getUnit(number);
    ValueRange unit =
        ValueRange(wide).slice(number * plan.unitRows, plan.unitRows);
    auto store = [&, row = row, column = column] {
      if (plan.transposed)
        putColumns(place, unit, row, column);
      else
        putChunk(place, unit[0], row, column);
    };
    int64_t first = number * plan.threads;
    if (first + plan.threads <= plan.count) {
      store();
      continue;
    }
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                         lowering.getThread(),
                                         buildI32(b, plan.count - first));
    buildIf(b, exists, store);
  }
}

void attn::lowerFetchTile(FetchTileOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileFetcher fetcher(b, op.getView(), op.getLayout(), op.getRows(),
                      op.getResultTypes().front(), lowering);
  op->replaceAllUsesWith(fetcher.fetch(op));
}

void attn::lowerPutTile(PutTileOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto buffer = cast<MemRefType>(op.getBuffer().getType());
  SharedPlace place =
      getStagePlace(b, op.getBuffer(), op.getStage(), op.getLayout(), lowering);
  TileFetcher fetcher(b, op.getView(), op.getLayout(), buffer.getDimSize(1),
                      op.getParts().front().getType(), lowering);
  TileCopy copy{op.getView(),    op.getRow(),   op.getValid(),
                op.getBuffer(),  op.getStage(), op.getLayout(),
                /*aligned=*/true};
  if (!lowering.getRows(op.getView()).canFetch)
    return copyTile(b, copy, lowering);
  fetcher.put(place, op.getParts(), buffer.getElementType());
}
