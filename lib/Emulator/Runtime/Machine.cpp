//===- Machine.cpp - How the threads of a cluster take turns --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "CallSite.h"

#include <algorithm>

using namespace attn::emulator;

static thread_local Thread *running = nullptr;

Thread *Machine::current() { return running; }

//===----------------------------------------------------------------------===//
// Clusters
//===----------------------------------------------------------------------===//

void Machine::runClusters() {
  if (!prepare())
    return;
  const Dim3 &cluster = launch.kernel.cluster;
  const uint64_t numClusters = volume(launch.grid) / volume(cluster);
  for (;;) {
    const uint64_t next =
        launch.nextCluster.fetch_add(1, std::memory_order_relaxed);
    if (next >= numClusters || launch.hasFailed())
      break;
    startCluster(next);
    runCluster();
    if (failed)
      break;
  }
  launch.add(statistics);
}

bool Machine::prepare() {
  const uint64_t numBlocks = volume(launch.kernel.cluster);
  const uint64_t numThreads = volume(launch.block);
  if (!window.acquire() || !stacks.reserve(numBlocks * numThreads)) {
    launch.fail("out of address space for blocks of the emulator");
    return false;
  }
  blocks = std::vector<Block>(numBlocks);
  const unsigned warpSize = launch.kernel.warpSize;
  const uint64_t numWarps = (numThreads + warpSize - 1) / warpSize;
  for (size_t n = 0; n < numBlocks; ++n) {
    blocks[n].threads = std::vector<Thread>(numThreads);
    blocks[n].warps = std::vector<Warp>(numWarps);
    blocks[n].sharedBase = window.blockBase(n);
    if (!window.open(n, launch.sharedBytes)) {
      launch.fail("shared memory of " + std::to_string(launch.sharedBytes) +
                  " bytes is more than a block can have");
      return false;
    }
  }
  // The lanes of a wave run in step, so its program order orders them all.
  const bool isWave = warpSize == 64;
  numActors =
      static_cast<uint32_t>(numBlocks * (isWave ? numWarps : numThreads));
  return true;
}

static Dim3 position(uint64_t index, const Dim3 &size) {
  return {static_cast<uint32_t>(index % size[0]),
          static_cast<uint32_t>(index / size[0] % size[1]),
          static_cast<uint32_t>(index / size[0] / size[1])};
}

static void copy(uint32_t (&to)[3], const Dim3 &from) {
  std::copy(from.begin(), from.end(), to);
}

void Machine::startCluster(uint64_t cluster) {
  const Dim3 &size = launch.kernel.cluster;
  const Dim3 count = {launch.grid[0] / size[0], launch.grid[1] / size[1],
                      launch.grid[2] / size[2]};
  if (detectsRaces())
    clocks.reset(3 * numActors);
  atomicClocks.clear();
  pending.clear();
  stuckHandlers.clear();
  order.clear();
  random.seed(launch.options.seed * 0x9E3779B97F4A7C15 + cluster);
  unfinished = 0;
  for (Block &block : blocks) {
    block.clusterRank = static_cast<uint32_t>(&block - blocks.data());
    startBlock(block, position(cluster, count), cluster);
  }
  if (launch.options.seed)
    std::shuffle(order.begin(), order.end(), random);
  cursor = order.size() - 1;
  turn = nullptr;
}

void Machine::startBlock(Block &block, const Dim3 &clusterIndex,
                         uint64_t cluster) {
  const Dim3 &size = launch.kernel.cluster;
  const Dim3 inCluster = position(block.clusterRank, size);
  ThreadRegisters common = {};
  copy(common.blockSize, launch.block);
  copy(common.gridSize, launch.grid);
  copy(common.clusterIndex, clusterIndex);
  copy(common.blockIndexInCluster, inCluster);
  copy(common.clusterSize, size);
  for (int d = 0; d < 3; ++d) {
    common.blockIndex[d] = clusterIndex[d] * size[d] + inCluster[d];
    common.clusterCount[d] = launch.grid[d] / size[d];
  }
  common.clusterRank = block.clusterRank;
  common.blocksInCluster = static_cast<uint32_t>(blocks.size());
  common.warpCount = static_cast<uint32_t>(block.warps.size());
  common.warpSize = launch.kernel.warpSize;
  common.sharedBytes = static_cast<uint32_t>(launch.sharedBytes);
  common.dynamicSharedBytes = static_cast<uint32_t>(
      launch.sharedBytes - launch.kernel.staticSharedBytes);
  common.sharedBase = block.sharedBase;
  for (Thread &thread : block.threads)
    thread.registers = common;
  block.machine = this;
  block.number =
      static_cast<uint32_t>(cluster * blocks.size()) + block.clusterRank + 1;
  block.acquiredBlocks.clear();
  block.onWarpEnd = nullptr;
  block.clearStates();
  // NaN in every float type that has one at all ones.
  std::memset(reinterpret_cast<void *>(block.sharedBase), 0xFF,
              launch.sharedBytes);
  if (detectsRaces()) {
    block.shared.reset(launch.sharedBytes);
    block.global.reset();
  }
  startThreads(block);
}

