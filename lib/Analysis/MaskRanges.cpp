//===- MaskRanges.cpp - Which tiles a mask shows, symbolically ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskRanges.h"
#include "MaskBoxes.h"
#include "TileRangeBuilder.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

static LogicalResult verifyProblem(const MaskProblem &problem,
                                   EmitErrorFn emitError) {
  auto check = [&](StringRef what, std::optional<int64_t> value,
                   int64_t least) {
    if (!value || (*value >= least && *value <= kMaxMaskConstant))
      return success();
    if (emitError)
      emitError() << what << " is " << *value << "; tile ranges allow " << least
                  << " to " << kMaxMaskConstant;
    return LogicalResult(failure());
  };
  if (failed(check("block_q", problem.blockQ, 1)) ||
      failed(check("block_kv", problem.blockKv, 1)) ||
      failed(check("q_offset", problem.qOffset, -kMaxMaskConstant)) ||
      failed(check("q_len", problem.qLen, 0)) ||
      failed(check("kv_len", problem.kvLen, 0)))
    return failure();
  return success();
}

static FailureOr<MaskRanges> analyze(MLIRContext *context,
                                     const MaskProblem &problem,
                                     EmitErrorFn emitError, bool *beyondLimits,
                                     bool loopOverKv) {
  if (failed(verifyProblem(problem, emitError)))
    return failure();
  Refusal refusal{emitError, beyondLimits};
  FailureOr<MaskBoxes> boxes = computeMaskBoxes(problem, refusal);
  if (failed(boxes))
    return failure();
  return buildTileRanges(context, problem, *boxes, loopOverKv, refusal);
}

FailureOr<MaskRanges> attn::analyzeKvRanges(MLIRContext *context,
                                            const MaskProblem &problem,
                                            EmitErrorFn emitError,
                                            bool *beyondLimits) {
  return analyze(context, problem, emitError, beyondLimits,
                 /*loopOverKv=*/true);
}

FailureOr<MaskRanges> attn::analyzeQRanges(MLIRContext *context,
                                           const MaskProblem &problem,
                                           EmitErrorFn emitError,
                                           bool *beyondLimits) {
  return analyze(context, problem, emitError, beyondLimits,
                 /*loopOverKv=*/false);
}

bool attn::isDataDependent(Attribute mask, bool arbitraryPositions) {
  if (isa<SegmentsAttr, DenseAttr, CustomAttr>(mask))
    return true;
  if (isa<CausalAttr, SlidingWindowAttr, ChunkedAttr>(mask))
    return arbitraryPositions;
  return llvm::any_of(getMaskOperands(mask), [&](Attribute operand) {
    return isDataDependent(operand, arbitraryPositions);
  });
}

//===----------------------------------------------------------------------===//
// Masks per head
//===----------------------------------------------------------------------===//

/// The mask of `head`; `known` holds what was expanded already, as a mask may
/// share parts.
static Attribute expandHead(Attribute mask, int64_t head,
                            llvm::DenseMap<Attribute, Attribute> &known) {
  if (auto it = known.find(mask); it != known.end())
    return it->second;
  MLIRContext *context = mask.getContext();
  auto expandAll = [&](ArrayRef<Attribute> masks) {
    SmallVector<Attribute> expanded;
    for (Attribute operand : masks)
      expanded.push_back(expandHead(operand, head, known));
    return expanded;
  };
  Attribute result = mask;
  if (auto node = dyn_cast<PerHeadAttr>(mask))
    result = expandHead(node.getMasks()[head], head, known);
  else if (auto node = dyn_cast<AndAttr>(mask))
    result = AndAttr::get(context, expandAll(node.getMasks()));
  else if (auto node = dyn_cast<OrAttr>(mask))
    result = OrAttr::get(context, expandAll(node.getMasks()));
  else if (auto node = dyn_cast<NotAttr>(mask))
    result = NotAttr::get(context, expandHead(node.getMask(), head, known));
  known[mask] = result;
  return result;
}

SmallVector<Attribute> attn::expandPerHead(Attribute mask, int64_t heads) {
  SmallVector<Attribute> masks;
  for (int64_t head = 0; head < heads; ++head) {
    llvm::DenseMap<Attribute, Attribute> known;
    masks.push_back(mask ? expandHead(mask, head, known) : mask);
  }
  return masks;
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

static int64_t evaluateExpr(AffineExpr expr, int64_t tile,
                            ArrayRef<int64_t> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (isa<AffineDimExpr>(expr))
    return tile;
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t lhs = evaluateExpr(binary.getLHS(), tile, symbols);
  int64_t rhs = evaluateExpr(binary.getRHS(), tile, symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(lhs, rhs);
  case AffineExprKind::CeilDiv:
    return llvm::divideCeilSigned(lhs, rhs);
  case AffineExprKind::Mod:
    return llvm::mod(lhs, rhs);
  default:
    llvm_unreachable("not a binary expression");
  }
}

static bool holds(IntegerSet guard, int64_t tile, ArrayRef<int64_t> symbols) {
  if (!guard)
    return true;
  for (unsigned i = 0; i < guard.getNumConstraints(); ++i) {
    int64_t value = evaluateExpr(guard.getConstraint(i), tile, symbols);
    if (guard.isEq(i) ? value != 0 : value < 0)
      return false;
  }
  return true;
}

SmallVector<ConcreteRange> attn::evaluateRanges(const MaskRanges &ranges,
                                                int64_t tile,
                                                ArrayRef<int64_t> symbols) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  SmallVector<ConcreteRange> result;
  int64_t previous = 0;
  for (const TileRange &range : ranges.ranges) {
    int64_t begin = kNone, end = 0;
    for (const RangeBound &bound : range.begins) {
      if (!holds(bound.guard, tile, symbols))
        continue;
      int64_t value = previous;
      for (AffineExpr expr : bound.map.getResults())
        value = std::max(value, evaluateExpr(expr, tile, symbols));
      begin = std::min(begin, value);
    }
    for (const RangeBound &bound : range.ends) {
      if (!holds(bound.guard, tile, symbols))
        continue;
      int64_t value = kNone;
      for (AffineExpr expr : bound.map.getResults())
        value = std::min(value, evaluateExpr(expr, tile, symbols));
      end = std::max(end, value);
    }
    if (begin >= end)
      continue;
    result.push_back({begin, end, range.kind});
    previous = end;
  }
  return result;
}
