//===- BufferAMD.cpp - Buffer resources, LDS copies and LDS reads ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Raw buffers (stride 0): a word beyond the number of records reads as zero and
// is not written.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"
#include "WaveMemory.h"

#include <algorithm>
#include <map>
#include <tuple>

using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// Resources
//===----------------------------------------------------------------------===//

namespace {
struct BufferResource {
  uintptr_t base = 0;
  uint64_t records = 0;
};

/// A resource is a pointer to its entry here.
struct BufferResources : OperationState {
  std::map<std::pair<uintptr_t, uint64_t>, BufferResource> all;
};
} // namespace

/// base, stride, records, flags
static void makeResource(Group &group) {
  Thread &thread = group.thread();
  if (integerArgument(thread, 1) != 0)
    group.fail(group.site().name + ": unsupported: a buffer with a stride");
  const uintptr_t base = integerArgument(thread, 0);
  const uint64_t records = integerArgument(thread, 2);
  BufferResource &entry =
      group.block().state<BufferResources>().all[{base, records}];
  entry = {base, records};
  setResult(thread, &entry);
}

static const BufferResource &resourceOf(Thread &thread, size_t index) {
  const uintptr_t address = integerArgument(thread, index);
  for (const auto &[key, entry] : thread.block->state<BufferResources>().all)
    if (reinterpret_cast<uintptr_t>(&entry) == address)
      return entry;
  thread.machine->fail(thread, thread.site->name +
                                   ": the resource was not made by "
                                   "llvm.amdgcn.make.buffer.rsrc");
}

static constexpr uint32_t wordBytes = 4;

/// How many of `bytes` from the offset on are within the buffer, word by word.
static uint32_t validBytes(Thread &thread, const BufferResource &resource,
                           uint64_t offset, uint64_t scalarOffset,
                           uint32_t bytes) {
  auto count = [&](uint64_t from) {
    uint32_t valid = 0;
    while (valid < bytes) {
      const uint32_t word = std::min(wordBytes, bytes - valid);
      if (from + valid + word > resource.records)
        break;
      valid += word;
    }
    return valid;
  };
  const uint32_t valid = count(offset + scalarOffset);
  // Documents and chips disagree, so a kernel must not depend on it.
  if (scalarOffset && valid != count(offset))
    thread.machine->fail(thread, thread.site->name +
                                     ": the scalar offset decides whether the "
                                     "access is within the buffer, and not all "
                                     "chips add it for that check");
  return valid;
}

static void check(Thread &thread, uintptr_t address, uint32_t bytes,
                  AccessKind kind) {
  if (!bytes)
    return;
  AccessSite site;
  site.description = "a buffer access";
  site.bytes = bytes;
  site.alignment = std::min(bytes, wordBytes) == 2 ? 2
                   : bytes < wordBytes             ? 1
                                                   : wordBytes;
  site.kind = kind;
  thread.machine->checkAccess(thread, address, site);
}

static void countInstruction(Thread &thread) {
  // Every active lane comes here once; the first one counts.
  if (thread.laneBit() == (thread.warp->lanes() & -thread.warp->lanes()))
    ++thread.warp->state<WaveCopies>().issued;
}

/// resource, offset, scalar offset, flags
static void loadBuffer(Group &group) {
  Thread &thread = group.thread();
  countInstruction(thread);
  const BufferResource &resource = resourceOf(thread, 0);
  const uint64_t offset = argument<uint32_t>(thread, 1);
  const uint64_t scalar = argument<uint32_t>(thread, 2);
  const uint32_t bytes = group.site().results[0].bytes;
  const uint32_t valid = validBytes(thread, resource, offset, scalar, bytes);
  const uintptr_t address = resource.base + offset + scalar;
  check(thread, address, valid, AccessKind::Read);
  std::memcpy(resultBytes(thread), reinterpret_cast<const char *>(address),
              valid);
  std::memset(resultBytes(thread) + valid, 0, bytes - valid);
}

/// value, resource, offset, scalar offset, flags
static void storeBuffer(Group &group) {
  Thread &thread = group.thread();
  countInstruction(thread);
  const BufferResource &resource = resourceOf(thread, 1);
  const uint64_t offset = argument<uint32_t>(thread, 2);
  const uint64_t scalar = argument<uint32_t>(thread, 3);
  const uint32_t valid = validBytes(thread, resource, offset, scalar,
                                    group.site().arguments[0].bytes);
  const uintptr_t address = resource.base + offset + scalar;
  check(thread, address, valid, AccessKind::Write);
  std::memcpy(reinterpret_cast<char *>(address), argumentBytes(thread, 0),
              valid);
}

