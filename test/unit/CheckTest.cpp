//===- CheckTest.cpp - The checker must catch planted errors --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Check.h"

#include "ReferenceTestUtils.h"

using namespace attn;
using namespace attn::reference;

namespace {

/// A problem with right outputs; each test spoils something.
class Check : public testing::TestWithParam<ElementType> {
protected:
  Check() {
    const ElementType type = GetParam();
    problem = makeRandom(arrays, type, 2, 20, 50, 4, 2, 16, 8);
    problem.mask = causal();
    // Batch 0 bottom-right; batch 1 starts with rows that see nothing and a
    // row that sees one key.
    problem.qOffset = arrays.make(ElementType::I64, {2}, {30, -3});
    problem.qLens = arrays.make(ElementType::I32, {2}, {20, 15});
    outType = isFloat8(type) ? ElementType::BF16 : type;
    makeOutputs();
  }

  void makeOutputs() {
    out = arrays.make(outType, problem.outShape(), {notANumber});
    lse = arrays.make(ElementType::F32, problem.lseShape(), {notANumber});
    write(problem);
  }

  /// Stores the right answer to a problem as the outputs.
  void write(const AttentionProblem &answered) {
    const AttentionResult result = run(answered);
    for (size_t n = 0; n < result.rows.size(); ++n) {
      for (int64_t d = 0; d < result.dimV; ++d)
        out.storeFromDouble(answered.outIndex(result.rows[n], d),
                            result.out[n * result.dimV + d]);
      lse.storeFromDouble(answered.lseIndex(result.rows[n]), result.lse[n]);
    }
  }

  CheckReport report() { return check(problem, out, lse, {{}, 2}); }

  /// Exactly so many wrong elements; -1 for at least one.
  void expectCaught(int64_t badOut, int64_t badLse) {
    const CheckReport found = report();
    EXPECT_FALSE(found.ok) << found.message;
    EXPECT_TRUE(badOut < 0 ? found.badOut > 0 : found.badOut == badOut)
        << found.message;
    EXPECT_TRUE(badLse < 0 ? found.badLse > 0 : found.badLse == badLse)
        << found.message;
    EXPECT_NE(found.message.find("elements are wrong"), std::string::npos)
        << found.message;
    EXPECT_EQ(found.message.find('\n'), std::string::npos) << found.message;
  }

  Arrays arrays;
  AttentionProblem problem;
  ElementType outType;
  TensorView out, lse;
};

} // namespace

TEST_P(Check, AcceptsTheRightAnswer) {
  const CheckReport found = report();
  EXPECT_TRUE(found.ok) << found.message;
  EXPECT_EQ(found.comparedOut, 2 * 20 * 4 * 8);
  EXPECT_EQ(found.comparedLse, 2 * 20 * 4);
  EXPECT_LE(found.maxErrorOut, found.tolerance.out);
  EXPECT_EQ(found.message.rfind("out: max error ", 0), 0u) << found.message;
  // Without lse, too.
  EXPECT_TRUE(check(problem, out, std::nullopt).ok);
}

TEST_P(Check, AcceptsTheLowEvaluation) {
  const AttentionResult low = evaluateLow(problem);
  for (size_t n = 0; n < low.rows.size(); ++n)
    for (int64_t d = 0; d < 8; ++d)
      out.storeFromDouble(problem.outIndex(low.rows[n], d), low.out[n * 8 + d]);
  EXPECT_TRUE(report().ok) << report().message;
}

TEST_P(Check, OneWrongElement) {
  out.storeFromDouble({0, 7, 3, 5}, out.loadAsDouble({0, 7, 3, 5}) + 1);
  expectCaught(1, 0);
  const CheckReport found = report();
  EXPECT_EQ(found.worstOutRow, (RowIndex{0, 3, 7}));
  EXPECT_EQ(found.worstOutColumn, 5);
  EXPECT_EQ(found.message.rfind("out[b 0, h 3, i 7, d 5] is ", 0), 0u)
      << found.message;
  EXPECT_NEAR(found.maxErrorOut, 1, 0.05);
}

