//===- AttnOps.cpp - attn.attention and attn.merge ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Parsing and printing
//===----------------------------------------------------------------------===//

/// Parses one case for all operands, or a case for each:
/// `q = bshd, k = bhds, v = bshd, out = bshd`.
static ParseResult parseLayouts(OpAsmParser &parser, LayoutAttr &q,
                                LayoutAttr &k, LayoutAttr &v, LayoutAttr &out) {
  auto parseCase = [&](LayoutAttr &layout) -> ParseResult {
    FailureOr<Layout> value = FieldParser<Layout>::parse(parser);
    if (failed(value))
      return failure();
    layout = LayoutAttr::get(parser.getContext(), *value);
    return success();
  };
  if (succeeded(parser.parseOptionalKeyword("q")))
    return failure(
        parser.parseEqual() || parseCase(q) || parser.parseComma() ||
        parser.parseKeyword("k") || parser.parseEqual() || parseCase(k) ||
        parser.parseComma() || parser.parseKeyword("v") ||
        parser.parseEqual() || parseCase(v) || parser.parseComma() ||
        parser.parseKeyword("out") || parser.parseEqual() || parseCase(out));
  if (parseCase(q))
    return failure();
  k = v = out = q;
  return success();
}

static void printLayouts(OpAsmPrinter &printer, Operation *, LayoutAttr q,
                         LayoutAttr k, LayoutAttr v, LayoutAttr out) {
  if (q == k && q == v && q == out) {
    printer << stringifyLayout(q.getValue());
    return;
  }
  printer << "q = " << stringifyLayout(q.getValue())
          << ", k = " << stringifyLayout(k.getValue())
          << ", v = " << stringifyLayout(v.getValue())
          << ", out = " << stringifyLayout(out.getValue());
}

/// The enumeration as a keyword; its attribute would print with two spaces.
static ParseResult parseReductionKind(OpAsmParser &parser,
                                      ReductionKindAttr &kind) {
  FailureOr<ReductionKind> value = FieldParser<ReductionKind>::parse(parser);
  if (failed(value))
    return failure();
  kind = ReductionKindAttr::get(parser.getContext(), *value);
  return success();
}

static void printReductionKind(OpAsmPrinter &printer, Operation *,
                               ReductionKindAttr kind) {
  printer << stringifyReductionKind(kind.getValue());
}

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/IR/AttnOps.cpp.inc"

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

ShapedType AttentionOp::getQType() {
  return cast<ShapedType>(getQ().getType());
}
ShapedType AttentionOp::getKType() {
  return cast<ShapedType>(getK().getType());
}
ShapedType AttentionOp::getVType() {
  return cast<ShapedType>(getV().getType());
}
ShapedType AttentionOp::getOutType() {
  return cast<ShapedType>(getOut().getType());
}

int64_t AttentionOp::getHeadDim() {
  return getQType().getDimSize(getLayoutDims(getQLayout()).dim);
}

int64_t AttentionOp::getValueHeadDim() {
  return getVType().getDimSize(getLayoutDims(getVLayout()).dim);
}

int64_t AttentionOp::getNumKeys() {
  int64_t length = getKType().getDimSize(getLayoutDims(getKLayout()).sequence);
  if (!isPaged() || ShapedType::isDynamic(length))
    return length;
  auto table = cast<ShapedType>(getBlockTable().getType());
  int64_t keys;
  if (table.isDynamicDim(1) ||
      llvm::MulOverflow(length, table.getDimSize(1), keys))
    return ShapedType::kDynamic;
  return keys;
}

/// Memrefs among the operands are read, those among the inits are written; the
/// op computes nothing else, so tensors make it pure.
static void getDpsEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDpsEffects(*this, effects);
}

bool attn::haveEqualMasks(Attribute mask, int64_t heads) {
  if (!mask)
    return true;
  SmallVector<Attribute> masks = getMaskOperands(mask);
  if (!isa<PerHeadAttr>(mask))
    return llvm::all_of(masks, [&](Attribute operand) {
      return haveEqualMasks(operand, heads);
    });
  for (size_t head = 0; head < masks.size(); ++head)
    if (masks[head] != masks[head / heads * heads])
      return false;
  return true;
}

/// Fails if the heads of a tile have KV heads or masks of their own.
static LogicalResult verifyTileHeads(AttentionOp op, int64_t heads) {
  if (heads == 1)
    return success();
  auto getHeads = [](ShapedType type, Layout layout) {
    return type.getDimSize(getLayoutDims(layout).head);
  };
  int64_t all = getHeads(op.getQType(), op.getQLayout());
  int64_t kvHeads = getHeads(op.getKType(), op.getKLayout());
  if (ShapedType::isDynamic(all) || ShapedType::isDynamic(kvHeads) ||
      all / kvHeads % heads != 0)
    return op.emitOpError() << "has tiles of " << heads
                            << " heads; expected a static number of query "
                               "heads per KV head that it divides";
  if (!haveEqualMasks(op.getMaskAttr(), heads))
    return op.emitOpError() << "has tiles of " << heads
                            << " heads and masks that differ among them";
  return success();
}

LogicalResult attn::verifyTileSizes(AttentionOp op, ConfigAttr config) {
  if (failed(verifyTileHeads(op, config.getHeads())))
    return failure();
  std::pair<StringRef, int64_t> queries{"block_q", config.getBlockQ()};
  std::pair<StringRef, int64_t> keys{"block_kv_compute",
                                     config.getBlockKvCompute()};
  std::pair<StringRef, int64_t> dim{
      "head dim", std::max(op.getHeadDim(), op.getValueHeadDim())};
  for (const auto &[a, b] : {std::pair(queries, keys), std::pair(queries, dim),
                             std::pair(keys, dim)})
    if (a.second > kMaxTileElements / b.second)
      return op.emitOpError()
             << "has tiles of " << a.first << " " << a.second << " by "
             << b.first << " " << b.second << "; expected at most "
             << kMaxTileElements << " elements";
  return success();
}

LogicalResult AttentionOp::reifyResultShapes(
    OpBuilder &builder, ReifiedRankedShapedTypeDims &reifiedReturnShapes) {
  for (Value init : getOuts())
    reifiedReturnShapes.push_back(
        tensor::getMixedSizes(builder, getLoc(), init));
  return success();
}

//===----------------------------------------------------------------------===//
// MergeOp
//===----------------------------------------------------------------------===//

void MergeOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDpsEffects(*this, effects);
}
