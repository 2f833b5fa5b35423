//===- LowerRowContract.cpp - Products of a few rows with streamed keys --===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of kernels whose query rows lie along the lanes (`by_row`), c
// being q x kv scores or the q x dv accumulator:
//
//   scores  c[q][kv] = sum over d of rhs[q][d] lhs[kv][d]
//   values  c[q][dv] = sum over kv of rhs[q][kv] lhs[kv][dv]
//
// Keys and values are read in vectors where they are, once for all rows. Scores
// are sums over the lanes of accumulators; a tree adds the lanes of several at
// a time.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kCacheLine = 64;

namespace {

/// Emits the body of one product function, whose arguments are those of a
/// ProductBuilder.
class RowProductBuilder {
public:
  RowProductBuilder(func::FuncOp function, const ProductKind &kind,
                    VectorScheduleAttr schedule);

  void build();

private:
  VectorType accType() { return VectorType::get({unit}, b.getF32Type()); }
  Value zero() { return buildConstant(b.getZeroAttr(accType())); }
  Value buildConstant(TypedAttr value) {
    return arith::ConstantOp::create(b, value);
  }
  Value addIndex(Value index, int64_t offset);
  Value clampRow(Value row, int64_t offset, Value count);
  Value widen(Value vector);
  Value loadVector(Value memref, Value row, Value column, int64_t width,
                   int64_t valid);
  void prefetchAhead(Value row, Value column, int64_t count);

  // Scores.
  void buildScores();
  void buildScoreTile(Value firstRow, Value firstKey);
  Value addLanes(ArrayRef<Value> vectors);
  SmallVector<Value> multiplyChunk(Value column, int64_t valid, Value firstRow,
                                   ArrayRef<Value> keys, ValueRange accs);

  // Values.
  void buildValues();
  void buildValueTile(Value firstRow, Value column, int64_t vectors,
                      int64_t valid);
  void storeSums(Value row, Value column, int64_t valid, ValueRange sums);
  SmallVector<Value> multiplyKey(Value key, Value firstRow, Value column,
                                 int64_t vectors, int64_t valid,
                                 ValueRange accs);
  SmallVector<Value> loadValuePairs(Value key, Value column, int64_t vectors,
                                    int64_t valid);
  Value loadWeight(Value row, Value key);
  Value guardedTerm(Value weight, Value value, Value acc);

  ProductKind kind;
  ImplicitLocOpBuilder b;
  Rows lhs;
  Value c, rhs, m, k, factors, scale;
  int64_t unit, accumulators;
  /// Query rows of the tile, and those of one register tile.
  int64_t queries, rows;
};

} // namespace

RowProductBuilder::RowProductBuilder(func::FuncOp function,
                                     const ProductKind &kind,
                                     VectorScheduleAttr schedule)
    : kind(kind), b(function.getLoc(), function.getContext()),
      unit(schedule.getUnit()) {
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  c = entry->getArgument(0);
  lhs.memref = entry->getArgument(1);
  rhs = entry->getArgument(2);
  m = entry->getArgument(3);
  k = entry->getArgument(4);
  int next = 5;
  if (kind.rescaled)
    factors = entry->getArgument(next++);
  if (entry->getNumArguments() > next + kind.guarded)
    lhs.offsets = entry->getArgument(next++);
  if (kind.guarded)
    scale = entry->getArgument(next);
  accumulators = schedule.getRows() * schedule.getLanes() / unit;
  queries = cast<MemRefType>(c.getType()).getDimSize(0);
  rows = 1;
  // The guarded form is for rare data: small code matters, speed does not.
  while (!kind.guarded && rows < schedule.getRows() &&
         queries % (2 * rows) == 0)
    rows *= 2;
}

//===----------------------------------------------------------------------===//
// Both products
//===----------------------------------------------------------------------===//

Value RowProductBuilder::addIndex(Value index, int64_t offset) {
  if (offset == 0)
    return index;
  return arith::AddIOp::create(b, index, buildIndex(b, offset));
}

/// Rows from `count` on repeat the last one.
Value RowProductBuilder::clampRow(Value row, int64_t offset, Value count) {
  Value last = arith::SubIOp::create(b, count, buildIndex(b, 1));
  return arith::MinSIOp::create(b, addIndex(row, offset), last);
}

Value RowProductBuilder::widen(Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (kind.pairElement || type.getElementType().isF32())
    return vector;
  return arith::ExtFOp::create(b, type.clone(b.getF32Type()), vector);
}

