//===- DevicesTest.cpp - Kernels on devices, on a driver for tests --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DevicesTestUtils.h"
#include "Inputs/FakeCuda.h"

using namespace attn;

namespace {
/// Opens the devices of FakeCuda, which the loader finds as libcuda.so.1.
class CudaTest : public DriverTest {
protected:
  CudaTest() : DriverTest("cuda", fakeCudaFail, fakeCudaTakeLog) {
    fakeCudaSetCapability(8, 0);
  }
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
  EXPECT_EQ(openError(2), "device 2: the driver has 2 devices");
  EXPECT_EQ(openError(-1), "device -1: the driver has 2 devices");
  fakeCudaFail("cuDevicePrimaryCtxRetain", 2);
  EXPECT_EQ(openError(0), "CUDA: cuDevicePrimaryCtxRetain failed: a fake error "
                          "(CUDA_ERROR_FAKE)");
}

TEST_F(CudaTest, LoadsTheCubinOrHasPtxTranslated) {
  EXPECT_EQ(create()->getProgram().describe(),
            "{\"code\":\"cubin\",\"kernels\":[{\"blocks_per_"
            "multiprocessor\":3,\"local_bytes\":0,\"name\":\"first\","
            "\"registers\":42},{\"blocks_per_multiprocessor\":3,\"local_"
            "bytes\":0,\"name\":\"second\",\"registers\":42}]}");
  EXPECT_STREQ(fakeCudaTakeLog(), "load some cubin\nattribute first 8 65536\n"
                                  "attribute second 8 0\nunload\n");
  // Cubins run within one major version.
  fakeCudaSetCapability(8, 9);
  create();
  EXPECT_EQ(std::string(fakeCudaTakeLog()).rfind("load some cubin", 0), 0u);
  fakeCudaSetCapability(9, 0);
  create();
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
  create();
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

TEST_F(CudaTest, LaunchesWithPackedSlots) { expectLaunchesWithPackedSlots(); }

TEST_F(CudaTest, LaunchesNoGridOfNoBlocks) {
  auto loaded = create();
  fakeCudaTakeLog();
  factor = 0;
  run(*loaded);
  EXPECT_EQ(std::string(fakeCudaTakeLog()).find("second"), std::string::npos);
}

TEST_F(CudaTest, NeedsTheWorkspaceOfTheShapes) {
  size_t bytes = 0;
  ASSERT_TRUE(create()->getWorkspaceSize(arrays, 3, bytes, error)) << error;
  EXPECT_EQ(bytes, 256u + 400u);
}

TEST_F(CudaTest, RefusesWhatBreaksTheContract) {
  auto loaded = create();
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
  auto loaded = create();
  fakeCudaFail("cuLaunchKernel", 719);
  EXPECT_EQ(run(*loaded), DeviceKernel::Outcome::Failed);
  EXPECT_EQ(error, "CUDA: launching kernel first failed: a fake error "
                   "(CUDA_ERROR_FAKE)");
  size = int64_t{1} << 31;
  EXPECT_EQ(run(*loaded), DeviceKernel::Outcome::Failed);
  EXPECT_EQ(error, "the problem has 2147483648 work items; a launch has at "
                   "most 2147483647");
}

TEST_F(CudaTest, CopiesAndTimes) {
  expectCopies("");
  expectTimes();
  fakeCudaFail("cuMemAlloc", 2);
  EXPECT_FALSE(open()->allocate(1, error));
  EXPECT_EQ(error, "CUDA: allocating device memory failed: a fake error "
                   "(CUDA_ERROR_FAKE)");
  fakeCudaFail("cuCtxSynchronize", 700);
  EXPECT_FALSE(open()->synchronize(error));
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
