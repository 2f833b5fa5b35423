//===- TargetInfo.h - What is known of an NVIDIA GPU ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_NVVM_TARGETINFO_H
#define ATTN_TARGET_NVVM_TARGETINFO_H

#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace attn {

/// A row of the table of NVIDIA GPUs.
struct NvvmTarget {
  /// What users write, and the name that LLVM and ptxas know.
  std::string name, chip;
  /// The features of LLVM's code generator: the version of PTX.
  std::string features;
  /// Bytes of shared memory that one block, and one multiprocessor, can use.
  int64_t sharedPerBlock, sharedPerProcessor;
};

inline constexpr const char *kNvvmTriple = "nvptx64-nvidia-cuda";

std::vector<NvvmTarget> getKnownNvvmTargets();

/// The target of that name, or an error that lists the known ones.
llvm::Expected<NvvmTarget> lookupNvvmTarget(llvm::StringRef name);

/// Whether `name` is one of them.
bool isNvvmTarget(llvm::StringRef name);

} // namespace attn

#endif // ATTN_TARGET_NVVM_TARGETINFO_H
