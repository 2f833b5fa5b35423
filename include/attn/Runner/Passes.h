//===- Passes.h - Passes of the user's choice before compiling --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_PASSES_H
#define ATTN_RUNNER_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace attn::runner {

/// Runs `pipeline`, as text, on `module`; nothing if it is empty.
llvm::Error runPasses(mlir::ModuleOp module, llvm::StringRef pipeline);

} // namespace attn::runner

#endif // ATTN_RUNNER_PASSES_H
