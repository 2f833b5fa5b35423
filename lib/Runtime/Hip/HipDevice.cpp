//===- HipDevice.cpp - Kernels through the HIP runtime --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Devices.h"
#include "../Driver.h"
#include "HipDriver.h"

#include <nlohmann/json.hpp>

using namespace attn;

namespace {
/// Makes a device the calling thread's, and the one before again at its end.
class DeviceScope {
public:
  DeviceScope(const HipDriver &driver, int device, std::string &error)
      : driver(driver),
        ok(driver.check(driver.getDevice(&outer), "hipGetDevice", error) &&
           driver.check(driver.setDevice(device), "hipSetDevice", error)) {}
  ~DeviceScope() {
    if (ok)
      driver.setDevice(outer);
  }
  explicit operator bool() const { return ok; }

private:
  const HipDriver &driver;
  int outer = 0;
  bool ok;
};

class HipProgram final : public DeviceProgram {
public:
  HipProgram(const HipDriver &driver, int device)
      : driver(driver), device(device) {}
  ~HipProgram() override {
    std::string ignored;
    if (DeviceScope scope(driver, device, ignored); scope && module)
      driver.moduleUnload(module);
  }

  bool load(const ManifestGpu &gpu, std::string_view hsaco, std::string &error);
  bool launch(const LaunchList &list, const std::vector<MemoryRange> &,
              void *stream, std::string &error) override;
  std::string describe() const override;

private:
  const HipDriver &driver;
  const int device;
  void *module = nullptr;
  std::vector<DriverFunction> functions;
};
} // namespace

bool HipProgram::load(const ManifestGpu &gpu, std::string_view hsaco,
                      std::string &error) {
  DeviceScope scope(driver, device, error);
  if (!scope)
    return false;
  if (!driver.check(driver.moduleLoad(&module, hsaco.data()),
                    ("loading a kernel for " + gpu.chip).c_str(), error)) {
    module = nullptr;
    return false;
  }
  for (const ManifestGpuKernel &kernel : gpu.kernels) {
    DriverFunction function{nullptr, kernel};
    if (!driver.check(driver.moduleGetFunction(&function.handle, module,
                                               kernel.name.c_str()),
                      ("finding kernel " + kernel.name).c_str(), error))
      return false;
    functions.push_back(std::move(function));
  }
  return true;
}

/// HIP counts the threads of a grid in 32 bits.
static constexpr int64_t maxThreads = UINT32_MAX;

bool HipProgram::launch(const LaunchList &list,
                        const std::vector<MemoryRange> &, void *stream,
                        std::string &error) {
  DeviceScope scope(driver, device, error);
  if (!scope)
    return false;
  for (const GpuLaunch &launch : list.getLaunches()) {
    const DriverFunction &function = functions.at(launch.kernel);
    if (!enqueueLaunch(driver, list, launch, function,
                       maxThreads / function.countThreads(),
                       /*end=*/reinterpret_cast<void *>(3), stream, error))
      return false;
  }
  return true;
}

std::string HipProgram::describe() const {
  nlohmann::json kernels = nlohmann::json::array();
  for (const DriverFunction &function : functions)
    kernels.push_back({{"name", function.kernel.name}});
  return nlohmann::json{{"code", "hsaco"}, {"kernels", kernels}}.dump();
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

namespace {
class HipDevice final : public Device {
public:
  HipDevice(const HipDriver &driver, int device)
      : driver(driver), device(device) {}

  bool open(std::string &error);

  const std::string &getName() const override { return name; }
  ArrayMemory getArrayMemory() const override { return ArrayMemory::Device; }
  std::unique_ptr<DeviceProgram> load(const Kernel &kernel,
                                      std::string &error) override;

  void *allocate(size_t bytes, std::string &error) override;
  void free(void *pointer) override;
  bool copyToDevice(void *to, const void *from, size_t bytes,
                    std::string &error) override;
  bool copyToHost(void *to, const void *from, size_t bytes,
                  std::string &error) override;
  bool synchronize(std::string &error) override;
  bool time(const std::function<bool()> &enqueue, int count,
            std::vector<double> &seconds, std::string &error) override;

private:
  /// hipMemcpyKind.
  enum CopyKind { HostToDevice = 1, DeviceToHost = 2 };
  bool copy(void *to, const void *from, size_t bytes, CopyKind kind,
            std::string &error);

  const HipDriver &driver;
  const int device;
  std::string name;
};
} // namespace

std::shared_ptr<Device> attn::openHipDevice(int ordinal, std::string &error) {
  const HipDriver *driver = getDriver<HipDriver>(error);
  if (!driver)
    return nullptr;
  auto device = std::make_shared<HipDevice>(*driver, ordinal);
  return device->open(error) ? device : nullptr;
}

bool HipDevice::open(std::string &error) {
  int count = 0;
  if (!driver.check(driver.getDeviceCount(&count), "hipGetDeviceCount", error))
    return false;
  if (device < 0 || device >= count) {
    error = describeMissingDevice(device, count);
    return false;
  }
  char text[256] = "";
  if (!driver.check(driver.deviceGetName(text, sizeof(text), device),
                    "hipDeviceGetName", error))
    return false;
  name = text;
  return true;
}

std::unique_ptr<DeviceProgram> HipDevice::load(const Kernel &kernel,
                                               std::string &error) {
  const ManifestGpu &gpu = *kernel.getManifest().gpu;
  std::string_view hsaco = kernel.findGpuBinary("hsaco");
  if (hsaco.empty()) {
    error = "the kernel is for " + gpu.chip + ", the device is " + name;
    return nullptr;
  }
  auto program = std::make_unique<HipProgram>(driver, device);
  if (!program->load(gpu, hsaco, error))
    return nullptr;
  return program;
}

void *HipDevice::allocate(size_t bytes, std::string &error) {
  DeviceScope scope(driver, device, error);
  void *pointer = nullptr;
  if (!scope ||
      !driver.check(driver.memoryAllocate(&pointer, bytes ? bytes : 1),
                    "allocating device memory", error))
    return nullptr;
  return pointer;
}

void HipDevice::free(void *pointer) {
  std::string ignored;
  if (DeviceScope scope(driver, device, ignored); scope && pointer)
    driver.memoryFree(pointer);
}

bool HipDevice::copy(void *to, const void *from, size_t bytes, CopyKind kind,
                     std::string &error) {
  DeviceScope scope(driver, device, error);
  return scope &&
         (bytes == 0 || driver.check(driver.copy(to, from, bytes, kind),
                                     "copying arrays", error));
}

bool HipDevice::copyToDevice(void *to, const void *from, size_t bytes,
                             std::string &error) {
  return copy(to, from, bytes, HostToDevice, error);
}

bool HipDevice::copyToHost(void *to, const void *from, size_t bytes,
                           std::string &error) {
  return copy(to, from, bytes, DeviceToHost, error);
}

bool HipDevice::synchronize(std::string &error) {
  DeviceScope scope(driver, device, error);
  return scope && driver.check(driver.deviceSynchronize(),
                               "waiting for the device", error);
}

bool HipDevice::time(const std::function<bool()> &enqueue, int count,
                     std::vector<double> &seconds, std::string &error) {
  DeviceScope scope(driver, device, error);
  return scope && timeByEvents(driver, "hip", driver.eventCreate, enqueue,
                               count, seconds, error);
}
