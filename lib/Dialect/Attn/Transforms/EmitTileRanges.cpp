//===- EmitTileRanges.cpp - Loop bounds from mask ranges ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/EmitTileRanges.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseMap.h"
#include <limits>

using namespace mlir;
using namespace attn;

namespace {

class RangeEmitter {
public:
  RangeEmitter(OpBuilder &builder, Location loc, ArrayRef<Value> operands)
      : builder(builder), loc(loc), operands(operands) {}

  EmittedRange emit(const TileRange &range);

private:
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  template <typename OpTy>
  Value combine(ArrayRef<AffineExpr> exprs, ArrayRef<Value> values);
  Value emitGuard(IntegerSet guard);
  template <typename MapOp, typename ArithOp>
  Value emitBound(ArrayRef<RangeBound> bounds, Value last, int64_t none);
  bool isPrevious(ArrayRef<RangeBound> begins) const;

  OpBuilder &builder;
  Location loc;
  /// The tile and the symbols of the maps.
  SmallVector<Value> operands;
  llvm::DenseMap<IntegerSet, Value> guards;
  /// End of the preceding ranges; null is 0.
  Value previous;
};

} // namespace

/// max or min of `exprs`, which are over d0 and symbols; the values become
/// dims, as only dims may be any index value.
template <typename OpTy>
Value RangeEmitter::combine(ArrayRef<AffineExpr> exprs,
                            ArrayRef<Value> values) {
  MLIRContext *context = builder.getContext();
  SmallVector<Value> used;
  SmallVector<AffineExpr> results;
  SmallVector<AffineExpr> symbols;
  for (const auto &[index, value] : llvm::enumerate(values)) {
    auto isUsed = [&, position = index](AffineExpr expr) {
      return position == 0 ? expr.isFunctionOfDim(0)
                           : expr.isFunctionOfSymbol(position - 1);
    };
    symbols.push_back(getAffineDimExpr(used.size(), context));
    if (!llvm::any_of(exprs, isUsed))
      continue;
    assert(value && "the analysis used a symbol that it was given statically");
    used.push_back(value);
  }
  for (AffineExpr expr : exprs)
    results.push_back(expr.replaceDimsAndSymbols(
        symbols.front(), ArrayRef(symbols).drop_front()));
  AffineMap map = AffineMap::get(used.size(), 0, results, context);
  if (results.size() == 1)
    return builder.createOrFold<affine::AffineApplyOp>(loc, map, used);
  return builder.createOrFold<OpTy>(loc, map, used);
}

Value RangeEmitter::emitGuard(IntegerSet guard) {
  Value &known = guards[guard];
  if (known)
    return known;
  Value zero = constant(0), all;
  for (AffineExpr expr : guard.getConstraints()) {
    Value value = combine<affine::AffineMaxOp>(expr, operands);
    Value holds = builder.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::sge, value, zero);
    all = all ? builder.createOrFold<arith::AndIOp>(loc, all, holds) : holds;
  }
  return guards[guard] = all;
}

/// The least (ArithOp = min) of the maxima, or the greatest of the minima.
/// `last`, if not null, takes part in each; `none` stands for an alternative
/// that does not count.
template <typename MapOp, typename ArithOp>
Value RangeEmitter::emitBound(ArrayRef<RangeBound> bounds, Value last,
                              int64_t none) {
  Value result;
  for (const RangeBound &bound : bounds) {
    SmallVector<AffineExpr> exprs(bound.map.getResults());
    SmallVector<Value> values(operands);
    if (last) {
      exprs.push_back(
          getAffineSymbolExpr(values.size() - 1, builder.getContext()));
      values.push_back(last);
    }
    Value value = combine<MapOp>(exprs, values);
    if (bound.hasGuard())
      value = builder.createOrFold<arith::SelectOp>(loc, emitGuard(bound.guard),
                                                    value, constant(none));
    result = result ? builder.createOrFold<ArithOp>(loc, result, value) : value;
  }
  return result;
}

/// Whether the range starts where the preceding one ended.
bool RangeEmitter::isPrevious(ArrayRef<RangeBound> begins) const {
  return llvm::any_of(begins, [](const RangeBound &begin) {
    return !begin.hasGuard() &&
           llvm::all_of(begin.map.getResults(), [](AffineExpr expr) {
             auto value = dyn_cast<AffineConstantExpr>(expr);
             return value && value.getValue() <= 0;
           });
  });
}

EmittedRange RangeEmitter::emit(const TileRange &range) {
  constexpr int64_t kBeyond = std::numeric_limits<int64_t>::max();
  Value start = previous ? previous : constant(0);
  Value end =
      emitBound<affine::AffineMinOp, arith::MaxSIOp>(range.ends, Value(), 0);
  if (isPrevious(range.begins)) {
    previous = builder.createOrFold<arith::MaxSIOp>(loc, end, start);
    return {start, previous, range.kind};
  }
  Value begin = emitBound<affine::AffineMaxOp, arith::MinSIOp>(
      range.begins, previous, kBeyond);
  if (!previous)
    begin = builder.createOrFold<arith::MaxSIOp>(loc, begin, start);
  // An empty range must not move the ones after it.
  Value hasTiles = builder.createOrFold<arith::CmpIOp>(
      loc, arith::CmpIPredicate::slt, begin, end);
  previous = builder.createOrFold<arith::SelectOp>(loc, hasTiles, end, start);
  begin = builder.createOrFold<arith::MinSIOp>(loc, begin, previous);
  return {begin, previous, range.kind};
}

SmallVector<EmittedRange> attn::emitTileRanges(OpBuilder &builder, Location loc,
                                               const MaskRanges &ranges,
                                               Value tileIndex, Value qOffset,
                                               Value qLen, Value kvLen,
                                               ValueRange slotValues) {
  assert(slotValues.size() == ranges.slots.size() && "one value per slot");
  SmallVector<Value> operands{tileIndex, qOffset, qLen, kvLen};
  llvm::append_range(operands, slotValues);
  RangeEmitter emitter(builder, loc, operands);
  SmallVector<EmittedRange> emitted;
  for (const TileRange &range : ranges.ranges)
    emitted.push_back(emitter.emit(range));
  return emitted;
}
