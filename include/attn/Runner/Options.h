//===- Options.h - The command line of attn-runner --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_OPTIONS_H
#define ATTN_RUNNER_OPTIONS_H

#include "attn/Runtime/Device.h"
#include "attn/Support/Tensor.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace attn::runner {

/// What --emit prints instead of running the kernel.
enum class Emission {
  Nothing,
  Attn,
  Configured,
  Online,
  Tile,
  LLVM,
  LLVMIR,
  Assembly,
  Object
};

/// Sizes or strides of one argument, named "arg0" or by its role, "kv_lens".
struct ArgumentDims {
  std::string argument;
  std::vector<int64_t> dims;
};

/// Values of one argument as numbers in text, row-major, which start anew when
/// they run out.
struct ArgumentValues {
  std::string argument;
  std::vector<std::string> values;
};

struct RunnerOptions {
  std::string file;
  std::string entry;

  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<ArgumentDims> shapes;
  std::vector<ArgumentDims> strides;
  std::vector<ArgumentValues> values;
  bool random = false;
  uint64_t seed = 0;
  Distribution distribution = Distribution::Normal;
  std::string saveInputs;

  bool check = false;
  bool bench = false;
  bool printTiles = false;
  bool timePhases = false;
  Emission emission = Emission::Nothing;
  std::string emitFile;

  /// Passes before compiling, as text.
  std::string passes;
  std::string target;
  /// "cpu", or a kind that attn/Runtime/Device.h knows.
  std::string device = "cpu";
  int deviceOrdinal = 0;
  /// Of the emulator.
  DeviceOptions schedule;
  /// 0: one per processor.
  int threads = 1;
};

/// Splits at commas; an empty text has no items, "a,,b" has an empty one.
std::vector<std::string> splitList(llvm::StringRef text);

/// "q:1x8x1024x64". Each dim is an integer >= 0; a scalar has none ("x:").
llvm::Expected<ArgumentDims> parseArgumentDims(llvm::StringRef text);

/// "kv_lens:2048,17".
llvm::Expected<ArgumentValues> parseArgumentValues(llvm::StringRef text);

/// "cuda" or "cuda:1".
llvm::Error parseDevice(llvm::StringRef text, RunnerOptions &options);

/// "7", "7,eager", "0,ignore-races".
llvm::Error parseSchedule(llvm::StringRef text, DeviceOptions &schedule);

/// Parses and checks the command line. --help prints to `help` and gives
/// nothing to do.
llvm::Expected<std::optional<RunnerOptions>>
parseCommandLine(int argc, const char *const *argv, llvm::raw_ostream &help);

} // namespace attn::runner

#endif // ATTN_RUNNER_OPTIONS_H
