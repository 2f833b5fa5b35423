//===- Build.h - attn.attention for a match ---------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_BUILD_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_BUILD_H

#include "RaiseMask.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"

namespace attn::raise {

/// Builds the op for a match whose result is `out`, an access.
class AttentionRaiser {
public:
  AttentionRaiser(mlir::ImplicitLocOpBuilder &b, Expressions &in,
                  const Match &match, Expr out, bool assumeVisibleRows)
      : b(b), in(in), match(match), out(out), roles(in),
        assumeVisibleRows(assumeVisibleRows) {}

  /// A value of the type of `out`'s tensor; null if `why` says what the op
  /// cannot express. Ops that were built until then are left without uses.
  mlir::Value build();

  std::string why;

private:
  /// What a step that failed returns.
  struct Failed {
    operator bool() const { return false; }
    operator mlir::Value() const { return {}; }
  };
  Failed fail(const llvm::Twine &reason);
  bool buildOperands();
  bool buildKeys(bool perMember, bool inOrder);
  mlir::Value widen(mlir::Value tensor, mlir::Type type);
  bool buildMask(MaskRaiser &mask);
  bool addTerm(MaskRaiser &mask, const Term &term);
  mlir::Value buildBias();
  mlir::Value buildSink();
  bool checkVisible(const MaskRaiser &mask, mlir::Attribute attribute);
  bool mayHide(Expr term);
  mlir::Value buildOp(MaskRaiser &mask, mlir::Attribute attribute,
                      mlir::Value bias, mlir::Value sink);

  void setScores(AttentionOp op);
  void setOffset(AttentionOp op, mlir::AffineExpr offset);

  /// One of q, k and v.
  struct Operand {
    mlir::Value tensor;
    Layout layout = Layout::bhsd;
  };
  bool buildOperand(Operand &operand, llvm::ArrayRef<Expr> views, bool isQuery,
                    Role dim, bool perMember, bool inOrder);

  mlir::ImplicitLocOpBuilder &b;
  Expressions &in;
  Match match;
  Expr out;
  Roles roles;
  bool assumeVisibleRows;
  Operand q, k, v;
  Sizes sizes;
  /// Terms that are no masks.
  llvm::SmallVector<Term> biases;
};

} // namespace attn::raise

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_BUILD_H
