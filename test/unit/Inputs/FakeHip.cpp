//===- FakeHip.cpp - A HIP runtime for tests ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeHip.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

static std::string failing, logged, taken;
static int failure = 0, currentDevice = 0, anything = 0;

void fakeHipFail(const char *function, int result) {
  failing = function ? function : "";
  failure = result;
}

const char *fakeHipTakeLog() {
  taken = std::move(logged);
  logged.clear();
  return taken.c_str();
}

int fakeHipGetDevice() { return currentDevice; }

static int finish(const char *function) {
  if (failing != function)
    return 0;
  failing.clear();
  return failure;
}

#define EXPORT extern "C" __attribute__((visibility("default")))

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
  std::string text = "launch " + *static_cast<std::string *>(function);
  for (unsigned number : {gx, gy, gz, bx, by, bz, shared})
    text += " " + std::to_string(number);
  text += " stream " + std::to_string(reinterpret_cast<uintptr_t>(stream));
  // HIP_LAUNCH_PARAM_BUFFER_POINTER, ..._SIZE and ..._END.
  bool isPacked = !parameters && extra[0] == reinterpret_cast<void *>(1) &&
                  extra[2] == reinterpret_cast<void *>(2) &&
                  extra[4] == reinterpret_cast<void *>(3);
  text += isPacked ? " slots" : " not packed";
  if (isPacked)
    for (size_t i = 0; i < *static_cast<size_t *>(extra[3]) / 8; ++i)
      text += " " + std::to_string(static_cast<int64_t *>(extra[1])[i]);
  logged += text + "\n";
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
