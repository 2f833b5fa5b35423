//===- GpuResources.h - What assemblers count of kernels --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_GPURESOURCES_H
#define ATTN_TARGET_GPURESOURCES_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace attn {

/// Per kernel, amounts by name.
using KernelResources =
    llvm::StringMap<std::vector<std::pair<std::string, int64_t>>>;

/// True for amounts that are 0 in a kernel that keeps its values in registers.
inline bool isSpill(llvm::StringRef name) {
  return name.contains("spill") || name == "local_bytes" ||
         name == "scratch_bytes";
}

} // namespace attn

#endif // ATTN_TARGET_GPURESOURCES_H
