//===- Kernel.cpp - Loaded machine code with its manifest -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Kernel.h"

#include <utility>

using namespace attn;

std::shared_ptr<Kernel> Kernel::create(std::string image, std::string manifest,
                                       std::string &error) {
  auto parsed = parseManifest(manifest, error);
  if (!parsed)
    return nullptr;
  std::shared_ptr<Kernel> kernel(new Kernel());
  kernel->image = std::move(image);
  kernel->manifestText = std::move(manifest);
  kernel->manifest = std::move(*parsed);
  if (!checkRunsHere(kernel->manifest, kernel->obstacle))
    return kernel;
  auto kind = kernel->isGpu() ? KernelImage::Kind::Gpu : KernelImage::Kind::Cpu;
  kernel->code = KernelImage::load(kernel->image, kind, error);
  if (!kernel->code || !kernel->findGpuBinaries(error))
    return nullptr;
  return kernel;
}

bool Kernel::findGpuBinaries(std::string &error) const {
  if (!isGpu())
    return true;
  for (const ManifestGpuBinary &binary : manifest.gpu->binaries)
    if (!code->findGpuBinary(binary.kind)) {
      error = "a kernel image lacks its GPU code, '" + binary.kind + "'";
      return false;
    }
  return true;
}

std::string_view Kernel::findGpuBinary(const std::string &kind) const {
  if (isGpu() && code)
    for (const ManifestGpuBinary &binary : manifest.gpu->binaries)
      if (binary.kind == kind)
        return {static_cast<const char *>(code->findGpuBinary(kind)),
                static_cast<size_t>(binary.bytes)};
  return {};
}

namespace {
/// Sets how the calling thread runs work lists, for one call.
class ParallelScope {
public:
  ParallelScope(int threads, ParallelFor parallelFor)
      : outer(setParallelFor(parallelFor)) {
    setThreadCount(threads);
  }
  ~ParallelScope() {
    setParallelFor(outer);
    setThreadCount(0);
  }

private:
  ParallelFor outer;
};
} // namespace

/// Descriptors of so many words need no allocation.
static constexpr size_t inlineWords = 256;

void Kernel::invoke(const KernelArray *arrays) const {
  size_t count = manifest.arguments.size(), words = count;
  for (size_t i = 0; i < count; ++i)
    words += 3 + 2 * static_cast<size_t>(arrays[i].rank);
  int64_t inlineStorage[inlineWords];
  std::vector<int64_t> heapStorage(words > inlineWords ? words : 0);
  int64_t *storage = heapStorage.empty() ? inlineStorage : heapStorage.data();

  // The pointers come first, then what they point to.
  auto **pointers = reinterpret_cast<void **>(storage);
  int64_t *next = storage + count;
  for (size_t i = 0; i < count; ++i) {
    const KernelArray &array = arrays[i];
    if (array.rank == 0 && manifest.arguments[i].isScalar) {
      pointers[i] = array.data;
      continue;
    }
    pointers[i] = next;
    auto address = reinterpret_cast<int64_t>(array.data);
    *next++ = address;
    *next++ = address;
    *next++ = 0;
    next = std::copy(array.sizes, array.sizes + array.rank, next);
    next = std::copy(array.strides, array.strides + array.rank, next);
  }
  code->invoke(pointers);
}

void Kernel::run(const KernelArray *arrays, int threads,
                 ParallelFor parallelFor) const {
  ParallelScope scope(threads, parallelFor);
  invoke(arrays);
}

void Kernel::record(const KernelArray *arrays, uintptr_t workspace,
                    LaunchList &list) const {
  list.reset(workspace);
  RecordingScope scope(list);
  invoke(arrays);
}