/// value, resource, offset, scalar offset, flags; gives the old value.
template <class T, class Function>
static void updateBuffer(Group &group, Function update) {
  Thread &thread = group.thread();
  const BufferResource &resource = resourceOf(thread, 1);
  const uint64_t offset = argument<uint32_t>(thread, 2);
  const uint64_t scalar = argument<uint32_t>(thread, 3);
  T old{};
  if (validBytes(thread, resource, offset, scalar, sizeof(T)) == sizeof(T)) {
    const uintptr_t address = resource.base + offset + scalar;
    check(thread, address, sizeof(T), AccessKind::Atomic);
    T *memory = reinterpret_cast<T *>(address);
    const T value = argument<T>(thread, 0);
    __atomic_load(memory, &old, __ATOMIC_RELAXED);
    T next;
    do
      next = update(old, value);
    while (!__atomic_compare_exchange(memory, &old, &next, false,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  }
  if (!group.site().results.empty())
    setResult(thread, old);
}

static void addFloat(Group &group) {
  if (group.site().arguments[0].bytes != 4)
    group.fail(group.site().name + ": unsupported type; only f32 is modelled");
  updateBuffer<float>(group, [](float a, float b) { return a + b; });
}
static void addInteger(Group &group) {
  updateBuffer<uint32_t>(group, [](uint32_t a, uint32_t b) { return a + b; });
}

//===----------------------------------------------------------------------===//
// Copies to LDS
//===----------------------------------------------------------------------===//

static void land(Warp &wave, const WaveCopies::Copy &copy) {
  Machine &machine = *wave.machine;
  for (const WaveCopies::Piece &piece : copy.pieces) {
    Thread &thread = wave.threads[piece.lane];
    if (machine.detectsRaces()) {
      const AccessOrder order{machine.clocks, copy.epoch, &copy.issued};
      if (piece.validBytes)
        machine.checkEngineAccess(thread, piece.source, piece.validBytes,
                                  AccessKind::Read, order);
      machine.checkEngineAccess(thread, piece.target, piece.bytes,
                                AccessKind::Write, order);
    }
    char *target = reinterpret_cast<char *>(piece.target);
    std::memcpy(target, reinterpret_cast<const char *>(piece.source),
                piece.validBytes);
    std::memset(target + piece.validBytes, 0, piece.bytes - piece.validBytes);
  }
}

void WaveCopies::end(Thread &thread) {
  if (thread.machine->isLazy())
    for (const Copy &copy : pending)
      land(*thread.warp, copy);
}

void attn::emulator::waitForVectorMemory(Group &group, uint64_t remaining) {
  WaveCopies &copies = group.warp().state<WaveCopies>();
  Machine &machine = group.machine();
  while (!copies.pending.empty() &&
         copies.pending.front().number + remaining < copies.issued) {
    const WaveCopies::Copy copy = std::move(copies.pending.front());
    copies.pending.pop_front();
    if (machine.isLazy())
      land(group.warp(), copy);
    if (machine.detectsRaces())
      machine.clocks.acquire(group.thread().actor, copy.epoch);
  }
}

/// The target of a wave is the first lane's, then one slot after the other; the
/// offset of the instruction counts for both sides.
static void issueCopy(Group &group, uint32_t bytes, uintptr_t target,
                      std::vector<WaveCopies::Piece> pieces) {
  if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 12 && bytes != 16)
    group.fail(group.site().name + ": copies of " + std::to_string(bytes) +
               " bytes do not exist");
  const uint32_t step = bytes == 12 ? 16 : std::max(bytes, wordBytes);
  Machine &machine = group.machine();
  WaveCopies &copies = group.warp().state<WaveCopies>();
  WaveCopies::Copy copy;
  for (WaveCopies::Piece &piece : pieces) {
    piece.bytes = bytes;
    piece.target = target + uintptr_t(step) * piece.lane;
    if (piece.target % wordBytes != 0)
      group.fail(group.site().name + ": the target is not a multiple of 4");
    machine.requireShared(group.lane(piece.lane), piece.target, bytes);
    if (piece.validBytes)
      machine.requireGlobal(group.lane(piece.lane), piece.source,
                            piece.validBytes);
  }
  copy.pieces = std::move(pieces);
  copy.number = copies.issued++;
  copy.epoch = {static_cast<uint32_t>(copy.number + 1),
                machine.engineOf(group.thread())};
  if (machine.detectsRaces()) {
    copy.issued = machine.clocks.snapshot(group.thread().actor);
    machine.clocks.tick(group.thread().actor);
  }
  if (!machine.isLazy())
    land(group.warp(), copy);
  copies.pending.push_back(std::move(copy));
}

/// resource, target, bytes, offset, scalar offset, instruction offset, flags
static void copyBufferToLds(Group &group) {
  const Thread &first =
      group.lane(static_cast<uint32_t>(__builtin_ctzll(group.activeLanes())));
  const uint32_t bytes = argument<uint32_t>(first, 2);
  const uint64_t instruction = argument<uint32_t>(first, 5);
  std::vector<WaveCopies::Piece> pieces;
  group.forEachActive([&](Thread &thread) {
    const BufferResource &resource = resourceOf(thread, 0);
    const uint64_t offset = argument<uint32_t>(thread, 3) + instruction;
    const uint64_t scalar = argument<uint32_t>(thread, 4);
    pieces.push_back({thread.registers.lane, 0, resource.base + offset + scalar,
                      bytes,
                      validBytes(thread, resource, offset, scalar, bytes)});
  });
  issueCopy(group, bytes, integerArgument(first, 1) + instruction,
            std::move(pieces));
}

/// source, target, bytes, instruction offset, flags
static void copyGlobalToLds(Group &group) {
  const Thread &first =
      group.lane(static_cast<uint32_t>(__builtin_ctzll(group.activeLanes())));
  const uint32_t bytes = argument<uint32_t>(first, 2);
  const uint64_t instruction = argument<uint32_t>(first, 3);
  std::vector<WaveCopies::Piece> pieces;
  group.forEachActive([&](Thread &thread) {
    pieces.push_back({thread.registers.lane, 0,
                      integerArgument(thread, 0) + instruction, bytes, bytes});
  });
  issueCopy(group, bytes, integerArgument(first, 1) + instruction,
            std::move(pieces));
}

//===----------------------------------------------------------------------===//
// Transposed LDS reads
//===----------------------------------------------------------------------===//

/// Within 16 lanes, element n of lane i is an element of another lane's 8
/// bytes: halves: element i % 4 of lane 4 n + i / 4, bytes: element i % 8 of
/// lane 8 (n / 4) + 4 (i / 8) + n % 4.
template <uint32_t elementBytes>
static void readTransposed(Group &group) {
  static const AccessSite site = {"a transposed read of LDS", 8, 8,
                                  AccessKind::Read};
  constexpr uint32_t perLane = 8 / elementBytes;
  if (group.activeLanes() != ~uint64_t(0))
    group.fail(group.site().name + " needs all lanes of the wave");
  char data[64][8];
  group.forEachActive([&](Thread &thread) {
    const uintptr_t address = integerArgument(thread, 0);
    group.machine().requireShared(thread, address, 8);
    group.machine().checkAccess(thread, address, site);
    std::memcpy(data[thread.registers.lane],
                reinterpret_cast<const char *>(address), 8);
  });
  group.forEachActive([&](Thread &thread) {
    const uint32_t base = thread.registers.lane / 16 * 16;
    const uint32_t i = thread.registers.lane % 16;
    for (uint32_t n = 0; n < perLane; ++n) {
      const uint32_t lane =
          elementBytes == 2 ? 4 * n + i / 4 : 8 * (n / 4) + 4 * (i / 8) + n % 4;
      std::memcpy(resultBytes(thread) + n * elementBytes,
                  data[base + lane] + i % perLane * elementBytes, elementBytes);
    }
  });
}

void attn::emulator::addBufferOperationsAMD(Registry &registry) {
  const std::string base = "llvm.amdgcn.";
  registry.add(base + "make.buffer.rsrc", Scope::Thread, makeResource);
  registry.add(base + "raw.ptr.buffer.load", Scope::Thread, loadBuffer);
  registry.add(base + "raw.ptr.buffer.store", Scope::Thread, storeBuffer);
  registry.add(base + "raw.ptr.buffer.atomic.fadd", Scope::Thread, addFloat);
  registry.add(base + "raw.ptr.buffer.atomic.add", Scope::Thread, addInteger);
  registry.add(base + "raw.ptr.buffer.load.lds", Scope::Wave, copyBufferToLds);
  registry.add(base + "load.to.lds", Scope::Wave, copyGlobalToLds);
  registry.add(base + "global.load.lds", Scope::Wave, copyGlobalToLds);
  registry.add(base + "ds.read.tr16.b64", Scope::Wave, readTransposed<2>);
  registry.add(base + "ds.read.tr8.b64", Scope::Wave, readTransposed<1>);
}
