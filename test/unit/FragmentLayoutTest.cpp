//===- FragmentLayoutTest.cpp - Layouts against written-out tables --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/FragmentLayout.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"
#include <array>
#include <set>

using namespace attn;
using llvm::SmallVector;

namespace {

/// Attributes need a context.
class FragmentLayoutTest : public ::testing::Test {
protected:
  FragmentLayoutTest() { context.loadDialect<AttnDialect>(); }

  BlockScheduleAttr getSchedule(MatrixKind kind, int64_t warps,
                                bool transposed) {
    return BlockScheduleAttr::get(&context, kind, warps,
                                  getMatrixInstruction(kind).lanes,
                                  /*stages=*/2, transposed,
                                  /*fetches=*/transposed, /*lazy=*/transposed);
  }

  FragmentAttr get(MatrixKind kind, int64_t warps, bool transposed,
                   llvm::ArrayRef<Dim> dims, llvm::ArrayRef<int64_t> shape) {
    return getFragment(getSchedule(kind, warps, transposed), &context, dims,
                       shape);
  }

  mlir::MLIRContext context;
};

int64_t getCoordinate(FragmentAttr layout, Dim dim, int64_t reg, int64_t lane,
                      int64_t warp) {
  return evaluate(layout.getRegisters(), dim, reg) +
         evaluate(layout.getLanes(), dim, lane) +
         evaluate(layout.getWarps(), dim, warp);
}

/// Every element of the tile is held, and by one thread only.
void expectBijective(FragmentAttr layout, Dim rows, Dim columns,
                     int64_t elements) {
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int64_t warp = 0; warp < countValues(layout.getWarps()); ++warp)
    for (int64_t lane = 0; lane < countValues(layout.getLanes()); ++lane)
      for (int64_t reg = 0; reg < countValues(layout.getRegisters()); ++reg)
        EXPECT_TRUE(
            seen.insert({getCoordinate(layout, rows, reg, lane, warp),
                         getCoordinate(layout, columns, reg, lane, warp)})
                .second);
  EXPECT_EQ(static_cast<int64_t>(seen.size()), elements);
}

//===----------------------------------------------------------------------===//
// Matrix instructions against their manuals
//===----------------------------------------------------------------------===//

/// Calls `expect(lane, reg, row, k or column)` for an operand or a result.
void forEachElement(
    llvm::ArrayRef<LayoutDigit> registers, llvm::ArrayRef<LayoutDigit> lanes,
    Dim first, Dim second,
    llvm::function_ref<void(int64_t, int64_t, int64_t, int64_t)> expect) {
  for (int64_t lane = 0; lane < countValues(lanes); ++lane)
    for (int64_t reg = 0; reg < countValues(registers); ++reg)
      expect(lane, reg,
             evaluate(registers, first, reg) + evaluate(lanes, first, lane),
             evaluate(registers, second, reg) + evaluate(lanes, second, lane));
}

constexpr Dim m = Dim::q, n = Dim::kv, k = Dim::d;

TEST_F(FragmentLayoutTest, MmaIsTheTableOfThePtxManual) {
  const MatrixInstruction &row = getMatrixInstruction(MatrixKind::m16n8k16);
  // Element e of A: row groupID (+ 8 for the second and the fourth pair),
  // column 2 * threadInGroup + e % 2 (+ 8 for the last two pairs).
  forEachElement(row.aRegisters, row.aLanes, m, k,
                 [](int64_t lane, int64_t e, int64_t i, int64_t j) {
                   EXPECT_EQ(i, lane / 4 + (e / 2 % 2) * 8);
                   EXPECT_EQ(j, lane % 4 * 2 + e % 2 + (e >= 4 ? 8 : 0));
                 });
  forEachElement(row.bRegisters, row.bLanes, k, n,
                 [](int64_t lane, int64_t e, int64_t i, int64_t j) {
                   EXPECT_EQ(i, lane % 4 * 2 + e % 2 + (e >= 2 ? 8 : 0));
                   EXPECT_EQ(j, lane / 4);
                 });
  forEachElement(row.dRegisters, row.dLanes, m, n,
                 [](int64_t lane, int64_t e, int64_t i, int64_t j) {
                   EXPECT_EQ(i, lane / 4 + (e < 2 ? 0 : 8));
                   EXPECT_EQ(j, lane % 4 * 2 + e % 2);
                 });
}

