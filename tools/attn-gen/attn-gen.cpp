//===- attn-gen.cpp - Write the IR of an attention problem ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Context.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Generator/Generator.h"
#include "attn/Generator/Options.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

static Error run(int argc, char **argv) {
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  context->loadDialect<AttnDialect>();
  auto options = generator::parseCommandLine(argc, argv, context.get(), outs());
  if (!options)
    return options.takeError();
  if (!*options)
    return Error::success();
  auto module = generator::generate((*options)->problem, context.get());
  if (!module)
    return module.takeError();
  return writeToOutput((*options)->outputFile, [&](raw_ostream &os) {
    (*module)->print(os);
    return Error::success();
  });
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  Error error = run(argc, argv);
  Error written = flushStandardOutput();
  if (!error)
    error = std::move(written);
  consumeError(std::move(written));
  if (!error)
    return 0;
  errs() << "attn-gen: error: " << toString(std::move(error)) << "\n";
  return 2;
}
