//===- NumericsSplitTest.cpp - Parts of the keys and decoding ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What holds between results: a split changes no more than rounding, a fixed
// split size makes a sequence independent of its batch, parts merge to the
// whole.
//
//===----------------------------------------------------------------------===//

#include "NumericsTestUtils.h"

#include "attn/Compiler/Jit.h"
#include "attn/Reference/Attention.h"

#include "mlir/Parser/Parser.h"
#include <cmath>

using namespace attn;
using namespace attn::numerics;

namespace {

using NumericsSplitTest = NumericsTest;

INSTANTIATE_TEST_SUITE_P(Variants, NumericsSplitTest,
                         testing::ValuesIn(variants), nameVariant);

constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

const char *const problems[] = {
    "--batch=2 --sq=3 --skv=700 --q-heads=4 --kv-heads=2 --mask=causal "
    "--q-offset=600 --lse --sinks --out-dtype=f32",
    "--sq=70 --skv=700 --q-heads=2 --mask=window(300,20) --q-offset=350 --lse "
    "--out-dtype=f32",
};

TEST_P(NumericsSplitTest, AnyNumberOfPartsIsTheWhole) {
  for (const char *problem : problems) {
    auto whole = make(problem);
    compile(*whole);
    whole->call();
    std::vector<double> out = toDoubles(whole->getOut());
    std::vector<double> lse = toDoubles(whole->getLse());
    // Weights in a type of 16 bits are rounded relative to another maximum.
    double allowed = GetParam().type == std::string("bf16") ? 4e-3 : 4e-6;
    // All numbers where the kernel is small.
    int step = problem == problems[0] ? 1 : 4;
    for (int parts = 1; parts <= 9; parts += step) {
      auto split = make(problem + (" --num-splits=" + std::to_string(parts)));
      compile(*split);
      split->call();
      expectRight(*split, problem);
      std::vector<double> splitOut = toDoubles(split->getOut());
      std::vector<double> splitLse = toDoubles(split->getLse());
      for (size_t n = 0; n < out.size(); ++n)
        ASSERT_NEAR(splitOut[n], out[n], allowed) << parts << " parts";
      for (size_t n = 0; n < lse.size(); ++n) {
        if (std::isinf(lse[n]))
          ASSERT_EQ(splitLse[n], lse[n]) << parts << " parts";
        else
          ASSERT_NEAR(splitLse[n], lse[n], 1e-5) << parts << " parts";
      }
    }
  }
}

TEST_P(NumericsSplitTest, ThreadCountsAgreeBitwise) {
  for (const char *split : {" --num-splits=5", " --split-size=130", ""}) {
    auto experiment = make("--batch=2 --sq=2 --skv=4000 --q-heads=4 "
                           "--kv-heads=2 --lse --sinks" +
                           std::string(split));
    compile(*experiment);
    experiment->call();
    std::vector<char> out = getBytes(experiment->getOut());
    std::vector<char> lse = getBytes(experiment->getLse());
    expectRight(*experiment, split);
    for (int threads : {1, 2, 3, 5, 8}) {
      experiment->setThreads(threads);
      experiment->call();
      EXPECT_EQ(getBytes(experiment->getOut()), out) << threads << " threads";
      EXPECT_EQ(getBytes(experiment->getLse()), lse) << threads << " threads";
    }
  }
}

/// The first sequence of a batch of `batch`, with `keys` keys of its own,
/// beside longer and shorter ones.
class NeighbourTest : public NumericsTest {
protected:
  std::vector<char> run(int64_t batch, int64_t keys) {
    auto experiment =
        make("--batch=" + std::to_string(batch) +
             " --sq=2 --skv=" + std::to_string(keys) +
             " --q-heads=4 --kv-heads=2 --dqk=24 --lens=kv --sinks "
             "--split-size=256 --mask=window(400,0) --q-offset=500");
    std::vector<std::string> lens{"510"};
    for (int64_t b = 1; b < batch; ++b)
      lens.push_back(std::to_string(keys - b));
    set(*experiment, {{"kv_lens", lens}});
    // The same values wherever the sequence begins.
    for (const char *name : {"q", "k", "v"}) {
      const TensorView &view = experiment->get(name);
      for (int64_t i = 0; i < std::min<int64_t>(view.dim(1), 510); ++i)
        for (int64_t h = 0; h < view.dim(2); ++h)
          for (int64_t d = 0; d < 24; ++d)
            view.storeFromDouble({0, i, h, d},
                                 std::sin(double(name[0]) + 7 * i + 3 * h + d));
    }
    compile(*experiment);
    experiment->call();
    expectRight(*experiment);
    std::vector<char> out = getBytes(experiment->getOut());
    out.resize(out.size() / batch);
    return out;
  }
};

INSTANTIATE_TEST_SUITE_P(Variants, NeighbourTest, testing::ValuesIn(variants),
                         nameVariant);

TEST_P(NeighbourTest, AFixedSplitSizeMakesThemIrrelevant) {
  std::vector<char> alone = run(1, 510);
  EXPECT_EQ(run(1, 3000), alone);
  EXPECT_EQ(run(3, 600), alone);
  EXPECT_EQ(run(4, 3000), alone);
}

TEST_P(NumericsSplitTest, HiddenKeysOfAPartMayHoldAnything) {
  auto experiment = make("--batch=2 --sq=1 --skv=600 --q-heads=8 --kv-heads=2 "
                         "--lens=kv --lse --split-size=128");
  set(*experiment, {{"kv_lens", {"131", "0"}}});
  for (const char *name : {"k", "v"}) {
    const TensorView &view = experiment->get(name);
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t j = b == 0 ? 131 : 0; j < 600; ++j)
        for (int64_t d = 0; d < view.dim(3); ++d)
          view.storeFromDouble({b, j, 1, d}, j % 2 ? notANumber : infinity);
  }
  compile(*experiment);
  experiment->call();
  expectRight(*experiment);
  for (double value : toDoubles(experiment->getOut()))
    ASSERT_TRUE(std::isfinite(value));
}

