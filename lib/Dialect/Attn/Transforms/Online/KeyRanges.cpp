//===- KeyRanges.cpp - Which key tiles a work item visits ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "attn/Dialect/Attn/Transforms/EmitTileRanges.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace attn;

static std::optional<int64_t> getConstant(Value value) {
  return getConstantIntValue(value);
}

/// The tile ranges of `mask`: with a table, which decides what they leave open,
/// all tiles of an intractable one.
FailureOr<MaskRanges> KernelBuilder::analyzeClass(Attribute mask) {
  MaskProblem problem;
  problem.mask = mask;
  problem.blockQ = getBlockRows();
  problem.blockKv = config.getBlockKv();
  problem.qOffset = getConstant(item.qOffset);
  problem.qLen = getConstant(item.qLen);
  problem.kvLen = getConstant(item.kvLen);
  problem.arbitraryPositions = op.getQPositions() != nullptr;
  problem.opaque = intractable.contains(mask);
  auto emitError = [&] { return op.emitOpError(); };
  bool beyondLimits = false;
  FailureOr<MaskRanges> ranges =
      analyzeKvRanges(b.getContext(), problem, emitError, &beyondLimits);
  if (!beyondLimits)
    return ranges;
  intractable.insert(mask);
  if (!table)
    return failure();
  problem.opaque = true;
  return analyzeKvRanges(b.getContext(), problem, emitError);
}

/// The ranges of one class of heads, split by the body they run.
LogicalResult KernelBuilder::buildClassRanges(Attribute mask, BodyRanges &full,
                                              BodyRanges &partial) {
  FailureOr<MaskRanges> ranges = analyzeClass(mask);
  if (failed(ranges))
    return failure();
  SmallVector<Value> slots;
  for (int64_t slot : ranges->slots)
    slots.push_back(
        buildLoadIndex(b, arg(op.getMaskOperands()[slot]), item.batch));
  Value block =
      arith::DivUIOp::create(b, item.firstRow, buildIndex(b, getBlockRows()));
  for (const EmittedRange &range :
       emitTileRanges(b, b.getLoc(), *ranges, block, item.qOffset, item.qLen,
                      item.kvLen, slots)) {
    BodyRanges &body = range.kind == TileKind::Full ? full : partial;
    body.begins.push_back(range.begin);
    body.ends.push_back(range.end);
  }
  return success();
}

/// The ranges of this work item's class of heads; missing ones are empty.
void KernelBuilder::selectClass(ArrayRef<BodyRanges> classes,
                                BodyRanges &merged) {
  size_t count = 0;
  for (const BodyRanges &ranges : classes)
    count = std::max(count, ranges.begins.size());
  Value zero = buildIndex(b, 0);
  for (size_t i = 0; i < count; ++i) {
    Value begin = zero, end = zero;
    for (auto [number, ranges] : llvm::enumerate(classes)) {
      if (i >= ranges.begins.size())
        continue;
      Value mine = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, headClass,
                                         buildIndex(b, number));
      begin = arith::SelectOp::create(b, mine, ranges.begins[i], begin);
      end = arith::SelectOp::create(b, mine, ranges.ends[i], end);
    }
    merged.begins.push_back(begin);
    merged.ends.push_back(end);
  }
}

static bool hasPerHead(Attribute mask) {
  return mask && (isa<PerHeadAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), hasPerHead));
}

LogicalResult KernelBuilder::buildMaskRanges() {
  int64_t heads = op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  SmallVector<Attribute> masks{op.getMaskAttr()};
  // A number of heads that no mask agrees with may be anything.
  if (!ShapedType::isDynamic(heads) && hasPerHead(op.getMaskAttr()))
    masks = expandPerHead(op.getMaskAttr(), heads);
  llvm::SetVector<Attribute> distinct(masks.begin(), masks.end());
  classMasks = distinct.takeVector();
  for (Attribute mask : masks)
    classOfHead.push_back(llvm::find(classMasks, mask) - classMasks.begin());
  if (classMasks.size() == 1)
    return buildClassRanges(classMasks.front(), full, partial);

  auto table = arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get(heads, b.getI64Type()),
                                ArrayRef<int64_t>(classOfHead)));
  Value i64Class = vector::ExtractOp::create(b, table, item.head);
  headClass = arith::IndexCastOp::create(b, b.getIndexType(), i64Class);
  SmallVector<BodyRanges> fulls(classMasks.size()), partials(fulls.size());
  for (auto [mask, f, p] : llvm::zip_equal(classMasks, fulls, partials))
    if (failed(buildClassRanges(mask, f, p)))
      return failure();
  selectClass(fulls, full);
  selectClass(partials, partial);
  return success();
}
