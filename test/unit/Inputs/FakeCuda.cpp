//===- FakeCuda.cpp - A CUDA driver for tests -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "FakeDriver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {
struct Function {
  std::string name;
};
struct Module {
  std::vector<Function *> functions;
};
} // namespace

static int capability[2] = {8, 0};
static int context, stackDepth = 0;

void fakeCudaSetCapability(int major, int minor) {
  capability[0] = major;
  capability[1] = minor;
}

void fakeCudaFail(const char *function, int result) {
  failOnce(function, result);
}

const char *fakeCudaTakeLog() { return takeLog(); }

EXPORT int cuInit(unsigned) { return finish("cuInit"); }
EXPORT int cuGetErrorName(int, const char **text) {
  *text = "CUDA_ERROR_FAKE";
  return 0;
}
EXPORT int cuGetErrorString(int, const char **text) {
  *text = "a fake error";
  return 0;
}
EXPORT int cuDeviceGetCount(int *count) {
  *count = 2;
  return finish("cuDeviceGetCount");
}
EXPORT int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return 0;
}
EXPORT int cuDeviceGetName(char *text, int size, int) {
  std::snprintf(text, static_cast<size_t>(size), "Fake");
  return 0;
}
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = capability[attribute == 75 ? 0 : 1];
  return 0;
}
EXPORT int cuDevicePrimaryCtxRetain(void **result, int) {
  *result = &context;
  return finish("cuDevicePrimaryCtxRetain");
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
EXPORT int cuCtxPushCurrent_v2(void *) {
  ++stackDepth;
  return finish("cuCtxPushCurrent");
}
EXPORT int cuCtxPopCurrent_v2(void **) {
  --stackDepth;
  return 0;
}
EXPORT int cuCtxSynchronize() {
  logged += "synchronize\n";
  return finish("cuCtxSynchronize");
}
EXPORT int cuModuleLoadDataEx(void **module, const void *code, unsigned,
                              int *options, void **values) {
  logged += "load " + std::string(static_cast<const char *>(code)) + "\n";
  int result = finish("cuModuleLoadDataEx");
  if (result == 0)
    *module = new Module();
  else if (options[0] == 5)
    std::strcpy(static_cast<char *>(values[0]), "line 1: fake");
  return result;
}
EXPORT int cuModuleUnload(void *module) {
  logged += "unload\n";
  for (Function *function : static_cast<Module *>(module)->functions)
    delete function;
  delete static_cast<Module *>(module);
  return 0;
}
EXPORT int cuModuleGetFunction(void **function, void *module,
                               const char *name) {
  auto *made = new Function{name};
  static_cast<Module *>(module)->functions.push_back(made);
  *function = made;
  return finish("cuModuleGetFunction");
}
EXPORT int cuFuncSetAttribute(void *function, int attribute, int value) {
  logged += "attribute " + static_cast<Function *>(function)->name + " " +
            std::to_string(attribute) + " " + std::to_string(value) + "\n";
  return finish("cuFuncSetAttribute");
}
EXPORT int cuFuncGetAttribute(int *value, int attribute, void *) {
  *value = attribute == 4 ? 42 : 0;
  return 0;
}
EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *, int,
                                                       size_t) {
  *blocks = 3;
  return 0;
}
EXPORT int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz,
                          unsigned bx, unsigned by, unsigned bz,
                          unsigned shared, void *stream, void **parameters,
                          void **extra) {
  logLaunch(static_cast<Function *>(function)->name,
            {gx, gy, gz, bx, by, bz, shared}, stream, parameters, extra,
            /*end=*/0);
  return finish("cuLaunchKernel");
}
EXPORT int cuMemAlloc_v2(uint64_t *pointer, size_t bytes) {
  int result = finish("cuMemAlloc");
  if (result == 0)
    *pointer = reinterpret_cast<uint64_t>(std::malloc(bytes));
  return result;
}
EXPORT int cuMemFree_v2(uint64_t pointer) {
  std::free(reinterpret_cast<void *>(pointer));
  return 0;
}
EXPORT int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  return finish("cuMemcpyHtoD");
}
EXPORT int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  std::memcpy(to, reinterpret_cast<void *>(from), bytes);
  return finish("cuMemcpyDtoH");
}
EXPORT int cuEventCreate(void **event, unsigned) {
  *event = &context;
  return finish("cuEventCreate");
}
EXPORT int cuEventDestroy_v2(void *) { return 0; }
EXPORT int cuEventRecord(void *, void *) { return 0; }
EXPORT int cuEventSynchronize(void *) { return finish("cuEventSynchronize"); }
EXPORT int cuEventElapsedTime(float *milliseconds, void *, void *) {
  *milliseconds = 2;
  return 0;
}
