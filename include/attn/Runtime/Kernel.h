//===- Kernel.h - Loaded machine code with its manifest ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_KERNEL_H
#define ATTN_RUNTIME_KERNEL_H

#include "attn/Runtime/Contract.h"
#include "attn/Runtime/KernelImage.h"
#include "attn/Runtime/LaunchList.h"
#include "attn/Runtime/Parallel.h"

#include <memory>
#include <string>
#include <vector>

namespace attn {

/// A kernel of this machine, ready to run, or of another, to be kept and saved.
class Kernel {
public:
  /// `image` is a shared object as attn/Runtime/KernelAbi.h describes it, and
  /// `manifest` the text in it.
  static std::shared_ptr<Kernel> create(std::string image, std::string manifest,
                                        std::string &error);

  const std::string &getImage() const { return image; }
  const std::string &getManifestText() const { return manifestText; }
  const Manifest &getManifest() const { return manifest; }

  /// Why this machine cannot run the kernel; empty if it can.
  const std::string &getObstacle() const { return obstacle; }

  bool isGpu() const { return manifest.gpu.has_value(); }

  /// Runs a CPU kernel on arrays that checkArrays accepts, on a machine without
  /// obstacle.
  void run(const KernelArray *arrays, int threads,
           ParallelFor parallelFor) const;

  /// What a call of a GPU kernel launches when its workspace is at `workspace`.
  void record(const KernelArray *arrays, uintptr_t workspace,
              LaunchList &list) const;

  /// GPU code of a kind, of an image without obstacle; empty if there is none.
  std::string_view findGpuBinary(const std::string &kind) const;

private:
  Kernel() = default;
  void invoke(const KernelArray *arrays) const;
  bool findGpuBinaries(std::string &error) const;

  std::string image, manifestText, obstacle;
  Manifest manifest;
  std::unique_ptr<KernelImage> code;
};

} // namespace attn

#endif // ATTN_RUNTIME_KERNEL_H
