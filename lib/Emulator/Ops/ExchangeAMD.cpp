//===- ExchangeAMD.cpp - Operations between the lanes of a wave -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only the active lanes take part; what reads another lane gets a value that
// the instruction defines for it.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

#include <array>
#include <optional>

using namespace attn::emulator;

using Values = std::array<uint32_t, 64>;

static Values gatherArgument(Group &group, size_t index) {
  Values values{};
  group.forEachActive([&](Thread &thread) {
    values[thread.registers.lane] = argument<uint32_t>(thread, index);
  });
  return values;
}

//===----------------------------------------------------------------------===//
// One lane to all, all lanes to one mask
//===----------------------------------------------------------------------===//

static void broadcast(Group &group, const Thread &source) {
  std::array<char, 16> value{};
  const uint32_t bytes = group.site().arguments[0].bytes;
  if (bytes > value.size())
    group.fail(group.site().name + " of more than 16 bytes");
  std::memcpy(value.data(), argumentBytes(source, 0), bytes);
  group.forEachActive([&](Thread &thread) {
    std::memcpy(resultBytes(thread), value.data(), bytes);
  });
}

static void readFirstLane(Group &group) {
  broadcast(group, group.lane(static_cast<uint32_t>(
                       __builtin_ctzll(group.activeLanes()))));
}

