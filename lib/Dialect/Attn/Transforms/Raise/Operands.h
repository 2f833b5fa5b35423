//===- Operands.h - Tensors for the operands of attn.attention --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A match speaks of variables; attn.attention of batches, heads, rows and keys.
// A producer's dim may be several of these (batch times head in one dim, head
// times head dim in another), so variables are first split until each is one.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_OPERANDS_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_OPERANDS_H

#include "Match.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::raise {

/// What a variable is to attention. Query head h is group * members + member;
/// the query heads of a group share a KV head.
enum class Role { Batch, Group, Member, Row, Key, HeadDim, ValueDim };
constexpr unsigned kNumRoles = 7;

/// A dim of a tensor: the roles whose indices make up its index, outermost
/// first. None for a dim of size 1.
using RoleList = llvm::SmallVector<Role, 3>;
using Dims = llvm::SmallVector<RoleList>;

/// Splits the variables of `match` and `out`, and rewrites both.
void splitVariables(Expressions &in, Match &match, Expr &out);

class Roles {
public:
  explicit Roles(Expressions &in) : in(in) {}

  /// Finds the role of every variable; `why` says why it cannot.
  mlir::LogicalResult assign(const Match &match, Expr out, std::string &why);

  std::optional<unsigned> getVariable(Role role) const {
    return variables[static_cast<unsigned>(role)];
  }
  std::optional<Role> getRole(unsigned variable) const;
  /// 1 for a role that no variable has.
  int64_t getExtent(Role role) const;

  /// The dims of an accessed tensor, or nothing if some index is no plain
  /// product of roles, or does not cover its dim.
  std::optional<Dims> getDims(Expr access) const;

  Expressions &in;

private:
  std::optional<RoleList> getDim(mlir::AffineExpr index, int64_t size) const;
  mlir::LogicalResult assignHeads(llvm::ArrayRef<unsigned> order,
                                  llvm::ArrayRef<unsigned> shared,
                                  llvm::ArrayRef<unsigned> own,
                                  const Match &match, size_t rank,
                                  std::string &why);

  std::optional<unsigned> variables[kNumRoles];
};

/// The dims of an operand of this layout; `sequence` and `dim` are the roles of
/// those dims.
Dims getLayoutDimRoles(Layout layout, bool isQuery, Role dim, bool perMember);

/// Reshapes and transposes `tensor` from `from` to `to`, which hold the same
/// roles.
mlir::Value convert(mlir::ImplicitLocOpBuilder &b, const Roles &roles,
                    mlir::Value tensor, Dims from, Dims to);

/// Whether `convert` needs no transpose.
bool haveSameOrder(const Dims &from, const Dims &to);

/// The innermost of `views` whose dims have the roles of `wanted`, if `inOrder`
/// in that order. With `mayBroadcast`, dims of `wanted` may be absent.
struct View {
  Expr access;
  Dims dims;
};
std::optional<View> findView(const Roles &roles, llvm::ArrayRef<Expr> views,
                             const Dims &wanted, bool inOrder,
                             bool mayBroadcast = false);

} // namespace attn::raise

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_OPERANDS_H
