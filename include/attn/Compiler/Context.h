//===- Context.h - An MLIR context for Attn's tools -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_COMPILER_CONTEXT_H
#define ATTN_COMPILER_CONTEXT_H

#include <memory>

namespace mlir {
class MLIRContext;
} // namespace mlir

namespace attn {

/// A context that knows every dialect a user's file may hold and everything the
/// pipelines and the translation to LLVM IR need. It runs no threads of its
/// own: a kernel is one function, and starting them costs more than they save.
std::unique_ptr<mlir::MLIRContext> createContext();

} // namespace attn

#endif // ATTN_COMPILER_CONTEXT_H
