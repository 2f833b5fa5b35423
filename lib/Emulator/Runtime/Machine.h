//===- Machine.h - Blocks, warps and threads, and how they take turns -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A worker is a host thread with a Machine: the blocks of one cluster at a
// time, each of their threads a fiber. A thread runs until it waits for others.
// It stays on its host thread, so nothing here is shared or locked.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_MACHINE_H
#define ATTN_LIB_EMULATOR_RUNTIME_MACHINE_H

#include "Clocks.h"
#include "Fiber.h"
#include "Launch.h"
#include "Shadow.h"
#include "SharedWindow.h"

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace attn::emulator {

struct AccessSite;
struct Block;
struct CallSite;
struct Thread;
struct Warp;
class Machine;

//===----------------------------------------------------------------------===//
// State of operations
//===----------------------------------------------------------------------===//

/// What a family of operations keeps for a thread, a warp or a block.
struct OperationState {
  virtual ~OperationState() = default;
  /// `thread` ends, or it is the last one of its warp or block that does.
  virtual void end(Thread &) {}
};

class StateOwner {
public:
  template <class State>
  State &state() {
    static const char key = 0;
    for (auto &[owned, value] : states)
      if (owned == &key)
        return static_cast<State &>(*value);
    states.emplace_back(&key, std::make_unique<State>());
    return static_cast<State &>(*states.back().second);
  }
  void endStates(Thread &thread) {
    for (auto &[key, state] : states)
      state->end(thread);
  }
  void clearStates() { states.clear(); }

private:
  std::vector<std::pair<const void *, std::unique_ptr<OperationState>>> states;
};

/// Something that threads wait for; the report of a deadlock names it.
struct WaitPoint {
  virtual ~WaitPoint() = default;
  virtual std::string describe() const = 0;
};

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// What generated code reads by itself, at these offsets.
struct ThreadRegisters {
  uint32_t threadIndex[3];
  uint32_t blockSize[3];
  uint32_t blockIndex[3];
  uint32_t gridSize[3];
  uint32_t clusterIndex[3];
  uint32_t clusterCount[3];
  uint32_t blockIndexInCluster[3];
  uint32_t clusterSize[3];
  uint32_t clusterRank;
  uint32_t blocksInCluster;
  uint32_t lane;
  uint32_t warp;
  uint32_t warpCount;
  uint32_t warpSize;
  uint32_t dynamicSharedBytes;
  uint32_t sharedBytes;
  uint64_t sharedBase;
  /// Iterations of the loops that the thread is in, see Retarget.
  uint32_t loopTrips[256];
};

enum class ThreadStatus : uint8_t {
  Ready,
  /// At an operation that others of its warp or warpgroup have to join.
  Gathering,
  /// Until someone wakes it.
  Waiting,
  Done,
};

struct Thread : StateOwner {
  ThreadRegisters registers;
  Machine *machine = nullptr;
  Block *block = nullptr;
  Warp *warp = nullptr;
  Fiber fiber;
  ThreadStatus status = ThreadStatus::Ready;
  uint32_t indexInBlock = 0;
  ActorId actor = 0;
  /// Fences so far, and what the atomics since the last one may acquire.
  bool hasFenced = false;
  std::vector<uintptr_t> observedAtomics;

  /// The access that the thread makes, if it is not at an operation.
  const AccessSite *access = nullptr;
  // The operation that the thread is at.
  const CallSite *site = nullptr;
  char *arguments = nullptr;
  char *results = nullptr;
  uint64_t memberMask = 0;
  const WaitPoint *waitsFor = nullptr;

  uint64_t laneBit() const { return uint64_t(1) << registers.lane; }
};

/// A warp of 32 or a wave of 64 threads.
struct Warp : StateOwner {
  Machine *machine = nullptr;
  Block *block = nullptr;
  /// One after the other in the block's threads.
  Thread *threads = nullptr;
  uint32_t count = 0;
  uint32_t indexInBlock = 0;
  uint64_t ready = 0;
  uint64_t done = 0;
  uint64_t gathering = 0;
  uint64_t waiting = 0;

  uint64_t lanes() const {
    return count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
  }
};

struct Block : StateOwner {
  Machine *machine = nullptr;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  uintptr_t sharedBase = 0;
  uint32_t clusterRank = 0;
  /// From 1, in the order of the grid.
  uint32_t number = 0;
  ShadowCells shared;
  PagedShadow global;
  BlockSet acquiredBlocks;
  /// For barriers that count the waves which have not ended.
  std::function<void(Warp &)> onWarpEnd;
};

//===----------------------------------------------------------------------===//
// Machine
//===----------------------------------------------------------------------===//

/// A memory access, or the operation that makes it, as reports name it.
struct AccessSite {
  const char *description = "";
  uint32_t bytes = 0;
  uint32_t alignment = 1;
  AccessKind kind = AccessKind::Read;
  bool isRelease = false;
  bool isAcquire = false;
  /// An object with an order of its own: the access as such gives none.
  bool isObject = false;
  /// Of the source, 0 if unknown.
  uint32_t line = 0;
};

/// Work of an asynchronous engine that has not landed yet.
struct PendingWork {
  Thread *issuer = nullptr;
  std::function<void()> land;
};

class Machine {
public:
  explicit Machine(Launch &launch) : launch(launch) {}

  /// Runs clusters until none is left or something fails.
  void runClusters();

  // ---- For operations, on the fiber of a thread ----

  /// Gives the turn away until `wake`.
  void wait(Thread &thread, const WaitPoint &point);
  /// The same for a thread that stands at an operation of the current one's
  /// group: it will not go on when the operation is done.
  void holdBack(Thread &thread, const WaitPoint &point);
  void wake(Thread &thread);
  /// Lets the others go first.
  void yield(Thread &thread);
  [[noreturn]] void fail(const Thread &thread, const std::string &message);

  /// Suspends the current thread in whatever status it has now.
  void suspend(Thread &thread);
  void setStatus(Thread &thread, ThreadStatus status);

  /// Lands before a deadlock is called one, the oldest first.
  void whenStuck(Thread &issuer, std::function<void()> land) {
    pending.push_back({&issuer, std::move(land)});
  }
  /// Is asked once all threads wait; true if it woke one.
  void onStuck(std::function<bool()> handler) {
    stuckHandlers.push_back(std::move(handler));
  }

  // ---- Memory ----

  /// Checks bounds, alignment and races of an access by the running code.
  void checkAccess(Thread &thread, uintptr_t address, const AccessSite &site);
  /// The same for an access made by an asynchronous engine, ordered by what was
  /// known when it was issued.
  void checkEngineAccess(Thread &issuer, uintptr_t address, size_t bytes,
                         AccessKind kind, const AccessOrder &order);
  /// A fence at the scope of the device or wider.
  void fence(Thread &thread);
  /// True if all of the bytes are one block's shared memory.
  bool isShared(uintptr_t address, size_t bytes) const;
  /// The block of the cluster whose window holds the address, or null.
  Block *sharedOwner(uintptr_t address);
  void requireShared(const Thread &thread, uintptr_t address, size_t bytes);
  void requireGlobal(const Thread &thread, uintptr_t address, size_t bytes);
  /// Ordinary order of the accesses of a thread.
  AccessOrder orderOf(const Thread &thread) const {
    return {clocks, clocks.now(thread.actor)};
  }
  /// The engine that copies for a thread (a wave on AMD).
  ActorId engineOf(const Thread &thread) const {
    return thread.actor + numActors;
  }
  /// A second engine for a thread: the asynchronous proxy's.
  ActorId proxyOf(const Thread &thread) const {
    return thread.actor + 2 * numActors;
  }
  /// What a wave's writes to LDS count for until it waits for them.
  ActorId writerOf(const Thread &thread) const {
    return thread.actor + 2 * numActors;
  }
  /// The wave has waited for its LDS accesses.
  void flushShared(Thread &thread);
  ActorId firstEngine() const { return numActors; }

  bool detectsRaces() const { return launch.options.detectRaces; }
  bool isLazy() const { return launch.options.async == AsyncMode::Lazy; }
  Launch &launched() { return launch; }

  /// Counts what may let a waiting thread go on.
  uint64_t progress = 0;

  std::vector<Block> blocks;
  Clocks clocks;
  Statistics statistics;

  /// The thread whose fiber runs on this host thread.
  static Thread *current();
  static void enterFiber();

private:
  bool prepare();
  void startCluster(uint64_t cluster);
  void startBlock(Block &block, const Dim3 &clusterIndex, uint64_t cluster);
  void startThreads(Block &block);
  void runCluster();
  Thread *pickNext();
  void switchTo(Fiber &from, Thread &to);
  bool progressWhenStuck();
  std::string describeDeadlock() const;
  std::string describeThread(const Thread &thread) const;
  std::string describeActor(ActorId actor) const;
  std::string describeConflict(const Conflict &conflict, ActorId actor,
                               AccessKind kind, const std::string &place) const;
  void checkShared(Thread &thread, Block &owner, uintptr_t address,
                   size_t bytes, AccessKind kind, const AccessOrder &order);
  void checkGlobal(Thread &thread, uintptr_t address, size_t bytes,
                   AccessKind kind, const AccessOrder &order);
  void synchronise(Thread &thread, uintptr_t address, const AccessSite &site);

  Launch &launch;
  SharedWindow window;
  FiberStacks stacks;
  Fiber host;
  std::vector<Warp *> order;
  size_t cursor = 0;
  Warp *turn = nullptr;
  uint32_t turnLane = 0;
  uint32_t numActors = 0;
  uint64_t unfinished = 0;
  bool failed = false;
  std::deque<PendingWork> pending;
  std::vector<std::function<bool()>> stuckHandlers;
  std::unordered_map<uintptr_t, SyncClock> atomicClocks;
  std::mt19937_64 random;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_RUNTIME_MACHINE_H
