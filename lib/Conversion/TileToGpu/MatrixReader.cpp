//===- MatrixReader.cpp - Operands in shared memory -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kChunkBytes = 16;

/// Rows and chunk of this lane within 16 rows and 2 chunks, i32.
static std::pair<Value, Value> buildLanePlace(ImplicitLocOpBuilder &b,
                                              Value lane, bool rowsFirst) {
  Value low = arith::AndIOp::create(b, lane, buildI32(b, rowsFirst ? 15 : 7));
  Value high = arith::ShRUIOp::create(b, lane, buildI32(b, 4));
  if (rowsFirst)
    return {low, high};
  Value chunk = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, lane, buildI32(b, 3)), buildI32(b, 1));
  Value next = arith::MulIOp::create(b, high, buildI32(b, 8));
  return {arith::AddIOp::create(b, low, next), chunk};
}

/// The first byte that this lane reads, `warpRows` rows for each warp in front
/// away from the beginning: a multiple of 8, so that the lane alone decides
/// which chunks change places.
MatrixReader::MatrixReader(ImplicitLocOpBuilder &b, const SharedPlace &place,
                           Type matrix, LaneOrder order, int64_t warpRows,
                           ThreadLowering &lowering)
    : place(place), matrix(matrix), lowering(lowering) {
  Value offset = lowering.buildAtEntry([&](ImplicitLocOpBuilder &b) -> Value {
    auto [line, chunk] =
        buildLanePlace(b, lowering.getLane(), order == LaneOrder::RowsFirst);
    if (int64_t swizzle = place.layout.getSwizzle(); swizzle > 1) {
      Value key = arith::AndIOp::create(b, line, buildI32(b, swizzle - 1));
      chunk = arith::XOrIOp::create(b, chunk, key);
    }
    if (warpRows) {
      Value rows =
          arith::MulIOp::create(b, lowering.getWarp(), buildI32(b, warpRows));
      line = arith::AddIOp::create(b, line, rows);
    }
    int64_t pitch = place.layout.getPitch() * place.elementBytes;
    return arith::AddIOp::create(
        b, arith::MulIOp::create(b, line, buildI32(b, pitch)),
        arith::MulIOp::create(b, chunk, buildI32(b, kChunkBytes)));
  });
  base = arith::AddIOp::create(b, place.begin, offset);
}

/// Four matrices of 16 rows and 16 columns from (row, column) on, multiples of
/// 16. Chunks change places within 128 bytes, at multiples of which rows begin:
/// one exclusive or moves a lane's address along its row.
SmallVector<Value> MatrixReader::load(ImplicitLocOpBuilder &b, int64_t row,
                                      int64_t column, bool transposed) const {
  Value at = base;
  int64_t bytes = row * place.layout.getPitch() * place.elementBytes;
  int64_t along = column * place.elementBytes;
  if (int64_t line = place.layout.getSwizzle() * kChunkBytes;
      line > kChunkBytes) {
    at = arith::XOrIOp::create(b, at, buildI32(b, along % line));
    along -= along % line;
  }
  Value pointer =
      buildByteAddress(b, lowering.getSharedPointer(b, at), bytes + along);
  SmallVector<Type> types(4, matrix);
  auto load = LoadMatricesOp::create(b, types, pointer, transposed);
  return SmallVector<Value>(load.getMatrices());
}
