//===- LowerRegisters.cpp - Tiles in the registers of a thread ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include <cmath>

using namespace mlir;
using namespace attn;

static FragmentAttr getFragmentOf(TileType tile) {
  return cast<FragmentAttr>(tile.getLayout());
}

static int64_t countRegisters(TileType tile) {
  return countValues(getFragmentOf(tile).getRegisters());
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

namespace {

/// Evaluates the body of a map, once for each register.
class MapEmitter {
public:
  MapEmitter(MapOp op, ThreadLowering &lowering)
      : op(op), b(op.getLoc(), op), lowering(lowering),
        tile(op.getResult().getType()), body(op.getBody().front()),
        comparisons(b, op, lowering) {
    for (Value input : op.getInputs())
      inputs.emplace_back(cast<TileType>(input.getType()), getDims(input));
  }

  void emit() {
    SmallVector<Value> results = emitWhereHidden();
    if (results.empty())
      results = emitAll();
    lowering.setRegisters(op.getResult(), results);
  }

private:
  static ArrayRef<Dim> getDims(Value input) {
    return cast<TileType>(input.getType()).getDims();
  }
  Value getInput(unsigned number, int64_t reg) {
    Value input = op.getInputs()[number];
    SmallVector<int64_t, 2> offsets;
    for (Dim dim : getDims(input))
      offsets.push_back(getRegisterOffset(getFragmentOf(tile), dim, reg));
    int64_t found = inputs[number].find(offsets);
    assert(found >= 0 && "layouts of a map do not fit");
    return lowering.getRegisters(input)[found];
  }
  Value getCoordinate(Dim dim, int64_t reg) {
    Value thread = lowering.getThreadOffset(getFragmentOf(tile), dim);
    int64_t offset = getRegisterOffset(getFragmentOf(tile), dim, reg);
    return arith::AddIOp::create(b, toIndex(b, thread), buildIndex(b, offset));
  }
  SmallVector<Value> emitAll();
  SmallVector<Value> emitWhereHidden();
  Value evaluate(int64_t reg);
  bool canPair();
  SmallVector<Value> evaluatePair(int64_t reg);

  MapOp op;
  ImplicitLocOpBuilder b;
  ThreadLowering &lowering;
  TileType tile;
  Block &body;
  CoordinateComparisons comparisons;
  SmallVector<RegisterIndex> inputs;
};

} // namespace

Value MapEmitter::evaluate(int64_t reg) {
  IRMapping map;
  size_t inputCount = op.getInputs().size();
  for (size_t i = 0; i < inputCount; ++i)
    if (!body.getArgument(i).use_empty())
      map.map(body.getArgument(i), getInput(i, reg));
  for (auto [i, dim] : llvm::enumerate(tile.getDims())) {
    Value argument = body.getArgument(inputCount + i);
    if (!argument.use_empty())
      map.map(argument, getCoordinate(dim, reg));
  }
  for (Operation &inner : body.without_terminator()) {
    if (Value visible = comparisons.build(b, &inner, reg)) {
      map.map(inner.getResult(0), visible);
      continue;
    }
    Operation *copy = b.clone(inner, map);
    // Many elements are divided by one value of their row: by a product with
    // its reciprocal, which rounds once more and is exact where the value is a
    // power of two.
    if (auto quotient = dyn_cast<arith::DivFOp>(copy))
      quotient.setFastmath(quotient.getFastmath() | arith::FastMathFlags::arcp);
  }
  return map.lookupOrDefault(cast<YieldOp>(body.getTerminator()).getValue());
}

/// Whether the map is arithmetic that an instruction does for two elements at
/// once, on a chip that has such instructions.
bool MapEmitter::canPair() {
  if (!lowering.getSchedule().getTransposed() || countRegisters(tile) % 2)
    return false;
  auto coordinates = body.getArguments().drop_front(op.getInputs().size());
  return llvm::all_of(coordinates, [](Value c) { return c.use_empty(); }) &&
         llvm::all_of(body.without_terminator(), [](Operation &inner) {
           return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp,
                      math::Exp2Op>(inner) &&
                  inner.getResult(0).getType().isF32();
         });
}

/// Registers `reg` and `reg` + 1.
SmallVector<Value> MapEmitter::evaluatePair(int64_t reg) {
  auto type = VectorType::get(2, b.getF32Type());
  auto pair = [&](Value first, Value second) -> Value {
    return vector::FromElementsOp::create(b, type, ValueRange{first, second});
  };
  IRMapping map;
  for (size_t i = 0, end = op.getInputs().size(); i < end; ++i)
    if (!body.getArgument(i).use_empty())
      map.map(body.getArgument(i),
              pair(getInput(i, reg), getInput(i, reg + 1)));
  for (Operation &inner : body.without_terminator()) {
    for (Value operand : inner.getOperands())
      if (!map.contains(operand))
        map.map(operand, pair(operand, operand));
    if (isa<math::Exp2Op>(inner)) {
      SmallVector<Value> results;
      auto parts =
          vector::ToElementsOp::create(b, map.lookup(inner.getOperand(0)));
      for (Value part : parts.getResults())
        results.push_back(math::Exp2Op::create(b, part));
      map.map(inner.getResult(0), pair(results[0], results[1]));
      continue;
    }
    Operation *copy = b.clone(inner, map);
    copy->getResult(0).setType(type);
  }
  auto result = vector::ToElementsOp::create(
      b, map.lookup(cast<YieldOp>(body.getTerminator()).getValue()));
  return SmallVector<Value>(result.getResults());
}

SmallVector<Value> MapEmitter::emitAll() {
  SmallVector<Value> results;
  bool inPairs = canPair();
  for (int64_t reg = 0, end = countRegisters(tile); reg < end; ++reg)
    if (!inPairs)
      results.push_back(evaluate(reg));
    else if (reg % 2 == 0)
      llvm::append_range(results, evaluatePair(reg));
  return results;
}

/// A mask that hides some of its input, in a branch that warps take which it
/// hides something from: of the tiles that a mask crosses, most do not lie on
/// its edge for all of their warps. Empty if the map is something else.
SmallVector<Value> MapEmitter::emitWhereHidden() {
  auto choice = cast<YieldOp>(body.getTerminator())
                    .getValue()
                    .getDefiningOp<arith::SelectOp>();
  if (!lowering.getSchedule().getLazy() || !choice ||
      choice.getTrueValue() != body.getArgument(0))
    return {};
  Value hidesHere = comparisons.buildFailsForAny(b, choice.getCondition());
  if (!hidesHere)
    return {};
  Value hides = VoteAnyOp::create(b, b.getI1Type(), hidesHere);
  SmallVector<Value> inputs;
  for (int64_t reg = 0, end = countRegisters(tile); reg < end; ++reg)
    inputs.push_back(getInput(0, reg));
  auto masked = scf::IfOp::create(b, TypeRange(ValueRange(inputs)), hides,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(masked.elseBlock());
  scf::YieldOp::create(b, inputs);
  b.setInsertionPointToStart(masked.thenBlock());
  scf::YieldOp::create(b, emitAll());
  return SmallVector<Value>(masked.getResults());
}

void attn::lowerMapToRegisters(MapOp op, ThreadLowering &lowering) {
  MapEmitter(op, lowering).emit();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// Of both: the larger one, a number rather than NaN; or the sum.
static Value combine(ImplicitLocOpBuilder &b, ReductionKind kind, Value lhs,
                     Value rhs) {
  if (kind == ReductionKind::add)
    return arith::AddFOp::create(b, lhs, rhs);
  return arith::MaxNumFOp::create(b, lhs, rhs);
}

/// Of a value in each of the lanes that lie `distances` apart.
static Value combineLanes(ImplicitLocOpBuilder &b, ReductionKind kind,
                          Value value, ArrayRef<int64_t> distances,
                          ThreadLowering &lowering) {
  for (int64_t distance : distances) {
    auto other = gpu::ShuffleOp::create(
        b, value, static_cast<int32_t>(distance),
        static_cast<int32_t>(lowering.getSchedule().getLanes()),
        gpu::ShuffleMode::XOR);
    value = combine(b, kind, value, other.getShuffleResult());
  }
  return value;
}

/// The sum of `elements`, two at a time.
static Value addInPairs(ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
  auto type = VectorType::get(2, b.getF32Type());
  Value sums;
  for (size_t i = 0; i + 1 < elements.size(); i += 2) {
    Value pair = vector::FromElementsOp::create(b, type, elements.slice(i, 2));
    sums = sums ? arith::AddFOp::create(b, sums, pair).getResult() : pair;
  }
  auto parts = vector::ToElementsOp::create(b, sums);
  return arith::AddFOp::create(b, parts.getResult(0), parts.getResult(1));
}

/// The registers of `input` combined for each register of a tile `result` of
/// its rows, in this thread.
static SmallVector<Value> combineRegisters(ImplicitLocOpBuilder &b,
                                           ReductionKind kind, Value input,
                                           TileType result,
                                           ThreadLowering &lowering) {
  auto tile = cast<TileType>(input.getType());
  RegisterIndex index(result, result.getDims());
  SmallVector<Value> values(countRegisters(result));
  bool inPairs = lowering.getSchedule().getTransposed() &&
                 kind == ReductionKind::add && values.size() == 1 &&
                 countRegisters(tile) % 2 == 0;
  if (inPairs)
    return {addInPairs(b, lowering.getRegisters(input))};
  for (int64_t reg = 0, end = countRegisters(tile); reg < end; ++reg) {
    Value element = lowering.getRegisters(input)[reg];
    int64_t at = index.find(
        {getRegisterOffset(getFragmentOf(tile), result.getDims()[0], reg)});
    Value &value = values[at];
    value = value ? combine(b, kind, value, element) : element;
  }
  return values;
}

void attn::lowerReduceRegisters(ReduceOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileType input = op.getInput().getType(), result = op.getResult().getType();
  FragmentAttr layout = getFragmentOf(input);
  Dim reduced = input.getDims()[0];
  if (result.hasDim(reduced))
    reduced = input.getDims()[1];
  assert(!isSplitOverWarps(layout, reduced) && "rows are spread over warps");
  SmallVector<Value> values =
      combineRegisters(b, op.getKind(), op.getInput(), result, lowering);
  ArrayRef<Value> into = lowering.getRegisters(op.getInto());
  bool isPartial = getFragmentOf(result).getPartial();
  for (auto [value, start] : llvm::zip_equal(values, into)) {
    if (!isPartial)
      value = combineLanes(b, op.getKind(), value,
                           getLaneDistances(layout, reduced), lowering);
    value = combine(b, op.getKind(), value, start);
  }
  lowering.setRegisters(op.getResult(), values);
}

/// The largest element of each row in this thread tells.
void attn::lowerAnyAbove(AnyAboveOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  SmallVector<Value> largest = combineRegisters(
      b, ReductionKind::max, op.getTile(), op.getLimits().getType(), lowering);
  Value any;
  for (auto [value, limit] :
       llvm::zip_equal(largest, lowering.getRegisters(op.getLimits()))) {
    Value above =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, value, limit);
    any = any ? arith::OrIOp::create(b, any, above).getResult() : above;
  }
  op.replaceAllUsesWith(VoteAnyOp::create(b, b.getI1Type(), any).getResult());
}

void attn::lowerCombinePartial(CombinePartialOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  // The lanes that repeat elements are those of a dim that is not there.
  SmallVector<LayoutDigit> lanes;
  for (const LayoutDigit &digit :
       getFragmentOf(op.getTile().getType()).getLanes())
    lanes.push_back({Dim::kv, digit.size, digit.step == 0 ? 1 : 0});
  FragmentAttr repeats =
      FragmentAttr::get(op.getContext(), {}, lanes, {}, /*partial=*/false);
  SmallVector<Value> values;
  for (Value part : lowering.getRegisters(op.getTile()))
    values.push_back(combineLanes(b, ReductionKind::add, part,
                                  getLaneDistances(repeats, Dim::kv),
                                  lowering));
  lowering.setRegisters(op.getResult(), values);
}

//===----------------------------------------------------------------------===//
// Fills and conditions
//===----------------------------------------------------------------------===//

void attn::lowerFillRegisters(FillOp op, ThreadLowering &lowering) {
  TileType tile = op.getTile().getType();
  Value value = op.getValue();
  if (getFragmentOf(tile).getPartial()) {
    // One of the threads holds it, the others 0.
    ImplicitLocOpBuilder b(op.getLoc(), op);
    value = arith::SelectOp::create(
        b, lowering.isFirstAlong(getFragmentOf(tile)), value, buildF32(b, 0));
  }
  lowering.setRegisters(op.getTile(),
                        SmallVector<Value>(countRegisters(tile), value));
}

/// x * 0 is 0 for every number and NaN otherwise, and so is the sum.
void attn::lowerBlockAllFinite(AllFiniteOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value zero = buildF32(b, 0), sum = zero;
  for (Value element : lowering.getRegisters(op.getTile()))
    sum = math::FmaOp::create(b, element, zero, sum);
  Value finite = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, sum, zero);
  Value bits = arith::ExtUIOp::create(b, b.getI32Type(), finite);
  bits = buildBlockAnd(b, bits, lowering);
  op.replaceAllUsesWith(
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bits, buildI32(b, 0))
          .getResult());
}

