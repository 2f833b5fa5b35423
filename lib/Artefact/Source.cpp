//===- Source.cpp - What a kernel is compiled from ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/Source.h"

#include "attn/Compiler/Diagnostics.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Generator/Options.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

using ModuleRef = mlir::OwningOpRef<mlir::ModuleOp>;

static Expected<ModuleRef> parseModule(StringRef text,
                                       mlir::MLIRContext *context) {
  DiagnosticCollector diagnostics(context);
  // The parser of bytecode wants a buffer of its own alignment.
  auto buffer = MemoryBuffer::getMemBufferCopy(text, "module");
  SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), SMLoc());
  ModuleRef module = mlir::parseSourceFile<mlir::ModuleOp>(
      sources, mlir::ParserConfig(context));
  if (!module)
    return diagnostics.takeError("the module does not parse");
  return std::move(module);
}

/// The options of attn-gen that a description spells.
static Expected<std::vector<std::string>> splitDescription(StringRef text) {
  std::vector<std::string> options{"problem"};
  for (StringRef line : split(text, '\n')) {
    line = line.trim();
    if (line.empty())
      continue;
    if (line.starts_with("-") || line.split('=').first.trim() == "o" ||
        line == "help")
      return createError("the description has a line '" + line +
                         "'; expected name=value or name");
    auto [name, value] = line.split('=');
    options.push_back(("--" + name.trim()).str() +
                      (line.contains('=') ? "=" + value.trim().str() : ""));
  }
  return options;
}

static Expected<ModuleRef> generateProblem(StringRef description,
                                           mlir::MLIRContext *context) {
  context->loadDialect<AttnDialect>();
  auto options = splitDescription(description);
  if (!options)
    return options.takeError();
  SmallVector<const char *> arguments;
  for (const std::string &option : *options)
    arguments.push_back(option.c_str());
  auto parsed = generator::parseCommandLine(static_cast<int>(arguments.size()),
                                            arguments.data(), context, nulls());
  if (!parsed)
    return parsed.takeError();
  return generator::generate((*parsed)->problem, context);
}

Expected<ModuleRef> attn::readSource(const KernelSource &source,
                                     mlir::MLIRContext *context) {
  if (source.kind == KernelSource::Kind::Module)
    return parseModule(source.text, context);
  return generateProblem(source.text, context);
}
