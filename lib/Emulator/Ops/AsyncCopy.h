//===- AsyncCopy.h - The cp.async copies of a thread ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_OPS_ASYNCCOPY_H
#define ATTN_LIB_EMULATOR_OPS_ASYNCCOPY_H

#include "../Runtime/CallSite.h"

#include <deque>

namespace attn::emulator {

struct AsyncCopy {
  uintptr_t target = 0;
  uintptr_t source = 0;
  uint32_t bytes = 0;
  /// The rest of the target becomes zero.
  uint32_t sourceBytes = 0;
  Snapshot issued;
};

struct AsyncCopies : OperationState {
  struct CopyGroup {
    std::vector<AsyncCopy> copies;
    Epoch epoch;
  };
  /// What nobody waited for lands all the same.
  void end(Thread &thread) override;

  std::vector<AsyncCopy> open;
  std::deque<CopyGroup> committed;
  /// Of the open group; it is the clock of the thread's engine.
  uint32_t groupNumber = 1;
};

/// Closes the open group of a thread.
void commitCopies(Thread &thread);
/// Lands the oldest closed group and returns the epoch that it ends.
Epoch landOldestGroup(Thread &thread);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_ASYNCCOPY_H
