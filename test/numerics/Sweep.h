//===- Sweep.h - Random problems over the whole op --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_NUMERICS_SWEEP_H
#define ATTN_TEST_NUMERICS_SWEEP_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <string>

namespace attn::numerics {

/// Options of attn-gen and attn-runner.
struct RandomProblem {
  std::string gen, run;
};

/// A small problem that mixes features of the op freely; a few use what no
/// target supports. Equal seeds give equal problems.
RandomProblem drawProblem(uint64_t seed, llvm::ArrayRef<std::string> targets);

} // namespace attn::numerics

#endif // ATTN_TEST_NUMERICS_SWEEP_H
