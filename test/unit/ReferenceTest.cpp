//===- ReferenceTest.cpp - The reference against hand-computed cases ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Expected values are worked out in the comments, from the formula. The last
// tests compare with that formula written out in the plainest way.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTestUtils.h"

using namespace attn;
using namespace attn::reference;

static const double ln2 = std::log(2.0);
static const double ln3 = std::log(3.0);

//===----------------------------------------------------------------------===//
// One row
//===----------------------------------------------------------------------===//

TEST(Reference, TwoKeys) {
  // exp(0) : exp(ln 3) = 1 : 3, so out = 4 / 4 + 3 * 8 / 4 = 7, lse = ln 4.
  Arrays arrays;
  const AttentionResult result = run(makeRow(arrays, {0, ln3}, {4, 8}));
  expectClose(result.out, {7});
  expectClose(result.lse, {2 * ln2});
  EXPECT_EQ(result.visibleKeys, std::vector<int64_t>{2});
  // S: the larger score; W: 1/4 * 4 + 3/4 * 8.
  EXPECT_NEAR(result.scoreBound, ln3, 1e-15);
  EXPECT_NEAR(result.weightedValueBound, 7, 1e-13);
}

TEST(Reference, Scale) {
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {2 * ln3, 0}, {4, 8});
  // Scores ln 3 and 0: (3 * 4 + 8) / 4.
  problem.scale = 0.5f;
  expectClose(run(problem).out, {5});
  // Scores -ln 3 and 0: (4 / 3 + 8) / (4 / 3) = 7.
  problem.scale = -0.5f;
  expectClose(run(problem).out, {7});
  expectClose(run(problem).lse, {std::log(4.0 / 3)});
  // Equal scores.
  problem.scale = 0;
  expectClose(run(problem).out, {6});
  expectClose(run(problem).lse, {ln2});
}

TEST(Reference, Softcap) {
  // r = 4, 0 with cap 2: s = 2 tanh 2 = 1.9280551601516338, 0.
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {4, 0}, {1, 0});
  problem.softcap = 2;
  const double e = std::exp(1.9280551601516338);
  expectClose(run(problem).out, {e / (e + 1)});
  // Not capped if not positive.
  problem.softcap = -2;
  expectClose(run(problem).out, {std::exp(4) / (std::exp(4) + 1)});
}

TEST(Reference, AlibiCountsFromThePosition) {
  // Slope ln 2, position 2, equal scores: weights 1/4, 1/2, 1, 1/2 (distance,
  // not its sign), sum 9/4.
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {0, 0, 0, 0}, {1, 0, 0, 1});
  problem.qOffset = arrays.make(ElementType::I64, {}, {2});
  problem.alibiSlopes = arrays.make(ElementType::F64, {1}, {ln2});
  expectClose(run(problem).out, {0.75 / 2.25});
  problem.alibiSlopes = arrays.make(ElementType::F64, {1, 1}, {ln2});
  expectClose(run(problem).lse, {std::log(2.25)});
}

TEST(Reference, BiasAndMinusInfinity) {
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {0, 0, 0}, {1, 2, notANumber});
  problem.bias =
      arrays.make(ElementType::F64, {1, 1, 1, 3}, {ln3, 0, -infinity});
  // (3 * 1 + 2) / 4; the third key is hidden and its NaN with it.
  const AttentionResult result = run(problem);
  expectClose(result.out, {1.25});
  EXPECT_EQ(result.visibleKeys[0], 2);
  // Hidden whatever the score function makes of it.
  problem.score = [](double s, const Coordinates &) {
    return std::isinf(s) ? 0 : s;
  };
  expectClose(run(problem).out, {1.25});
}

TEST(Reference, BiasBroadcasts) {
  Arrays arrays;
  AttentionProblem problem =
      makeRandom(arrays, ElementType::F64, 2, 3, 4, 2, 1, 2, 2);
  problem.bias =
      arrays.make(ElementType::F32, {1, 2, 1, 4}, {0, 1, 2, 3, 4, 5, 6, 7});
  const AttentionResult broadcast = run(problem);
  Values full;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t j = 0; j < 4; ++j)
          full.push_back(static_cast<double>(4 * h + j));
  problem.bias = arrays.make(ElementType::F32, {2, 2, 3, 4}, full);
  EXPECT_EQ(run(problem).out, broadcast.out);
}