/// memref[row][column ... column + width), 0 from `valid` elements on.
Value RowProductBuilder::loadVector(Value memref, Value row, Value column,
                                    int64_t width, int64_t valid) {
  auto type = VectorType::get(
      {width}, cast<MemRefType>(memref.getType()).getElementType());
  if (valid >= width)
    return vector::LoadOp::create(b, type, memref, ValueRange{row, column});
  Value mask = vector::ConstantMaskOp::create(
      b, VectorType::get({width}, b.getI1Type()), ArrayRef<int64_t>{valid});
  return vector::MaskedLoadOp::create(b, type, memref, ValueRange{row, column},
                                      mask, buildConstant(b.getZeroAttr(type)));
}

/// Starts the way of columns [column, column + count) of a row of the next tile
/// to the outer cache: while a product reads one tile, its next one comes from
/// memory. Where rows have offsets, no one knows where that is.
void RowProductBuilder::prefetchAhead(Value row, Value column, int64_t count) {
  if (lhs.offsets || kind.guarded)
    return;
  Value keys = kind.transposedA ? rhs : c;
  Value ahead = addIndex(row, cast<MemRefType>(keys.getType()).getDimSize(1));
  auto type = cast<MemRefType>(lhs.memref.getType());
  int64_t step = kCacheLine * 8 / type.getElementTypeBitWidth();
  for (int64_t offset = 0; offset < count; offset += step)
    memref::PrefetchOp::create(b, lhs.memref,
                               ValueRange{ahead, addIndex(column, offset)},
                               /*isWrite=*/false, /*localityHint=*/2,
                               /*isDataCache=*/true);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// The sums of the lanes of `vectors`, one lane each, in their order. Halves of
/// two vectors at a time become one vector; a vector that has no partner is
/// its own.
Value RowProductBuilder::addLanes(ArrayRef<Value> vectors) {
  SmallVector<Value> level(vectors);
  for (int64_t group = unit; group > 1; group /= 2) {
    // The lower (upper) halves of all groups of both vectors.
    SmallVector<int64_t> lower, upper;
    for (int64_t lane = 0; lane < 2 * unit; ++lane)
      (lane % group < group / 2 ? lower : upper).push_back(lane);
    SmallVector<Value> next;
    for (size_t i = 0; i < level.size(); i += 2) {
      Value first = level[i];
      Value second = i + 1 < level.size() ? level[i + 1] : first;
      Value low = vector::ShuffleOp::create(b, first, second, lower);
      Value high = vector::ShuffleOp::create(b, first, second, upper);
      next.push_back(arith::AddFOp::create(b, low, high));
    }
    level = next;
  }
  return level.front();
}

/// Adds the products of one chunk of d to the accumulators, [row][key].
SmallVector<Value> RowProductBuilder::multiplyChunk(Value column, int64_t valid,
                                                    Value firstRow,
                                                    ArrayRef<Value> keys,
                                                    ValueRange accs) {
  int64_t width = kind.pairElement ? 2 * unit : unit;
  SmallVector<Value> next(accs), queryVectors;
  for (int64_t r = 0; r < rows; ++r)
    queryVectors.push_back(
        widen(loadVector(rhs, addIndex(firstRow, r), column, width, valid)));
  for (auto [n, key] : llvm::enumerate(keys)) {
    Value vector = widen(loadVector(lhs.memref, key, column, width, valid));
    for (auto [r, query] : llvm::enumerate(queryVectors)) {
      Value &acc = next[r * keys.size() + n];
      if (kind.pairElement)
        acc = DotPairsOp::create(b, query, vector, acc);
      else
        acc = math::FmaOp::create(b, query, vector, acc);
    }
  }
  return next;
}

/// c[firstRow ... + rows)[firstKey ... + keys).
void RowProductBuilder::buildScoreTile(Value firstRow, Value firstKey) {
  int64_t keyCount = std::max<int64_t>(accumulators / rows, 1);
  while (cast<MemRefType>(c.getType()).getDimSize(1) % keyCount != 0)
    keyCount /= 2;
  SmallVector<Value> keys;
  for (int64_t n = 0; n < keyCount; ++n)
    keys.push_back(lhs.at(b, clampRow(firstKey, n, m)));
  int64_t width = kind.pairElement ? 2 * unit : unit;
  int64_t dim = cast<MemRefType>(lhs.memref.getType()).getDimSize(1);
  SmallVector<Value> accs(rows * keyCount, zero());
  // d is short: its loop is unrolled.
  for (int64_t column = 0; column < dim; column += width)
    accs = multiplyChunk(buildIndex(b, column), dim - column, firstRow, keys,
                         accs);
  int64_t slice = std::min(unit, keyCount);
  for (int64_t first = 0; first < rows * keyCount; first += unit) {
    int64_t count = std::min(unit, rows * keyCount - first);
    Value sums = addLanes(ArrayRef(accs).slice(first, count));
    for (int64_t lane = 0; lane < count; lane += slice) {
      int64_t row = (first + lane) / keyCount, key = (first + lane) % keyCount;
      Value part = sums;
      if (slice != unit)
        part = vector::ExtractStridedSliceOp::create(
            b, sums, ArrayRef<int64_t>{lane}, ArrayRef<int64_t>{slice},
            ArrayRef<int64_t>{1});
      vector::StoreOp::create(
          b, part, c,
          ValueRange{addIndex(firstRow, row), addIndex(firstKey, key)});
    }
  }
}

void RowProductBuilder::buildScores() {
  int64_t keyCount = std::max<int64_t>(accumulators / rows, 1);
  while (cast<MemRefType>(c.getType()).getDimSize(1) % keyCount != 0)
    keyCount /= 2;
  buildLoop(b, m, keyCount, [&](Value key) {
    for (int64_t n = 0; n < keyCount; ++n)
      prefetchAhead(addIndex(key, n), buildIndex(b, 0),
                    cast<MemRefType>(lhs.memref.getType()).getDimSize(1));
    buildLoop(b, buildIndex(b, queries), rows,
              [&](Value row) { buildScoreTile(row, key); });
  });
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The weight of a key, or of a pair of keys as one 32-bit word, in all lanes.
Value RowProductBuilder::loadWeight(Value row, Value key) {
  if (!kind.pairElement) {
    Value weight = memref::LoadOp::create(b, rhs, ValueRange{row, key});
    if (!weight.getType().isF32())
      weight = arith::ExtFOp::create(b, b.getF32Type(), weight);
    return vector::BroadcastOp::create(b, accType(), weight);
  }
  auto pairType = VectorType::get({2}, kind.pairElement);
  Value pair = vector::LoadOp::create(b, pairType, rhs, ValueRange{row, key});
  Value word =
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), pair);
  Value splat = vector::BroadcastOp::create(
      b, accType().clone(b.getI32Type()),
      vector::ExtractOp::create(b, word, int64_t(0)));
  return vector::BitCastOp::create(
      b, VectorType::get({2 * unit}, kind.pairElement), splat);
}

