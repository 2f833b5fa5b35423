//===- MachinePeak.h - What this machine can do at most ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ceiling a kernel is compared with, measured in the same process: chains
// of independent multiply-accumulate instructions on registers, written in
// assembly so that no compiler decides how fast they are.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_MACHINEPEAK_H
#define ATTN_SUPPORT_MACHINEPEAK_H

#include <cstddef>
#include <cstdint>

namespace attn {

/// Arithmetic peaks of `threads` threads running at the same time. A peak that
/// this CPU or build has no instruction for is 0, which means unknown.
struct MachinePeak {
  int threads = 1;
  /// f32 fused multiply-adds, 1e9 flops per second (one FMA = 2 flops per
  /// lane), by the faster of 512- and 256-bit vectors.
  double f32GFlops = 0;
  /// bf16 pairs into f32 by vdpbf16ps, 1e9 flops per second (4 flops per f32
  /// lane).
  double bf16GFlops = 0;
  /// Bits of the vectors that gave f32GFlops: 512, 256 or 0.
  int vectorBits = 0;
};

/// Measures with `threads` >= 1 threads; takes about 0.1 s per instruction.
MachinePeak measureMachinePeak(int threads);

/// Reads memory as fast as a thread can, whole groups of 256 bytes. The sum of
/// its 64-bit words, so that no compiler leaves the reading out.
uint64_t sumWords(const void *data, size_t bytes);

} // namespace attn

#endif // ATTN_SUPPORT_MACHINEPEAK_H
