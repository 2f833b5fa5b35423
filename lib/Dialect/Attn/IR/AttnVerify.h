//===- AttnVerify.h - Shared parts of the verifiers ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints are numbered in the descriptions of the ops. The code of one
// cites it (`attention_c6`), its error ends with its number, and the negative
// test in test/Dialect/Attn/invalid*.mlir has its name.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_IR_ATTNVERIFY_H
#define ATTN_LIB_DIALECT_ATTN_IR_ATTNVERIFY_H

#include "attn/Dialect/Attn/IR/AttnOps.h"

namespace attn {

/// What an operand may hold.
enum class Elements { I1, I32, I64, F32, AnyFloat };

/// One dim of an expected shape. A dynamic size agrees with every size.
struct Extent {
  llvm::StringRef name;
  int64_t size = mlir::ShapedType::kDynamic;
  /// Whether 1 is allowed too (broadcast).
  bool orOne = false;
};

using Shape = llvm::SmallVector<Extent, 4>;

/// Whether two static sizes differ.
inline bool differ(int64_t a, int64_t b) {
  return !mlir::ShapedType::isDynamic(a) && !mlir::ShapedType::isDynamic(b) &&
         a != b;
}

/// The first static size of `sizes`; dynamic if there is none.
int64_t firstStatic(llvm::ArrayRef<int64_t> sizes);

/// Fails unless `type` has these elements and one of these shapes. The error
/// names `operand`, its type, what is allowed and `constraint` ("C12").
mlir::LogicalResult expectType(mlir::Operation *op, const llvm::Twine &operand,
                               mlir::Type type, Elements elements,
                               llvm::ArrayRef<Shape> shapes,
                               llvm::StringRef constraint);

/// Fails unless all tensors and memrefs among `operands` are of one kind, and
/// the results are what destination style wants: the types of the tensor inits.
/// `name(i)` names the operand of that number.
mlir::LogicalResult
expectOneKind(mlir::DestinationStyleOpInterface op,
              llvm::function_ref<std::string(unsigned)> name,
              llvm::StringRef constraint);

/// Sizes that the operands of one attn.attention share, each taken from the
/// first operand that states it statically; dynamic if none does.
struct ProblemSizes {
  explicit ProblemSizes(AttentionOp op);

  /// Sequence lengths are those of the shapes: the number of tokens where
  /// packed, dynamic where paged.
  int64_t batch, qHeads, kvHeads, queries, keys;
  bool packedQ, packedKv;

  Extent b() const { return {"B", batch}; }
  Extent hq() const { return {"Hq", qHeads}; }
  /// [B, S] of the queries or keys, or [total] where they are packed.
  Shape perQuery() const;
  Shape perKey() const;
  /// [B, Hq, Sq, Skv] of bias and dense masks, all dims may be 1.
  Shape scores() const;
};

/// attention_c20 for one function, called with `leading` types and `captures`,
/// that returns one `result`.
mlir::LogicalResult verifyUserFunction(AttentionOp op,
                                       mlir::SymbolTableCollection &symbols,
                                       mlir::FlatSymbolRefAttr symbol,
                                       llvm::ArrayRef<mlir::Type> leading,
                                       mlir::TypeRange captures,
                                       mlir::Type result);

/// attention_c18, attention_c19 and what of attention_c20 needs no symbol.
mlir::LogicalResult verifyMask(AttentionOp op, const ProblemSizes &sizes);

} // namespace attn

#endif // ATTN_LIB_DIALECT_ATTN_IR_ATTNVERIFY_H
