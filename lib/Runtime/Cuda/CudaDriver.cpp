//===- CudaDriver.cpp - The CUDA driver, opened when needed ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDriver.h"

using namespace attn;

bool CudaDriver::open(std::string &error) {
  DynamicLibrary library =
      DynamicLibrary::open({"libcuda.so.1", "libcuda.so"}, error);
  if (!library) {
    error = "no CUDA driver: " + error;
    return false;
  }
#define ATTN_CUDA(member, symbol, parameters)                                  \
  if (!library.find(#symbol, member, error)) {                                 \
    error = "the CUDA driver is too old: " + error;                            \
    return false;                                                              \
  }
#include "CudaSymbols.def"
#undef ATTN_CUDA
  return check(init(0), "cuInit", error);
}

bool CudaDriver::check(int result, const char *what, std::string &error) const {
  if (result == 0)
    return true;
  const char *name = nullptr, *text = nullptr;
  getErrorName(result, &name);
  getErrorString(result, &text);
  error = std::string("CUDA: ") + what + " failed: " + (text ? text : "?") +
          " (" + (name ? name : std::to_string(result)) + ")";
  return false;
}

int CudaDriver::allocate(void **pointer, size_t bytes) const {
  uint64_t number = 0;
  int result = memoryAllocate(&number, bytes);
  *pointer = reinterpret_cast<void *>(number);
  return result;
}
