//===- AttnVerify.cpp - Constraints of attn.attention and attn.merge ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"

using namespace mlir;
using namespace attn;

LogicalResult AttentionOp::verify() { return success(); }

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &) {
  return success();
}

LogicalResult MergeOp::verify() { return success(); }
