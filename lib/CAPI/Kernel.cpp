//===- Kernel.cpp - Running compiled attention ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "Objects.h"

#include "attn/Runtime/KernelFile.h"
#include "attn/Runtime/Memory.h"

using namespace attn;
using namespace attn::capi;

AttnError *attnKernelLoad(const char *path, AttnKernel **kernel) {
  return guard([&]() -> AttnError * {
    if (!path || !kernel)
      return invalid("path and kernel must not be null");
    std::string error;
    auto bytes = readFile(path, error);
    if (!bytes)
      return makeError(ATTN_ERROR_IO, error);
    auto file = unpackKernelFile(*bytes, error);
    if (!file)
      return invalid(path + (": " + error));
    auto loaded = Kernel::create(std::move(file->image),
                                 std::move(file->manifest), error);
    if (!loaded)
      return invalid(path + (": " + error));
    if (!loaded->getObstacle().empty())
      return makeError(ATTN_ERROR_UNSUPPORTED,
                       path + (": " + loaded->getObstacle()));
    *kernel = new AttnKernel{std::move(loaded)};
    return nullptr;
  });
}

AttnError *attnKernelSave(const AttnKernel *kernel, const char *path) {
  return guard([&]() -> AttnError * {
    if (!kernel || !path)
      return invalid("kernel and path must not be null");
    std::string error;
    KernelFile file{kernel->kernel->getImage(),
                    kernel->kernel->getManifestText(), ""};
    if (!replaceFile(path, packKernelFile(file), error))
      return makeError(ATTN_ERROR_IO, error);
    return nullptr;
  });
}

void attnKernelDestroy(AttnKernel *kernel) { delete kernel; }

const char *attnKernelGetManifest(const AttnKernel *kernel) {
  return kernel->kernel->getManifestText().c_str();
}

size_t attnKernelGetNumArguments(const AttnKernel *kernel) {
  return kernel->kernel->getManifest().arguments.size();
}

AttnError *attnKernelRun(const AttnKernel *kernel, const AttnArray *arrays,
                         size_t count, const AttnRunOptions *options) {
  return guard([&]() -> AttnError * {
    if (!kernel || (count > 0 && !arrays))
      return invalid("kernel and arrays must not be null");
    if (options && options->size < sizeof(AttnRunOptions))
      return invalid("options: size is " + std::to_string(options->size) +
                     ", expected sizeof(AttnRunOptions)");
    int threads = options ? options->threads : 0;
    if (threads < 0 || threads > maxThreadCount)
      return invalid("options: threads is " + std::to_string(threads) +
                     ", allowed are 0 to " + std::to_string(maxThreadCount));
    const Kernel &code = *kernel->kernel;
    if (!code.getObstacle().empty())
      return makeError(ATTN_ERROR_UNSUPPORTED, code.getObstacle());

    if (code.isGpu())
      return makeError(ATTN_ERROR_UNSUPPORTED,
                       "the kernel is for " + code.getManifest().gpu->chip +
                           "; attnDeviceKernelRun runs it on a device");
    ArrayReader reader(count);
    std::string error;
    if (!reader.read(arrays, error) ||
        !checkArrays(code.getManifest(), reader.get(), count, ArrayMemory::Host,
                     error))
      return invalid(error);
    ParallelFor parallelFor;
    if (options && options->parallelFor)
      parallelFor = {options->parallelFor, options->user};
    code.run(reader.get(), threads, parallelFor);
    return nullptr;
  });
}

size_t attnGetPeakWorkspace(void) { return getMemoryStatistics().peakBytes; }

void attnResetPeakWorkspace(void) { resetMemoryStatistics(); }
