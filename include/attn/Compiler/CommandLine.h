//===- CommandLine.h - Command lines of Attn's own tools --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libLLVM and libMLIR register hundreds of options when they are loaded, some
// under names that our users should have (--threads). A tool that wants only
// its own options clears the registry first and then creates them, as members
// of an object in a function, not as globals.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_COMPILER_COMMANDLINE_H
#define ATTN_COMPILER_COMMANDLINE_H

#include "llvm/Support/Error.h"

namespace attn {

/// Forgets every option registered so far.
void clearCommandLine();

/// Parses into the options registered since, and gives a bad command line as an
/// error of one line. --help prints `overview` and ends the process.
llvm::Error parseCommandLine(int argc, const char *const *argv,
                             llvm::StringRef overview);

} // namespace attn

#endif // ATTN_COMPILER_COMMANDLINE_H
