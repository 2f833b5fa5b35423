//===- Memory.cpp - The memory of generated code --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Memory.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

using namespace attn;

namespace {
struct Counters {
  std::atomic<size_t> current{0};
  std::atomic<size_t> peak{0};
  std::atomic<size_t> allocations{0};
  std::atomic<bool> poison{false};
};

/// Lies directly before the memory handed out.
struct Header {
  void *base;
  size_t bytes;
};
} // namespace

static Counters counters;
static std::atomic<void (*)(size_t)> failureHandler{nullptr};
static thread_local AllocationScope *currentScope = nullptr;

/// A cache line, and the widest vector.
static constexpr size_t minAlignment = 64;

static void countAllocation(size_t bytes) {
  counters.allocations.fetch_add(1, std::memory_order_relaxed);
  size_t current =
      counters.current.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  size_t peak = counters.peak.load(std::memory_order_relaxed);
  while (peak < current && !counters.peak.compare_exchange_weak(
                               peak, current, std::memory_order_relaxed))
    ;
}

MemoryStatistics attn::getMemoryStatistics() {
  return {counters.current, counters.peak, counters.allocations};
}

void attn::resetMemoryStatistics() {
  counters.peak = counters.current.load();
  counters.allocations = 0;
}

void attn::setMemoryPoison(bool on) { counters.poison = on; }

void attn::setAllocationFailureHandler(void (*handler)(size_t bytes)) {
  failureHandler = handler;
}

static void *failToAllocate(size_t bytes) {
  if (void (*handler)(size_t) = failureHandler)
    handler(bytes);
  return nullptr;
}

void *attn::allocateAlignedMemory(size_t alignment, size_t bytes) {
  alignment = std::max(alignment, minAlignment);
  static_assert(sizeof(Header) <= minAlignment, "header must fit");
  if (bytes > SIZE_MAX - 2 * alignment)
    return failToAllocate(bytes);
  // aligned_alloc wants a multiple of the alignment.
  size_t padded = (bytes + 2 * alignment - 1) / alignment * alignment;
  char *base = static_cast<char *>(std::aligned_alloc(alignment, padded));
  if (!base)
    return failToAllocate(bytes);
  char *pointer = base + alignment;
  reinterpret_cast<Header *>(pointer)[-1] = {base, bytes};
  countAllocation(bytes);
  if (currentScope)
    currentScope->live.insert(pointer);
  if (counters.poison.load(std::memory_order_relaxed))
    std::memset(pointer, 0xFF, bytes);
  return pointer;
}

void *attn::allocateMemory(size_t bytes) {
  return allocateAlignedMemory(minAlignment, bytes);
}

void attn::freeMemory(void *pointer) {
  if (!pointer)
    return;
  if (currentScope)
    currentScope->live.erase(pointer);
  Header header = static_cast<Header *>(pointer)[-1];
  counters.current.fetch_sub(header.bytes, std::memory_order_relaxed);
  std::free(header.base);
}

size_t attn::getMemorySize(const void *pointer) {
  return pointer ? static_cast<const Header *>(pointer)[-1].bytes : 0;
}

AllocationScope::AllocationScope() : outer(currentScope) {
  currentScope = this;
}

AllocationScope::~AllocationScope() { currentScope = outer; }
