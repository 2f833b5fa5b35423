//===- Cluster.cpp - Clusters and proxy fences ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// The barrier of a cluster
//===----------------------------------------------------------------------===//

namespace {
/// Kept by the cluster's first block. Arrival and wait are apart; a thread
/// waits for the phase that it arrived in.
struct ClusterBarrier : OperationState, WaitPoint {
  uint64_t phase = 0;
  uint32_t arrived = 0;
  uint32_t expected = 0;
  SyncClock clock;
  SyncClock previous;
  std::vector<Thread *> waiting;

  std::string describe() const override {
    return "the barrier of the cluster, where " + std::to_string(arrived) +
           " of " + std::to_string(expected) + " threads have arrived";
  }
};

struct ClusterArrival : OperationState {
  uint64_t phase = 0;
  bool hasArrived = false;
};
} // namespace

static ClusterBarrier &clusterBarrier(Machine &machine) {
  ClusterBarrier &barrier = machine.blocks.front().state<ClusterBarrier>();
  barrier.expected = static_cast<uint32_t>(
      machine.blocks.size() * machine.blocks.front().threads.size());
  return barrier;
}

template <bool isRelaxed>
static void arriveCluster(Group &group) {
  Machine &machine = group.machine();
  ClusterBarrier &barrier = clusterBarrier(machine);
  group.forEachActive([&](Thread &thread) {
    ClusterArrival &arrival = thread.state<ClusterArrival>();
    if (arrival.hasArrived)
      machine.fail(thread,
                   thread.site->name + ": arrives twice without a wait");
    arrival = ClusterArrival();
    arrival.hasArrived = true;
    arrival.phase = barrier.phase;
    ++barrier.arrived;
    if (machine.detectsRaces() && !isRelaxed)
      machine.clocks.release(thread.actor, barrier.clock);
  });
  if (barrier.arrived < barrier.expected)
    return;
  ++barrier.phase;
  barrier.arrived = 0;
  barrier.previous = std::move(barrier.clock);
  barrier.clock.clear();
  for (Thread *thread : barrier.waiting) {
    if (machine.detectsRaces())
      machine.clocks.acquire(thread->actor, barrier.previous);
    machine.wake(*thread);
  }
  barrier.waiting.clear();
}

static void waitCluster(Group &group) {
  Machine &machine = group.machine();
  ClusterBarrier &barrier = clusterBarrier(machine);
  group.forEachActive([&](Thread &thread) {
    ClusterArrival &arrival = thread.state<ClusterArrival>();
    if (!arrival.hasArrived)
      machine.fail(thread, thread.site->name + ": waits without an arrival");
    arrival.hasArrived = false;
    if (arrival.phase != barrier.phase) {
      if (machine.detectsRaces())
        machine.clocks.acquire(thread.actor, barrier.previous);
      return;
    }
    barrier.waiting.push_back(&thread);
    machine.holdBack(thread, barrier);
  });
}

//===----------------------------------------------------------------------===//
// Addresses and fences
//===----------------------------------------------------------------------===//

/// The same offset in the window of another block.
static void mapAddress(Group &group) {
  Thread &thread = group.thread();
  const uintptr_t address = operand(thread, 0);
  const uint64_t rank = operand(thread, 1);
  Machine &machine = group.machine();
  machine.requireShared(thread, address, 0);
  if (rank >= machine.blocks.size())
    group.fail(group.site().name + ": there is no block " +
               std::to_string(rank) + " in the cluster");
  const uintptr_t mapped =
      machine.blocks[rank].sharedBase + address % SharedWindow::blockBytes;
  std::memcpy(resultBytes(thread), &mapped, group.site().results[0].bytes);
}

static void findRank(Group &group) {
  Thread &thread = group.thread();
  Block *owner = group.machine().sharedOwner(operand(thread, 0));
  setResult<uint32_t>(thread, owner ? owner->clusterRank : 0);
}

static void fenceProxy(Group &group) {
  Machine &machine = group.machine();
  if (machine.detectsRaces())
    machine.clocks.fenceProxy(group.thread().actor);
}

static void nothing(Group &) {}

void attn::emulator::addClusterOperations(Registry &registry) {
  const std::string base = "llvm.nvvm.barrier.cluster.";
  registry.add(base + "arrive", Scope::Thread, arriveCluster<false>);
  registry.add(base + "arrive.aligned", Scope::Warp, arriveCluster<false>);
  registry.add(base + "arrive.relaxed", Scope::Thread, arriveCluster<true>);
  registry.add(base + "arrive.relaxed.aligned", Scope::Warp,
               arriveCluster<true>);
  registry.add(base + "wait", Scope::Thread, waitCluster);
  registry.add(base + "wait.aligned", Scope::Warp, waitCluster);
  registry.add("llvm.nvvm.mapa", Scope::Thread, mapAddress);
  registry.add("llvm.nvvm.mapa.shared.cluster", Scope::Thread, mapAddress);
  registry.add("llvm.nvvm.getctarank", Scope::Thread, findRank);
  registry.add("llvm.nvvm.getctarank.shared.cluster", Scope::Thread, findRank);
  for (const char *name :
       {"llvm.nvvm.fence.proxy.async", "llvm.nvvm.fence.proxy.async.global",
        "llvm.nvvm.fence.proxy.async.shared_cta",
        "llvm.nvvm.fence.proxy.async.shared_cluster", "ptx:fence.proxy.async",
        "ptx:fence.proxy.async.shared::cta", "ptx:fence.proxy.async.global"})
    registry.add(name, Scope::Thread, fenceProxy);
  for (const char *name : {"llvm.nvvm.fence.mbarrier_init.release.cluster",
                           "ptx:fence.mbarrier_init"})
    registry.add(name, Scope::Thread, nothing);
}
