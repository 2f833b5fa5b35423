//===- Support.cpp - What the CPU targets can lower --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/CPU/Support.h"

using namespace mlir;
using namespace attn;

/// The name of the first mask leaf without a lowering, or nothing.
static std::optional<std::string> findUnsupportedMask(Attribute mask) {
  if (!mask)
    return std::nullopt;
  if (isa<SegmentsAttr>(mask))
    return "segments masks";
  if (isa<DenseAttr>(mask))
    return "dense masks";
  if (isa<CustomAttr>(mask))
    return "custom masks";
  for (Attribute operand : getMaskOperands(mask))
    if (auto feature = findUnsupportedMask(operand))
      return feature;
  return std::nullopt;
}

static bool hasPerHead(Attribute mask) {
  return mask && (isa<PerHeadAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), hasPerHead));
}

std::optional<std::string> attn::findUnsupportedOnCpu(AttentionOp op) {
  int64_t heads = op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  struct Row {
    bool used;
    const char *feature;
  };
  const Row rows[] = {
      {op.isPackedQ() || op.isPackedKv(), "packed sequences (cu_seqlens)"},
      {op.isPaged(), "paged keys (block_table)"},
      {static_cast<bool>(op.getBias()), "bias"},
      {static_cast<bool>(op.getAlibiSlopes()), "alibi_slopes"},
      {static_cast<bool>(op.getQPositions()), "q_positions"},
      {static_cast<bool>(op.getScoreModAttr()), "score_mod"},
      {op.getQDescale() || op.getKDescale() || op.getVDescale(),
       "descale factors"},
      {op.getNumSplits().has_value() || op.getSplitSize().has_value(),
       "split keys (num_splits, split_size)"},
      {ShapedType::isDynamic(heads) && hasPerHead(op.getMaskAttr()),
       "per_head masks of a dynamic number of heads"},
  };
  for (const Row &row : rows)
    if (row.used)
      return row.feature;
  for (ShapedType type : {op.getQType(), op.getKType()})
    if (type.getElementTypeBitWidth() < 16)
      return "fp8 operands";
  return findUnsupportedMask(op.getMaskAttr());
}
