//===- Decoding.cpp - Few rows, many keys ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/Decoding.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

std::optional<int64_t> attn::getStaticLength(int64_t length) {
  // All blocks are smaller.
  constexpr int64_t kLongLength = int64_t(1) << 20;
  if (ShapedType::isDynamic(length))
    return std::nullopt;
  return std::clamp<int64_t>(length, 1, kLongLength);
}

std::optional<int64_t> attn::getQueryRows(AttentionOp op) {
  int64_t rows =
      op.getQType().getDimSize(getLayoutDims(op.getQLayout()).sequence);
  std::optional<int64_t> length = getStaticLength(rows);
  if (!length || !op.isPackedQ())
    return length;
  int64_t starts = cast<ShapedType>(op.getCuSeqlensQ().getType()).getDimSize(0);
  if (ShapedType::isDynamic(starts) || starts < 2)
    return std::nullopt;
  return llvm::divideCeil(*length, starts - 1);
}

/// Query heads per KV head, if known.
static int64_t getGroup(AttentionOp op) {
  int64_t heads = op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  int64_t kvHeads =
      op.getKType().getDimSize(getLayoutDims(op.getKLayout()).head);
  return ShapedType::isDynamic(heads) || ShapedType::isDynamic(kvHeads)
             ? 1
             : heads / kvHeads;
}

static bool readsArrays(Attribute mask) {
  return mask && (isa<DenseAttr, SegmentsAttr, CustomAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), [](Attribute inner) {
                    return readsArrays(inner);
                  }));
}

bool attn::readsArrays(AttentionOp op) {
  return op.getBias() || op.getQPositions() || op.getScoreModAttr() ||
         ::readsArrays(op.getMaskAttr());
}

/// Whether rows of different heads can share a tile: nothing but q, out, lse
/// and the sinks, which the merge adds, differs by head.
static bool canShareTile(AttentionOp op) {
  return !op.getBlockQ() && !op.getAlibiSlopes() && !readsArrays(op) &&
         haveEqualMasks(op.getMaskAttr(), getGroup(op));
}

int64_t attn::chooseSharedHeads(AttentionOp op, int64_t rows, int64_t unit,
                                int64_t maxRows) {
  if (!canShareTile(op))
    return 1;
  int64_t heads = std::min(getGroup(op), std::max<int64_t>(maxRows / rows, 1));
  auto fits = [&] {
    int64_t tileRows = llvm::alignTo(rows * heads, unit);
    return tileRows <= maxRows;
  };
  while (heads > 1 && (getGroup(op) % heads != 0 || !fits()))
    --heads;
  return heads;
}

SplitAttr attn::chooseDecodeSplit(AttentionOp op, int64_t heads,
                                  const SplitLimits &limits) {
  MLIRContext *context = op.getContext();
  if (op.getNumSplits())
    return SplitAttr::get(context, *op.getNumSplits(), 0, 0);
  if (op.getSplitSize())
    return SplitAttr::get(context, 0, 0, *op.getSplitSize());
  // Sinks of the rows of several heads enter with the merge.
  SplitAttr none;
  if (heads > 1 && op.getSinks())
    none = SplitAttr::get(context, 1, 0, 0);
  std::optional<int64_t> rows = getQueryRows(op);
  if (!rows || *rows > kDecodeRows)
    return none;
  std::optional<int64_t> keys = getStaticLength(op.getNumKeys());
  if (keys && *keys < 2 * limits.keys)
    return none;
  LayoutDims dims = getLayoutDims(op.getQLayout());
  ShapedType q = op.getQType();
  if (!op.isPackedQ() && !q.isDynamicDim(dims.batch) &&
      !q.isDynamicDim(dims.head) &&
      q.getDimSize(dims.batch) >=
          limits.items * heads / q.getDimSize(dims.head))
    return none;
  return SplitAttr::get(context, 0, limits.items, limits.keys);
}