TEST(Reference, StepsComeInOrder) {
  // r = 0.5 * 4 = 2; s = 3 tanh(2/3); s = s - 0.25 |5 - 1|; s = s + 0.75;
  // f = 2 s + 10 * 5 + 1. The first key is hidden, so lse = f.
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {notANumber, 4}, {notANumber, 3});
  problem.scale = 0.5f;
  problem.softcap = 3;
  problem.qOffset = arrays.make(ElementType::I64, {1}, {5});
  problem.alibiSlopes = arrays.make(ElementType::F32, {1}, {0.25});
  problem.bias = arrays.make(ElementType::F32, {1, 1, 1, 1}, {0.75});
  problem.mask = [](const Coordinates &at) { return at.j == 1; };
  problem.score = [](double s, const Coordinates &at) {
    return 2 * s + 10 * static_cast<double>(at.qPos) +
           static_cast<double>(at.j);
  };
  const double s = 3 * std::tanh(2.0 / 3) - 1 + 0.75;
  const AttentionResult result = run(problem);
  expectClose(result.lse, {2 * s + 51});
  EXPECT_EQ(result.out[0], 3);
}

TEST(Reference, Sink) {
  // Score 0 and sink 0: half of v; the sink is not scaled.
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {0}, {4});
  problem.scale = 100;
  problem.sinks = arrays.make(ElementType::F32, {1}, {0});
  expectClose(run(problem).out, {2});
  expectClose(run(problem).lse, {ln2});
  // A sink far above: exp(-1000) vanishes, nothing overflows.
  problem.sinks = arrays.make(ElementType::F32, {1}, {1000});
  expectClose(run(problem).out, {0});
  expectClose(run(problem).lse, {1000});
  // A sink of -inf is none.
  problem.sinks = arrays.make(ElementType::F32, {1}, {-infinity});
  expectClose(run(problem).out, {4});
}

TEST(Reference, RowsThatSeeNothing) {
  Arrays arrays;
  AttentionProblem problem =
      makeRow(arrays, {notANumber, 1}, {notANumber, infinity});
  problem.mask = [](const Coordinates &) { return false; };
  EXPECT_EQ(run(problem).out, Values{0});
  EXPECT_EQ(run(problem).lse, Values{-infinity});
  problem.sinks = arrays.make(ElementType::F32, {1}, {2.5});
  EXPECT_EQ(run(problem).out, Values{0});
  EXPECT_EQ(run(problem).lse, Values{2.5});
  // The same rule for no keys at all, for length 0 and for f = -inf.
  EXPECT_EQ(run(makeRow(arrays, {}, {})).lse, Values{-infinity});
  problem = makeRow(arrays, {1, 2}, {3, 4});
  problem.kvLens = arrays.make(ElementType::I32, {1}, {0});
  EXPECT_EQ(run(problem).lse, Values{-infinity});
  problem = makeRow(arrays, {1, 2}, {3, 4});
  problem.score = [](double, const Coordinates &) { return -infinity; };
  EXPECT_EQ(run(problem).lse, Values{-infinity});
  EXPECT_EQ(run(problem).out, Values{0});
  EXPECT_EQ(run(makeRow(arrays, {-infinity}, {notANumber})).out, Values{0});
}

TEST(Reference, PaddingRowsIgnoreSinkAndData) {
  Arrays arrays;
  AttentionProblem problem;
  problem.q =
      arrays.make(ElementType::F64, {2, 2, 1, 1}, {1, notANumber, 1, 1});
  problem.k = arrays.make(ElementType::F64, {2, 1, 1, 1}, {0});
  problem.v = arrays.make(ElementType::F64, {2, 1, 1, 1}, {4});
  problem.qLens = arrays.make(ElementType::I32, {2}, {1, 2});
  problem.sinks = arrays.make(ElementType::F32, {1}, {0});
  const AttentionResult result = run(problem);
  expectClose(result.out, {2, 0, 2, 2});
  expectClose(result.lse, {ln2, -infinity, ln2, ln2});
}

