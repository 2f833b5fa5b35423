//===- Exchange.cpp - Operations between the lanes of an NVIDIA warp ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// shfl, vote, match, redux and elect, as the PTX manual defines them.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"
#include "SmallFloat.h"

#include <algorithm>
#include <array>
#include <cmath>

using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// shfl
//===----------------------------------------------------------------------===//

namespace {
enum class Shuffle : uint8_t { Up, Down, Butterfly, Index };

struct Source {
  uint32_t lane;
  bool isValid;
};
} // namespace

/// The source lane of (b, c), by the pseudo code of the manual.
static Source shuffleSource(Shuffle mode, uint32_t lane, uint32_t b,
                            uint32_t c) {
  const uint32_t offset = b & 31;
  const uint32_t clamp = c & 31;
  const uint32_t segment = c >> 8 & 31;
  const uint32_t maxLane = (lane & segment) | (clamp & ~segment);
  const uint32_t minLane = lane & segment;
  int64_t source = 0;
  bool isValid = false;
  switch (mode) {
  case Shuffle::Up:
    source = int64_t(lane) - offset;
    isValid = source >= int64_t(maxLane);
    break;
  case Shuffle::Down:
    source = lane + offset;
    isValid = source <= int64_t(maxLane);
    break;
  case Shuffle::Butterfly:
    source = lane ^ offset;
    isValid = source <= int64_t(maxLane);
    break;
  case Shuffle::Index:
    source = minLane | (offset & ~segment);
    isValid = source <= int64_t(maxLane);
    break;
  }
  return {isValid ? static_cast<uint32_t>(source) : lane, isValid};
}

template <Shuffle mode>
static void shuffle(Group &group) {
  std::array<uint32_t, 32> values{};
  group.forEachActive([&](Thread &thread) {
    values[thread.registers.lane] = argument<uint32_t>(thread, 1);
  });
  group.forEachActive([&](Thread &thread) {
    const Source source = shuffleSource(mode, thread.registers.lane,
                                        argument<uint32_t>(thread, 2),
                                        argument<uint32_t>(thread, 3));
    if (!group.isActive(source.lane))
      group.machine().fail(thread, thread.site->name + " reads lane " +
                                       std::to_string(source.lane) +
                                       ", which does not take part");
    setResult(thread, values[source.lane]);
    if (thread.site->results.size() == 2)
      setResult<uint8_t>(thread, source.isValid, 1);
  });
}

//===----------------------------------------------------------------------===//
// vote, match, elect
//===----------------------------------------------------------------------===//

/// A bit for every active lane whose argument `index` is true.
static uint32_t ballot(Group &group, size_t index) {
  uint32_t votes = 0;
  group.forEachActive([&](Thread &thread) {
    if (argument<uint8_t>(thread, index) & 1)
      votes |= static_cast<uint32_t>(thread.laneBit());
  });
  return votes;
}

template <class Result, class Function>
static void setAll(Group &group, Function result) {
  group.forEachActive(
      [&](Thread &thread) { setResult<Result>(thread, result(thread)); });
}

template <size_t predicate>
static void voteBallot(Group &group) {
  const uint32_t votes = ballot(group, predicate);
  setAll<uint32_t>(group, [&](Thread &) { return votes; });
}

template <size_t predicate>
static void voteAll(Group &group) {
  const bool all = ballot(group, predicate) == group.activeLanes();
  setAll<uint8_t>(group, [&](Thread &) { return all; });
}

template <size_t predicate>
static void voteAny(Group &group) {
  const bool any = ballot(group, predicate) != 0;
  setAll<uint8_t>(group, [&](Thread &) { return any; });
}

template <size_t predicate>
static void voteUniform(Group &group) {
  const uint32_t votes = ballot(group, predicate);
  const bool isUniform = votes == 0 || votes == group.activeLanes();
  setAll<uint8_t>(group, [&](Thread &) { return isUniform; });
}

static void matchAny(Group &group) {
  setAll<uint32_t>(group, [&](Thread &thread) {
    const uint64_t value = integerArgument(thread, 1);
    uint32_t equal = 0;
    group.forEachActive([&](Thread &other) {
      if (integerArgument(other, 1) == value)
        equal |= static_cast<uint32_t>(other.laneBit());
    });
    return equal;
  });
}

