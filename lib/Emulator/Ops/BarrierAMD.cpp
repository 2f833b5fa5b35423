//===- BarrierAMD.cpp - s_barrier and hints to the scheduler --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// s_barrier counts the waves that arrive, wherever they stand. It does not wait
// for memory: what it orders is what a wave did before its last fence or wait
// for the LDS.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

using namespace attn::emulator;

namespace {
struct WaveBarrier : OperationState, WaitPoint {
  std::vector<Thread *> waiting;
  uint32_t arrivedWaves = 0;
  SyncClock clock;

  std::string describe() const override {
    return "s_barrier where " + std::to_string(arrivedWaves) +
           " waves have arrived";
  }
};
} // namespace

static uint32_t countLiveWaves(const Block &block) {
  uint32_t live = 0;
  for (const Warp &warp : block.warps)
    live += warp.done != warp.lanes();
  return live;
}

static void complete(WaveBarrier &barrier, Machine &machine) {
  const Warp *last = nullptr;
  for (Thread *thread : barrier.waiting) {
    // The lanes of a wave are one actor, and stand one after the other.
    if (machine.detectsRaces() && thread->warp != last)
      machine.clocks.acquire(thread->actor, barrier.clock);
    last = thread->warp;
    machine.wake(*thread);
  }
  barrier.waiting.clear();
  barrier.clock.clear();
  barrier.arrivedWaves = 0;
}

static void arriveAtBarrier(Group &group) {
  Machine &machine = group.machine();
  WaveBarrier &barrier = group.block().state<WaveBarrier>();
  if (machine.detectsRaces() && group.warp().published.known)
    machine.clocks.release(group.warp().published, group.warp().published.self,
                           barrier.clock);
  ++barrier.arrivedWaves;
  group.forEachActive([&](Thread &thread) {
    barrier.waiting.push_back(&thread);
    machine.holdBack(thread, barrier);
  });
  if (barrier.arrivedWaves == countLiveWaves(group.block()))
    complete(barrier, machine);
}

static void nothing(Group &) {}

void attn::emulator::addBarrierOperationsAMD(Registry &registry) {
  const std::string base = "llvm.amdgcn.";
  registry.add(base + "s.barrier", Scope::Wave, arriveAtBarrier);
  for (const char *name :
       {"wave.barrier", "sched.barrier", "sched.group.barrier", "iglp.opt",
        "s.setprio", "s.sleep", "s.nop"})
    registry.add(base + name, Scope::Thread, nothing);
}
