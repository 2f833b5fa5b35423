//===- Launch.cpp - Workers that run the blocks of a launch ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Machine.h"

#include <algorithm>
#include <thread>

using namespace attn::emulator;

void Launch::fail(std::string message) {
  std::lock_guard<std::mutex> lock(mutex);
  if (firstError.empty())
    firstError = std::move(message);
  failed.store(true, std::memory_order_relaxed);
}

void Launch::add(const Statistics &part) {
  std::lock_guard<std::mutex> lock(mutex);
  total += part;
}

bool attn::emulator::run(Launch &launch) {
  const uint64_t numClusters =
      volume(launch.grid) / volume(launch.kernel.cluster);
  uint64_t workers = launch.options.workers
                         ? launch.options.workers
                         : std::thread::hardware_concurrency();
  workers = std::max<uint64_t>(1, std::min(workers, numClusters));
  auto work = [&launch] { Machine(launch).runClusters(); };
  std::vector<std::thread> others;
  for (uint64_t n = 1; n < workers; ++n)
    others.emplace_back(work);
  work();
  for (std::thread &other : others)
    other.join();
  return !launch.hasFailed();
}
