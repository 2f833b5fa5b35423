//===- Mbarrier.h - mbarrier objects in shared memory ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_OPS_MBARRIER_H
#define ATTN_LIB_EMULATOR_OPS_MBARRIER_H

#include "../Runtime/CallSite.h"

namespace attn::emulator {

/// A phase ends when all expected threads have arrived and all announced bytes
/// have come.
struct Mbarrier : WaitPoint {
  uintptr_t address = 0;
  uint32_t expected = 0;
  uint32_t pending = 0;
  int64_t bytes = 0;
  uint64_t phase = 0;
  /// Who has released into the current phase, and into the one before.
  SyncClock current;
  SyncClock previous;

  struct Waiter {
    Thread *thread = nullptr;
    uint64_t phase = 0;
    /// Only an instruction that loops by itself never gives up.
    bool mayGiveUp = true;
    bool *isDone = nullptr;
  };
  std::vector<Waiter> waiters;
  /// The machine's progress when a waiter gave up last.
  uint64_t gaveUpAt = ~uint64_t(0);

  std::string describe() const override;
};

/// The barrier at an address in shared memory, of any block of the cluster.
/// Fails if there is none.
Mbarrier &mbarrierAt(Thread &thread, uintptr_t address);

/// Bytes of an asynchronous copy have come.
void completeBytes(Thread &issuer, Mbarrier &barrier, uint64_t bytes,
                   const Snapshot &issued, Epoch done);
/// An asynchronous arrival.
void arriveAsync(Thread &issuer, Mbarrier &barrier, const Snapshot &issued,
                 Epoch done);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_MBARRIER_H
