//===- Support.h - What the CPU targets can lower ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CPU_SUPPORT_H
#define ATTN_TARGET_CPU_SUPPORT_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Target/CPU/TargetInfo.h"
#include <optional>
#include <string>

namespace attn {

/// The first feature of `op` that has no CPU lowering, in words that follow
/// "unsupported on cpu: "; none if all have.
std::optional<std::string> findUnsupportedOnCpu(AttentionOp op);

/// Reports an "unsupported on cpu" error of `op` for operands that generated
/// code cannot address: memory spaces, layouts without strides, encodings,
/// more elements than there are addresses.
llvm::LogicalResult verifyCpuOperands(AttentionOp op);

/// Reports an error of `op` if `config`, chosen or written by hand, cannot be
/// obeyed on `target`.
llvm::LogicalResult verifyCpuConfig(AttentionOp op, ConfigAttr config,
                                    const CpuTarget &target);

} // namespace attn

#endif // ATTN_TARGET_CPU_SUPPORT_H
