//===- NumericsTest.cpp - What a table of problems cannot say -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exact results, special values, invariants, repeatability and memory of
// compiled kernels. Every test runs for each type and target of `variants`.
//
//===----------------------------------------------------------------------===//

#include "NumericsTestUtils.h"

#include <cmath>
#include <cstring>
#include <numeric>

using namespace attn;
using namespace attn::numerics;

INSTANTIATE_TEST_SUITE_P(Variants, NumericsTest, testing::ValuesIn(variants),
                         nameVariant);

namespace {

/// Sets k[b,j,g,:] and v[b,j,g,:] of every batch and head.
void setKey(Experiment &experiment, int64_t j, double k, double v) {
  for (auto [name, value] : {std::pair("k", k), std::pair("v", v)}) {
    const TensorView &view = experiment.get(name);
    for (int64_t b = 0; b < view.dim(0); ++b)
      for (int64_t g = 0; g < view.dim(2); ++g)
        for (int64_t d = 0; d < view.dim(3); ++d)
          view.storeFromDouble({b, j, g, d}, value);
  }
}

constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

} // namespace

//===----------------------------------------------------------------------===//
// Exact results
//===----------------------------------------------------------------------===//

TEST_P(NumericsTest, OneVisibleKeyGivesItsV) {
  // Every logit is 64 * -8192 = -524288: no finite stand-in for -inf survives.
  auto experiment = make("--sq=130 --q-heads=2 --mask=window(0,0) "
                         "--scale=-8192 --lse");
  set(*experiment, {{"q", {"1"}}, {"k", {"1"}}});
  compile(*experiment);
  experiment->call();
  EXPECT_EQ(getBytes(experiment->getOut()), getBytes(experiment->get("v")));
  for (double lse : toDoubles(experiment->getLse()))
    EXPECT_NEAR(lse, -524288, 1);
  expectRight(*experiment);
}

TEST_P(NumericsTest, OneVisibleKeyGivesItsVWhateverTheScale) {
  // Of these scores the products with scale log2 e are not exact.
  for (const char *scale : {"0.3", "0.0883883", "1.7", "777.7"}) {
    auto experiment = make(
        std::string("--sq=70 --q-heads=2 --mask=window(0,0) --lse --scale=") +
        scale);
    compile(*experiment);
    experiment->call();
    EXPECT_EQ(getBytes(experiment->getOut()), getBytes(experiment->get("v")))
        << scale;
    expectRight(*experiment);
  }
}

TEST_P(NumericsTest, EqualScoresGiveTheExactMean) {
  for (int64_t keys : {1, 2, 4, 16, 64, 128, 256}) {
    auto experiment = make("--sq=17 --q-heads=2 --scale=0 --out-dtype=f32 "
                           "--skv=" +
                           std::to_string(keys));
    set(*experiment, {{"v", {"3", "-2", "0", "1", "7", "-5", "2"}}});
    compile(*experiment);
    experiment->call();
    const TensorView &v = experiment->get("v");
    TensorView out = experiment->getOut();
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t d = 0; d < v.dim(3); ++d) {
        double sum = 0;
        for (int64_t j = 0; j < keys; ++j)
          sum += v.loadAsDouble({0, j, h, d});
        for (int64_t i = 0; i < 17; ++i)
          ASSERT_EQ(out.loadAsDouble({0, i, h, d}),
                    sum / static_cast<double>(keys))
              << keys << " keys, row " << i << ", column " << d;
      }
  }
}

TEST_P(NumericsTest, EqualVisibleScoresGiveTheExactMean) {
  // Row i sees i + 1 keys of a partly visible tile.
  auto experiment =
      make("--sq=130 --q-heads=1 --scale=0 --out-dtype=f32 --mask=causal");
  set(*experiment, {{"v", {"3", "-2", "0", "1", "7", "-5", "2"}}});
  compile(*experiment);
  experiment->call();
  const TensorView &v = experiment->get("v");
  for (int64_t keys : {1, 2, 4, 8, 32, 64, 128})
    for (int64_t d = 0; d < v.dim(3); ++d) {
      double sum = 0;
      for (int64_t j = 0; j < keys; ++j)
        sum += v.loadAsDouble({0, j, 0, d});
      ASSERT_EQ(experiment->getOut().loadAsDouble({0, keys - 1, 0, d}),
                sum / static_cast<double>(keys))
          << keys << " keys, column " << d;
    }
}

