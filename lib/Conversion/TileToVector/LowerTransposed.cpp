//===- LowerTransposed.cpp - Query tiles in, output tiles out ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles with query rows along the lanes lie across the rows in memory. Square
// blocks of a vector's length are transposed in registers; what they leave of
// rows and columns goes element by element.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

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

/// Whether blocks can be transposed: rows are contiguous, and those of the tile
/// are a whole number of blocks.
static bool canTransposeBlocks(Value rows, Value buffer, int64_t unit) {
  auto type = cast<MemRefType>(rows.getType());
  return type.getStridesAndOffset().first.back() == 1 &&
         llvm::isPowerOf2_64(unit) &&
         cast<MemRefType>(buffer.getType()).getDimSize(1) % unit == 0;
}

/// The transpose of a square block, n vectors of n elements: log2(n) rounds,
/// each of which exchanges the off-diagonal halves of 2 x 2 sub-blocks.
static SmallVector<Value> buildTranspose(ImplicitLocOpBuilder &b,
                                         SmallVector<Value> rows) {
  int64_t size = rows.size();
  for (int64_t half = 1; half < size; half *= 2) {
    // Of two rows, upper gives the columns without bit `half`, lower the rest.
    SmallVector<int64_t> upper, lower;
    for (int64_t column = 0; column < size; ++column) {
      bool isRight = column & half;
      upper.push_back(isRight ? size + column - half : column);
      lower.push_back(isRight ? size + column : column + half);
    }
    for (int64_t row = 0; row < size; ++row) {
      if (row & half)
        continue;
      Value top = rows[row], bottom = rows[row + half];
      rows[row] = vector::ShuffleOp::create(b, top, bottom, upper);
      rows[row + half] = vector::ShuffleOp::create(b, top, bottom, lower);
    }
  }
  return rows;
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

namespace {

/// buffer[word][q] = word `word` of rows[q]. A word is an element, or a pair of
/// neighbours along d of which an odd last one is completed by 0. Row by row:
/// rows may lie a multiple of 4 KiB apart, where walking down a column would
/// always hit the same few cache lines.
class TransposedLoad {
public:
  TransposedLoad(ImplicitLocOpBuilder &b, Value rows, Value buffer, Value valid,
                 TileType tile, int64_t unit);
  void build();

private:
  void loadBlock(Value q, Value word);
  void loadWords(Value q, int64_t begin);
  Value loadWord(Value q, Value word, bool isHalf);
  Value loadVector(Value q, Value word);

  ImplicitLocOpBuilder &b;
  Value rows, buffer, valid;
  TileType tile;
  Type wordType;
  bool pairs;
  /// Words of a row, those that blocks cover, and the size of a block.
  int64_t words, blockWords, unit;
};

} // namespace

TransposedLoad::TransposedLoad(ImplicitLocOpBuilder &b, Value rows,
                               Value buffer, Value valid, TileType tile,
                               int64_t unit)
    : b(b), rows(rows), buffer(buffer), valid(valid), tile(tile),
      wordType(cast<MemRefType>(buffer.getType()).getElementType()),
      pairs(cast<BufferLayoutAttr>(tile.getLayout()).getPairs()), unit(unit) {
  int64_t extent = tile.getExtent(Dim::d), elements = pairs ? 2 : 1;
  words = llvm::divideCeil(extent, elements);
  blockWords = canTransposeBlocks(rows, buffer, unit)
                   ? extent / elements / unit * unit
                   : 0;
}

/// Words [word, word + unit) of one row.
Value TransposedLoad::loadVector(Value q, Value word) {
  Type element = cast<MemRefType>(rows.getType()).getElementType();
  if (!pairs) {
    auto type = VectorType::get({unit}, element);
    Value loaded = vector::LoadOp::create(b, type, rows, ValueRange{q, word});
    return buildExtend(b, loaded, wordType);
  }
  Value d = arith::MulIOp::create(b, word, buildIndex(b, 2));
  Value loaded = vector::LoadOp::create(b, VectorType::get({2 * unit}, element),
                                        rows, ValueRange{q, d});
  return vector::BitCastOp::create(b, VectorType::get({unit}, wordType),
                                   loaded);
}

void TransposedLoad::loadBlock(Value q, Value word) {
  SmallVector<Value> block;
  for (int64_t i = 0; i < unit; ++i)
    block.push_back(
        loadVector(arith::AddIOp::create(b, q, buildIndex(b, i)), word));
  for (auto [i, column] : llvm::enumerate(buildTranspose(b, block))) {
    Value at = arith::AddIOp::create(b, word, buildIndex(b, i));
    vector::StoreOp::create(b, column, buffer, ValueRange{at, q});
  }
}

/// One word; of a half one the second element is missing.
Value TransposedLoad::loadWord(Value q, Value word, bool isHalf) {
  if (!pairs)
    return buildExtend(b, memref::LoadOp::create(b, rows, ValueRange{q, word}),
                       wordType);
  Value d = arith::MulIOp::create(b, word, buildIndex(b, 2));
  Value low = memref::LoadOp::create(b, rows, ValueRange{q, d});
  Value high = buildZero(b, tile.getElementType());
  if (!isHalf) {
    Value next = arith::AddIOp::create(b, d, buildIndex(b, 1));
    high = memref::LoadOp::create(b, rows, ValueRange{q, next});
  }
  return buildPair(b, low, high);
}

/// The words of one row from `begin` on, one by one.
void TransposedLoad::loadWords(Value q, int64_t begin) {
  bool hasHalf = pairs && tile.getExtent(Dim::d) % 2 == 1;
  int64_t whole = hasHalf ? words - 1 : words;
  auto store = [&](Value word, bool isHalf) {
    memref::StoreOp::create(b, loadWord(q, word, isHalf), buffer,
                            ValueRange{word, q});
  };
  if (begin < whole)
    buildLoop(b, buildIndex(b, begin), buildIndex(b, whole), 1,
              [&](Value word) { store(word, /*isHalf=*/false); });
  if (hasHalf)
    store(buildIndex(b, whole), /*isHalf=*/true);
}

void TransposedLoad::build() {
  if (blockWords == 0) {
    buildLoop(b, valid, 1, [&](Value q) { loadWords(q, 0); });
    return;
  }
  Value full = arith::AndIOp::create(b, valid, buildIndex(b, -unit));
  buildLoop(b, full, unit, [&](Value q) {
    buildLoop(b, buildIndex(b, blockWords), unit,
              [&](Value word) { loadBlock(q, word); });
  });
  if (blockWords < words)
    buildLoop(b, full, 1, [&](Value q) { loadWords(q, blockWords); });
  buildLoop(b, full, valid, 1, [&](Value q) { loadWords(q, 0); });
}

void attn::loadTransposed(ImplicitLocOpBuilder &b, Value rows, Value buffer,
                          Value valid, TileType tile, int64_t unit) {
  TransposedLoad(b, rows, buffer, valid, tile, unit).build();
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

namespace {

/// rows[q][dv] = buffer[dv][q], rounded.
class TransposedStore {
public:
  TransposedStore(ImplicitLocOpBuilder &b, Value rows, Value buffer,
                  int64_t unit)
      : b(b), rows(rows), buffer(buffer),
        element(cast<MemRefType>(rows.getType()).getElementType()), unit(unit) {
    auto type = cast<MemRefType>(buffer.getType());
    extent = type.getDimSize(0);
    blockExtent =
        canTransposeBlocks(rows, buffer, unit) ? extent / unit * unit : 0;
  }
  void build(Value valid);

private:
  Value round(Value value);
  void storeBlock(Value q, Value dv);
  void storeElements(Value q, int64_t begin);

  ImplicitLocOpBuilder &b;
  Value rows, buffer;
  Type element;
  /// Elements of a row, those that blocks cover, and the size of a block.
  int64_t extent, blockExtent, unit;
};

} // namespace

Value TransposedStore::round(Value value) {
  if (element.isF32())
    return value;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(element);
  return arith::TruncFOp::create(b, type, value);
}

void TransposedStore::storeBlock(Value q, Value dv) {
  auto type = VectorType::get({unit}, b.getF32Type());
  SmallVector<Value> block;
  for (int64_t i = 0; i < unit; ++i) {
    Value at = arith::AddIOp::create(b, dv, buildIndex(b, i));
    block.push_back(vector::LoadOp::create(b, type, buffer, ValueRange{at, q}));
  }
  for (auto [i, row] : llvm::enumerate(buildTranspose(b, block))) {
    Value at = arith::AddIOp::create(b, q, buildIndex(b, i));
    vector::StoreOp::create(b, round(row), rows, ValueRange{at, dv});
  }
}

/// The elements of one row from `begin` on, one by one.
void TransposedStore::storeElements(Value q, int64_t begin) {
  if (begin == extent)
    return;
  buildLoop(b, buildIndex(b, begin), buildIndex(b, extent), 1, [&](Value dv) {
    Value value = memref::LoadOp::create(b, buffer, ValueRange{dv, q});
    memref::StoreOp::create(b, round(value), rows, ValueRange{q, dv});
  });
}

void TransposedStore::build(Value valid) {
  Value full = buildIndex(b, 0);
  if (blockExtent > 0) {
    full = arith::AndIOp::create(b, valid, buildIndex(b, -unit));
    buildLoop(b, full, unit, [&](Value q) {
      buildLoop(b, buildIndex(b, blockExtent), unit,
                [&](Value dv) { storeBlock(q, dv); });
    });
    if (blockExtent < extent)
      buildLoop(b, full, 1, [&](Value q) { storeElements(q, blockExtent); });
  }
  buildLoop(b, full, valid, 1, [&](Value q) { storeElements(q, 0); });
}

void attn::storeTransposed(ImplicitLocOpBuilder &b, Value rows, Value buffer,
                           Value valid, int64_t unit) {
  TransposedStore(b, rows, buffer, unit).build(valid);
}
