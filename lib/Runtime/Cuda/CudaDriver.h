//===- CudaDriver.h - The CUDA driver, opened when needed -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_CUDA_CUDADRIVER_H
#define ATTN_RUNTIME_CUDA_CUDADRIVER_H

#include "attn/Runtime/DynamicLibrary.h"

#include <cstddef>
#include <cstdint>

namespace attn {

/// The functions of the driver; every one of them is there.
struct CudaDriver {
#define ATTN_CUDA(member, symbol, parameters) int(*member) parameters = nullptr;
#include "CudaSymbols.def"
#undef ATTN_CUDA

  /// Opens and initialises the driver; an error if there is none. See
  /// getDriver().
  bool open(std::string &error);

  /// True if `result` is success; else an error that says what failed.
  bool check(int result, const char *what, std::string &error) const;
};

/// Numbers of cuda.h.
namespace cuda {
enum DeviceAttribute {
  ComputeCapabilityMajor = 75,
  ComputeCapabilityMinor = 76
};
enum FunctionAttribute {
  LocalBytes = 3,
  Registers = 4,
  MaxDynamicSharedBytes = 8
};
enum JitOption { ErrorLog = 5, ErrorLogBytes = 6 };
} // namespace cuda

} // namespace attn

#endif // ATTN_RUNTIME_CUDA_CUDADRIVER_H
