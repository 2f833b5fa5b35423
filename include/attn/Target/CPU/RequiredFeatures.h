//===- RequiredFeatures.h - CPU features as systems name them ---*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CPU_REQUIREDFEATURES_H
#define ATTN_TARGET_CPU_REQUIREDFEATURES_H

#include <string>
#include <vector>

namespace llvm {
class MCSubtargetInfo;
} // namespace llvm

namespace attn {

/// The instruction sets that code for `target` may use, as /proc/cpuinfo spells
/// them: a loader without LLVM compares them with the machine's. Sets that
/// every processor of the architecture has are left out, and so are those that
/// only operating systems use.
std::vector<std::string>
getRequiredFeatures(const llvm::MCSubtargetInfo &target);

} // namespace attn

#endif // ATTN_TARGET_CPU_REQUIREDFEATURES_H
