//===- Clocks.h - Vector clocks: what happened before what ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An actor is whatever orders its own accesses: an NVIDIA thread, an AMD wave,
// and the asynchronous engine that works for one of these. Each counts its own
// releases and knows how far it has seen every other one.
//
// After a barrier all threads know the same, so knowledge is shared between
// actors and copied when one of them learns more.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_CLOCKS_H
#define ATTN_LIB_EMULATOR_RUNTIME_CLOCKS_H

#include <cstdint>
#include <memory>
#include <vector>

namespace attn::emulator {

using ActorId = uint32_t;

/// A point in the life of an actor. Clock 0 is before everything.
struct Epoch {
  uint32_t clock = 0;
  ActorId actor = 0;
};

/// How far an actor has seen each actor, and, in the second half, how far each
/// one's accesses were handed to the asynchronous proxy by a proxy fence.
using Knowledge = std::shared_ptr<const std::vector<uint32_t>>;

/// What an actor knew at a moment.
struct Snapshot {
  Knowledge known;
  Epoch self;
};

/// An object that hands knowledge on: a barrier, an mbarrier, an atomic.
class SyncClock {
public:
  void clear() { merged.reset(), last.reset(); }
  bool isEmpty() const { return !merged; }

private:
  friend class Clocks;
  std::shared_ptr<std::vector<uint32_t>> merged;
  /// The knowledge joined last: the threads of a block mostly share it.
  Knowledge last;
};

class Clocks {
public:
  void reset(uint32_t numActors);

  /// `before` is ordered before whatever `actor` does next.
  bool isOrdered(Epoch before, ActorId actor) const {
    return before.actor == actor ||
           before.clock <= (*actors[actor].known)[before.actor];
  }
  /// The same, for what went on when the snapshot was taken.
  bool isOrdered(Epoch before, const Snapshot &snapshot) const {
    return before.clock <= (*snapshot.known)[before.actor] ||
           (before.actor == snapshot.self.actor &&
            before.clock <= snapshot.self.clock);
  }
  /// `before` was made visible to the asynchronous proxy.
  bool isProxied(Epoch before, const Snapshot &snapshot) const {
    return before.clock <= (*snapshot.known)[count + before.actor];
  }

  Epoch now(ActorId actor) const { return {actors[actor].own, actor}; }
  Snapshot snapshot(ActorId actor) const {
    return {actors[actor].known, now(actor)};
  }

  /// What all that released into a clock know together; `self` stands for them.
  Snapshot snapshotOf(const SyncClock &clock, Epoch self) const {
    return {clock.merged, self};
  }

  /// Adds what `actor` did and knows, and starts its next epoch.
  void release(ActorId actor, SyncClock &into);
  /// Adds an epoch and what was known when the snapshot was taken.
  void release(const Snapshot &snapshot, Epoch done, SyncClock &into);
  /// `actor` has released into `from` in this round, so it knows nothing more.
  void adopt(ActorId actor, const SyncClock &from);
  void acquire(ActorId actor, const SyncClock &from);
  void acquire(ActorId actor, Epoch done);
  /// What `actor` did and knows becomes visible to the asynchronous proxy.
  void fenceProxy(ActorId actor);
  /// A new epoch; what follows is not ordered before earlier releases.
  uint32_t tick(ActorId actor) { return actors[actor].own++; }

private:
  struct Actor {
    Knowledge known;
    uint32_t own = 1;
  };
  void join(SyncClock &into, const Knowledge &known, Epoch self) const;
  std::vector<uint32_t> &change(ActorId actor);

  std::vector<Actor> actors;
  uint32_t count = 0;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_RUNTIME_CLOCKS_H
