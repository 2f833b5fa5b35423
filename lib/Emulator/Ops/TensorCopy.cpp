//===- TensorCopy.cpp - Bulk and tensor copies (TMA) ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The asynchronous proxy copies a box between global and shared memory. Loads
// tell an mbarrier how many bytes have come; stores belong to groups that their
// thread waits for. Elements outside the array are zeros, and are not written.
//
//===----------------------------------------------------------------------===//

#include "Mbarrier.h"
#include "Registry.h"
#include "TensorMap.h"

#include <algorithm>
#include <array>
#include <optional>

using namespace attn::emulator;

std::string TensorMap::check() const {
  if (base % 16 != 0)
    return "a base that is not a multiple of 16";
  if (!isSwizzleKnown)
    return "an unknown swizzle";
  for (unsigned d = 0; d < rank; ++d) {
    if (box[d] == 0 || box[d] > 256)
      return "a box of more than 256 elements";
    if (d && strides[d] % 16 != 0)
      return "a stride that is not a multiple of 16";
  }
  if (box[0] * elementBytes % 16 != 0)
    return "box rows that are not a multiple of 16 bytes";
  if (swizzleBits && box[0] * elementBytes > 16u << swizzleBits)
    return "box rows that are longer than the swizzle";
  return {};
}

//===----------------------------------------------------------------------===//
// The proxy
//===----------------------------------------------------------------------===//

namespace {
struct BulkStores : OperationState {
  struct Store {
    std::function<void()> land;
    Epoch epoch;
  };
  std::vector<Store> open;
  std::deque<std::vector<Store>> committed;
};

struct ProxyClock : OperationState {
  uint32_t next = 1;
};

/// One copy, as it was issued.
struct ProxyCopy {
  Thread *issuer = nullptr;
  Epoch epoch;
  Snapshot issued;

  void check(uintptr_t address, size_t bytes, AccessKind kind) const {
    Machine &machine = *issuer->machine;
    const AccessOrder order{machine.clocks, epoch, &issued, true,
                            machine.firstEngine()};
    machine.checkEngineAccess(*issuer, address, bytes, kind, order);
  }
};
} // namespace

static ProxyCopy startCopy(Thread &thread) {
  Machine &machine = *thread.machine;
  ProxyCopy copy;
  copy.issuer = &thread;
  copy.epoch = {thread.state<ProxyClock>().next++, machine.proxyOf(thread)};
  if (machine.detectsRaces()) {
    copy.issued = machine.clocks.snapshot(thread.actor);
    machine.clocks.tick(thread.actor);
  }
  return copy;
}

static void transfer(const ProxyCopy &copy, uintptr_t target, uintptr_t source,
                     size_t bytes) {
  copy.check(source, bytes, AccessKind::Read);
  copy.check(target, bytes, AccessKind::Write);
  std::memcpy(reinterpret_cast<char *>(target),
              reinterpret_cast<const char *>(source), bytes);
}

