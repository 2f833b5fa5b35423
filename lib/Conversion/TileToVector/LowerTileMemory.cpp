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

/// The pages of a paged view; a page without rows holds nothing that is read.
static Pages buildPages(ImplicitLocOpBuilder &b, ViewOp op, LayoutDims dims,
                        ValueRange sizes, ValueRange strides) {
  Value size =
      arith::MaxSIOp::create(b, sizes[dims.sequence], buildIndex(b, 1));
  return {op.getBlockTable(), op.getBatch(), size, strides[dims.batch],
          strides[dims.sequence]};
}

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
  bool isPaged = op.getLayout() == Layout::paged;
  if (isPaged)
    lowering.setPages(op.getView(),
                      buildPages(b, op, dims, metadata.getSizes(), strides));
  else
    advance(op.getBatch(),
            isPacked(op.getLayout()) ? dims.sequence : dims.batch);
  advance(op.getHead(), dims.head);

  ViewType view = op.getView().getType();
  OpFoldResult one = b.getIndexAttr(1);
  bool rowMajor = dims.dim > dims.sequence;
  // Offsets of paged rows count elements.
  bool hasRowStride = rowMajor && !isPaged;
  OpFoldResult rowStride =
      hasRowStride ? OpFoldResult(strides[dims.sequence]) : one;
  OpFoldResult dimStride = rowMajor ? one : OpFoldResult(strides[dims.dim]);
  constexpr int64_t dynamic = ShapedType::kDynamic;
  auto layout = StridedLayoutAttr::get(
      b.getContext(), dynamic,
      {hasRowStride ? dynamic : 1, rowMajor ? 1 : dynamic});
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

/// buffer[d][q] = rows[q][d], with rows from `valid` on 0. Row by row: rows may
/// lie a multiple of 4 KiB apart, where walking down a column would always hit
/// the same few cache lines.
static void loadTransposed(ImplicitLocOpBuilder &b, Value rows, Value buffer,
                           Value valid, TileType tile) {
  Value blockQ = buildIndex(b, tile.getExtent(Dim::q));
  Value extent = buildIndex(b, tile.getExtent(Dim::d));
  Type element = tile.getElementType();
  buildLoop(b, valid, 1, [&](Value q) {
    buildLoop(b, extent, 1, [&](Value d) {
      Value value = memref::LoadOp::create(b, rows, ValueRange{q, d});
      memref::StoreOp::create(b, buildExtend(b, value, element), buffer,
                              ValueRange{d, q});
    });
  });
  buildLoop(b, valid, blockQ, 1, [&](Value q) {
    buildLoop(b, extent, 1, [&](Value d) {
      memref::StoreOp::create(b, buildZero(b, element), buffer,
                              ValueRange{d, q});
    });
  });
}

/// buffer[d / 2][q] = (rows[q][d], rows[q][d + 1]); an odd last d pairs with 0.
static void loadTransposedPairs(ImplicitLocOpBuilder &b, Value rows,
                                Value buffer, Value valid, TileType tile) {
  int64_t extent = tile.getExtent(Dim::d);
  Value blockQ = buildIndex(b, tile.getExtent(Dim::q));
  auto loadPair = [&](Value pair, Value q, bool hasHigh) {
    Value d = arith::MulIOp::create(b, pair, buildIndex(b, 2));
    Value low = memref::LoadOp::create(b, rows, ValueRange{q, d});
    Value high = buildZero(b, tile.getElementType());
    if (hasHigh) {
      Value d1 = arith::AddIOp::create(b, d, buildIndex(b, 1));
      high = memref::LoadOp::create(b, rows, ValueRange{q, d1});
    }
    memref::StoreOp::create(b, buildPair(b, low, high), buffer,
                            ValueRange{pair, q});
  };
  buildLoop(b, valid, 1, [&](Value q) {
    buildLoop(b, buildIndex(b, extent / 2), 1,
              [&](Value pair) { loadPair(pair, q, /*hasHigh=*/true); });
    if (extent % 2 == 1)
      loadPair(buildIndex(b, extent / 2), q, /*hasHigh=*/false);
  });
  buildLoop(b, valid, blockQ, 1, [&](Value q) {
    buildLoop(b, buildIndex(b, llvm::divideCeil(extent, 2)), 1,
              [&](Value pair) {
                memref::StoreOp::create(b, buildZero(b, b.getI32Type()), buffer,
                                        ValueRange{pair, q});
              });
  });
}

//===----------------------------------------------------------------------===//
// Key and value tiles: row-major
//===----------------------------------------------------------------------===//