TEST_P(NumericsTest, ConstantVIsTheOutput) {
  auto experiment = make("--sq=70 --skv=301 --q-heads=2 --scale=1");
  // An f32 accumulator and an f32 sum of hundreds of weights are each off by
  // some ulp of f32: see docs/rationale/sums.md. Both take the same steps, so
  // that a V of 1 gives exactly 1.
  bool exact = GetParam().type == std::string("f32");
  set(*experiment, {{"v", {exact ? "1" : "0.7"}}});
  compile(*experiment);
  experiment->call();
  double expected = experiment->get("v").loadAsDouble({0, 0, 0, 0});
  TensorView out = experiment->getOut();
  double allowed = exact ? 0 : 2 * ulp(out.type(), expected);
  for (double value : toDoubles(out))
    ASSERT_NEAR(value, expected, allowed);
}

TEST_P(NumericsTest, ConstantVIsTheOutputInAWiderType) {
  // Weights rise along the row, so that few of them count. Rounded to the type
  // of V, they are off by up to 2^-8; the sum must be so too.
  auto experiment = make("--sq=70 --skv=301 --q-heads=2 --scale=0 --alibi "
                         "--mask=causal --q-offset=231 --out-dtype=f32");
  set(*experiment, {{"v", {"0.7"}}, {"alibi_slopes", {"1", "0.3"}}});
  compile(*experiment);
  experiment->call();
  double expected = experiment->get("v").loadAsDouble({0, 0, 0, 0});
  double allowed = 16 * ulp(ElementType::F32, expected);
  for (double value : toDoubles(experiment->getOut()))
    ASSERT_NEAR(value, expected, allowed);
}

//===----------------------------------------------------------------------===//
// Repeatability
//===----------------------------------------------------------------------===//

TEST_P(NumericsTest, RunsAndThreadCountsAgreeBitwise) {
  auto experiment = make("--batch=2 --sq=300 --skv=333 --q-heads=3 --dqk=40 "
                         "--mask=causal|prefix(20) --lse --sinks");
  compile(*experiment);
  experiment->call();
  std::vector<char> out = getBytes(experiment->getOut());
  std::vector<char> lse = getBytes(experiment->getLse());
  expectRight(*experiment);
  for (int threads : {1, 1, 2, 3, 4, 5, 6, 7, 8}) {
    experiment->setThreads(threads);
    experiment->call();
    EXPECT_EQ(getBytes(experiment->getOut()), out) << threads << " threads";
    EXPECT_EQ(getBytes(experiment->getLse()), lse) << threads << " threads";
  }
}

TEST_P(NumericsTest, ASequenceDoesNotDependOnItsNeighbours) {
  auto experiment = make("--batch=2 --sq=100 --q-heads=2 --lens=kv --lse");
  set(*experiment, {{"kv_lens", {"77", "100"}}});
  compile(*experiment);
  experiment->call();
  std::vector<char> out = getBytes(experiment->getOut());
  out.resize(out.size() / 2);
  set(*experiment, {{"kv_lens", {"77", "3"}}});
  experiment->call();
  std::vector<char> other = getBytes(experiment->getOut());
  other.resize(other.size() / 2);
  EXPECT_EQ(other, out);
  expectRight(*experiment);
}

//===----------------------------------------------------------------------===//
// Special values
//===----------------------------------------------------------------------===//

namespace {
/// A problem and the keys that none of its rows sees.
struct HiddenKeys {
  const char *gen;
  Edits values;
  int64_t firstVisible, endVisible;
};
} // namespace

