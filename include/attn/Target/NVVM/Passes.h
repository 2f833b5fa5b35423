//===- Passes.h - Passes of the NVIDIA targets ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_NVVM_PASSES_H
#define ATTN_TARGET_NVVM_PASSES_H

#include "mlir/Pass/Pass.h"
#include <string>

namespace attn {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Target/NVVM/Passes.h.inc"
} // namespace attn

#endif // ATTN_TARGET_NVVM_PASSES_H
