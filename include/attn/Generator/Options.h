//===- Options.h - The command line of attn-gen -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_GENERATOR_OPTIONS_H
#define ATTN_GENERATOR_OPTIONS_H

#include "attn/Generator/Generator.h"

namespace attn::generator {

struct GeneratorOptions {
  Problem problem;
  std::string outputFile;
};

/// Parses and checks the command line. --help prints to `help` and gives
/// nothing to do.
llvm::Expected<std::optional<GeneratorOptions>>
parseCommandLine(int argc, const char *const *argv, mlir::MLIRContext *context,
                 llvm::raw_ostream &help);

} // namespace attn::generator

#endif // ATTN_GENERATOR_OPTIONS_H
