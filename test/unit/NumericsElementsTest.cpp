//===- NumericsElementsTest.cpp - Masks and scores that read data ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NumericsTestUtils.h"

using namespace attn;
using namespace attn::numerics;

namespace {

using NumericsElementsTest = NumericsTest;

INSTANTIATE_TEST_SUITE_P(Variants, NumericsElementsTest,
                         testing::ValuesIn(variants), nameVariant);

constexpr const char *sizes =
    "--sq=150 --skv=200 --q-heads=2 --kv-heads=1 --dqk=24 --lse";

/// Writes f(i, j) over the elements of an array whose last two dims are rows
/// and keys.
template <typename F>
void fill(const TensorView &view, F f) {
  for (int64_t b = 0; b < view.dim(0); ++b)
    for (int64_t h = 0; h < view.dim(1); ++h)
      for (int64_t i = 0; i < view.dim(2); ++i)
        for (int64_t j = 0; j < view.dim(3); ++j)
          view.storeFromDouble({b, h, i, j}, f(i, j));
}

void expectEqualOutputs(const Experiment &lhs, const Experiment &rhs) {
  EXPECT_EQ(getBytes(lhs.getOut()), getBytes(rhs.getOut()));
  EXPECT_EQ(getBytes(lhs.getLse()), getBytes(rhs.getLse()));
}

/// The table gives the tiles of the ranges, in their order.
TEST_P(NumericsElementsTest, CausalAsDataIsCausalBitwise) {
  // A mask that is data may have any form, and gets other blocks by itself.
  std::string options = std::string(sizes) + " --block-kv=64";
  auto causal = make(options + " --mask=causal --q-offset=40");
  auto dense = make(options + " --mask=dense(ij)");
  auto positions = make(options + " --mask=causal --q-positions");
  fill(dense->get("arg3"), [](int64_t i, int64_t j) { return j <= i + 40; });
  const TensorView &rows = positions->get("q_positions");
  for (int64_t i = 0; i < rows.dim(1); ++i)
    rows.storeFromDouble({0, i}, static_cast<double>(i + 40));
  for (Experiment *experiment : {causal.get(), dense.get(), positions.get()}) {
    experiment->setCountTiles();
    compile(*experiment);
    experiment->call();
    EXPECT_EQ(experiment->getTileCounts(), causal->getTileCounts());
    expectEqualOutputs(*experiment, *causal);
  }
  expectRight(*causal);
}

/// A bias of -inf and a mask hide the same keys, whatever these hold.
TEST_P(NumericsElementsTest, BiasOfMinusInfinityIsAMask) {
  auto hides = [](int64_t i, int64_t j) { return (i + 2 * j) % 3 == 0; };
  // A plain scale multiplies later than one with a bias: bits agree with 1.
  std::string options = std::string(sizes) + " --block-kv=200 --scale=1";
  auto masked = make(options + " --mask=dense(ij)");
  auto biased = make(options + " --bias=ij");
  fill(masked->get("arg3"), [&](int64_t i, int64_t j) { return !hides(i, j); });
  fill(biased->get("bias"), [&](int64_t i, int64_t j) {
    return hides(i, j) ? -std::numeric_limits<double>::infinity() : 0.0;
  });
  for (Experiment *experiment : {masked.get(), biased.get()}) {
    compile(*experiment);
    experiment->call();
    expectRight(*experiment);
  }
  expectEqualOutputs(*masked, *biased);
}

/// Rows see no more than their own document, wherever it lies.
TEST_P(NumericsElementsTest, OtherDocumentsDoNotMatter) {
  auto experiment = make(std::string(sizes) + " --mask=segments");
  const TensorView &rows = experiment->get("arg3");
  const TensorView &keys = experiment->get("arg4");
  for (int64_t i = 0; i < rows.dim(1); ++i)
    rows.storeFromDouble({0, i}, static_cast<double>(i % 3));
  for (int64_t j = 0; j < keys.dim(1); ++j)
    keys.storeFromDouble({0, j}, static_cast<double>(j % 5));
  compile(*experiment);
  experiment->call();
  std::vector<char> before = getBytes(experiment->getOut());
  // Documents 3 and 4 have no rows.
  const TensorView &v = experiment->get("v"), &k = experiment->get("k");
  for (int64_t j = 0; j < keys.dim(1); ++j)
    for (int64_t d = 0; j % 5 > 2 && d < v.dim(3); ++d) {
      v.storeFromDouble({0, j, 0, d}, std::numeric_limits<double>::infinity());
      k.storeFromDouble({0, j, 0, d}, std::numeric_limits<double>::quiet_NaN());
    }
  experiment->call();
  EXPECT_EQ(getBytes(experiment->getOut()), before);
}

} // namespace