namespace {

/// Copies rows into a row-major buffer, a vector at a time.
class RowCopier {
public:
  RowCopier(ImplicitLocOpBuilder &b, Rows rows, Value buffer, TileType tile,
            int64_t unit)
      : b(b), rows(rows), buffer(buffer), tile(tile), unit(unit) {
    auto layout = cast<BufferLayoutAttr>(tile.getLayout());
    extent = tile.getExtent(layout.getOrder().back());
    pairs = layout.getPairs();
    auto type = cast<MemRefType>(rows.memref.getType());
    element = type.getElementType();
    // Vectors need unit stride; what is left of a row, and rows of another
    // stride, go element by element.
    bool unitStride = type.getStridesAndOffset().first.back() == 1;
    vectorExtent = unitStride ? extent / unit * unit : 0;
  }

  /// Emits the copy of rows [0, valid).
  void copy(Value valid);

private:
  struct Chunk {
    Value row, column;
    int64_t width;
    /// Whether the next row is there to form pairs.
    bool hasSecond;
  };
  void copyRow(Value row, bool hasSecond);
  void copyChunk(const Chunk &chunk);
  void padRow(Value row);

  ImplicitLocOpBuilder &b;
  Rows rows;
  Value buffer;
  TileType tile;
  Type element;
  bool pairs;
  int64_t unit, extent, vectorExtent;
};

} // namespace

void RowCopier::copyChunk(const Chunk &chunk) {
  auto loadType = VectorType::get({chunk.width}, element);
  auto load = [&](Value row) -> Value {
    return vector::LoadOp::create(b, loadType, rows.memref,
                                  ValueRange{rows.at(b, row), chunk.column});
  };
  Value first = load(chunk.row);
  if (!pairs) {
    vector::StoreOp::create(b, buildExtend(b, first, tile.getElementType()),
                            buffer, ValueRange{chunk.row, chunk.column});
    return;
  }
  Value second = buildZero(b, loadType);
  if (chunk.hasSecond)
    second = load(arith::AddIOp::create(b, chunk.row, buildIndex(b, 1)));
  Value both = vector::InterleaveOp::create(b, first, second);
  Value words = vector::BitCastOp::create(
      b, VectorType::get({chunk.width}, b.getI32Type()), both);
  Value half = arith::ShRUIOp::create(b, chunk.row, buildIndex(b, 1));
  vector::StoreOp::create(b, words, buffer, ValueRange{half, chunk.column});
}

/// The element that an odd extent lacks to a pair is 0.
void RowCopier::padRow(Value row) {
  if (pairs || tile.getElementType().isF32() || extent % 2 == 0)
    return;
  memref::StoreOp::create(b, buildZero(b, tile.getElementType()), buffer,
                          ValueRange{row, buildIndex(b, extent)});
}

/// Copies one row, or two when they form pairs.
void RowCopier::copyRow(Value row, bool hasSecond) {
  auto copyColumns = [&](int64_t begin, int64_t end, int64_t width) {
    if (begin == end)
      return;
    buildLoop(
        b, buildIndex(b, begin), buildIndex(b, end), width,
        [&](Value column) { copyChunk({row, column, width, hasSecond}); });
  };
  copyColumns(0, vectorExtent, unit);
  copyColumns(vectorExtent, extent, 1);
  padRow(row);
}

void RowCopier::copy(Value valid) {
  if (!pairs) {
    buildLoop(b, valid, 1, [&](Value row) { copyRow(row, false); });
    return;
  }
  Value even = arith::AndIOp::create(b, valid, buildIndex(b, -2));
  buildLoop(b, even, 2, [&](Value row) { copyRow(row, true); });
  buildLoop(b, even, valid, 1, [&](Value row) { copyRow(row, false); });
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

/// The rows [row, row + valid) that `op` loads, where they lie.
static Rows buildLoadedRows(ImplicitLocOpBuilder &b, LoadTileOp op,
                            TileLowering &lowering) {
  Value view = lowering.getView(op.getView());
  if (const Pages *pages = lowering.getPages(op.getView()))
    return {view, buildRowOffsets(b, *pages, op, lowering)};
  return {buildRows(b, view, op.getRow(), op.getValid(),
                    op.getView().getType().getExtent()),
          Value()};
}

void attn::lowerLoadTile(LoadTileOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileType tile = op.getTile().getType();
  Rows rows = buildLoadedRows(b, op, lowering);
  if (isa<InPlaceLayoutAttr>(tile.getLayout())) {
    lowering.setBuffer(op.getTile(), rows.memref);
    lowering.setRowOffsets(op.getTile(), rows.offsets);
    return;
  }
  Value buffer = lowering.allocate(op.getTile());
  auto layout = cast<BufferLayoutAttr>(tile.getLayout());
  if (layout.getOrder().back() == Dim::q) {
    if (layout.getPairs())
      loadTransposedPairs(b, rows.memref, buffer, op.getValid(), tile);
    else
      loadTransposed(b, rows.memref, buffer, op.getValid(), tile);
    return;
  }
  RowCopier(b, rows, buffer, tile, lowering.getSchedule().getUnit())
      .copy(op.getValid());
}

/// i1: whether a scalar is neither NaN nor infinite.
static Value buildIsFinite(ImplicitLocOpBuilder &b, Value value) {
  Value wide = buildExtend(b, value, b.getF32Type());
  // x - x is 0, or NaN.
  Value difference = arith::SubFOp::create(b, wide, wide);
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, difference,
                               buildF32(b, 0));
}

