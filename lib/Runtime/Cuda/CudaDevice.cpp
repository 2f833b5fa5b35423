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
/// Makes a context the calling thread's, and the one before again at its end.
class ContextScope {
public:
  ContextScope(const CudaDriver &driver, void *context, std::string &error)
      : driver(driver), ok(driver.check(driver.contextPush(context),
                                        "cuCtxPushCurrent", error)) {}
  ~ContextScope() {
    void *popped;
    if (ok)
      driver.contextPop(&popped);
  }
  explicit operator bool() const { return ok; }

private:
  const CudaDriver &driver;
  bool ok;
};

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
class CudaProgram final : public DeviceProgram {
public:
  CudaProgram(const CudaDriver &driver, void *context)
      : driver(driver), context(context) {}
  ~CudaProgram() override {
    std::string ignored;
    if (ContextScope scope(driver, context, ignored); scope && module)
      driver.moduleUnload(module);
  }

  /// Loads `code`, "cubin" or "ptx".
  bool load(const ManifestGpu &gpu, std::string code, std::string_view bytes,
            std::string &error);

  bool launch(const LaunchList &list, const std::vector<MemoryRange> &,
              void *stream, std::string &error) override;
  std::string describe() const override;

private:
  bool loadModule(std::string_view bytes, std::string &error);
  bool loadFunction(const ManifestGpuKernel &kernel, std::string &error);

  const CudaDriver &driver;
  void *const context;
  void *module = nullptr;
  std::string code;
  std::vector<DriverFunction> functions;
};
} // namespace

bool CudaProgram::loadModule(std::string_view bytes, std::string &error) {
  char log[4096] = "";
  int options[] = {cuda::ErrorLog, cuda::ErrorLogBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log))};
  // PTX ends with a null byte.
  std::string text(bytes);
  if (driver.check(driver.moduleLoad(&module, text.c_str(), 2, options, values),
                   "loading a kernel", error))
    return true;
  module = nullptr;
  if (*log)
    error += std::string(": ") + log;
  return false;
}

bool CudaProgram::loadFunction(const ManifestGpuKernel &kernel,
                               std::string &error) {
  DriverFunction function;
  function.kernel = kernel;
  if (!driver.check(driver.moduleGetFunction(&function.handle, module,
                                             kernel.name.c_str()),
                    ("finding kernel " + kernel.name).c_str(), error) ||
      !driver.check(
          driver.functionSetAttribute(function.handle,
                                      cuda::MaxDynamicSharedBytes,
                                      static_cast<int>(kernel.sharedBytes)),
          ("giving kernel " + kernel.name + " " +
           std::to_string(kernel.sharedBytes) + " bytes of shared memory")
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
  functions.push_back(std::move(function));
  return true;
}

bool CudaProgram::load(const ManifestGpu &gpu, std::string kind,
                       std::string_view bytes, std::string &error) {
  ContextScope scope(driver, context, error);
  if (!scope || !loadModule(bytes, error))
    return false;
  code = std::move(kind);
  for (const ManifestGpuKernel &kernel : gpu.kernels)
    if (!loadFunction(kernel, error))
      return false;
  return true;
}

/// The largest grid in its first dim.
static constexpr int64_t maxBlocks = INT32_MAX;

bool CudaProgram::launch(const LaunchList &list,
                         const std::vector<MemoryRange> &, void *stream,
                         std::string &error) {
  ContextScope scope(driver, context, error);
  if (!scope)
    return false;
  for (const GpuLaunch &launch : list.getLaunches())
    if (!enqueueLaunch(driver, list, launch, functions.at(launch.kernel),
                       maxBlocks, /*end=*/nullptr, stream, error))
      return false;
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
class CudaDevice final : public Device {
public:
  explicit CudaDevice(const CudaDriver &driver) : driver(driver) {}
  ~CudaDevice() override {
    if (context)
      driver.primaryContextRelease(device);
  }

  bool open(int ordinal, std::string &error);

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
  /// "cubin" if the device runs it as it is, "ptx" if the driver has to
  /// translate; empty and an error if the device cannot run the kernel.
  std::string chooseCode(const Kernel &kernel, std::string &error) const;

  const CudaDriver &driver;
  int device = 0;
  void *context = nullptr;
  Capability capability;
  std::string name;
};
} // namespace

std::shared_ptr<Device> attn::openCudaDevice(int ordinal, std::string &error) {
  const CudaDriver *driver = getDriver<CudaDriver>(error);
  if (!driver)
    return nullptr;
  auto device = std::make_shared<CudaDevice>(*driver);
  return device->open(ordinal, error) ? device : nullptr;
}

bool CudaDevice::open(int ordinal, std::string &error) {
  int count = 0;
  if (!driver.check(driver.deviceGetCount(&count), "cuDeviceGetCount", error))
    return false;
  if (ordinal < 0 || ordinal >= count) {
    error = describeMissingDevice(ordinal, count);
    return false;
  }
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
      !driver.check(driver.primaryContextRetain(&context, device),
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
  auto program = std::make_unique<CudaProgram>(driver, context);
  if (!program->load(*kernel.getManifest().gpu, code,
                     kernel.findGpuBinary(code), error))
    return nullptr;
  return program;
}

void *CudaDevice::allocate(size_t bytes, std::string &error) {
  ContextScope scope(driver, context, error);
  uint64_t pointer = 0;
  // The driver refuses 0 bytes.
  if (!scope ||
      !driver.check(driver.memoryAllocate(&pointer, bytes ? bytes : 1),
                    "allocating device memory", error))
    return nullptr;
  return reinterpret_cast<void *>(pointer);
}

void CudaDevice::free(void *pointer) {
  std::string ignored;
  if (ContextScope scope(driver, context, ignored); scope && pointer)
    driver.memoryFree(reinterpret_cast<uint64_t>(pointer));
}

bool CudaDevice::copyToDevice(void *to, const void *from, size_t bytes,
                              std::string &error) {
  ContextScope scope(driver, context, error);
  return scope &&
         (bytes == 0 ||
          driver.check(
              driver.copyToDevice(reinterpret_cast<uint64_t>(to), from, bytes),
              "copying to the device", error));
}

bool CudaDevice::copyToHost(void *to, const void *from, size_t bytes,
                            std::string &error) {
  ContextScope scope(driver, context, error);
  return scope &&
         (bytes == 0 ||
          driver.check(
              driver.copyToHost(to, reinterpret_cast<uint64_t>(from), bytes),
              "copying from the device", error));
}

bool CudaDevice::synchronize(std::string &error) {
  ContextScope scope(driver, context, error);
  return scope && driver.check(driver.contextSynchronize(),
                               "waiting for the device", error);
}

bool CudaDevice::time(const std::function<bool()> &enqueue, int count,
                      std::vector<double> &seconds, std::string &error) {
  ContextScope scope(driver, context, error);
  return scope &&
         timeByEvents(
             driver, "cu",
             [&](void **event) { return driver.eventCreate(event, 0); },
             enqueue, count, seconds, error);
}