/// Values of keys `key` and `key` + 1, interleaved, one vector of pairs for
/// each of `vectors` vectors of columns.
SmallVector<Value> RowProductBuilder::loadValuePairs(Value key, Value column,
                                                     int64_t vectors,
                                                     int64_t valid) {
  SmallVector<Value> pairs;
  // A key beyond the last has weight 0 and must not bring in another NaN.
  Value second = lhs.at(b, clampRow(key, 1, k));
  Value first = lhs.at(b, key);
  for (int64_t v = 0; v < vectors;) {
    int64_t count = v + 2 <= vectors ? 2 : 1;
    auto load = [&](Value row) {
      return loadVector(lhs.memref, row, addIndex(column, v * unit),
                        count * unit, valid - v * unit);
    };
    Value both = vector::InterleaveOp::create(b, load(first), load(second));
    for (int64_t half = 0; half < count; ++half) {
      Value pair = both;
      if (count == 2)
        pair = vector::ExtractStridedSliceOp::create(
            b, both, ArrayRef<int64_t>{half * 2 * unit},
            ArrayRef<int64_t>{2 * unit}, ArrayRef<int64_t>{1});
      pairs.push_back(pair);
    }
    v += count;
  }
  return pairs;
}

/// select(weight != 0, acc + weight * scale * value, acc). A NaN weight counts.
Value RowProductBuilder::guardedTerm(Value weight, Value value, Value acc) {
  Value weighs =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, weight, zero());
  Value factor = vector::BroadcastOp::create(b, accType(), scale);
  Value scaled = arith::MulFOp::create(b, weight, factor);
  Value sum = math::FmaOp::create(b, scaled, value, acc);
  return arith::SelectOp::create(b, weighs, sum, acc);
}

