//===- KnownTargets.cpp - The table of AMD GPUs ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/ROCDL/TargetInfo.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace attn;

std::vector<RocdlTarget> attn::getKnownRocdlTargets() {
  // CDNA3 instruction set architecture, section 3.2.
  constexpr int64_t kKiB = 1024;
  return {{"gfx942", 64 * kKiB}};
}

bool attn::isRocdlTarget(llvm::StringRef name) {
  return llvm::any_of(getKnownRocdlTargets(), [&](const RocdlTarget &target) {
    return target.name == name;
  });
}

llvm::Expected<RocdlTarget> attn::lookupRocdlTarget(llvm::StringRef name) {
  std::vector<RocdlTarget> known = getKnownRocdlTargets();
  for (const RocdlTarget &target : known)
    if (target.name == name)
      return target;
  std::string allowed = llvm::join(
      llvm::map_range(known, [](const RocdlTarget &t) { return t.name; }),
      ", ");
  return llvm::createStringError("unknown target '" + name + "'; expected " +
                                 allowed);
}
