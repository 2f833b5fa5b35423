//===- Context.cpp - An MLIR context for Attn's tools ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Context.h"
#include "attn/Compiler/Codegen.h"
#include "attn/InitAll.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include <mutex>

std::unique_ptr<mlir::MLIRContext> attn::createContext() {
  // The pipelines name upstream passes by text.
  static std::once_flag once;
  std::call_once(once, [] { mlir::registerAllPasses(); });

  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registerAllAttn(registry);
  registerTranslations(registry);
  return std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
}