TEST(Reference, OneVeryNegativeScoreIsStillVisible) {
  Arrays arrays;
  EXPECT_EQ(run(makeRow(arrays, {-524288}, {3.25})).out, Values{3.25});
  EXPECT_EQ(run(makeRow(arrays, {-524288}, {3.25})).lse, Values{-524288});
  EXPECT_EQ(run(makeRow(arrays, {-1e300, -infinity}, {3.25, notANumber})).out,
            Values{3.25});
}

TEST(Reference, NaNAndInfStayInTheirRows) {
  Arrays arrays;
  AttentionProblem problem;
  // Rows: finite, NaN query, finite.
  problem.q = arrays.make(ElementType::F64, {1, 3, 1, 1}, {1, notANumber, 0});
  problem.k = arrays.make(ElementType::F64, {1, 2, 1, 1}, {0, infinity});
  problem.v = arrays.make(ElementType::F64, {1, 2, 1, 2}, {4, 5, infinity, 6});
  // Row 0 sees key 0 only; row 2: 0 * Inf = NaN as a score.
  problem.mask = [](const Coordinates &at) { return at.i > 0 || at.j == 0; };
  const AttentionResult result = run(problem);
  expectClose(result.out,
              {4, 5, notANumber, notANumber, notANumber, notANumber});
  expectClose(result.lse, {0, notANumber, notANumber});
  // The bounds are of what is finite.
  EXPECT_TRUE(std::isfinite(result.scoreBound));
  EXPECT_EQ(result.weightedValueBound, 5);
  // Inf as a visible value: only its own column.
  problem.k = arrays.make(ElementType::F64, {1, 2, 1, 1}, {0, 0});
  problem.q = arrays.make(ElementType::F64, {1, 3, 1, 1}, {1, 1, 1});
  expectClose(run(problem).out, {4, 5, infinity, 5.5, infinity, 5.5});
}

TEST(Reference, Descale) {
  // scale 2 * 0.5 (q) * 4 (k) = 4 times dot ln(3) / 4; out times 10.
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {ln3 / 4, 0}, {4, 8});
  problem.scale = 2;
  problem.qDescale = arrays.make(ElementType::F32, {1, 1}, {0.5});
  problem.kDescale = arrays.make(ElementType::F32, {1, 1}, {4});
  problem.vDescale = arrays.make(ElementType::F32, {1, 1}, {10});
  expectClose(run(problem).out, {50});
  EXPECT_NEAR(run(problem).weightedValueBound, 50, 1e-12);
}

TEST(Reference, DescalesOfTheirOwnBatchAndHead) {
  // One key per row, so lse is the score: q k times the descales of (b, g).
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F64, {2, 1, 2, 1}, {1});
  problem.k = arrays.make(ElementType::F64, {2, 1, 2, 1}, {1});
  problem.v = arrays.make(ElementType::F64, {2, 1, 2, 1}, {1});
  problem.qDescale = arrays.make(ElementType::F32, {2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(run(problem).lse, (Values{1, 2, 3, 4}));
  problem.kDescale = arrays.make(ElementType::F32, {2, 1}, {1, 10});
  EXPECT_EQ(run(problem).lse, (Values{1, 2, 30, 40}));
  problem.vDescale = arrays.make(ElementType::F32, {1, 2}, {5, 6});
  EXPECT_EQ(run(problem).out, (Values{5, 6, 5, 6}));
}

TEST(Reference, ScoreBoundCoversCancellationAndSinks) {
  // q = (1, 1), k = (1, -1): the score is 0, |scale| |q| |k| is 3 * 2.
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F64, {1, 1, 1, 2}, {1, 1});
  problem.k = arrays.make(ElementType::F64, {1, 1, 1, 2}, {1, -1});
  problem.v = arrays.make(ElementType::F64, {1, 1, 1, 1}, {1});
  problem.scale = -3;
  EXPECT_NEAR(run(problem).scoreBound, 6, 1e-14);
  problem.sinks = arrays.make(ElementType::F32, {1}, {-1000});
  EXPECT_EQ(run(problem).scoreBound, 1000);
}

//===----------------------------------------------------------------------===//
// Indexing
//===----------------------------------------------------------------------===//

