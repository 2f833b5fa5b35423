//===- Driver.h - What the drivers of GPUs have in common -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CUDA's driver and the HIP runtime have the same functions under other names.
// `Driver` below is CudaDriver or HipDriver.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RUNTIME_DRIVER_H
#define ATTN_LIB_RUNTIME_DRIVER_H

#include "attn/Runtime/Device.h"

namespace attn {

/// The driver, opened once; null and an error if there is none.
template <typename Driver>
const Driver *getDriver(std::string &error) {
  struct Opened {
    Driver driver;
    std::string error;
    bool ok;
    Opened() : ok(driver.open(error)) {}
  };
  static const Opened opened;
  error = opened.error;
  return opened.ok ? &opened.driver : nullptr;
}

/// A kernel of a loaded module, and what the driver says of it.
struct DriverFunction {
  void *handle = nullptr;
  ManifestGpuKernel kernel;
  int registers = 0, localBytes = 0, blocksPerMultiprocessor = 0;

  int64_t countThreads() const {
    return kernel.block[0] * kernel.block[1] * kernel.block[2];
  }
};

/// Enqueues one launch of at most `maxBlocks` blocks. `end` is what the driver
/// wants behind the parameters.
template <typename Driver>
bool enqueueLaunch(const Driver &driver, const LaunchList &list,
                   const GpuLaunch &launch, const DriverFunction &function,
                   int64_t maxBlocks, void *end, void *stream,
                   std::string &error) {
  const std::array<int64_t, 3> &block = function.kernel.block;
  if (launch.count > maxBlocks) {
    error = "the problem has " + std::to_string(launch.count) +
            " work items; a launch has at most " + std::to_string(maxBlocks);
    return false;
  }
  // ..._LAUNCH_PARAM_BUFFER_POINTER, ..._SIZE, ..._END.
  size_t bytes = launch.numSlots * sizeof(int64_t);
  void *parameters[] = {reinterpret_cast<void *>(1),
                        const_cast<int64_t *>(list.getSlots(launch)),
                        reinterpret_cast<void *>(2), &bytes, end};
  return driver.check(
      driver.launchKernel(function.handle, static_cast<unsigned>(launch.count),
                          1, 1, static_cast<unsigned>(block[0]),
                          static_cast<unsigned>(block[1]),
                          static_cast<unsigned>(block[2]),
                          static_cast<unsigned>(function.kernel.sharedBytes),
                          stream, nullptr, parameters),
      ("launching kernel " + function.kernel.name).c_str(), error);
}

/// Device::time by two events, which `createEvent` makes. `prefix` is that of
/// the driver's functions.
template <typename Driver, typename CreateEvent>
bool timeByEvents(const Driver &driver, const std::string &prefix,
                  CreateEvent createEvent, const std::function<bool()> &enqueue,
                  int count, std::vector<double> &seconds, std::string &error) {
  auto check = [&](int result, const char *function) {
    return driver.check(result, (prefix + function).c_str(), error);
  };
  void *events[2] = {nullptr, nullptr};
  bool ok = true;
  for (void *&event : events)
    ok = ok && check(createEvent(&event), "EventCreate");
  for (int i = 0; ok && i < count; ++i) {
    float milliseconds = 0;
    ok = check(driver.eventRecord(events[0], nullptr), "EventRecord") &&
         enqueue() &&
         check(driver.eventRecord(events[1], nullptr), "EventRecord") &&
         driver.check(driver.eventSynchronize(events[1]), "running a kernel",
                      error) &&
         check(driver.eventElapsedTime(&milliseconds, events[0], events[1]),
               "EventElapsedTime");
    if (ok)
      seconds.push_back(milliseconds * 1e-3);
  }
  for (void *event : events)
    if (event)
      driver.eventDestroy(event);
  return ok;
}

} // namespace attn

#endif // ATTN_LIB_RUNTIME_DRIVER_H
