//===- device.c - Test of attn-c/Device.h -------------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The kernel is the image of test/unit/Inputs/FakeImage.c, the driver
// FakeCuda.cpp beside it.
//
// RUN: attn-pack-image %attn_obj/test/unit/fake/libAttnFakeImage.so %t.attnk
// RUN: env LD_LIBRARY_PATH=%attn_obj/test/unit/fake \
// RUN:   attn-capi-device-test %t.attnk
//===----------------------------------------------------------------------===//

#include "attn-c/Device.h"

#include "TestUtils.h"

static AttnDevice *openDevice(int ordinal) {
  AttnDeviceOptions options = {sizeof(options), ordinal, 0, 0, 0};
  AttnDevice *device;
  CHECK_OK(attnDeviceOpen("cuda", &options, &device));
  return device;
}

static void testDevices(void) {
  AttnDevice *device;
  CHECK_OK(attnDeviceOpen("cuda", NULL, &device));
  CHECK(strcmp(attnDeviceGetName(device), "Fake, compute capability 8.0") == 0);
  attnDeviceDestroy(device);
  attnDeviceDestroy(openDevice(1));
  attnDeviceDestroy(NULL);
  AttnDeviceOptions third = {sizeof(third), 2, 0, 0, 0};
  CHECK_ERROR(attnDeviceOpen("cuda", &third, &device), ATTN_ERROR_DEVICE,
              "device 2: the driver has 2 devices");
  AttnDeviceOptions small = {8, 0, 0, 0, 0};
  CHECK_ERROR(attnDeviceOpen("cuda", &small, &device),
              ATTN_ERROR_INVALID_ARGUMENT, "options: size is 8");
  CHECK_ERROR(attnDeviceOpen("abacus", NULL, &device), ATTN_ERROR_DEVICE,
              "no device 'abacus'");
  CHECK_ERROR(attnDeviceOpen("hip", NULL, &device), ATTN_ERROR_DEVICE,
              "no HIP runtime");
  CHECK_ERROR(attnDeviceOpen(NULL, NULL, &device), ATTN_ERROR_INVALID_ARGUMENT,
              "null");
  CHECK_ERROR(attnDeviceOpen("cuda", NULL, NULL), ATTN_ERROR_INVALID_ARGUMENT,
              "null");
}

static void testCode(const AttnKernel *kernel) {
  AttnText *code;
  CHECK_OK(attnKernelGetGpuCode(kernel, "ptx", &code));
  CHECK(strcmp(attnTextGetData(code), "some PTX") == 0);
  CHECK(attnTextGetSize(code) == 8);
  attnTextDestroy(code);
  CHECK_ERROR(attnKernelGetGpuCode(kernel, "hsaco", &code),
              ATTN_ERROR_INVALID_ARGUMENT, "no GPU code of kind 'hsaco'");
  CHECK_ERROR(attnKernelGetGpuCode(kernel, NULL, &code),
              ATTN_ERROR_INVALID_ARGUMENT, "null");
}

static void testRun(const AttnKernel *kernel) {
  AttnDevice *device = openDevice(0);
  AttnDeviceKernel *loaded;
  CHECK_OK(attnDeviceKernelCreate(device, kernel, &loaded));
  attnDeviceDestroy(device);
  CHECK(strstr(attnDeviceKernelGetReport(loaded), "\"code\":\"cubin\""));

  /* Device memory is not looked at; the scalar is. */
  int64_t size = 100, stride = 1, factor = 7;
  AttnArray arrays[3] = {{(void *)0x1000, ATTN_F32, 1, &size, &stride},
                         {(void *)0x2000, ATTN_F32, 1, &size, &stride},
                         {&factor, ATTN_I64, 0, NULL, NULL}};
  size_t bytes = 0;
  CHECK_OK(attnDeviceKernelGetWorkspaceSize(loaded, arrays, 3, &bytes));
  CHECK(bytes == 656);
  AttnDeviceRunOptions options = {sizeof(options), NULL, (void *)0x10000,
                                  bytes};
  CHECK_OK(attnDeviceKernelRun(loaded, arrays, 3, &options));

  const AttnErrorCode code = ATTN_ERROR_INVALID_ARGUMENT;
  CHECK_ERROR(attnDeviceKernelRun(loaded, arrays, 3, NULL), code,
              "workspace: given 0 bytes, this call needs 656");
  CHECK_ERROR(attnDeviceKernelRun(loaded, arrays, 2, &options), code,
              "given 2 arrays, the kernel takes 3");
  CHECK_ERROR(attnDeviceKernelRun(NULL, arrays, 3, &options), code, "null");
  CHECK_ERROR(attnDeviceKernelGetWorkspaceSize(loaded, arrays, 2, &bytes), code,
              "given 2 arrays");
  CHECK_ERROR(attnDeviceKernelGetWorkspaceSize(loaded, arrays, 3, NULL), code,
              "null");
  options.size = 8;
  CHECK_ERROR(attnDeviceKernelRun(loaded, arrays, 3, &options), code,
              "options: size is 8");
  arrays[0].type = 99;
  CHECK_ERROR(attnDeviceKernelRun(loaded, arrays, 3, NULL), code,
              "array 0: no element type 99");
  attnDeviceKernelDestroy(loaded);
  attnDeviceKernelDestroy(NULL);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  testDevices();
  AttnKernel *kernel;
  CHECK_OK(attnKernelLoad(argv[1], &kernel));
  testCode(kernel);
  testRun(kernel);
  /* Not without a device. */
  CHECK_ERROR(attnKernelRun(kernel, NULL, 0, NULL), ATTN_ERROR_UNSUPPORTED,
              "attnDeviceKernelRun runs it on a device");
  AttnDeviceKernel *loaded;
  CHECK_ERROR(attnDeviceKernelCreate(NULL, kernel, &loaded),
              ATTN_ERROR_INVALID_ARGUMENT, "null");
  attnKernelDestroy(kernel);
  return 0;
}