TEST_P(Check, OneWrongLse) {
  lse.storeFromDouble({1, 2, 9}, lse.loadAsDouble({1, 2, 9}) + 0.125);
  expectCaught(0, 1);
  EXPECT_EQ(report().worstLseRow, (RowIndex{1, 2, 9}));
}

TEST_P(Check, SwappedRows) {
  for (int64_t d = 0; d < 8; ++d) {
    const double first = out.loadAsDouble({0, 4, 1, d});
    out.storeFromDouble({0, 4, 1, d}, out.loadAsDouble({0, 5, 1, d}));
    out.storeFromDouble({0, 5, 1, d}, first);
  }
  expectCaught(-1, 0);
}

TEST_P(Check, SwappedHeads) {
  AttentionProblem wrong = problem;
  // h % Hkv instead of h / (Hq / Hkv): heads 1 and 2 read the other KV head.
  wrong.q =
      arrays.make(problem.q.type(), problem.q.shape(), toDoubles(problem.q));
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t i = 0; i < 20; ++i)
      for (int64_t d = 0; d < 16; ++d)
        for (int64_t h : {1, 2})
          wrong.q.storeFromDouble({b, i, h, d},
                                  problem.q.loadAsDouble({b, i, 3 - h, d}));
  write(wrong);
  expectCaught(-1, -1);
}

TEST_P(Check, MissingSink) {
  problem.sinks = arrays.make(ElementType::F32, {4}, {0});
  expectCaught(-1, -1);
  // And a sink that is counted twice, as ln 2 more.
  makeOutputs();
  EXPECT_TRUE(report().ok) << report().message;
  AttentionProblem wrong = problem;
  wrong.sinks = arrays.make(ElementType::F32, {4}, {std::log(2.0)});
  write(wrong);
  expectCaught(-1, -1);
}

TEST_P(Check, SinkOfAnEmptyRowIsExact) {
  problem.sinks = arrays.make(ElementType::F32, {4}, {0.1});
  makeOutputs();
  EXPECT_TRUE(report().ok) << report().message;
  // Row 0 of batch 1 sees nothing.
  lse.storeFromDouble({1, 0, 0}, std::nextafter(0.1f, 1.0f));
  expectCaught(0, 1);
}

TEST_P(Check, LseInBaseTwo) {
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t i = 0; i < 20; ++i)
        lse.storeFromDouble({b, h, i},
                            lse.loadAsDouble({b, h, i}) / std::log(2.0));
  expectCaught(0, -1);
}

TEST_P(Check, UnwrittenPoison) {
  out.storeFromDouble({0, 19, 0, 7}, notANumber);
  expectCaught(1, 0);
  EXPECT_EQ(report().maxErrorOut, infinity);
  lse.storeFromDouble({0, 0, 19}, notANumber);
  expectCaught(1, 1);
}

TEST_P(Check, UnwrittenRowsThatSeeNothing) {
  // Batch 1: rows 0..2 see nothing, rows 15... are padding.
  for (int64_t i : {0, 16}) {
    makeOutputs();
    out.storeFromDouble({1, i, 2, 0}, notANumber);
    expectCaught(1, 0);
    out.storeFromDouble({1, i, 2, 0}, 1e-30);
    if (outType != ElementType::F16)
      expectCaught(1, 0);
    out.storeFromDouble({1, i, 2, 0}, 0);
    EXPECT_TRUE(report().ok);
    for (double wrong : {0.0, notANumber, infinity, -1e30}) {
      lse.storeFromDouble({1, 2, i}, wrong);
      expectCaught(0, 1);
    }
  }
}

TEST_P(Check, SinkInPaddingRows) {
  problem.sinks = arrays.make(ElementType::F32, {4}, {0.5});
  makeOutputs();
  lse.storeFromDouble({1, 0, 15}, 0.5);
  expectCaught(0, 1);
}

TEST_P(Check, WrongCausalAlignment) {
  for (double offset : {29.0, 31.0, 0.0}) {
    AttentionProblem wrong = problem;
    wrong.qOffset = arrays.make(ElementType::I64, {2}, {offset, -3});
    write(wrong);
    expectCaught(-1, -1);
  }
}

