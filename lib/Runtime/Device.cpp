//===- Device.cpp - What runs GPU kernels ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Device.h"

#include "Devices.h"

#include <algorithm>

using namespace attn;

static bool fail(std::string &error, std::string message) {
  error = std::move(message);
  return false;
}

std::shared_ptr<Device> Device::open(const std::string &kind, int ordinal,
                                     const DeviceOptions &options,
                                     std::string &error) {
  if (kind == "cuda")
    return openCudaDevice(ordinal, error);
  if (kind == "hip")
    return openHipDevice(ordinal, error);
  if (kind == "emulator")
    return openEmulator(ordinal, options, error);
  error = "no device '" + kind + "'; there are cuda, hip, emulator";
  return nullptr;
}

std::string attn::describeMissingDevice(int ordinal, int count) {
  return "device " + std::to_string(ordinal) + ": the driver has " +
         std::to_string(count) + " devices";
}

//===----------------------------------------------------------------------===//
// Kernels on devices
//===----------------------------------------------------------------------===//

namespace {
/// What a kernel for arrays without elements has to run: nothing, anywhere.
class EmptyProgram final : public DeviceProgram {
public:
  bool launch(const LaunchList &, const std::vector<MemoryRange> &, void *,
              std::string &) override {
    return true;
  }
  std::string describe() const override {
    return R"({"code":"none","kernels":[]})";
  }
};
} // namespace

std::unique_ptr<DeviceKernel>
DeviceKernel::create(std::shared_ptr<Device> device,
                     std::shared_ptr<const Kernel> kernel, std::string &error) {
  if (!kernel->isGpu()) {
    error =
        "the kernel is made for a CPU; a device takes one that was compiled "
        "for a GPU";
    return nullptr;
  }
  if (!kernel->getObstacle().empty()) {
    error = kernel->getObstacle();
    return nullptr;
  }
  std::unique_ptr<DeviceKernel> result(new DeviceKernel());
  if (kernel->getManifest().gpu->kernels.empty())
    result->program = std::make_unique<EmptyProgram>();
  else
    result->program = device->load(*kernel, error);
  if (!result->program)
    return nullptr;
  result->device = std::move(device);
  result->kernel = std::move(kernel);
  return result;
}

/// The launches of the calls of this thread: memory that calls use again.
static LaunchList &getLaunchList() {
  static thread_local LaunchList list;
  return list;
}

bool DeviceKernel::getWorkspaceSize(const KernelArray *arrays, size_t count,
                                    size_t &bytes, std::string &error) const {
  // Sizes alone decide it: contents may come later.
  if (!checkArrays(kernel->getManifest(), arrays, count, ArrayMemory::Device,
                   error))
    return false;
  LaunchList &list = getLaunchList();
  kernel->record(arrays, /*workspace=*/0, list);
  bytes = list.getWorkspaceBytes();
  return true;
}

/// The bytes between the first and the last element of an array.
static MemoryRange getRange(const KernelArray &array) {
  auto first = reinterpret_cast<intptr_t>(array.data), last = first;
  auto bytes = static_cast<int64_t>(byteSize(array.type));
  for (int32_t d = 0; d < array.rank; ++d) {
    if (array.sizes[d] == 0)
      return {array.data, 0};
    int64_t reach = (array.sizes[d] - 1) * array.strides[d] * bytes;
    (reach < 0 ? first : last) += reach;
  }
  return {reinterpret_cast<const void *>(first),
          static_cast<size_t>(last - first + bytes)};
}

/// Checks that the workspace holds what the list takes of it.
static bool checkWorkspace(const LaunchList &list, const void *workspace,
                           size_t bytes, std::string &error) {
  size_t given = workspace ? bytes : 0, needed = list.getWorkspaceBytes();
  if (given < needed)
    return fail(error, "workspace: given " + std::to_string(given) +
                           " bytes, this call needs " + std::to_string(needed));
  if (reinterpret_cast<uintptr_t>(workspace) % workspaceAlignment != 0)
    return fail(error, "workspace: the pointer is no multiple of " +
                           std::to_string(workspaceAlignment));
  return true;
}

DeviceKernel::Outcome DeviceKernel::run(const KernelArray *arrays, size_t count,
                                        void *stream, void *workspace,
                                        size_t workspaceBytes,
                                        std::string &error) const {
  const Manifest &manifest = kernel->getManifest();
  if (!checkArrays(manifest, arrays, count, device->getArrayMemory(), error))
    return Outcome::Refused;
  LaunchList &list = getLaunchList();
  kernel->record(arrays, reinterpret_cast<uintptr_t>(workspace), list);
  if (!checkWorkspace(list, workspace, workspaceBytes, error))
    return Outcome::Refused;
  static thread_local std::vector<MemoryRange> accessible;
  accessible.clear();
  for (size_t i = 0; i < count; ++i)
    if (!manifest.arguments[i].isScalar)
      accessible.push_back(getRange(arrays[i]));
  if (list.getWorkspaceBytes() > 0)
    accessible.push_back({workspace, list.getWorkspaceBytes()});
  return program->launch(list, accessible, stream, error) ? Outcome::Done
                                                          : Outcome::Failed;
}
