//===- LowerQueryLoad.cpp - Query tiles straight into registers -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a lane keeps its query rows for all keys, no other lane needs them:
// they do not pass shared memory.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kChunkBytes = 16;

namespace {

class QueryLoader {
public:
  QueryLoader(LoadTileOp op, ThreadLowering &lowering)
      : op(op), b(op.getLoc(), op), lowering(lowering),
        rows(lowering.getRows(op.getView())), tile(op.getTile().getType()),
        layout(cast<FragmentAttr>(tile.getLayout())),
        dim(tile.getDims()[tile.getDims()[0] == Dim::q]),
        chunk(VectorType::get(kChunkBytes * 8 /
                                  tile.getElementType().getIntOrFloatBitWidth(),
                              rows.element)) {}

  void emit();

private:
  Value loadChunk(int64_t reg);
  Value loadNeighbours(Value pointer, Value column);
  Value loadElements(Value pointer, Value column);
  Value getCoordinate(Dim along, int64_t reg) {
    return arith::AddIOp::create(
        b, lowering.getThreadOffset(layout, along),
        buildI32(b, getRegisterOffset(layout, along, reg)));
  }
  Value isInside(Value column) {
    return arith::CmpIOp::create(
        b, arith::CmpIPredicate::ult, column,
        buildI32(b, op.getView().getType().getExtent()));
  }

  LoadTileOp op;
  ImplicitLocOpBuilder b;
  ThreadLowering &lowering;
  const GlobalRows &rows;
  TileType tile;
  FragmentAttr layout;
  Dim dim;
  VectorType chunk;
};

} // namespace

Value QueryLoader::loadNeighbours(Value pointer, Value column) {
  Value source = buildAddress(b, pointer, rows.element, toI64(b, column));
  int64_t bits = chunk.getNumElements() * chunk.getElementTypeBitWidth();
  return buildLoad(b, chunk, source, static_cast<unsigned>(bits / 8));
}

/// One by one; those beyond the last column are 0.
Value QueryLoader::loadElements(Value pointer, Value column) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(rows.element));
  SmallVector<Value> elements;
  for (int64_t i = 0; i < chunk.getNumElements(); ++i) {
    Value at = arith::AddIOp::create(b, column, buildI32(b, i));
    elements.push_back(buildIf(b, isInside(at), zero, [&]() -> Value {
      Value offset = toI64(b, at);
      if (rows.columnStride)
        offset = arith::MulIOp::create(b, offset, rows.columnStride);
      return buildLoad(b, rows.element,
                       buildAddress(b, pointer, rows.element, offset));
    }));
  }
  return vector::FromElementsOp::create(b, chunk, elements);
}

/// The chunk that begins with register `reg`; 0 beyond the valid rows.
Value QueryLoader::loadChunk(int64_t reg) {
  Value row = getCoordinate(Dim::q, reg), column = getCoordinate(dim, reg);
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(chunk));
  Value inTile = toIndex(b, row);
  Value reads = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, inTile,
                                      op.getValid());
  reads = arith::AndIOp::create(b, reads, isInside(column));
  return buildIf(b, reads, none, [&]() -> Value {
    Value at = arith::AddIOp::create(b, toI64(b, op.getRow()), toI64(b, row));
    Value pointer = buildRowPointer(b, rows, at);
    bool isWhole =
        op.getView().getType().getExtent() % chunk.getNumElements() == 0;
    if (!op.getAligned() || !isWhole || rows.columnStride)
      return loadElements(pointer, column);
    return loadNeighbours(pointer, column);
  });
}

void QueryLoader::emit() {
  SmallVector<Value> values;
  int64_t count = countValues(layout.getRegisters());
  for (int64_t reg = 0; reg < count; reg += chunk.getNumElements()) {
    Value wide = buildWidened(b, loadChunk(reg), tile.getElementType());
    auto elements = vector::ToElementsOp::create(b, wide);
    llvm::append_range(values, elements.getResults());
  }
  lowering.setRegisters(op.getTile(), values);
}

void attn::lowerQueryLoad(LoadTileOp op, ThreadLowering &lowering) {
  QueryLoader(op, lowering).emit();
}
