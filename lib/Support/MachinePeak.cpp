//===- MachinePeak.cpp - What this machine can do at most -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/MachinePeak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define ATTN_PEAK_X86 1
#include <cpuid.h>
#endif

using namespace attn;

//===----------------------------------------------------------------------===//
// Instruction chains
//===----------------------------------------------------------------------===//

namespace {
/// Runs `iterations` rounds of `accumulators` independent instructions.
using Chain = void (*)(int64_t iterations);

struct Instruction {
  Chain chain;
  /// Flops of one instruction.
  int flops;
};
} // namespace

/// Instructions per round, each into an accumulator of its own: twice what
/// covers two pipes of latency 4, with two registers left for the operands of
/// a 16-register file.
static constexpr int64_t accumulators = 12;

#ifdef ATTN_PEAK_X86

#define ATTN_ROUND(op, r)                                                      \
  op " %%" r "12, %%" r "13, %%" r "0\n\t" op " %%" r "12, %%" r "13, %%" r    \
     "1\n\t" op " %%" r "12, %%" r "13, %%" r "2\n\t" op " %%" r "12, %%" r    \
     "13, %%" r "3\n\t" op " %%" r "12, %%" r "13, %%" r "4\n\t" op " %%" r    \
     "12, %%" r "13, %%" r "5\n\t" op " %%" r "12, %%" r "13, %%" r "6\n\t" op \
     " %%" r "12, %%" r "13, %%" r "7\n\t" op " %%" r "12, %%" r "13, %%" r    \
     "8\n\t" op " %%" r "12, %%" r "13, %%" r "9\n\t" op " %%" r "12, %%" r    \
     "13, %%" r "10\n\t" op " %%" r "12, %%" r "13, %%" r "11\n\t"

// All registers are zeroed first: denormals or NaN would be slow on some cores.
// The whole loop is one statement, so an unoptimised or sanitized build
// measures the same code.
#define ATTN_CHAIN(name, features, op, r)                                      \
  __attribute__((target(features))) static void name(int64_t iterations) {     \
    asm volatile("vzeroall\n\t"                                                \
                 ".p2align 6\n"                                                \
                 "1:\n\t" ATTN_ROUND(op, r) "sub $1, %0\n\t"                   \
                                            "jnz 1b\n\t"                       \
                                            "vzeroupper\n\t"                   \
                 : "+r"(iterations)                                            \
                 :                                                             \
                 : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",       \
                   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",  \
                   "xmm13", "xmm14", "xmm15");                                 \
  }

ATTN_CHAIN(fmaYmm, "avx2,fma", "vfmadd231ps", "ymm")
ATTN_CHAIN(fmaZmm, "avx512f", "vfmadd231ps", "zmm")
ATTN_CHAIN(dotBf16Zmm, "avx512f,avx512bf16", "vdpbf16ps", "zmm")

#undef ATTN_CHAIN
#undef ATTN_ROUND

/// AVX512_BF16 is bit 5 of EAX of leaf 7, subleaf 1; __builtin_cpu_supports
/// knows its name only in newer compilers.
static bool hasAvx512Bf16() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __builtin_cpu_supports("avx512f") &&
         __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 5 & 1);
}

static Instruction getFmaYmm() {
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {fmaYmm, 2 * 8};
  return {};
}
static Instruction getFmaZmm() {
  if (__builtin_cpu_supports("avx512f"))
    return {fmaZmm, 2 * 16};
  return {};
}
static Instruction getDotBf16() {
  if (hasAvx512Bf16())
    return {dotBf16Zmm, 4 * 16};
  return {};
}

#else

static Instruction getFmaYmm() { return {}; }
static Instruction getFmaZmm() { return {}; }
static Instruction getDotBf16() { return {}; }

#endif // ATTN_PEAK_X86

//===----------------------------------------------------------------------===//
// Measurement
//===----------------------------------------------------------------------===//

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Repetitions go on until there are `maxRepeats`, or for this long: on a busy
/// machine every start of all threads waits for its turn.
static constexpr double maxSeconds = 0.5;
static constexpr int minRepeats = 3;

