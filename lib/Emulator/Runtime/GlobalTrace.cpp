//===- GlobalTrace.cpp - Races on global memory between blocks ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GlobalTrace.h"

#include <algorithm>

using namespace attn::emulator;

namespace {
/// One half of a word's state.
struct Mark {
  uint32_t block = 0;
  /// One bit a byte.
  uint32_t bytes = 0;
  bool isAtomic = false;

  uint32_t pack() const { return block << 5 | uint32_t(isAtomic) << 4 | bytes; }
  static Mark unpack(uint32_t bits) {
    return {bits >> 5, bits & 15, (bits & 16) != 0};
  }
};
} // namespace

GlobalTrace::Page &GlobalTrace::page(uintptr_t number) {
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<Page> &entry = pages[number];
  if (!entry)
    entry = std::make_unique<Page>();
  return *entry;
}

void GlobalTrace::release(uintptr_t address, uint32_t block,
                          const BlockSet &acquired) {
  std::lock_guard<std::mutex> lock(mutex);
  BlockSet &blocks = released[address];
  blocks.insert(acquired.begin(), acquired.end());
  blocks.insert(block);
}

void GlobalTrace::acquire(uintptr_t address, BlockSet &acquired) {
  std::lock_guard<std::mutex> lock(mutex);
  const BlockSet &blocks = released[address];
  acquired.insert(blocks.begin(), blocks.end());
}

/// The other block of a race between `now` and what the word's state holds.
static uint32_t findRace(Mark now, AccessKind kind, Mark write, Mark read,
                         const BlockSet &acquired) {
  auto races = [&](Mark before) {
    return before.block && before.block != now.block &&
           (before.bytes & now.bytes) && !(before.isAtomic && now.isAtomic) &&
           !acquired.count(before.block);
  };
  if (races(write))
    return write.block;
  if (kind != AccessKind::Read && races(read))
    return read.block;
  return GlobalTrace::noBlock;
}

/// Remembers the latest block, and all bytes of it.
static Mark extend(Mark before, Mark now) {
  if (before.block == now.block)
    now.bytes |= before.bytes;
  return now;
}

uint32_t GlobalTrace::access(uintptr_t address, size_t bytes, AccessKind kind,
                             uint32_t block, const BlockSet &acquired) {
  const uintptr_t end = address + bytes;
  Page *current = nullptr;
  for (uintptr_t at = address; at < end;) {
    const uintptr_t word = at / wordBytes;
    const uintptr_t next = std::min(end, (word + 1) * wordBytes);
    if (!current || word % pageWords == 0)
      current = &page(word / pageWords);
    Mark now{block, 0, kind == AccessKind::Atomic};
    for (; at < next; ++at)
      now.bytes |= 1u << at % wordBytes;
    std::atomic<uint64_t> &state = current->words[word % pageWords];
    uint64_t before = state.load(std::memory_order_relaxed);
    for (;;) {
      Mark write = Mark::unpack(static_cast<uint32_t>(before >> 32));
      Mark read = Mark::unpack(static_cast<uint32_t>(before));
      if (uint32_t other = findRace(now, kind, write, read, acquired))
        return other;
      (kind == AccessKind::Read ? read : write) =
          extend(kind == AccessKind::Read ? read : write, now);
      const uint64_t after = uint64_t(write.pack()) << 32 | read.pack();
      if (after == before ||
          state.compare_exchange_weak(before, after, std::memory_order_relaxed))
        break;
    }
  }
  return noBlock;
}
