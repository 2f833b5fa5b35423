//===- CopyAMD.cpp - Copies from global memory to the LDS, and waits ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An engine of the wave does a copy at some moment between its issue and the
// wait for it, lazily at the wait or eagerly at once, as for cp.async. Nothing
// else waits for it: the code generator adds waits of its own where it cannot
// rule out that a read meets a copy, but a kernel that needs them has no
// pipeline.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"
#include "WaveMemory.h"

using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

static void land(const LaneCopy &copy, const WaveCopies::Instruction &of) {
  Machine &machine = *copy.lane->machine;
  if (machine.detectsRaces()) {
    const AccessOrder order{machine.clocks, of.epoch, &of.issued};
    if (copy.sourceBytes)
      machine.checkEngineAccess(*copy.lane, copy.source, copy.sourceBytes,
                                AccessKind::Read, order);
    machine.checkEngineAccess(*copy.lane, copy.target, copy.bytes,
                              AccessKind::Write, order);
  }
  char *target = reinterpret_cast<char *>(copy.target);
  std::memcpy(target, reinterpret_cast<const char *>(copy.source),
              copy.sourceBytes);
  std::memset(target + copy.sourceBytes, 0, copy.bytes - copy.sourceBytes);
}

static void land(const WaveCopies::Instruction &instruction) {
  for (const LaneCopy &copy : instruction.lanes)
    land(copy, instruction);
}

uintptr_t attn::emulator::lanePlace(Group &group, uint32_t lane,
                                    size_t baseArgument, uint32_t bytes) {
  const Thread &first =
      group.lane(static_cast<uint32_t>(__builtin_ctzll(group.activeLanes())));
  return integerArgument(first, baseArgument) +
         size_t(lane) * (bytes <= 4 ? 4 : 16);
}

void attn::emulator::issueCopies(Group &group, std::vector<LaneCopy> lanes) {
  Machine &machine = group.machine();
  const Thread &leader = group.thread();
  for (const LaneCopy &copy : lanes) {
    machine.requireShared(*copy.lane, copy.target, copy.bytes);
    if (copy.sourceBytes)
      machine.requireGlobal(*copy.lane, copy.source, copy.sourceBytes);
    if (copy.target % 4 || (copy.sourceBytes >= 4 && copy.source % 4))
      machine.fail(*copy.lane,
                   group.site().name + ": an address is not a multiple of 4");
  }
  WaveCopies &copies = group.warp().state<WaveCopies>();
  WaveCopies::Instruction instruction;
  instruction.lanes = std::move(lanes);
  instruction.epoch = {++copies.number, machine.engineOf(leader)};
  if (machine.detectsRaces()) {
    instruction.issued = machine.clocks.snapshot(leader.actor);
    machine.clocks.tick(leader.actor);
  }
  if (!machine.isLazy()) {
    land(instruction);
    instruction.lanes.clear();
  }
  copies.pending.push_back(std::move(instruction));
}

void attn::emulator::waitForCopies(Group &group, uint64_t remaining) {
  WaveCopies &copies = group.warp().state<WaveCopies>();
  Epoch last;
  while (copies.pending.size() > remaining) {
    const WaveCopies::Instruction oldest = std::move(copies.pending.front());
    copies.pending.pop_front();
    land(oldest);
    last = oldest.epoch;
  }
  if (!last.clock || !group.machine().detectsRaces())
    return;
  Clocks &clocks = group.machine().clocks;
  clocks.acquire(group.thread().actor, last);
  // What has landed is there for others, too, behind a barrier.
  clocks.add(group.warp().published, last);
}

static bool isCopySize(uint64_t bytes) {
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 12 || bytes == 16;
}

/// (source, LDS base, bytes, offset of both, cache policy)
static void copyToLds(Group &group) {
  const uint64_t bytes = integerArgument(group.thread(), 2);
  const int64_t offset = argument<int32_t>(group.thread(), 3);
  if (!isCopySize(bytes))
    group.fail(group.site().name + " of " + std::to_string(bytes) + " bytes");
  const uint32_t size = static_cast<uint32_t>(bytes);
  std::vector<LaneCopy> lanes;
  group.forEachActive([&](Thread &thread) {
    LaneCopy copy;
    copy.lane = &thread;
    copy.bytes = copy.sourceBytes = size;
    copy.target = lanePlace(group, thread.registers.lane, 1, size) + offset;
    copy.source = integerArgument(thread, 0) + offset;
    lanes.push_back(copy);
  });
  issueCopies(group, std::move(lanes));
}

//===----------------------------------------------------------------------===//
// Waits
//===----------------------------------------------------------------------===//

/// The counters in the operand of s_waitcnt as gfx9 has them.
static void waitForCounters(Group &group) {
  const uint32_t counters = argument<uint32_t>(group.thread(), 0);
  const uint32_t memory = (counters & 15) | (counters >> 14 & 3) << 4;
  const uint32_t lds = counters >> 8 & 15;
  waitForCopies(group, memory);
  if (lds == 0)
    group.machine().fence(group.thread());
}

void attn::emulator::addCopyOperationsAMD(Registry &registry) {
  registry.add("llvm.amdgcn.global.load.lds", Scope::Wave, copyToLds);
  registry.add("llvm.amdgcn.load.to.lds", Scope::Wave, copyToLds);
  registry.add("llvm.amdgcn.s.waitcnt", Scope::Wave, waitForCounters);
}
