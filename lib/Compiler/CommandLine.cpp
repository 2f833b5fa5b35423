//===- CommandLine.cpp - Command lines of Attn's own tools ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Diagnostics.h"

#include "llvm/Option/Arg.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;
using namespace attn;

Expected<CommandLine> CommandLine::parse(const opt::OptTable &table,
                                         unsigned unknownId, int argc,
                                         const char *const *argv) {
  unsigned missingIndex = 0, missingCount = 0;
  opt::InputArgList options =
      table.ParseArgs(ArrayRef<const char *>(argv + 1, argc > 0 ? argc - 1 : 0),
                      missingIndex, missingCount);
  if (missingCount > 0)
    return createError("option '" + Twine(options.getArgString(missingIndex)) +
                       "' needs a value");
  for (const opt::Arg *unknown : options.filtered(unknownId)) {
    std::string spelling = unknown->getAsString(options), nearest;
    // A typo, not a different word.
    if (table.findNearest(spelling, nearest) <= 2)
      return createError("unknown option '" + spelling + "'; did you mean '" +
                         nearest + "'?");
    return createError("unknown option '" + spelling + "'; see --help");
  }
  return CommandLine(table, std::move(options));
}

bool CommandLine::has(unsigned id) const { return options.hasArg(id); }

std::optional<std::string> CommandLine::get(unsigned id) const {
  if (const opt::Arg *argument = options.getLastArg(id))
    return argument->getValue();
  return std::nullopt;
}

std::string CommandLine::get(unsigned id, StringRef fallback) const {
  return options.getLastArgValue(id, fallback).str();
}

std::vector<std::string> CommandLine::getAll(unsigned id) const {
  return options.getAllArgValues(id);
}

std::string CommandLine::getSpelling(unsigned id) const {
  return table->getOptionPrefixedName(id).rtrim('=').str();
}

Expected<int64_t> CommandLine::getInteger(unsigned id, int64_t fallback,
                                          int64_t min, int64_t max) const {
  auto text = get(id);
  if (!text)
    return fallback;
  int64_t value;
  if (StringRef(*text).getAsInteger(10, value))
    return createError(getSpelling(id) + ": '" + *text + "' is no integer");
  if (value < min || value > max)
    return createError(getSpelling(id) + ": " + *text + " is not between " +
                       Twine(min) + " and " + Twine(max));
  return value;
}

Expected<std::optional<double>> CommandLine::getNumber(unsigned id) const {
  auto text = get(id);
  if (!text)
    return std::nullopt;
  double value;
  if (StringRef(*text).getAsDouble(value) || !std::isfinite(value))
    return createError(getSpelling(id) + ": '" + *text +
                       "' is no finite number");
  return value;
}

Error attn::flushStandardOutput() {
  outs().flush();
  std::error_code code = outs().error();
  if (!code)
    return Error::success();
  outs().clear_error();
  return createError("cannot write to standard output: " + code.message());
}
