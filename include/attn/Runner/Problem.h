//===- Problem.h - An attention op as a reference problem -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_PROBLEM_H
#define ATTN_RUNNER_PROBLEM_H

#include "attn/Reference/Problem.h"
#include "attn/Runner/Entry.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <vector>

namespace attn::runner {

/// Arrays behind the operands of an attention op.
struct BoundProblem {
  reference::AttentionProblem problem;
  /// Arrays of constants that `problem` views.
  std::vector<Tensor> constants;
  /// The mask of `problem`, for counting; null if there is none.
  mlir::Attribute mask;
  /// Mask operands by slot.
  std::vector<TensorView> maskOperands;
};

/// Where one output of the op is found after a call: an argument or a result
/// of the function.
struct OutputPlace {
  bool isResult = false;
  size_t index = 0;
};

/// Binds the operands of `op` to the arguments of a call. Operands may be
/// arguments of the function or constants, through casts; anything computed is
/// an error that names it.
llvm::Expected<BoundProblem> bindProblem(AttentionOp op,
                                         llvm::ArrayRef<Tensor> arguments);

/// The place of init `init` (0: out, 1: lse) of `op`, if it is visible.
std::optional<OutputPlace> findOutput(const Entry &entry, AttentionOp op,
                                      unsigned init);

/// `out` in the dim order of the reference.
TensorView toReferenceOrder(AttentionOp op, const TensorView &out);

/// Checks the run-time contract (lengths within the sequence, starts that do
/// not decrease, pages that exist, ...) of every attention op whose operands
/// can be bound.
llvm::Error validateArguments(const Entry &entry,
                              llvm::ArrayRef<Tensor> arguments);

/// Number of (row, key) pairs over all batches and heads that the mask and the
/// lengths leave visible. Counts intervals, not pairs, for structured masks;
/// a key hidden by a bias or score of -inf counts as visible.
int64_t countVisiblePairs(const BoundProblem &bound);

} // namespace attn::runner

#endif // ATTN_RUNNER_PROBLEM_H
