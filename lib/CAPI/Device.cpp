//===- Device.cpp - Running compiled attention on GPUs --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn-c/Device.h"

#include "Arrays.h"
#include "Objects.h"
#include "attn/Runtime/Device.h"

using namespace attn;
using namespace attn::capi;

struct AttnDevice {
  std::shared_ptr<Device> device;
};

struct AttnDeviceKernel {
  std::unique_ptr<DeviceKernel> kernel;
  std::string report;
};

static AttnError *fail(const std::string &text) {
  return makeError(ATTN_ERROR_DEVICE, text);
}

AttnError *attnDeviceOpen(const char *kind, const AttnDeviceOptions *options,
                          AttnDevice **device) {
  return guard([&]() -> AttnError * {
    if (!kind || !device)
      return invalid("kind and device must not be null");
    if (options && options->size < sizeof(AttnDeviceOptions))
      return invalid("options: size is " + std::to_string(options->size) +
                     ", expected sizeof(AttnDeviceOptions)");
    DeviceOptions given;
    if (options) {
      given.seed = options->seed;
      given.detectRaces = !options->ignoreRaces;
      given.eagerCopies = options->eagerCopies != 0;
    }
    std::string error;
    auto opened =
        Device::open(kind, options ? options->ordinal : 0, given, error);
    if (!opened)
      return fail(error);
    *device = new AttnDevice{std::move(opened)};
    return nullptr;
  });
}

void attnDeviceDestroy(AttnDevice *device) { delete device; }

const char *attnDeviceGetName(const AttnDevice *device) {
  return device->device->getName().c_str();
}

AttnError *attnDeviceKernelCreate(const AttnDevice *device,
                                  const AttnKernel *kernel,
                                  AttnDeviceKernel **deviceKernel) {
  return guard([&]() -> AttnError * {
    if (!device || !kernel || !deviceKernel)
      return invalid("device, kernel and deviceKernel must not be null");
    std::string error;
    auto created = DeviceKernel::create(device->device, kernel->kernel, error);
    if (!created)
      return fail(error);
    std::string report = created->getProgram().describe();
    *deviceKernel = new AttnDeviceKernel{std::move(created), std::move(report)};
    return nullptr;
  });
}

void attnDeviceKernelDestroy(AttnDeviceKernel *kernel) { delete kernel; }

const char *attnDeviceKernelGetReport(const AttnDeviceKernel *kernel) {
  return kernel->report.c_str();
}

AttnError *attnDeviceKernelGetWorkspaceSize(const AttnDeviceKernel *kernel,
                                            const AttnArray *arrays,
                                            size_t count, size_t *bytes) {
  return guard([&]() -> AttnError * {
    if (!kernel || (count > 0 && !arrays) || !bytes)
      return invalid("kernel, arrays and bytes must not be null");
    ArrayReader reader(count);
    std::string error;
    if (!reader.read(arrays, error) ||
        !kernel->kernel->getWorkspaceSize(reader.get(), count, *bytes, error))
      return invalid(error);
    return nullptr;
  });
}

AttnError *attnDeviceKernelRun(const AttnDeviceKernel *kernel,
                               const AttnArray *arrays, size_t count,
                               const AttnDeviceRunOptions *options) {
  return guard([&]() -> AttnError * {
    if (!kernel || (count > 0 && !arrays))
      return invalid("kernel and arrays must not be null");
    if (options && options->size < sizeof(AttnDeviceRunOptions))
      return invalid("options: size is " + std::to_string(options->size) +
                     ", expected sizeof(AttnDeviceRunOptions)");
    ArrayReader reader(count);
    std::string error;
    if (!reader.read(arrays, error))
      return invalid(error);
    AttnDeviceRunOptions given = {sizeof(given), nullptr, nullptr, 0};
    if (options)
      given = *options;
    switch (kernel->kernel->run(reader.get(), count, given.stream,
                                given.workspace, given.workspaceSize, error)) {
    case DeviceKernel::Outcome::Done:
      return nullptr;
    case DeviceKernel::Outcome::Refused:
      return invalid(error);
    case DeviceKernel::Outcome::Failed:
      return fail(error);
    }
    return makeError(ATTN_ERROR_INTERNAL, "a device gave no outcome");
  });
}

AttnError *attnKernelGetGpuCode(const AttnKernel *kernel, const char *kind,
                                AttnText **code) {
  return guard([&]() -> AttnError * {
    if (!kernel || !kind || !code)
      return invalid("kernel, kind and code must not be null");
    std::string_view found = kernel->kernel->findGpuBinary(kind);
    if (found.empty())
      return invalid("the kernel has no GPU code of kind '" +
                     std::string(kind) + "'");
    *code = new AttnText{std::string(found)};
    return nullptr;
  });
}
