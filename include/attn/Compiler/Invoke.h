//===- Invoke.h - One way to call every kernel ------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_COMPILER_INVOKE_H
#define ATTN_COMPILER_INVOKE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"
#include <string>

namespace llvm {
class Module;
} // namespace llvm

namespace attn {

/// Adds `void attn_invoke(ptr arguments)`, which loads the arguments of the C
/// interface of `entry` from an array of pointers and calls it: one signature
/// for every kernel. Returns its name, which is another if the module uses
/// this one.
llvm::Expected<std::string> addInvokeFunction(llvm::Module &module,
                                              llvm::StringRef entry);

/// Fails if `object` refers to a symbol that is not in `provided`. A call of
/// exp or of a matrix routine is a bug of the lowering, and found here.
llvm::Error checkUndefinedSymbols(llvm::MemoryBufferRef object,
                                  llvm::ArrayRef<llvm::StringRef> provided);

} // namespace attn

#endif // ATTN_COMPILER_INVOKE_H
