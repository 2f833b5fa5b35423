//===- ScoreTile.cpp - One step of the online softmax -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "attn/Dialect/Attn/Transforms/UserFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

/// The query head of a row of the tile.
Value KernelBuilder::buildQueryHead(ImplicitLocOpBuilder &b, Value row) {
  if (config.getHeads() == 1)
    return item.head;
  Value heads = buildIndex(b, config.getHeads());
  return arith::AddIOp::create(b, item.head,
                               arith::RemUIOp::create(b, row, heads));
}

/// The position of a row of the tile.
Value KernelBuilder::buildQueryPosition(ImplicitLocOpBuilder &b, Value row) {
  if (positions)
    return arith::IndexCastOp::create(b, b.getIndexType(), positions->element);
  if (config.getHeads() > 1)
    row = arith::DivUIOp::create(b, row, buildIndex(b, config.getHeads()));
  return arith::AddIOp::create(
      b, row, arith::AddIOp::create(b, item.firstRow, item.qOffset));
}

/// i1: whether the function of a custom mask shows the pair.
Value KernelBuilder::buildCustom(ImplicitLocOpBuilder &b, CustomAttr custom,
                                 const MaskOperands &at) {
  SmallVector<Value> arguments{at.b, at.h, at.qPos, at.j};
  for (int64_t slot : custom.getSlots())
    arguments.push_back(arg(op.getMaskOperands()[slot]));
  return inlineUserFunction(b, lookupUserFunction(op, custom.getFunction()),
                            arguments);
}

/// i1: whether the row of the tile sees `key`.
FailureOr<Value> KernelBuilder::buildVisible(ImplicitLocOpBuilder &b,
                                             ValueRange at,
                                             const KeyTile &keys) {
  Value row = at[0], key = arith::AddIOp::create(b, at[1], keys.first);
  auto slotValue = [&](int64_t slot) {
    return buildLoadIndex(b, arg(op.getMaskOperands()[slot]), item.batch);
  };
  auto slotElement = [&](int64_t slot) -> Value {
    Value element = maskPairs[slot]->element;
    if (!element.getType().isInteger(8))
      return element;
    Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, element, zero);
  };
  MaskOperands operands;
  auto customValue = [&](CustomAttr custom) {
    return buildCustom(b, custom, operands);
  };
  operands.qPos = buildQueryPosition(b, row);
  operands.j = key;
  operands.b = item.batch;
  operands.h = buildQueryHead(b, row);
  operands.slotValue = slotValue;
  operands.slotElement = slotElement;
  operands.customValue = customValue;
  Value visible = arith::ConstantOp::create(b, b.getBoolAttr(true));
  if (!hasWholeTiles() && isFetched())
    visible =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, at[1], keys.valid);
  else if (!hasWholeTiles())
    visible =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, key, item.kvLen);
  Value byMask;
  for (auto [number, mask] : llvm::enumerate(classMasks)) {
    if (!mask)
      continue;
    FailureOr<Value> value = emitVisible(b, b.getLoc(), mask, operands,
                                         [&] { return op.emitOpError(); });
    if (failed(value))
      return failure();
    if (!headClass) {
      byMask = *value;
      continue;
    }
    Value mine = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, headClass,
                                       buildIndex(b, number));
    Value term = arith::AndIOp::create(b, mine, *value);
    byMask = byMask ? arith::OrIOp::create(b, byMask, term) : term;
  }
  if (!byMask)
    return visible;
  return arith::AndIOp::create(b, visible, byMask).getResult();
}

/// The scores of a q x kv tile of products; -inf where a key is hidden.
FailureOr<Value> KernelBuilder::buildScores(Value dots, const KeyTile &keys,
                                            TileKind kind) {
  if (kind == TileKind::Full && !score->needsMap())
    return dots;
  LogicalResult status = success();
  bool visibility = kind == TileKind::Partial;
  Value scores = buildPairMap(
      cast<TileType>(dots.getType()), dots,
      getPairOperands(/*scores=*/true, visibility), keys,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange at) {
        Value key = arith::AddIOp::create(b, at[1], keys.first);
        ScoreElement element;
        element.dot = elements[0];
        element.bias = bias ? bias->element : Value();
        element.batch = item.batch;
        element.head = buildQueryHead(b, at[0]);
        if (score->usesPositions())
          element.qPos = buildQueryPosition(b, at[0]);
        element.key = key;
        Value value = score->buildScore(b, element);
        if (!visibility)
          return value;
        FailureOr<Value> visible = buildVisible(b, at, keys);
        status = visible;
        if (failed(visible))
          return value;
        return arith::SelectOp::create(b, *visible, value,
                                       buildF32(b, -INFINITY))
            .getResult();
      });
  if (failed(status))
    return failure();
  return scores;
}

/// Whether the number of keys is known to fill its last tile. Where maxima do
/// not lag behind, the comparison with it stays: without it an assembler
/// keeps more scores at a time, and spills at d 64.
bool KernelBuilder::hasWholeTiles() {
  if (!isLazy())
    return false;
  std::optional<int64_t> length = getConstantIntValue(item.kvLen);
  return length && *length % config.getBlockKv() == 0;
}

