//===- Bench.h - Measuring a kernel -----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_BENCH_H
#define ATTN_RUNNER_BENCH_H

#include "attn/Runner/DeviceExecution.h"
#include "attn/Runner/Problem.h"

namespace attn::runner {

/// Times of repeated calls, in seconds.
struct Times {
  double median = 0, min = 0;
  /// Between the 10 % fastest and the 10 % slowest call.
  double low = 0, high = 0;
  int calls = 0;
};

/// The order statistics of `seconds`, which is not empty.
Times summarize(std::vector<double> seconds);

/// Floating-point operations of the two matrix products over `pairs` visible
/// (row, key) pairs.
double countFlops(int64_t pairs, int64_t headDim, int64_t valueDim);

/// Measures `execution` after a warm-up and prints time, scratch memory and,
/// for a function with one attention op, GFLOP/s and the share of the peak of
/// `threads` threads measured in this process. A rate above that peak is an
/// error: then the measurement, the peak or the kernel is wrong.
llvm::Error bench(const Entry &entry, llvm::ArrayRef<Tensor> arguments,
                  Execution &execution, int threads, llvm::raw_ostream &os);

/// The same on a device, by its own clock and beside no peak.
llvm::Error benchDevice(const Entry &entry, llvm::ArrayRef<Tensor> arguments,
                        DeviceExecution &execution, llvm::raw_ostream &os);

} // namespace attn::runner

#endif // ATTN_RUNNER_BENCH_H