TEST_P(Check, OneKeyTooMany) {
  // Keys beyond the length let in, for a single sequence.
  problem.kvLens = arrays.make(ElementType::I32, {2}, {40, 50});
  AttentionProblem wrong = problem;
  makeOutputs();
  EXPECT_TRUE(report().ok) << report().message;
  wrong.kvLens = arrays.make(ElementType::I32, {2}, {41, 50});
  write(wrong);
  expectCaught(-1, -1);
}

TEST_P(Check, ToleranceIsSharp) {
  // Just inside and two ulps beyond, at a row of many keys.
  const AttentionResult exact = run(problem);
  const Tolerance tolerance =
      computeTolerance(problem, exact, evaluateLow(problem), outType);
  EXPECT_EQ(tolerance.out, report().tolerance.out);
  const TensorView wide =
      arrays.make(ElementType::F64, problem.outShape(), toDoubles(out));
  const double right = exact.out[8 * 10];
  const double scale = std::max(1.0, std::fabs(right));
  wide.storeFromDouble(problem.outIndex(exact.rows[10], 0),
                       right + tolerance.out * (1 - 1e-9));
  EXPECT_TRUE(compare(problem, exact, tolerance, wide, lse).ok);
  wide.storeFromDouble(problem.outIndex(exact.rows[10], 0),
                       right + tolerance.out * (1 + 1e-9));
  EXPECT_FALSE(compare(problem, exact, tolerance, wide, lse).ok);
  wide.storeFromDouble(problem.outIndex(exact.rows[10], 0),
                       right + tolerance.out + 2 * ulp(outType, scale));
  EXPECT_FALSE(compare(problem, exact, tolerance, wide, lse).ok);
}

TEST_P(Check, OneVisibleKeyIsExact) {
  // Row 3 of batch 1 is at position 0.
  const double right = out.loadAsDouble({1, 3, 0, 0});
  EXPECT_EQ(right, roundTo(outType, problem.v.loadAsDouble({1, 0, 0, 0})));
  out.storeFromDouble({1, 3, 0, 0}, right + ulp(outType, right));
  expectCaught(1, 0);
  EXPECT_NE(report().message.find("exactly"), std::string::npos);
}

TEST_P(Check, OneVisibleKeyIsNotExactWithSinkOrDescale) {
  auto shiftByOneUlp = [this] {
    makeOutputs();
    const double right = out.loadAsDouble({1, 3, 0, 0});
    out.storeFromDouble({1, 3, 0, 0}, right + ulp(outType, right));
  };
  shiftByOneUlp();
  expectCaught(1, 0);
  problem.sinks = arrays.make(ElementType::F32, {4}, {0.25});
  shiftByOneUlp();
  EXPECT_TRUE(report().ok) << report().message;
  problem.sinks = std::nullopt;
  problem.vDescale = arrays.make(ElementType::F32, {1, 1}, {0.3});
  shiftByOneUlp();
  EXPECT_TRUE(report().ok) << report().message;
}

TEST_P(Check, NaNMustBeWhereItBelongs) {
  problem.v.storeFromDouble({0, 45, 1, 3}, notANumber);
  // Rows 15... of batch 0 see key 45.
  makeOutputs();
  EXPECT_TRUE(report().ok) << report().message;
  out.storeFromDouble({0, 15, 2, 3}, 0);
  expectCaught(1, 0);
  makeOutputs();
  // A NaN that leaks into another row, and into another column.
  out.storeFromDouble({0, 14, 2, 3}, notANumber);
  out.storeFromDouble({0, 15, 2, 4}, notANumber);
  expectCaught(2, 0);
}

TEST_P(Check, InfMustBeWhereItBelongs) {
  // Not every type has infinities.
  if (!std::isinf(roundTo(GetParam(), infinity)))
    return;
  problem.v.storeFromDouble({0, 45, 1, 3}, infinity);
  makeOutputs();
  EXPECT_TRUE(report().ok) << report().message;
  for (double wrong : {notANumber, -infinity, 60000.0}) {
    out.storeFromDouble({0, 15, 2, 3}, wrong);
    expectCaught(1, 0);
  }
}

