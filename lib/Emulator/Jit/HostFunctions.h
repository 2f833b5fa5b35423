//===- HostFunctions.h - Functions of the host that kernels call ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_JIT_HOSTFUNCTIONS_H
#define ATTN_LIB_EMULATOR_JIT_HOSTFUNCTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace attn::emulator {

struct HostFunction {
  /// The intrinsic or library function, or empty for what the host's code
  /// generator or the retargeter calls.
  llvm::StringRef name;
  /// What the generated code calls it.
  llvm::StringRef symbol;
  void *address;
};

llvm::ArrayRef<HostFunction> hostFunctions();

/// The function for an intrinsic or a library function, or null.
const HostFunction *findHostFunction(llvm::StringRef name);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_JIT_HOSTFUNCTIONS_H
