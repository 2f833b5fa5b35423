//===- Source.h - What a kernel is compiled from ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ARTEFACT_SOURCE_H
#define ATTN_ARTEFACT_SOURCE_H

#include "attn/Artefact/Service.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace attn {

/// The module that a source describes, verified.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
readSource(const KernelSource &source, mlir::MLIRContext *context);

} // namespace attn

#endif // ATTN_ARTEFACT_SOURCE_H
