//===- TargetInfo.h - What is known of an AMD GPU ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_ROCDL_TARGETINFO_H
#define ATTN_TARGET_ROCDL_TARGETINFO_H

#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace attn {

/// A row of the table of AMD GPUs.
struct RocdlTarget {
  /// What users write, which is LLVM's name of the chip.
  std::string name;
  /// Bytes of shared memory (LDS) of a block.
  int64_t sharedPerBlock;
};

inline constexpr const char *kRocdlTriple = "amdgcn-amd-amdhsa";

std::vector<RocdlTarget> getKnownRocdlTargets();

/// The target of that name, or an error that lists the known ones.
llvm::Expected<RocdlTarget> lookupRocdlTarget(llvm::StringRef name);

/// Whether `name` is one of them.
bool isRocdlTarget(llvm::StringRef name);

} // namespace attn

#endif // ATTN_TARGET_ROCDL_TARGETINFO_H