/// Runs `work(thread)` on all threads at once, the caller being one of them,
/// several times, and returns the shortest time in seconds from the first start
/// to the last end.
static double bestParallelTime(int threads, int maxRepeats,
                               const std::function<void(int)> &work) {
  std::vector<Clock::time_point> starts(threads), ends(threads);
  std::atomic<int> arrived{0};
  std::atomic<bool> done{false};
  // Returns when all threads have arrived for the `generation`th time.
  auto meet = [&](int generation) {
    arrived.fetch_add(1);
    while (arrived.load() < threads * generation)
      std::this_thread::yield();
  };
  double best = 0;
  auto first = Clock::now();
  auto runThread = [&](int thread) {
    for (int repeat = 0;; ++repeat) {
      meet(2 * repeat + 1);
      if (done)
        return;
      starts[thread] = Clock::now();
      work(thread);
      ends[thread] = Clock::now();
      meet(2 * repeat + 2);
      if (thread != 0)
        continue;
      double time = std::chrono::duration<double>(
                        *std::max_element(ends.begin(), ends.end()) -
                        *std::min_element(starts.begin(), starts.end()))
                        .count();
      best = repeat == 0 ? time : std::min(best, time);
      // The others read this after the next meeting.
      done = repeat + 1 >= maxRepeats ||
             (repeat + 1 >= minRepeats && secondsSince(first) > maxSeconds);
    }
  };

  std::vector<std::thread> team;
  for (int thread = 1; thread < threads; ++thread)
    team.emplace_back(runThread, thread);
  runThread(0);
  for (std::thread &thread : team)
    thread.join();
  return best;
}

/// The rate of `instruction` in 1e9 flops per second, 0 if there is none.
static double measureRate(Instruction instruction, int threads) {
  if (!instruction.chain)
    return 0;
  // Rounds for about 2 ms: long against the start of the threads, short enough
  // that some run is not disturbed by other processes. The warm-up brings the
  // clock to what vector code of this width runs at.
  constexpr double runSeconds = 0.002;
  constexpr int repeats = 35;
  int64_t rounds = 100'000;
  auto start = Clock::now();
  instruction.chain(rounds);
  instruction.chain(rounds);
  double time = secondsSince(start) / 2;
  rounds = std::max<int64_t>(1, rounds * (runSeconds / time));

  double best = bestParallelTime(threads, repeats,
                                 [&](int) { instruction.chain(rounds); });
  double flops =
      static_cast<double>(instruction.flops) * accumulators * rounds * threads;
  return flops / best * 1e-9;
}

MachinePeak attn::measureMachinePeak(int threads) {
  MachinePeak peak;
  peak.threads = std::max(threads, 1);
  double ymm = measureRate(getFmaYmm(), peak.threads);
  double zmm = measureRate(getFmaZmm(), peak.threads);
  peak.f32GFlops = std::max(ymm, zmm);
  // Equal rates, as on cores with 256-bit pipes, count as the wider vector.
  peak.vectorBits = zmm > 0.95 * ymm && zmm > 0 ? 512 : ymm > 0 ? 256 : 0;
  peak.bf16GFlops = measureRate(getDotBf16(), peak.threads);
  return peak;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {
/// 64 bytes, read by one instruction where there is one.
using Line = uint64_t __attribute__((vector_size(64)));
} // namespace

/// Four independent sums keep enough lines in flight.
static constexpr size_t linesPerRound = 4;

/// Reads whole rounds of lines at `data`.
__attribute__((always_inline)) static inline void
readLines(const char *data, size_t bytes, Line (&sums)[linesPerRound]) {
  constexpr size_t round = linesPerRound * sizeof(Line);
  for (size_t at = 0; at + round <= bytes; at += round)
    for (size_t i = 0; i < linesPerRound; ++i) {
      Line line;
      std::memcpy(&line, data + at + i * sizeof(Line), sizeof(Line));
      sums[i] += line;
    }
}

#ifdef ATTN_PEAK_X86
__attribute__((target("avx512f"))) static void
readWideLines(const char *data, size_t bytes, Line (&sums)[linesPerRound]) {
  readLines(data, bytes, sums);
}
#endif

uint64_t attn::sumWords(const void *data, size_t bytes) {
  Line sums[linesPerRound] = {};
#ifdef ATTN_PEAK_X86
  if (__builtin_cpu_supports("avx512f"))
    readWideLines(static_cast<const char *>(data), bytes, sums);
  else
#endif
    readLines(static_cast<const char *>(data), bytes, sums);
  uint64_t total = 0;
  for (const Line &sum : sums)
    for (size_t lane = 0; lane < sizeof(Line) / sizeof(uint64_t); ++lane)
      total += sum[lane];
  return total;
}