/// v_mfma_f32_MxNxK: blocks of 4 rows of the result take turns in the lanes.
void expectMfma(const MatrixInstruction &row) {
  int64_t dim = row.m;
  forEachElement(row.aRegisters, row.aLanes, m, k,
                 [&](int64_t lane, int64_t e, int64_t i, int64_t j) {
                   EXPECT_EQ(i, lane % dim);
                   EXPECT_EQ(j, lane / dim * 4 + e);
                 });
  forEachElement(row.bRegisters, row.bLanes, k, n,
                 [&](int64_t lane, int64_t e, int64_t i, int64_t j) {
                   EXPECT_EQ(i, lane / dim * 4 + e);
                   EXPECT_EQ(j, lane % dim);
                 });
  int64_t groups = 64 / dim;
  forEachElement(row.dRegisters, row.dLanes, m, n,
                 [&](int64_t lane, int64_t e, int64_t i, int64_t j) {
                   EXPECT_EQ(i,
                             4 * groups * (e / 4) + 4 * (lane / dim) + e % 4);
                   EXPECT_EQ(j, lane % dim);
                 });
}

TEST_F(FragmentLayoutTest, MfmaIsTheTableOfTheIsaManual) {
  expectMfma(getMatrixInstruction(MatrixKind::m32n32k8));
  expectMfma(getMatrixInstruction(MatrixKind::m16n16k16));
}