TEST_P(Check, SelectedRows) {
  const std::vector<RowIndex> rows = {{0, 1, 2}, {1, 0, 3}};
  out.storeFromDouble({0, 2, 0, 0}, notANumber);
  EXPECT_TRUE(check(problem, out, lse, {rows, 1}).ok);
  EXPECT_EQ(check(problem, out, lse, {rows, 1}).comparedOut, 16);
  out.storeFromDouble({0, 2, 1, 0}, notANumber);
  EXPECT_FALSE(check(problem, out, lse, {rows, 1}).ok);
}

TEST_P(Check, RefusesWrongShapes) {
  CheckReport found = check(problem, out.slice(1, 0, 19), lse);
  EXPECT_FALSE(found.ok);
  EXPECT_EQ(found.message.rfind("out must be a float array of shape "
                                "[2, 20, 4, 8], given 2x19x4x8x",
                                0),
            0u)
      << found.message;
  found = check(problem, out, lse.permute({0, 2, 1}));
  EXPECT_FALSE(found.ok);
  problem.kvLens = arrays.make(ElementType::I32, {2}, {51, 50});
  found = report();
  EXPECT_FALSE(found.ok);
  EXPECT_EQ(found.message, "kv_len[0] is 51, allowed are 0 to 50");
}

/// Rows behind the last packed sequence are padding.
TEST_P(Check, RowsOfNobody) {
  problem = {};
  problem.q = arrays.random(GetParam(), {9, 2, 8}, 1);
  problem.k = arrays.random(GetParam(), {7, 2, 8}, 2);
  problem.v = arrays.random(GetParam(), {7, 2, 8}, 3);
  problem.cuSeqlensQ = arrays.make(ElementType::I32, {3}, {0, 2, 5});
  problem.cuSeqlensKV = arrays.make(ElementType::I32, {3}, {0, 3, 7});
  makeOutputs();
  // Only the rows of sequences are written.
  const CheckReport unwritten = report();
  EXPECT_FALSE(unwritten.ok);
  EXPECT_EQ(unwritten.badOut, 4 * 2 * 8);
  EXPECT_EQ(unwritten.badLse, 4 * 2);
  EXPECT_EQ(unwritten.message,
            "out of packed row 5, h 0 is nan, should be 0: it is behind the "
            "last sequence");
  for (int64_t t = 5; t < 9; ++t)
    for (int64_t h = 0; h < 2; ++h) {
      lse.storeFromDouble({h, t}, -infinity);
      for (int64_t d = 0; d < 8; ++d)
        out.storeFromDouble({t, h, d}, 0);
    }
  EXPECT_TRUE(report().ok) << report().message;
  lse.storeFromDouble({1, 8}, 0);
  EXPECT_EQ(report().badLse, 1);
}

INSTANTIATE_TEST_SUITE_P(
    Types, Check,
    testing::Values(ElementType::F32, ElementType::F16, ElementType::BF16,
                    ElementType::F8E4M3FN, ElementType::F8E5M2),
    [](const auto &info) { return std::string(name(info.param)); });

//===----------------------------------------------------------------------===//
// The rule itself
//===----------------------------------------------------------------------===//

