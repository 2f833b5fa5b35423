//===- AttnOps.h - Ops of the attn dialect -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNOPS_H
#define ATTN_DIALECT_ATTN_IR_ATTNOPS_H

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Dialect/Attn/IR/AttnTypes.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/IR/AttnOps.h.inc"

namespace attn {

/// Whether `mask` (which may be null) is the same for all heads of each group
/// of `heads` neighbours.
bool haveEqualMasks(mlir::Attribute mask, int64_t heads);

/// Reports an error of `op` if the tiles that `config` asks for, block_q or
/// block_kv_compute by a head dim or by each other, are larger than tiles may
/// be, or if its heads cannot share tiles in that way. Passes check what they
/// choose or are given before they make tile types.
llvm::LogicalResult verifyTileSizes(AttentionOp op, ConfigAttr config);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_ATTNOPS_H