TEST_P(NumericsSplitTest, NaNStaysInTheRowsOfADecodingTile) {
  // Rows of four heads share a tile; key 5 is visible to the second row alone.
  auto experiment = make("--sq=2 --skv=300 --q-heads=4 --kv-heads=1 --lse "
                         "--mask=causal --q-offset=4 --dqk=24");
  experiment->get("v").storeFromDouble({0, 5, 0, 3}, notANumber);
  compile(*experiment);
  experiment->call();
  expectRight(*experiment);
  TensorView out = experiment->getOut();
  for (int64_t h = 0; h < 4; ++h) {
    EXPECT_TRUE(std::isfinite(out.loadAsDouble({0, 0, h, 3})));
    EXPECT_TRUE(std::isnan(out.loadAsDouble({0, 1, h, 3})));
    EXPECT_TRUE(std::isfinite(out.loadAsDouble({0, 1, h, 4})));
  }
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

/// A compiled attn.merge of 3 parts of 2 heads, 2 rows and 19 columns.
class MergeTest : public testing::Test {
protected:
  static constexpr int64_t parts = 3, heads = 2, rows = 2, dim = 19;

  void SetUp() override {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(R"mlir(
func.func @merge(%o: memref<3x1x2x2x19xf32>, %l: memref<3x1x2x2xf32>,
                 %s: memref<2xf32>, %n: memref<1xi32>,
                 %out: memref<1x2x2x19xf32>, %lse: memref<1x2x2xf32>) {
  attn.merge ins(%o, %l : memref<3x1x2x2x19xf32>, memref<3x1x2x2xf32>)
      sinks(%s : memref<2xf32>) q_lens(%n : memref<1xi32>)
      outs(%out, %lse : memref<1x2x2x19xf32>, memref<1x2x2xf32>)
  return
})mlir",
                                                          context.get());
    ASSERT_TRUE(module);
    auto compiled = JitKernel::compile(std::move(module), "merge", {});
    ASSERT_TRUE(static_cast<bool>(compiled))
        << llvm::toString(compiled.takeError());
    kernel = std::move(*compiled);
    for (size_t n = 0; n < partOuts.size(); ++n)
      partOuts[n] = std::sin(double(n));
  }

  void call() {
    out.assign(heads * rows * dim, NAN);
    lse.assign(heads * rows, NAN);
    auto describe = [](auto &array, std::vector<int64_t> sizes) {
      auto address = reinterpret_cast<int64_t>(array.data());
      std::vector<int64_t> words{address, address, 0}, strides(sizes.size(), 1);
      for (size_t d = sizes.size() - 1; d > 0; --d)
        strides[d - 1] = strides[d] * sizes[d];
      words.insert(words.end(), sizes.begin(), sizes.end());
      words.insert(words.end(), strides.begin(), strides.end());
      return words;
    };
    std::vector<std::vector<int64_t>> descriptors{
        describe(partOuts, {parts, 1, heads, rows, dim}),
        describe(partLses, {parts, 1, heads, rows}),
        describe(sinks, {heads}),
        describe(lengths, {1}),
        describe(out, {1, heads, rows, dim}),
        describe(lse, {1, heads, rows})};
    std::vector<void *> arguments;
    for (std::vector<int64_t> &words : descriptors)
      arguments.push_back(words.data());
    kernel->invoke(arguments.data());
  }

  /// What the reference makes of the arrays; a sink is one more part.
  reference::MergePart expected() const {
    std::vector<reference::MergePart> all(parts + 1);
    for (int64_t p = 0; p < parts; ++p) {
      auto *firstOut = partOuts.data() + p * heads * rows * dim;
      auto *firstLse = partLses.data() + p * heads * rows;
      all[p].out.assign(firstOut, firstOut + heads * rows * dim);
      all[p].lse.assign(firstLse, firstLse + heads * rows);
    }
    all[parts].out.assign(heads * rows * dim, 0);
    for (int64_t h = 0; h < heads; ++h)
      all[parts].lse.insert(all[parts].lse.end(), rows, sinks[h]);
    return reference::merge(all, heads * rows, dim);
  }

  void expectRight() {
    reference::MergePart right = expected();
    for (size_t n = 0; n < out.size(); ++n) {
      if (std::isnan(right.out[n]))
        EXPECT_TRUE(std::isnan(out[n])) << n;
      else
        EXPECT_NEAR(out[n], right.out[n], 1e-6) << n;
    }
    for (size_t n = 0; n < lse.size(); ++n) {
      if (std::isfinite(right.lse[n]))
        EXPECT_NEAR(lse[n], right.lse[n], 1e-6) << n;
      else
        EXPECT_EQ(std::isnan(lse[n]), std::isnan(right.lse[n])) << n;
    }
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
  std::unique_ptr<JitKernel> kernel;
  std::vector<float> partOuts = std::vector<float>(parts * heads * rows * dim);
  std::vector<float> partLses{0.5f, -1, 2, 3, 1.5f, -1, 0, -4, 0, 2, 1, 3};
  std::vector<float> sinks{-float(infinity), 0.25f};
  std::vector<int32_t> lengths{2};
  std::vector<float> out, lse;
};

TEST_F(MergeTest, IsTheReferences) {
  call();
  expectRight();
}

TEST_F(MergeTest, EmptyPartsAreNotRead) {
  for (int64_t row = 0; row < heads * rows; ++row) {
    partLses[heads * rows + row] = -infinity;
    for (int64_t d = 0; d < dim; ++d)
      partOuts[(heads * rows + row) * dim + d] = notANumber;
  }
  call();
  expectRight();
  for (float value : out)
    EXPECT_TRUE(std::isfinite(value));
}

TEST_F(MergeTest, AllPartsEmptyGiveZeroOrTheSink) {
  partLses.assign(partLses.size(), -infinity);
  partOuts.assign(partOuts.size(), notANumber);
  call();
  for (float value : out)
    EXPECT_EQ(value, 0);
  EXPECT_EQ(lse[0], -infinity);
  EXPECT_EQ(lse[2], 0.25f);
}

TEST_F(MergeTest, OnePartIsCopiedExactly) {
  for (size_t n = heads * rows; n < partLses.size(); ++n)
    partLses[n] = -infinity;
  sinks.assign(2, -infinity);
  call();
  EXPECT_EQ(out, std::vector<float>(partOuts.begin(),
                                    partOuts.begin() + heads * rows * dim));
  EXPECT_EQ(lse, std::vector<float>(partLses.begin(),
                                    partLses.begin() + heads * rows));
}

TEST_F(MergeTest, PaddingRowsSeeNoSink) {
  lengths = {1};
  call();
  for (int64_t h = 0; h < heads; ++h) {
    EXPECT_EQ(lse[h * rows + 1], -infinity);
    EXPECT_EQ(out[(h * rows + 1) * dim + 3], 0);
    EXPECT_NE(out[h * rows * dim + 3], 0);
  }
}

TEST_F(MergeTest, NaNStaysInItsRow) {
  partLses[1] = notANumber;
  partOuts[2 * dim + 4] = notANumber;
  call();
  expectRight();
  EXPECT_TRUE(std::isnan(lse[1]));
  EXPECT_TRUE(std::isfinite(lse[2]));
}

TEST_F(MergeTest, LargeMeansDoNotOverflow) {
  partOuts.assign(partOuts.size(), 3e38f);
  call();
  for (float value : out)
    EXPECT_TRUE(std::isfinite(value));
}

} // namespace
