//===- LowerTileMemory.cpp - Views, tile loads and stores --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// [sequence][head dim] of one batch and head, with the contiguous dim's stride
/// known to be 1 (that is what a layout promises).
void attn::lowerView(ViewOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getSource());
  LayoutDims dims = getLayoutDims(op.getLayout());
  ValueRange strides = metadata.getStrides();
  Value offset = metadata.getOffset();
  auto advance = [&](Value index, int dim) {
    Value step = arith::MulIOp::create(b, index, strides[dim]);
    offset = arith::AddIOp::create(b, offset, step);
  };
  advance(op.getBatch(), dims.batch);
  advance(op.getHead(), dims.head);

  ViewType view = op.getView().getType();
  OpFoldResult one = b.getIndexAttr(1);
  bool rowMajor = dims.dim > dims.sequence;
  OpFoldResult rowStride =
      rowMajor ? OpFoldResult(strides[dims.sequence]) : one;
  OpFoldResult dimStride = rowMajor ? one : OpFoldResult(strides[dims.dim]);
  constexpr int64_t dynamic = ShapedType::kDynamic;
  auto layout =
      StridedLayoutAttr::get(b.getContext(), dynamic,
                             {rowMajor ? dynamic : 1, rowMajor ? 1 : dynamic});
  auto type = MemRefType::get({dynamic, view.getExtent()},
                              view.getElementType(), layout);
  Value memref = memref::ReinterpretCastOp::create(
      b, type, metadata.getBaseBuffer(), offset,
      ArrayRef<OpFoldResult>{metadata.getSizes()[dims.sequence],
                             b.getIndexAttr(view.getExtent())},
      ArrayRef<OpFoldResult>{rowStride, dimStride});
  lowering.setView(op.getView(), memref);
}

/// Rows of a view from `row` on.
static Value buildRows(ImplicitLocOpBuilder &b, Value view, Value row,
                       Value count, int64_t extent) {
  return memref::SubViewOp::create(
      b, view, ArrayRef<OpFoldResult>{row, b.getIndexAttr(0)},
      ArrayRef<OpFoldResult>{count, b.getIndexAttr(extent)},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1), b.getIndexAttr(1)});
}

//===----------------------------------------------------------------------===//
// Element conversions
//===----------------------------------------------------------------------===//

/// `value` (scalar or vector) widened to `element`, or as it is.
static Value buildExtend(ImplicitLocOpBuilder &b, Value value, Type element) {
  Type from = value.getType();
  if (getElementTypeOrSelf(from) == element)
    return value;
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(from))
    to = vector.clone(element);
  return arith::ExtFOp::create(b, to, value);
}

/// The 16 bits of a scalar in the low half of an i32.
static Value buildBits32(ImplicitLocOpBuilder &b, Value value) {
  Value bits = arith::BitcastOp::create(b, b.getI16Type(), value);
  return arith::ExtUIOp::create(b, b.getI32Type(), bits);
}

/// Two 16-bit scalars as one i32, `low` in the low half.
static Value buildPair(ImplicitLocOpBuilder &b, Value low, Value high) {
  Value shift = arith::ConstantOp::create(b, b.getI32IntegerAttr(16));
  Value upper = arith::ShLIOp::create(b, buildBits32(b, high), shift);
  return arith::OrIOp::create(b, upper, buildBits32(b, low));
}