/// Adds the terms of one key, or of a pair, to the accumulators,
/// [row][vector].
SmallVector<Value> RowProductBuilder::multiplyKey(Value key, Value firstRow,
                                                  Value column, int64_t vectors,
                                                  int64_t valid,
                                                  ValueRange accs) {
  SmallVector<Value> next(accs), values;
  if (kind.pairElement)
    values = loadValuePairs(key, column, vectors, valid);
  else
    for (int64_t v = 0; v < vectors; ++v)
      values.push_back(widen(loadVector(lhs.memref, lhs.at(b, key),
                                        addIndex(column, v * unit), unit,
                                        valid - v * unit)));
  for (int64_t r = 0; r < rows; ++r) {
    Value weight = loadWeight(addIndex(firstRow, r), key);
    for (int64_t v = 0; v < vectors; ++v) {
      Value &acc = next[r * vectors + v];
      if (kind.pairElement)
        acc = DotPairsOp::create(b, weight, values[v], acc);
      else if (kind.guarded)
        acc = guardedTerm(weight, values[v], acc);
      else
        acc = math::FmaOp::create(b, weight, values[v], acc);
    }
  }
  return next;
}

/// Adds to c[firstRow ... + rows)[column ... + vectors * unit), of which the
/// first `valid` columns exist.
void RowProductBuilder::buildValueTile(Value firstRow, Value column,
                                       int64_t vectors, int64_t valid) {
  // The sum of this tile alone, so that rounding errors are those of a short
  // sum; it is added to c at the end.
  SmallVector<Value> accs(rows * vectors, zero());
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), k,
                                 buildIndex(b, kind.pairElement ? 2 : 1), accs);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value key = loop.getInductionVar();
    for (int64_t n = 0; n < (kind.pairElement ? 2 : 1); ++n)
      prefetchAhead(addIndex(key, n), column, std::min(valid, vectors * unit));
    scf::YieldOp::create(b, multiplyKey(key, firstRow, column, vectors, valid,
                                        loop.getRegionIterArgs()));
  }
  for (int64_t r = 0; r < rows; ++r)
    storeSums(addIndex(firstRow, r), column, valid,
              loop.getResults().slice(r * vectors, vectors));
}

/// Stores `sums` to c[row][column ...), of which the first `valid` columns
/// exist; added to what c holds, if the product is, which is rescaled first.
void RowProductBuilder::storeSums(Value row, Value column, int64_t valid,
                                  ValueRange sums) {
  Value factor;
  if (kind.rescaled)
    factor = vector::BroadcastOp::create(
        b, accType(), memref::LoadOp::create(b, factors, row));
  for (auto [v, sum] : llvm::enumerate(sums)) {
    Value at = addIndex(column, v * unit);
    int64_t width = valid - v * unit;
    Value total = sum;
    if (kind.accumulate) {
      Value old = loadVector(c, row, at, unit, width);
      total = factor ? Value(math::FmaOp::create(b, old, factor, sum))
                     : Value(arith::AddFOp::create(b, old, sum));
    }
    if (width >= unit) {
      vector::StoreOp::create(b, total, c, ValueRange{row, at});
      continue;
    }
    Value mask = vector::ConstantMaskOp::create(
        b, VectorType::get({unit}, b.getI1Type()), ArrayRef<int64_t>{width});
    vector::MaskedStoreOp::create(b, c, ValueRange{row, at}, mask, total);
  }
}

void RowProductBuilder::buildValues() {
  int64_t columns = cast<MemRefType>(c.getType()).getDimSize(1);
  int64_t whole = columns / unit * unit;
  int64_t vectors =
      kind.guarded ? 1 : std::max<int64_t>(accumulators / rows, 1);
  while (whole % (vectors * unit) != 0)
    --vectors;
  auto buildColumns = [&](Value column, int64_t count, int64_t valid) {
    buildLoop(b, buildIndex(b, queries), rows,
              [&](Value row) { buildValueTile(row, column, count, valid); });
  };
  if (whole > 0)
    buildLoop(b, buildIndex(b, whole), vectors * unit, [&](Value column) {
      buildColumns(column, vectors, vectors * unit);
    });
  if (whole < columns)
    buildColumns(buildIndex(b, whole), 1, columns - whole);
}

void RowProductBuilder::build() {
  if (kind.transposedA)
    buildValues();
  else
    buildScores();
  func::ReturnOp::create(b);
}

void attn::buildRowProduct(func::FuncOp function, const ProductKind &kind,
                           VectorScheduleAttr schedule) {
  RowProductBuilder(function, kind, schedule).build();
}
