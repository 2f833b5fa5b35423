//===- Support.h - What the AMD targets can lower ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_ROCDL_SUPPORT_H
#define ATTN_TARGET_ROCDL_SUPPORT_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Target/ROCDL/TargetInfo.h"
#include <optional>
#include <string>

namespace attn {

/// The first feature of `op` that has no lowering, in words.
std::optional<std::string> findUnsupportedOnRocdl(AttentionOp op);

/// Reports an error of `op` if `config` is none that the lowering can obey on
/// `target`.
llvm::LogicalResult verifyRocdlConfig(AttentionOp op, ConfigAttr config,
                                      const RocdlTarget &target);

/// The matrix instruction for the products of `op`.
MatrixKind getRocdlInstruction(AttentionOp op);

/// Bytes of the longest row of an operand of products.
int64_t getRocdlRowBytes(AttentionOp op);

/// Bytes of shared memory that a block needs under `config`.
int64_t getRocdlSharedBytes(AttentionOp op, ConfigAttr config);

} // namespace attn

#endif // ATTN_TARGET_ROCDL_SUPPORT_H
