//===- Barrier.cpp - Barriers of a block, whole and named -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A barrier orders those who arrive before those it releases, and nobody else:
// threads of the block that take no part stay unordered.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

using namespace attn::emulator;

namespace {
enum class Reduction : uint8_t { None, And, Or, Count };

struct Barrier : WaitPoint {
  uint32_t number = 0;
  uint32_t expected = 0;
  uint32_t arrived = 0;
  uint32_t votes = 0;
  uint32_t voters = 0;
  Reduction reduction = Reduction::None;
  std::vector<Thread *> waiting;
  SyncClock clock;

  std::string describe() const override {
    return "barrier " + std::to_string(number) + " where " +
           std::to_string(arrived) + " of " + std::to_string(expected) +
           " threads have arrived";
  }
};

/// The sixteen barriers of a block.
struct Barriers : OperationState {
  Barriers() {
    for (uint32_t n = 0; n < 16; ++n)
      all[n].number = n;
  }
  Barrier all[16];
};

/// Where the operands of one form of barrier are; -1 if it has none.
struct Form {
  int count = -1;
  int predicate = -1;
  bool waits = true;
  Reduction reduction = Reduction::None;
};
} // namespace

static Barrier &barrierOf(Group &group, const Form &form, uint32_t &count) {
  const Thread &thread = group.thread();
  const CallSite &site = group.site();
  const uint64_t number = operand(thread, 0);
  // Inline assembly may leave the count out.
  const bool hasCount =
      form.count >= 0 &&
      (site.operands.empty() || size_t(form.count) < site.operands.size());
  const uint64_t numThreads = group.block().threads.size();
  count = static_cast<uint32_t>(hasCount ? operand(thread, form.count)
                                         : numThreads);
  group.forEachActive([&](Thread &other) {
    if (operand(other, 0) != number ||
        (hasCount && operand(other, form.count) != count))
      group.fail(site.name + ": the lanes of a warp name different barriers");
  });
  if (number >= 16)
    group.fail(site.name + ": there is no barrier " + std::to_string(number));
  if (count == 0 || count > numThreads || count % 32 != 0)
    group.fail(site.name + ": " + std::to_string(count) +
               " threads is not a multiple of a warp within the block");
  return group.block().state<Barriers>().all[number];
}

static void complete(Barrier &barrier, Machine &machine) {
  for (Thread *thread : barrier.waiting) {
    if (machine.detectsRaces())
      machine.clocks.adopt(thread->actor, barrier.clock);
    switch (barrier.reduction) {
    case Reduction::None:
      break;
    case Reduction::And:
      setResult<uint8_t>(*thread, barrier.votes == barrier.voters);
      break;
    case Reduction::Or:
      setResult<uint8_t>(*thread, barrier.votes != 0);
      break;
    case Reduction::Count:
      setResult<uint32_t>(*thread, barrier.votes);
      break;
    }
    machine.wake(*thread);
  }
  barrier.waiting.clear();
  barrier.clock.clear();
  barrier.arrived = barrier.votes = barrier.voters = 0;
}

static void arriveAtBarrier(Group &group, const Form &form) {
  uint32_t count;
  Barrier &barrier = barrierOf(group, form, count);
  Machine &machine = group.machine();
  if (barrier.arrived == 0) {
    barrier.expected = count;
    barrier.reduction = form.reduction;
  } else if (barrier.expected != count) {
    group.fail(group.site().name + ": barrier " +
               std::to_string(barrier.number) + " is used with " +
               std::to_string(count) + " and with " +
               std::to_string(barrier.expected) + " threads");
  } else if (barrier.reduction != form.reduction && form.waits) {
    group.fail(group.site().name + ": barrier " +
               std::to_string(barrier.number) +
               " is used with different reductions");
  }
  group.forEachActive([&](Thread &thread) {
    if (machine.detectsRaces())
      machine.clocks.release(thread.actor, barrier.clock);
    ++barrier.arrived;
    if (form.predicate >= 0) {
      ++barrier.voters;
      barrier.votes += operand(thread, form.predicate) & 1;
    }
    if (!form.waits)
      return;
    barrier.waiting.push_back(&thread);
    machine.holdBack(thread, barrier);
  });
  if (barrier.arrived > barrier.expected)
    group.fail(group.site().name + ": more threads than expected arrive at " +
               barrier.describe());
  if (barrier.arrived == barrier.expected)
    complete(barrier, machine);
}

template <int count>
static void sync(Group &group) {
  arriveAtBarrier(group, {count});
}
static void arriveOnly(Group &group) { arriveAtBarrier(group, {1, -1, false}); }
template <Reduction reduction>
static void reduceAll(Group &group) {
  arriveAtBarrier(group, {-1, 1, true, reduction});
}
template <Reduction reduction>
static void reduceCount(Group &group) {
  arriveAtBarrier(group, {1, 2, true, reduction});
}

/// Orders the lanes of its mask.
static void syncWarp(Group &group) {
  Machine &machine = group.machine();
  if (!machine.detectsRaces())
    return;
  SyncClock clock;
  group.forEachActive(
      [&](Thread &thread) { machine.clocks.release(thread.actor, clock); });
  group.forEachActive(
      [&](Thread &thread) { machine.clocks.adopt(thread.actor, clock); });
}

static void addReduction(Registry &registry, const char *name, Handler all,
                         Handler count) {
  const std::string base = std::string("llvm.nvvm.barrier.cta.red.") + name;
  registry.add(base + ".aligned.all", Scope::Warp, all);
  registry.add(base + ".aligned.count", Scope::Warp, count);
  registry.add(base + ".all", Scope::Thread, all);
  registry.add(base + ".count", Scope::Thread, count);
}

void attn::emulator::addBarrierOperations(Registry &registry) {
  const std::string base = "llvm.nvvm.barrier.cta.";
  registry.add(base + "sync.aligned.all", Scope::Warp, sync<-1>);
  registry.add(base + "sync.aligned.count", Scope::Warp, sync<1>);
  registry.add(base + "sync.all", Scope::Thread, sync<-1>);
  registry.add(base + "sync.count", Scope::Thread, sync<1>);
  registry.add(base + "arrive.aligned.count", Scope::Warp, arriveOnly);
  registry.add(base + "arrive.count", Scope::Thread, arriveOnly);
  for (const char *name :
       {"ptx:bar.sync", "ptx:bar.cta.sync", "ptx:barrier.sync.aligned",
        "ptx:barrier.cta.sync.aligned"})
    registry.add(name, Scope::Warp, sync<1>);
  for (const char *name :
       {"ptx:bar.arrive", "ptx:bar.cta.arrive", "ptx:barrier.arrive.aligned",
        "ptx:barrier.cta.arrive.aligned"})
    registry.add(name, Scope::Warp, arriveOnly);
  for (const char *name : {"ptx:barrier.sync", "ptx:barrier.cta.sync"})
    registry.add(name, Scope::Thread, sync<1>);
  for (const char *name : {"ptx:barrier.arrive", "ptx:barrier.cta.arrive"})
    registry.add(name, Scope::Thread, arriveOnly);
  addReduction(registry, "and", reduceAll<Reduction::And>,
               reduceCount<Reduction::And>);
  addReduction(registry, "or", reduceAll<Reduction::Or>,
               reduceCount<Reduction::Or>);
  addReduction(registry, "popc", reduceAll<Reduction::Count>,
               reduceCount<Reduction::Count>);
  registry.add("llvm.nvvm.bar.warp.sync", Scope::WarpMask, syncWarp, 0);
}
