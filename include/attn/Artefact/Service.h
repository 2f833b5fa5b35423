//===- Service.h - The compiler as another library sees it ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shipped C library maps LLVM and MLIR only when it has to compile: it
// opens libattn-compiler, which exports one function. Both are built together,
// so that C++ types may cross; this header includes nothing of LLVM.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ARTEFACT_SERVICE_H
#define ATTN_ARTEFACT_SERVICE_H

#include <string>

namespace attn {

struct KernelSource {
  enum class Kind { Problem, Module };
  Kind kind = Kind::Problem;
  std::string text;
  /// The function; empty: the only public one with attention.
  std::string entry;
  /// Code for GPUs is what the emulator runs, and no assembler is called.
  bool forEmulator = false;
};

struct ServiceResult {
  enum class Status { Ok, Invalid, Unsupported, Failed };
  Status status = Status::Ok;
  /// The error, or what emit() prints.
  std::string text;
  /// Of compile().
  std::string image, manifest;
};

struct CompilerService {
  ServiceResult (*compile)(const KernelSource &source,
                           const std::string &target);
  ServiceResult (*emit)(const KernelSource &source, const std::string &target,
                        const std::string &stage);
};

/// The name of the exported function, of type GetCompilerService.
inline constexpr char compilerServiceSymbol[] = "attnGetCompilerService";
using GetCompilerService = const CompilerService *(*)();

} // namespace attn

#endif // ATTN_ARTEFACT_SERVICE_H
