//===- BuildAttention.h - attn.attention of a plain problem -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_BUILDATTENTION_H
#define ATTN_DIALECT_ATTN_IR_BUILDATTENTION_H

#include "attn/Dialect/Attn/IR/AttnOps.h"

namespace attn {

/// Builds an op on q, k, v and `out` in the layout bshd. Its result has the
/// type of `out`, or is none where that is a memref. What else a problem has is
/// set on the op: `op.getSinksMutable().assign(sinks)`, `op.setMaskAttr(...)`.
AttentionOp buildAttention(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value q, mlir::Value k, mlir::Value v,
                           mlir::Value out, float scale);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_BUILDATTENTION_H
