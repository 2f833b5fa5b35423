//===- DeviceExecution.cpp - Calling a function on a GPU ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/DeviceExecution.h"

#include "attn/Artefact/Image.h"
#include "attn/Compiler/Diagnostics.h"

using namespace llvm;
using namespace attn;
using namespace attn::runner;

/// The bytes from the first to behind the last element.
static std::pair<char *, size_t> getMemory(const TensorView &view) {
  int64_t first = 0, last = 0;
  for (size_t d = 0; d < view.shape().size(); ++d) {
    if (view.shape()[d] == 0)
      return {static_cast<char *>(view.data()), 0};
    int64_t reach = (view.shape()[d] - 1) * view.strides()[d];
    (reach < 0 ? first : last) += reach;
  }
  auto bytes = static_cast<int64_t>(byteSize(view.type()));
  return {static_cast<char *>(view.data()) + first * bytes,
          static_cast<size_t>((last - first + 1) * bytes)};
}

Error DeviceExecution::addBuffer(const Tensor &tensor, bool isScalar) {
  const TensorView &view = tensor.view();
  arrays.push_back({view.data(), view.type(),
                    static_cast<int32_t>(view.shape().size()),
                    view.shape().data(), view.strides().data()});
  if (isScalar)
    return Error::success();
  Buffer buffer;
  std::tie(buffer.host, buffer.bytes) = getMemory(view);
  // The copy is as well or badly aligned as the array.
  size_t shift = reinterpret_cast<uintptr_t>(buffer.host) % workspaceAlignment;
  std::string error;
  buffer.allocated = device->allocate(buffer.bytes + shift, error);
  if (!buffer.allocated)
    return createError(error);
  buffer.copy = static_cast<char *>(buffer.allocated) + shift;
  arrays.back().data =
      buffer.copy + (static_cast<char *>(view.data()) - buffer.host);
  buffers.push_back(buffer);
  return Error::success();
}

Error DeviceExecution::allocate(ArrayRef<Tensor> arguments) {
  const Manifest &manifest = kernel->getKernel().getManifest();
  for (auto [argument, tensor] : zip(manifest.arguments, arguments))
    if (Error error = addBuffer(tensor, argument.isScalar))
      return error;
  std::string error;
  if (!kernel->getWorkspaceSize(arrays.data(), arrays.size(), workspaceBytes,
                                error))
    return createError(error);
  if (workspaceBytes == 0)
    return Error::success();
  workspace = device->allocate(workspaceBytes, error);
  return workspace ? Error::success() : createError(error);
}

Expected<std::unique_ptr<DeviceExecution>>
DeviceExecution::create(mlir::ModuleOp module, const Entry &entry,
                        ArrayRef<Tensor> arguments,
                        const RunnerOptions &options) {
  std::string error;
  std::unique_ptr<DeviceExecution> result(new DeviceExecution());
  // Before the work of compiling.
  result->device = Device::open(options.device, options.deviceOrdinal,
                                options.schedule, error);
  if (!result->device)
    return createError(error);
  ImageOptions imageOptions;
  imageOptions.target = options.target;
  imageOptions.onlyBitcode = options.device == "emulator";
  auto image = createImage(module, entry.name, imageOptions);
  if (!image)
    return image.takeError();
  result->binary = Kernel::create(std::move(image->object),
                                  std::move(image->manifest), error);
  if (!result->binary)
    return createError(error);
  result->kernel = DeviceKernel::create(result->device, result->binary, error);
  if (!result->kernel)
    return createError(error);
  if (Error failure = result->allocate(arguments))
    return std::move(failure);
  return std::move(result);
}

DeviceExecution::~DeviceExecution() {
  for (const Buffer &buffer : buffers)
    device->free(buffer.allocated);
  if (workspace)
    device->free(workspace);
}

Error DeviceExecution::copyToDevice() {
  std::string error;
  for (const Buffer &buffer : buffers)
    if (!device->copyToDevice(buffer.copy, buffer.host, buffer.bytes, error))
      return createError(error);
  // NaN in every float type: what is read before it is written is seen.
  std::vector<char> poison(workspaceBytes, '\xff');
  if (!device->copyToDevice(workspace, poison.data(), workspaceBytes, error))
    return createError(error);
  return Error::success();
}

Error DeviceExecution::enqueue() {
  std::string error;
  auto outcome = kernel->run(arrays.data(), arrays.size(), /*stream=*/nullptr,
                             workspace, workspaceBytes, error);
  return outcome == DeviceKernel::Outcome::Done ? Error::success()
                                                : createError(error);
}

Error DeviceExecution::call() {
  if (Error error = copyToDevice())
    return error;
  if (Error error = enqueue())
    return error;
  std::string error;
  if (!device->synchronize(error))
    return createError(error);
  for (const Buffer &buffer : buffers)
    if (!device->copyToHost(buffer.host, buffer.copy, buffer.bytes, error))
      return createError(error);
  return Error::success();
}

Expected<double> DeviceExecution::time() {
  std::vector<double> seconds;
  std::string error;
  Error failure = Error::success();
  bool ok = device->time(
      [&] {
        failure = joinErrors(std::move(failure), enqueue());
        return !failure;
      },
      /*count=*/1, seconds, error);
  if (failure)
    return std::move(failure);
  if (!ok)
    return createError(error);
  return seconds.front();
}
