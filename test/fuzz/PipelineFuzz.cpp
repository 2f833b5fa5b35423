//===- PipelineFuzz.cpp - Fuzz target: parser, passes and pipelines -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parses MLIR text and, if it is valid, runs each pass and a whole pipeline of
// Attn on it. Besides crashes, two things are failures:
//  - a pass or pipeline that fails without an error message;
//  - a pass of ours that succeeds and leaves invalid IR.
//
//===----------------------------------------------------------------------===//

#include "TokenMutator.h"
#include "attn/Compiler/Context.h"
#include "attn/InitAll.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Support/SourceNesting.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <cstdlib>
#include <cstring>

using namespace mlir;

/// Inputs after which a context, which only grows, is replaced.
static constexpr unsigned kInputsPerContext = 64;
/// Programs with more operations take long and show nothing new.
static constexpr unsigned kMaxOperations = 2000;

static constexpr StringLiteral kPasses[] = {
    "attn-select-cpu-config",
    "attn-convert-to-online",
    "func.func(attn-assign-buffer-layouts)",
    "convert-attn-tile-to-vector",
    "attn-expand-math",
    "convert-attn-dot-pairs-to-x86",
    "convert-attn-launch-to-llvm",
    "canonicalize",
};

static constexpr StringLiteral kTargets[] = {"x86-64-v3", "x86-64-v4",
                                             "x86-64-v4-bf16", "aarch64"};

namespace {

/// Counts the errors of a context while alive, and prints none.
class ErrorCounter {
public:
  explicit ErrorCounter(MLIRContext *context)
      : handler(context, [this](Diagnostic &diagnostic) {
          errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
          return success();
        }) {}

  unsigned errors = 0;

private:
  ScopedDiagnosticHandler handler;
};

} // namespace

[[noreturn]] static void fail(StringRef what, StringRef pass) {
  llvm::errs() << "fuzz: " << pass << ": " << what << "\n";
  std::abort();
}

/// Runs a pipeline on a copy of `module`. With `checksResult` it must leave
/// valid IR.
static void runOn(ModuleOp module, StringRef name,
                  llvm::function_ref<void(OpPassManager &)> build,
                  bool checksResult) {
  OwningOpRef<ModuleOp> copy(module.clone());
  PassManager passes(module.getContext());
  passes.enableVerifier(!checksResult);
  build(passes);
  ErrorCounter counter(module.getContext());
  if (failed(passes.run(*copy))) {
    if (counter.errors == 0)
      fail("failed without an error", name);
    return;
  }
  if (checksResult && failed(verify(*copy)))
    fail("left invalid IR", name);
  // The printer too meets what passes make.
  llvm::raw_null_ostream null;
  copy->print(null);
}

static bool isSmall(ModuleOp module) {
  unsigned count = 0;
  return !module
              .walk([&](Operation *) {
                return ++count > kMaxOperations ? WalkResult::interrupt()
                                                : WalkResult::advance();
              })
              .wasInterrupted();
}

static MLIRContext &getContext() {
  static std::unique_ptr<MLIRContext> context;
  static unsigned inputs = 0;
  if (inputs++ % kInputsPerContext == 0) {
    if (!context)
      attn::registerAllAttnPasses();
    context = attn::createContext();
    context->printOpOnDiagnostic(false);
  }
  return *context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string text(reinterpret_cast<const char *>(data), size);
  if (!attn::findExcessiveNesting(text).empty())
    return 0;
  MLIRContext &context = getContext();
  OwningOpRef<ModuleOp> module;
  {
    ErrorCounter counter(&context);
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module && counter.errors == 0)
      fail("failed without an error", "parser");
  }
  if (!module || !isSmall(*module))
    return 0;
  for (StringRef pass : kPasses)
    runOn(
        *module, pass,
        [&](OpPassManager &passes) {
          if (failed(parsePassPipeline(pass, passes)))
            fail("no such pass", pass);
        },
        /*checksResult=*/true);

  // One of the ways to the end; other inputs take the others.
  const uint64_t choice = llvm::xxh3_64bits(StringRef(text));
  attn::PipelineOptions options;
  options.target = kTargets[choice % std::size(kTargets)].str();
  options.countTiles = choice / std::size(kTargets) % 2 == 0;
  runOn(
      *module, "attn-to-llvm",
      [&](OpPassManager &passes) {
        attn::buildPipelineTo(attn::Stage::LLVM, passes, options);
      },
      /*checksResult=*/false);
  return 0;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

/// Copies as much of `text` as there is room for.
static size_t copyOut(StringRef text, uint8_t *out, size_t maxSize) {
  text = text.take_front(maxSize);
  std::memcpy(out, text.data(), text.size());
  return text.size();
}

static std::string_view getText(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  return copyOut(attn::TokenMutator(seed).mutate(getText(data, size)), data,
                 maxSize);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size,
                                            const uint8_t *other,
                                            size_t otherSize, uint8_t *out,
                                            size_t maxSize, unsigned seed) {
  return copyOut(attn::TokenMutator(seed).cross(getText(data, size),
                                                getText(other, otherSize)),
                 out, maxSize);
}
