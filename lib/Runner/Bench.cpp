//===- Bench.cpp - Measuring a kernel -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Bench.h"

#include "attn/Compiler/Diagnostics.h"
#include "attn/Runtime/Parallel.h"
#include "attn/Support/MachinePeak.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <atomic>
#include <chrono>

using namespace llvm;
using namespace attn;
using namespace attn::runner;

using Clock = std::chrono::steady_clock;

/// Calls before measuring go on for this long: the clock of the CPU settles,
/// pages and caches fill, threads wake.
static constexpr double warmUpSeconds = 0.1;
/// Measuring goes on until both are reached, or the last one is.
static constexpr double measureSeconds = 1.0;
static constexpr int minCalls = 11;
static constexpr double maxSeconds = 30.0;
static constexpr int maxCalls = 100'000;

/// Below this many flops per byte of input and output, memory is the limit and
/// its rate is printed too.
static constexpr double memoryBoundIntensity = 20;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Times runner::summarize(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  size_t count = seconds.size();
  Times times;
  times.calls = static_cast<int>(count);
  times.min = seconds.front();
  times.median = (seconds[(count - 1) / 2] + seconds[count / 2]) / 2;
  times.low = seconds[(count - 1) / 10];
  times.high = seconds[count - 1 - (count - 1) / 10];
  return times;
}

double runner::countFlops(int64_t pairs, int64_t headDim, int64_t valueDim) {
  return 2.0 * static_cast<double>(pairs) *
         static_cast<double>(headDim + valueDim);
}

static Expected<Times> measure(Execution &execution) {
  auto start = Clock::now();
  do {
    if (auto warmUp = execution.time(); !warmUp)
      return warmUp.takeError();
  } while (secondsSince(start) < warmUpSeconds);

  std::vector<double> seconds;
  start = Clock::now();
  for (;;) {
    auto callSeconds = execution.time();
    if (!callSeconds)
      return callSeconds.takeError();
    seconds.push_back(*callSeconds);
    double elapsed = secondsSince(start);
    int calls = static_cast<int>(seconds.size());
    if ((calls >= minCalls && elapsed >= measureSeconds) ||
        elapsed >= maxSeconds || calls >= maxCalls)
      return summarize(std::move(seconds));
  }
}

static bool usesBf16Products(AttentionOp op) {
  return op.getQType().getElementType().isBF16() &&
         op.getKType().getElementType().isBF16();
}

namespace {
/// All arrays, each once, in pieces: what must at least cross the memory bus
/// when nothing is in cache.
struct Memory {
  Memory(ArrayRef<Tensor> arguments, const Execution &execution) {
    for (const Tensor &argument : arguments)
      add(argument.view(), argument.numBytes());
    for (const TensorView &result : execution.getResults())
      add(result, result.isContiguous() ? SIZE_MAX : 0);
  }

  /// A view may repeat elements of a smaller array.
  void add(const TensorView &view, size_t arrayBytes) {
    size_t size = std::min<size_t>(arrayBytes,
                                   view.numElements() * byteSize(view.type()));
    bytes += size;
    const char *data = static_cast<const char *>(view.data());
    for (; size > 0; size -= pieces.back().size(), data += pieces.back().size())
      pieces.push_back({data, std::min(size, pieceBytes)});
  }

  /// Reads all pieces by the threads that run kernels.
  void read() const {
    attn_parallel_for(
        static_cast<int64_t>(pieces.size()),
        [](void *context, int64_t begin, int64_t end) {
          auto &memory = *static_cast<const Memory *>(context);
          uint64_t sum = 0;
          for (StringRef piece :
               ArrayRef(memory.pieces).slice(begin, end - begin))
            sum += sumWords(piece.data(), piece.size());
          memory.sum += sum;
        },
        const_cast<Memory *>(this));
  }

  static constexpr size_t pieceBytes = 1 << 20;
  std::vector<StringRef> pieces;
  size_t bytes = 0;
  mutable std::atomic<uint64_t> sum{0};
};
} // namespace

/// Compares a kernel that memory limits with a loop that only reads its arrays.
/// They take turns, so that what else the machine does slows both.
static void benchMemory(ArrayRef<Tensor> arguments, Execution &execution,
                        raw_ostream &os) {
  std::vector<double> calls, reads;
  double bytes = 0;
  auto start = Clock::now();
  do {
    auto callStart = Clock::now();
    execution.call();
    calls.push_back(secondsSince(callStart));
    // The results of this call are among the arrays.
    Memory memory(arguments, execution);
    bytes = static_cast<double>(memory.bytes);
    auto readStart = Clock::now();
    memory.read();
    reads.push_back(secondsSince(readStart));
  } while (secondsSince(start) < measureSeconds ||
           (calls.size() < minCalls && secondsSince(start) < maxSeconds));
  Times call = summarize(std::move(calls)), read = summarize(std::move(reads));
  os << format("bench: %.1f GB/s (best %.1f) of arrays, %.0f %% (best %.0f %%) "
               "of reading them in turns with it, %.1f (best %.1f)\n",
               bytes / call.median * 1e-9, bytes / call.min * 1e-9,
               100 * read.median / call.median, 100 * read.min / call.min,
               bytes / read.median * 1e-9, bytes / read.min * 1e-9);
}

