//===- ReferenceTestUtils.h - Problems that own their operands ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_REFERENCETESTUTILS_H
#define ATTN_TEST_UNIT_REFERENCETESTUTILS_H

#include "attn/Reference/Attention.h"
#include "attn/Reference/Masks.h"

#include <cmath>
#include <deque>
#include <gtest/gtest.h>
#include <limits>

namespace attn::reference {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

using Shape = std::vector<int64_t>;
using Values = std::vector<double>;

/// Keeps arrays alive and hands out views of them.
class Arrays {
public:
  /// Row-major values; one value fills the whole array.
  TensorView make(ElementType type, const Shape &shape, const Values &values) {
    std::string error;
    std::optional<Tensor> tensor = Tensor::create(type, shape, error);
    EXPECT_TRUE(tensor) << error;
    const int64_t count = tensor->view().numElements();
    EXPECT_TRUE(values.size() == 1 ||
                static_cast<int64_t>(values.size()) == count);
    for (int64_t n = 0; n < count; ++n)
      storeFromDouble(type,
                      static_cast<char *>(tensor->data()) + n * byteSize(type),
                      values.size() == 1 ? values[0] : values[n]);
    tensors.push_back(std::move(*tensor));
    return tensors.back().view();
  }

  TensorView random(ElementType type, const Shape &shape, uint64_t seed,
                    Distribution distribution = Distribution::Normal) {
    const TensorView view = make(type, shape, {0});
    fillRandom(view, distribution, seed);
    return view;
  }

private:
  std::deque<Tensor> tensors;
};

/// One batch, head and query; a key per entry of `keys`, head dims 1, f64.
/// With q = 1 and scale 1 the keys are the scores.
inline AttentionProblem makeRow(Arrays &arrays, const Values &keys,
                                const Values &values, double query = 1) {
  const int64_t count = static_cast<int64_t>(keys.size());
  AttentionProblem problem;
  problem.q = arrays.make(ElementType::F64, {1, 1, 1, 1}, {query});
  problem.k = arrays.make(ElementType::F64, {1, count, 1, 1}, keys);
  problem.v = arrays.make(ElementType::F64, {1, count, 1, 1}, values);
  return problem;
}

/// Normal operands, dense (b,s,h,d).
inline AttentionProblem makeRandom(Arrays &arrays, ElementType type, int64_t b,
                                   int64_t sq, int64_t skv, int64_t hq,
                                   int64_t hkv, int64_t d, int64_t dv,
                                   uint64_t seed = 1) {
  AttentionProblem problem;
  problem.q = arrays.random(type, {b, sq, hq, d}, seed);
  problem.k = arrays.random(type, {b, skv, hkv, d}, seed + 1000);
  problem.v = arrays.random(type, {b, skv, hkv, dv}, seed + 2000);
  problem.scale = 1 / std::sqrt(static_cast<float>(d));
  return problem;
}

inline AttentionResult run(const AttentionProblem &problem,
                           const EvaluateOptions &options = {}) {
  std::string error;
  EXPECT_TRUE(validate(problem, error)) << error;
  return evaluate(problem, options);
}

/// Equal up to f64 rounding; NaN equals NaN, infinities equal themselves.
inline void expectClose(const Values &found, const Values &expected,
                        double tolerance = 1e-13) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t n = 0; n < found.size(); ++n) {
    if (std::isnan(expected[n])) {
      EXPECT_TRUE(std::isnan(found[n])) << n << ": " << found[n];
      continue;
    }
    if (found[n] == expected[n])
      continue;
    EXPECT_NEAR(found[n], expected[n],
                tolerance * std::max(1.0, std::fabs(expected[n])))
        << "element " << n;
  }
}

} // namespace attn::reference

#endif // ATTN_TEST_UNIT_REFERENCETESTUTILS_H
