//===- Mbarrier.cpp - mbarrier objects in shared memory -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Waits are potentially blocking: a try_wait blocks until the phase is over. If
// nothing else can run it gives up with "not yet", as after its time limit; if
// all of them do so twice without any progress between, it is a deadlock.
//
//===----------------------------------------------------------------------===//

#include "Mbarrier.h"
#include "AsyncCopy.h"
#include "Registry.h"

#include <map>

using namespace attn::emulator;

static constexpr uint32_t objectBytes = 8;

namespace {
struct Mbarriers : OperationState {
  std::map<uintptr_t, Mbarrier> all;
  bool isWatched = false;
};
} // namespace

std::string Mbarrier::describe() const {
  return "the mbarrier at offset " + std::to_string(address % (1 << 18)) +
         ", phase " + std::to_string(phase % 2) + ": " +
         std::to_string(pending) + " of " + std::to_string(expected) +
         " arrivals and " + std::to_string(bytes) + " bytes are missing";
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

static void touch(Thread &thread, uintptr_t address, AccessKind kind) {
  AccessSite site;
  site.description = "an mbarrier";
  site.bytes = site.alignment = objectBytes;
  site.kind = kind;
  site.isObject = true;
  thread.machine->requireShared(thread, address, objectBytes);
  thread.machine->checkAccess(thread, address, site);
}

Mbarrier &attn::emulator::mbarrierAt(Thread &thread, uintptr_t address) {
  Machine &machine = *thread.machine;
  machine.requireShared(thread, address, objectBytes);
  std::map<uintptr_t, Mbarrier> &all =
      machine.sharedOwner(address)->state<Mbarriers>().all;
  auto found = all.find(address);
  if (found == all.end())
    machine.fail(thread, thread.site->name +
                             ": there is no mbarrier at offset " +
                             std::to_string(address % (1 << 18)));
  return found->second;
}

static Mbarrier &useBarrier(Thread &thread, uintptr_t address) {
  Mbarrier &barrier = mbarrierAt(thread, address);
  touch(thread, address, AccessKind::Atomic);
  return barrier;
}

static void initialise(Group &group) {
  Thread &thread = group.thread();
  if (!isEnabled(thread))
    return;
  const uintptr_t address = operand(thread, 0);
  touch(thread, address, AccessKind::Write);
  Mbarrier barrier;
  barrier.address = address;
  barrier.expected = barrier.pending =
      static_cast<uint32_t>(operand(thread, 1));
  group.machine().sharedOwner(address)->state<Mbarriers>().all[address] =
      std::move(barrier);
}

static void invalidate(Group &group) {
  const uintptr_t address = operand(group.thread(), 0);
  useBarrier(group.thread(), address);
  group.machine().sharedOwner(address)->state<Mbarriers>().all.erase(address);
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

static void finishWait(Mbarrier &barrier, const Mbarrier::Waiter &waiter,
                       bool isDone) {
  Machine &machine = *waiter.thread->machine;
  *waiter.isDone = isDone;
  if (isDone && machine.detectsRaces())
    machine.clocks.acquire(waiter.thread->actor, barrier.previous);
  machine.wake(*waiter.thread);
}

static void completeIfAll(Mbarrier &barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.previous = std::move(barrier.current);
  barrier.current.clear();
  std::vector<Mbarrier::Waiter> waiters = std::move(barrier.waiters);
  barrier.waiters.clear();
  for (const Mbarrier::Waiter &waiter : waiters)
    finishWait(barrier, waiter, true);
}

static void countArrivals(Thread &thread, Mbarrier &barrier, uint64_t count) {
  if (count > barrier.pending)
    thread.machine->fail(thread, thread.site->name +
                                     ": more arrivals than expected at " +
                                     barrier.describe());
  barrier.pending -= static_cast<uint32_t>(count);
}

static void arriveWith(Thread &thread, uint64_t bytes, uint64_t count,
                       bool isDropped) {
  Machine &machine = *thread.machine;
  Mbarrier &barrier = useBarrier(thread, operand(thread, 0));
  ++machine.progress;
  if (machine.detectsRaces())
    machine.clocks.release(thread.actor, barrier.current);
  barrier.bytes += static_cast<int64_t>(bytes);
  countArrivals(thread, barrier, count);
  const uint64_t token = barrier.phase;
  if (isDropped)
    --barrier.expected;
  completeIfAll(barrier);
  if (!thread.site->operands.empty() && !thread.site->results.empty())
    return; // tokens in inline assembly go to "_"
  if (!thread.site->results.empty())
    setResult(thread, token);
}

void attn::emulator::completeBytes(Thread &issuer, Mbarrier &barrier,
                                   uint64_t bytes, const Snapshot &issued,
                                   Epoch done) {
  Machine &machine = *issuer.machine;
  ++machine.progress;
  if (machine.detectsRaces())
    machine.clocks.release(issued, done, barrier.current);
  barrier.bytes -= static_cast<int64_t>(bytes);
  completeIfAll(barrier);
}

void attn::emulator::arriveAsync(Thread &issuer, Mbarrier &barrier,
                                 const Snapshot &issued, Epoch done) {
  Machine &machine = *issuer.machine;
  ++machine.progress;
  if (machine.detectsRaces())
    machine.clocks.release(issued, done, barrier.current);
  countArrivals(issuer, barrier, 1);
  completeIfAll(barrier);
}

//===----------------------------------------------------------------------===//
// Arrivals
//===----------------------------------------------------------------------===//

/// Inline assembly may name the token first: "state, [address], count".
static void arriveInstruction(Group &group) {
  Thread &thread = group.thread();
  if (!isEnabled(thread))
    return;
  if (thread.site->operands.size() > 2 || thread.site->operands[0].empty())
    group.fail(thread.site->name + ": unsupported form: " + thread.site->text);
  arriveWith(thread, 0,
             thread.site->operands.size() > 1 ? operand(thread, 1) : 1, false);
}
static void arriveOnce(Group &group) {
  arriveWith(group.thread(), 0, 1, false);
}
static void arriveCount(Group &group) {
  arriveWith(group.thread(), 0, operand(group.thread(), 1), false);
}
static void arriveAndDrop(Group &group) {
  arriveWith(group.thread(), 0, operand(group.thread(), 1), true);
}
static void arriveExpecting(Group &group) {
  if (isEnabled(group.thread()))
    arriveWith(group.thread(), operand(group.thread(), 1), 1, false);
}
/// "_, [address], bytes"
static void arriveExpectingInstruction(Group &group) {
  Thread &thread = group.thread();
  if (!isEnabled(thread))
    return;
  const std::vector<std::vector<AsmOperand>> &operands = thread.site->operands;
  if (operands.size() == 3 && operands[0].empty()) {
    Machine &machine = group.machine();
    Mbarrier &barrier = useBarrier(thread, operand(thread, 1));
    ++machine.progress;
    if (machine.detectsRaces())
      machine.clocks.release(thread.actor, barrier.current);
    barrier.bytes += static_cast<int64_t>(operand(thread, 2));
    countArrivals(thread, barrier, 1);
    completeIfAll(barrier);
    return;
  }
  arriveWith(thread, operand(thread, 1), 1, false);
}
static void expectBytes(Group &group) {
  Thread &thread = group.thread();
  if (isEnabled(thread))
    useBarrier(thread, operand(thread, 0)).bytes +=
        static_cast<int64_t>(operand(thread, 1));
}

/// Arrives once the copies that the thread has issued so far have landed. The
/// plain form adds the arrival to what the phase expects.
template <bool isCounted>
static void arriveAfterCopies(Group &group) {
  Thread &thread = group.thread();
  Machine &machine = group.machine();
  const uintptr_t address = operand(thread, 0);
  Mbarrier &barrier = useBarrier(thread, address);
  if (!isCounted)
    ++barrier.pending;
  commitCopies(thread);
  auto land = [&thread, address] {
    Machine &machine = *thread.machine;
    Epoch last{0, machine.engineOf(thread)};
    while (!thread.state<AsyncCopies>().committed.empty())
      last = landOldestGroup(thread);
    arriveAsync(thread, mbarrierAt(thread, address),
                machine.detectsRaces() ? machine.clocks.snapshot(thread.actor)
                                       : Snapshot(),
                last);
  };
  if (machine.isLazy())
    machine.whenStuck(thread, land);
  else
    land();
}

//===----------------------------------------------------------------------===//
// Waits
//===----------------------------------------------------------------------===//

/// Lets the waits at this block's barriers give up, unless they have just done
/// so and nothing has happened since.
static bool giveUp(Block &block) {
  bool any = false;
  Machine &machine = *block.machine;
  for (auto &[address, barrier] : block.state<Mbarriers>().all) {
    if (barrier.gaveUpAt == machine.progress)
      continue;
    std::vector<Mbarrier::Waiter> stay;
    std::vector<Mbarrier::Waiter> waiters = std::move(barrier.waiters);
    for (const Mbarrier::Waiter &waiter : waiters) {
      if (!waiter.mayGiveUp) {
        stay.push_back(waiter);
        continue;
      }
      const uint64_t progress = machine.progress;
      finishWait(barrier, waiter, false);
      machine.progress = progress; // giving up is none
      any = true;
    }
    barrier.waiters = std::move(stay);
    barrier.gaveUpAt = machine.progress;
  }
  return any;
}

static bool waitForPhase(Thread &thread, uintptr_t address, uint64_t phase) {
  Machine &machine = *thread.machine;
  Mbarrier &barrier = useBarrier(thread, address);
  if (barrier.phase != phase) {
    if (machine.detectsRaces())
      machine.clocks.acquire(thread.actor, barrier.previous);
    return true;
  }
  Block &owner = *machine.sharedOwner(address);
  Mbarriers &barriers = owner.state<Mbarriers>();
  if (!barriers.isWatched) {
    barriers.isWatched = true;
    machine.onStuck([&owner] { return giveUp(owner); });
  }
  bool isDone = false;
  barrier.waiters.push_back({&thread, phase, !thread.site->isLooped, &isDone});
  machine.wait(thread, barrier);
  return isDone;
}

/// The number of the phase that has `parity` and is running or just over.
static uint64_t phaseOfParity(Thread &thread, uintptr_t address,
                              uint64_t parity) {
  const uint64_t phase = mbarrierAt(thread, address).phase;
  return phase % 2 == parity % 2 ? phase : phase - 1;
}

static void waitParity(Group &group) {
  Thread &thread = group.thread();
  const uintptr_t address = operand(thread, 0);
  setResult<uint8_t>(
      thread, waitForPhase(thread, address,
                           phaseOfParity(thread, address, operand(thread, 1))));
}
static void waitToken(Group &group) {
  Thread &thread = group.thread();
  setResult<uint8_t>(
      thread, waitForPhase(thread, operand(thread, 0), operand(thread, 1)));
}
/// "done, [address], parity {, time}"
static void waitParityInstruction(Group &group) {
  Thread &thread = group.thread();
  const uintptr_t address = operand(thread, 1);
  const bool isDone = waitForPhase(
      thread, address, phaseOfParity(thread, address, operand(thread, 2)));
  setOperand(thread, 0, isDone);
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

static void addScoped(Registry &registry) {
  const std::string base = "llvm.nvvm.mbarrier.";
  for (const char *order : {"", "relaxed."})
    for (const char *scope : {"scope.cta.", "scope.cluster."})
      for (const char *space : {"space.cta", "space.cluster"}) {
        const std::string suffix = std::string(order) + scope + space;
        registry.add(base + "arrive." + suffix, Scope::Thread, arriveCount);
        registry.add(base + "arrive.drop." + suffix, Scope::Thread,
                     arriveAndDrop);
        registry.add(base + "arrive.expect.tx." + suffix, Scope::Thread,
                     arriveExpecting);
        registry.add(base + "expect.tx." + suffix, Scope::Thread, expectBytes);
        for (const char *wait : {"try.wait.", "test.wait.", "try.wait.tl."})
          registry.add(base + wait + suffix, Scope::Thread, waitToken);
        for (const char *wait :
             {"try.wait.parity.", "test.wait.parity.", "try.wait.parity.tl."})
          registry.add(base + wait + suffix, Scope::Thread, waitParity);
      }
}

void attn::emulator::addMbarrierOperations(Registry &registry) {
  const std::string base = "llvm.nvvm.mbarrier.";
  for (const char *space : {"", ".shared"}) {
    registry.add(base + "init" + space, Scope::Thread, initialise);
    registry.add(base + "inval" + space, Scope::Thread, invalidate);
    registry.add(base + "arrive" + space, Scope::Thread, arriveOnce);
    registry.add(base + "test.wait" + space, Scope::Thread, waitToken);
    registry.add("llvm.nvvm.cp.async.mbarrier.arrive" + std::string(space),
                 Scope::Thread, arriveAfterCopies<false>);
    registry.add("llvm.nvvm.cp.async.mbarrier.arrive.noinc" +
                     std::string(space),
                 Scope::Thread, arriveAfterCopies<true>);
  }
  addScoped(registry);
  registry.add("ptx:mbarrier.init", Scope::Thread, initialise);
  registry.add("ptx:mbarrier.inval", Scope::Thread, invalidate);
  registry.add("ptx:mbarrier.arrive", Scope::Thread, arriveInstruction);
  registry.add("ptx:mbarrier.arrive.expect_tx", Scope::Thread,
               arriveExpectingInstruction);
  registry.add("ptx:mbarrier.expect_tx", Scope::Thread, expectBytes);
  registry.add("ptx:mbarrier.try_wait.parity", Scope::Thread,
               waitParityInstruction);
  registry.add("ptx:mbarrier.test_wait.parity", Scope::Thread,
               waitParityInstruction);
  registry.add("ptx:cp.async.mbarrier.arrive.noinc", Scope::Thread,
               arriveAfterCopies<true>);
}
