//===- Check.h - Comparing with the reference -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_CHECK_H
#define ATTN_RUNNER_CHECK_H

#include "attn/Runner/Execution.h"
#include "attn/Runner/Problem.h"

namespace attn::runner {

/// The largest number of scores for which every row is compared.
inline constexpr int64_t maxScoresOfFullCheck = int64_t{1} << 24;

/// Refuses what checkOutputs could not check, before anything runs.
llvm::Error checkCanCheck(const Entry &entry, llvm::ArrayRef<Tensor> arguments);

/// Compares the outputs of the last call of `execution` with the reference and
/// prints one line; true if they are right. `seed` samples rows.
llvm::Expected<bool> checkOutputs(const Entry &entry,
                                  llvm::ArrayRef<Tensor> arguments,
                                  const Execution &execution, uint64_t seed,
                                  llvm::raw_ostream &os);

} // namespace attn::runner

#endif // ATTN_RUNNER_CHECK_H
