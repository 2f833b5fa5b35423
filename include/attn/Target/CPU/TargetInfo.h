//===- TargetInfo.h - Facts about CPUs --------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CPU_TARGETINFO_H
#define ATTN_TARGET_CPU_TARGETINFO_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace attn {

/// What code generation for one CPU depends on.
struct CpuTarget {
  /// Name on the command line.
  std::string name;
  /// LLVM triple, empty for this machine's; CPU and feature string for the back
  /// end.
  std::string triple, cpu, features;
  /// Width of a vector register in bits, and how many there are.
  int vectorBits;
  int vectorRegisters;
  /// Multiplies pairs of bf16 and adds them to f32.
  bool dotBF16;
  /// Converts f32 to bf16 by itself; otherwise the conversion is spelled out.
  bool convertsBF16;
};

/// The CPU called `name`: a row of the table, or `native`. The error lists the
/// allowed names.
llvm::Expected<CpuTarget>
lookupCpuTarget(llvm::StringRef name, llvm::ArrayRef<std::string> others = {});

/// All rows of the table.
std::vector<CpuTarget> getKnownCpuTargets();

} // namespace attn

#endif // ATTN_TARGET_CPU_TARGETINFO_H
