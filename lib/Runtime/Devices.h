//===- Devices.h - The kinds of devices -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_DEVICES_H
#define ATTN_RUNTIME_DEVICES_H

#include "attn/Runtime/Device.h"

namespace attn {

std::shared_ptr<Device> openCudaDevice(int ordinal, std::string &error);
std::shared_ptr<Device> openHipDevice(int ordinal, std::string &error);
std::shared_ptr<Device> openEmulator(int ordinal, const DeviceOptions &options,
                                     std::string &error);

/// "device 3: the driver has 2".
std::string describeMissingDevice(int ordinal, int count);

} // namespace attn

#endif // ATTN_RUNTIME_DEVICES_H
