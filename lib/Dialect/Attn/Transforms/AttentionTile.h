//===- AttentionTile.h - A tile of attn.attention's loops ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which dims of which operand the loops over batch, KV head and query row
// split, and the part of an operand that belongs to one tile.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ATTENTIONTILE_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ATTENTIONTILE_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/IR/OpDefinition.h"

namespace attn {

/// What a dim of an operand counts. The first three are the loops; Head is tied
/// to KvHead, and Whole is never split.
enum class Axis { Batch, KvHead, Row, Head, Whole };
constexpr int kNumLoops = 3;
using Axes = llvm::SmallVector<Axis, 4>;

/// Offset and size along one axis or dim.
struct AxisSlice {
  mlir::OpFoldResult offset, size;
};

/// The size of a dim of a tensor or memref.
mlir::OpFoldResult getSize(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value value, int64_t dim);

/// Query heads per KV head.
mlir::OpFoldResult getGroupSize(mlir::OpBuilder &b, AttentionOp op);

/// Whether batches can be taken apart: packed sequences cannot.
bool hasBatchLoop(AttentionOp op);

/// The axes of the dims of an operand with a layout, whose sequence and heads
/// are those axes.
Axes getAxes(Layout layout, Axis sequence, Axis head);
Axes getOutAxes(AttentionOp op);
Axes getLseAxes(AttentionOp op);
/// [B, Sq] or [B, Skv], or the number of tokens where packed.
Axes getQueryAxes(AttentionOp op);
Axes getKeyAxes(AttentionOp op);

/// A tile of the iteration space, and the operands' part in it.
class AttentionTile {
public:
  AttentionTile(mlir::OpBuilder &b, AttentionOp op,
                llvm::ArrayRef<mlir::OpFoldResult> offsets,
                llvm::ArrayRef<mlir::OpFoldResult> sizes);

  const AxisSlice &get(Axis axis) const {
    return slices[static_cast<int>(axis)];
  }

  bool startsAtZero(Axis axis) const;

  /// Whether the tile surely has all of `dim` of `value`.
  bool isWhole(Axis axis, mlir::Value value, int64_t dim) const;

  /// The part of `value` that the tile sees. With `broadcast`, a dim of size 1
  /// is the same for every tile.
  mlir::Value slice(mlir::Value value, const Axes &axes,
                    bool broadcast = false);

  /// The offsets and sizes of that part.
  void getPart(mlir::Value value, const Axes &axes, bool broadcast,
               llvm::SmallVectorImpl<mlir::OpFoldResult> &offsets,
               llvm::SmallVectorImpl<mlir::OpFoldResult> &sizes);

  /// The ops that slice() made.
  llvm::ArrayRef<mlir::Operation *> getSliceOps() const { return sliceOps; }

private:
  /// The part of a dim that is 1 or an axis, which only run time tells.
  AxisSlice selectBroadcast(mlir::OpFoldResult extent, const AxisSlice &slice);

  mlir::OpBuilder &b;
  mlir::Location loc;
  AttentionOp op;
  AxisSlice slices[kNumLoops + 1];
  llvm::SmallVector<mlir::Operation *> sliceOps;
};

} // namespace attn

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ATTENTIONTILE_H
