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
#include "llvm/Support/MathExtras.h"

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

/// [sequence][head dim] of one batch and head, or [sequence][head][head dim] of
/// several heads, with the contiguous dim's stride known to be 1 (that is what
/// a layout promises).
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
  SmallVector<int64_t> shape{dynamic, view.getExtent()};
  SmallVector<int64_t> steps{hasRowStride ? dynamic : 1,
                             rowMajor ? 1 : dynamic};
  SmallVector<OpFoldResult> sizes{metadata.getSizes()[dims.sequence],
                                  b.getIndexAttr(view.getExtent())};
  SmallVector<OpFoldResult> dynamicSteps{rowStride, dimStride};
  if (int64_t heads = op.getHeads(); heads > 1) {
    shape.insert(shape.begin() + 1, heads);
    steps.insert(steps.begin() + 1, dynamic);
    sizes.insert(sizes.begin() + 1, b.getIndexAttr(heads));
    dynamicSteps.insert(dynamicSteps.begin() + 1, strides[dims.head]);
  }
  auto layout = StridedLayoutAttr::get(b.getContext(), dynamic, steps);
  auto type = MemRefType::get(shape, view.getElementType(), layout);
  Value memref = memref::ReinterpretCastOp::create(
      b, type, metadata.getBaseBuffer(), offset, sizes, dynamicSteps);
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

/// `heads` slices of dim `dim` of a buffer, from `first` on.
static Value buildSlice(ImplicitLocOpBuilder &b, Value buffer, int64_t dim,
                        Value first, int64_t heads) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), sizes,
      steps(type.getRank(), b.getIndexAttr(1));
  for (int64_t size : type.getShape())
    sizes.push_back(b.getIndexAttr(size));
  offsets[dim] = first;
  sizes[dim] = b.getIndexAttr(heads);
  return memref::SubViewOp::create(b, buffer, offsets, sizes, steps);
}

/// Calls `body` with rows of the view and the part of the buffer that belongs
/// to them, `valid` rows in all from `row` on: at once, or, where several heads
/// take turns, those of one sequence row at a time. The rows of the tile are
/// dim `dim` of the buffer.
static void
forEachRun(ImplicitLocOpBuilder &b, ViewOp view, Value memref, Value row,
           Value valid, Value buffer, int64_t dim,
           function_ref<void(Value rows, Value buffer, Value count)> body) {
  int64_t heads = view.getHeads(),
          extent = view.getView().getType().getExtent();
  if (heads == 1) {
    body(buildRows(b, memref, row, valid, extent), buffer, valid);
    return;
  }
  auto divide = [&](Value index) -> Value {
    return arith::DivUIOp::create(b, index, buildIndex(b, heads));
  };
  Value firstRow = divide(row);
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<int64_t> steps = type.getStridesAndOffset().first;
  auto rowsType = MemRefType::get(
      {heads, extent}, type.getElementType(),
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic,
                             ArrayRef(steps).drop_front()));
  buildLoop(b, divide(valid), 1, [&](Value i) {
    Value at = arith::AddIOp::create(b, firstRow, i);
    Value rows = memref::SubViewOp::create(
        b, rowsType, memref,
        ArrayRef<OpFoldResult>{at, b.getIndexAttr(0), b.getIndexAttr(0)},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1), b.getIndexAttr(heads),
                               b.getIndexAttr(extent)},
        SmallVector<OpFoldResult>(3, b.getIndexAttr(1)));
    Value first = arith::MulIOp::create(b, i, buildIndex(b, heads));
    body(rows, buildSlice(b, buffer, dim, first, heads), buildIndex(b, heads));
  });
}

//===----------------------------------------------------------------------===//
// Element conversions
//===----------------------------------------------------------------------===//

Value attn::buildExtend(ImplicitLocOpBuilder &b, Value value, Type element) {
  Type from = value.getType();
  if (getElementTypeOrSelf(from) == element)
    return value;
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(from))
    to = vector.clone(element);
  return arith::ExtFOp::create(b, to, value);
}

