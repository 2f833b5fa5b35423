//===- NumericsTestUtils.h - Tests of compiled kernels ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_NUMERICSTESTUTILS_H
#define ATTN_TEST_UNIT_NUMERICSTESTUTILS_H

#include "../numerics/Experiment.h"

#include "attn/Compiler/Context.h"

#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

namespace attn::numerics {

struct Variant {
  const char *type, *target;
};

inline std::ostream &operator<<(std::ostream &os, const Variant &variant) {
  return os << variant.type << " on " << variant.target;
}

inline constexpr Variant variants[] = {
    {"f32", "native"},    {"f16", "native"},     {"bf16", "native"},
    {"f32", "x86-64-v3"}, {"bf16", "x86-64-v3"}, {"bf16", "x86-64-v4"},
};

inline std::string nameVariant(const testing::TestParamInfo<Variant> &info) {
  std::string name = std::string(info.param.type) + "_" + info.param.target;
  for (char &letter : name)
    if (letter == '-')
      letter = '_';
  return name;
}

/// A test that runs for each of `variants`.
class NumericsTest : public testing::TestWithParam<Variant> {
protected:
  void SetUp() override {
    if (!canRun(GetParam().target))
      GTEST_SKIP() << "this machine cannot run " << GetParam().target;
  }

  /// An experiment in this variant's type, whose arrays are ready.
  std::unique_ptr<Experiment> make(const std::string &gen) {
    auto experiment = Experiment::create(
        gen + " --dtype=" + GetParam().type,
        std::string("--target=") + GetParam().target, *context);
    if (!experiment) {
      ADD_FAILURE() << llvm::toString(experiment.takeError());
      abort();
    }
    return std::move(*experiment);
  }

  void set(Experiment &experiment, const Edits &edits) {
    llvm::Error error = experiment.edit(edits);
    ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  }

  void compile(Experiment &experiment,
               const Experiment::Mutation &mutate = nullptr) {
    llvm::Error error = experiment.compile(nullptr, mutate);
    ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  }

  void expectRight(const Experiment &experiment, const std::string &what = "") {
    std::string message;
    EXPECT_TRUE(experiment.check(message)) << what << "\n" << message;
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
};

/// The bytes of all elements of a contiguous array.
inline std::vector<char> getBytes(const TensorView &view) {
  EXPECT_TRUE(view.isContiguous());
  auto *bytes = static_cast<const char *>(view.data());
  return {bytes, bytes + view.numElements() * byteSize(view.type())};
}

} // namespace attn::numerics

#endif // ATTN_TEST_UNIT_NUMERICSTESTUTILS_H
