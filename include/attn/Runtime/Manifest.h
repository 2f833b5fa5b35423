//===- Manifest.h - What a kernel takes -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_MANIFEST_H
#define ATTN_RUNTIME_MANIFEST_H

#include "attn/Support/ElementType.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn {

/// A size or stride that the kernel leaves open.
inline constexpr int64_t anySize = -1;

struct ManifestArgument {
  /// "q", or "argument 3" where the argument has no or several roles.
  std::string name;
  ElementType type = ElementType::F32;
  bool isScalar = false;
  std::vector<int64_t> sizes, strides;
};

/// The arguments behind the operands of one attention op, by number; -1 where
/// there is none or where the function computes it.
struct ManifestAttention {
  int q = -1, k = -1, v = -1, bias = -1, sinks = -1, alibiSlopes = -1,
      qLens = -1, kvLens = -1, qOffset = -1, qPositions = -1, cuSeqlensQ = -1,
      cuSeqlensKv = -1, blockTable = -1, qDescale = -1, kDescale = -1,
      vDescale = -1, scale = -1, softcap = -1, out = -1, lse = -1;
  std::vector<int> prefixLens, qSegments, kvSegments, denseMasks;
  /// What user functions of masks and scores read.
  std::vector<int> captures;
  /// Dims from outermost to innermost by letter: "bshd", "thd", "paged".
  std::string qLayout, kLayout, vLayout, outLayout;
};

/// A kernel of GPU code, one block of threads for each work item.
struct ManifestGpuKernel {
  std::string name;
  std::array<int64_t, 3> block = {1, 1, 1};
  /// Dynamic shared memory of a block.
  int64_t sharedBytes = 0;
};

/// One form of the GPU code in an image.
struct ManifestGpuBinary {
  /// "bitcode", "ptx", "cubin", "hsaco".
  std::string kind;
  int64_t bytes = 0;
};

struct ManifestGpu {
  /// "nvptx64-nvidia-cuda", "amdgcn-amd-amdhsa".
  std::string triple;
  /// The processor as LLVM calls it.
  std::string chip;
  /// By their number in launches.
  std::vector<ManifestGpuKernel> kernels;
  std::vector<ManifestGpuBinary> binaries;
};

struct Manifest {
  /// kernelAbiVersion of the compiler that wrote it.
  int abi = 0;
  /// "x86_64", and what /proc/cpuinfo calls the CPU features the code needs.
  std::string architecture;
  std::vector<std::string> requiredFeatures;
  /// Only of kernels that run on a GPU; the two fields above are about their
  /// host code.
  std::optional<ManifestGpu> gpu;
  std::vector<ManifestArgument> arguments;
  std::vector<ManifestAttention> attentions;
};

/// Reads the JSON text of an image.
std::optional<Manifest> parseManifest(std::string_view text,
                                      std::string &error);

/// An error if this machine cannot run code with these needs.
bool checkRunsHere(const Manifest &manifest, std::string &error);

/// What distinguishes this machine's processor from others, for cache keys;
/// empty where the system does not say.
std::string getProcessorFingerprint();

} // namespace attn

#endif // ATTN_RUNTIME_MANIFEST_H
