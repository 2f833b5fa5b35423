//===- Gather.cpp - Threads that execute an operation together ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CallSite.h"

using namespace attn::emulator;

/// Runs the handler for lanes that all stand at the leader's site.
static void execute(Thread &leader, uint64_t lanes) {
  Machine &machine = *leader.machine;
  Group group(leader, lanes);
  group.forEachActive(
      [&](Thread &thread) { machine.setStatus(thread, ThreadStatus::Ready); });
  leader.site->operation->handler(group);
}

//===----------------------------------------------------------------------===//
// Warps: a mask says who takes part
//===----------------------------------------------------------------------===//

static bool standsWith(const Thread &thread, const Thread &other) {
  return other.site == thread.site && other.memberMask == thread.memberMask;
}

[[noreturn]] static void failDiverged(const Thread &thread,
                                      const Thread &other) {
  thread.machine->fail(
      thread,
      "divergent collective: " + thread.site->name + " waits for lane " +
          std::to_string(other.registers.lane) + ", which is at " +
          (other.site == thread.site ? "the same operation with another "
                                       "member mask"
                                     : other.site->name));
}

/// Executes the operation if everybody who takes part is there.
static void tryWarp(Thread &thread) {
  Warp &warp = *thread.warp;
  const bool isAligned = thread.site->operation->scope == Scope::Warp;
  if (isAligned && (thread.memberMask & warp.done))
    thread.machine->fail(thread, thread.site->name + " needs all lanes of its "
                                                     "warp, but some have "
                                                     "exited");
  const uint64_t needed = thread.memberMask & ~warp.done;
  const uint64_t there = needed & warp.gathering;
  for (uint64_t rest = there; rest; rest &= rest - 1) {
    const Thread &other = warp.threads[__builtin_ctzll(rest)];
    if (standsWith(thread, other)) {
      // Those who came before have compared themselves with each other.
      if (there != needed && &other != &thread)
        return;
      continue;
    }
    if (other.memberMask & thread.laneBit())
      failDiverged(thread, other);
    return; // it finishes something with others first
  }
  if (there == needed)
    execute(thread, needed);
}

static void arriveAtWarp(Thread &thread, uint64_t members) {
  thread.memberMask = members & thread.warp->lanes();
  if (!(thread.memberMask & thread.laneBit()))
    thread.machine->fail(thread, thread.site->name +
                                     ": the lane is not in its member mask");
  thread.machine->setStatus(thread, ThreadStatus::Gathering);
  tryWarp(thread);
}

//===----------------------------------------------------------------------===//
// Warpgroups
//===----------------------------------------------------------------------===//

static constexpr uint32_t warpgroupThreads = 128;

namespace {
/// Of a block: who of each warpgroup has arrived, and where.
struct Warpgroups : OperationState {
  struct Arrivals {
    const CallSite *site = nullptr;
    const Thread *first = nullptr;
    uint32_t count = 0;
  };
  std::vector<Arrivals> arrivals;
};
} // namespace

static void arriveAtWarpgroup(Thread &thread) {
  Block &block = *thread.block;
  Machine &machine = *thread.machine;
  const uint32_t index = thread.indexInBlock / warpgroupThreads;
  if ((index + 1) * warpgroupThreads > block.threads.size())
    machine.fail(thread, thread.site->name + " needs a warpgroup of 128 "
                                             "threads");
  std::vector<Warpgroups::Arrivals> &all = block.state<Warpgroups>().arrivals;
  all.resize(block.threads.size() / warpgroupThreads);
  Warpgroups::Arrivals &arrivals = all[index];
  if (!arrivals.count) {
    arrivals.site = thread.site;
    arrivals.first = &thread;
  } else if (arrivals.site != thread.site) {
    failDiverged(thread, *arrivals.first);
  }
  thread.memberMask = thread.warp->lanes();
  machine.setStatus(thread, ThreadStatus::Gathering);
  if (++arrivals.count < warpgroupThreads)
    return;
  arrivals.count = 0;
  for (uint32_t n = 0; n < warpgroupThreads; ++n)
    machine.setStatus(block.threads[index * warpgroupThreads + n],
                      ThreadStatus::Ready);
  Group group(thread, thread.warp->lanes());
  thread.site->operation->handler(group);
}

//===----------------------------------------------------------------------===//
// Waves: who is active is what control flow says
//===----------------------------------------------------------------------===//

/// Orders two threads of a wave as its program counter meets them: both sides
/// of a branch before what follows it, an iteration before the next one.
static int comparePositions(const Thread &lhs, const Thread &rhs) {
  const SitePosition &a = lhs.site->position;
  const SitePosition &b = rhs.site->position;
  for (size_t n = 0;; ++n) {
    const bool aHasLoop = n < a.loops.size();
    const bool bHasLoop = n < b.loops.size();
    const uint32_t aAt = aHasLoop ? a.loops[n].position : a.position;
    const uint32_t bAt = bHasLoop ? b.loops[n].position : b.position;
    if (aAt != bAt)
      return aAt < bAt ? -1 : 1;
    if (!aHasLoop || !bHasLoop)
      return 0;
    const uint32_t aTrip = lhs.registers.loopTrips[a.loops[n].loop];
    const uint32_t bTrip = rhs.registers.loopTrips[b.loops[n].loop];
    if (aTrip != bTrip)
      return aTrip < bTrip ? -1 : 1;
  }
}

/// Once no lane can run by itself, those furthest behind execute their
/// operation.
static void tryWave(Warp &warp) {
  if (warp.ready || warp.waiting || !warp.gathering)
    return;
  Thread *first = nullptr;
  uint64_t members = 0;
  for (uint64_t rest = warp.gathering; rest; rest &= rest - 1) {
    Thread &thread = warp.threads[__builtin_ctzll(rest)];
    const int compared = first ? comparePositions(thread, *first) : -1;
    if (compared < 0) {
      first = &thread;
      members = 0;
    }
    if (compared <= 0)
      members |= thread.laneBit();
  }
  execute(*first, members);
}

//===----------------------------------------------------------------------===//
// Arrival
//===----------------------------------------------------------------------===//

void attn::emulator::arrive(Thread &thread) {
  const Operation &operation = *thread.site->operation;
  ++thread.machine->statistics.operations;
  switch (operation.scope) {
  case Scope::Thread: {
    Group group(thread, thread.laneBit());
    operation.handler(group);
    break;
  }
  case Scope::Warp:
    arriveAtWarp(thread, ~uint64_t(0));
    break;
  case Scope::WarpMask:
    arriveAtWarp(thread, operand(thread, operation.maskArgument));
    break;
  case Scope::WarpGroup:
    arriveAtWarpgroup(thread);
    break;
  case Scope::Wave:
    thread.machine->setStatus(thread, ThreadStatus::Gathering);
    tryWave(*thread.warp);
    break;
  }
  if (thread.status != ThreadStatus::Ready)
    thread.machine->suspend(thread);
}

void attn::emulator::leave(Thread &thread) {
  Warp &warp = *thread.warp;
  if (warp.done == warp.lanes() && thread.block->onWarpEnd)
    thread.block->onWarpEnd(warp);
  if (!warp.gathering)
    return;
  Thread &other = warp.threads[__builtin_ctzll(warp.gathering)];
  if (other.site->operation->scope == Scope::Wave)
    tryWave(warp);
  else if (other.site->operation->scope == Scope::WarpMask)
    tryWarp(other);
}
