//===- KnownTargets.cpp - The table of CPUs ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/CPU/TargetInfo.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

using namespace attn;

static constexpr const char *kX86 = "x86_64-unknown-linux-gnu";
static constexpr const char *kArm = "aarch64-unknown-linux-gnu";

std::vector<CpuTarget> attn::getKnownCpuTargets() {
  // Register files: Intel SDM vol. 1 ch. 14 and 15; Arm ARM, A64 SIMD&FP.
  return {
      {"x86-64-v3", kX86, "x86-64-v3", "", 256, 16, false, false},
      {"x86-64-v4", kX86, "x86-64-v4", "-prefer-256-bit", 512, 32, false,
       false},
      {"x86-64-v4-bf16", kX86, "x86-64-v4", "-prefer-256-bit,+avx512bf16", 512,
       32, true, true},
      {"aarch64", kArm, "generic", "", 128, 32, false, false},
  };
}

/// This machine, by what its CPU reports.
static CpuTarget detectNative() {
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  llvm::SubtargetFeatures features;
  for (const auto &feature : has)
    features.AddFeature(feature.first(), feature.second);
  CpuTarget native{
      "native",
      "",
      llvm::sys::getHostCPUName().str(),
      "",
      128,
      llvm::Triple(llvm::sys::getProcessTriple()).isX86() ? 16 : 32,
      false,
      false};
  if (has.lookup("avx512f") && has.lookup("avx512vl") &&
      has.lookup("avx512bw")) {
    features.AddFeature("prefer-256-bit", false);
    native.vectorBits = 512;
    native.vectorRegisters = 32;
    native.dotBF16 = native.convertsBF16 = has.lookup("avx512bf16");
  } else if (has.lookup("avx2") && has.lookup("fma")) {
    native.vectorBits = 256;
  }
  native.features = features.getString();
  return native;
}

llvm::Expected<CpuTarget>
attn::lookupCpuTarget(llvm::StringRef name,
                      llvm::ArrayRef<std::string> others) {
  if (name == "native")
    return detectNative();
  std::vector<CpuTarget> known = getKnownCpuTargets();
  for (const CpuTarget &target : known)
    if (target.name == name)
      return target;
  std::string allowed = llvm::join(
      llvm::map_range(known, [](const CpuTarget &t) { return t.name; }), ", ");
  for (const std::string &other : others)
    allowed += ", " + other;
  return llvm::createStringError("unknown target '" + name +
                                 "'; expected native, " + allowed);
}
