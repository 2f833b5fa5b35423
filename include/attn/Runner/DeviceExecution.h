//===- DeviceExecution.h - Calling a function on a GPU ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_DEVICEEXECUTION_H
#define ATTN_RUNNER_DEVICEEXECUTION_H

#include "attn/Runner/Execution.h"
#include "attn/Runner/Options.h"
#include "attn/Runtime/Device.h"

namespace attn::runner {

/// On a GPU or the emulator. Every call takes the arrays to the device and
/// back; workspace is poisoned with NaN before it.
class DeviceExecution final : public Execution {
public:
  /// Compiles `entry` of `module`, a function on memrefs that returns nothing,
  /// for the target of `options` and loads it on their device.
  static llvm::Expected<std::unique_ptr<DeviceExecution>>
  create(mlir::ModuleOp module, const Entry &entry,
         llvm::ArrayRef<Tensor> arguments, const RunnerOptions &options);
  ~DeviceExecution() override;

  /// Changes how the device runs the kernel.
  void setOptions(const DeviceOptions &options) { device->setOptions(options); }

  llvm::Error call() override;
  llvm::Expected<double> time() override;
  std::vector<TensorView> getResults() const override { return {}; }
  size_t getPeakScratchBytes() const override { return workspaceBytes; }
  size_t getLeakedBytes() const override { return 0; }

  const Device &getDevice() const { return *device; }
  const Kernel &getKernel() const { return kernel->getKernel(); }
  const DeviceProgram &getProgram() const { return kernel->getProgram(); }

private:
  /// The memory of an argument: here, and its copy on the device. Scalars have
  /// no copy.
  struct Buffer {
    char *host = nullptr;
    char *copy = nullptr;
    void *allocated = nullptr;
    size_t bytes = 0;
  };

  DeviceExecution() = default;
  llvm::Error allocate(llvm::ArrayRef<Tensor> arguments);
  llvm::Error addBuffer(const Tensor &tensor, bool isScalar);
  llvm::Error copyToDevice();
  llvm::Error enqueue();

  std::shared_ptr<Device> device;
  std::shared_ptr<const Kernel> binary;
  std::unique_ptr<DeviceKernel> kernel;
  std::vector<Buffer> buffers;
  std::vector<KernelArray> arrays;
  void *workspace = nullptr;
  size_t workspaceBytes = 0;
};

} // namespace attn::runner

#endif // ATTN_RUNNER_DEVICEEXECUTION_H
