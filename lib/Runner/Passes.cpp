//===- Passes.cpp - Passes of the user's choice before compiling ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Passes.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/InitAll.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

using namespace attn;

llvm::Error runner::runPasses(mlir::ModuleOp module, llvm::StringRef pipeline) {
  if (pipeline.empty())
    return llvm::Error::success();
  static std::once_flag once;
  std::call_once(once, registerAllAttnPasses);

  std::string message;
  llvm::raw_string_ostream errors(message);
  mlir::PassManager passes(module.getContext());
  if (failed(mlir::parsePassPipeline(pipeline, passes, errors)))
    return createError("--passes: " + llvm::StringRef(message).trim());
  DiagnosticCollector diagnostics(module.getContext());
  if (failed(passes.run(module)))
    return diagnostics.takeError("--passes failed");
  return llvm::Error::success();
}
