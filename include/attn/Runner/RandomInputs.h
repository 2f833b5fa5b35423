//===- RandomInputs.h - Random values that fit the contract -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_RANDOMINPUTS_H
#define ATTN_RUNNER_RANDOMINPUTS_H

#include "attn/Runner/Arguments.h"

namespace attn::runner {

/// Fills the array of one argument. Floats follow `distribution`, except scale
/// (1/sqrt of the head dim) and softcap (20). Integers are valid for every role
/// of the argument: lengths within the sequence, non-decreasing sequence
/// starts, pages that exist. `sizes` has an entry per role of the argument;
/// an integer role whose sizes are unknown is an error.
llvm::Error fillArgument(const ArgumentInfo &info,
                         llvm::ArrayRef<std::optional<ProblemSizes>> sizes,
                         const TensorView &view, Distribution distribution,
                         uint64_t seed);

} // namespace attn::runner

#endif // ATTN_RUNNER_RANDOMINPUTS_H