TEST_P(NumericsTest, HiddenKeysMayHoldAnything) {
  // Hidden keys before, in and behind partly visible tiles, and padding.
  const HiddenKeys problems[] = {
      {"--sq=20 --skv=300 --mask=causal", {}, 0, 20},
      {"--sq=20 --skv=300 --mask=window(5,3) --q-offset=150", {}, 145, 173},
      {"--sq=20 --skv=300 --mask=!prefix(37)", {}, 37, 300},
      {"--sq=20 --skv=300 --mask=prefix(201)", {}, 0, 201},
      {"--sq=20 --skv=299 --mask=chunked(50) --q-offset=110", {}, 100, 150},
      {"--sq=20 --skv=300 --lens=kv", {{"kv_lens", {"131"}}}, 0, 131},
      {"--sq=20 --skv=300 --lens=kv --mask=!causal --dynamic",
       {{"kv_lens", {"131"}}},
       1,
       131},
      {"--sq=20 --skv=300 --lens=kv --mask=!causal --block-kv=24 "
       "--block-kv-compute=12",
       {{"kv_lens", {"131"}}},
       1,
       131},
  };
  const double poisons[] = {notANumber, infinity, -infinity};
  for (const HiddenKeys &hidden : problems)
    for (const char *layout : {"bshd", "bhds"}) {
      auto experiment =
          make(std::string(hidden.gen) + " --q-heads=2 --dqk=24 --lse" +
               " --v-layout=" + layout);
      set(*experiment, hidden.values);
      const TensorView &v = experiment->get("v");
      for (int64_t j = 0; j < experiment->get("k").dim(1); ++j) {
        if (j >= hidden.firstVisible && j < hidden.endVisible)
          continue;
        const TensorView &k = experiment->get("k");
        for (int64_t h = 0; h < 2; ++h)
          for (int64_t d = 0; d < 24; ++d) {
            k.storeFromDouble({0, j, h, d}, poisons[j % 3]);
            if (layout[1] == 's')
              v.storeFromDouble({0, j, h, d}, poisons[(j + d) % 3]);
            else
              v.storeFromDouble({0, h, d, j}, poisons[(j + d) % 3]);
          }
      }
      compile(*experiment);
      experiment->call();
      expectRight(*experiment, hidden.gen);
      for (double value : toDoubles(experiment->getOut()))
        ASSERT_TRUE(std::isfinite(value)) << hidden.gen << " v " << layout;
    }
}

TEST_P(NumericsTest, MeansOfLargeVAreFinite) {
  if (GetParam().type == std::string("f16"))
    GTEST_SKIP() << "no f16 is that large";
  // Row 0 sees 131 keys; what no row sees is NaN. Sums of both signs overflow
  // on the way, and the tiny column must not lose bits to the large ones.
  for (const char *form : {"", " --sinks", " --v-layout=bhds"}) {
    auto experiment = make("--sq=70 --skv=300 --q-heads=2 --dqk=24 "
                           "--mask=causal --q-offset=130 --lse "
                           "--out-dtype=f32" +
                           std::string(form));
    const TensorView &v = experiment->get("v");
    bool isStrided = v.dim(3) == 300;
    for (int64_t j = 0; j < 300; ++j)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t d = 0; d < 24; ++d) {
          double value = j >= 200 ? notANumber
                         : d == 5 ? 1e-37
                         : d == 6 ? (j % 64 < 32 ? 3e38 : -3e38)
                         : d < 12 ? 3e38
                                  : -1e38;
          v.storeFromDouble(isStrided ? std::vector<int64_t>{0, h, d, j}
                                      : std::vector<int64_t>{0, j, h, d},
                            value);
        }
    compile(*experiment);
    experiment->call();
    expectRight(*experiment, form);
    TensorView out = experiment->getOut();
    for (double value : toDoubles(out))
      ASSERT_TRUE(std::isfinite(value)) << form;
    // The check's bound is that of the large columns.
    double tiny = v.loadAsDouble(isStrided ? std::vector<int64_t>{0, 0, 5, 0}
                                           : std::vector<int64_t>{0, 0, 0, 5});
    if (std::string(form) != " --sinks") {
      EXPECT_NEAR(out.loadAsDouble({0, 0, 0, 5}), tiny, tiny * 0x1p-7);
    }
  }
}

