//===- Emit.h - Printing the stages -----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_EMIT_H
#define ATTN_RUNNER_EMIT_H

#include "attn/Runner/Options.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace attn::runner {

/// Takes `module` to the stage of `options` and writes it to options.emitFile.
/// Works for every target, whether or not this machine can run its code.
llvm::Error emit(mlir::ModuleOp module, const RunnerOptions &options);

} // namespace attn::runner

#endif // ATTN_RUNNER_EMIT_H
