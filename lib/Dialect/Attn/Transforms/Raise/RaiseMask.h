//===- RaiseMask.h - Conditions as masks of the algebra ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_RAISEMASK_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_RAISEMASK_H

#include "Emit.h"

namespace attn::raise {

/// Writes conditions on visibility as a mask. What is no comparison of
/// positions, lengths or segments becomes a dense mask operand.
class MaskRaiser {
public:
  MaskRaiser(mlir::ImplicitLocOpBuilder &b, const Roles &roles,
             const Sizes &sizes)
      : b(b), in(roles.in), roles(roles), sizes(sizes) {}

  /// Adds a condition; fails if it depends on more than the pair.
  mlir::LogicalResult add(const Condition &condition);

  /// A boolean constant from the elements of a constant of 0 and -inf.
  mlir::LogicalResult addConstant(Expr access, mlir::DenseElementsAttr values);

  /// The conjunction of all conditions; null if there were none.
  mlir::Attribute getMask() const;

  llvm::SmallVector<mlir::Value> operands;
  /// Position of row 0: a constant and symbols.
  mlir::AffineExpr getOffset() const { return offset ? offset : in.number(0); }
  /// Lengths [B] that hide whole rows or keys.
  mlir::Value rowLengths, keyLengths;

private:
  mlir::Attribute build(Expr condition, bool negated);
  mlir::Attribute buildComparison(Expr compare, bool negated);
  mlir::Attribute buildAffine(mlir::arith::CmpIPredicate predicate,
                              mlir::AffineExpr difference);
  mlir::Attribute buildAtMost(mlir::AffineExpr bound);
  mlir::Attribute buildPrefix(mlir::AffineExpr bound);
  mlir::Attribute buildChunked(Expr lhs, Expr rhs);
  mlir::Attribute buildSegments(Expr lhs, Expr rhs);
  mlir::Attribute buildLength(Expr lhs, Expr rhs);
  mlir::Attribute buildDense(Expr condition);
  mlir::Attribute buildTriangle(const Dims &dims,
                                mlir::DenseElementsAttr values);
  mlir::Attribute negate(mlir::Attribute mask);
  bool takeLength(Expr condition, bool negated);
  int64_t addOperand(mlir::Value operand);

  mlir::ImplicitLocOpBuilder &b;
  Expressions &in;
  const Roles &roles;
  const Sizes &sizes;
  mlir::AffineExpr offset;
  llvm::SmallVector<mlir::Attribute> masks;
};

/// Whether every row of a problem of these sizes, dynamic ones included, sees a
/// key, by the mask alone. True is certain.
bool everyRowSeesAKey(mlir::Attribute mask, std::optional<int64_t> offset,
                      int64_t rows, int64_t keys);

} // namespace attn::raise

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_RAISEMASK_H