/// Whether the target fetches tiles through registers: rows are looked at in
/// every iteration, for one that comes later.
bool KernelBuilder::isFetched() {
  auto schedule = dyn_cast<BlockScheduleAttr>(config.getSchedule());
  return schedule && schedule.getFetches();
}

/// How many keys of tile `number` are below kv_len, which some are: `all`, but
/// in the last one. No numbers of 64 bits are ordered.
Value KernelBuilder::buildKeysOfTile(Value number, int64_t all) {
  Value count = buildIndex(b, all), one = buildIndex(b, 1);
  Value last = arith::DivUIOp::create(
      b, arith::SubIOp::create(b, item.kvLen, one), count);
  Value rest = arith::SubIOp::create(b, item.kvLen,
                                     arith::MulIOp::create(b, last, count));
  Value isLast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, last);
  return arith::SelectOp::create(b, isLast, rest, count);
}

/// `count` keys from `firstKey` on, of tile `number`; only a partial tile
/// reaches beyond kv_len.
KeyTile KernelBuilder::buildKeyTile(Value number, Value firstKey, int64_t count,
                                    TileKind kind) {
  Value all = buildIndex(b, count);
  if (kind == TileKind::Full || hasWholeTiles())
    return {firstKey, all, count};
  if (isFetched() && count == config.getBlockKv())
    return {firstKey, buildKeysOfTile(number, count), count};
  Value left = arith::SubIOp::create(b, item.kvLen, firstKey);
  Value valid =
      arith::MaxSIOp::create(b, buildMin(b, left, all), buildIndex(b, 0));
  return {firstKey, valid, count};
}

/// Whether the target wants maxima that lag behind the scores.
bool KernelBuilder::isLazy() {
  auto schedule = dyn_cast<BlockScheduleAttr>(config.getSchedule());
  return schedule && schedule.getLazy();
}

/// Whether products are turned into exponents of base 2 at once. A factor above
/// 1 could make a finite score infinite; a factor that rounds like the scale's
/// own product keeps equal scores equal.
bool KernelBuilder::isPrescaled() {
  return isLazy() && !score->needsMap() && score->getUnit() <= kBase2Unit;
}

double KernelBuilder::getUnit() {
  return isPrescaled() ? kBase2Unit : score->getUnit();
}

/// Whether they are turned into exponents where the maximum is subtracted. The
/// largest weight of a row then is 1 but for a rounding, which results of the
/// type of V do not show.
bool KernelBuilder::isFused() {
  Type operand = score->getOperandType();
  return isPrescaled() && !operand.isF32() &&
         getElementTypeOrSelf(out.getType()) == operand;
}

/// Whether results show which bits weights lose in the product with V.
bool KernelBuilder::shortensWeights() {
  Type operand = score->getOperandType();
  return operand.getIntOrFloatBitWidth() == 16 &&
         getElementTypeOrSelf(op.getOut().getType()).isF32();
}

/// What products are multiplied by to be exponents.
double KernelBuilder::getExponentFactor() {
  return isPrescaled() ? score->getUnit() / kBase2Unit : 1;
}

Value KernelBuilder::buildPrescaled(Value dots) {
  double factor = getExponentFactor();
  if (isFused() || factor == 1)
    return dots;
  return buildMap(
      b, cast<TileType>(dots.getType()), dots,
      [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange) {
        return arith::MulFOp::create(b, elements[0], buildF32(b, factor))
            .getResult();
      });
}

/// One step of the online softmax on the keys from `firstKey` on, of a tile.
FailureOr<OnlineState> KernelBuilder::buildStep(const OnlineState &state,
                                                Value tileNumber,
                                                Value firstKey, TileKind kind) {
  KeyTile step =
      buildKeyTile(tileNumber, firstKey, config.getBlockKvCompute(), kind);
  int64_t keys = step.count;
  Value valid = step.valid;
  // A target whose products widen keys themselves takes them as they are.
  Type operandType = score->getOperandType(), keyType = operandType;
  if (auto schedule = dyn_cast<VectorScheduleAttr>(config.getSchedule());
      schedule && schedule.getByRow())
    keyType = op.getKType().getElementType();
  auto tileType = [&](Dim first, int64_t extent, Dim second, int64_t extent2,
                      Type element) {
    return TileType::get(b.getContext(), {first, second}, {extent, extent2},
                         element);
  };
  Value k = LoadTileOp::create(
      b, tileType(Dim::kv, keys, Dim::d, op.getHeadDim(), keyType), kView,
      firstKey, valid);
  Value v = LoadTileOp::create(
      b, tileType(Dim::kv, keys, Dim::dv, op.getValueHeadDim(), keyType), vView,
      firstKey, valid);
  Value dots = ContractOp::create(
      b, tileType(Dim::q, config.getBlockQ(), Dim::kv, keys, b.getF32Type()), k,
      queryTile, valid, /*into=*/Value(), /*guard=*/Value(),
      /*guard_scale=*/Value());
  FailureOr<Value> scores = buildScores(buildPrescaled(dots), step, kind);
  if (failed(scores))
    return failure();
  OnlineTile tile{*scores,    v,           valid,     guard,
                  guardScale, operandType, getUnit(), isLazy()};
  tile.shortensWeights = shortensWeights();
  if (isFused())
    tile.factor = getExponentFactor();
  return buildOnlineStep(b, state, tile);
}
