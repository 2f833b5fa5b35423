//===- UserFunction.h - User functions at the place of a pair ---*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A score function or mask function is code for one pair of a row and a key.
// Tiles also hold pairs that do not exist (rows and keys beyond the lengths)
// and pairs that a mask hides, for which the function may never have been
// meant. Its value there is dropped, but computing it must neither trap nor
// read outside of a capture: what is inlined is total.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_USERFUNCTION_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_USERFUNCTION_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace attn {

/// The function on memrefs that `symbol` names for `op`, which the verifier has
/// seen.
mlir::func::FuncOp lookupUserFunction(AttentionOp op,
                                      mlir::FlatSymbolRefAttr symbol);

/// The functions that `op` names as score_mod or in its mask.
llvm::SetVector<mlir::func::FuncOp> getUserFunctions(AttentionOp op);

/// Emits the body of `function` for `arguments` and returns its result. Indices
/// of loads are clamped to the memref, which has no dim of 0; divisors that
/// would trap become 1.
mlir::Value inlineUserFunction(mlir::ImplicitLocOpBuilder &b,
                               mlir::func::FuncOp function,
                               mlir::ValueRange arguments);

/// Erases those of `functions` that are private and have no use left in
/// `module`: their code went where they were named.
void eraseUnusedFunctions(mlir::ModuleOp module,
                          llvm::ArrayRef<mlir::func::FuncOp> functions);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_USERFUNCTION_H
