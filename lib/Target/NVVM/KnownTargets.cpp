//===- KnownTargets.cpp - The table of NVIDIA GPUs ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/NVVM/TargetInfo.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace attn;

std::vector<NvvmTarget> attn::getKnownNvvmTargets() {
  // CUDA C++ Programming Guide, "Technical Specifications per Compute
  // Capability". PTX 8.0 is enough for all of them, and old drivers take it.
  constexpr int64_t kKiB = 1024;
  return {
      {"sm_80", "sm_80", "+ptx80", 163 * kKiB, 164 * kKiB},
      {"sm_86", "sm_86", "+ptx80", 99 * kKiB, 100 * kKiB},
      {"sm_89", "sm_89", "+ptx80", 99 * kKiB, 100 * kKiB},
      {"sm_90", "sm_90", "+ptx80", 227 * kKiB, 228 * kKiB},
  };
}

bool attn::isNvvmTarget(llvm::StringRef name) {
  return llvm::any_of(getKnownNvvmTargets(), [&](const NvvmTarget &target) {
    return target.name == name;
  });
}

llvm::Expected<NvvmTarget> attn::lookupNvvmTarget(llvm::StringRef name) {
  std::vector<NvvmTarget> known = getKnownNvvmTargets();
  for (const NvvmTarget &target : known)
    if (target.name == name)
      return target;
  std::string allowed = llvm::join(
      llvm::map_range(known, [](const NvvmTarget &t) { return t.name; }), ", ");
  return llvm::createStringError("unknown target '" + name + "'; expected " +
                                 allowed);
}