Value attn::buildZero(ImplicitLocOpBuilder &b, Type type) {
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

//===----------------------------------------------------------------------===//
// Query tiles
//===----------------------------------------------------------------------===//

/// The rows of a query tile from `valid` on are 0; they are dim `dim` of the
/// buffer. Whole vectors of zeros may begin before them, so that the rows in
/// front are loaded afterwards.
static void clearRows(ImplicitLocOpBuilder &b, Value buffer, Value valid,
                      int64_t dim, int64_t unit) {
  auto type = cast<MemRefType>(buffer.getType());
  int64_t inner = type.getDimSize(1);
  int64_t width = llvm::isPowerOf2_64(unit) && inner % unit == 0 ? unit : 1;
  Value zeros = buildZero(b, VectorType::get({width}, type.getElementType()));
  Value begins[] = {buildIndex(b, 0), buildIndex(b, 0)};
  begins[dim] = valid;
  if (dim == 1)
    begins[1] = arith::AndIOp::create(b, valid, buildIndex(b, -width));
  buildLoop(b, begins[0], buildIndex(b, type.getDimSize(0)), 1, [&](Value i) {
    buildLoop(b, begins[1], buildIndex(b, inner), width, [&](Value j) {
      vector::StoreOp::create(b, zeros, buffer, ValueRange{i, j});
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
  // Query rows are never paged, but several heads may take turns.
  Rows rows;
  if (!tile.hasDim(Dim::q))
    rows = buildLoadedRows(b, op, lowering);
  if (isa<InPlaceLayoutAttr>(tile.getLayout())) {
    lowering.setBuffer(op.getTile(), rows.memref);
    lowering.setRowOffsets(op.getTile(), rows.offsets);
    return;
  }
  Value buffer = lowering.allocate(op.getTile());
  auto layout = cast<BufferLayoutAttr>(tile.getLayout());
  int64_t unit = lowering.getSchedule().getUnit();
  if (!tile.hasDim(Dim::q)) {
    RowCopier(b, rows, buffer, tile, unit).copy(op.getValid());
    return;
  }
  bool isTransposed = layout.getOrder().back() == Dim::q;
  int64_t dim = isTransposed ? 1 : 0;
  clearRows(b, buffer, op.getValid(), dim, unit);
  forEachRun(b, op.getView().getDefiningOp<ViewOp>(),
             lowering.getView(op.getView()), op.getRow(), op.getValid(), buffer,
             dim, [&](Value run, Value part, Value count) {
               if (isTransposed)
                 loadTransposed(b, run, part, count, tile, unit);
               else
                 RowCopier(b, {run, Value()}, part, tile, unit).copy(count);
             });
}

/// i1: whether a scalar is neither NaN nor infinite.
static Value buildIsFinite(ImplicitLocOpBuilder &b, Value value) {
  Value wide = buildExtend(b, value, b.getF32Type());
  // x - x is 0, or NaN.
  Value difference = arith::SubFOp::create(b, wide, wide);
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, difference,
                               buildF32(b, 0));
}

/// `width` elements of row `q` of rows, rounded; only
/// where that is not finite yet, if `keepFinite`.
static void storeElements(ImplicitLocOpBuilder &b, Value buffer, Value rows,
                          Value q, Value column, int64_t width,
                          bool keepFinite) {
  Type element = cast<MemRefType>(rows.getType()).getElementType();
  auto type = VectorType::get({width}, b.getF32Type());
  Value value = vector::LoadOp::create(b, type, buffer, ValueRange{q, column});
  if (!element.isF32())
    value = arith::TruncFOp::create(b, type.clone(element), value);
  if (keepFinite) {
    Value old = memref::LoadOp::create(b, rows, ValueRange{q, column});
    Value kept = vector::BroadcastOp::create(b, value.getType(), old);
    value = arith::SelectOp::create(b, buildIsFinite(b, old), kept, value);
  }
  vector::StoreOp::create(b, value, rows, ValueRange{q, column});
}

/// rows[q][dv] = buffer[q][dv], `unit` elements at a time where they are
/// contiguous; those that are to stay if finite go one by one.
static void storeRows(ImplicitLocOpBuilder &b, Value buffer, Value rows,
                      Value count, int64_t unit, bool keepFinite) {
  auto type = cast<MemRefType>(rows.getType());
  int64_t extent = type.getDimSize(1);
  bool isContiguous = type.getStridesAndOffset().first.back() == 1;
  int64_t split = isContiguous ? extent / unit * unit : 0;
  auto storeRange = [&](Value q, int64_t begin, int64_t end, int64_t width) {
    if (begin == end)
      return;
    buildLoop(b, buildIndex(b, begin), buildIndex(b, end), width,
              [&](Value column) {
                storeElements(b, buffer, rows, q, column, width, keepFinite);
              });
  };
  buildLoop(b, count, 1, [&](Value q) {
    storeRange(q, 0, split, unit);
    storeRange(q, split, extent, 1);
  });
}

/// rows[q][dv] = buffer[dv][q], rounded, where that is not finite yet. That is
/// rare: small code matters, speed does not.
static void storeNotFinite(ImplicitLocOpBuilder &b, Value buffer, Value rows,
                           Value count) {
  auto type = cast<MemRefType>(rows.getType());
  Type element = type.getElementType();
  buildLoop(b, count, 1, [&](Value q) {
    buildLoop(b, buildIndex(b, type.getDimSize(1)), 1, [&](Value dv) {
      Value value = memref::LoadOp::create(b, buffer, ValueRange{dv, q});
      if (!element.isF32())
        value = arith::TruncFOp::create(b, element, value);
      Value old = memref::LoadOp::create(b, rows, ValueRange{q, dv});
      value = arith::SelectOp::create(b, buildIsFinite(b, old), old, value);
      memref::StoreOp::create(b, value, rows, ValueRange{q, dv});
    });
  });
}

static void storeTile(ImplicitLocOpBuilder &b, StoreTileOp op,
                      TileLowering &lowering, bool keepFinite) {
  VectorScheduleAttr schedule = lowering.getSchedule();
  bool byRow = schedule.getByRow();
  forEachRun(b, op.getView().getDefiningOp<ViewOp>(),
             lowering.getView(op.getView()), op.getRow(), op.getValid(),
             lowering.getBuffer(op.getTile()), /*dim=*/byRow ? 0 : 1,
             [&](Value rows, Value part, Value count) {
               if (byRow)
                 storeRows(b, part, rows, count,
                           keepFinite ? 1 : schedule.getUnit(), keepFinite);
               else if (keepFinite)
                 storeNotFinite(b, part, rows, count);
               else
                 storeTransposed(b, rows, part, count, schedule.getUnit());
             });
}

void attn::lowerStoreTile(StoreTileOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (!op.getKeepFinite()) {
    storeTile(b, op, lowering, /*keepFinite=*/false);
    return;
  }
  auto choice =
      scf::IfOp::create(b, op.getKeepFinite(), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(choice.elseBlock());
  storeTile(b, op, lowering, /*keepFinite=*/false);
  b.setInsertionPointToStart(choice.thenBlock());
  storeTile(b, op, lowering, /*keepFinite=*/true);
}

void attn::lowerStoreStats(StoreStatsOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value buffer = lowering.getBuffer(op.getTile());
  SmallVector<Value> indices(op.getIndices());
  SmallVector<Value> first(indices);
  Value heads = buildIndex(b, op.getHeads());
  buildLoop(b, op.getValid(), 1, [&](Value q) {
    Value value = memref::LoadOp::create(b, buffer, q);
    Value row = q;
    if (op.getHeads() > 1) {
      row = arith::DivUIOp::create(b, q, heads);
      Value head = arith::RemUIOp::create(b, q, heads);
      size_t at = indices.size() - 2;
      indices[at] = arith::AddIOp::create(b, first[at], head);
    }
    indices.back() = arith::AddIOp::create(b, first.back(), row);
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
