//===- Source.h - LLVM IR from a file of MLIR or LLVM IR ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_EMULATE_SOURCE_H
#define ATTN_TOOLS_EMULATE_SOURCE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attn {

/// LLVM IR as text or bitcode. From a file of MLIR: its only gpu.module, or the
/// whole of it, with kernels in the LLVM dialect (and NVVM, ROCDL), or as
/// gpu.func, which are lowered for the target of `triple`.
llvm::Expected<std::string> readKernels(llvm::StringRef path,
                                        llvm::StringRef triple);

} // namespace attn

#endif // ATTN_TOOLS_EMULATE_SOURCE_H
