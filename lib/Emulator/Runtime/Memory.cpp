//===- Memory.cpp - Checks of memory accesses -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>
#include <string>

using namespace attn::emulator;

static std::string hex(uintptr_t address) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), digits[address % 16]);
    address /= 16;
  } while (address);
  return "0x" + text;
}

bool Machine::isShared(uintptr_t address, size_t bytes) const {
  if (!window.contains(address))
    return false;
  const size_t offset = address % SharedWindow::blockBytes;
  const size_t block =
      (address - window.blockBase(0)) / SharedWindow::blockBytes;
  return block < blocks.size() && offset + bytes <= launch.sharedBytes;
}

Block *Machine::sharedOwner(uintptr_t address) {
  if (!window.contains(address))
    return nullptr;
  const size_t block =
      (address - window.blockBase(0)) / SharedWindow::blockBytes;
  return block < blocks.size() ? &blocks[block] : nullptr;
}

void Machine::requireShared(const Thread &thread, uintptr_t address,
                            size_t bytes) {
  if (isShared(address, bytes))
    return;
  if (!window.contains(address))
    fail(thread, "address " + hex(address) + " is not in shared memory");
  fail(thread, "shared memory accessed out of bounds: " +
                   std::to_string(bytes) + " bytes at offset " +
                   std::to_string(address % SharedWindow::blockBytes) + " of " +
                   std::to_string(launch.sharedBytes));
}

void Machine::requireGlobal(const Thread &thread, uintptr_t address,
                            size_t bytes) {
  if (!launch.options.boundsKnown)
    return;
  const std::vector<MemoryRange> &ranges = launch.options.ranges;
  auto after = std::upper_bound(
      ranges.begin(), ranges.end(), address,
      [](uintptr_t at, const MemoryRange &range) { return at < range.base; });
  if (after != ranges.begin()) {
    const MemoryRange &range = *std::prev(after);
    if (address - range.base + bytes <= range.bytes)
      return;
    if (address - range.base < range.bytes + (1 << 20))
      fail(thread,
           "global memory accessed out of bounds: " + std::to_string(bytes) +
               " bytes at offset " + std::to_string(address - range.base) +
               " of an array of " + std::to_string(range.bytes));
  }
  fail(thread, "global memory accessed out of bounds: " +
                   std::to_string(bytes) + " bytes at " + hex(address) +
                   ", which is in none of the kernel's arrays");
}

void Machine::checkAccess(Thread &thread, uintptr_t address,
                          const AccessSite &site) {
  if (stacks.contains(address))
    return; // private memory
  ++statistics.checks;
  if (address % site.alignment != 0)
    fail(thread, std::string("misaligned access: ") + site.description +
                     " at " + hex(address) + " needs a multiple of " +
                     std::to_string(site.alignment));
  const bool isSharedAccess = window.contains(address);
  if (isSharedAccess)
    requireShared(thread, address, site.bytes);
  else
    requireGlobal(thread, address, site.bytes);
  if (!detectsRaces())
    return;
  if (isSharedAccess)
    checkShared(thread, *sharedOwner(address), address, site.bytes, site.kind,
                orderOf(thread));
  else
    checkGlobal(thread, address, site.bytes, site.kind, orderOf(thread));
  if (site.kind == AccessKind::Atomic && !site.isObject)
    synchronise(thread, address, site);
}

void Machine::checkEngineAccess(Thread &issuer, uintptr_t address, size_t bytes,
                                AccessKind kind, const AccessOrder &order) {
  ++statistics.checks;
  const bool isSharedAccess = window.contains(address);
  if (isSharedAccess)
    requireShared(issuer, address, bytes);
  else
    requireGlobal(issuer, address, bytes);
  if (!detectsRaces())
    return;
  if (isSharedAccess)
    checkShared(issuer, *sharedOwner(address), address, bytes, kind, order);
  else
    checkGlobal(issuer, address, bytes, kind, order);
}

void Machine::checkShared(Thread &thread, Block &owner, uintptr_t address,
                          size_t bytes, AccessKind kind,
                          const AccessOrder &order) {
  const size_t offset = address - owner.sharedBase;
  const Conflict conflict =
      owner.shared.access(offset, bytes, kind, order, true);
  if (conflict.kind == ConflictKind::None)
    return;
  fail(thread, describeConflict(conflict, order.epoch.actor, kind,
                                "shared memory at offset " +
                                    std::to_string(conflict.offset)));
}

void Machine::checkGlobal(Thread &thread, uintptr_t address, size_t bytes,
                          AccessKind kind, const AccessOrder &order) {
  Block &block = *thread.block;
  const Conflict conflict = block.global.access(address, bytes, kind, order);
  if (conflict.kind != ConflictKind::None)
    fail(thread, describeConflict(conflict, order.epoch.actor, kind,
                                  "global memory at " + hex(conflict.offset)));
  if (volume(launch.grid) == 1)
    return;
  const uint32_t other = launch.globalTrace.access(
      address, bytes, kind, block.number, block.acquiredBlocks);
  if (other != GlobalTrace::noBlock)
    fail(thread, "race between blocks on global memory at " + hex(address) +
                     ": block " + std::to_string(block.number - 1) + " and " +
                     std::to_string(other - 1) +
                     " (counted along x), at least one of them writes");
}

//===----------------------------------------------------------------------===//
// Atomics and fences
//===----------------------------------------------------------------------===//

/// An atomic publishes what the thread did before it if it releases or if a
/// fence came before, and hands on what others published if it acquires or a
/// fence follows.
void Machine::synchronise(Thread &thread, uintptr_t address,
                          const AccessSite &site) {
  SyncClock &clock = atomicClocks[address];
  Block &block = *thread.block;
  if (site.isAcquire) {
    clocks.acquire(thread.actor, clock);
    launch.globalTrace.acquire(address, block.acquiredBlocks);
  } else if (thread.observedAtomics.empty() ||
             thread.observedAtomics.back() != address) {
    thread.observedAtomics.push_back(address);
  }
  if (site.isRelease || thread.hasFenced) {
    clocks.release(thread.actor, clock);
    launch.globalTrace.release(address, block.number, block.acquiredBlocks);
  }
}

void Machine::fence(Thread &thread) {
  if (!detectsRaces())
    return;
  thread.hasFenced = true;
  for (uintptr_t address : thread.observedAtomics) {
    clocks.acquire(thread.actor, atomicClocks[address]);
    launch.globalTrace.acquire(address, thread.block->acquiredBlocks);
  }
  thread.observedAtomics.clear();
}