static Value buildZero(ImplicitLocOpBuilder &b, Type type) {
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

//===----------------------------------------------------------------------===//
// Query tiles: transposed
//===----------------------------------------------------------------------===//

/// buffer[d][q] = rows[q][d], with rows from `valid` on 0.
static void loadTransposed(ImplicitLocOpBuilder &b, Value rows, Value buffer,
                           Value valid, TileType tile) {
  Value blockQ = buildIndex(b, tile.getExtent(Dim::q));
  Value extent = buildIndex(b, tile.getExtent(Dim::d));
  Type element = tile.getElementType();
  buildLoop(b, extent, 1, [&](Value d) {
    buildLoop(b, valid, 1, [&](Value q) {
      Value value = memref::LoadOp::create(b, rows, ValueRange{q, d});
      memref::StoreOp::create(b, buildExtend(b, value, element), buffer,
                              ValueRange{d, q});
    });
    auto rest = scf::ForOp::create(b, valid, blockQ, buildIndex(b, 1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rest.getBody());
    memref::StoreOp::create(b, buildZero(b, element), buffer,
                            ValueRange{d, rest.getInductionVar()});
  });
}

/// buffer[d / 2][q] = (rows[q][d], rows[q][d + 1]); an odd last d pairs with 0.
static void loadTransposedPairs(ImplicitLocOpBuilder &b, Value rows,
                                Value buffer, Value valid, TileType tile) {
  int64_t extent = tile.getExtent(Dim::d);
  Value blockQ = buildIndex(b, tile.getExtent(Dim::q));
  auto storePair = [&](Value pair, Value q, Value low, Value high) {
    memref::StoreOp::create(b, buildPair(b, low, high), buffer,
                            ValueRange{pair, q});
  };
  auto loadRows = [&](Value pair, bool hasHigh) {
    Value d = arith::MulIOp::create(b, pair, buildIndex(b, 2));
    Value d1 = arith::AddIOp::create(b, d, buildIndex(b, 1));
    buildLoop(b, valid, 1, [&](Value q) {
      Value low = memref::LoadOp::create(b, rows, ValueRange{q, d});
      Value high =
          hasHigh
              ? memref::LoadOp::create(b, rows, ValueRange{q, d1}).getResult()
              : buildZero(b, tile.getElementType());
      storePair(pair, q, low, high);
    });
    auto rest = scf::ForOp::create(b, valid, blockQ, buildIndex(b, 1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rest.getBody());
    memref::StoreOp::create(b, buildZero(b, b.getI32Type()), buffer,
                            ValueRange{pair, rest.getInductionVar()});
  };
  buildLoop(b, buildIndex(b, extent / 2), 1,
            [&](Value pair) { loadRows(pair, /*hasHigh=*/true); });
  if (extent % 2 == 1)
    loadRows(buildIndex(b, extent / 2), /*hasHigh=*/false);
}

//===----------------------------------------------------------------------===//
// Key and value tiles: row-major
//===----------------------------------------------------------------------===//

namespace {

/// Copies rows into a row-major buffer, a vector at a time, and can watch
/// whether all elements are finite.
class RowCopier {
public:
  RowCopier(ImplicitLocOpBuilder &b, Value rows, Value buffer, TileType tile,
            int64_t unit, bool watch)
      : b(b), rows(rows), buffer(buffer), tile(tile), watch(watch) {
    auto layout = cast<BufferLayoutAttr>(tile.getLayout());
    extent = tile.getExtent(layout.getOrder().back());
    pairs = layout.getPairs();
    auto type = cast<MemRefType>(rows.getType());
    element = cast<FloatType>(type.getElementType());
    // Vectors need unit stride; what is left of a row, and rows of another
    // stride, go element by element.
    bool unitStride = type.getStridesAndOffset().first.back() == 1;
    vectorExtent = unitStride ? extent / unit * unit : 0;
    seenType = VectorType::get({unit}, b.getIntegerType(element.getWidth()));
  }

  /// Emits the copy of rows [0, valid). The result tells whether all of them
  /// are finite; null if not watched.
  Value copy(Value valid);

private:
  struct Chunk {
    Value row, column;
    int64_t width;
    /// Whether the next row is there to form pairs.
    bool hasSecond;
  };
  Value copyRow(Value row, bool hasSecond, Value seen);
  Value copyChunk(const Chunk &chunk, Value seen);
  Value note(Value value, Value seen);
  void padRow(Value row);
  Value buildAllFinite(Value seen);

  ImplicitLocOpBuilder &b;
  Value rows, buffer;
  TileType tile;
  FloatType element;
  VectorType seenType;
  bool watch;
  bool pairs;
  int64_t extent, vectorExtent;
};

} // namespace

/// Emits a loop from `begin` to `end` that carries one value.
static Value buildCarryingLoop(ImplicitLocOpBuilder &b, Value begin, Value end,
                               int64_t step, Value init,
                               function_ref<Value(Value, Value)> body) {
  auto loop =
      scf::ForOp::create(b, begin, end, buildIndex(b, step), ValueRange{init});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
  scf::YieldOp::create(b, next);
  return loop.getResult(0);
}

/// The largest magnitude per lane: the bits of non-negative floats order as
/// integers, with infinity and NaN above all finite values.
Value RowCopier::note(Value value, Value seen) {
  if (!watch)
    return seen;
  auto type = cast<VectorType>(value.getType());
  auto intType = type.clone(seenType.getElementType());
  Value bits = vector::BitCastOp::create(b, intType, value);
  Value mask = arith::ConstantOp::create(
      b, DenseElementsAttr::get(intType,
                                APInt::getSignedMaxValue(element.getWidth())));
  Value magnitude = arith::AndIOp::create(b, bits, mask);
  if (intType != seenType) {
    Value scalar = vector::ExtractOp::create(b, magnitude, int64_t(0));
    magnitude = vector::BroadcastOp::create(b, seenType, scalar);
  }
  return arith::MaxUIOp::create(b, seen, magnitude);
}

Value RowCopier::copyChunk(const Chunk &chunk, Value seen) {
  auto loadType = VectorType::get({chunk.width}, element);
  auto load = [&](Value row) -> Value {
    return vector::LoadOp::create(b, loadType, rows,
                                  ValueRange{row, chunk.column});
  };
  Value first = load(chunk.row);
  seen = note(first, seen);
  if (!pairs) {
    vector::StoreOp::create(b, buildExtend(b, first, tile.getElementType()),
                            buffer, ValueRange{chunk.row, chunk.column});
    return seen;
  }
  Value second = buildZero(b, loadType);
  if (chunk.hasSecond) {
    second = load(arith::AddIOp::create(b, chunk.row, buildIndex(b, 1)));
    seen = note(second, seen);
  }
  Value both = vector::InterleaveOp::create(b, first, second);
  Value words = vector::BitCastOp::create(
      b, VectorType::get({chunk.width}, b.getI32Type()), both);
  Value half = arith::ShRUIOp::create(b, chunk.row, buildIndex(b, 1));
  vector::StoreOp::create(b, words, buffer, ValueRange{half, chunk.column});
  return seen;
}

/// The element that an odd extent lacks to a pair is 0.
void RowCopier::padRow(Value row) {
  if (pairs || tile.getElementType().isF32() || extent % 2 == 0)
    return;
  memref::StoreOp::create(b, buildZero(b, tile.getElementType()), buffer,
                          ValueRange{row, buildIndex(b, extent)});
}

/// Copies one row, or two when they form pairs.
Value RowCopier::copyRow(Value row, bool hasSecond, Value seen) {
  auto copyColumns = [&](int64_t begin, int64_t end, int64_t width) {
    if (begin == end)
      return;
    seen = buildCarryingLoop(b, buildIndex(b, begin), buildIndex(b, end), width,
                             seen, [&](Value column, Value seen) {
                               return copyChunk({row, column, width, hasSecond},
                                                seen);
                             });
  };
  copyColumns(0, vectorExtent, seenType.getDimSize(0));
  copyColumns(vectorExtent, extent, 1);
  padRow(row);
  return seen;
}

Value RowCopier::buildAllFinite(Value seen) {
  Value largest =
      vector::ReductionOp::create(b, vector::CombiningKind::MAXUI, seen);
  APInt infinity =
      APFloat::getInf(element.getFloatSemantics()).bitcastToAPInt();
  Value limit = arith::ConstantOp::create(
      b, b.getIntegerAttr(seenType.getElementType(), infinity));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, largest, limit);
}

Value RowCopier::copy(Value valid) {
  Value seen = buildZero(b, seenType);
  Value zero = buildIndex(b, 0);
  if (!pairs) {
    seen =
        buildCarryingLoop(b, zero, valid, 1, seen, [&](Value row, Value seen) {
          return copyRow(row, false, seen);
        });
  } else {
    Value even = arith::AndIOp::create(b, valid, buildIndex(b, -2));
    seen =
        buildCarryingLoop(b, zero, even, 2, seen, [&](Value row, Value seen) {
          return copyRow(row, true, seen);
        });
    seen =
        buildCarryingLoop(b, even, valid, 1, seen, [&](Value row, Value seen) {
          return copyRow(row, false, seen);
        });
  }
  return watch ? buildAllFinite(seen) : Value();
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

LogicalResult attn::lowerLoadTile(LoadTileOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileType tile = op.getTile().getType();
  ViewType view = op.getView().getType();
  Value rows = buildRows(b, lowering.getView(op.getView()), op.getRow(),
                         op.getValid(), view.getExtent());
  if (isa<InPlaceLayoutAttr>(tile.getLayout())) {
    if (op.getFinite())
      return op.emitOpError("in place cannot watch for non-finite elements");
    lowering.setBuffer(op.getTile(), rows);
    return success();
  }
  Value buffer = lowering.allocate(op.getTile());
  auto layout = cast<BufferLayoutAttr>(tile.getLayout());
  if (layout.getOrder().back() == Dim::q) {
    if (layout.getPairs())
      loadTransposedPairs(b, rows, buffer, op.getValid(), tile);
    else
      loadTransposed(b, rows, buffer, op.getValid(), tile);
    return success();
  }
  RowCopier copier(b, rows, buffer, tile, lowering.getSchedule().getUnit(),
                   static_cast<bool>(op.getFinite()));
  Value finite = copier.copy(op.getValid());
  if (op.getFinite())
    lowering.replaceScalar(op.getFinite(), finite);
  return success();
}

/// rows[q][dv] = buffer[dv][q], rounded.
void attn::lowerStoreTile(StoreTileOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  ViewType view = op.getView().getType();
  Value rows = buildRows(b, lowering.getView(op.getView()), op.getRow(),
                         op.getValid(), view.getExtent());
  Value buffer = lowering.getBuffer(op.getTile());
  Type element = view.getElementType();
  buildLoop(b, op.getValid(), 1, [&](Value q) {
    buildLoop(b, buildIndex(b, view.getExtent()), 1, [&](Value dv) {
      Value value = memref::LoadOp::create(b, buffer, ValueRange{dv, q});
      if (!element.isF32())
        value = arith::TruncFOp::create(b, element, value);
      memref::StoreOp::create(b, value, rows, ValueRange{q, dv});
    });
  });
}

void attn::lowerStoreStats(StoreStatsOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value buffer = lowering.getBuffer(op.getTile());
  SmallVector<Value> indices(op.getIndices());
  Value first = indices.back();
  buildLoop(b, op.getValid(), 1, [&](Value q) {
    Value value = memref::LoadOp::create(b, buffer, q);
    indices.back() = arith::AddIOp::create(b, first, q);
    memref::StoreOp::create(b, value, op.getMemref(), indices);
  });
}

void attn::lowerFill(FillOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value buffer = lowering.allocate(op.getTile());
  auto type = cast<MemRefType>(buffer.getType());
  int64_t unit = lowering.getSchedule().getUnit();
  int64_t inner = type.getShape().back();
  int64_t width = inner % unit == 0 ? unit : 1;
  Value vector = vector::BroadcastOp::create(
      b, VectorType::get({width}, type.getElementType()), op.getValue());
  if (type.getRank() == 1) {
    buildLoop(b, buildIndex(b, inner), width,
              [&](Value i) { vector::StoreOp::create(b, vector, buffer, i); });
    return;
  }
  buildLoop(b, buildIndex(b, type.getDimSize(0)), 1, [&](Value row) {
    buildLoop(b, buildIndex(b, inner), width, [&](Value i) {
      vector::StoreOp::create(b, vector, buffer, ValueRange{row, i});
    });
  });
}