void Machine::startThreads(Block &block) {
  const unsigned warpSize = launch.kernel.warpSize;
  const uint32_t numThreads = static_cast<uint32_t>(block.threads.size());
  const bool isWave = warpSize == 64;
  for (uint32_t n = 0; n < numThreads; ++n) {
    Thread &thread = block.threads[n];
    Warp &warp = block.warps[n / warpSize];
    thread.clearStates();
    thread.machine = this;
    thread.block = &block;
    thread.warp = &warp;
    thread.indexInBlock = n;
    copy(thread.registers.threadIndex, position(n, launch.block));
    thread.registers.lane = n % warpSize;
    thread.registers.warp = n / warpSize;
    thread.actor = block.clusterRank *
                       static_cast<uint32_t>(isWave ? block.warps.size()
                                                    : block.threads.size()) +
                   (isWave ? n / warpSize : n);
    thread.hasFenced = false;
    thread.observedAtomics.clear();
    thread.status = ThreadStatus::Ready;
    thread.site = nullptr;
    thread.access = nullptr;
    thread.waitsFor = nullptr;
    thread.fiber =
        stacks.start(block.clusterRank * numThreads + n, &enterFiber);
  }
  for (Warp &warp : block.warps) {
    warp.indexInBlock = static_cast<uint32_t>(&warp - block.warps.data());
    warp.clearStates();
    warp.machine = this;
    warp.block = &block;
    warp.threads = &block.threads[size_t(warp.indexInBlock) * warpSize];
    warp.count = std::min(warpSize, numThreads - warp.indexInBlock * warpSize);
    warp.ready = warp.lanes();
    warp.done = warp.gathering = warp.waiting = 0;
    order.push_back(&warp);
  }
  unfinished += numThreads;
}

void Machine::runCluster() {
  for (;;) {
    if (Thread *next = pickNext()) {
      switchTo(host, *next);
    } else if (!unfinished) {
      break;
    } else if (!progressWhenStuck()) {
      failed = true;
      launch.fail(describeDeadlock());
    }
    if (failed)
      return;
  }
  // Copies that no one waited for still land, as they do on the device.
  while (!pending.empty() && !failed) {
    PendingWork work = std::move(pending.front());
    pending.pop_front();
    work.land();
  }
}

bool Machine::progressWhenStuck() {
  while (!pending.empty()) {
    PendingWork work = std::move(pending.front());
    pending.pop_front();
    work.land();
    if (failed || std::any_of(order.begin(), order.end(),
                              [](Warp *warp) { return warp->ready != 0; }))
      return true;
  }
  bool woke = false;
  for (const std::function<bool()> &handler : stuckHandlers)
    woke |= handler();
  return woke;
}

//===----------------------------------------------------------------------===//
// Turns
//===----------------------------------------------------------------------===//

void Machine::setStatus(Thread &thread, ThreadStatus status) {
  Warp &warp = *thread.warp;
  const uint64_t bit = thread.laneBit();
  auto set = [bit](uint64_t &mask, bool value) {
    mask = value ? mask | bit : mask & ~bit;
  };
  set(warp.ready, status == ThreadStatus::Ready);
  set(warp.gathering, status == ThreadStatus::Gathering);
  set(warp.waiting, status == ThreadStatus::Waiting);
  set(warp.done, status == ThreadStatus::Done);
  thread.status = status;
}

/// The next lane of the same warp, then the next warp: lanes mostly wait for
/// each other.
Thread *Machine::pickNext() {
  if (turn && turn->ready) {
    const uint64_t after =
        turnLane >= 63 ? 0 : turn->ready >> (turnLane + 1) << (turnLane + 1);
    turnLane =
        static_cast<uint32_t>(__builtin_ctzll(after ? after : turn->ready));
    return &turn->threads[turnLane];
  }
  if (launch.options.seed)
    cursor = random() % order.size();
  for (size_t n = 0; n < order.size(); ++n) {
    cursor = cursor + 1 < order.size() ? cursor + 1 : 0;
    if (!order[cursor]->ready)
      continue;
    turn = order[cursor];
    turnLane = static_cast<uint32_t>(__builtin_ctzll(turn->ready));
    return &turn->threads[turnLane];
  }
  return nullptr;
}

void Machine::switchTo(Fiber &from, Thread &to) {
  ++statistics.switches;
  running = &to;
  attn_emulator_switch(&from, &to.fiber);
}

void Machine::suspend(Thread &thread) {
  Thread *next = pickNext();
  if (next == &thread)
    return;
  if (next)
    switchTo(thread.fiber, *next);
  else
    attn_emulator_switch(&thread.fiber, &host);
}

void Machine::enterFiber() {
  Thread &thread = *running;
  Machine &machine = *thread.machine;
  machine.launch.kernel.entry(machine.launch.arguments);
  thread.site = nullptr;
  thread.endStates(thread);
  machine.setStatus(thread, ThreadStatus::Done);
  if (thread.warp->done == thread.warp->lanes())
    thread.warp->endStates(thread);
  --machine.unfinished;
  leave(thread);
  machine.suspend(thread);
  __builtin_unreachable();
}

void Machine::holdBack(Thread &thread, const WaitPoint &point) {
  thread.waitsFor = &point;
  setStatus(thread, ThreadStatus::Waiting);
}

void Machine::wait(Thread &thread, const WaitPoint &point) {
  holdBack(thread, point);
  suspend(thread);
}

void Machine::wake(Thread &thread) {
  ++progress;
  thread.waitsFor = nullptr;
  setStatus(thread, ThreadStatus::Ready);
}

void Machine::yield(Thread &thread) {
  // Leave the warp too: what the thread polls for may be another warp's work.
  turn = nullptr;
  suspend(thread);
}

void Machine::fail(const Thread &thread, const std::string &message) {
  failed = true;
  launch.fail(message + "\n  in " + describeThread(thread));
  // The frames of the fibers are given up as they are: this is the end of the
  // launch, and they own nothing but what the operation at hand allocated.
  if (running) {
    Fiber abandoned;
    attn_emulator_switch(&abandoned, &host);
  }
  __builtin_unreachable();
}
