//===- Support.h - What targets have in common ------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_SUPPORT_H
#define ATTN_TARGET_SUPPORT_H

#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include <optional>
#include <string>

namespace attn {

/// Names what no target can lower, if the op has it.
std::optional<std::string> findUnsupportedAnywhere(AttentionOp op);

//===----------------------------------------------------------------------===//
// GPUs
//===----------------------------------------------------------------------===//

/// Keys of one step of a kernel: block_kv_compute of the op, or `chosen`, but
/// no more than its block_kv; rounded up to whole matrix instructions of
/// `multiple` keys.
int64_t getStepKeys(AttentionOp op, int64_t chosen, int64_t multiple);

/// Keys of one tile: block_kv of the op, rounded up to whole steps.
int64_t getTileKeys(AttentionOp op, int64_t step);

/// What a GPU demands of the config of a kernel.
struct BlockLimits {
  /// What errors call it.
  llvm::StringRef target;
  MatrixKind instruction;
  int64_t lanes;
  bool transposed;
  /// The keys of a step are a multiple of it.
  int64_t keyMultiple;
  /// Bytes of shared memory of a block.
  int64_t sharedBytes;
};

/// `getSharedBytes` says how many a config takes.
llvm::LogicalResult verifyBlockConfig(
    AttentionOp op, ConfigAttr config, const BlockLimits &limits,
    llvm::function_ref<int64_t(AttentionOp, ConfigAttr)> getSharedBytes);

} // namespace attn

#endif // ATTN_TARGET_SUPPORT_H
