//===- RandomInputs.cpp - Random values that fit the contract -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/RandomInputs.h"

#include "attn/Compiler/Diagnostics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace attn;
using namespace attn::runner;

namespace {
/// Integers that are the same on every platform: the standard's distributions
/// are not, its generator is.
class Generator {
public:
  explicit Generator(uint64_t seed) : engine(seed) {}
  /// Uniform in [0, bound]; the bias of the remainder does not matter here.
  int64_t atMost(int64_t bound) {
    return static_cast<int64_t>(engine() % (static_cast<uint64_t>(bound) + 1));
  }

private:
  std::mt19937_64 engine;
};
} // namespace

/// Calls `action(indices)` for every element in row-major order.
template <typename Action>
static void forEachIndex(const TensorView &view, Action action) {
  if (view.numElements() == 0)
    return;
  std::vector<int64_t> index(view.rank(), 0);
  for (;;) {
    action(index);
    int64_t dim = view.rank() - 1;
    while (dim >= 0 && ++index[dim] == view.dim(dim))
      index[dim--] = 0;
    if (dim < 0)
      return;
  }
}

template <typename Value>
static void fillEach(const TensorView &view, Value value) {
  forEachIndex(view, [&](const std::vector<int64_t> &index) {
    view.storeFromDouble(index, static_cast<double>(value(index)));
  });
}

/// Sequence starts: 0, random cuts, `total`.
static void fillStarts(const TensorView &view, int64_t total,
                       Generator &random) {
  std::vector<int64_t> starts(view.numElements());
  for (int64_t &start : starts)
    start = random.atMost(total);
  std::sort(starts.begin(), starts.end());
  if (!starts.empty()) {
    starts.back() = total;
    starts.front() = 0;
  }
  fillEach(view, [&](const auto &index) { return starts[index[0]]; });
}

/// Different pages as long as there are enough.
static void fillPages(const TensorView &view, int64_t pages,
                      Generator &random) {
  std::vector<int64_t> order(std::max<int64_t>(pages, 1));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size() - 1; i > 0; --i)
    std::swap(order[i], order[random.atMost(static_cast<int64_t>(i))]);
  size_t next = 0;
  fillEach(view, [&](const auto &) { return order[next++ % order.size()]; });
}

/// Runs of equal ids, about 64 long, that grow along the last dim.
static void fillSegments(const TensorView &view, Generator &random) {
  int64_t id = 0;
  fillEach(view, [&](const auto &index) {
    if (index.back() == 0)
      id = 0;
    else
      id += random.atMost(63) == 0;
    return id;
  });
}

/// The role that decides the values of an integer argument, with sizes that
/// hold for all its roles: an argument may be the lengths of q and of k.
static llvm::Error fillIntegers(Role role, const ProblemSizes &sizes,
                                const TensorView &view, Generator &random) {
  switch (role) {
  case Role::QLens:
  case Role::KvLens:
  case Role::PrefixLens: {
    int64_t bound = role == Role::QLens ? sizes.rows : sizes.keys;
    fillEach(view, [&](const auto &) { return random.atMost(bound); });
    break;
  }
  case Role::QOffset:
    // What aligns the last row with the last key, as in decoding.
    fillEach(view, [&](const auto &) {
      return std::max<int64_t>(sizes.keys - sizes.rows, 0);
    });
    break;
  case Role::QPositions:
    fillEach(view, [&](const auto &) {
      return random.atMost(std::max<int64_t>(sizes.keys - 1, 0));
    });
    break;
  case Role::CuSeqlensQ:
    fillStarts(view, sizes.rows, random);
    break;
  case Role::CuSeqlensKv:
    fillStarts(view, sizes.keys, random);
    break;
  case Role::BlockTable:
    fillPages(view, sizes.pages, random);
    break;
  case Role::QSegments:
  case Role::KvSegments:
    fillSegments(view, random);
    break;
  default:
    return createError(stringify(role) + " has no random integers");
  }
  return llvm::Error::success();
}

/// The tightest sizes among an argument's roles, or an error.
static llvm::Expected<ProblemSizes>
meetSizes(const ArgumentInfo &info,
          llvm::ArrayRef<std::optional<ProblemSizes>> sizes) {
  ProblemSizes result;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (!sizes[i])
      return createError(info.name +
                         ": q, k or v is computed inside the function, so no "
                         "random values are known to fit; give a file");
    if (i == 0)
      result = *sizes[i];
    result.rows = std::min(result.rows, sizes[i]->rows);
    result.keys = std::min(result.keys, sizes[i]->keys);
    result.pages = std::min(result.pages, sizes[i]->pages);
  }
  // Lengths of q and k in one argument fit the shorter.
  if (info.hasRole(Role::QLens) && info.hasRole(Role::KvLens))
    result.rows = result.keys = std::min(result.rows, result.keys);
  return result;
}

llvm::Error runner::fillArgument(
    const ArgumentInfo &info, llvm::ArrayRef<std::optional<ProblemSizes>> sizes,
    const TensorView &view, Distribution distribution, uint64_t seed) {
  Generator random(seed);
  if (isFloat(info.element)) {
    if (info.hasRole(Role::Scale) && !sizes.empty() && sizes.front()) {
      view.storeFromDouble({}, 1.0 / std::sqrt(sizes.front()->headDim));
    } else if (info.hasRole(Role::Softcap)) {
      view.storeFromDouble({}, 20);
    } else {
      fillRandom(view, distribution, seed);
    }
    return llvm::Error::success();
  }
  bool hasMeaning = llvm::any_of(info.roles, [](auto &role) {
    return role.first != Role::Capture && role.first != Role::DenseMask;
  });
  if (!hasMeaning) {
    int64_t bound = info.element == ElementType::I1 ? 1 : 7;
    fillEach(view, [&](const auto &) { return random.atMost(bound); });
    return llvm::Error::success();
  }
  auto met = meetSizes(info, sizes);
  if (!met)
    return met.takeError();
  return fillIntegers(info.roles.front().first, *met, view, random);
}
