//===- BarrierAMD.cpp - s_barrier, s_waitcnt and fences of a wave ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Registry.h"
#include "WaveMemory.h"

#include <cctype>
#include <optional>

using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// What compilers keep in order
//===----------------------------------------------------------------------===//

namespace {
/// LLVM takes s_barrier for no access to memory, and may move accesses across:
/// others see what a fence or a wait came behind, and what they did is known
/// behind a fence or a wait.
struct WaveOrder : OperationState {
  std::optional<Snapshot> published;
  SyncClock arrived;
};
} // namespace

static void holdAccesses(Group &group) {
  Machine &machine = group.machine();
  if (!machine.detectsRaces())
    return;
  WaveOrder &order = group.thread().warp->state<WaveOrder>();
  const ActorId actor = group.thread().actor;
  machine.clocks.acquire(actor, order.arrived);
  order.arrived.clear();
  order.published = machine.clocks.snapshot(actor);
  machine.clocks.tick(actor);
}

//===----------------------------------------------------------------------===//
// s_barrier
//===----------------------------------------------------------------------===//

namespace {
/// Counts waves that arrive, whichever s_barrier they stand at.
struct WaveBarrier : OperationState, WaitPoint {
  uint32_t arrived = 0;
  std::vector<Thread *> waiting;
  SyncClock clock;
  const Block *block = nullptr;

  std::string describe() const override {
    return "the barrier of the workgroup, where " + std::to_string(arrived) +
           " of " + std::to_string(liveWaves()) + " waves have arrived";
  }
  uint32_t liveWaves() const {
    uint32_t count = 0;
    for (const Warp &warp : block->warps)
      count += warp.done != warp.lanes();
    return count;
  }
};
} // namespace

static void completeIfAll(WaveBarrier &barrier, Machine &machine) {
  if (barrier.arrived == 0 || barrier.arrived < barrier.liveWaves())
    return;
  for (Thread *thread : barrier.waiting) {
    if (machine.detectsRaces())
      thread->warp->state<WaveOrder>().arrived = barrier.clock;
    machine.wake(*thread);
  }
  barrier.waiting.clear();
  barrier.clock.clear();
  barrier.arrived = 0;
}

static void barrier(Group &group) {
  Block &block = group.block();
  Machine &machine = group.machine();
  WaveBarrier &barrier = block.state<WaveBarrier>();
  barrier.block = &block;
  block.onWarpEnd = [&barrier](Warp &warp) {
    completeIfAll(barrier, *warp.machine);
  };
  ++barrier.arrived;
  const auto &published = group.thread().warp->state<WaveOrder>().published;
  if (published)
    machine.clocks.release(*published, published->self, barrier.clock);
  group.forEachActive([&](Thread &thread) {
    barrier.waiting.push_back(&thread);
    machine.holdBack(thread, barrier);
  });
  completeIfAll(barrier, machine);
}

//===----------------------------------------------------------------------===//
// s_waitcnt
//===----------------------------------------------------------------------===//

/// vmcnt is in bits 3:0 and 15:14, lgkmcnt in bits 11:8.
static void waitCount(Group &group) {
  const uint64_t counts = integerArgument(group.thread(), 0);
  if ((counts >> 8 & 15) == 0)
    group.machine().flushShared(group.thread());
  waitForVectorMemory(group, (counts & 15) | (counts >> 14 & 3) << 4);
  holdAccesses(group);
}

/// "s_waitcnt vmcnt(2) lgkmcnt(0)"
static void waitForCounters(Group &group, const std::string &text) {
  if (text.find("lgkmcnt(0)") != std::string::npos)
    group.machine().flushShared(group.thread());
  const std::string counter = "vmcnt(";
  const size_t at = text.find(counter);
  if (at == std::string::npos)
    return;
  uint64_t count = 0;
  for (size_t n = at + counter.size();
       n < text.size() && std::isdigit(static_cast<unsigned char>(text[n]));
       ++n)
    count = 10 * count + static_cast<uint64_t>(text[n] - '0');
  waitForVectorMemory(group, count);
}

static void waitCountText(Group &group) {
  waitForCounters(group, group.site().text);
  holdAccesses(group);
}

/// A fence at the scope of the workgroup or wider waits for the wave's memory.
static void fence(Group &group) {
  waitForVectorMemory(group, 0);
  group.machine().flushShared(group.thread());
  holdAccesses(group);
  group.forEachActive([&](Thread &thread) { group.machine().fence(thread); });
}

static void nothing(Group &) {}

void attn::emulator::addBarrierOperationsAMD(Registry &registry) {
  const std::string base = "llvm.amdgcn.";
  registry.add(base + "s.barrier", Scope::Wave, barrier);
  registry.add("amdgcn:s_barrier", Scope::Wave, barrier);
  registry.add(base + "s.waitcnt", Scope::Wave, waitCount);
  registry.add("amdgcn:s_waitcnt", Scope::Wave, waitCountText);
  registry.add("fence.amdgcn", Scope::Wave, fence);
  // The lanes of a wave run in step; here they meet.
  registry.add(base + "wave.barrier", Scope::Wave, nothing);
  registry.add("fence.amdgcn.wavefront", Scope::Wave, nothing);
  for (const char *hint : {"sched.barrier", "sched.group.barrier", "iglp.opt",
                           "s.setprio", "s.sleep", "s.nop"})
    registry.add(base + hint, Scope::Thread, nothing);
  for (const char *hint : {"s_nop", "s_setprio", "s_sleep"})
    registry.add(std::string("amdgcn:") + hint, Scope::Thread, nothing);
}
