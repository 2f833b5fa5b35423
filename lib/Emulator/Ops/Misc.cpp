//===- Misc.cpp - Fences, traps, clocks and hints -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

#include <chrono>

using namespace attn::emulator;

static void nothing(Group &) {}

static void trap(Group &group) { group.fail("the kernel trapped"); }

static void fence(Group &group) { group.machine().fence(group.thread()); }

/// Some clock that never goes back: operations so far.
static void clock(Group &group) {
  const uint64_t now = group.machine().statistics.operations;
  if (group.site().results[0].bytes == 4)
    setResult(group.thread(), static_cast<uint32_t>(now));
  else
    setResult(group.thread(), now);
}

static void globalTimer(Group &group) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  setResult<uint64_t>(
      group.thread(),
      static_cast<uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
}

//===----------------------------------------------------------------------===//
// Moves between registers of inline assembly
//===----------------------------------------------------------------------===//

template <bool whenEqual>
static void compare(Group &group) {
  const Thread &thread = group.thread();
  const bool isEqual = operand(thread, 1) == operand(thread, 2);
  if (isEnabled(thread))
    setOperand(thread, 0, isEqual == whenEqual);
}
static void move(Group &group) {
  if (isEnabled(group.thread()))
    setOperand(group.thread(), 0, operand(group.thread(), 1));
}
static void select(Group &group) {
  const Thread &thread = group.thread();
  if (isEnabled(thread))
    setOperand(thread, 0, operand(thread, operand(thread, 3) & 1 ? 1 : 2));
}

static void sleep(Group &group) { group.machine().yield(group.thread()); }

void attn::emulator::addMiscOperations(Registry &registry) {
  for (const char *name : {"llvm.trap", "llvm.ubsantrap", "ptx:trap"})
    registry.add(name, Scope::Thread, trap);
  for (const char *name : {"fence.nvptx", "llvm.nvvm.membar.cta",
                           "llvm.nvvm.membar.gl", "llvm.nvvm.membar.sys",
                           "ptx:membar", "ptx:fence.acq_rel", "ptx:fence.sc"})
    registry.add(name, Scope::Thread, fence);
  for (const char *name :
       {"llvm.nvvm.read.ptx.sreg.clock", "llvm.nvvm.read.ptx.sreg.clock64"})
    registry.add(name, Scope::Thread, clock);
  registry.add("llvm.nvvm.read.ptx.sreg.globaltimer", Scope::Thread,
               globalTimer);
  registry.add("ptx:setp.ne", Scope::Thread, compare<false>);
  registry.add("ptx:setp.eq", Scope::Thread, compare<true>);
  registry.add("ptx:mov", Scope::Thread, move);
  registry.add("ptx:selp", Scope::Thread, select);
  registry.add("llvm.nvvm.nanosleep", Scope::Thread, sleep);
  for (const char *name :
       {"llvm.nvvm.prefetch.global.L1", "llvm.nvvm.prefetch.global.L2",
        "llvm.nvvm.prefetch.L1", "llvm.nvvm.prefetch.L2", "ptx:prefetch",
        "llvm.nvvm.griddepcontrol.wait",
        "llvm.nvvm.griddepcontrol.launch.dependents",
        "llvm.nvvm.pm.event.mask"})
    registry.add(name, Scope::Thread, nothing);
}
