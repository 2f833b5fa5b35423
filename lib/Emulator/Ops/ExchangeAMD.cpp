//===- ExchangeAMD.cpp - Operations between the lanes of an AMD wave ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lanes that execute an operation are those that control flow has active
// there; the others neither give nor take.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

#include <array>

using namespace attn::emulator;

static constexpr uint32_t waveSize = 64;
static constexpr uint32_t rowSize = 16;

namespace {
/// One 32-bit operand of all lanes; 0 where a lane is not active.
using Lanes = std::array<uint32_t, waveSize>;
} // namespace

static Lanes gather(Group &group, size_t index) {
  Lanes values{};
  group.forEachActive([&](Thread &thread) {
    values[thread.registers.lane] =
        static_cast<uint32_t>(integerArgument(thread, index));
  });
  return values;
}

//===----------------------------------------------------------------------===//
// readlane and its like
//===----------------------------------------------------------------------===//

static void copyResult(Thread &to, const Thread &from) {
  std::memcpy(resultBytes(to), argumentBytes(from, 0),
              to.site->results[0].bytes);
}

static void readFirstLane(Group &group) {
  const Thread &first =
      group.lane(static_cast<uint32_t>(__builtin_ctzll(group.activeLanes())));
  group.forEachActive([&](Thread &thread) { copyResult(thread, first); });
}

/// The lane is uniform; it may be one that is not active, whose register then
/// still holds what it had, which nobody here knows.
static void readLane(Group &group) {
  const uint32_t lane =
      static_cast<uint32_t>(integerArgument(group.thread(), 1) % waveSize);
  if (!group.isActive(lane))
    group.fail(group.site().name + " reads lane " + std::to_string(lane) +
               ", which is not active");
  group.forEachActive(
      [&](Thread &thread) { copyResult(thread, group.lane(lane)); });
}

/// value, lane, old
static void writeLane(Group &group) {
  group.forEachActive([&](Thread &thread) {
    const uint64_t lane = integerArgument(thread, 1) % waveSize;
    std::memcpy(resultBytes(thread),
                argumentBytes(thread, thread.registers.lane == lane ? 0 : 2),
                thread.site->results[0].bytes);
  });
}

static void ballot(Group &group) {
  uint64_t votes = 0;
  group.forEachActive([&](Thread &thread) {
    if (argument<uint8_t>(thread, 0) & 1)
      votes |= thread.laneBit();
  });
  group.forEachActive([&](Thread &thread) {
    std::memcpy(resultBytes(thread), &votes, thread.site->results[0].bytes);
  });
}

/// Bits of the mask below the lane, in one half of the wave, plus an addend.
template <uint32_t firstLane>
static void countBelow(Group &group) {
  Thread &thread = group.thread();
  const uint32_t lane = thread.registers.lane;
  const uint32_t below = lane <= firstLane ? 0
                         : lane - firstLane >= 32
                             ? ~uint32_t(0)
                             : (uint32_t(1) << (lane - firstLane)) - 1;
  setResult(thread, static_cast<uint32_t>(__builtin_popcount(
                        argument<uint32_t>(thread, 0) & below)) +
                        argument<uint32_t>(thread, 1));
}

//===----------------------------------------------------------------------===//
// Permutations
//===----------------------------------------------------------------------===//

/// address, value: lanes that are not active give 0.
static void pull(Group &group) {
  const Lanes values = gather(group, 1);
  group.forEachActive([&](Thread &thread) {
    setResult(thread, values[argument<uint32_t>(thread, 0) / 4 % waveSize]);
  });
}

/// The lanes say where their value goes; a later lane wins.
static void push(Group &group) {
  Lanes values{};
  group.forEachActive([&](Thread &thread) {
    values[argument<uint32_t>(thread, 0) / 4 % waveSize] =
        argument<uint32_t>(thread, 1);
  });
  group.forEachActive([&](Thread &thread) {
    setResult(thread, values[thread.registers.lane]);
  });
}

static uint32_t swizzleSource(uint32_t lane, uint32_t pattern) {
  if (pattern & 0x8000) // a permutation of four lanes
    return (lane & ~3u) | (pattern >> (2 * (lane & 3)) & 3);
  const uint32_t andMask = pattern & 31;
  const uint32_t orMask = pattern >> 5 & 31;
  const uint32_t xorMask = pattern >> 10 & 31;
  return (lane & 32) | ((((lane & 31) & andMask) | orMask) ^ xorMask);
}

static void swizzle(Group &group) {
  const Lanes values = gather(group, 0);
  group.forEachActive([&](Thread &thread) {
    setResult(thread, values[swizzleSource(thread.registers.lane,
                                           argument<uint32_t>(thread, 1))]);
  });
}

