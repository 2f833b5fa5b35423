//===- ReferenceInvariantsTest.cpp - What must hold for any operands ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReferenceTestUtils.h"

#include <numeric>
#include <random>

using namespace attn;
using namespace attn::reference;

static AttentionProblem makeSmall(Arrays &arrays) {
  return makeRandom(arrays, ElementType::F32, 2, 9, 33, 4, 2, 8, 6);
}

TEST(ReferenceInvariants, AShiftOfAllScoresMovesLseAlone) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  const AttentionResult before = run(problem);
  for (double shift : {-300.0, 5.0, 700.0}) {
    problem.score = [shift](double s, const Coordinates &) {
      return s + shift;
    };
    const AttentionResult after = run(problem);
    expectClose(after.out, before.out, 1e-11);
    for (size_t n = 0; n < before.lse.size(); ++n)
      EXPECT_NEAR(after.lse[n], before.lse[n] + shift, 1e-11);
  }
}

TEST(ReferenceInvariants, PermutedKeysGiveTheSame) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  const AttentionResult before = run(problem);
  std::vector<int64_t> order(33);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 engine(3);
  std::shuffle(order.begin(), order.end(), engine);
  auto permuted = [&](const TensorView &view) {
    const TensorView result = arrays.make(view.type(), view.shape(), {0});
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t j = 0; j < 33; ++j)
        for (int64_t g = 0; g < 2; ++g)
          for (int64_t d = 0; d < view.dim(3); ++d)
            result.storeFromDouble({b, j, g, d},
                                   view.loadAsDouble({b, order[j], g, d}));
    return result;
  };
  problem.k = permuted(problem.k);
  problem.v = permuted(problem.v);
  const AttentionResult after = run(problem);
  expectClose(after.out, before.out);
  expectClose(after.lse, before.lse);
}

TEST(ReferenceInvariants, ConstantVComesBack) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  problem.v = arrays.make(ElementType::F32, {2, 33, 2, 6}, {1.75});
  problem.mask = causal();
  for (double out : run(problem).out)
    EXPECT_NEAR(out, 1.75, 1e-14);
}

TEST(ReferenceInvariants, LinearInV) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  const TensorView v = problem.v;
  const AttentionResult before = run(problem);
  problem.v = arrays.make(ElementType::F32, v.shape(), toDoubles(v));
  for (int64_t j = 0; j < 33; ++j)
    for (int64_t d = 0; d < 6; ++d)
      problem.v.storeFromDouble({1, j, 1, d},
                                -4 * v.loadAsDouble({1, j, 1, d}));
  const AttentionResult after = run(problem);
  for (size_t n = 0; n < after.rows.size(); ++n) {
    const bool isScaled = after.rows[n].b == 1 && after.rows[n].h >= 2;
    for (size_t d = 0; d < 6; ++d)
      EXPECT_EQ(after.out[n * 6 + d],
                (isScaled ? -4 : 1) * before.out[n * 6 + d]);
  }
}

TEST(ReferenceInvariants, SoftcapLimits) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  const AttentionResult without = run(problem);
  // tanh x = x - x^3 / 3: with cap 1e5 scores of 10 change by 3e-8.
  problem.softcap = 1e5f;
  expectClose(run(problem).out, without.out, 1e-6);
  // A tiny cap makes all scores equal: the mean of V.
  problem.softcap = 1e-9f;
  const AttentionResult flat = run(problem);
  for (size_t n = 0; n < flat.rows.size(); ++n) {
    double mean = 0;
    for (int64_t j = 0; j < 33; ++j)
      mean +=
          problem.v.loadAsDouble({flat.rows[n].b, j, flat.rows[n].h / 2, 0}) /
          33;
    EXPECT_NEAR(flat.out[n * 6], mean, 1e-8);
  }
}

