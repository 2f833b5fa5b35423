//===- FakeHip.cpp - A HIP runtime for tests ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeHip.h"
#include "FakeDriver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

static int currentDevice = 0, anything = 0;

void fakeHipFail(const char *function, int result) {
  failOnce(function, result);
}

const char *fakeHipTakeLog() { return takeLog(); }

int fakeHipGetDevice() { return currentDevice; }

EXPORT int hipInit(unsigned) { return finish("hipInit"); }
EXPORT const char *hipGetErrorString(int) { return "a fake error"; }
EXPORT int hipGetDeviceCount(int *count) {
  *count = 2;
  return finish("hipGetDeviceCount");
}
EXPORT int hipGetDevice(int *device) {
  *device = currentDevice;
  return finish("hipGetDevice");
}
EXPORT int hipSetDevice(int device) {
  currentDevice = device;
  return finish("hipSetDevice");
}
EXPORT int hipDeviceGetName(char *text, int size, int) {
  std::snprintf(text, static_cast<size_t>(size), "Fake");
  return finish("hipDeviceGetName");
}
EXPORT int hipDeviceSynchronize() {
  logged += "synchronize\n";
  return finish("hipDeviceSynchronize");
}
EXPORT int hipModuleLoadData(void **module, const void *code) {
  logged += "load " + std::string(static_cast<const char *>(code)) +
            " on device " + std::to_string(currentDevice) + "\n";
  *module = &anything;
  return finish("hipModuleLoadData");
}
EXPORT int hipModuleUnload(void *) {
  logged += "unload\n";
  return 0;
}
EXPORT int hipModuleGetFunction(void **function, void *, const char *name) {
  // Names are literals of the manifests of tests: one of two.
  static std::string first = "first", second = "second";
  *function = name == first ? &first : &second;
  return finish("hipModuleGetFunction");
}
EXPORT int hipModuleLaunchKernel(void *function, unsigned gx, unsigned gy,
                                 unsigned gz, unsigned bx, unsigned by,
                                 unsigned bz, unsigned shared, void *stream,
                                 void **parameters, void **extra) {
  logLaunch(*static_cast<std::string *>(function),
            {gx, gy, gz, bx, by, bz, shared}, stream, parameters, extra,
            /*end=*/3);
  return finish("hipModuleLaunchKernel");
}
EXPORT int hipMalloc(void **pointer, size_t bytes) {
  int result = finish("hipMalloc");
  if (result == 0)
    *pointer = std::malloc(bytes);
  return result;
}
EXPORT int hipFree(void *pointer) {
  std::free(pointer);
  return 0;
}
EXPORT int hipMemcpy(void *to, const void *from, size_t bytes, int kind) {
  logged += "copy " + std::to_string(kind) + "\n";
  std::memcpy(to, from, bytes);
  return finish("hipMemcpy");
}
EXPORT int hipEventCreate(void **event) {
  *event = &anything;
  return finish("hipEventCreate");
}
EXPORT int hipEventDestroy(void *) { return 0; }
EXPORT int hipEventRecord(void *, void *) { return finish("hipEventRecord"); }
EXPORT int hipEventSynchronize(void *) { return 0; }
EXPORT int hipEventElapsedTime(float *milliseconds, void *, void *) {
  *milliseconds = 2;
  return 0;
}
