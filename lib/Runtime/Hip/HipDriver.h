//===- HipDriver.h - The HIP runtime, opened when needed --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_HIP_HIPDRIVER_H
#define ATTN_RUNTIME_HIP_HIPDRIVER_H

#include "attn/Runtime/DynamicLibrary.h"

#include <cstddef>

namespace attn {

/// The functions of the HIP runtime; every one of them is there.
struct HipDriver {
#define ATTN_HIP(member, symbol, parameters) int(*member) parameters = nullptr;
#include "HipSymbols.def"
#undef ATTN_HIP
  const char *(*getErrorString)(int) = nullptr;

  /// Opens and initialises the runtime; an error if there is none. See
  /// getDriver().
  bool open(std::string &error);

  /// True if `result` is success; else an error that says what failed.
  bool check(int result, const char *what, std::string &error) const;
};

} // namespace attn

#endif // ATTN_RUNTIME_HIP_HIPDRIVER_H
