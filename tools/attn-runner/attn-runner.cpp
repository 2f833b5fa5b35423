//===- attn-runner.cpp - Compile, run, check and measure ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Arguments.h"
#include "attn/Runner/Bench.h"
#include "attn/Runner/Check.h"
#include "attn/Runner/DeviceExecution.h"
#include "attn/Runner/Emit.h"
#include "attn/Runner/Entry.h"
#include "attn/Runner/Execution.h"
#include "attn/Runner/Options.h"
#include "attn/Runner/Passes.h"
#include "attn/Runner/Problem.h"

#include "attn/Compiler/Codegen.h"
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

namespace {
/// What differs between the processor and a device.
struct Steps {
  function_ref<Error()> afterCall, bench;
};
} // namespace

/// Runs the compiled kernel and does what was asked for with it. Returns false
/// if a result is wrong.
static Expected<bool> execute(const Entry &entry, Execution &execution,
                              ArrayRef<Tensor> arguments,
                              const RunnerOptions &options, Steps steps) {
  if (!options.saveInputs.empty())
    if (Error error = saveInputs(entry, arguments, options.saveInputs))
      return std::move(error);
  setMemoryPoison(options.check);
  Error failure = execution.call();
  setMemoryPoison(false);
  if (failure)
    return std::move(failure);
  if (Error error = steps.afterCall())
    return std::move(error);
  bool ok = true;
  if (options.check) {
    auto right =
        checkOutputs(entry, arguments, execution, options.seed, outs());
    if (!right)
      return right.takeError();
    ok = *right;
  }
  if (options.bench)
    if (Error error = steps.bench())
      return std::move(error);
  if (Error error =
          writeFiles(listOutputs(entry, arguments, execution, options.outputs)))
    return std::move(error);
  return ok;
}

static Expected<bool> executeOnCpu(OwnedModule module, const Entry &entry,
                                   ArrayRef<Tensor> arguments,
                                   const RunnerOptions &options,
                                   double parseTime) {
  JitOptions jitOptions;
  jitOptions.target = options.target;
  jitOptions.countTiles = options.printTiles;
  auto kernel = JitKernel::compile(std::move(module), entry.name, jitOptions);
  if (!kernel)
    return kernel.takeError();
  if (options.timePhases)
    printPhases(parseTime, (*kernel)->getTimings());
  setThreadCount(options.threads);
  CpuExecution execution(**kernel, entry, arguments);
  auto printTiles = [&]() -> Error {
    int64_t *counts = findTileCounts(**kernel);
    if (!options.printTiles)
      return Error::success();
    if (!counts)
      return createError("--print-tiles: the kernel does not count tiles");
    outs() << "tiles: " << counts[0] << " masked, " << counts[1]
           << " unmasked\n";
    return Error::success();
  };
  auto measure = [&] {
    return bench(entry, arguments, execution, getThreadCount(), outs());
  };
  return execute(entry, execution, arguments, options, {printTiles, measure});
}

static Expected<bool> executeOnDevice(OwnedModule module, const Entry &entry,
                                      ArrayRef<Tensor> arguments,
                                      const RunnerOptions &options,
                                      double parseTime) {
  auto start = Clock::now();
  auto execution = DeviceExecution::create(*module, entry, arguments, options);
  if (!execution)
    return execution.takeError();
  if (options.timePhases)
    outs() << format("phases: parse and verify %.1f ms, compile and load %.1f, "
                     "total %.1f\n",
                     parseTime, millisecondsSince(start),
                     parseTime + millisecondsSince(start));
  auto nothing = [] { return Error::success(); };
  auto measure = [&] {
    return benchDevice(entry, arguments, **execution, outs());
  };
  return execute(entry, **execution, arguments, options, {nothing, measure});
}

/// Refuses code for one kind of machine on the other.
static Error checkDevice(const RunnerOptions &options) {
  auto target = getCodegenTarget(options.target);
  if (!target)
    return target.takeError();
  if (target->isGpu && options.device == "cpu")
    return createError("target " + options.target +
                       " is a GPU; expected --device=emulator, cuda or hip");
  if (!target->isGpu && options.device != "cpu")
    return createError("--device=" + options.device +
                       " runs code for GPUs; target " + options.target +
                       " is a CPU");
  return Error::success();
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

  if (Error error = checkDevice(options))
    return std::move(error);
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
  OwnedModule copy((*module)->clone());
  if (Error error = runPasses(*copy, options.passes))
    return std::move(error);
  auto executeOn = options.device == "cpu" ? executeOnCpu : executeOnDevice;
  return executeOn(std::move(copy), *entry, *arguments, options, parseTime);
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
