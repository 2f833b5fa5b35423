//===- Support.h - What the NVIDIA targets can lower ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_NVVM_SUPPORT_H
#define ATTN_TARGET_NVVM_SUPPORT_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Target/NVVM/TargetInfo.h"
#include <optional>
#include <string>

namespace attn {

/// The first feature of `op` that has no lowering, in words.
std::optional<std::string> findUnsupportedOnNvvm(AttentionOp op);

/// Reports an error of `op` if `config` is none that the lowering can obey on
/// `target`.
llvm::LogicalResult verifyNvvmConfig(AttentionOp op, ConfigAttr config,
                                     const NvvmTarget &target);

/// Bytes of shared memory that a block needs under `config`.
int64_t getNvvmSharedBytes(AttentionOp op, ConfigAttr config);

} // namespace attn

#endif // ATTN_TARGET_NVVM_SUPPORT_H