TEST_P(NumericsTest, PaddingRowsMayHoldAnything) {
  auto experiment = make("--batch=2 --sq=100 --q-heads=2 --lens=q --lse");
  set(*experiment, {{"q_lens", {"37", "64"}}});
  const TensorView &q = experiment->get("q");
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t i = b == 0 ? 37 : 64; i < 100; ++i)
      for (int64_t d = 0; d < q.dim(3); ++d)
        for (int64_t h = 0; h < 2; ++h)
          q.storeFromDouble({b, i, h, d}, d % 2 ? notANumber : infinity);
  compile(*experiment);
  experiment->call();
  expectRight(*experiment);
  EXPECT_EQ(experiment->getOut().loadAsDouble({0, 37, 0, 0}), 0);
  EXPECT_EQ(experiment->getLse().loadAsDouble({1, 1, 99}), -infinity);
}

TEST_P(NumericsTest, NaNStaysWithThoseWhoSeeIt) {
  struct Planted {
    const char *array;
    double value;
  };
  const Planted values[] = {{"q", notANumber}, {"k", notANumber},
                            {"v", notANumber}, {"v", infinity},
                            {"q", -infinity},  {"k", infinity}};
  auto experiment = make("--batch=2 --sq=140 --q-heads=4 --kv-heads=2 "
                         "--mask=causal --lse --dqk=24 --scale=0.05");
  compile(*experiment);
  for (const Planted &planted : values) {
    const TensorView &view = experiment->get(planted.array);
    double before = view.loadAsDouble({1, 77, 1, 5});
    view.storeFromDouble({1, 77, 1, 5}, planted.value);
    experiment->call();
    expectRight(*experiment, planted.array + std::string(" with ") +
                                 std::to_string(planted.value));
    // The check compares where NaN is; here by hand for one array of each kind.
    TensorView out = experiment->getOut();
    int64_t last = planted.array[0] == 'q' ? 78 : 140;
    // The sign of q decides whether an infinite k hides itself.
    if (planted.array[0] == 'k' && std::isinf(planted.value))
      last = 77;
    for (int64_t i = 0; i < 140; ++i) {
      EXPECT_TRUE(std::isfinite(out.loadAsDouble({0, i, 3, 5}))) << i;
      bool sees = i >= 77 && i < last;
      int64_t head = planted.array[0] == 'q' ? 1 : 3;
      if (sees || i < 77) {
        EXPECT_EQ(std::isfinite(out.loadAsDouble({1, i, head, 5})), !sees)
            << planted.array << " with " << planted.value << ", row " << i;
      }
    }
    view.storeFromDouble({1, 77, 1, 5}, before);
  }
}

TEST_P(NumericsTest, ScoresOfMinusInfinityHideTheKey) {
  for (const char *mask : {"", " --mask=causal", " --softcap=0"}) {
    auto experiment =
        make(std::string("--sq=140 --q-heads=2 --dqk=24 --lse") + mask);
    set(*experiment, {{"q", {"1", "0.5"}}});
    for (int64_t j : {0, 5, 64, 139})
      setKey(*experiment, j, -infinity, j == 5 ? infinity : notANumber);
    compile(*experiment);
    experiment->call();
    expectRight(*experiment, mask);
    EXPECT_TRUE(
        std::isfinite(experiment->getOut().loadAsDouble({0, 139, 1, 7})));
  }
}

TEST_P(NumericsTest, AllScoresOfMinusInfinityAreARowWithoutKeys) {
  auto experiment = make("--sq=70 --skv=130 --q-heads=2 --dqk=24 --lse");
  set(*experiment, {{"q", {"1"}}, {"k", {"-inf"}}, {"v", {"nan"}}});
  compile(*experiment);
  experiment->call();
  expectRight(*experiment);
  for (double value : toDoubles(experiment->getOut()))
    ASSERT_EQ(value, 0);
  for (double value : toDoubles(experiment->getLse()))
    ASSERT_EQ(value, -infinity);
}

