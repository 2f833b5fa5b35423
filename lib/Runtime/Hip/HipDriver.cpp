//===- HipDriver.cpp - The HIP runtime, opened when needed ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipDriver.h"

using namespace attn;

bool HipDriver::open(std::string &error) {
  DynamicLibrary library =
      DynamicLibrary::open({"libamdhip64.so", "libamdhip64.so.7",
                            "libamdhip64.so.6", "libamdhip64.so.5"},
                           error);
  if (!library) {
    error = "no HIP runtime: " + error;
    return false;
  }
#define ATTN_HIP(member, symbol, parameters)                                   \
  if (!library.find(#symbol, member, error)) {                                 \
    error = "the HIP runtime is too old: " + error;                            \
    return false;                                                              \
  }
#include "HipSymbols.def"
#undef ATTN_HIP
  return library.find("hipGetErrorString", getErrorString, error) &&
         check(init(0), "hipInit", error);
}

bool HipDriver::check(int result, const char *what, std::string &error) const {
  if (result == 0)
    return true;
  const char *text = getErrorString(result);
  error = std::string("HIP: ") + what + " failed: " + (text ? text : "?") +
          " (" + std::to_string(result) + ")";
  return false;
}