/// Odd rows of the first operand trade places with even rows of the second.
template <uint32_t rows>
static void swapRows(Group &group) {
  const Lanes first = gather(group, 0);
  const Lanes second = gather(group, 1);
  group.forEachActive([&](Thread &thread) {
    const uint32_t lane = thread.registers.lane;
    const uint32_t other = lane ^ rows;
    if (!group.isActive(other))
      group.machine().fail(thread, thread.site->name + " needs lane " +
                                       std::to_string(other) +
                                       ", which is not active");
    const bool isOdd = (lane & rows) != 0;
    setResult(thread, isOdd ? second[other] : first[lane], 0);
    setResult(thread, isOdd ? second[lane] : first[other], 1);
  });
}

static void swapHalves(Group &group) {
  const Lanes values = gather(group, 0);
  group.forEachActive([&](Thread &thread) {
    setResult(thread, values[thread.registers.lane ^ 32]);
  });
}

//===----------------------------------------------------------------------===//
// DPP
//===----------------------------------------------------------------------===//

static constexpr int32_t noSource = -1;

/// Within a row of 16 lanes: the source's place, or none.
static int32_t sourceInRow(int32_t place, uint32_t control) {
  const int32_t amount = static_cast<int32_t>(control & 15);
  auto inRow = [](int32_t at) {
    return at >= 0 && at < int32_t(rowSize) ? at : noSource;
  };
  switch (control & ~15u) {
  case 0x100:
    return inRow(place + amount);
  case 0x110:
    return inRow(place - amount);
  case 0x120:
    return (place - amount + int32_t(rowSize)) % int32_t(rowSize);
  case 0x150:
    return amount;
  default:
    return noSource;
  }
}

/// The lane that DPP control `control` reads, noSource if there is none.
static int32_t dppSource(Group &group, uint32_t lane, uint32_t control) {
  const int32_t row = static_cast<int32_t>(lane / rowSize * rowSize);
  const int32_t place = static_cast<int32_t>(lane % rowSize);
  if (control < 0x100) // a permutation of four lanes
    return static_cast<int32_t>((lane & ~3u) | (control >> 2 * (lane & 3) & 3));
  switch (control) {
  case 0x130:
    return lane == 63 ? noSource : static_cast<int32_t>(lane + 1);
  case 0x134:
    return static_cast<int32_t>((lane + 1) % waveSize);
  case 0x138:
    return lane == 0 ? noSource : static_cast<int32_t>(lane - 1);
  case 0x13C:
    return static_cast<int32_t>((lane + 63) % waveSize);
  case 0x140:
    return row + 15 - place;
  case 0x141:
    return row + (place & 8) + 7 - (place & 7);
  case 0x142: // lane 15 of each row, to the next one
    return row == 0 ? noSource : row - 1;
  case 0x143: // lane 31, to the upper half
    return lane < 32 ? noSource : 31;
  }
  if (control > 0x160 || control == 0x100 || control == 0x110 ||
      control == 0x120 || (control >= 0x130 && control < 0x150))
    group.fail(group.site().name + ": unsupported DPP control " +
               std::to_string(control));
  const int32_t source = sourceInRow(place, control);
  return source == noSource ? noSource : row + source;
}

/// (old,) source, control, row mask, bank mask, bound control
template <bool hasOld>
static void dpp(Group &group) {
  constexpr size_t first = hasOld ? 1 : 0;
  const Lanes values = gather(group, first);
  group.forEachActive([&](Thread &thread) {
    const uint32_t lane = thread.registers.lane;
    const uint32_t old = hasOld ? argument<uint32_t>(thread, 0) : 0;
    auto operand = [&](size_t index) {
      return static_cast<uint32_t>(integerArgument(thread, first + index));
    };
    const bool isWritten = (operand(2) >> lane / rowSize & 1) &&
                           (operand(3) >> lane % rowSize / 4 & 1);
    const int32_t source = dppSource(group, lane, operand(1));
    const bool isValid =
        source != noSource && group.isActive(static_cast<uint32_t>(source));
    uint32_t result = old;
    if (isWritten && isValid)
      result = values[static_cast<uint32_t>(source)];
    else if (isWritten && (operand(4) & 1))
      result = 0;
    setResult(thread, result);
  });
}

void attn::emulator::addExchangeOperationsAMD(Registry &registry) {
  auto add = [&](const char *name, Handler handler) {
    registry.add(std::string("llvm.amdgcn.") + name, Scope::Wave, handler);
  };
  add("readfirstlane", readFirstLane);
  add("readlane", readLane);
  add("writelane", writeLane);
  add("ballot", ballot);
  add("ds.bpermute", pull);
  add("ds.permute", push);
  add("ds.swizzle", swizzle);
  add("permlane16.swap", swapRows<16>);
  add("permlane32.swap", swapRows<32>);
  add("permlane64", swapHalves);
  add("mov.dpp", dpp<false>);
  add("update.dpp", dpp<true>);
  registry.add("llvm.amdgcn.mbcnt.lo", Scope::Thread, countBelow<0>);
  registry.add("llvm.amdgcn.mbcnt.hi", Scope::Thread, countBelow<32>);
}
