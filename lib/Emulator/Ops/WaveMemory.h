//===- WaveMemory.h - LDS copies of a wave that are under way -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_OPS_WAVEMEMORY_H
#define ATTN_LIB_EMULATOR_OPS_WAVEMEMORY_H

#include "../Runtime/CallSite.h"

#include <deque>

namespace attn::emulator {

/// Copies from global memory straight to LDS. They complete in order, and a
/// wait for the vector memory counter says how many may still be under way.
struct WaveCopies : OperationState {
  struct Piece {
    uint32_t lane = 0;
    uintptr_t target = 0;
    uintptr_t source = 0;
    uint32_t bytes = 0;
    /// The rest, beyond the end of the buffer, becomes zero.
    uint32_t validBytes = 0;
  };
  struct Copy {
    std::vector<Piece> pieces;
    Snapshot issued;
    Epoch epoch;
    uint64_t number = 0;
  };
  /// What nobody waited for lands all the same.
  void end(Thread &thread) override;

  std::deque<Copy> pending;
  /// Memory instructions that count so far.
  uint64_t issued = 0;
};

/// Lands all but the `remaining` youngest memory instructions of a wave.
void waitForVectorMemory(Group &group, uint64_t remaining);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_WAVEMEMORY_H
