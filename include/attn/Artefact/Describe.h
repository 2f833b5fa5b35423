//===- Describe.h - The manifest of a kernel --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ARTEFACT_DESCRIBE_H
#define ATTN_ARTEFACT_DESCRIBE_H

#include "attn/Artefact/GpuCode.h"
#include "attn/Runner/Entry.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace attn {

/// The manifest of a kernel for `entry`, whose host code is for `target`. Its
/// fields are those that attn/Runtime/Manifest.h reads, and some for people.
/// Refuses a function that takes tensors or returns something.
llvm::Expected<llvm::json::Object>
describeKernel(const runner::Entry &entry, const CodegenTarget &target,
               const llvm::TargetMachine &machine, llvm::StringRef targetName);

/// The field "gpu" of a manifest.
llvm::json::Object describeGpuCode(const GpuCode &code);

} // namespace attn

#endif // ATTN_ARTEFACT_DESCRIBE_H
