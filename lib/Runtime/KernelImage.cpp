//===- KernelImage.cpp - Machine code as a shared object ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/KernelImage.h"
#include "attn/Runtime/KernelAbi.h"
#include "attn/Runtime/LaunchList.h"
#include "attn/Runtime/Memory.h"
#include "attn/Runtime/Parallel.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace attn;

static bool failWithErrno(std::string &error, const char *what) {
  error = std::string(what) + ": " + std::strerror(errno);
  return false;
}

static bool writeAll(int file, std::string_view bytes, std::string &error) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return failWithErrno(error, "cannot hold a kernel image in memory");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// A path of an open file that no other call gives. The dynamic loader takes
/// equal paths for one library, even when the numbers of closed files are used
/// again: so each path is spelled differently, with "." for the ones of a
/// counter.
static std::string getUniquePath(int file) {
  static std::atomic<uint64_t> counter{0};
  std::string path = "/proc/self/fd";
  for (uint64_t bits = ++counter; bits; bits >>= 1)
    path += bits & 1 ? "/." : "/";
  return path + "/" + std::to_string(file);
}

/// dlopen of bytes; null and an error if they cannot be loaded.
static void *openImage(std::string_view bytes, std::string &error) {
  int file = memfd_create("attn-kernel", MFD_CLOEXEC);
  if (file < 0) {
    failWithErrno(error, "cannot make a file in memory for a kernel image");
    return nullptr;
  }
  void *library = nullptr;
  if (writeAll(file, bytes, error)) {
    library = dlopen(getUniquePath(file).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      error = std::string("cannot load a kernel image: ") + dlerror();
  }
  close(file);
  return library;
}

std::unique_ptr<KernelImage> KernelImage::load(std::string_view bytes,
                                               Kind kind, std::string &error) {
  void *library = openImage(bytes, error);
  if (!library)
    return nullptr;
  std::unique_ptr<KernelImage> image(new KernelImage(library));
  return image->bind(kind, error) ? std::move(image) : nullptr;
}

KernelImage::~KernelImage() { dlclose(library); }

const void *KernelImage::findGpuBinary(const std::string &kind) const {
  return dlsym(library, (gpuBinaryPrefix + kind).c_str());
}

bool KernelImage::bind(Kind kind, std::string &error) {
  void *gpuImports[] = {reinterpret_cast<void *>(&attn_launch_kernel),
                        reinterpret_cast<void *>(&attn_device_alloc),
                        reinterpret_cast<void *>(&attn_device_free)};
  static_assert(sizeof(gpuImports) / sizeof(*gpuImports) ==
                    sizeof(gpuImportNames) / sizeof(*gpuImportNames),
                "one address per import, in the same order");
  void *imports[] = {reinterpret_cast<void *>(&attn_parallel_for),
                     reinterpret_cast<void *>(&allocateMemory),
                     reinterpret_cast<void *>(&allocateAlignedMemory),
                     reinterpret_cast<void *>(&freeMemory)};
  static_assert(sizeof(imports) / sizeof(*imports) ==
                    sizeof(importNames) / sizeof(*importNames),
                "one address per import, in the same order");
  void *table = dlsym(library, importsSymbol);
  invokeFunction =
      reinterpret_cast<void (*)(void *const *)>(dlsym(library, invokeSymbol));
  manifest = static_cast<const char *>(dlsym(library, manifestSymbol));
  if (!table || !invokeFunction || !manifest) {
    error = "a kernel image lacks one of its three symbols";
    return false;
  }
  if (kind == Kind::Gpu)
    std::memcpy(table, gpuImports, sizeof(gpuImports));
  else
    std::memcpy(table, imports, sizeof(imports));
  return true;
}
