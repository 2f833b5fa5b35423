//===- CommandLine.h - Command lines of Attn's own tools --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Our tools declare their options in TableGen (llvm::opt). The other way,
// llvm::cl, shares one registry with libLLVM and libMLIR: names that users
// should have (--threads) are taken there, help lists hundreds of foreign
// options, and errors end the process with code 1.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_COMPILER_COMMANDLINE_H
#define ATTN_COMPILER_COMMANDLINE_H

#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace attn {

/// The parsed options of a tool, by their TableGen ids. Of an option given
/// several times the last one counts.
class CommandLine {
public:
  /// `unknownId` is the table's OPT_UNKNOWN. An unknown option or a missing
  /// value is an error of one line. The strings of `argv` must stay alive.
  static llvm::Expected<CommandLine> parse(const llvm::opt::OptTable &table,
                                           unsigned unknownId, int argc,
                                           const char *const *argv);

  bool has(unsigned id) const;
  std::optional<std::string> get(unsigned id) const;
  std::string get(unsigned id, llvm::StringRef fallback) const;
  /// Every value, for options that may be repeated.
  std::vector<std::string> getAll(unsigned id) const;

  /// An integer within [min, max], or an error that names the option.
  llvm::Expected<int64_t> getInteger(unsigned id, int64_t fallback, int64_t min,
                                     int64_t max) const;
  /// A finite number.
  llvm::Expected<std::optional<double>> getNumber(unsigned id) const;

private:
  CommandLine(const llvm::opt::OptTable &table, llvm::opt::InputArgList options)
      : table(&table), options(std::move(options)) {}

  std::string getSpelling(unsigned id) const;

  const llvm::opt::OptTable *table;
  llvm::opt::InputArgList options;
};

/// Writes what is left of standard output; an error if any of it could not be
/// written. Without this call LLVM ends the process, with code 1, at its end.
llvm::Error flushStandardOutput();

} // namespace attn

#endif // ATTN_COMPILER_COMMANDLINE_H
