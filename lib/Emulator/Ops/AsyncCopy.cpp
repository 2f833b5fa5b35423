//===- AsyncCopy.cpp - cp.async and its groups ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A copy is done by an engine of the issuing thread. It reads and writes at
// some moment between its issue and the wait for its group: lazily at the wait,
// or eagerly at once; its accesses are checked with the order that it was
// issued in, and only a wait orders them before anything else.
//
//===----------------------------------------------------------------------===//

#include "AsyncCopy.h"
#include "Registry.h"

using namespace attn::emulator;

static void land(Thread &thread, const AsyncCopy &copy, Epoch epoch) {
  Machine &machine = *thread.machine;
  if (machine.detectsRaces()) {
    const AccessOrder order{machine.clocks, epoch, &copy.issued};
    if (copy.sourceBytes)
      machine.checkEngineAccess(thread, copy.source, copy.sourceBytes,
                                AccessKind::Read, order);
    machine.checkEngineAccess(thread, copy.target, copy.bytes,
                              AccessKind::Write, order);
  }
  char *target = reinterpret_cast<char *>(copy.target);
  std::memcpy(target, reinterpret_cast<const char *>(copy.source),
              copy.sourceBytes);
  std::memset(target + copy.sourceBytes, 0, copy.bytes - copy.sourceBytes);
}

static Epoch groupEpoch(Thread &thread, const AsyncCopies &copies) {
  return {copies.groupNumber, thread.machine->engineOf(thread)};
}

static void checkAlignment(Thread &thread, uintptr_t address, uint32_t bytes,
                           const char *what) {
  if (address % bytes != 0)
    thread.machine->fail(thread, thread.site->name + ": the " + what +
                                     " is not a multiple of " +
                                     std::to_string(bytes) + " bytes");
}

static void issue(Thread &thread, uint32_t bytes, uint64_t sourceBytes) {
  Machine &machine = *thread.machine;
  AsyncCopy copy;
  copy.target = operand(thread, 0);
  copy.source = operand(thread, 1);
  copy.bytes = bytes;
  copy.sourceBytes = static_cast<uint32_t>(sourceBytes);
  if (sourceBytes > bytes)
    machine.fail(thread, thread.site->name + ": the source has " +
                             std::to_string(sourceBytes) +
                             " bytes, more than "
                             "the copy");
  checkAlignment(thread, copy.target, bytes, "target");
  checkAlignment(thread, copy.source, bytes, "source");
  machine.requireShared(thread, copy.target, bytes);
  if (sourceBytes)
    machine.requireGlobal(thread, copy.source, sourceBytes);
  AsyncCopies &copies = thread.state<AsyncCopies>();
  if (machine.detectsRaces()) {
    copy.issued = machine.clocks.snapshot(thread.actor);
    machine.clocks.tick(thread.actor);
  }
  if (machine.isLazy())
    copies.open.push_back(std::move(copy));
  else
    land(thread, copy, groupEpoch(thread, copies));
}

void attn::emulator::commitCopies(Thread &thread) {
  AsyncCopies &copies = thread.state<AsyncCopies>();
  copies.committed.push_back(
      {std::move(copies.open), groupEpoch(thread, copies)});
  copies.open.clear();
  ++copies.groupNumber;
}

Epoch attn::emulator::landOldestGroup(Thread &thread) {
  AsyncCopies &copies = thread.state<AsyncCopies>();
  const AsyncCopies::CopyGroup group = std::move(copies.committed.front());
  copies.committed.pop_front();
  for (const AsyncCopy &copy : group.copies)
    land(thread, copy, group.epoch);
  return group.epoch;
}

void AsyncCopies::end(Thread &thread) {
  commitCopies(thread);
  while (!committed.empty())
    landOldestGroup(thread);
}

static void waitFor(Thread &thread, uint64_t remaining) {
  AsyncCopies &copies = thread.state<AsyncCopies>();
  Machine &machine = *thread.machine;
  Epoch last;
  while (copies.committed.size() > remaining)
    last = landOldestGroup(thread);
  if (last.clock && machine.detectsRaces())
    machine.clocks.acquire(thread.actor, last);
}

/// The copies of an open group are waited for as well.
static void waitForAll(Group &group) {
  commitCopies(group.thread());
  waitFor(group.thread(), 0);
}

template <uint32_t bytes>
static void copyWhole(Group &group) {
  issue(group.thread(), bytes, bytes);
}
/// The last operand says how many bytes there are; zeros follow.
template <uint32_t bytes>
static void copyPart(Group &group) {
  issue(group.thread(), bytes, operand(group.thread(), 2));
}
/// [target], [source], bytes {, source bytes}
static void copyInstruction(Group &group) {
  Thread &thread = group.thread();
  if (!isEnabled(thread))
    return;
  const uint64_t bytes = operand(thread, 2);
  if (bytes != 4 && bytes != 8 && bytes != 16)
    group.fail(thread.site->name + ": copies 4, 8 or 16 bytes, not " +
               std::to_string(bytes));
  issue(thread, static_cast<uint32_t>(bytes),
        thread.site->operands.size() > 3 ? operand(thread, 3) : bytes);
}

template <uint32_t bytes>
static void addCopies(Registry &registry, const char *cache) {
  const std::string name = std::string("llvm.nvvm.cp.async.") + cache +
                           ".shared.global." + std::to_string(bytes);
  registry.add(name, Scope::Thread, copyWhole<bytes>);
  registry.add(name + ".s", Scope::Thread, copyPart<bytes>);
}

static void commit(Group &group) { commitCopies(group.thread()); }
static void waitGroup(Group &group) {
  waitFor(group.thread(), operand(group.thread(), 0));
}

void attn::emulator::addAsyncCopyOperations(Registry &registry) {
  addCopies<4>(registry, "ca");
  addCopies<8>(registry, "ca");
  addCopies<16>(registry, "ca");
  addCopies<16>(registry, "cg");
  registry.add("ptx:cp.async.ca.shared.global", Scope::Thread, copyInstruction);
  registry.add("ptx:cp.async.cg.shared.global", Scope::Thread, copyInstruction);
  registry.add("llvm.nvvm.cp.async.commit.group", Scope::Thread, commit);
  registry.add("ptx:cp.async.commit_group", Scope::Thread, commit);
  registry.add("llvm.nvvm.cp.async.wait.group", Scope::Thread, waitGroup);
  registry.add("ptx:cp.async.wait_group", Scope::Thread, waitGroup);
  registry.add("llvm.nvvm.cp.async.wait.all", Scope::Thread, waitForAll);
  registry.add("ptx:cp.async.wait_all", Scope::Thread, waitForAll);
}