TEST(Reference, GroupedHeads) {
  // Hq = 6, Hkv = 2: heads 0..2 read KV head 0, heads 3..5 KV head 1.
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F64, {1, 1, 6, 1}, {0});
  problem.k = arrays.make(ElementType::F64, {1, 1, 2, 1}, {0});
  problem.v = arrays.make(ElementType::F64, {1, 1, 2, 1}, {10, 20});
  // One sink, slope and descale row per head too.
  problem.vDescale = arrays.make(ElementType::F32, {1, 2}, {1, 2});
  EXPECT_EQ(run(problem).out, (Values{10, 10, 10, 40, 40, 40}));
  problem.sinks =
      arrays.make(ElementType::F64, {6}, {0, ln3, 0, -infinity, ln3, 0});
  expectClose(run(problem).out, {5, 2.5, 5, 40, 10, 20});
}

TEST(Reference, OffsetsAndPositions) {
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F64, {2, 2, 1, 1}, {0});
  problem.k = arrays.make(ElementType::F64, {2, 4, 1, 1}, {0});
  problem.v =
      arrays.make(ElementType::F64, {2, 4, 1, 1}, {1, 2, 3, 4, 1, 2, 3, 4});
  problem.mask = causal();
  // Top-left: rows see 1 and 2 keys.
  EXPECT_EQ(run(problem).visibleKeys, (std::vector<int64_t>{1, 2, 1, 2}));
  // Bottom-right in batch 0, before everything in batch 1.
  problem.qOffset = arrays.make(ElementType::I64, {2}, {2, -1});
  EXPECT_EQ(run(problem).visibleKeys, (std::vector<int64_t>{3, 4, 0, 1}));
  expectClose(run(problem).out, {2, 2.5, 0, 1});
  problem.qOffset = std::nullopt;
  problem.qPositions = arrays.make(ElementType::I64, {2, 2}, {3, -5, 0, 99});
  EXPECT_EQ(run(problem).visibleKeys, (std::vector<int64_t>{4, 0, 1, 4}));
}

TEST(Reference, KeyLengthsHide) {
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F64, {2, 1, 1, 1}, {1});
  problem.k =
      arrays.make(ElementType::F64, {2, 2, 1, 1}, {0, notANumber, 0, 0});
  problem.v =
      arrays.make(ElementType::F64, {2, 2, 1, 1}, {1, notANumber, 3, 5});
  problem.kvLens = arrays.make(ElementType::I32, {2}, {1, 2});
  expectClose(run(problem).out, {1, 4});
  // `not` never exposes padding.
  problem.mask = notOf(prefix(1));
  EXPECT_EQ(run(problem).visibleKeys, (std::vector<int64_t>{0, 1}));
}

