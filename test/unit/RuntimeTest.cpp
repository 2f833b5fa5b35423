//===- RuntimeTest.cpp - Tests of parallel-for, memory and peaks ----------===//
//-----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Memory.h"
#include "attn/Runtime/Parallel.h"
#include "attn/Support/MachinePeak.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

using namespace attn;

namespace {
/// Counts how often each index was run.
class Counts {
public:
  explicit Counts(int64_t size)
      : size(size), counts(new std::atomic<int>[size > 0 ? size : 1]()) {}

  static void body(void *context, int64_t begin, int64_t end) {
    auto *self = static_cast<Counts *>(context);
    ASSERT_LT(begin, end);
    ASSERT_LE(end, self->size);
    for (int64_t i = begin; i < end; ++i)
      self->counts[i].fetch_add(1);
    std::lock_guard<std::mutex> lock(self->mutex);
    self->threads.insert(std::this_thread::get_id());
  }

  void run() { attn_parallel_for(size, body, this); }

  int64_t countOther(int expected) const {
    int64_t other = 0;
    for (int64_t i = 0; i < size; ++i)
      other += counts[i].load() != expected;
    return other;
  }

  const int64_t size;
  std::unique_ptr<std::atomic<int>[]> counts;
  std::mutex mutex;
  std::set<std::thread::id> threads;
};

/// Restores the settings of this thread.
struct ParallelForTest : public testing::Test {
  void TearDown() override {
    setThreadCount(0);
    setParallelFor({});
  }
};
} // namespace

