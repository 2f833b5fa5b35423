//===- KernelImage.h - Machine code as a shared object ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_KERNELIMAGE_H
#define ATTN_RUNTIME_KERNELIMAGE_H

#include <memory>
#include <string>
#include <string_view>

namespace attn {

/// A kernel image in this process. It is loaded from memory, through a file
/// without a name: what was checked is what runs, whatever happens to the file
/// it came from.
class KernelImage {
public:
  enum class Kind { Cpu, Gpu };
  static std::unique_ptr<KernelImage> load(std::string_view bytes, Kind kind,
                                           std::string &error);
  ~KernelImage();
  KernelImage(const KernelImage &) = delete;
  KernelImage &operator=(const KernelImage &) = delete;

  void invoke(void *const *arguments) const { invokeFunction(arguments); }
  const char *getManifest() const { return manifest; }
  /// GPU code of a kind; null if the image has none.
  const void *findGpuBinary(const std::string &kind) const;

private:
  explicit KernelImage(void *library) : library(library) {}
  bool bind(Kind kind, std::string &error);

  void *library;
  void (*invokeFunction)(void *const *) = nullptr;
  const char *manifest = nullptr;
};

} // namespace attn

#endif // ATTN_RUNTIME_KERNELIMAGE_H