/// A dense problem whose sequences are the rows of a packed and of a paged one.
TEST(Reference, PackedAndPagedEqualDense) {
  Arrays arrays;
  const ElementType type = ElementType::F32;
  const int64_t hq = 4, hkv = 2, d = 3, dv = 5, total = 300, totalQ = 12;
  // Sequences: 5 rows and 170 keys, none, 7 rows and 130 keys.
  const Values startsQ = {0, 5, 5, 12}, startsKV = {0, 170, 170, 300};
  const TensorView q = arrays.random(type, {totalQ, hq, d}, 1);
  const TensorView k = arrays.random(type, {total, hkv, d}, 2);
  const TensorView v = arrays.random(type, {total, hkv, dv}, 3);

  AttentionProblem packed;
  packed.q = q;
  packed.k = k;
  packed.v = v;
  packed.cuSeqlensQ = arrays.make(ElementType::I32, {4}, startsQ);
  packed.cuSeqlensKV = arrays.make(ElementType::I32, {4}, startsKV);
  packed.mask = causal();
  packed.qOffset = arrays.make(ElementType::I64, {3}, {160, 0, 20});
  EXPECT_EQ(packed.batch(), 3);
  EXPECT_EQ(packed.outShape(), (Shape{totalQ, hq, dv}));
  EXPECT_EQ(packed.lseShape(), (Shape{hq, totalQ}));
  EXPECT_EQ(packed.outIndex({2, 1, 3}, 4), (Shape{8, 1, 4}));
  EXPECT_EQ(packed.lseIndex({2, 1, 3}), (Shape{1, 8}));
  const AttentionResult result = run(packed);

  // Each sequence by itself.
  Values out, lse;
  for (int64_t b : {0, 2}) {
    const int64_t fromQ = int64_t(startsQ[b]), fromKV = int64_t(startsKV[b]);
    auto dense = [](const TensorView &view, int64_t from, int64_t count) {
      const TensorView part = view.slice(0, from, count);
      return TensorView(part.data(), part.type(),
                        {1, count, part.dim(1), part.dim(2)},
                        {0, part.stride(0), part.stride(1), part.stride(2)});
    };
    AttentionProblem one;
    one.q = dense(q, fromQ, int64_t(startsQ[b + 1]) - fromQ);
    one.k = dense(k, fromKV, int64_t(startsKV[b + 1]) - fromKV);
    one.v = dense(v, fromKV, int64_t(startsKV[b + 1]) - fromKV);
    one.mask = causal();
    one.qOffset = packed.qOffset->slice(0, b, 1);
    const AttentionResult part = run(one);
    out.insert(out.end(), part.out.begin(), part.out.end());
    lse.insert(lse.end(), part.lse.begin(), part.lse.end());
  }
  EXPECT_EQ(result.out, out);
  EXPECT_EQ(result.lse, lse);

  // Pages of 7 keys in scrambled order; everything unused is NaN.
  const int64_t pageSize = 7, pages = 60, maxPages = 30;
  const TensorView kPages =
      arrays.make(type, {pages, pageSize, hkv, d}, {notANumber});
  const TensorView vPages =
      arrays.make(type, {pages, pageSize, hkv, dv}, {notANumber});
  Values table(3 * maxPages, -12345);
  int64_t used = 0;
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t j = 0; j < int64_t(startsKV[b + 1] - startsKV[b]); ++j) {
      double &page = table[b * maxPages + j / pageSize];
      if (j % pageSize == 0)
        page = static_cast<double>(used++ * 37 % pages);
      for (int64_t g = 0; g < hkv; ++g) {
        const int64_t t = int64_t(startsKV[b]) + j;
        for (int64_t e = 0; e < d; ++e)
          kPages.storeFromDouble({int64_t(page), j % pageSize, g, e},
                                 k.loadAsDouble({t, g, e}));
        for (int64_t e = 0; e < dv; ++e)
          vPages.storeFromDouble({int64_t(page), j % pageSize, g, e},
                                 v.loadAsDouble({t, g, e}));
      }
    }
  AttentionProblem paged = packed;
  paged.k = kPages;
  paged.v = vPages;
  paged.cuSeqlensKV = std::nullopt;
  paged.blockTable = arrays.make(ElementType::I32, {3, maxPages}, table);
  paged.kvLens = arrays.make(ElementType::I32, {3}, {170, 0, 130});
  EXPECT_EQ(run(paged).out, out);
  EXPECT_EQ(run(paged).lse, lse);
}

TEST(Reference, LayoutsAreStrides) {
  Arrays arrays;
  AttentionProblem problem =
      makeRandom(arrays, ElementType::BF16, 2, 5, 6, 4, 2, 8, 7);
  const AttentionResult expected = run(problem);
  // The same numbers, k stored [B,H,D,S] (sequence innermost), q [B,H,S,D].
  const TensorView q = arrays.make(ElementType::BF16, {2, 4, 5, 8}, {0});
  const TensorView k = arrays.make(ElementType::BF16, {2, 2, 8, 6}, {0});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t e = 0; e < 8; ++e) {
      for (int64_t i = 0; i < 5; ++i)
        for (int64_t h = 0; h < 4; ++h)
          q.storeFromDouble({b, h, i, e}, problem.q.loadAsDouble({b, i, h, e}));
      for (int64_t j = 0; j < 6; ++j)
        for (int64_t g = 0; g < 2; ++g)
          k.storeFromDouble({b, g, e, j}, problem.k.loadAsDouble({b, j, g, e}));
    }
  problem.q = *q.reorder("bhsd", "bshd");
  problem.k = *k.reorder("bhds", "bshd");
  EXPECT_EQ(run(problem).out, expected.out);
  EXPECT_EQ(run(problem).lse, expected.lse);
}

