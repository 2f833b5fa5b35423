//===- LowerBox.cpp - Boxes of memrefs as tiles ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bias, masks, segment ids and positions become buffers whose lanes are query
// rows. Such operands are mostly contiguous along the keys: square blocks of
// them are transposed in registers, the rest goes element by element.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;
using namespace attn;

namespace {

/// Emits the load of one box.
class BoxLoader {
public:
  BoxLoader(LoadBoxOp op, TileLowering &lowering)
      : op(op), tile(op.getTile().getType()),
        buffer(lowering.allocate(op.getTile())),
        unit(lowering.getSchedule().getUnit()), b(op.getLoc(), op) {}

  void emit();

private:
  void loadLine();
  void loadPlane();
  void loadBlocks(Value rowsEnd, Value keysEnd);
  void loadBlock(Value row, Value key);
  void loadRows(Value begin, Value end, Value keysBegin);
  void clear();
  bool canTranspose();
  SmallVector<Value> at(ValueRange element);
  Value convert(Value value);
  void store(Value value, ValueRange element);
  /// `value` rounded down to whole blocks.
  Value roundDown(Value value) {
    return arith::AndIOp::create(b, value, buildIndex(b, -unit));
  }

  LoadBoxOp op;
  TileType tile;
  Value buffer;
  int64_t unit;
  ImplicitLocOpBuilder b;
  /// The source with an innermost stride of 1.
  Value contiguous;
};

} // namespace

/// Where an element of the tile lies in the source.
SmallVector<Value> BoxLoader::at(ValueRange element) {
  SmallVector<Value> indices;
  for (auto [offset, i] : llvm::zip_equal(op.getOffsets(), element))
    indices.push_back(arith::AddIOp::create(b, offset, i));
  return indices;
}

/// An f64 as f32. A finite number stays finite: one that overflows becomes the
/// largest number of its sign, which hides no key and makes no NaN.
static Value buildNarrow(ImplicitLocOpBuilder &b, Value value) {
  constexpr double largest = std::numeric_limits<float>::max();
  auto f64 = [&](double number) -> Value {
    return arith::ConstantOp::create(b, b.getF64FloatAttr(number));
  };
  for (double sign : {1.0, -1.0}) {
    auto beyond =
        sign > 0 ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
    Value over = arith::CmpFOp::create(b, beyond, value, f64(sign * largest));
    Value finite = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, value,
                                         f64(sign * INFINITY));
    value = arith::SelectOp::create(b, arith::AndIOp::create(b, over, finite),
                                    f64(sign * largest), value);
  }
  return arith::TruncFOp::create(b, b.getF32Type(), value);
}

/// An element or a vector of the source in the tile's element type.
Value BoxLoader::convert(Value value) {
  Type from = getElementTypeOrSelf(value.getType());
  Type to = tile.getElementType();
  if (from == to)
    return value;
  if (from.isF64())
    return buildNarrow(b, value);
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    to = vector.clone(to);
  if (isa<FloatType>(from))
    return arith::ExtFOp::create(b, to, value);
  return arith::ExtUIOp::create(b, to, value);
}

/// Stores a scalar at an element, given in the order of the tile's dims, or a
/// vector along the query rows from there on.
void BoxLoader::store(Value value, ValueRange element) {
  SmallVector<Value> indices;
  for (Dim dim : cast<BufferLayoutAttr>(tile.getLayout()).getOrder())
    indices.push_back(
        element[llvm::find(tile.getDims(), dim) - tile.getDims().begin()]);
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, value, buffer, indices);
  else
    memref::StoreOp::create(b, value, buffer, indices);
}

/// What is not read is 0.
void BoxLoader::clear() {
  auto type = cast<MemRefType>(buffer.getType());
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  if (type.getRank() == 1) {
    buildLoop(b, op.getValid()[0], buildIndex(b, tile.getShape()[0]), 1,
              [&](Value i) { store(zero, i); });
    return;
  }
  Value rows = buildIndex(b, tile.getShape()[0]);
  Value columns = buildIndex(b, tile.getShape()[1]);
  buildLoop(b, op.getValid()[0], 1, [&](Value i) {
    buildLoop(b, op.getValid()[1], columns, 1,
              [&](Value j) { store(zero, {i, j}); });
  });
  buildLoop(b, op.getValid()[0], rows, 1, [&](Value i) {
    buildLoop(b, columns, 1, [&](Value j) { store(zero, {i, j}); });
  });
}

void BoxLoader::loadLine() {
  buildLoop(b, op.getValid()[0], 1, [&](Value i) {
    Value value = memref::LoadOp::create(b, op.getSource(), at(i));
    store(convert(value), i);
  });
}

/// Rows [begin, end), keys from `keysBegin` on, by elements.
void BoxLoader::loadRows(Value begin, Value end, Value keysBegin) {
  buildLoop(b, begin, end, 1, [&](Value i) {
    buildLoop(b, keysBegin, op.getValid()[1], 1, [&](Value j) {
      Value value = memref::LoadOp::create(b, op.getSource(), at({i, j}));
      store(convert(value), {i, j});
    });
  });
}

