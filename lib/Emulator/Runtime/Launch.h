//===- Launch.h - What all workers of a launch share ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_LAUNCH_H
#define ATTN_LIB_EMULATOR_RUNTIME_LAUNCH_H

#include "GlobalTrace.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace attn::emulator {

using Dim3 = std::array<uint32_t, 3>;

inline uint64_t volume(const Dim3 &dim) {
  return uint64_t(dim[0]) * dim[1] * dim[2];
}

/// When asynchronous copies land: at once, or as late as the kernel's waits let
/// them.
enum class AsyncMode : uint8_t { Lazy, Eager };

struct MemoryRange {
  uintptr_t base = 0;
  size_t bytes = 0;
};

struct LaunchOptions {
  bool detectRaces = true;
  AsyncMode async = AsyncMode::Lazy;
  /// 0 runs warps in order; anything else permutes them.
  uint64_t seed = 0;
  /// Host threads; 0 takes one for every core.
  unsigned workers = 0;
  /// Global memory that the kernel may access, sorted. Unchecked if
  /// `boundsKnown` is false.
  std::vector<MemoryRange> ranges;
  bool boundsKnown = false;
};

struct Statistics {
  uint64_t switches = 0;
  uint64_t operations = 0;
  uint64_t checks = 0;

  void operator+=(const Statistics &other) {
    switches += other.switches;
    operations += other.operations;
    checks += other.checks;
  }
};

/// A kernel in machine code of the host.
struct KernelCode {
  void (*entry)(const void *arguments) = nullptr;
  std::string name;
  /// Shared memory that the module declares; dynamic memory begins behind it.
  size_t staticSharedBytes = 0;
  /// 32 for NVIDIA, 64 for AMD.
  unsigned warpSize = 32;
  /// The processor that the kernel was optimised for, as LLVM names it.
  std::string chip;
  /// Blocks of a cluster; all 1 without clusters.
  Dim3 cluster = {1, 1, 1};
};

struct Launch {
  KernelCode kernel;
  LaunchOptions options;
  Dim3 grid = {1, 1, 1};
  Dim3 block = {1, 1, 1};
  size_t sharedBytes = 0;
  const void *arguments = nullptr;

  /// The next cluster that no worker has taken.
  std::atomic<uint64_t> nextCluster{0};
  GlobalTrace globalTrace;

  /// Keeps the first error and makes the workers stop.
  void fail(std::string message);
  bool hasFailed() const { return failed.load(std::memory_order_relaxed); }
  const std::string &error() const { return firstError; }
  void add(const Statistics &part);
  const Statistics &statistics() const { return total; }

private:
  std::mutex mutex;
  std::atomic<bool> failed{false};
  std::string firstError;
  Statistics total;
};

/// Runs all blocks. Returns false if there is an error.
bool run(Launch &launch);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_RUNTIME_LAUNCH_H