// Scores 0 and ln 3, values 4 and 8: out = 7, lse = ln 4, S = ln 3, W = 7.
// Evaluated by hand with low = reference.
TEST(Tolerance, HandComputed) {
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {0, std::log(3)}, {4, 8});
  const AttentionResult exact = run(problem);
  const double S = std::log(3), W = 7, epsilon = 0x1p-23;
  Tolerance found = computeTolerance(problem, exact, exact, ElementType::F32);
  // ulp of f32 at 7 is 2^-21.
  EXPECT_NEAR(found.out, (8 + 4 * S) * epsilon * W + 0x1p-21, 1e-18);
  EXPECT_NEAR(found.lse, 8 * epsilon * (8 + S + std::log(4)), 1e-18);

  AttentionResult low = exact;
  low.out[0] += 0.25;
  low.lse[0] -= 0.5;
  found = computeTolerance(problem, exact, low, ElementType::F32);
  EXPECT_NEAR(found.out, 0.5 + (8 + 4 * S) * epsilon * W + 0x1p-21, 1e-15);
  // Only f32 inputs add lse's own difference.
  EXPECT_NEAR(found.lse, 8 * epsilon * (8 + S + std::log(4)), 1e-18);
  problem.q = arrays.make(ElementType::F32, {1, 1, 1, 1}, {1});
  found = computeTolerance(problem, exact, low, ElementType::F32);
  EXPECT_NEAR(found.lse, 1 + 8 * epsilon * (8 + S + std::log(4)), 1e-15);

  // 16-bit inputs: a quarter ulp (2^-7) of bf16 times W, softcap / 1024.
  problem.q = arrays.make(ElementType::BF16, {1, 1, 1, 1}, {1});
  problem.k = arrays.make(ElementType::BF16, {1, 2, 1, 1}, {0, 1});
  problem.softcap = 30;
  found = computeTolerance(problem, exact, exact, ElementType::BF16);
  EXPECT_NEAR(found.out, (8 + 4 * S) * epsilon * W + 0x1p-5 + 0x1p-9 * W,
              1e-15);
  EXPECT_NEAR(found.lse, 8 * epsilon * (8 + S + std::log(4)) + 30.0 / 1024,
              1e-15);
}

TEST(Tolerance, AnOverflowOfLowExcusesNothing) {
  // f16: dots of 70000 overflow in low, which becomes NaN; f64 does not care.
  Arrays arrays;
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F16, {1, 1, 1, 1}, {700});
  problem.k = arrays.make(ElementType::F16, {1, 2, 1, 1}, {100});
  problem.v = arrays.make(ElementType::F16, {1, 2, 1, 1}, {1, 2});
  problem.scale = 0x1p-10f;
  const AttentionResult exact = run(problem), low = evaluateLow(problem);
  EXPECT_EQ(exact.out, Values{1.5});
  EXPECT_TRUE(std::isnan(low.out[0]));
  const Tolerance tolerance =
      computeTolerance(problem, exact, low, ElementType::F16);
  EXPECT_LT(tolerance.out, 0.01);
  const TensorView out = arrays.make(ElementType::F16, {1, 1, 1, 1}, {1.75});
  EXPECT_FALSE(check(problem, out, std::nullopt).ok);

  // f16(1/53) is above 1/53, and 53 times it times 65504 is 65529: f16 rounds
  // that to infinity.
  problem.q = arrays.make(ElementType::F16, {1, 1, 1, 1}, {0});
  problem.k = arrays.make(ElementType::F16, {1, 53, 1, 1}, {0});
  problem.v = arrays.make(ElementType::F16, {1, 53, 1, 1}, {65504});
  const AttentionResult infinite = evaluateLow(problem);
  EXPECT_EQ(infinite.out, Values{infinity});
  EXPECT_LT(
      computeTolerance(problem, run(problem), infinite, ElementType::F16).out,
      100);
}

TEST(Tolerance, OutputsMayOverflowTheirType) {
  Arrays arrays;
  AttentionProblem problem = makeRow(arrays, {0, 0}, {1e5, 1e5});
  for (const auto &[found, isRight] :
       {std::pair(infinity, true), std::pair(-infinity, false),
        std::pair(notANumber, false), std::pair(65504.0, false)}) {
    const TensorView out = arrays.make(ElementType::F16, {1, 1, 1, 1}, {found});
    EXPECT_EQ(check(problem, out, std::nullopt).ok, isRight) << found;
  }
}

TEST(Tolerance, NoRows) {
  Arrays arrays;
  const AttentionProblem problem =
      makeRandom(arrays, ElementType::F32, 0, 3, 4, 2, 1, 8, 8);
  const TensorView out = arrays.make(ElementType::F32, {0, 3, 2, 8}, {0});
  EXPECT_TRUE(check(problem, out, std::nullopt).ok);
}