/// Whether blocks of the source can be read by vectors: bits of memory that
/// holds i1 lie in bytes, those of a vector of i1 do not.
bool BoxLoader::canTranspose() {
  auto source = cast<MemRefType>(op.getSource().getType());
  Type element = source.getElementType();
  bool lanesAreRows =
      cast<BufferLayoutAttr>(tile.getLayout()).getOrder().back() == Dim::q;
  return tile.getDims()[0] == Dim::q && lanesAreRows && !element.isInteger(1) &&
         !element.isF64() && llvm::isPowerOf2_64(unit) && unit > 1 &&
         tile.getShape()[0] % unit == 0 && tile.getShape()[1] % unit == 0;
}

/// Transposes one block of unit x unit elements: interleaving the vectors of
/// the two halves, log2(unit) times, exchanges the bits of row and column.
void BoxLoader::loadBlock(Value row, Value key) {
  auto source = cast<MemRefType>(op.getSource().getType());
  auto type = VectorType::get({unit}, source.getElementType());
  SmallVector<Value> lines;
  for (int64_t i = 0; i < unit; ++i) {
    Value line = arith::AddIOp::create(b, row, buildIndex(b, i));
    lines.push_back(
        convert(vector::LoadOp::create(b, type, contiguous, at({line, key}))));
  }
  for (int64_t round = 1; round < unit; round *= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < unit / 2; ++i) {
      Value mixed =
          vector::InterleaveOp::create(b, lines[i], lines[i + unit / 2]);
      for (int64_t half : {int64_t(0), unit})
        next.push_back(vector::ExtractStridedSliceOp::create(
            b, mixed, ArrayRef<int64_t>{half}, ArrayRef<int64_t>{unit},
            ArrayRef<int64_t>{1}));
    }
    lines = next;
  }
  for (auto [i, line] : llvm::enumerate(lines))
    store(line, {row, arith::AddIOp::create(b, key, buildIndex(b, i))});
}

void BoxLoader::loadBlocks(Value rowsEnd, Value keysEnd) {
  buildLoop(b, rowsEnd, unit, [&](Value row) {
    buildLoop(b, keysEnd, unit, [&](Value key) { loadBlock(row, key); });
  });
}

void BoxLoader::loadPlane() {
  Value zero = buildIndex(b, 0);
  if (!canTranspose()) {
    loadRows(zero, op.getValid()[0], zero);
    return;
  }
  // The innermost stride is known at run time only where the dim may be
  // broadcast. Vectors need it to be 1 by type.
  auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getSource());
  constexpr int64_t dynamic = ShapedType::kDynamic;
  auto type = MemRefType::get(
      {dynamic, dynamic},
      cast<MemRefType>(op.getSource().getType()).getElementType(),
      StridedLayoutAttr::get(b.getContext(), dynamic, {dynamic, 1}));
  contiguous = memref::ReinterpretCastOp::create(
      b, type, metadata.getBaseBuffer(), OpFoldResult(metadata.getOffset()),
      getAsOpFoldResult(metadata.getSizes()),
      ArrayRef<OpFoldResult>{metadata.getStrides()[0], b.getIndexAttr(1)});
  Value isContiguous =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                            metadata.getStrides().back(), buildIndex(b, 1));
  Value rowsEnd = arith::SelectOp::create(b, isContiguous,
                                          roundDown(op.getValid()[0]), zero);
  Value keysEnd = roundDown(op.getValid()[1]);
  loadBlocks(rowsEnd, keysEnd);
  loadRows(zero, rowsEnd, keysEnd);
  loadRows(rowsEnd, op.getValid()[0], zero);
}

void BoxLoader::emit() {
  clear();
  if (tile.getRank() == 1)
    loadLine();
  else
    loadPlane();
}

void attn::lowerLoadBox(LoadBoxOp op, TileLowering &lowering) {
  BoxLoader(op, lowering).emit();
}

/// Compares the counts of the valid rows with 0 and with the number of keys.
void attn::lowerTileKind(TileKindOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value buffer = lowering.getBuffer(op.getCounts());
  Value keys = arith::ConstantOp::create(
      b, b.getF32FloatAttr(static_cast<float>(op.getKeys())));
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  Value none = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), op.getValid(),
                                 buildIndex(b, 1), ValueRange{yes, yes});
  {
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(loop.getBody());
    Value count = memref::LoadOp::create(b, buffer, loop.getInductionVar());
    Value bounds[] = {none, keys}, next[2];
    for (auto [i, bound] : llvm::enumerate(bounds)) {
      Value equal =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, count, bound);
      next[i] = arith::AndIOp::create(b, loop.getRegionIterArg(i), equal);
    }
    scf::YieldOp::create(b, ValueRange{next[0], next[1]});
  }
  auto kind = [&](TileVisibility content) -> Value {
    return arith::ConstantOp::create(
        b, b.getI8IntegerAttr(static_cast<int8_t>(content)));
  };
  Value visible =
      arith::SelectOp::create(b, loop.getResult(1), kind(TileVisibility::full),
                              kind(TileVisibility::partial));
  op.replaceAllUsesWith(arith::SelectOp::create(b, loop.getResult(0),
                                                kind(TileVisibility::empty),
                                                visible)
                            .getResult());
}
