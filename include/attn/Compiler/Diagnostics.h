//===- Diagnostics.h - MLIR diagnostics as one-line errors ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_COMPILER_DIAGNOSTICS_H
#define ATTN_COMPILER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"
#include <string>

namespace attn {

/// An error whose message is `message` with line breaks turned into spaces.
llvm::Error createError(const llvm::Twine &message);

/// While alive, keeps the first error diagnostic of a context instead of
/// printing errors; warnings and remarks are printed as usual.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context);

  /// The first error as "file:line:column: message", or `fallback` if there
  /// was none.
  llvm::Error takeError(llvm::StringRef fallback);

private:
  std::string firstError;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace attn

#endif // ATTN_COMPILER_DIAGNOSTICS_H
