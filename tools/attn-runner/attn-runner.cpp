//===- attn-runner.cpp - Compile, run, check and measure ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Arguments.h"
#include "attn/Runner/Bench.h"
#include "attn/Runner/Check.h"
#include "attn/Runner/Emit.h"
#include "attn/Runner/Entry.h"
#include "attn/Runner/Execution.h"
#include "attn/Runner/Options.h"
#include "attn/Runner/Passes.h"
#include "attn/Runner/Problem.h"

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Context.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Compiler/Jit.h"
#include "attn/Runtime/Memory.h"
#include "attn/Runtime/Parallel.h"
#include "attn/Support/SourceNesting.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include <chrono>
#include <cstdlib>

using namespace llvm;
using namespace attn;
using namespace attn::runner;

using Clock = std::chrono::steady_clock;
using OwnedModule = mlir::OwningOpRef<mlir::ModuleOp>;

static double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start)
      .count();
}

static Expected<OwnedModule> parse(const RunnerOptions &options,
                                   mlir::MLIRContext &context) {
  std::string message;
  std::unique_ptr<MemoryBuffer> source =
      mlir::openInputFile(options.file, &message);
  if (source)
    message = findExcessiveNesting(source->getBuffer());
  if (!message.empty())
    return createError(options.file + ": " + message);
  SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(source), SMLoc());
  DiagnosticCollector diagnostics(&context);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
  if (!module)
    return diagnostics.takeError("cannot read " + options.file);
  return std::move(module);
}

static void printPhases(double parse, const JitTimings &timings) {
  outs() << format("phases: parse and verify %.1f ms, passes %.1f, translate "
                   "%.1f, optimize %.1f, codegen %.1f, link %.1f, total %.1f\n",
                   parse, timings.passes, timings.translate, timings.optimize,
                   timings.codegen, timings.link, parse + timings.total());
}

/// The counters of a kernel made with countTiles, or null.
static int64_t *findTileCounts(const JitKernel &kernel) {
  return static_cast<int64_t *>(kernel.lookup("attn_tile_counts"));
}

static std::vector<OutputFile> listOutputs(const Entry &entry,
                                           ArrayRef<Tensor> arguments,
                                           const Execution &execution,
                                           ArrayRef<std::string> paths) {
  std::vector<TensorView> views;
  for (auto [info, tensor] : zip(entry.arguments, arguments))
    if (info.isOutput() && !info.isTensor)
      views.push_back(tensor.view());
  append_range(views, execution.getResults());
  std::vector<OutputFile> files;
  for (auto [path, view] : zip(paths, views))
    if (!path.empty())
      files.push_back({path, view});
  return files;
}

static Error checkOutputCount(const Entry &entry, size_t files) {
  size_t outputs = entry.results.size();
  for (const ArgumentInfo &info : entry.arguments)
    outputs += info.isOutput() && !info.isTensor;
  if (files <= outputs)
    return Error::success();
  return createError("--outputs names " + Twine(files) + " files, function @" +
                     entry.name + " has " + Twine(outputs) + " outputs");
}

/// Runs the compiled kernel and does what was asked for with it. Returns false
/// if a result is wrong.
static Expected<bool> execute(const Entry &entry, const JitKernel &kernel,
                              ArrayRef<Tensor> arguments,
                              const RunnerOptions &options) {
  setThreadCount(options.threads);
  setMemoryPoison(options.check);
  Execution execution(kernel, entry, arguments);
  execution.call();
  setMemoryPoison(false);

  if (options.printTiles) {
    int64_t *counts = findTileCounts(kernel);
    if (!counts)
      return createError("--print-tiles: the kernel does not count tiles");
    outs() << "tiles: " << counts[0] << " masked, " << counts[1]
           << " unmasked\n";
  }
  bool ok = true;
  if (options.check) {
    auto right =
        checkOutputs(entry, arguments, execution, options.seed, outs());
    if (!right)
      return right.takeError();
    ok = *right;
  }
  if (options.bench)
    if (Error error =
            bench(entry, arguments, execution, getThreadCount(), outs()))
      return std::move(error);
  if (Error error =
          writeFiles(listOutputs(entry, arguments, execution, options.outputs)))
    return std::move(error);
  return ok;
}

/// Does everything; false if a result is wrong.
static Expected<bool> run(const RunnerOptions &options) {
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto start = Clock::now();
  auto module = parse(options, *context);
  if (!module)
    return module.takeError();
  double parseTime = millisecondsSince(start);
  if (options.emission != Emission::Nothing) {
    if (Error error = runPasses(**module, options.passes))
      return std::move(error);
    if (Error error = emit(**module, options))
      return std::move(error);
    return true;
  }

  auto entry = findEntry(**module, options.entry);
  if (!entry)
    return entry.takeError();
  if (Error error = checkOutputCount(*entry, options.outputs.size()))
    return std::move(error);
  auto arguments = createArguments(*entry, options);
  if (!arguments)
    return arguments.takeError();
  if (Error error = validateArguments(*entry, *arguments))
    return std::move(error);
  if (options.check)
    if (Error error = checkCanCheck(*entry, *arguments))
      return std::move(error);

  // The kernel is made from a copy: the check reads the op it is made from.
  JitOptions jitOptions;
  jitOptions.target = options.target;
  jitOptions.countTiles = options.printTiles;
  OwnedModule copy((*module)->clone());
  if (Error error = runPasses(*copy, options.passes))
    return std::move(error);
  auto kernel = JitKernel::compile(std::move(copy), entry->name, jitOptions);
  if (!kernel)
    return kernel.takeError();
  if (options.timePhases)
    printPhases(parseTime, (*kernel)->getTimings());
  if (!options.saveInputs.empty())
    if (Error error = saveInputs(*entry, *arguments, options.saveInputs))
      return std::move(error);
  return execute(*entry, **kernel, *arguments, options);
}

/// Generated code cannot report that it got no memory. Runs on any thread.
static void onAllocationFailure(size_t bytes) {
  errs() << "attn-runner: error: cannot allocate " << bytes
         << " bytes for the kernel\n";
  std::_Exit(2);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  setAllocationFailureHandler(onAllocationFailure);
  auto options = runner::parseCommandLine(argc, argv, outs());
  auto ok = options ? (*options ? run(**options) : Expected<bool>(true))
                    : Expected<bool>(options.takeError());
  Error written = flushStandardOutput();
  if (ok && written)
    ok = std::move(written);
  consumeError(std::move(written));
  if (ok)
    return *ok ? 0 : 1;
  errs() << "attn-runner: error: " << toString(ok.takeError()) << "\n";
  return 2;
}
