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

  // What Driver.h calls by the same names of every driver.

  bool countDevices(int &count, std::string &error) const {
    return check(deviceGetCount(&count), "cuDeviceGetCount", error);
  }

  /// A context.
  using Place = void *;
  bool enter(Place context, Place &, std::string &error) const {
    return check(contextPush(context), "cuCtxPushCurrent", error);
  }
  void leave(Place) const {
    void *popped;
    contextPop(&popped);
  }

  int allocate(void **pointer, size_t bytes) const;
  int free(void *pointer) const { return memoryFree(toNumber(pointer)); }
  int copyToDevice(void *to, const void *from, size_t bytes) const {
    return memoryCopyIn(toNumber(to), from, bytes);
  }
  int copyToHost(void *to, const void *from, size_t bytes) const {
    return memoryCopyOut(to, toNumber(from), bytes);
  }
  int synchronize() const { return contextSynchronize(); }
  int createEvent(void **event) const { return eventCreate(event, 0); }

  /// The largest grid in its first dim.
  static int64_t getMaxBlocks(int64_t) { return INT32_MAX; }
  /// ..._LAUNCH_PARAM_END.
  static constexpr uintptr_t parametersEnd = 0;
  static constexpr const char *prefix = "cu";

private:
  static uint64_t toNumber(const void *pointer) {
    return reinterpret_cast<uint64_t>(pointer);
  }
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