//===----------------------------------------------------------------------===//
// Invariants
//===----------------------------------------------------------------------===//

TEST_P(NumericsTest, ShiftingAllScoresShiftsOnlyLse) {
  auto experiment = make("--sq=70 --skv=200 --q-heads=1 --scale=0.125 --lse");
  const TensorView &q = experiment->get("q"), &k = experiment->get("k");
  for (int64_t i = 0; i < 70; ++i)
    q.storeFromDouble({0, i, 0, 0}, 1);
  auto shift = [&](double value) {
    for (int64_t j = 0; j < 200; ++j)
      k.storeFromDouble({0, j, 0, 0}, value);
    experiment->call();
    expectRight(*experiment);
  };
  compile(*experiment);
  shift(0);
  std::vector<double> out = toDoubles(experiment->getOut());
  std::vector<double> lse = toDoubles(experiment->getLse());
  shift(64);
  std::vector<double> shiftedOut = toDoubles(experiment->getOut());
  std::vector<double> shiftedLse = toDoubles(experiment->getLse());
  for (size_t i = 0; i < lse.size(); ++i)
    ASSERT_NEAR(shiftedLse[i], lse[i] + 8, 1e-4);
  double unit = ulp(experiment->getOut().type(), 1);
  for (size_t i = 0; i < out.size(); ++i)
    ASSERT_NEAR(shiftedOut[i], out[i], 2 * unit + 1e-5);
}

TEST_P(NumericsTest, TheOrderOfKeysDoesNotMatter) {
  auto experiment = make("--sq=70 --skv=200 --q-heads=1 --lse");
  compile(*experiment);
  experiment->call();
  std::vector<double> out = toDoubles(experiment->getOut());
  std::vector<double> lse = toDoubles(experiment->getLse());
  for (const char *name : {"k", "v"}) {
    const TensorView &view = experiment->get(name);
    size_t bytes = view.dim(3) * byteSize(view.type());
    std::vector<char> copy = getBytes(view);
    // 77 and 200 have no common factor.
    for (int64_t j = 0; j < 200; ++j)
      std::memcpy(view.address({0, j * 77 % 200, 0, 0}),
                  copy.data() + j * bytes, bytes);
  }
  experiment->call();
  std::vector<double> permuted = toDoubles(experiment->getOut());
  std::vector<double> permutedLse = toDoubles(experiment->getLse());
  double unit = ulp(experiment->getOut().type(), 1);
  for (size_t i = 0; i < out.size(); ++i)
    ASSERT_NEAR(permuted[i], out[i], 2 * unit + 1e-5);
  for (size_t i = 0; i < lse.size(); ++i)
    ASSERT_NEAR(permutedLse[i], lse[i], 1e-5);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

TEST_P(NumericsTest, ScratchMemoryIsOfTheSizeOfTiles) {
  auto measure = [&](int64_t rows, int64_t keys, int threads) {
    auto experiment =
        make("--memref --lse --dynamic --q-heads=1 --dqk=32 "
             "--sq=" +
             std::to_string(rows) + " --skv=" + std::to_string(keys));
    compile(*experiment);
    experiment->setThreads(threads);
    experiment->call();
    EXPECT_EQ(experiment->getExecution().getLeakedBytes(), 0u);
    return experiment->getExecution().getPeakScratchBytes();
  };
  size_t one = measure(64, 1000, 1);
  EXPECT_EQ(measure(64, 9000, 1), one);
  EXPECT_EQ(measure(900, 1000, 1), one);
  EXPECT_LE(measure(900, 1000, 4), 4 * one);
  // q, k, v, acc, scores and weights in f32, and a few statistics per row.
  size_t tile = 4 * (64 * 32 + 2 * 128 * 32 + 64 * 32 + 2 * 64 * 128 + 8 * 64);
  EXPECT_GT(one, 0u);
  EXPECT_LE(one, 2 * tile);
}
