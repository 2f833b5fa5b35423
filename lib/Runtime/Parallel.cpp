//===- Parallel.cpp - The parallel-for behind generated code --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Parallel.h"

#include <algorithm>
#include <atomic>
#include <omp.h>
#include <utility>

using namespace attn;

namespace {
struct ThreadSettings {
  ParallelFor parallelFor;
  int threadCount = 0;
};

/// One work list being drained by a team of threads.
struct WorkList {
  WorkList(int64_t count, int64_t chunk, ParallelBody body, void *context)
      : count(count), chunk(chunk), body(body), context(context) {}

  /// Takes chunks until none is left. Handing them out in order on demand
  /// balances items of unequal cost (causal rows) and keeps neighbours, which
  /// share K and V, close in time.
  void drain() {
    for (;;) {
      int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count)
        return;
      body(context, begin, std::min(begin + chunk, count));
    }
  }

  std::atomic<int64_t> next{0};
  const int64_t count, chunk;
  const ParallelBody body;
  void *const context;
};
} // namespace

static thread_local ThreadSettings settings;

/// The largest chunk: long enough that the shared counter costs nothing even
/// for items of a microsecond.
static constexpr int64_t maxChunk = 16;

/// At the end of the list a thread waits for at most one chunk of another:
/// with 32 chunks per thread that is about 1.5 % of the time on average.
static constexpr int64_t chunksPerThread = 32;

bool attn::setThreadCount(int count) {
  if (count < 0 || count > maxThreadCount)
    return false;
  settings.threadCount = count;
  return true;
}

int attn::getThreadCount() {
  if (settings.threadCount > 0)
    return settings.threadCount;
  return std::clamp(omp_get_num_procs(), 1, maxThreadCount);
}

ParallelFor attn::setParallelFor(ParallelFor parallelFor) {
  return std::exchange(settings.parallelFor, parallelFor);
}

static void runDefault(int64_t count, ParallelBody body, void *context) {
  // Asking how many processors there are is a system call.
  if (count == 1)
    return body(context, 0, count);
  int threads = static_cast<int>(std::min<int64_t>(getThreadCount(), count));
  if (threads == 1 || omp_in_parallel())
    return body(context, 0, count);

  int64_t chunk =
      std::clamp<int64_t>(count / (threads * chunksPerThread), 1, maxChunk);
  WorkList work(count, chunk, body, context);
#pragma omp parallel num_threads(threads)
  work.drain();
}

extern "C" void attn_parallel_for(int64_t count,
                                  void (*body)(void *context, int64_t begin,
                                               int64_t end),
                                  void *context) {
  if (count <= 0)
    return;
  if (settings.parallelFor.run)
    return settings.parallelFor.run(settings.parallelFor.user, count, body,
                                    context);
  runDefault(count, body, context);
}
