//===- CompilerLibrary.h - The compiler, opened when needed -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CAPI_COMPILERLIBRARY_H
#define ATTN_CAPI_COMPILERLIBRARY_H

#include "attn/Artefact/Service.h"

namespace attn::capi {

/// Maps libattn-compiler, and with it LLVM and MLIR; null and an error if it
/// cannot be. The library stays for the life of the process.
const CompilerService *openCompiler(std::string &error);

/// What changes whenever the compiler does, found without mapping it.
std::string getCompilerFingerprint();

} // namespace attn::capi

#endif // ATTN_CAPI_COMPILERLIBRARY_H
