//===- Describe.h - The manifest of a kernel --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ARTEFACT_DESCRIBE_H
#define ATTN_ARTEFACT_DESCRIBE_H

#include "attn/Compiler/Codegen.h"
#include "attn/Runner/Entry.h"
#include "llvm/Support/Error.h"
#include <string>

namespace attn {

/// The manifest, JSON, of a kernel for `entry`. Its fields are those that
/// attn/Runtime/Manifest.h reads, and some for people. Refuses a function that
/// takes tensors or returns something.
llvm::Expected<std::string> describeKernel(const runner::Entry &entry,
                                           const CodegenTarget &target,
                                           const llvm::TargetMachine &machine,
                                           llvm::StringRef targetName);

} // namespace attn

#endif // ATTN_ARTEFACT_DESCRIBE_H
