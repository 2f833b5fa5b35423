//===- NumericsFloat8Test.cpp - Every byte of fp8 operands ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Row i sees key i alone, so that its output is V and its lse the score. Heads
// are 20 wide: a vector and a rest on every target.
//
//===----------------------------------------------------------------------===//

#include "../numerics/Experiment.h"

#include "attn/Compiler/Context.h"

#include "mlir/IR/MLIRContext.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace attn;
using namespace attn::numerics;

namespace {

constexpr int64_t kBytes = 256, kWidth = 20;

class NumericsFloat8Test
    : public testing::TestWithParam<
          std::tuple<const char *, const char *, const char *>> {
protected:
  void SetUp() override {
    auto [type, target, layout] = GetParam();
    if (!canRun(target))
      GTEST_SKIP() << "this machine cannot run " << target;
    auto made = Experiment::create(
        std::string("--sq=256 --q-heads=1 --dqk=20 --mask=window(0,0) "
                    "--scale=1 --out-dtype=f32 --lse --dtype=") +
            type + " --layout=" + layout,
        std::string("--target=") + target, *context);
    ASSERT_TRUE(static_cast<bool>(made)) << llvm::toString(made.takeError());
    experiment = std::move(*made);
    // All scores are 0 until a test says otherwise.
    fill("q", 0);
    fill("k", 0);
    fill("v", 0);
  }

  void fill(const char *array, uint8_t byte) {
    for (int64_t row = 0; row < kBytes; ++row)
      for (int64_t d = 0; d < kWidth; ++d)
        *at(array, row, d) = byte;
  }

  uint8_t *at(const char *array, int64_t row, int64_t d) {
    const TensorView &view = experiment->get(array);
    return static_cast<uint8_t *>(view.address(index(row, d)));
  }

  std::vector<int64_t> index(int64_t row, int64_t d) const {
    std::string layout = std::get<2>(GetParam());
    if (layout == "bshd")
      return {0, row, 0, d};
    return {0, 0, d, row};
  }

  ElementType type() const { return experiment->get("q").type(); }

  void run() {
    llvm::Error error = experiment->compile();
    ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
    experiment->call();
    std::string message;
    EXPECT_TRUE(experiment->check(message)) << message;
  }

  /// Runs with byte i in row i of `array`, at a column that depends on i, and
  /// with ones in the other array of the product.
  void expectScores(const char *array, const char *other) {
    uint8_t one;
    storeFromDouble(type(), &one, 1);
    fill(other, one);
    for (int64_t row = 0; row < kBytes; ++row)
      *at(array, row, row % kWidth) = static_cast<uint8_t>(row);
    run();
    for (int64_t row = 0; row < kBytes; ++row) {
      auto byte = static_cast<uint8_t>(row);
      double expected = loadAsDouble(type(), &byte);
      double lse = experiment->getLse().loadAsDouble({0, 0, row});
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(lse)) << row;
      else if (std::isinf(expected) && expected > 0)
        // The weight of an infinite score is NaN.
        EXPECT_TRUE(std::isnan(lse)) << row;
      else if (std::isinf(expected))
        EXPECT_EQ(lse, expected) << row;
      else
        // To base 2 and back.
        EXPECT_NEAR(lse, expected, std::fabs(expected) * 0x1p-22) << row;
    }
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
  std::unique_ptr<Experiment> experiment;
};

} // namespace

TEST_P(NumericsFloat8Test, EveryByteOfVIsExact) {
  for (int64_t row = 0; row < kBytes; ++row)
    for (int64_t d = 0; d < kWidth; ++d)
      *at("v", row, d) = static_cast<uint8_t>(row + 13 * d);
  run();
  for (int64_t row = 0; row < kBytes; ++row)
    for (int64_t d = 0; d < kWidth; ++d) {
      double expected = loadAsDouble(type(), at("v", row, d));
      double out = experiment->getOut().loadAsDouble(index(row, d));
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(out)) << row << " " << d;
      else
        EXPECT_EQ(out, expected) << row << " " << d;
    }
}

TEST_P(NumericsFloat8Test, EveryByteOfKIsRight) { expectScores("k", "q"); }

TEST_P(NumericsFloat8Test, EveryByteOfQIsRight) { expectScores("q", "k"); }

INSTANTIATE_TEST_SUITE_P(
    Types, NumericsFloat8Test,
    testing::Combine(testing::Values("f8E4M3FN", "f8E5M2", "f8E4M3FNUZ",
                                     "f8E5M2FNUZ"),
                     testing::Values("native", "x86-64-v3"),
                     testing::Values("bshd", "bhds")),
    [](const auto &info) {
      std::string target = std::get<1>(info.param);
      return std::string(std::get<0>(info.param)) + "_" +
             (target == "native" ? "native" : "v3") + "_" +
             std::get<2>(info.param);
    });
