//===- Image.h - Kernels as shared objects ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ARTEFACT_IMAGE_H
#define ATTN_ARTEFACT_IMAGE_H

#include "attn/Artefact/GpuCode.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace attn {

struct ImageOptions {
  std::string target = "native";
  /// The description that the module was made from, kept in the manifest.
  std::string problem;
  /// As in GpuCodeOptions.
  std::string ptxas;
  bool onlyBitcode = false;
  /// As in JitOptions.
  unsigned irOptLevel = 0;
  unsigned codegenOptLevel = 2;
};

/// Machine code and manifest, see attn/Runtime/KernelAbi.h.
struct Image {
  std::string object;
  std::string manifest;
  /// Of kernels for a GPU; the object holds it too.
  std::optional<GpuCode> gpuCode;
};

/// Compiles function `entry` (empty: the only public one with attention) of a
/// module before the `llvm` stage into an image, for any target. The code of
/// GPUs lies beside host code for any machine of this architecture.
llvm::Expected<Image> createImage(mlir::ModuleOp module, llvm::StringRef entry,
                                  const ImageOptions &options);

enum class LinkedFor { Host, Gpu };

/// Links one object into a shared object that depends on no other.
llvm::Expected<std::string> linkSharedObject(llvm::StringRef object,
                                             LinkedFor use);

} // namespace attn

#endif // ATTN_ARTEFACT_IMAGE_H
