//===- EmitTileRanges.h - Loop bounds from mask ranges ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_EMITTILERANGES_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_EMITTILERANGES_H

#include "attn/Analysis/MaskRanges.h"
#include "mlir/IR/Builders.h"

namespace attn {

/// Tiles [begin, end) of one kind, both of type index, begin <= end.
struct EmittedRange {
  mlir::Value begin, end;
  TileKind kind;
};

/// Emits the bounds of `ranges` for the fixed tile `tileIndex` as affine.max,
/// affine.min, affine.apply, arith.cmpi, arith.select, arith.maxsi and
/// arith.minsi on values of type index. `slotValues` are the prefix values in
/// the order of MaskRanges::slots. The value of a length or offset that was
/// given statically to the analysis may be null. Ranges that do not follow from
/// the values at hand stay; the caller's canonicalisation folds constants.
llvm::SmallVector<EmittedRange>
emitTileRanges(mlir::OpBuilder &builder, mlir::Location loc,
               const MaskRanges &ranges, mlir::Value tileIndex,
               mlir::Value qOffset, mlir::Value qLen, mlir::Value kvLen,
               mlir::ValueRange slotValues);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_EMITTILERANGES_H
