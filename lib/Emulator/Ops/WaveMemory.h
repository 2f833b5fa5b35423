//===- WaveMemory.h - Memory operations that a wave has not waited for ----===//
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

/// What one lane copies from global memory to the LDS.
struct LaneCopy {
  Thread *lane = nullptr;
  uintptr_t target = 0;
  uintptr_t source = 0;
  uint32_t bytes = 0;
  /// The rest of the target becomes zero.
  uint32_t sourceBytes = 0;
};

/// Copies to the LDS in the order of their issue, an instruction an entry.
/// Loads and stores that the compiler waits for by itself are not here, so a
/// wait for all but N operations may land fewer copies than the hardware does,
/// never more.
struct WaveCopies : OperationState {
  struct Instruction {
    std::vector<LaneCopy> lanes;
    Snapshot issued;
    Epoch epoch;
  };
  std::deque<Instruction> pending;
  uint32_t number = 0;
};

/// Issues the copies of one instruction.
void issueCopies(Group &group, std::vector<LaneCopy> lanes);
/// Lands the oldest copies until `remaining` instructions are left.
void waitForCopies(Group &group, uint64_t remaining);
/// Where a lane's part lies in the LDS: the first active lane gives the base.
uintptr_t lanePlace(Group &group, uint32_t lane, size_t baseArgument,
                    uint32_t bytes);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_WAVEMEMORY_H