TEST_F(ParallelForTest, EveryIndexExactlyOnce) {
  for (int threads : {1, 2, 3, 7, 64})
    for (int64_t count : {1, 2, 3, 15, 64, 1000, 100'003}) {
      ASSERT_TRUE(setThreadCount(threads));
      Counts counts(count);
      counts.run();
      EXPECT_EQ(counts.countOther(1), 0) << threads << " threads, " << count;
      EXPECT_LE(counts.threads.size(), static_cast<size_t>(threads));
    }
}

TEST_F(ParallelForTest, NothingForNoItems) {
  for (int64_t count : {int64_t{0}, int64_t{-1}, INT64_MIN})
    attn_parallel_for(
        count, [](void *, int64_t, int64_t) { FAIL() << "body was called"; },
        nullptr);
}

TEST_F(ParallelForTest, OneThreadRunsInTheCaller) {
  setThreadCount(1);
  Counts counts(1000);
  counts.run();
  EXPECT_EQ(counts.threads, std::set{std::this_thread::get_id()});
}

TEST_F(ParallelForTest, TwoThreadsAreTwo) {
  setThreadCount(2);
  // The first item waits for the second, so one thread alone would hang.
  struct Meeting {
    std::atomic<int> arrived{0};
  } meeting;
  attn_parallel_for(
      2,
      [](void *context, int64_t, int64_t) {
        auto &arrived = static_cast<Meeting *>(context)->arrived;
        ++arrived;
        while (arrived < 2)
          std::this_thread::yield();
      },
      &meeting);
  EXPECT_EQ(meeting.arrived, 2);
}

TEST_F(ParallelForTest, NestedCallsCoverTheirOwnItems) {
  setThreadCount(4);
  struct Nest {
    std::vector<std::unique_ptr<Counts>> inner;
  } nest;
  for (int i = 0; i < 33; ++i)
    nest.inner.push_back(std::make_unique<Counts>(100 + i));
  attn_parallel_for(
      33,
      [](void *context, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          static_cast<Nest *>(context)->inner[i]->run();
      },
      &nest);
  for (auto &counts : nest.inner) {
    EXPECT_EQ(counts->countOther(1), 0);
    EXPECT_EQ(counts->threads.size(), 1u) << "a nested call changed threads";
  }
}

TEST_F(ParallelForTest, ConcurrentCallersDoNotMix) {
  std::vector<std::thread> callers;
  std::atomic<int64_t> wrong{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([caller, &wrong] {
      setThreadCount(1 + caller);
      for (int round = 0; round < 50; ++round) {
        Counts counts(200 + caller);
        counts.run();
        wrong += counts.countOther(1);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ParallelForTest, ThreadCountIsPerCallingThreadAndChecked) {
  ASSERT_TRUE(setThreadCount(3));
  EXPECT_FALSE(setThreadCount(-1));
  EXPECT_FALSE(setThreadCount(maxThreadCount + 1));
  EXPECT_EQ(getThreadCount(), 3);
  std::thread([] {
    setThreadCount(5);
    EXPECT_EQ(getThreadCount(), 5);
  }).join();
  EXPECT_EQ(getThreadCount(), 3);
  EXPECT_TRUE(setThreadCount(0));
  EXPECT_GE(getThreadCount(), 1);
}

TEST_F(ParallelForTest, CallersOwnPoolReplacesTheDefault) {
  int calls = 0;
  auto backwards = [](void *user, int64_t count, ParallelBody body,
                      void *context) {
    ++*static_cast<int *>(user);
    for (int64_t i = count - 1; i >= 0; --i)
      body(context, i, i + 1);
  };
  EXPECT_EQ(setParallelFor({backwards, &calls}).run, nullptr);
  Counts counts(10);
  counts.run();
  EXPECT_EQ(counts.countOther(1), 0);
  EXPECT_EQ(calls, 1);
  attn_parallel_for(0, Counts::body, &counts);
  EXPECT_EQ(calls, 1) << "called for an empty list";
  EXPECT_EQ(setParallelFor({}).user, &calls);
  counts.run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(counts.countOther(2), 0);
}

TEST(MemoryTest, AlignedCountedAndFreed) {
  resetMemoryStatistics();
  MemoryStatistics before = getMemoryStatistics();
  std::vector<void *> pointers;
  for (size_t alignment : {1, 64, 128, 4096}) {
    void *pointer = allocateAlignedMemory(alignment, 100);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) %
                  std::max<size_t>(alignment, 64),
              0u);
    pointers.push_back(pointer);
  }
  EXPECT_EQ(getMemorySize(pointers.back()), 100u);
  EXPECT_EQ(getMemorySize(nullptr), 0u);
  pointers.push_back(allocateMemory(0));
  EXPECT_NE(pointers.back(), nullptr);
  MemoryStatistics during = getMemoryStatistics();
  EXPECT_EQ(during.currentBytes, before.currentBytes + 400);
  EXPECT_EQ(during.peakBytes, during.currentBytes);
  EXPECT_EQ(during.allocations, 5u);
  for (void *pointer : pointers)
    freeMemory(pointer);
  freeMemory(nullptr);
  EXPECT_EQ(getMemoryStatistics().currentBytes, before.currentBytes);
  EXPECT_EQ(getMemoryStatistics().peakBytes, during.peakBytes);
  resetMemoryStatistics();
  EXPECT_EQ(getMemoryStatistics().peakBytes, before.currentBytes);
  EXPECT_EQ(getMemoryStatistics().allocations, 0u);
}

TEST(MemoryTest, PoisonIsNaN) {
  setMemoryPoison(true);
  auto *values = static_cast<float *>(allocateMemory(8 * sizeof(float)));
  setMemoryPoison(false);
  for (int i = 0; i < 8; ++i)
    EXPECT_NE(values[i], values[i]);
  freeMemory(values);
}

TEST(MemoryTest, ScopeOwnsWhatItsThreadAllocated) {
  void *before = allocateMemory(1);
  {
    AllocationScope scope;
    void *mine = allocateMemory(1), *freed = allocateMemory(1);
    freeMemory(freed);
    void *others = nullptr;
    std::thread([&] { others = allocateMemory(1); }).join();
    EXPECT_TRUE(scope.owns(mine));
    EXPECT_FALSE(scope.owns(before));
    EXPECT_FALSE(scope.owns(others));
    EXPECT_FALSE(scope.owns(nullptr));
    EXPECT_EQ(scope.size(), 1u);
    {
      AllocationScope inner;
      EXPECT_FALSE(inner.owns(mine));
    }
    freeMemory(mine);
    freeMemory(others);
    EXPECT_EQ(scope.size(), 0u);
  }
  freeMemory(before);
}

TEST(MemoryTest, NoMemoryIsNull) {
  EXPECT_EQ(allocateMemory(SIZE_MAX), nullptr);
#ifndef __SANITIZE_ADDRESS__
  // AddressSanitizer's allocator ends the process instead.
  EXPECT_EQ(allocateMemory(SIZE_MAX / 2), nullptr);
#endif
}

TEST(MachinePeakTest, RatesAreThoseOfSomeCore) {
  MachinePeak peak = measureMachinePeak(1);
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    // From one 256-bit FMA per cycle at 0.5 GHz, shared with others, to four
    // 512-bit ones at 10 GHz.
    EXPECT_GT(peak.f32GFlops, 2);
    EXPECT_LT(peak.f32GFlops, 1280);
    EXPECT_GE(peak.vectorBits, 256);
    EXPECT_LT(peak.bf16GFlops, 8 * peak.f32GFlops);
    return;
  }
#endif
  EXPECT_EQ(peak.f32GFlops, 0) << "unknown must be 0";
  EXPECT_EQ(peak.vectorBits, 0);
}

TEST(MachinePeakTest, MoreThreadsAreNamed) {
  EXPECT_EQ(measureMachinePeak(2).threads, 2);
  EXPECT_EQ(measureMachinePeak(0).threads, 1);
}

TEST(MachinePeakTest, AllWordsAreRead) {
  // Whole groups of 256 bytes: 11 of them, and some more.
  std::vector<uint64_t> words(11 * 32 + 5);
  for (size_t i = 0; i < words.size(); ++i)
    words[i] = i < 11 * 32 ? i * i : 1 << 30;
  uint64_t expected =
      std::accumulate(words.begin(), words.end() - 5, uint64_t(0));
  EXPECT_EQ(sumWords(words.data(), words.size() * sizeof(uint64_t)), expected);
  EXPECT_EQ(sumWords(nullptr, 0), 0u);
}
