//===- Entry.h - What the function to run takes and gives -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_ENTRY_H
#define ATTN_RUNNER_ENTRY_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Support/ElementType.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace attn::runner {

/// What an argument is to an attention op.
enum class Role {
  Q,
  K,
  V,
  Bias,
  Sinks,
  AlibiSlopes,
  QLens,
  KvLens,
  QOffset,
  QPositions,
  CuSeqlensQ,
  CuSeqlensKv,
  BlockTable,
  QDescale,
  KDescale,
  VDescale,
  Scale,
  Softcap,
  PrefixLens,
  QSegments,
  KvSegments,
  DenseMask,
  Capture,
  Out,
  Lse
};

/// "q", "kv_lens", "out", ... as the op spells it.
llvm::StringRef stringify(Role role);

/// A value an attention op uses.
struct RoleValue {
  Role role;
  mlir::Value value;
};

/// Operands of `op` with their roles, outs last; casts are looked through.
llvm::SmallVector<RoleValue> getRoles(AttentionOp op);

/// The value behind tensor.cast and memref.cast.
mlir::Value lookThroughCasts(mlir::Value value);

/// The number of the function argument that `value` is, through casts.
std::optional<unsigned> getFunctionArgument(mlir::Value value);

struct ArgumentInfo {
  /// "argument 0 (q)", for messages.
  std::string name;
  /// "arg0", and the name of the first role ("q") if that names no other
  /// argument: what --shape and files use.
  std::string number, roleName;
  ElementType element = ElementType::F32;
  bool isScalar = false;
  bool isTensor = false;
  /// Dims and element strides of the type, mlir::ShapedType::kDynamic where
  /// the type leaves them open.
  std::vector<int64_t> shape, strides;
  llvm::SmallVector<std::pair<Role, AttentionOp>> roles;
  /// The type, for messages.
  std::string type;

  bool hasRole(Role role) const;
  /// Only receives results.
  bool isOutput() const;
};

struct ResultInfo {
  std::string name;
  ElementType element = ElementType::F32;
  int64_t rank = 0;
};

struct Entry {
  /// The name of the function, without @.
  std::string name;
  mlir::func::FuncOp function;
  std::vector<ArgumentInfo> arguments;
  std::vector<ResultInfo> results;
  std::vector<AttentionOp> attentions;
};

/// The element type of our arrays for an MLIR type, if there is one.
std::optional<ElementType> getElementType(mlir::Type type);

/// Finds the function to run: `name`, or the only public function with an
/// attention op. Refuses types that cannot be passed.
llvm::Expected<Entry> findEntry(mlir::ModuleOp module, llvm::StringRef name);

} // namespace attn::runner

#endif // ATTN_RUNNER_ENTRY_H
