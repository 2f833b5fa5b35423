//===- CudaDevice.cpp - Kernels through the CUDA driver -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Devices.h"
#include "../Driver.h"
#include "CudaDriver.h"

#include <nlohmann/json.hpp>

using namespace attn;

namespace {
/// A version of the instruction set, "8.0".
struct Capability {
  int major = 0, minor = 0;

  std::string toString() const {
    return std::to_string(major) + "." + std::to_string(minor);
  }
  bool operator>=(const Capability &other) const {
    return major != other.major ? major > other.major : minor >= other.minor;
  }
};

/// The capability that a chip's name ends with, and whether its code runs on
/// that one alone: "..._90a".
struct ChipCapability {
  Capability capability;
  bool isExact = false;
};
} // namespace

static ChipCapability parseChip(const std::string &chip) {
  ChipCapability result;
  size_t digits = chip.find_first_of("0123456789");
  if (digits == std::string::npos)
    return result;
  int number = std::stoi(chip.substr(digits));
  result.capability = {number / 10, number % 10};
  result.isExact = !std::isdigit(static_cast<unsigned char>(chip.back()));
  return result;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

namespace {
class CudaProgram final : public DriverProgram<CudaDriver> {
public:
  /// `code` is "cubin" or "ptx".
  CudaProgram(const CudaDriver &driver, void *context, std::string code)
      : DriverProgram(driver, context), code(std::move(code)) {}

  std::string describe() const override;

private:
  bool loadModule(const ManifestGpu &gpu, std::string_view bytes,
                  std::string &error) override;
  bool prepare(DriverFunction &function, std::string &error) override;

  const std::string code;
};
} // namespace

bool CudaProgram::loadModule(const ManifestGpu &, std::string_view bytes,
                             std::string &error) {
  char log[4096] = "";
  int options[] = {cuda::ErrorLog, cuda::ErrorLogBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log))};
  // PTX ends with a null byte.
  std::string text(bytes);
  if (driver.check(driver.moduleLoad(&module, text.c_str(), 2, options, values),
                   "loading a kernel", error))
    return true;
  if (*log)
    error += std::string(": ") + log;
  return false;
}

bool CudaProgram::prepare(DriverFunction &function, std::string &error) {
  const ManifestGpuKernel &kernel = function.kernel;
  std::string bytes = std::to_string(kernel.sharedBytes);
  if (!driver.check(driver.functionSetAttribute(
                        function.handle, cuda::MaxDynamicSharedBytes,
                        static_cast<int>(kernel.sharedBytes)),
                    ("giving kernel " + kernel.name + " " + bytes +
                     " bytes of shared memory")
                        .c_str(),
                    error))
    return false;
  driver.functionGetAttribute(&function.registers, cuda::Registers,
                              function.handle);
  driver.functionGetAttribute(&function.localBytes, cuda::LocalBytes,
                              function.handle);
  driver.occupancy(&function.blocksPerMultiprocessor, function.handle,
                   static_cast<int>(function.countThreads()),
                   static_cast<size_t>(kernel.sharedBytes));
  return true;
}

std::string CudaProgram::describe() const {
  nlohmann::json kernels = nlohmann::json::array();
  for (const DriverFunction &function : functions)
    kernels.push_back(
        {{"name", function.kernel.name},
         {"registers", function.registers},
         {"local_bytes", function.localBytes},
         {"blocks_per_multiprocessor", function.blocksPerMultiprocessor}});
  return nlohmann::json{{"code", code}, {"kernels", kernels}}.dump();
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

namespace {
class CudaDevice final : public DriverDevice<CudaDriver> {
public:
  using DriverDevice::DriverDevice;
  ~CudaDevice() override {
    if (place)
      driver.primaryContextRelease(device);
  }

  bool open(int ordinal, std::string &error);
  std::unique_ptr<DeviceProgram> load(const Kernel &kernel,
                                      std::string &error) override;

private:
  /// "cubin" if the device runs it as it is, "ptx" if the driver has to
  /// translate; empty and an error if the device cannot run the kernel.
  std::string chooseCode(const Kernel &kernel, std::string &error) const;

  int device = 0;
  Capability capability;
};
} // namespace

std::shared_ptr<Device> attn::openCudaDevice(int ordinal, std::string &error) {
  return openDriverDevice<CudaDevice, CudaDriver>(ordinal, error);
}

bool CudaDevice::open(int ordinal, std::string &error) {
  char text[256] = "";
  if (!driver.check(driver.deviceGet(&device, ordinal), "cuDeviceGet", error) ||
      !driver.check(driver.deviceGetName(text, sizeof(text), device),
                    "cuDeviceGetName", error) ||
      !driver.check(driver.deviceGetAttribute(&capability.major,
                                              cuda::ComputeCapabilityMajor,
                                              device),
                    "cuDeviceGetAttribute", error) ||
      !driver.check(driver.deviceGetAttribute(&capability.minor,
                                              cuda::ComputeCapabilityMinor,
                                              device),
                    "cuDeviceGetAttribute", error) ||
      !driver.check(driver.primaryContextRetain(&place, device),
                    "cuDevicePrimaryCtxRetain", error))
    return false;
  name = std::string(text) + ", compute capability " + capability.toString();
  return true;
}

std::string CudaDevice::chooseCode(const Kernel &kernel,
                                   std::string &error) const {
  const ManifestGpu &gpu = *kernel.getManifest().gpu;
  bool hasPtx = !kernel.findGpuBinary("ptx").empty();
  bool hasCubin = !kernel.findGpuBinary("cubin").empty();
  ChipCapability chip = parseChip(gpu.chip);
  bool isSame = capability.major == chip.capability.major &&
                capability.minor == chip.capability.minor;
  bool runsCubin = chip.isExact ? isSame
                                : capability.major == chip.capability.major &&
                                      capability >= chip.capability;
  if (hasCubin && runsCubin)
    return "cubin";
  if (hasPtx && (chip.isExact ? isSame : capability >= chip.capability))
    return "ptx";
  error = hasPtx || hasCubin
              ? "the kernel is for " + gpu.chip + ", the device is " + name
              : "the kernel holds no code for CUDA";
  return "";
}

std::unique_ptr<DeviceProgram> CudaDevice::load(const Kernel &kernel,
                                                std::string &error) {
  std::string code = chooseCode(kernel, error);
  if (code.empty())
    return nullptr;
  auto program = std::make_unique<CudaProgram>(driver, place, code);
  if (!program->load(*kernel.getManifest().gpu, kernel.findGpuBinary(code),
                     error))
    return nullptr;
  return program;
}