//===----------------------------------------------------------------------===//
// Rows and threads
//===----------------------------------------------------------------------===//

TEST(Reference, SelectedRowsEqualAllRows) {
  Arrays arrays;
  AttentionProblem problem =
      makeRandom(arrays, ElementType::F32, 2, 150, 200, 4, 2, 16, 8);
  problem.qLens = arrays.make(ElementType::I32, {2}, {150, 77});
  problem.mask = slidingWindow(40, 3);
  const AttentionResult all = run(problem);
  ASSERT_EQ(all.rows.size(), 1200u);
  const std::vector<RowIndex> rows = sampleRows(problem, 50, 9);
  EXPECT_GT(rows.size(), 40u);
  EXPECT_LE(rows.size(), 50u);
  // Whatever the number asked for, these are among them.
  const std::vector<RowIndex> fewest = sampleRows(problem, 0, 9);
  EXPECT_LE(fewest.size(), 6u);
  auto has = [&fewest](int64_t b, int64_t i) {
    return std::any_of(
        fewest.begin(), fewest.end(),
        [b, i](const RowIndex &row) { return row.b == b && row.i == i; });
  };
  for (const auto &[b, i] :
       {std::pair(0, 0), std::pair(0, 149), std::pair(1, 0), std::pair(1, 149),
        std::pair(1, 76)})
    EXPECT_TRUE(has(b, i)) << b << " " << i;
  const AttentionResult some = run(problem, {rows, 1});
  for (size_t n = 0; n < rows.size(); ++n) {
    const size_t at =
        static_cast<size_t>((rows[n].b * 4 + rows[n].h) * 150 + rows[n].i);
    EXPECT_EQ(all.rows[at], rows[n]);
    EXPECT_EQ(some.lse[n], all.lse[at]);
    for (size_t d = 0; d < 8; ++d)
      EXPECT_EQ(some.out[n * 8 + d], all.out[at * 8 + d]);
  }
  for (unsigned threads : {1u, 3u, 16u}) {
    const AttentionResult again = run(problem, {{}, threads});
    EXPECT_EQ(again.out, all.out);
    EXPECT_EQ(again.lse, all.lse);
    EXPECT_EQ(again.scoreBound, all.scoreBound);
    EXPECT_EQ(again.weightedValueBound, all.weightedValueBound);
  }
}

//===----------------------------------------------------------------------===//
// The plainest evaluation
//===----------------------------------------------------------------------===//

namespace {
struct PlainRow {
  Values out;
  double lse;
  double scoreBound;
  double weightedValueBound;
};
} // namespace

/// The formula for one row of a dense problem, term by term.
static PlainRow evaluatePlainly(const AttentionProblem &p, int64_t b, int64_t h,
                                int64_t i) {
  const int64_t g = h / (p.numQHeads() / p.numKVHeads());
  const int64_t qPos = i + p.qOffset->loadAsInt({b});
  std::vector<int64_t> keys;
  Values f;
  PlainRow row = {Values(p.dimV(), 0), -infinity, 0, 0};
  for (int64_t j = 0; j < p.kvLens->loadAsInt({b}); ++j) {
    if (!p.mask({b, h, i, qPos, j}))
      continue;
    double dot = 0, qq = 0, kk = 0;
    for (int64_t d = 0; d < p.dimQK(); ++d) {
      const double x = p.q.loadAsDouble({b, i, h, d});
      const double y = p.k.loadAsDouble({b, j, g, d});
      dot += x * y;
      qq += x * x;
      kk += y * y;
    }
    const double r = p.scale * dot;
    double s = p.softcap * std::tanh(r / p.softcap);
    s -= p.alibiSlopes->loadAsDouble({b, h}) *
         std::fabs(static_cast<double>(qPos - j));
    row.scoreBound = std::max({row.scoreBound, std::fabs(s), std::fabs(r),
                               p.scale * std::sqrt(qq * kk)});
    s += p.bias->loadAsDouble({0, h, i, j});
    const double score = p.score(s, {b, h, i, qPos, j});
    row.scoreBound = std::max({row.scoreBound, std::fabs(s), std::fabs(score)});
    keys.push_back(j);
    f.push_back(score);
  }
  if (keys.empty()) {
    row.lse = p.sinks->loadAsDouble({h});
    return row;
  }
  const double sink = p.sinks->loadAsDouble({h});
  double l = std::exp(sink);
  for (double score : f)
    l += std::exp(score);
  row.lse = std::log(l);
  row.scoreBound = std::max(row.scoreBound, std::fabs(sink));
  for (int64_t d = 0; d < p.dimV(); ++d) {
    double magnitude = 0;
    for (size_t n = 0; n < keys.size(); ++n) {
      const double weight = std::exp(f[n]) / l;
      const double v = p.v.loadAsDouble({b, keys[n], g, d});
      row.out[d] += weight * v;
      magnitude += weight * std::fabs(v);
    }
    row.weightedValueBound = std::max(row.weightedValueBound, magnitude);
  }
  return row;
}

