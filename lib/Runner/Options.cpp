//===- Options.cpp - The command line of attn-runner ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Options.h"

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Runtime/Parallel.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::opt;
using namespace attn;
using namespace attn::runner;

std::vector<std::string> runner::splitList(StringRef text) {
  std::vector<std::string> items;
  if (text.empty())
    return items;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts)
    items.push_back(part.str());
  return items;
}

Expected<ArgumentDims> runner::parseArgumentDims(StringRef text) {
  auto [name, sizes] = text.split(':');
  ArgumentDims result;
  result.argument = name.str();
  SmallVector<StringRef> parts;
  if (!sizes.empty())
    sizes.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim < 0)
      return createError("'" + text + "' is not NAME:AxBx..., for example " +
                         "q:1x8x1024x64 ('" + part + "' is no size)");
    result.dims.push_back(dim);
  }
  if (name.empty() || !text.contains(':'))
    return createError("'" + text + "' is not NAME:AxBx..., for example " +
                       "q:1x8x1024x64");
  return result;
}

Expected<ArgumentValues> runner::parseArgumentValues(StringRef text) {
  auto [name, values] = text.split(':');
  if (name.empty() || values.empty())
    return createError("'" + text + "' is not NAME:A,B,..., for example " +
                       "kv_lens:2048,17");
  return ArgumentValues{name.str(), splitList(values)};
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

#define ATTN_OPTIONS "attn/Runner/Options.inc"
#include "attn/Compiler/OptionTable.def"

//===----------------------------------------------------------------------===//
// Meaning
//===----------------------------------------------------------------------===//

static Expected<Emission> parseEmission(StringRef text) {
  if (text.empty())
    return Emission::Nothing;
  const std::pair<StringRef, Emission> stages[] = {
      {"attn", Emission::Attn},     {"configured", Emission::Configured},
      {"online", Emission::Online}, {"tile", Emission::Tile},
      {"llvm", Emission::LLVM},     {"llvm-ir", Emission::LLVMIR},
      {"asm", Emission::Assembly},  {"obj", Emission::Object}};
  for (auto [name, emission] : stages)
    if (name == text)
      return emission;
  return createError("--emit: no stage '" + text +
                     "'; there are attn, configured, online, tile, llvm, "
                     "llvm-ir, asm and obj");
}

static Error parseDimsList(StringRef option, ArrayRef<std::string> texts,
                           std::vector<ArgumentDims> &result) {
  for (const std::string &text : texts) {
    auto dims = parseArgumentDims(text);
    if (!dims)
      return createError(option + ": " + toString(dims.takeError()));
    result.push_back(std::move(*dims));
  }
  return Error::success();
}

static Error parseValuesList(ArrayRef<std::string> texts,
                             std::vector<ArgumentValues> &result) {
  for (const std::string &text : texts) {
    auto values = parseArgumentValues(text);
    if (!values)
      return createError("--set: " + toString(values.takeError()));
    result.push_back(std::move(*values));
  }
  return Error::success();
}

static Error parseDistributionOption(const std::string &text,
                                     Distribution &result) {
  auto distribution = parseDistribution(text == "ints" ? "integers" : text);
  if (!distribution)
    return createError("--distribution: no distribution '" + text +
                       "'; there are normal, uniform, ones and ints");
  result = *distribution;
  return Error::success();
}

Error runner::parseDevice(StringRef text, RunnerOptions &options) {
  static constexpr StringLiteral kinds[] = {"cpu", "emulator", "cuda", "hip"};
  auto [kind, ordinal] = text.split(':');
  if (!is_contained(kinds, kind))
    return createError("--device: no device '" + kind + "'; there are " +
                       join(ArrayRef(kinds), ", "));
  options.device = kind.str();
  if (text.contains(':') && !to_integer(ordinal, options.deviceOrdinal, 10))
    return createError("--device: '" + text +
                       "' has no number after the colon");
  return Error::success();
}

Error runner::parseSchedule(StringRef text, DeviceOptions &schedule) {
  for (const std::string &word : splitList(text)) {
    if (word == "eager")
      schedule.eagerCopies = true;
    else if (word == "ignore-races")
      schedule.detectRaces = false;
    else if (StringRef(word).starts_with("mutant=")) {
      if (!to_integer(StringRef(word).drop_front(7), schedule.mutant, 10) ||
          schedule.mutant < 0)
        return createError("--schedule: '" + word + "' has no number");
    } else if (!to_integer(word, schedule.seed, 10))
      return createError("--schedule: '" + word +
                         "' is no seed, eager, ignore-races or mutant=<n>");
  }
  return Error::success();
}

static Error parseFile(const CommandLine &flags, std::string &file) {
  std::vector<std::string> files = flags.getAll(OPT_INPUT);
  if (files.size() != 1)
    return createError(Twine(files.size()) + " input files given; exactly one "
                                             "is needed (- is standard input)");
  file = files.front();
  return Error::success();
}

/// Options that cannot go together.
static Error checkCombination(const RunnerOptions &options) {
  if (options.emission != Emission::Nothing &&
      (options.check || options.bench || options.printTiles ||
       !options.outputs.empty()))
    return createError("--emit prints code and runs nothing; it does not go "
                       "with --check, --bench, --print-tiles or --outputs");
  if (options.emission == Emission::Nothing && options.emitFile != "-")
    return createError("-o is the file of --emit, which is not given");
  if (options.printTiles && options.bench)
    return createError("--print-tiles makes a kernel that counts, which "
                       "--bench must not measure; use them one at a time");
  if (options.printTiles && options.device != "cpu")
    return createError("--print-tiles counts on the CPU alone");
  return Error::success();
}

/// Everything that is not a list of dims or a combination.
static Error parseValues(const CommandLine &flags, RunnerOptions &options) {
  options.entry = flags.get(OPT_entry, "");
  options.inputs = splitList(flags.get(OPT_inputs, ""));
  options.outputs = splitList(flags.get(OPT_outputs, ""));
  options.random = flags.has(OPT_random);
  options.saveInputs = flags.get(OPT_save_inputs, "");
  options.check = flags.has(OPT_check);
  options.bench = flags.has(OPT_bench);
  options.printTiles = flags.has(OPT_print_tiles);
  options.timePhases = flags.has(OPT_time_phases);
  options.emitFile = flags.get(OPT_output, "-");
  options.passes = flags.get(OPT_passes, "");
  options.target = flags.get(OPT_target, flags.get(OPT_cpu, "native"));

  auto seed = flags.getInteger(OPT_seed, 0, 0, INT64_MAX);
  if (!seed)
    return seed.takeError();
  options.seed = static_cast<uint64_t>(*seed);
  auto threads = flags.getInteger(OPT_threads, 1, 0, maxThreadCount);
  if (!threads)
    return threads.takeError();
  options.threads = static_cast<int>(*threads);
  auto emission = parseEmission(flags.get(OPT_emit, ""));
  if (!emission)
    return emission.takeError();
  options.emission = *emission;
  if (Error error = parseDevice(flags.get(OPT_device, "cpu"), options))
    return error;
  if (Error error =
          parseSchedule(flags.get(OPT_schedule, ""), options.schedule))
    return error;
  return parseDistributionOption(flags.get(OPT_distribution, "normal"),
                                 options.distribution);
}

static Error parseAll(const CommandLine &flags, RunnerOptions &options) {
  if (Error error = parseFile(flags, options.file))
    return error;
  if (Error error = parseValues(flags, options))
    return error;
  if (Error error =
          parseDimsList("--shape", flags.getAll(OPT_shape), options.shapes))
    return error;
  if (Error error = parseDimsList("--strides", flags.getAll(OPT_strides),
                                  options.strides))
    return error;
  if (Error error = parseValuesList(flags.getAll(OPT_set), options.values))
    return error;
  return checkCombination(options);
}

Expected<std::optional<RunnerOptions>>
runner::parseCommandLine(int argc, const char *const *argv, raw_ostream &help) {
  ToolOptTable table;
  auto flags = CommandLine::parse(table, OPT_UNKNOWN, argc, argv);
  if (!flags)
    return flags.takeError();
  if (flags->has(OPT_help)) {
    table.printHelp(help, "attn-runner FILE.mlir [options]",
                    "Compiles a function with an attention op, runs it on "
                    "arrays, checks and measures it.\n\nExit code: 0 all well, "
                    "1 a result is wrong, 2 bad input");
    return std::nullopt;
  }
  RunnerOptions options;
  if (Error error = parseAll(*flags, options))
    return std::move(error);
  return options;
}
