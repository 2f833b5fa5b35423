//===- ParallelForBench.cpp - Latency of candidates for the thread pool ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints, for two threads and 16 work items, the time of one parallel-for by
// attn_parallel_for (OpenMP), a pool of std::thread and, with -DWITH_TBB,
// oneTBB; directly after the last call and after a pause, as between two
// kernels. Not part of the build; docs/rationale/threads.md has the command.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>
#ifdef WITH_TBB
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

static constexpr int threadCount = 2;
static constexpr int64_t itemCount = 16;

/// A chain of multiplications per item: `*context` of them.
static void multiply(void *context, int64_t begin, int64_t end) {
  for (int64_t item = begin; item < end; ++item) {
    double value = 1;
    for (int i = 0, e = *static_cast<int *>(context); i < e; ++i) {
      value *= 1.0000001;
      asm volatile("" : "+m"(value));
    }
  }
}

namespace {
/// Workers that spin `spins` times for new work before they sleep.
class Pool {
public:
  explicit Pool(int spins) : spins(spins) {
    for (int i = 1; i < threadCount; ++i)
      workers.emplace_back([this] { work(); });
  }
  ~Pool() {
    publish(true);
    for (std::thread &worker : workers)
      worker.join();
  }
  void run(attn::ParallelBody newBody, void *newContext) {
    body = newBody;
    context = newContext;
    next = 0;
    active = static_cast<int>(workers.size());
    publish(false);
    drain();
    for (int i = 0; i < spins && active; ++i)
      ;
    std::unique_lock<std::mutex> lock(mutex);
    finished.wait(lock, [&] { return active == 0; });
  }

private:
  void publish(bool stopping) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stop = stopping;
      ++generation;
    }
    started.notify_all();
  }
  void drain() {
    for (int64_t i; (i = next.fetch_add(1)) < itemCount;)
      body(context, i, i + 1);
  }
  void work() {
    for (uint64_t seen = 0;;) {
      for (int i = 0; i < spins && generation == seen; ++i)
        ;
      {
        std::unique_lock<std::mutex> lock(mutex);
        started.wait(lock, [&] { return generation != seen; });
        seen = generation;
        if (stop)
          return;
      }
      drain();
      std::lock_guard<std::mutex> lock(mutex);
      if (--active == 0)
        finished.notify_one();
    }
  }

  const int spins;
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable started, finished;
  std::atomic<uint64_t> generation{0};
  std::atomic<int64_t> next{0};
  std::atomic<int> active{0};
  bool stop = false;
  attn::ParallelBody body = nullptr;
  void *context = nullptr;
};
} // namespace

template <typename Run>
static void measure(const char *name, Run run) {
  std::printf("%-24s", name);
  for (int pause : {0, 200, 5000}) {
    std::vector<double> times;
    for (int i = 0; i < 300; ++i) {
      auto resume = Clock::now() + std::chrono::microseconds(pause);
      while (Clock::now() < resume)
        ;
      auto start = Clock::now();
      run();
      times.push_back(Microseconds(Clock::now() - start).count());
    }
    std::sort(times.begin(), times.end());
    std::printf(" | %7.1f %7.1f", times[times.size() / 2],
                times[times.size() * 9 / 10]);
  }
  std::printf("\n");
}

int main() {
  attn::setThreadCount(threadCount);
  for (int work : {0, 10'000}) {
    std::printf("%lld items of %d multiplications, %d threads\n"
                "us: median, 90 %%, after a pause of: 0 | 200 us | 5 ms\n",
                static_cast<long long>(itemCount), work, threadCount);
    measure("serial", [&] { multiply(&work, 0, itemCount); });
    measure("attn_parallel_for",
            [&] { attn_parallel_for(itemCount, multiply, &work); });
    {
      Pool pool(0);
      measure("pool, sleeping", [&] { pool.run(multiply, &work); });
    }
    {
      Pool pool(10'000);
      measure("pool, 10000 spins", [&] { pool.run(multiply, &work); });
    }
#ifdef WITH_TBB
    tbb::task_arena arena(threadCount);
    measure("oneTBB", [&] {
      arena.execute([&] {
        tbb::parallel_for(
            tbb::blocked_range<int64_t>(0, itemCount, 1),
            [&](const auto &range) {
              multiply(&work, range.begin(), range.end());
            },
            tbb::simple_partitioner());
      });
    });
#endif
  }
}
