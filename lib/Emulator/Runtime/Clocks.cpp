//===- Clocks.cpp - Vector clocks: what happened before what --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Clocks.h"

#include <algorithm>

using namespace attn::emulator;

void Clocks::reset(uint32_t numActors) {
  count = numActors;
  const Knowledge nothing =
      std::make_shared<const std::vector<uint32_t>>(2 * numActors, 0);
  actors.assign(numActors, {nothing, 1});
}

static void joinInto(std::vector<uint32_t> &into,
                     const std::vector<uint32_t> &from) {
  for (size_t n = 0; n < into.size(); ++n)
    into[n] = std::max(into[n], from[n]);
}

void Clocks::join(SyncClock &into, const Knowledge &known, Epoch self) const {
  if (!into.merged)
    into.merged = std::make_shared<std::vector<uint32_t>>(*known);
  else if (into.merged.use_count() > 1) // adopted by someone
    into.merged = std::make_shared<std::vector<uint32_t>>(*into.merged);
  if (into.last != known) {
    joinInto(*into.merged, *known);
    into.last = known;
  }
  uint32_t &seen = (*into.merged)[self.actor];
  seen = std::max(seen, self.clock);
}

void Clocks::release(ActorId actor, SyncClock &into) {
  join(into, actors[actor].known, now(actor));
  ++actors[actor].own;
}

void Clocks::release(const Snapshot &snapshot, Epoch done, SyncClock &into) {
  join(into, snapshot.known, snapshot.self);
  uint32_t &seen = (*into.merged)[done.actor];
  seen = std::max(seen, done.clock);
}

void Clocks::adopt(ActorId actor, const SyncClock &from) {
  actors[actor].known = from.merged;
}

/// The actor's knowledge as a copy of its own, to be changed.
std::vector<uint32_t> &Clocks::change(ActorId actor) {
  auto copy = std::make_shared<std::vector<uint32_t>>(*actors[actor].known);
  std::vector<uint32_t> &values = *copy;
  actors[actor].known = std::move(copy);
  return values;
}

void Clocks::acquire(ActorId actor, const SyncClock &from) {
  if (from.merged && actors[actor].known != from.merged)
    joinInto(change(actor), *from.merged);
}

void Clocks::acquire(ActorId actor, Epoch done) {
  if (isOrdered(done, actor))
    return;
  change(actor)[done.actor] = done.clock;
}

void Clocks::fenceProxy(ActorId actor) {
  const uint32_t own = actors[actor].own;
  std::vector<uint32_t> &values = change(actor);
  values[actor] = own;
  for (uint32_t n = 0; n < count; ++n)
    values[count + n] = std::max(values[count + n], values[n]);
  ++actors[actor].own;
}