TEST(Reference, EqualsThePlainestEvaluation) {
  // Sizes around the blocks of 128 keys, 64 rows and 4 elements.
  for (const auto &[sq, skv, d, dv] :
       {std::tuple(1, 1, 1, 1), std::tuple(3, 129, 5, 7),
        std::tuple(65, 128, 8, 3), std::tuple(70, 300, 2, 9)}) {
    Arrays arrays;
    AttentionProblem p =
        makeRandom(arrays, ElementType::F32, 2, sq, skv, 4, 2, d, dv, sq);
    p.softcap = 1.5f;
    p.qOffset = arrays.make(ElementType::I64, {2}, {3, -2});
    p.kvLens = arrays.make(ElementType::I32, {2},
                           {double(skv), double(skv - skv / 3)});
    p.alibiSlopes =
        arrays.random(ElementType::F32, {2, 4}, 4, Distribution::Uniform);
    p.bias = arrays.random(ElementType::F16, {1, 4, sq, skv}, 5);
    p.sinks = arrays.random(ElementType::F32, {4}, 6);
    p.mask =
        anyOf({slidingWindow(50, 9), chunked(16),
               perHead({prefix(3), causal(), notOf(causal()), prefix(200)})});
    p.score = [](double s, const Coordinates &at) {
      return s * 0.5 + static_cast<double>(at.h) -
             0.01 * static_cast<double>(at.j);
    };
    const AttentionResult result = run(p);
    ASSERT_EQ(result.rows.size(), static_cast<size_t>(2 * 4 * sq));
    double scoreBound = 0, weightedValueBound = 0;
    for (size_t n = 0; n < result.rows.size(); ++n) {
      const RowIndex &at = result.rows[n];
      const PlainRow row = evaluatePlainly(p, at.b, at.h, at.i);
      expectClose(Values(result.out.begin() + n * dv,
                         result.out.begin() + (n + 1) * dv),
                  row.out, 1e-12);
      expectClose({result.lse[n]}, {row.lse}, 1e-12);
      scoreBound = std::max(scoreBound, row.scoreBound);
      weightedValueBound = std::max(weightedValueBound, row.weightedValueBound);
    }
    EXPECT_NEAR(result.scoreBound, scoreBound, 1e-12 * scoreBound);
    EXPECT_NEAR(result.weightedValueBound, weightedValueBound,
                1e-12 * weightedValueBound);
  }
}

//===----------------------------------------------------------------------===//
// The low evaluation
//===----------------------------------------------------------------------===//

TEST(ReferenceLow, RoundsScoresToTheInputType) {
  // q = (16, 1), keys (16, 1) and (16, 0): dots 257 and 256. bf16 has 8 bits,
  // so 257 is halfway between 256 and 258 and becomes 256: equal scores.
  Arrays arrays;
  AttentionProblem problem;
  for (ElementType type : {ElementType::BF16, ElementType::F32}) {
    problem.q = arrays.make(type, {1, 1, 1, 2}, {16, 1});
    problem.k = arrays.make(type, {1, 2, 1, 2}, {16, 1, 16, 0});
    problem.v = arrays.make(type, {1, 2, 1, 1}, {1, 0});
    const double exact = std::exp(1) / (1 + std::exp(1));
    expectClose(evaluate(problem).out, {exact});
    if (type == ElementType::BF16)
      EXPECT_EQ(evaluateLow(problem).out, Values{0.5});
    else
      expectClose(evaluateLow(problem).out, {exact}, 1e-6);
  }
}

