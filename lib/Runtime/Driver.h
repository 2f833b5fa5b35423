//===- Driver.h - What the drivers of GPUs have in common -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CUDA's driver and the HIP runtime have the same functions under other names.
// `Driver` below is CudaDriver or HipDriver, which says where they differ.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_RUNTIME_DRIVER_H
#define ATTN_LIB_RUNTIME_DRIVER_H

#include "Devices.h"

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

/// Makes a place, which is a context or a device, the calling thread's, and the
/// one before again at its end.
template <typename Driver>
class DriverScope {
public:
  DriverScope(const Driver &driver, typename Driver::Place place,
              std::string &error)
      : driver(driver), ok(driver.enter(place, outer, error)) {}
  ~DriverScope() {
    if (ok)
      driver.leave(outer);
  }
  explicit operator bool() const { return ok; }

private:
  const Driver &driver;
  typename Driver::Place outer = {};
  bool ok;
};

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

/// A kernel of a loaded module, and what the driver says of it.
struct DriverFunction {
  void *handle = nullptr;
  ManifestGpuKernel kernel;
  int registers = 0, localBytes = 0, blocksPerMultiprocessor = 0;

  int64_t countThreads() const {
    return kernel.block[0] * kernel.block[1] * kernel.block[2];
  }
};

template <typename Driver>
class DriverProgram : public DeviceProgram {
public:
  using Place = typename Driver::Place;

  DriverProgram(const Driver &driver, Place place)
      : driver(driver), place(place) {}
  ~DriverProgram() override {
    std::string ignored;
    if (DriverScope<Driver> scope(driver, place, ignored); scope && module)
      driver.moduleUnload(module);
  }

  bool load(const ManifestGpu &gpu, std::string_view code, std::string &error) {
    DriverScope<Driver> scope(driver, place, error);
    if (!scope)
      return false;
    if (!loadModule(gpu, code, error)) {
      module = nullptr;
      return false;
    }
    for (const ManifestGpuKernel &kernel : gpu.kernels)
      if (!loadFunction(kernel, error))
        return false;
    return true;
  }

  bool launch(const LaunchList &list, const std::vector<MemoryRange> &,
              void *stream, std::string &error) override {
    DriverScope<Driver> scope(driver, place, error);
    if (!scope)
      return false;
    for (const GpuLaunch &launch : list.getLaunches())
      if (!enqueue(launch, list.getSlots(launch), stream, error))
        return false;
    return true;
  }

protected:
  virtual bool loadModule(const ManifestGpu &gpu, std::string_view code,
                          std::string &error) = 0;
  /// Sets and asks what the driver wants and knows of a function.
  virtual bool prepare(DriverFunction &, std::string &) { return true; }

  const Driver &driver;
  const Place place;
  void *module = nullptr;
  std::vector<DriverFunction> functions;

private:
  bool loadFunction(const ManifestGpuKernel &kernel, std::string &error) {
    DriverFunction function;
    function.kernel = kernel;
    if (!driver.check(driver.moduleGetFunction(&function.handle, module,
                                               kernel.name.c_str()),
                      ("finding kernel " + kernel.name).c_str(), error) ||
        !prepare(function, error))
      return false;
    functions.push_back(std::move(function));
    return true;
  }

  bool enqueue(const GpuLaunch &launch, const int64_t *slots, void *stream,
               std::string &error) {
    const DriverFunction &function = functions.at(launch.kernel);
    int64_t maxBlocks = Driver::getMaxBlocks(function.countThreads());
    if (launch.count > maxBlocks) {
      error = "the problem has " + std::to_string(launch.count) +
              " work items; a launch has at most " + std::to_string(maxBlocks);
      return false;
    }
    // ..._LAUNCH_PARAM_BUFFER_POINTER, ..._SIZE, ..._END.
    size_t bytes = launch.numSlots * sizeof(int64_t);
    void *parameters[] = {reinterpret_cast<void *>(1),
                          const_cast<int64_t *>(slots),
                          reinterpret_cast<void *>(2), &bytes,
                          reinterpret_cast<void *>(Driver::parametersEnd)};
    const std::array<int64_t, 3> &block = function.kernel.block;
    return driver.check(
        driver.launchKernel(
            function.handle, static_cast<unsigned>(launch.count), 1, 1,
            static_cast<unsigned>(block[0]), static_cast<unsigned>(block[1]),
            static_cast<unsigned>(block[2]),
            static_cast<unsigned>(function.kernel.sharedBytes), stream, nullptr,
            parameters),
        ("launching kernel " + function.kernel.name).c_str(), error);
  }
};

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