/// The larger of two measurements, one before and one after the kernel's: a
/// disturbed one must not make a kernel look better than the machine.
static MachinePeak best(const MachinePeak &lhs, const MachinePeak &rhs) {
  MachinePeak result = lhs;
  result.f32GFlops = std::max(lhs.f32GFlops, rhs.f32GFlops);
  result.bf16GFlops = std::max(lhs.bf16GFlops, rhs.bf16GFlops);
  result.vectorBits = std::max(lhs.vectorBits, rhs.vectorBits);
  return result;
}

static void printTimes(const Times &times, const Execution &execution,
                       raw_ostream &os) {
  os << format("bench: median %.3f ms, min %.3f ms, 10..90 %% %.3f..%.3f ms, "
               "%d calls\n",
               times.median * 1e3, times.min * 1e3, times.low * 1e3,
               times.high * 1e3, times.calls);
  os << format("bench: scratch memory %.1f KiB\n",
               execution.getPeakScratchBytes() / 1024.0);
}

Error runner::bench(const Entry &entry, ArrayRef<Tensor> arguments,
                    Execution &execution, int threads, raw_ostream &os) {
  MachinePeak before = measureMachinePeak(threads);
  auto measured = measure(execution);
  if (!measured)
    return measured.takeError();
  Times times = *measured;
  MachinePeak peak = best(before, measureMachinePeak(threads));
  printTimes(times, execution, os);

  if (entry.attentions.size() != 1)
    return Error::success();
  AttentionOp op = entry.attentions.front();
  auto bound = bindProblem(op, arguments);
  if (!bound) {
    os << "bench: no GFLOP/s: " << toString(bound.takeError()) << "\n";
    return Error::success();
  }
  double flops = countFlops(countVisiblePairs(*bound), op.getHeadDim(),
                            op.getValueHeadDim());
  double rate = flops / times.median * 1e-9,
         bestRate = flops / times.min * 1e-9;
  bool bf16 = usesBf16Products(op) && peak.bf16GFlops > 0;
  double ceiling = bf16 ? peak.bf16GFlops : peak.f32GFlops;
  const char *plural = threads == 1 ? "" : "s";
  os << format("bench: %.1f GFLOP/s (best %.1f), %d thread%s", rate, bestRate,
               threads, plural);
  if (ceiling > 0)
    os << format(", %.1f %% (best %.1f %%) of the measured peak %.1f (%s, %d "
                 "bits)",
                 100 * rate / ceiling, 100 * bestRate / ceiling, ceiling,
                 bf16 ? "vdpbf16ps" : "f32 FMA", bf16 ? 512 : peak.vectorBits);
  os << "\n";

  double bytes = static_cast<double>(Memory(arguments, execution).bytes);
  if (flops < memoryBoundIntensity * bytes && bytes > 0)
    benchMemory(arguments, execution, os);
  if (ceiling > 0 && bestRate > ceiling)
    return createError(
        "the kernel is faster than the measured peak of this machine (" +
        Twine(static_cast<int64_t>(bestRate)) + " > " +
        Twine(static_cast<int64_t>(ceiling)) +
        " GFLOP/s): the machine was busy during one measurement, or the kernel "
        "leaves work out");
  return Error::success();
}

Error runner::benchDevice(const Entry &entry, ArrayRef<Tensor> arguments,
                          DeviceExecution &execution, raw_ostream &os) {
  auto times = measure(execution);
  if (!times)
    return times.takeError();
  printTimes(*times, execution, os);
  os << "bench: device " << execution.getDevice().getName() << ", "
     << execution.getProgram().describe() << "\n";
  if (entry.attentions.size() != 1)
    return Error::success();
  AttentionOp op = entry.attentions.front();
  auto bound = bindProblem(op, arguments);
  if (!bound) {
    os << "bench: no GFLOP/s: " << toString(bound.takeError()) << "\n";
    return Error::success();
  }
  double flops = countFlops(countVisiblePairs(*bound), op.getHeadDim(),
                            op.getValueHeadDim());
  os << format("bench: %.1f GFLOP/s (best %.1f)\n",
               flops / times->median * 1e-9, flops / times->min * 1e-9);
  return Error::success();
}
