//===- Diagnostics.cpp - MLIR diagnostics as one-line errors --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

llvm::Error attn::createError(const llvm::Twine &message) {
  std::string text = message.str();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 llvm::StringRef(text).trim());
}

/// "file:line:column: " of the first file position in `loc`, else "".
static std::string formatLocation(Location loc) {
  std::string text;
  loc->walk([&](Location part) {
    auto file = dyn_cast<FileLineColLoc>(part);
    if (!file)
      return WalkResult::advance();
    text = (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()) + ": ")
               .str();
    return WalkResult::interrupt();
  });
  return text;
}

attn::DiagnosticCollector::DiagnosticCollector(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return failure();
        if (firstError.empty())
          firstError =
              formatLocation(diagnostic.getLocation()) + diagnostic.str();
        return success();
      }) {}

llvm::Error attn::DiagnosticCollector::takeError(llvm::StringRef fallback) {
  return createError(firstError.empty() ? fallback : firstError);
}
