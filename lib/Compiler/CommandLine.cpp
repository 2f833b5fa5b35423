//===- CommandLine.cpp - Command lines of Attn's own tools ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Diagnostics.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

void attn::clearCommandLine() { cl::ResetCommandLineParser(); }

Error attn::parseCommandLine(int argc, const char *const *argv,
                             StringRef overview) {
  std::string text;
  raw_string_ostream stream(text);
  if (cl::ParseCommandLineOptions(argc, argv, overview, &stream))
    return Error::success();
  // LLVM prefixes the program's name and adds a line about --help.
  StringRef message = StringRef(text).split('\n').first;
  size_t colon = message.find(": ");
  if (colon != StringRef::npos && !message.take_front(colon).contains(' '))
    message = message.drop_front(colon + 2);
  message.consume_front("for the ");
  if (message.trim().empty())
    message = "bad command line";
  return createError(message + " (see --help)");
}
