//===- InterleaveProducts.h - Order of products and softmax -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_ROCDL_INTERLEAVEPRODUCTS_H
#define ATTN_TARGET_ROCDL_INTERLEAVEPRODUCTS_H

namespace llvm {
class Module;
}

namespace attn {

/// Spreads the matrix products of a block among its other instructions and
/// their operands' reads ahead of them, and keeps the code generator from
/// undoing it. To be run on optimised IR, right before the code generator.
void interleaveProducts(llvm::Module &module);

} // namespace attn

#endif // ATTN_TARGET_ROCDL_INTERLEAVEPRODUCTS_H
