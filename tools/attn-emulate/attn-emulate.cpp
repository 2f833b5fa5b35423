//===- attn-emulate.cpp - Run a GPU kernel on the emulator ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "Source.h"
#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Diagnostics.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;
using namespace llvm::opt;
using namespace attn;

//===----------------------------------------------------------------------===//
// The table of options
//===----------------------------------------------------------------------===//

#define ATTN_OPTIONS "EmulateOptions.inc"
#include "attn/Compiler/OptionTable.def"

namespace {
struct DestroyModule {
  void operator()(attn_emulator *module) const {
    attn_emulator_destroy(module);
  }
};
using EmulatorModule = std::unique_ptr<attn_emulator, DestroyModule>;
} // namespace

/// What the emulator says, with its line breaks.
static Error emulatorError() {
  return createStringError(attn_emulator_error());
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

/// "4", "4x2" or "4x2x1"
static Error readDims(StringRef text, uint32_t (&dims)[3]) {
  SmallVector<StringRef> parts;
  text.split(parts, 'x');
  bool isBad = parts.size() > 3;
  for (size_t n = 0; n < 3; ++n)
    isBad |= n < parts.size() ? parts[n].getAsInteger(10, dims[n])
                              : (dims[n] = 1) != 1;
  return isBad ? createError("expected sizes like 4x2x1, not '" + text + "'")
               : Error::success();
}

static Expected<std::string> chooseKernel(const CommandLine &flags,
                                          attn_emulator *module) {
  if (auto name = flags.get(OPT_kernel))
    return *name;
  if (attn_emulator_kernel_count(module) != 1)
    return createError("the module has " +
                       Twine(attn_emulator_kernel_count(module)) +
                       " kernels; choose one with --kernel");
  return std::string(attn_emulator_kernel_name(module, 0));
}

static Expected<attn_emulator_launch>
describeLaunch(const CommandLine &flags, attn_emulator *module,
               const std::string &kernel, const KernelArguments &arguments) {
  attn_emulator_launch launch = {};
  launch.kernel = kernel.c_str();
  if (Error error = readDims(flags.get(OPT_grid, "1"), launch.grid))
    return std::move(error);
  if (attn_emulator_block_size(module, launch.kernel, launch.block))
    return emulatorError();
  if (auto block = flags.get(OPT_block))
    if (Error error = readDims(*block, launch.block))
      return std::move(error);
  if (launch.block[0] == 0)
    return createError("the kernel requires no block size; give --block");
  Expected<int64_t> shared =
      flags.getInteger(OPT_shared, 0, 0, int64_t(1) << 18);
  if (!shared)
    return shared.takeError();
  launch.dynamic_shared_bytes = static_cast<uint64_t>(*shared);
  launch.arguments = arguments.bytes().data();
  launch.argument_bytes = arguments.bytes().size();
  return launch;
}

static Expected<attn_emulator_options>
readOptions(const CommandLine &flags,
            const std::vector<attn_emulator_range> &ranges) {
  Expected<int64_t> seed = flags.getInteger(OPT_seed, 0, 0, INT64_MAX);
  if (!seed)
    return seed.takeError();
  Expected<int64_t> workers = flags.getInteger(OPT_workers, 0, 0, 1024);
  if (!workers)
    return workers.takeError();
  attn_emulator_options options = {};
  options.detect_races = !flags.has(OPT_no_races);
  options.eager_copies = flags.has(OPT_eager);
  options.seed = static_cast<uint64_t>(*seed);
  options.workers = static_cast<uint32_t>(*workers);
  if (!flags.has(OPT_no_bounds)) {
    static const attn_emulator_range none = {};
    options.ranges = ranges.empty() ? &none : ranges.data();
    options.range_count = ranges.size();
  }
  return options;
}

/// The schedules to run, one after the other.
static std::vector<attn_emulator_options>
listSchedules(const CommandLine &flags, const attn_emulator_options &options) {
  if (!flags.has(OPT_all_schedules))
    return {options};
  std::vector<attn_emulator_options> all;
  for (int32_t eager : {0, 1})
    for (uint64_t seed = 0; seed < 4; ++seed) {
      all.push_back(options);
      all.back().eager_copies = eager;
      all.back().seed = seed;
    }
  return all;
}

static double milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

static Error launchKernel(const CommandLine &flags, attn_emulator *module) {
  KernelArguments arguments;
  for (const std::string &text : flags.getAll(OPT_arg))
    if (Error error = arguments.add(text))
      return error;
  Expected<std::string> kernel = chooseKernel(flags, module);
  if (!kernel)
    return kernel.takeError();
  auto launch = describeLaunch(flags, module, *kernel, arguments);
  if (!launch)
    return launch.takeError();
  const std::vector<attn_emulator_range> ranges = arguments.ranges();
  auto options = readOptions(flags, ranges);
  if (!options)
    return options.takeError();
  const auto begin = std::chrono::steady_clock::now();
  if (attn_emulator_compile(module, kernel->c_str()))
    return emulatorError();
  const auto compiled = std::chrono::steady_clock::now();
  attn_emulator_statistics statistics = {};
  for (const attn_emulator_options &schedule : listSchedules(flags, *options))
    if (attn_emulator_run(module, &*launch, &schedule, &statistics))
      return emulatorError();
  const auto end = std::chrono::steady_clock::now();
  if (flags.has(OPT_time))
    outs() << format("compile %.1f ms, run %.1f ms",
                     milliseconds(compiled - begin),
                     milliseconds(end - compiled))
           << ", " << statistics.switches << " switches, "
           << statistics.operations << " operations, " << statistics.checks
           << " checked accesses\n";
  for (const std::string &text : flags.getAll(OPT_out))
    if (Error error = arguments.write(text))
      return error;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Modules and lists
//===----------------------------------------------------------------------===//

static Error emulate(const CommandLine &flags) {
  const std::vector<std::string> files = flags.getAll(OPT_INPUT);
  if (files.size() != 1)
    return createError("expected one file of MLIR or LLVM IR");
  const std::string triple = flags.get(OPT_triple, "nvptx64-nvidia-cuda");
  Expected<std::string> ir = readKernels(files.front(), triple);
  if (!ir)
    return ir.takeError();
  EmulatorModule module(
      attn_emulator_create(ir->data(), ir->size(), triple.c_str()));
  if (!module)
    return emulatorError();
  const auto mutant = flags.get(OPT_mutate);
  if (!mutant)
    return launchKernel(flags, module.get());
  const size_t count = attn_emulator_mutant_count(module.get());
  if (*mutant == "list") {
    for (size_t n = 0; n < count; ++n)
      outs() << n << " " << attn_emulator_mutant_name(module.get(), n) << "\n";
    return Error::success();
  }
  size_t index;
  if (StringRef(*mutant).getAsInteger(10, index) || index >= count)
    return createError("--mutate: expected list or a number below " +
                       Twine(count) + ", not '" + *mutant + "'");
  if (attn_emulator_mutate(module.get(), index))
    return emulatorError();
  return launchKernel(flags, module.get());
}

static void printOperations() {
  std::vector<const char *> names(attn_emulator_operations(nullptr, 0));
  attn_emulator_operations(names.data(), names.size());
  for (const char *name : names)
    outs() << name << "\n";
}

static Error run(int argc, char **argv) {
  ToolOptTable table;
  auto flags = CommandLine::parse(table, OPT_UNKNOWN, argc, argv);
  if (!flags)
    return flags.takeError();
  if (flags->has(OPT_help)) {
    table.printHelp(outs(), "attn-emulate FILE.{mlir,ll,bc} [options]",
                    "Runs a GPU kernel on the CPU and reports races, "
                    "deadlocks and accesses out of bounds");
    return Error::success();
  }
  if (!flags->has(OPT_operations))
    return emulate(*flags);
  printOperations();
  return Error::success();
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
  errs() << "attn-emulate: error: " << toString(std::move(error)) << "\n";
  return 2;
}
