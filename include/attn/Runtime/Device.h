//===- Device.h - What runs GPU kernels -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One interface over the drivers of GPUs and the emulator. Drivers and emulator
// are opened when a device of theirs is asked for; this library needs none.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_DEVICE_H
#define ATTN_RUNTIME_DEVICE_H

#include "attn/Runtime/Kernel.h"

#include <functional>

namespace attn {

/// Memory that a call may touch.
struct MemoryRange {
  const void *begin = nullptr;
  size_t bytes = 0;
};

/// The GPU code of a kernel, loaded on a device.
class DeviceProgram {
public:
  virtual ~DeviceProgram() = default;

  /// Enqueues the launches on a stream of the driver (null is its default
  /// one) without waiting for them. `accessible` are the arrays and the
  /// workspace, for devices that check accesses.
  virtual bool launch(const LaunchList &list,
                      const std::vector<MemoryRange> &accessible, void *stream,
                      std::string &error) = 0;

  /// JSON: which form of the code was loaded, and what the device says of each
  /// kernel.
  virtual std::string describe() const = 0;
};

/// How the emulator runs kernels; drivers have nothing to choose.
struct DeviceOptions {
  /// Schedules of threads and asynchronous copies are drawn from it; the same
  /// seed gives the same run.
  uint64_t seed = 0;
  /// Looks for data races, at the cost of time.
  bool detectRaces = true;
  /// Asynchronous copies land when they are issued, not when they are waited
  /// for.
  bool eagerCopies = false;
  /// Which barrier, wait, commit, fence or arrival of the kernels is deleted or
  /// weakened, by the emulator's numbers: to see that it is missed. None if
  /// negative.
  int64_t mutant = -1;
};

class Device {
public:
  /// `kind` is "cuda", "hip" or "emulator"; `ordinal` is the driver's number
  /// of the device. An error that says what is missing.
  static std::shared_ptr<Device> open(const std::string &kind, int ordinal,
                                      const DeviceOptions &options,
                                      std::string &error);
  virtual ~Device() = default;

  /// For people: "NVIDIA H200, compute capability 9.0".
  virtual const std::string &getName() const = 0;

  /// Whether this process can read what lies in the device's memory.
  virtual ArrayMemory getArrayMemory() const = 0;

  /// Loads the code of `kernel`, which stays alive as long as the program.
  virtual std::unique_ptr<DeviceProgram> load(const Kernel &kernel,
                                              std::string &error) = 0;

  /// Changes how programs that are loaded already run from now on. A mutant
  /// makes room for another one only.
  virtual void setOptions(const DeviceOptions &) {}

  // Memory and clocks, for tools that have no library of their own for it. All
  // of it waits for the device. Copies of 0 bytes read and write nothing, and
  // their pointers may be null.

  /// Null and an error if there is no memory.
  virtual void *allocate(size_t bytes, std::string &error) = 0;
  virtual void free(void *pointer) = 0;
  virtual bool copyToDevice(void *to, const void *from, size_t bytes,
                            std::string &error) = 0;
  virtual bool copyToHost(void *to, const void *from, size_t bytes,
                          std::string &error) = 0;
  virtual bool synchronize(std::string &error) = 0;
  /// Appends the seconds that the device took for each of `count` calls of
  /// `enqueue`, which enqueues work on the default stream.
  virtual bool time(const std::function<bool()> &enqueue, int count,
                    std::vector<double> &seconds, std::string &error) = 0;
};

/// A kernel on a device.
class DeviceKernel {
public:
  /// An error if the device cannot run the kernel.
  static std::unique_ptr<DeviceKernel>
  create(std::shared_ptr<Device> device, std::shared_ptr<const Kernel> kernel,
         std::string &error);

  const Kernel &getKernel() const { return *kernel; }
  const DeviceProgram &getProgram() const { return *program; }

  /// The bytes of workspace that a call on arrays of these shapes needs.
  bool getWorkspaceSize(const KernelArray *arrays, size_t count, size_t &bytes,
                        std::string &error) const;

  enum class Outcome {
    Done,
    /// An argument breaks the contract.
    Refused,
    /// The device reports an error.
    Failed
  };

  /// Checks the arrays and enqueues the call. Allocates no device memory and
  /// waits for nothing; the workspace is in use until the stream has got past
  /// the call.
  Outcome run(const KernelArray *arrays, size_t count, void *stream,
              void *workspace, size_t workspaceBytes, std::string &error) const;

private:
  DeviceKernel() = default;

  std::shared_ptr<Device> device;
  std::shared_ptr<const Kernel> kernel;
  std::unique_ptr<DeviceProgram> program;
};

} // namespace attn

#endif // ATTN_RUNTIME_DEVICE_H
