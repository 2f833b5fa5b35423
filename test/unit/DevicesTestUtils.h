//===- DevicesTestUtils.h - Kernels on devices of a fake driver -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_DEVICESTESTUTILS_H
#define ATTN_TEST_UNIT_DEVICESTESTUTILS_H

#include "Inputs/LoadImage.h"
#include "attn/Runtime/Device.h"

#include <gtest/gtest.h>

/// Opens devices of one kind, of which a driver for tests has two, and runs the
/// kernel of FakeImage.c.
class DriverTest : public testing::Test {
protected:
  /// `fail` makes a function of the driver fail once; `takeLog` tells what was
  /// called.
  DriverTest(const char *kind, void (*fail)(const char *, int),
             const char *(*takeLog)())
      : kind(kind), fail(fail), takeLog(takeLog) {
    fail(nullptr, 0);
    takeLog();
  }

  std::shared_ptr<attn::Device> open(int ordinal = 0) {
    auto device = attn::Device::open(kind, ordinal, {}, error);
    EXPECT_TRUE(device) << error;
    return device;
  }

  std::string openError(int ordinal) {
    EXPECT_FALSE(attn::Device::open(kind, ordinal, {}, error));
    return error;
  }

  std::unique_ptr<attn::DeviceKernel> create(int ordinal = 0) {
    auto created = attn::DeviceKernel::create(open(ordinal), kernel, error);
    EXPECT_TRUE(created) << error;
    return created;
  }

  std::string createError() {
    EXPECT_FALSE(attn::DeviceKernel::create(open(), kernel, error));
    return error;
  }

  attn::DeviceKernel::Outcome
  run(const attn::DeviceKernel &kernel,
      void *workspace = reinterpret_cast<void *>(0x10000),
      size_t bytes = size_t{1} << 40) {
    error.clear();
    return kernel.run(arrays, 3, reinterpret_cast<void *>(77), workspace, bytes,
                      error);
  }

  void expectLaunchesWithPackedSlots();
  void expectCopies(const char *log);
  void expectTimes();

  const std::string kind;
  void (*const fail)(const char *, int);
  const char *(*const takeLog)();
  std::shared_ptr<attn::Kernel> kernel = loadKernel(FAKE_IMAGE);
  int64_t size = 100, stride = 1, factor = 7;
  // Never looked at: device memory.
  attn::KernelArray arrays[3] = {
      {reinterpret_cast<void *>(0x1000), attn::ElementType::F32, 1, &size,
       &stride},
      {reinterpret_cast<void *>(0x2000), attn::ElementType::F32, 1, &size,
       &stride},
      {&factor, attn::ElementType::I64, 0, nullptr, nullptr}};
  std::string error;
};

/// Enqueued on the caller's stream; nothing waits.
inline void DriverTest::expectLaunchesWithPackedSlots() {
  auto loaded = create();
  takeLog();
  ASSERT_EQ(run(*loaded), attn::DeviceKernel::Outcome::Done) << error;
  EXPECT_STREQ(takeLog(),
               "launch first 100 1 1 128 1 1 65536 stream 77 slots 4096 65792\n"
               "launch second 7 1 1 32 2 1 0 stream 77 slots 65792 8192 100\n");
}

/// `log` is what the driver is asked for.
inline void DriverTest::expectCopies(const char *log) {
  auto device = open();
  int value = 3, back = 0;
  void *memory = device->allocate(sizeof(value), error);
  ASSERT_TRUE(memory) << error;
  EXPECT_TRUE(device->copyToDevice(memory, &value, sizeof(value), error));
  EXPECT_TRUE(device->copyToHost(&back, memory, sizeof(back), error));
  EXPECT_EQ(back, 3);
  EXPECT_STREQ(takeLog(), log);
  device->free(memory);
  EXPECT_TRUE(device->synchronize(error));
  EXPECT_STREQ(takeLog(), "synchronize\n");
}

inline void DriverTest::expectTimes() {
  auto device = open();
  std::vector<double> seconds;
  int calls = 0;
  EXPECT_TRUE(device->time([&] { return ++calls > 0; }, 3, seconds, error));
  EXPECT_EQ(calls, 3);
  ASSERT_EQ(seconds.size(), 3u);
  EXPECT_NEAR(seconds[0], 2e-3, 1e-9);
  EXPECT_FALSE(device->time([] { return false; }, 3, seconds, error));
}

#endif // ATTN_TEST_UNIT_DEVICESTESTUTILS_H
