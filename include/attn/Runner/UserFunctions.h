//===- UserFunctions.h - User functions for the reference -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The check calls mask and score functions pair by pair. They are compiled for
// it on their own, as scalar code and by upstream passes alone (math becomes
// calls of libm): nothing of what the kernel does to them has a part in it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_USERFUNCTIONS_H
#define ATTN_RUNNER_USERFUNCTIONS_H

#include "attn/Reference/Problem.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace attn::runner {

/// A score function as a callback. `captures` are its arguments after (s, b, h,
/// q_pos, j); scalars have rank 0.
llvm::Expected<reference::ScoreFunction>
compileScoreFunction(mlir::func::FuncOp function,
                     std::vector<TensorView> captures);

/// A mask function as a callback; the same without s.
llvm::Expected<reference::MaskFunction>
compileMaskFunction(mlir::func::FuncOp function,
                    std::vector<TensorView> captures);

} // namespace attn::runner

#endif // ATTN_RUNNER_USERFUNCTIONS_H
