//===- DevicesTest.cpp - Kernels on devices, on a driver for tests --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs/FakeCuda.h"
#include "Inputs/LoadImage.h"
#include "attn/Runtime/Device.h"

#include <gtest/gtest.h>

using namespace attn;

namespace {
/// Opens the devices of FakeCuda, which the loader finds as libcuda.so.1.
class CudaTest : public testing::Test {
protected:
  void SetUp() override {
    fakeCudaSetCapability(8, 0);
    fakeCudaFail(nullptr, 0);
    fakeCudaTakeLog();
  }

  std::shared_ptr<Device> open(int ordinal = 0) {
    std::string error;
    auto device = Device::open("cuda", ordinal, {}, error);
    EXPECT_TRUE(device) << error;
    return device;
  }

  std::unique_ptr<DeviceKernel> create(const std::shared_ptr<Device> &device) {
    std::string error;
    auto created = DeviceKernel::create(device, kernel, error);
    EXPECT_TRUE(created) << error;
    return created;
  }

  std::string createError() {
    std::string error;
    EXPECT_FALSE(DeviceKernel::create(open(), kernel, error));
    return error;
  }

  DeviceKernel::Outcome run(const DeviceKernel &kernel, void *workspace,
                            size_t bytes) {
    error.clear();
    return kernel.run(arrays, 3, reinterpret_cast<void *>(77), workspace, bytes,
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

TEST(Device, OpensNoOtherKind) {
  std::string error;
  EXPECT_FALSE(Device::open("abacus", 0, {}, error));
  EXPECT_EQ(error, "no device 'abacus'; there are cuda, hip, emulator");
  EXPECT_FALSE(Device::open("hip", 0, {}, error));
  EXPECT_EQ(error.rfind("no HIP runtime: libamdhip64.so: ", 0), 0u) << error;
}

TEST_F(CudaTest, NamesDevices) {
  EXPECT_EQ(open(1)->getName(), "Fake, compute capability 8.0");
  EXPECT_FALSE(Device::open("cuda", 2, {}, error));
  EXPECT_EQ(error, "device 2: the driver has 2 devices");
  EXPECT_FALSE(Device::open("cuda", -1, {}, error));
  EXPECT_EQ(error, "device -1: the driver has 2 devices");
  fakeCudaFail("cuDevicePrimaryCtxRetain", 2);
  EXPECT_FALSE(Device::open("cuda", 0, {}, error));
  EXPECT_EQ(error, "CUDA: cuDevicePrimaryCtxRetain failed: a fake error "
                   "(CUDA_ERROR_FAKE)");
}

TEST_F(CudaTest, LoadsTheCubinOrHasPtxTranslated) {
  EXPECT_EQ(create(open())->getProgram().describe(),
            "{\"code\":\"cubin\",\"kernels\":[{\"blocks_per_"
            "multiprocessor\":3,\"local_bytes\":0,\"name\":\"first\","
            "\"registers\":42},{\"blocks_per_multiprocessor\":3,\"local_"
            "bytes\":0,\"name\":\"second\",\"registers\":42}]}");
  EXPECT_STREQ(fakeCudaTakeLog(), "load some cubin\nattribute first 8 65536\n"
                                  "attribute second 8 0\nunload\n");
  // Cubins run within one major version.
  fakeCudaSetCapability(8, 9);
  create(open());
  EXPECT_EQ(std::string(fakeCudaTakeLog()).rfind("load some cubin", 0), 0u);
  fakeCudaSetCapability(9, 0);
  create(open());
  EXPECT_EQ(std::string(fakeCudaTakeLog()).rfind("load some PTX", 0), 0u);
  fakeCudaSetCapability(7, 5);
  EXPECT_EQ(createError(), "the kernel is for sm_80, the device is Fake, "
                           "compute capability 7.5");
}

TEST_F(CudaTest, LoadsCodeOfOneChipOnThatChip) {
  kernel = loadKernel(FAKE_IMAGE_EXACT);
  for (auto [major, minor] : {std::pair(8, 0), {9, 1}, {10, 0}}) {
    fakeCudaSetCapability(major, minor);
    EXPECT_EQ(createError().rfind("the kernel is for sm_90a, the device is", 0),
              0u);
  }
  fakeCudaSetCapability(9, 0);
  create(open());
  EXPECT_EQ(std::string(fakeCudaTakeLog()).rfind("load some cubin", 0), 0u);
}

TEST_F(CudaTest, TellsWhyCodeIsNotLoaded) {
  fakeCudaFail("cuModuleLoadDataEx", 218);
  EXPECT_EQ(createError(), "CUDA: loading a kernel failed: a fake error "
                           "(CUDA_ERROR_FAKE): line 1: fake");
  fakeCudaFail("cuModuleGetFunction", 500);
  EXPECT_EQ(createError(), "CUDA: finding kernel first failed: a fake error "
                           "(CUDA_ERROR_FAKE)");
  fakeCudaFail("cuFuncSetAttribute", 1);
  EXPECT_EQ(createError(), "CUDA: giving kernel first 65536 bytes of shared "
                           "memory failed: a fake error (CUDA_ERROR_FAKE)");
}

TEST_F(CudaTest, LaunchesWithPackedSlots) {
  auto loaded = create(open());
  size_t bytes = 0;
  ASSERT_TRUE(loaded->getWorkspaceSize(arrays, 3, bytes, error)) << error;
  EXPECT_EQ(bytes, 256u + 400u);
  fakeCudaTakeLog();
  void *workspace = reinterpret_cast<void *>(0x10000);
  ASSERT_EQ(run(*loaded, workspace, bytes), DeviceKernel::Outcome::Done)
      << error;
  // Enqueued on the caller's stream; nothing waits.
  EXPECT_STREQ(fakeCudaTakeLog(),
               "launch first 100 1 1 128 1 1 65536 stream 77 slots 4096 65792\n"
               "launch second 7 1 1 32 2 1 0 stream 77 slots 65792 8192 100\n");
  // A grid of no blocks is not launched.
  factor = 0;
  run(*loaded, workspace, bytes);
  EXPECT_EQ(std::string(fakeCudaTakeLog()).find("second"), std::string::npos);
}

TEST_F(CudaTest, RefusesWhatBreaksTheContract) {
  auto loaded = create(open());
  fakeCudaTakeLog();
  auto refused = DeviceKernel::Outcome::Refused;
  EXPECT_EQ(run(*loaded, nullptr, 1000), refused);
  EXPECT_EQ(error, "workspace: given 0 bytes, this call needs 656");
  EXPECT_EQ(run(*loaded, reinterpret_cast<void *>(0x10000), 655), refused);
  EXPECT_EQ(error, "workspace: given 655 bytes, this call needs 656");
  EXPECT_EQ(run(*loaded, reinterpret_cast<void *>(0x10080), 1000), refused);
  EXPECT_EQ(error, "workspace: the pointer is no multiple of 256");
  arrays[1].type = ElementType::BF16;
  EXPECT_EQ(run(*loaded, reinterpret_cast<void *>(0x10000), 1000), refused);
  EXPECT_EQ(error, "out: given element type bf16, expected f32");
  EXPECT_STREQ(fakeCudaTakeLog(), "");
}

TEST_F(CudaTest, ReportsFailedLaunches) {
  auto loaded = create(open());
  void *workspace = reinterpret_cast<void *>(0x10000);
  fakeCudaFail("cuLaunchKernel", 719);
  EXPECT_EQ(run(*loaded, workspace, 1000), DeviceKernel::Outcome::Failed);
  EXPECT_EQ(error, "CUDA: launching kernel first failed: a fake error "
                   "(CUDA_ERROR_FAKE)");
  size = int64_t{1} << 31;
  EXPECT_EQ(run(*loaded, workspace, size_t{1} << 40),
            DeviceKernel::Outcome::Failed);
  EXPECT_EQ(error, "the problem has 2147483648 work items; a launch has at "
                   "most 2147483647");
}

TEST_F(CudaTest, CopiesAndTimes) {
  auto device = open();
  int value = 3, back = 0;
  void *memory = device->allocate(sizeof(value), error);
  ASSERT_TRUE(memory) << error;
  EXPECT_TRUE(device->copyToDevice(memory, &value, sizeof(value), error));
  EXPECT_TRUE(device->copyToHost(&back, memory, sizeof(back), error));
  EXPECT_EQ(back, 3);
  device->free(memory);
  EXPECT_TRUE(device->synchronize(error));
  fakeCudaFail("cuMemAlloc", 2);
  EXPECT_FALSE(device->allocate(1, error));
  EXPECT_EQ(error, "CUDA: allocating device memory failed: a fake error "
                   "(CUDA_ERROR_FAKE)");
  fakeCudaFail("cuCtxSynchronize", 700);
  EXPECT_FALSE(device->synchronize(error));
  std::vector<double> seconds;
  int calls = 0;
  EXPECT_TRUE(device->time([&] { return ++calls > 0; }, 3, seconds, error));
  EXPECT_EQ(calls, 3);
  ASSERT_EQ(seconds.size(), 3u);
  EXPECT_NEAR(seconds[0], 2e-3, 1e-9);
  EXPECT_FALSE(device->time([] { return false; }, 3, seconds, error));
}

TEST_F(CudaTest, TakesNoCpuKernel) {
  std::string manifest = kernel->getManifestText();
  size_t gpu = manifest.find(", \"gpu\"");
  manifest = manifest.substr(0, gpu) + "}";
  kernel = Kernel::create(kernel->getImage(), manifest, error);
  ASSERT_TRUE(kernel) << error;
  EXPECT_EQ(createError(), "the kernel is made for a CPU; a device takes one "
                           "that was compiled for a GPU");
}