template <typename Driver>
class DriverDevice : public Device {
public:
  explicit DriverDevice(const Driver &driver) : driver(driver) {}

  const std::string &getName() const override { return name; }
  ArrayMemory getArrayMemory() const override { return ArrayMemory::Device; }

  void *allocate(size_t bytes, std::string &error) override {
    DriverScope<Driver> scope(driver, place, error);
    void *pointer = nullptr;
    // Drivers refuse 0 bytes.
    bool ok =
        scope && driver.check(driver.allocate(&pointer, bytes ? bytes : 1),
                              "allocating device memory", error);
    return ok ? pointer : nullptr;
  }
  void free(void *pointer) override {
    std::string ignored;
    if (DriverScope<Driver> scope(driver, place, ignored); scope && pointer)
      driver.free(pointer);
  }
  bool copyToDevice(void *to, const void *from, size_t bytes,
                    std::string &error) override {
    DriverScope<Driver> scope(driver, place, error);
    return scope &&
           (bytes == 0 || driver.check(driver.copyToDevice(to, from, bytes),
                                       "copying to the device", error));
  }
  bool copyToHost(void *to, const void *from, size_t bytes,
                  std::string &error) override {
    DriverScope<Driver> scope(driver, place, error);
    return scope &&
           (bytes == 0 || driver.check(driver.copyToHost(to, from, bytes),
                                       "copying from the device", error));
  }
  bool synchronize(std::string &error) override {
    DriverScope<Driver> scope(driver, place, error);
    return scope &&
           driver.check(driver.synchronize(), "waiting for the device", error);
  }
  bool time(const std::function<bool()> &enqueue, int count,
            std::vector<double> &seconds, std::string &error) override {
    DriverScope<Driver> scope(driver, place, error);
    return scope && timeByEvents(enqueue, count, seconds, error);
  }

protected:
  const Driver &driver;
  typename Driver::Place place = {};
  std::string name;

private:
  bool timeByEvents(const std::function<bool()> &enqueue, int count,
                    std::vector<double> &seconds, std::string &error);
};

template <typename Driver>
bool DriverDevice<Driver>::timeByEvents(const std::function<bool()> &enqueue,
                                        int count, std::vector<double> &seconds,
                                        std::string &error) {
  auto check = [&](int result, const char *function) {
    return driver.check(
        result, (std::string(Driver::prefix) + function).c_str(), error);
  };
  void *events[2] = {nullptr, nullptr};
  bool ok = true;
  for (void *&event : events)
    ok = ok && check(driver.createEvent(&event), "EventCreate");
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

/// Opens device `ordinal` of the driver.
template <typename DeviceOfDriver, typename Driver>
std::shared_ptr<Device> openDriverDevice(int ordinal, std::string &error) {
  const Driver *driver = getDriver<Driver>(error);
  int count = 0;
  if (!driver || !driver->countDevices(count, error))
    return nullptr;
  if (ordinal < 0 || ordinal >= count) {
    error = describeMissingDevice(ordinal, count);
    return nullptr;
  }
  auto device = std::make_shared<DeviceOfDriver>(*driver);
  return device->open(ordinal, error) ? device : nullptr;
}

} // namespace attn

#endif // ATTN_LIB_RUNTIME_DRIVER_H
