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

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

namespace {
class HipProgram final : public DriverProgram<HipDriver> {
public:
  using DriverProgram::DriverProgram;

  std::string describe() const override;

private:
  bool loadModule(const ManifestGpu &gpu, std::string_view hsaco,
                  std::string &error) override {
    return driver.check(driver.moduleLoad(&module, hsaco.data()),
                        ("loading a kernel for " + gpu.chip).c_str(), error);
  }
};
} // namespace

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
class HipDevice final : public DriverDevice<HipDriver> {
public:
  using DriverDevice::DriverDevice;

  bool open(int ordinal, std::string &error);
  std::unique_ptr<DeviceProgram> load(const Kernel &kernel,
                                      std::string &error) override;
};
} // namespace

std::shared_ptr<Device> attn::openHipDevice(int ordinal, std::string &error) {
  return openDriverDevice<HipDevice, HipDriver>(ordinal, error);
}

bool HipDevice::open(int ordinal, std::string &error) {
  char text[256] = "";
  if (!driver.check(driver.deviceGetName(text, sizeof(text), ordinal),
                    "hipDeviceGetName", error))
    return false;
  place = ordinal;
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
  auto program = std::make_unique<HipProgram>(driver, place);
  if (!program->load(gpu, hsaco, error))
    return nullptr;
  return program;
}
