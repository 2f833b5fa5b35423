//===- Random.cpp - Reproducible random arrays ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C++ standard fixes the bits of mt19937_64 but not what its distributions
// make of them, and libm's log and cos differ in the last bit between systems.
// So numbers are made of bits by exact operations only.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Tensor.h"

#include <random>

using namespace attn;

std::optional<Distribution> attn::parseDistribution(std::string_view spelling) {
  if (spelling == "normal")
    return Distribution::Normal;
  if (spelling == "uniform")
    return Distribution::Uniform;
  if (spelling == "ones")
    return Distribution::Ones;
  if (spelling == "integers")
    return Distribution::SmallIntegers;
  return std::nullopt;
}

/// Irwin-Hall: the sum of 12 independent uniform numbers on [0, 1) has variance
/// 1. Each is 21 bits wide, three to a draw; the sum is exact.
static double drawNormal(std::mt19937_64 &engine) {
  constexpr uint64_t lane = (uint64_t(1) << 21) - 1;
  int64_t sum = 0;
  for (int draw = 0; draw < 4; ++draw) {
    const uint64_t bits = engine();
    sum += static_cast<int64_t>((bits & lane) + ((bits >> 21) & lane) +
                                ((bits >> 42) & lane));
  }
  // A lane's mean is (2^21 - 1) / 2.
  return static_cast<double>(sum - 6 * static_cast<int64_t>(lane)) * 0x1p-21;
}

static double draw(Distribution distribution, std::mt19937_64 &engine) {
  switch (distribution) {
  case Distribution::Normal:
    return drawNormal(engine);
  case Distribution::Uniform:
    return static_cast<double>(engine() >> 11) * 0x1p-52 - 1.0;
  case Distribution::Ones:
    return 1.0;
  case Distribution::SmallIntegers:
    return static_cast<double>(((engine() >> 32) * 7) >> 32) - 3.0;
  }
  return 0;
}

void attn::fillRandom(const TensorView &view, Distribution distribution,
                      uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<int64_t> index(view.rank(), 0);
  const int64_t count = view.numElements();
  for (int64_t n = 0; n < count; ++n) {
    view.storeFromDouble(index, draw(distribution, engine));
    for (int64_t d = view.rank() - 1; d >= 0; --d) {
      if (++index[d] < view.dim(d))
        break;
      index[d] = 0;
    }
  }
}
