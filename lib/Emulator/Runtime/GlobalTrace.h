//===- GlobalTrace.h - Races on global memory between blocks --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Within a launch nothing orders two blocks but atomic operations. For every
// word the trace keeps one block that wrote and one that read it; a block knows
// which blocks' atomics it has acquired. Order is kept for whole blocks: what a
// block does after its release passes as done before it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_GLOBALTRACE_H
#define ATTN_LIB_EMULATOR_RUNTIME_GLOBALTRACE_H

#include "Shadow.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>

namespace attn::emulator {

/// The blocks whose released work a block has acquired.
using BlockSet = std::set<uint32_t>;

class GlobalTrace {
public:
  static constexpr uint32_t noBlock = 0;

  /// Records an access of block `block` (counted from 1) and returns the block
  /// that it races with, or noBlock.
  uint32_t access(uintptr_t address, size_t bytes, AccessKind kind,
                  uint32_t block, const BlockSet &acquired);

  /// An atomic operation that publishes what `block` did and acquired.
  void release(uintptr_t address, uint32_t block, const BlockSet &acquired);
  void acquire(uintptr_t address, BlockSet &acquired);

private:
  static constexpr size_t wordBytes = 4;
  static constexpr size_t pageWords = 1024;
  /// One word: who wrote which of its bytes, who read which, as 28 + 4 bits.
  struct Page {
    std::array<std::atomic<uint64_t>, pageWords> words{};
  };
  Page &page(uintptr_t number);

  std::mutex mutex;
  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages;
  std::unordered_map<uintptr_t, BlockSet> released;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_RUNTIME_GLOBALTRACE_H