/// Compares the counts of the valid rows with 0 and with the number of keys.
void attn::lowerBlockTileKind(TileKindOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileType tile = op.getCounts().getType();
  FragmentAttr layout = getFragmentOf(tile);
  Value thread = lowering.getThreadOffset(layout, Dim::q);
  constexpr int64_t kEmpty = 1, kFull = 2;
  Value bits = buildI32(b, kEmpty | kFull);
  for (auto [reg, count] :
       llvm::enumerate(lowering.getRegisters(op.getCounts()))) {
    Value row = toIndex(
        b, arith::AddIOp::create(
               b, thread, buildI32(b, getRegisterOffset(layout, Dim::q, reg))));
    Value counts =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, op.getValid());
    for (auto [bit, bound] :
         {std::pair(kEmpty, 0.0), {kFull, double(op.getKeys())}}) {
      Value differs = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, count,
                                            buildF32(b, bound));
      Value clears = arith::AndIOp::create(b, counts, differs);
      Value cleared =
          arith::AndIOp::create(b, bits, buildI32(b, (kEmpty | kFull) & ~bit));
      bits = arith::SelectOp::create(b, clears, cleared, bits);
    }
  }
  bits = buildBlockAnd(b, bits, lowering);
  auto kind = [&](TileVisibility content) -> Value {
    return arith::ConstantOp::create(
        b, b.getI8IntegerAttr(static_cast<int8_t>(content)));
  };
  auto has = [&](int64_t bit) -> Value {
    Value masked = arith::AndIOp::create(b, bits, buildI32(b, bit));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked,
                                 buildI32(b, 0));
  };
  Value visible = arith::SelectOp::create(
      b, has(kFull), kind(TileVisibility::full), kind(TileVisibility::partial));
  op.replaceAllUsesWith(arith::SelectOp::create(b, has(kEmpty),
                                                kind(TileVisibility::empty),
                                                visible)
                            .getResult());
}
