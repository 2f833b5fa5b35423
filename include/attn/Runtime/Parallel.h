//===- Parallel.h - The parallel-for behind generated code ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A generated CPU kernel hands its work list to one C function. What runs it is
// a setting of the calling thread: the default (OpenMP, see
// docs/rationale/threads.md) or the caller's own pool through a callback.
//
// Work items are independent and each one is computed by exactly one call of
// the body, so results do not depend on the thread count or the order.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_PARALLEL_H
#define ATTN_RUNTIME_PARALLEL_H

#include <cstdint>

namespace attn {

/// Computes the work items [begin, end).
using ParallelBody = void (*)(void *context, int64_t begin, int64_t end);

/// A caller's own way to run a work list. `run` must cover [0, count) by calls
/// of `body(context, begin, end)` on disjoint ranges, from any threads, and
/// return when all have finished. It is not called with count <= 0.
struct ParallelFor {
  void (*run)(void *user, int64_t count, ParallelBody body,
              void *context) = nullptr;
  void *user = nullptr;
};

/// The largest accepted thread count.
inline constexpr int maxThreadCount = 1024;

/// Sets the number of threads that the default uses for calls made by the
/// calling thread; 0 means one per processor this process may run on. Returns
/// false, and changes nothing, outside [0, maxThreadCount].
bool setThreadCount(int count);

/// The number of threads in effect for the calling thread, at least 1.
int getThreadCount();

/// Replaces the default for calls made by the calling thread; a null `run`
/// restores it. Returns what was set before.
ParallelFor setParallelFor(ParallelFor parallelFor);

} // namespace attn

/// Runs `body` over the work items [0, count) and returns when all are done;
/// count <= 0 does nothing. The default runs a call made from inside a body in
/// that same thread.
extern "C" void attn_parallel_for(int64_t count,
                                  void (*body)(void *context, int64_t begin,
                                               int64_t end),
                                  void *context);

#endif // ATTN_RUNTIME_PARALLEL_H
