//===- Memory.h - The memory of generated code ------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In a JIT-compiled kernel `malloc`, `aligned_alloc` and `free` are these
// functions: they count bytes, which shows that a kernel needs memory for tiles
// and not for scores, and on request fill new memory with NaN, so that a value
// that is read or returned without having been written is seen.
//
// One set of counters per process, safe to use from several threads.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_MEMORY_H
#define ATTN_RUNTIME_MEMORY_H

#include <cstddef>
#include <unordered_set>

namespace attn {

/// Bytes that generated code asked for, headers not included.
struct MemoryStatistics {
  size_t currentBytes = 0;
  /// The largest currentBytes since the last reset.
  size_t peakBytes = 0;
  /// Allocations since the last reset.
  size_t allocations = 0;
};

MemoryStatistics getMemoryStatistics();

/// Sets peakBytes to currentBytes and allocations to 0.
void resetMemoryStatistics();

/// When on, new memory is filled with the byte 0xFF: NaN in every float type.
void setMemoryPoison(bool on);

/// Is called, with the bytes asked for, when there is no memory, before null is
/// returned. Generated code does not look at what it gets, so that a program
/// which would rather end with a message than with a signal ends here. Null (as
/// at first) calls nothing.
void setAllocationFailureHandler(void (*handler)(size_t bytes));

/// malloc: 64-byte aligned; null if there is no memory.
void *allocateMemory(size_t bytes);

/// aligned_alloc: `alignment` is a power of two; null if there is no memory.
void *allocateAlignedMemory(size_t alignment, size_t bytes);

/// free: a pointer from the two functions above, or null.
void freeMemory(void *pointer);

/// The bytes asked for when `pointer` was allocated; 0 for null.
size_t getMemorySize(const void *pointer);

/// While alive, remembers what its thread allocated and has not freed. A caller
/// of generated code learns from it which memory it was handed to free. Scopes
/// of one thread end in the reverse order of their creation.
class AllocationScope {
public:
  AllocationScope();
  ~AllocationScope();
  AllocationScope(const AllocationScope &) = delete;
  AllocationScope &operator=(const AllocationScope &) = delete;

  bool owns(const void *pointer) const { return live.count(pointer) != 0; }
  size_t size() const { return live.size(); }

private:
  friend void *allocateAlignedMemory(size_t alignment, size_t bytes);
  friend void freeMemory(void *pointer);

  std::unordered_set<const void *> live;
  AllocationScope *outer;
};

} // namespace attn

#endif // ATTN_RUNTIME_MEMORY_H