/// In f32, elements e of all lanes are the operands of a v_mfma_f32_16x16x4:
/// both have the same k in a lane, and four of them have all of 16.
TEST_F(FragmentLayoutTest, MfmaOfF32IsFourOfTheIsaManual) {
  const MatrixInstruction &row = getMatrixInstruction(MatrixKind::m16n16k16);
  EXPECT_TRUE(multiplies(row, mlir::Float32Type::get(&context)));
  EXPECT_FALSE(multiplies(getMatrixInstruction(MatrixKind::m32n32k8),
                          mlir::Float32Type::get(&context)));
  EXPECT_FALSE(multipliesParts(row, mlir::Float32Type::get(&context)));
  EXPECT_TRUE(multipliesParts(getMatrixInstruction(MatrixKind::m16n8k16),
                              mlir::Float32Type::get(&context)));
  std::set<int64_t> terms;
  for (int64_t e = 0; e < row.perRegister; ++e)
    for (int64_t lane = 0; lane < row.lanes; ++lane) {
      int64_t ofLane = lane / 16;
      EXPECT_EQ(evaluate(row.aLanes, m, lane), lane % 16);
      EXPECT_EQ(evaluate(row.bLanes, n, lane), lane % 16);
      int64_t term =
          evaluate(row.aRegisters, k, e) + evaluate(row.aLanes, k, lane);
      EXPECT_EQ(term,
                evaluate(row.bRegisters, k, e) + evaluate(row.bLanes, k, lane));
      EXPECT_EQ(term, 4 * ofLane + e);
      terms.insert(term);
    }
  EXPECT_EQ(terms.size(), 16u);
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

struct Shape {
  MatrixKind kind;
  bool transposed;
  int64_t warps, rows, columns;
};

const Shape shapes[] = {
    {MatrixKind::m16n8k16, false, 4, 128, 64},
    {MatrixKind::m16n8k16, false, 4, 128, 128},
    {MatrixKind::m16n8k16, false, 1, 16, 80},
    {MatrixKind::m16n8k16, false, 3, 48, 88},
    {MatrixKind::m32n32k8, true, 8, 256, 64},
    {MatrixKind::m16n16k16, true, 4, 128, 96},
};

TEST_F(FragmentLayoutTest, TilesAreHeldOnce) {
  for (const Shape &shape : shapes) {
    FragmentAttr layout = get(shape.kind, shape.warps, shape.transposed,
                              {Dim::q, Dim::kv}, {shape.rows, shape.columns});
    expectBijective(layout, Dim::q, Dim::kv, shape.rows * shape.columns);
    EXPECT_TRUE(isSplitOverWarps(layout, Dim::q) || shape.warps == 1);
    EXPECT_FALSE(isSplitOverWarps(layout, Dim::kv));
  }
}

TEST_F(FragmentLayoutTest, StatisticsLieWithTheElementsOfTheirRow) {
  for (const Shape &shape : shapes) {
    FragmentAttr tile = get(shape.kind, shape.warps, shape.transposed,
                            {Dim::q, Dim::kv}, {shape.rows, shape.columns});
    FragmentAttr rows =
        get(shape.kind, shape.warps, shape.transposed, {Dim::q}, {shape.rows});
    for (int64_t reg = 0; reg < countValues(tile.getRegisters()); ++reg) {
      auto mine =
          findRegister(rows, {{Dim::q, getRegisterOffset(tile, Dim::q, reg)}});
      ASSERT_TRUE(mine);
      for (int64_t warp = 0; warp < shape.warps; ++warp)
        for (int64_t lane = 0; lane < countValues(tile.getLanes()); ++lane)
          EXPECT_EQ(getCoordinate(rows, Dim::q, *mine, lane, warp),
                    getCoordinate(tile, Dim::q, reg, lane, warp));
    }
  }
}

TEST_F(FragmentLayoutTest, AButterflyOverTheDistancesVisitsTheWholeRow) {
  for (const Shape &shape : shapes) {
    FragmentAttr tile = get(shape.kind, shape.warps, shape.transposed,
                            {Dim::q, Dim::kv}, {shape.rows, shape.columns});
    std::set<int64_t> lanes{0};
    for (int64_t distance : getLaneDistances(tile, Dim::kv))
      for (int64_t lane : std::set<int64_t>(lanes))
        lanes.insert(lane ^ distance);
    std::set<int64_t> columns;
    for (int64_t lane : lanes)
      for (int64_t reg = 0; reg < countValues(tile.getRegisters()); ++reg) {
        if (getRegisterOffset(tile, Dim::q, reg) == 0)
          columns.insert(getCoordinate(tile, Dim::kv, reg, lane, 0));
        EXPECT_EQ(evaluate(tile.getLanes(), Dim::q, lane), 0);
      }
    EXPECT_EQ(static_cast<int64_t>(columns.size()), shape.columns);
  }
}

/// The weights are an operand of the second product as they lie: each element
/// of the operand is in a register of the same lane.
TEST_F(FragmentLayoutTest, WeightsAreTheNextOperandAsTheyLie) {
  for (const Shape &shape : shapes) {
    FragmentAttr tile = get(shape.kind, shape.warps, shape.transposed,
                            {Dim::q, Dim::kv}, {shape.rows, shape.columns});
    const MatrixInstruction &row = getMatrixInstruction(shape.kind);
    auto registers = shape.transposed ? row.bRegisters : row.aRegisters;
    auto lanes = shape.transposed ? row.bLanes : row.aLanes;
    Dim queries = shape.transposed ? n : m;
    for (int64_t step = 0; step < shape.columns / row.k; ++step)
      for (int64_t e = 0; e < countValues(registers); ++e) {
        auto found = findRegister(
            tile, {{Dim::q, evaluate(registers, queries, e)},
                   {Dim::kv, step * row.k + evaluate(registers, k, e)}});
        ASSERT_TRUE(found);
        for (int64_t lane = 0; lane < row.lanes; ++lane) {
          EXPECT_EQ(getCoordinate(tile, Dim::q, *found, lane, 0),
                    evaluate(registers, queries, e) +
                        evaluate(lanes, queries, lane));
          EXPECT_EQ(getCoordinate(tile, Dim::kv, *found, lane, 0),
                    step * row.k + evaluate(registers, k, e) +
                        evaluate(lanes, k, lane));
        }
      }
  }
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

TEST_F(FragmentLayoutTest, MatrixLoadsMeetInNoBank) {
  for (int64_t headDim = 16; headDim <= 256; headDim += 8) {
    SharedAttr layout = getConflictFreeLayout(&context, headDim, 2, 16);
    for (int64_t column = 0; column < headDim; column += 8)
      for (int64_t row : {0, 8, 40}) {
        SmallVector<int64_t> addresses;
        for (int64_t lane = 0; lane < 8; ++lane)
          addresses.push_back(getSharedOffset(layout, 2, row + lane, column));
        EXPECT_EQ(countBankConflicts(addresses, 16), 0)
            << "head dim " << headDim << " column " << column;
      }
  }
  // What it avoids: eight rows of 256 bytes, all in the same banks.
  SmallVector<int64_t> same;
  for (int64_t row = 0; row < 8; ++row)
    same.push_back(row * 256);
  EXPECT_EQ(countBankConflicts(same, 16), 7);
}

/// Lanes that a read of 16 bytes serves together on CDNA3, eight by eight.
static constexpr int64_t kReadPhases[] = {
    0,  1,  2,  3,  20, 21, 22, 23, 32, 33, 34, 35, 52, 53, 54, 55,
    4,  5,  6,  7,  16, 17, 18, 19, 36, 37, 38, 39, 48, 49, 50, 51,
    8,  9,  10, 11, 28, 29, 30, 31, 40, 41, 42, 43, 60, 61, 62, 63,
    12, 13, 14, 15, 24, 25, 26, 27, 44, 45, 46, 47, 56, 57, 58, 59};

/// A lane reads eight keys of a column of V, the operands of two steps, or, in
/// f32, four keys.
TEST_F(FragmentLayoutTest, ReadsOfTransposedTilesMeetInNoBank) {
  for (auto [keys, rows, bytes] : {std::array<int64_t, 3>{32, 32, 2},
                                   {64, 32, 2},
                                   {16, 16, 4},
                                   {32, 16, 4},
                                   {64, 16, 4}}) {
    SharedAttr layout = getTransposedLayout(&context, keys, bytes);
    for (int64_t key = 0; key < keys; key += 16)
      for (int64_t column = 0; column < 256; column += rows) {
        SmallVector<int64_t> addresses;
        for (int64_t lane : kReadPhases)
          addresses.push_back(getSharedOffset(
              layout, bytes, key + 4 * (lane / rows), column + lane % rows));
        EXPECT_EQ(countBankConflicts(addresses, 16), 0)
            << keys << " keys, key " << key << " column " << column;
      }
  }
}

/// Chunk c * lanes + l of a row of V^T holds the keys that lane l's registers
/// of weights number c have, in their order.
TEST_F(FragmentLayoutTest, ChunksOfTransposedTilesAreTheKeysOfTheWeights) {
  for (auto [kind, bytes] :
       {std::pair<MatrixKind, int64_t>{MatrixKind::m32n32k8, 2},
        {MatrixKind::m16n16k16, 4}}) {
    constexpr int64_t kKeys = 64, kChunk = 16;
    const MatrixInstruction &row = getMatrixInstruction(kind);
    FragmentAttr weights =
        get(kind, 1, /*transposed=*/true, {Dim::q, Dim::kv}, {row.n, kKeys});
    SharedAttr layout = getTransposedLayout(&context, kKeys, bytes);
    int64_t lanes = row.lanes / row.m, elements = kChunk / bytes;
    for (int64_t reg = 0; reg < countValues(weights.getRegisters()); ++reg)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        int64_t key =
            getCoordinate(weights, Dim::kv, reg, lane * row.n, /*warp=*/0);
        int64_t chunk = reg / elements * lanes + lane;
        EXPECT_EQ(getSharedOffset(layout, bytes, key, /*column=*/0),
                  chunk * kChunk + reg % elements * bytes);
      }
  }
}

/// Sixteen lanes write four keys each, of columns `width` apart. These
/// writes do meet: two at a time with 64 keys, four with 32.
TEST_F(FragmentLayoutTest, WritesOfTransposedTilesMeetInFewBanks) {
  for (auto [keys, meet] : {std::pair<int64_t, int64_t>{64, 2}, {32, 4}}) {
    SharedAttr layout = getTransposedLayout(&context, keys, 2);
    for (int64_t width : {2, 4})
      for (int64_t key = 0; key < keys; key += 4)
        for (int64_t column = 0; column < 256; column += 16 * width)
          for (int64_t i = 0; i < width; ++i) {
            SmallVector<int64_t> addresses;
            for (int64_t lane = 0; lane < 16; ++lane)
              addresses.push_back(
                  getSharedOffset(layout, 2, key, column + lane * width + i));
            EXPECT_LE(countBankConflicts(addresses, 8), meet - 1)
                << keys << " keys, key " << key << " column " << column + i;
          }
  }
}

TEST_F(FragmentLayoutTest, ElementsOfABufferHavePlacesOfTheirOwn) {
  for (int64_t bytes : {2, 4})
    for (int64_t headDim : {16, 24, 64, 80, 128, 136, 256}) {
      SharedAttr layout = getConflictFreeLayout(&context, headDim, bytes, 16);
      std::set<int64_t> seen;
      for (int64_t row = 0; row < 24; ++row)
        for (int64_t column = 0; column < layout.getColumns(); ++column) {
          int64_t at = getSharedOffset(layout, bytes, row, column);
          EXPECT_LE(at + bytes, 24 * layout.getPitch() * bytes);
          EXPECT_EQ(at % bytes, 0);
          EXPECT_TRUE(seen.insert(at).second);
        }
    }
}

} // namespace
