//===- AttnGpuOps.h - Ops of the attn dialect for GPUs -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNGPUOPS_H
#define ATTN_DIALECT_ATTN_IR_ATTNGPUOPS_H

#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Dialect/Attn/IR/AttnTypes.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/IR/AttnGpuOps.h.inc"

namespace attn {

/// The same fragment with or without `partial`.
FragmentAttr withPartial(FragmentAttr layout, bool partial);

/// The module that kernels are moved to.
inline constexpr llvm::StringLiteral kGpuModule = "attn_gpu";

/// Attributes of a kernel in it: its number in the order of launches, the
/// threads of a block, and the bytes of shared memory that a block uses.
inline constexpr llvm::StringLiteral kKernelIndex = "attn.kernel_index";
inline constexpr llvm::StringLiteral kBlockSize = "attn.block_size";
inline constexpr llvm::StringLiteral kSharedBytes = "attn.shared_bytes";

/// On an arith.truncf: it rounds weights, whose NaN the sum of the row shows
/// too, and whose ties may go either way.
inline constexpr llvm::StringLiteral kRoundsWeights = "attn.rounds_weights";
/// Of a `gpu.barrier`: the lanes of each warp wait for each other only.
inline constexpr llvm::StringLiteral kOfWarp = "attn.of_warp";

/// Keys whose weights lie in shared memory at a time for a product without
/// matrix instructions.
inline constexpr int64_t kSharedWeightKeys = 32;

/// Threads of a block that merges the parts of one row.
inline constexpr int64_t kMergeThreads = 128;

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_ATTNGPUOPS_H
