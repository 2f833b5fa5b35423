//===- HipDevicesTest.cpp - Kernels on a HIP runtime for tests ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DevicesTestUtils.h"
#include "Inputs/FakeHip.h"

using namespace attn;

namespace {
/// Opens the devices of FakeHip, which the loader finds as libamdhip64.so.
class HipTest : public DriverTest {
protected:
  HipTest() : DriverTest("hip", fakeHipFail, fakeHipTakeLog) {}
};
} // namespace

TEST_F(HipTest, NamesDevices) {
  EXPECT_EQ(open(1)->getName(), "Fake");
  EXPECT_EQ(openError(2), "device 2: the driver has 2 devices");
  EXPECT_EQ(openError(-1), "device -1: the driver has 2 devices");
  fakeHipFail("hipGetDeviceCount", 100);
  EXPECT_EQ(openError(0), "HIP: hipGetDeviceCount failed: a fake error (100)");
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

TEST_F(HipTest, LaunchesWithPackedSlots) { expectLaunchesWithPackedSlots(); }

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
  expectCopies("copy 1\ncopy 2\n");
  expectTimes();
  fakeHipFail("hipMalloc", 2);
  EXPECT_FALSE(open()->allocate(1, error));
  EXPECT_EQ(error, "HIP: allocating device memory failed: a fake error (2)");
  fakeHipFail("hipEventRecord", 400);
  std::vector<double> seconds;
  EXPECT_FALSE(open()->time([] { return true; }, 1, seconds, error));
  EXPECT_EQ(error, "HIP: hipEventRecord failed: a fake error (400)");
}
