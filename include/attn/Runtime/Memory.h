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

/// malloc: 64-byte aligned; null if there is no memory.
void *allocateMemory(size_t bytes);

/// aligned_alloc: `alignment` is a power of two; null if there is no memory.
void *allocateAlignedMemory(size_t alignment, size_t bytes);

/// free: a pointer from the two functions above, or null.
void freeMemory(void *pointer);

} // namespace attn

#endif // ATTN_RUNTIME_MEMORY_H
