//===- TileTable.h - What a data-dependent mask shows of each tile ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the pass attn-convert-to-online: the table as the launching
// function sees it. KernelBuilder fills and reads it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ONLINE_TILETABLE_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ONLINE_TILETABLE_H

#include "KernelBuilder.h"

namespace attn {

/// Whether the mask of `op` depends on data, so that its kernel takes a table
/// in any case.
bool needsTileTable(AttentionOp op);

/// [rows, tiles] of i8, each a TileVisibility. A row is a block of query rows
/// of one sequence, or of one head of it if the mask depends on the head.
mlir::MemRefType getTileTableType(mlir::MLIRContext *context);

struct TileTable {
  mlir::Value memref;
  /// Its rows, which are the work items of the kernel that fills it.
  mlir::Value rows;
};
TileTable allocateTileTable(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                            const WorkExtents &work);

/// `heads`, or 1 if all heads share the rows of the table.
mlir::Value buildTableHeads(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                            mlir::Value heads);

/// `content` as an element of the table.
mlir::Value buildVisibility(mlir::ImplicitLocOpBuilder &b,
                            TileVisibility content);

} // namespace attn

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ONLINE_TILETABLE_H
