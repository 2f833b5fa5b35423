//===- Generator.h - The IR of one attention problem ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes a module with one function around one attn.attention, from sizes and
// choices. The function takes q, k, v, then the operands that were chosen in
// the order of the op, then, on memrefs, out and lse.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_GENERATOR_GENERATOR_H
#define ATTN_GENERATOR_GENERATOR_H

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace attn::generator {

/// What a mask expression needs at run time, by slot.
enum class MaskOperand { PrefixLens, QSegments, KvSegments, Dense };

struct Mask {
  /// Null: every key is visible.
  mlir::Attribute attribute;
  std::vector<MaskOperand> operands;
};

/// Parses a mask: `causal`, `window(L,R)` (a side may be *, unbounded),
/// `chunked(N)`, `prefix(N)`, `prefix(lens)`, `segments`, `dense` and
/// `per_head(m0, m1, ...)`, combined by `!`, `&` and `|` (in this order of
/// binding) and parentheses. Leaves with run-time operands get slots in the
/// order in which they stand.
llvm::Expected<Mask> parseMask(llvm::StringRef text,
                               mlir::MLIRContext *context);

/// How a value of the problem is given to the op.
enum class Given { No, Attribute, Scalar, PerBatch };

struct Problem {
  std::string function = "attention";
  int64_t batch = 1, headsQ = 4, headsKv = 4, rows = 2048, keys = 2048;
  int64_t headDim = 64, valueDim = 64;
  /// Spelled as in MLIR, "bf16".
  std::string type = "f32", kvType = "f32", outType = "f32";
  Layout qLayout = Layout::bshd, kLayout = Layout::bshd;
  Layout vLayout = Layout::bshd, outLayout = Layout::bshd;
  /// Rows of a page; 0 is no paging. k and v layouts are then `paged`.
  int64_t pageSize = 0;

  Mask mask;
  float scale = 0.125f;
  bool dynamicScale = false;
  std::optional<float> softcap;
  bool dynamicSoftcap = false;
  Given qOffset = Given::No;
  int64_t qOffsetValue = 0;
  bool qPositions = false, qLens = false, kvLens = false;
  bool sinks = false, lse = false, alibi = false;
  /// [B, Hq, Sq, Skv] with 1 where a dim is broadcast.
  std::optional<std::vector<bool>> biasBroadcast;
  /// [B, Hkv], likewise; of all three factors, q's if it is fp8.
  std::optional<std::vector<bool>> descaleBroadcast;

  bool onMemrefs = false;
  /// Memrefs with dynamic strides and offset.
  bool strided = false;
  /// Batch and sequence lengths are dynamic.
  bool dynamic = false;

  std::optional<int64_t> blockQ, blockKv, blockKvCompute, numSplits, splitSize;
};

/// Builds and verifies the module. A function with dynamic dims carries the
/// sizes of `problem` as attn.example_shapes.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
generate(const Problem &problem, mlir::MLIRContext *context);

} // namespace attn::generator

#endif // ATTN_GENERATOR_GENERATOR_H