static void readLane(Group &group) {
  const uint32_t lane = argument<uint32_t>(group.thread(), 1) % 64;
  if (!group.isActive(lane))
    group.fail(group.site().name + " reads lane " + std::to_string(lane) +
               ", which is not active");
  broadcast(group, group.lane(lane));
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

/// The bits of a mask below the own lane, in its lower or upper half.
template <uint32_t firstLane>
static void countBelow(Group &group) {
  const Thread &thread = group.thread();
  const uint32_t lane = thread.registers.lane;
  const uint32_t below = lane <= firstLane ? 0 : lane - firstLane;
  const uint64_t mask =
      argument<uint32_t>(thread, 0) &
      (below >= 32 ? ~uint32_t(0) : (uint32_t(1) << below) - 1);
  setResult(thread, argument<uint32_t>(thread, 1) +
                        static_cast<uint32_t>(__builtin_popcountll(mask)));
}

//===----------------------------------------------------------------------===//
// Permutations through the LDS
//===----------------------------------------------------------------------===//

/// The byte address in a lane says where its value comes from; lanes that are
/// not active give 0.
static void permuteBackward(Group &group) {
  const Values addresses = gatherArgument(group, 0);
  const Values values = gatherArgument(group, 1);
  group.forEachActive([&](Thread &thread) {
    setResult(thread, values[addresses[thread.registers.lane] / 4 % 64]);
  });
}

static void swizzle(Group &group) {
  constexpr uint32_t quadMode = 0x8000;
  const Values values = gatherArgument(group, 0);
  const uint32_t pattern = argument<uint32_t>(group.thread(), 1) & 0xFFFF;
  if (pattern >= 0xC000)
    group.fail(group.site().name + " in a mode other than bits and quads");
  group.forEachActive([&](Thread &thread) {
    const uint32_t lane = thread.registers.lane;
    const uint32_t inHalf = lane % 32;
    const uint32_t source =
        pattern & quadMode ? (inHalf & ~3U) | (pattern >> (2 * (lane & 3)) & 3)
                           : ((inHalf & (pattern & 31)) | (pattern >> 5 & 31)) ^
                                 (pattern >> 10 & 31);
    setResult(thread, values[lane - inHalf + source]);
  });
}

//===----------------------------------------------------------------------===//
// DPP and permlane
//===----------------------------------------------------------------------===//

/// The lane that a DPP control reads; none beyond the edge of a row.
static std::optional<uint32_t> dppSource(Group &group, uint32_t control,
                                         uint32_t lane) {
  const uint32_t row = lane & ~15U;
  const uint32_t inRow = lane & 15;
  const uint32_t amount = control & 15;
  auto within = [&](uint32_t source) -> std::optional<uint32_t> {
    return source < 16 ? std::optional(row + source) : std::nullopt;
  };
  if (control < 0x100) // quad_perm
    return (lane & ~3U) | (control >> (2 * (lane & 3)) & 3);
  switch (control >> 4) {
  case 0x10: // row_shl
    return within(inRow + amount);
  case 0x11: // row_shr
    return within(inRow - amount);
  case 0x12: // row_ror
    return within((inRow - amount) & 15);
  case 0x15: // row_newbcast
    return row + amount;
  default:
    break;
  }
  switch (control) {
  case 0x140: // row_mirror
    return row + 15 - inRow;
  case 0x141: // row_half_mirror
    return (lane & ~7U) + 7 - (lane & 7);
  case 0x142: // row_bcast:15
    return row ? std::optional(row - 1) : std::nullopt;
  case 0x143: // row_bcast:31
    return lane >= 32 ? std::optional(31U) : std::nullopt;
  default:
    group.fail(group.site().name + " with DPP control " +
               std::to_string(control));
  }
}

namespace {
/// Where the arguments of an intrinsic are; without `old`, lanes that read
/// nothing get 0.
struct DppForm {
  int old;
  size_t source;
};
} // namespace

static void moveData(Group &group, const DppForm &form) {
  const Values values = gatherArgument(group, form.source);
  const size_t first = form.source + 1;
  group.forEachActive([&](Thread &thread) {
    const uint32_t lane = thread.registers.lane;
    const uint32_t old =
        form.old < 0 ? 0 : argument<uint32_t>(thread, form.old);
    const uint32_t rowMask = argument<uint32_t>(thread, first + 1);
    const uint32_t bankMask = argument<uint32_t>(thread, first + 2);
    const bool boundControl = argument<uint8_t>(thread, first + 3) & 1;
    const std::optional<uint32_t> source =
        dppSource(group, argument<uint32_t>(thread, first), lane);
    const bool isMasked =
        !(rowMask >> (lane / 16) & 1) || !(bankMask >> (lane / 4 % 4) & 1);
    const bool isValid = source && group.isActive(*source);
    if (isMasked || (!isValid && !boundControl))
      setResult(thread, old);
    else
      setResult(thread, isValid ? values[*source] : 0);
  });
}

static void updateDpp(Group &group) { moveData(group, {0, 1}); }
static void moveDpp(Group &group) { moveData(group, {-1, 0}); }

/// Swaps the odd groups of `lanes` lanes of the first operand with the even
/// ones of the second.
template <uint32_t lanes>
static void swapLanes(Group &group) {
  const Values a = gatherArgument(group, 0);
  const Values b = gatherArgument(group, 1);
  group.forEachActive([&](Thread &thread) {
    const uint32_t lane = thread.registers.lane;
    const bool isOdd = lane / lanes % 2;
    setResult(thread, isOdd ? b[lane - lanes] : a[lane], 0);
    setResult(thread, isOdd ? b[lane] : a[lane + lanes], 1);
  });
}

void attn::emulator::addExchangeOperationsAMD(Registry &registry) {
  const std::string base = "llvm.amdgcn.";
  registry.add(base + "readfirstlane", Scope::Wave, readFirstLane);
  registry.add(base + "readlane", Scope::Wave, readLane);
  registry.add(base + "ballot", Scope::Wave, ballot);
  registry.add(base + "mbcnt.lo", Scope::Thread, countBelow<0>);
  registry.add(base + "mbcnt.hi", Scope::Thread, countBelow<32>);
  registry.add(base + "ds.bpermute", Scope::Wave, permuteBackward);
  registry.add(base + "ds.swizzle", Scope::Wave, swizzle);
  registry.add(base + "update.dpp", Scope::Wave, updateDpp);
  registry.add(base + "mov.dpp", Scope::Wave, moveDpp);
  registry.add(base + "permlane16.swap", Scope::Wave, swapLanes<16>);
  registry.add(base + "permlane32.swap", Scope::Wave, swapLanes<32>);
}