TEST(ReferenceLow, RoundsEveryStep) {
  // bf16: dot 3 (exact). scale 0.3 = 0x1.333334p-2 as f32, r = 0.9000000358;
  // neighbours are 0.8984375 and 0.90234375: r = 0.8984375. Softcap 1: tanh =
  // 0.7154..., between 0.71484375 and 0.71875: 0.71484375. Bias 1 + 2^-7 makes
  // 1.72265625, between 1.71875 and 1.7265625: ... halfway, even is 1.71875.
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::BF16, {1, 1, 1, 1}, {3});
  problem.k = arrays.make(ElementType::BF16, {1, 1, 1, 1}, {1});
  problem.v = arrays.make(ElementType::BF16, {1, 1, 1, 1}, {2});
  problem.scale = 0.3f;
  problem.softcap = 1;
  problem.bias = arrays.make(ElementType::F32, {1, 1, 1, 1}, {1 + 0x1p-7});
  EXPECT_EQ(evaluateLow(problem).lse, Values{1.71875});
  EXPECT_NE(evaluate(problem).lse, Values{1.71875});
}

TEST(ReferenceLow, RoundsProbabilitiesToTheTypeOfV) {
  // P = 1/3 each; bf16(1/3) = 0x1.56p-2, times 3 = 1.001953125, as bf16 1.
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F32, {1, 1, 1, 1}, {0});
  problem.k = arrays.make(ElementType::BF16, {1, 3, 1, 1}, {0});
  problem.v = arrays.make(ElementType::BF16, {1, 3, 1, 1}, {1});
  EXPECT_EQ(evaluateLow(problem).out, Values{3 * 0x1.56p-2});
  problem.q = arrays.make(ElementType::BF16, {1, 1, 1, 1}, {0});
  EXPECT_EQ(evaluateLow(problem).out, Values{1});
}

TEST(ReferenceLow, Float8) {
  // Scores 0 and -1 in f32; exp(-1) * 256 = 94.18 rounds to 96 in E4M3 (steps
  // of 8) and E5M2 (steps of 16): out = 96 / 256 / (1 + 1/e).
  Arrays arrays;
  const double expected = 96.0 / 256 / (1 + std::exp(-1));
  for (ElementType type : {ElementType::F8E4M3FN, ElementType::F8E5M2}) {
    AttentionProblem problem;
    problem.q = arrays.make(type, {1, 1, 1, 1}, {1});
    problem.k = arrays.make(type, {1, 2, 1, 1}, {0, -1});
    problem.v = arrays.make(type, {1, 2, 1, 1}, {0, 1});
    expectClose(evaluateLow(problem).out, {expected}, 1e-6);
  }
  // 256 is beyond FNUZ E4M3's 240: P times 128. 47.09 rounds to 48.
  AttentionProblem problem;
  const ElementType type = ElementType::F8E4M3FNUZ;
  problem.q = arrays.make(type, {1, 1, 1, 1}, {1});
  problem.k = arrays.make(type, {1, 2, 1, 1}, {0, -1});
  problem.v = arrays.make(type, {1, 2, 1, 1}, {0, 1});
  expectClose(evaluateLow(problem).out, {48.0 / 128 / (1 + std::exp(-1))},
              1e-6);
  // Not less than 128: 4.6 steps of the smallest subnormal become 5.
  const double weight = 4.6 * 0x1p-10 / 128;
  problem.scale = static_cast<float>(-std::log(weight));
  expectClose(evaluateLow(problem).out, {5 * 0x1p-10 / 128 / (1 + weight)},
              1e-9);
}

TEST(ReferenceLow, F32IsCloseToExact) {
  Arrays arrays;
  AttentionProblem problem =
      makeRandom(arrays, ElementType::F32, 1, 20, 500, 2, 1, 64, 32);
  problem.mask = causal();
  problem.qOffset = arrays.make(ElementType::I64, {}, {480});
  const AttentionResult exact = run(problem), low = evaluateLow(problem);
  expectClose(low.out, exact.out, 1e-5);
  expectClose(low.lse, exact.lse, 1e-5);
  EXPECT_NE(low.out, exact.out);
}
