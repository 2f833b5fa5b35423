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
#include <cstdint>

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

  // What Driver.h calls by the same names of every driver.

  bool countDevices(int &count, std::string &error) const {
    return check(getDeviceCount(&count), "hipGetDeviceCount", error);
  }

  /// The number of a device.
  using Place = int;
  bool enter(Place device, Place &outer, std::string &error) const {
    return check(getDevice(&outer), "hipGetDevice", error) &&
           check(setDevice(device), "hipSetDevice", error);
  }
  void leave(Place outer) const { setDevice(outer); }

  int allocate(void **pointer, size_t bytes) const {
    return memoryAllocate(pointer, bytes);
  }
  int free(void *pointer) const { return memoryFree(pointer); }
  int copyToDevice(void *to, const void *from, size_t bytes) const {
    return memoryCopy(to, from, bytes, HostToDevice);
  }
  int copyToHost(void *to, const void *from, size_t bytes) const {
    return memoryCopy(to, from, bytes, DeviceToHost);
  }
  int synchronize() const { return deviceSynchronize(); }
  int createEvent(void **event) const { return eventCreate(event); }

  /// HIP counts the threads of a grid in 32 bits.
  static int64_t getMaxBlocks(int64_t threads) { return UINT32_MAX / threads; }
  /// ..._LAUNCH_PARAM_END.
  static constexpr uintptr_t parametersEnd = 3;
  static constexpr const char *prefix = "hip";

private:
  /// hipMemcpyKind.
  enum CopyKind { HostToDevice = 1, DeviceToHost = 2 };
};

} // namespace attn

#endif // ATTN_RUNTIME_HIP_HIPDRIVER_H