static void elect(Group &group) {
  const uint32_t leader =
      static_cast<uint32_t>(__builtin_ctzll(group.activeLanes()));
  group.forEachActive([&](Thread &thread) {
    setResult(thread, leader, 0);
    setResult<uint8_t>(thread, thread.registers.lane == leader, 1);
  });
}

static void activeMask(Group &group) {
  // Which lanes happen to run together is up to the schedule; alone is allowed.
  setResult(group.thread(), static_cast<uint32_t>(group.thread().laneBit()));
}

//===----------------------------------------------------------------------===//
// redux
//===----------------------------------------------------------------------===//

template <class T, class Function>
static void reduce(Group &group, Function combine) {
  bool isFirst = true;
  T total{};
  group.forEachActive([&](Thread &thread) {
    const T value = argument<T>(thread, 0);
    total = isFirst ? value : combine(total, value);
    isFirst = false;
  });
  setAll<T>(group, [&](Thread &) { return total; });
}

static void addReductions(Registry &registry) {
  auto add = [&](const char *name, Handler handler) {
    registry.add(std::string("llvm.nvvm.redux.sync.") + name, Scope::WarpMask,
                 handler, 1);
  };
  add("add", [](Group &group) {
    reduce<uint32_t>(group, [](auto a, auto b) { return a + b; });
  });
  add("and", [](Group &group) {
    reduce<uint32_t>(group, [](auto a, auto b) { return a & b; });
  });
  add("or", [](Group &group) {
    reduce<uint32_t>(group, [](auto a, auto b) { return a | b; });
  });
  add("xor", [](Group &group) {
    reduce<uint32_t>(group, [](auto a, auto b) { return a ^ b; });
  });
  add("umin", [](Group &group) {
    reduce<uint32_t>(group, [](auto a, auto b) { return std::min(a, b); });
  });
  add("umax", [](Group &group) {
    reduce<uint32_t>(group, [](auto a, auto b) { return std::max(a, b); });
  });
  add("min", [](Group &group) {
    reduce<int32_t>(group, [](auto a, auto b) { return std::min(a, b); });
  });
  add("max", [](Group &group) {
    reduce<int32_t>(group, [](auto a, auto b) { return std::max(a, b); });
  });
  add("fmin", [](Group &group) {
    reduce<float>(group, [](auto a, auto b) { return std::fmin(a, b); });
  });
  add("fmax", [](Group &group) {
    reduce<float>(group, [](auto a, auto b) { return std::fmax(a, b); });
  });
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

template <Shuffle mode>
static void addShuffles(Registry &registry, const std::string &name) {
  for (const char *type : {"i32", "f32", "i32p", "f32p"})
    registry.add("llvm.nvvm.shfl.sync." + name + "." + type, Scope::WarpMask,
                 shuffle<mode>, 0);
}

void attn::emulator::addExchangeOperations(Registry &registry) {
  addShuffles<Shuffle::Up>(registry, "up");
  addShuffles<Shuffle::Down>(registry, "down");
  addShuffles<Shuffle::Butterfly>(registry, "bfly");
  addShuffles<Shuffle::Index>(registry, "idx");
  registry.add("llvm.nvvm.vote.all.sync", Scope::WarpMask, voteAll<1>, 0);
  registry.add("llvm.nvvm.vote.any.sync", Scope::WarpMask, voteAny<1>, 0);
  registry.add("llvm.nvvm.vote.uni.sync", Scope::WarpMask, voteUniform<1>, 0);
  registry.add("llvm.nvvm.vote.ballot.sync", Scope::WarpMask, voteBallot<1>, 0);
  registry.add("llvm.nvvm.vote.all", Scope::Warp, voteAll<0>);
  registry.add("llvm.nvvm.vote.any", Scope::Warp, voteAny<0>);
  registry.add("llvm.nvvm.vote.uni", Scope::Warp, voteUniform<0>);
  registry.add("llvm.nvvm.vote.ballot", Scope::Warp, voteBallot<0>);
  registry.add("llvm.nvvm.match.any.sync.i32", Scope::WarpMask, matchAny, 0);
  registry.add("llvm.nvvm.match.any.sync.i64", Scope::WarpMask, matchAny, 0);
  registry.add("llvm.nvvm.elect.sync", Scope::WarpMask, elect, 0);
  registry.add("llvm.nvvm.activemask", Scope::Thread, activeMask);
  addReductions(registry);
}