/// rows[q][dv] = buffer[dv][q], rounded; only where that is not finite yet, if
/// `keepFinite`.
static void storeTransposed(ImplicitLocOpBuilder &b, StoreTileOp op,
                            Value buffer, Value rows, bool keepFinite) {
  ViewType view = op.getView().getType();
  Type element = view.getElementType();
  buildLoop(b, op.getValid(), 1, [&](Value q) {
    buildLoop(b, buildIndex(b, view.getExtent()), 1, [&](Value dv) {
      Value value = memref::LoadOp::create(b, buffer, ValueRange{dv, q});
      if (!element.isF32())
        value = arith::TruncFOp::create(b, element, value);
      if (keepFinite) {
        Value old = memref::LoadOp::create(b, rows, ValueRange{q, dv});
        value = arith::SelectOp::create(b, buildIsFinite(b, old), old, value);
      }
      memref::StoreOp::create(b, value, rows, ValueRange{q, dv});
    });
  });
}

void attn::lowerStoreTile(StoreTileOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value rows = buildRows(b, lowering.getView(op.getView()), op.getRow(),
                         op.getValid(), op.getView().getType().getExtent());
  Value buffer = lowering.getBuffer(op.getTile());
  if (!op.getKeepFinite()) {
    storeTransposed(b, op, buffer, rows, /*keepFinite=*/false);
    return;
  }
  auto choice =
      scf::IfOp::create(b, op.getKeepFinite(), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(choice.elseBlock());
  storeTransposed(b, op, buffer, rows, /*keepFinite=*/false);
  b.setInsertionPointToStart(choice.thenBlock());
  storeTransposed(b, op, buffer, rows, /*keepFinite=*/true);
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

/// Keeps the largest magnitude per lane: the bits of non-negative floats order
/// as integers, with infinity and NaN above all finite values.
void attn::lowerAllFinite(AllFiniteOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value buffer = lowering.getBuffer(op.getTile());
  auto type = cast<MemRefType>(buffer.getType());
  int64_t unit = lowering.getSchedule().getUnit();
  int64_t inner = type.getDimSize(1);
  int64_t width = inner % unit == 0 ? unit : 1;
  auto floats = VectorType::get({width}, b.getF32Type());
  auto ints = floats.clone(b.getI32Type());
  Value mask = arith::ConstantOp::create(
      b, DenseElementsAttr::get(ints, APInt::getSignedMaxValue(32)));
  auto carry = [&](Value end, int64_t step, Value init,
                   function_ref<Value(Value, Value)> body) -> Value {
    auto loop = scf::ForOp::create(b, buildIndex(b, 0), end,
                                   buildIndex(b, step), ValueRange{init});
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(loop.getBody());
    Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
    scf::YieldOp::create(b, next);
    return loop.getResult(0);
  };
  Value largest = carry(
      buildIndex(b, type.getDimSize(0)), 1, buildZero(b, ints),
      [&](Value row, Value seen) {
        return carry(buildIndex(b, inner), width, seen,
                     [&](Value column, Value seen) -> Value {
                       Value value = vector::LoadOp::create(
                           b, floats, buffer, ValueRange{row, column});
                       Value bits = vector::BitCastOp::create(b, ints, value);
                       Value magnitude = arith::AndIOp::create(b, bits, mask);
                       return arith::MaxUIOp::create(b, seen, magnitude);
                     });
      });
  Value most =
      vector::ReductionOp::create(b, vector::CombiningKind::MAXUI, largest);
  APInt infinity = APFloat::getInf(APFloat::IEEEsingle()).bitcastToAPInt();
  Value limit =
      arith::ConstantOp::create(b, b.getIntegerAttr(b.getI32Type(), infinity));
  Value finite =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, most, limit);
  op.replaceAllUsesWith(finite);
}
