//===- attn-opt.cpp - The opt-style driver of Attn ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "attn/Support/SourceNesting.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"
#ifdef ATTN_INCLUDE_TESTS
#include "TestPasses.h"
#endif

/// What MlirOptMain does, on text that its parser survives.
static mlir::LogicalResult process(int argc, char **argv,
                                   mlir::DialectRegistry &registry) {
  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "Attn optimizer driver\n", registry);
  auto config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return mlir::MlirOptMain(argc, argv, input, output, registry);
  std::string message;
  auto source = mlir::openInputFile(input, &message);
  if (source)
    message = attn::findExcessiveNesting(source->getBuffer());
  auto file =
      message.empty() ? mlir::openOutputFile(output, &message) : nullptr;
  if (!message.empty()) {
    llvm::errs() << "attn-opt: error: " << input << ": " << message << "\n";
    return mlir::failure();
  }
  auto result =
      mlir::MlirOptMain(file->os(), std::move(source), registry, config);
  if (succeeded(result))
    file->keep();
  return result;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  attn::registerAllAttn(registry);
  attn::registerAllAttnPasses();
#ifdef ATTN_INCLUDE_TESTS
  attn::test::registerTestMaskRangesPass();
#endif
  return mlir::asMainReturnCode(process(argc, argv, registry));
}
