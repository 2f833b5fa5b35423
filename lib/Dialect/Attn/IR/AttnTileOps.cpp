//===- AttnTileOps.cpp - Work items and online-softmax tiles -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"

using namespace mlir;
using namespace attn;

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &) {
  return success();
}
LogicalResult ViewOp::verify() { return success(); }
LogicalResult LoadTileOp::verify() { return success(); }
LogicalResult StoreTileOp::verify() { return success(); }
LogicalResult ContractOp::verify() { return success(); }
LogicalResult MapOp::verify() { return success(); }
LogicalResult ReduceOp::verify() { return success(); }
LogicalResult DotPairsOp::verify() { return success(); }
