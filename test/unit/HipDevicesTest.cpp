//===- HipDevicesTest.cpp - Kernels on a HIP runtime for tests ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs/FakeHip.h"
#include "Inputs/LoadImage.h"
#include "attn/Runtime/Device.h"

#include <gtest/gtest.h>

using namespace attn;

namespace {
/// Opens the devices of FakeHip, which the loader finds as libamdhip64.so.
class HipTest : public testing::Test {
protected:
  void SetUp() override {
    fakeHipFail(nullptr, 0);
    fakeHipTakeLog();
  }

  std::shared_ptr<Device> open(int ordinal = 0) {
    auto device = Device::open("hip", ordinal, {}, error);
    EXPECT_TRUE(device) << error;
    return device;
  }

  std::unique_ptr<DeviceKernel> create(int ordinal = 0) {
    auto created = DeviceKernel::create(open(ordinal), kernel, error);
    EXPECT_TRUE(created) << error;
    return created;
  }

  std::string createError() {
    EXPECT_FALSE(DeviceKernel::create(open(), kernel, error));
    return error;
  }

  DeviceKernel::Outcome run(const DeviceKernel &kernel) {
    error.clear();
    return kernel.run(arrays, 3, reinterpret_cast<void *>(77),
                      reinterpret_cast<void *>(0x10000), size_t{1} << 40,
                      error);
  }

  std::shared_ptr<Kernel> kernel = loadKernel(FAKE_IMAGE);
  int64_t size = 100, stride = 1, factor = 7;
  // Never looked at: device memory.
  KernelArray arrays[3] = {
      {reinterpret_cast<void *>(0x1000), ElementType::F32, 1, &size, &stride},
      {reinterpret_cast<void *>(0x2000), ElementType::F32, 1, &size, &stride},
      {&factor, ElementType::I64, 0, nullptr, nullptr}};
  std::string error;
};
} // namespace

TEST_F(HipTest, NamesDevices) {
  EXPECT_EQ(open(1)->getName(), "Fake");
  EXPECT_FALSE(Device::open("hip", 2, {}, error));
  EXPECT_EQ(error, "device 2: the driver has 2 devices");
  EXPECT_FALSE(Device::open("hip", -1, {}, error));
  EXPECT_EQ(error, "device -1: the driver has 2 devices");
  fakeHipFail("hipGetDeviceCount", 100);
  EXPECT_FALSE(Device::open("hip", 0, {}, error));
  EXPECT_EQ(error, "HIP: hipGetDeviceCount failed: a fake error (100)");
}

TEST_F(HipTest, LoadsOnItsDevice) {
  EXPECT_EQ(create(1)->getProgram().describe(),
            "{\"code\":\"hsaco\",\"kernels\":[{\"name\":\"first\"},{\"name\":"
            "\"second\"}]}");
  EXPECT_STREQ(fakeHipTakeLog(), "load some hsaco on device 1\nunload\n");
  // The device of the thread is the one before again.
  EXPECT_EQ(fakeHipGetDevice(), 0);
}

TEST_F(HipTest, TellsWhyCodeIsNotLoaded) {
  fakeHipFail("hipModuleLoadData", 209);
  EXPECT_EQ(createError(), "HIP: loading a kernel for gfx942 failed: a fake "
                           "error (209)");
  fakeHipFail("hipModuleGetFunction", 500);
  EXPECT_EQ(createError(),
            "HIP: finding kernel first failed: a fake error (500)");
  fakeHipFail("hipSetDevice", 101);
  EXPECT_EQ(createError(), "HIP: hipSetDevice failed: a fake error (101)");
  kernel = loadKernel(FAKE_IMAGE_NVIDIA);
  EXPECT_EQ(createError(), "the kernel is for sm_80, the device is Fake");
}

TEST_F(HipTest, LaunchesWithPackedSlots) {
  auto loaded = create();
  fakeHipTakeLog();
  ASSERT_EQ(run(*loaded), DeviceKernel::Outcome::Done) << error;
  EXPECT_STREQ(fakeHipTakeLog(),
               "launch first 100 1 1 128 1 1 65536 stream 77 slots 4096 65792\n"
               "launch second 7 1 1 32 2 1 0 stream 77 slots 65792 8192 100\n");
}

TEST_F(HipTest, ReportsFailedLaunches) {
  auto loaded = create();
  fakeHipFail("hipModuleLaunchKernel", 719);
  EXPECT_EQ(run(*loaded), DeviceKernel::Outcome::Failed);
  EXPECT_EQ(error, "HIP: launching kernel first failed: a fake error (719)");
  // The threads of a grid are counted in 32 bits: blocks of 128.
  size = int64_t{1} << 25;
  EXPECT_EQ(run(*loaded), DeviceKernel::Outcome::Failed);
  EXPECT_EQ(error, "the problem has 33554432 work items; a launch has at most "
                   "33554431");
}

TEST_F(HipTest, CopiesAndTimes) {
  auto device = open();
  int value = 3, back = 0;
  void *memory = device->allocate(sizeof(value), error);
  ASSERT_TRUE(memory) << error;
  EXPECT_TRUE(device->copyToDevice(memory, &value, sizeof(value), error));
  EXPECT_TRUE(device->copyToHost(&back, memory, sizeof(back), error));
  EXPECT_EQ(back, 3);
  EXPECT_STREQ(fakeHipTakeLog(), "copy 1\ncopy 2\n");
  device->free(memory);
  EXPECT_TRUE(device->synchronize(error));
  fakeHipFail("hipMalloc", 2);
  EXPECT_FALSE(device->allocate(1, error));
  EXPECT_EQ(error, "HIP: allocating device memory failed: a fake error (2)");
  std::vector<double> seconds;
  int calls = 0;
  EXPECT_TRUE(device->time([&] { return ++calls > 0; }, 3, seconds, error));
  EXPECT_EQ(calls, 3);
  ASSERT_EQ(seconds.size(), 3u);
  EXPECT_NEAR(seconds[0], 2e-3, 1e-9);
  fakeHipFail("hipEventRecord", 400);
  EXPECT_FALSE(device->time([] { return true; }, 1, seconds, error));
  EXPECT_EQ(error, "HIP: hipEventRecord failed: a fake error (400)");
}
