//===- AttnFolds.cpp - Canonicalisation of attn ops --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attn;

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &,
                                              MLIRContext *) {}