TEST(ReferenceInvariants, HiddenDataReachNothing) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  problem.mask = allOf({causal(), notOf(prefix(2))});
  problem.qOffset = arrays.make(ElementType::I64, {}, {11});
  const AttentionResult before = run(problem);
  // Row 8 is at position 19: keys 0, 1 and 20... are hidden from every row.
  for (double bad : {notANumber, infinity, -infinity})
    for (int64_t j = 0; j < 33; ++j)
      if (j < 2 || j > 19)
        for (int64_t b = 0; b < 2; ++b)
          for (int64_t g = 0; g < 2; ++g) {
            for (int64_t d = 0; d < 8; ++d)
              problem.k.storeFromDouble({b, j, g, d}, bad);
            for (int64_t d = 0; d < 6; ++d)
              problem.v.storeFromDouble({b, j, g, d}, bad);
          }
  const AttentionResult after = run(problem);
  EXPECT_EQ(after.out, before.out);
  EXPECT_EQ(after.lse, before.lse);
  EXPECT_EQ(after.scoreBound, before.scoreBound);
  EXPECT_EQ(after.weightedValueBound, before.weightedValueBound);
  const AttentionResult low = evaluateLow(problem);
  for (double value : low.out)
    EXPECT_TRUE(std::isfinite(value));
}

//===----------------------------------------------------------------------===//
// Merge
//===----------------------------------------------------------------------===//

static MergePart asPart(const AttentionResult &result) {
  return {result.out, result.lse};
}

TEST(ReferenceMerge, PartsOfKeysMakeTheWhole) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  problem.mask = causal();
  problem.qOffset = arrays.make(ElementType::I64, {2}, {20, -4});
  const AttentionResult whole = run(problem);
  const int64_t rows = static_cast<int64_t>(whole.rows.size());
  for (const std::vector<int64_t> &cuts :
       {std::vector<int64_t>{0, 16, 33}, std::vector<int64_t>{0, 1, 2, 30, 33},
        std::vector<int64_t>{0, 0, 33, 33}}) {
    std::vector<MergePart> parts;
    for (size_t n = 0; n + 1 < cuts.size(); ++n) {
      AttentionProblem part = problem;
      part.mask =
          allOf({causal(), prefix(cuts[n + 1]), notOf(prefix(cuts[n]))});
      parts.push_back(asPart(run(part)));
    }
    const MergePart merged = merge(parts, rows, 6);
    expectClose(merged.out, whole.out);
    expectClose(merged.lse, whole.lse);
  }
}

TEST(ReferenceMerge, ASinkIsOneMorePart) {
  Arrays arrays;
  AttentionProblem problem = makeSmall(arrays);
  const AttentionResult without = run(problem);
  const Values sinks = {0, 2, -3, 50};
  problem.sinks = arrays.make(ElementType::F32, {4}, sinks);
  const AttentionResult with = run(problem);
  MergePart sink;
  sink.out.assign(with.out.size(), 0);
  for (const RowIndex &row : with.rows)
    sink.lse.push_back(sinks[row.h]);
  const MergePart merged =
      merge({asPart(without), sink}, static_cast<int64_t>(with.rows.size()), 6);
  expectClose(merged.out, with.out);
  expectClose(merged.lse, with.lse);
}

TEST(ReferenceMerge, HandComputed) {
  // Weights exp(0) : exp(ln 3) = 1 : 3.
  const MergePart merged =
      merge({{{4, 8}, {0}}, {{8, 0}, {std::log(3)}}}, 1, 2);
  expectClose(merged.out, {7, 2});
  expectClose(merged.lse, {std::log(4)});
}

TEST(ReferenceMerge, EmptyPartsGiveNothing) {
  const MergePart empty = {{notANumber, infinity}, {-infinity}};
  const MergePart full = {{1, 2}, {-5000}};
  const MergePart one = merge({empty, full, empty}, 1, 2);
  EXPECT_EQ(one.out, (Values{1, 2}));
  EXPECT_EQ(one.lse, Values{-5000});
  for (const std::vector<MergePart> &parts :
       {std::vector<MergePart>{}, std::vector<MergePart>{empty, empty}}) {
    const MergePart none = merge(parts, 1, 2);
    EXPECT_EQ(none.out, (Values{0, 0}));
    EXPECT_EQ(none.lse, Values{-infinity});
  }
  for (const std::vector<MergePart> &parts :
       {std::vector<MergePart>{full, {{0, 0}, {notANumber}}},
        std::vector<MergePart>{empty, {{0, 0}, {notANumber}}}}) {
    const MergePart bad = merge(parts, 1, 2);
    EXPECT_TRUE(std::isnan(bad.lse[0]) && std::isnan(bad.out[0]));
  }
}