static void clear(const ProxyCopy &copy, uintptr_t target, size_t bytes) {
  copy.check(target, bytes, AccessKind::Write);
  std::memset(reinterpret_cast<char *>(target), 0, bytes);
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

using Coordinates = std::array<int32_t, TensorMap::maxRank>;

static TensorMap readMap(Thread &thread, uintptr_t address, unsigned rank) {
  TensorMap map;
  if (address % 64 == 0)
    std::memcpy(&map, reinterpret_cast<const void *>(address), sizeof(map));
  if (address % 64 != 0 || map.magic != TensorMap::expectedMagic)
    thread.machine->fail(thread,
                         thread.site->name + ": no tensor map at this address");
  if (map.rank != rank)
    thread.machine->fail(thread, thread.site->name +
                                     ": the tensor map has rank " +
                                     std::to_string(map.rank));
  return map;
}

/// Moves the box row by row in pieces of 16 bytes, the unit of swizzles.
/// `move(shared address, global address, valid bytes)`; elements outside of the
/// array come at the end or at the begin of a piece.
template <class Function>
static void forEachPiece(const TensorMap &map, uintptr_t shared,
                         const Coordinates &at, Function move) {
  constexpr uint32_t pieceBytes = 16;
  const uint32_t rowBytes = map.box[0] * map.elementBytes;
  const uint64_t rows = map.boxBytes() / rowBytes;
  for (uint64_t row = 0; row < rows; ++row) {
    uint64_t rest = row;
    uintptr_t global = map.base;
    bool isInside = true;
    for (unsigned d = 1; d < map.rank; ++d) {
      const int64_t index = at[d] + static_cast<int64_t>(rest % map.box[d]);
      rest /= map.box[d];
      isInside &= index >= 0 && static_cast<uint64_t>(index) < map.dims[d];
      global += static_cast<uint64_t>(index) * map.strides[d];
    }
    for (uint32_t offset = 0; offset < rowBytes; offset += pieceBytes) {
      const uintptr_t plain = shared + row * rowBytes + offset;
      const uintptr_t swizzled =
          plain ^ ((plain >> 7 & ((1u << map.swizzleBits) - 1)) << 4);
      for (uint32_t e = 0; e < pieceBytes; e += map.elementBytes) {
        const int64_t index = at[0] + (offset + e) / map.elementBytes;
        const bool isValid = isInside && index >= 0 &&
                             static_cast<uint64_t>(index) < map.dims[0];
        move(swizzled + e,
             global + static_cast<uint64_t>(index) * map.elementBytes, isValid);
      }
    }
  }
}

/// A box at `shared`, on the way there or back.
static void moveBox(const ProxyCopy &copy, const TensorMap &map,
                    uintptr_t shared, const Coordinates &at, bool isLoad) {
  forEachPiece(map, shared, at,
               [&](uintptr_t inShared, uintptr_t inGlobal, bool isValid) {
                 if (isLoad && isValid)
                   transfer(copy, inShared, inGlobal, map.elementBytes);
                 else if (isLoad)
                   clear(copy, inShared, map.elementBytes);
                 else if (isValid)
                   transfer(copy, inGlobal, inShared, map.elementBytes);
               });
}

static void requireTarget(Thread &thread, uintptr_t address, uint64_t bytes) {
  Machine &machine = *thread.machine;
  if (address % 128 != 0)
    machine.fail(thread, thread.site->name +
                             ": the shared address is not a multiple of 128");
  machine.requireShared(thread, address, bytes);
}

/// Lands now, or when nothing else can go on.
static void landLoad(Thread &thread, std::function<void()> land) {
  if (thread.machine->isLazy())
    thread.machine->whenStuck(thread, std::move(land));
  else
    land();
}

/// Copies into the same place of every block of the mask, and tells the barrier
/// at the same place there; without a mask, into the given block only.
template <class Move>
static void load(Thread &thread, uintptr_t target, uintptr_t barrier,
                 uint64_t bytes, std::optional<uint64_t> mask, Move move) {
  Machine &machine = *thread.machine;
  const ProxyCopy copy = startCopy(thread);
  auto one = [&](uintptr_t to, uintptr_t at) {
    mbarrierAt(thread, at);
    landLoad(thread, [copy, to, at, bytes, move, &thread] {
      move(copy, to);
      completeBytes(thread, mbarrierAt(thread, at), bytes, copy.issued,
                    copy.epoch);
    });
  };
  if (!mask)
    return one(target, barrier);
  for (size_t rank = 0; rank < machine.blocks.size(); ++rank)
    if (*mask >> rank & 1) {
      const uintptr_t base = machine.blocks[rank].sharedBase;
      one(base + target % SharedWindow::blockBytes,
          base + barrier % SharedWindow::blockBytes);
    }
}

static void loadBox(Thread &thread, uintptr_t target, uintptr_t barrier,
                    uintptr_t mapAddress, unsigned rank, const Coordinates &at,
                    std::optional<uint64_t> mask) {
  const TensorMap map = readMap(thread, mapAddress, rank);
  requireTarget(thread, target, map.boxBytes());
  load(thread, target, barrier, map.boxBytes(), mask,
       [map, at](const ProxyCopy &copy, uintptr_t to) {
         moveBox(copy, map, to, at, true);
       });
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

template <unsigned rank>
static Coordinates coordinates(const Thread &thread, size_t first) {
  Coordinates at{};
  for (unsigned d = 0; d < rank; ++d)
    at[d] = static_cast<int32_t>(integerArgument(thread, first + d));
  return at;
}

/// target, barrier, map, coordinates, block mask, hint, has mask, ...
template <unsigned rank>
static void loadToCluster(Group &group) {
  Thread &thread = group.thread();
  std::optional<uint64_t> mask;
  if (integerArgument(thread, rank + 5) & 1)
    mask = integerArgument(thread, rank + 3);
  loadBox(thread, integerArgument(thread, 0), integerArgument(thread, 1),
          integerArgument(thread, 2), rank, coordinates<rank>(thread, 3), mask);
}

template <unsigned rank>
static void loadToBlock(Group &group) {
  Thread &thread = group.thread();
  loadBox(thread, integerArgument(thread, 0), integerArgument(thread, 1),
          integerArgument(thread, 2), rank, coordinates<rank>(thread, 3),
          std::nullopt);
}

/// [target], [map, {coordinates}], [barrier] {, mask}
template <unsigned rank>
static void loadInstruction(Group &group) {
  Thread &thread = group.thread();
  if (!isEnabled(thread))
    return;
  Coordinates at{};
  for (unsigned d = 0; d < rank; ++d)
    at[d] = static_cast<int32_t>(operand(thread, 1, 1 + d));
  const bool isMulticast =
      thread.site->name.find("multicast") != std::string::npos;
  loadBox(thread, operand(thread, 0), operand(thread, 2), operand(thread, 1),
          rank, at,
          isMulticast ? std::optional<uint64_t>(operand(thread, 3))
                      : std::nullopt);
}

/// target, barrier, source, bytes
static void loadBytes(Group &group) {
  Thread &thread = group.thread();
  const uintptr_t target = integerArgument(thread, 0);
  const uintptr_t source = integerArgument(thread, 2);
  const uint64_t bytes = integerArgument(thread, 3);
  if ((target | source | bytes) % 16 != 0)
    group.fail(group.site().name + ": addresses and size must be multiples of "
                                   "16");
  group.machine().requireShared(thread, target, bytes);
  load(thread, target, integerArgument(thread, 1), bytes, std::nullopt,
       [source, bytes](const ProxyCopy &copy, uintptr_t to) {
         transfer(copy, to, source, bytes);
       });
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

static void store(Thread &thread, const ProxyCopy &copy,
                  std::function<void()> land) {
  if (!thread.machine->isLazy()) {
    land();
    land = nullptr;
  }
  thread.state<BulkStores>().open.push_back({std::move(land), copy.epoch});
}

/// source, map, coordinates
template <unsigned rank>
static void storeBox(Group &group) {
  Thread &thread = group.thread();
  const uintptr_t source = integerArgument(thread, 0);
  const TensorMap map = readMap(thread, integerArgument(thread, 1), rank);
  const Coordinates at = coordinates<rank>(thread, 2);
  requireTarget(thread, source, map.boxBytes());
  const ProxyCopy copy = startCopy(thread);
  store(thread, copy,
        [copy, map, source, at] { moveBox(copy, map, source, at, false); });
}

/// target, source, bytes
static void storeBytes(Group &group) {
  Thread &thread = group.thread();
  const uintptr_t target = integerArgument(thread, 0);
  const uintptr_t source = integerArgument(thread, 1);
  const uint64_t bytes = integerArgument(thread, 2);
  group.machine().requireShared(thread, source, bytes);
  const ProxyCopy copy = startCopy(thread);
  store(thread, copy, [copy, target, source, bytes] {
    transfer(copy, target, source, bytes);
  });
}

static void commitStores(Group &group) {
  BulkStores &stores = group.thread().state<BulkStores>();
  stores.committed.push_back(std::move(stores.open));
  stores.open.clear();
}

static void waitForStores(Group &group) {
  Thread &thread = group.thread();
  Machine &machine = group.machine();
  BulkStores &stores = thread.state<BulkStores>();
  while (stores.committed.size() > operand(thread, 0)) {
    const std::vector<BulkStores::Store> oldest =
        std::move(stores.committed.front());
    stores.committed.pop_front();
    for (const BulkStores::Store &one : oldest) {
      if (one.land)
        one.land();
      if (machine.detectsRaces())
        machine.clocks.acquire(thread.actor, one.epoch);
    }
  }
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

template <unsigned rank>
static void addRank(Registry &registry) {
  const std::string dims = std::to_string(rank) + "d";
  const std::string base = "llvm.nvvm.cp.async.bulk.tensor.";
  registry.add(base + "g2s.tile." + dims, Scope::Thread, loadToCluster<rank>);
  registry.add(base + "g2s.cta.tile." + dims, Scope::Thread, loadToBlock<rank>);
  registry.add(base + "s2g.tile." + dims, Scope::Thread, storeBox<rank>);
  for (const char *space : {"shared::cluster", "shared::cta"})
    registry.add("ptx:cp.async.bulk.tensor." + dims + "." + space + ".global",
                 Scope::Thread, loadInstruction<rank>);
}

static void nothing(Group &) {}

void attn::emulator::addTensorCopyOperations(Registry &registry) {
  addRank<1>(registry);
  addRank<2>(registry);
  addRank<3>(registry);
  addRank<4>(registry);
  addRank<5>(registry);
  const std::string base = "llvm.nvvm.cp.async.bulk.";
  registry.add(base + "global.to.shared.cluster", Scope::Thread, loadBytes);
  registry.add(base + "global.to.shared.cta", Scope::Thread, loadBytes);
  registry.add(base + "shared.cta.to.global", Scope::Thread, storeBytes);
  for (const char *prefix : {"llvm.nvvm.cp.async.bulk.commit.group",
                             "ptx:cp.async.bulk.commit_group"})
    registry.add(prefix, Scope::Thread, commitStores);
  for (const char *prefix :
       {"llvm.nvvm.cp.async.bulk.wait.group",
        "llvm.nvvm.cp.async.bulk.wait.group.read",
        "ptx:cp.async.bulk.wait_group", "ptx:cp.async.bulk.wait_group.read"})
    registry.add(prefix, Scope::Thread, waitForStores);
  registry.add("llvm.nvvm.prefetch.tensormap", Scope::Thread, nothing);
}
