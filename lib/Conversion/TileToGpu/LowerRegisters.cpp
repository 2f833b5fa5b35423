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
    SmallVector<Value> results;
    for (int64_t reg = 0, end = countRegisters(tile); reg < end; ++reg)
      results.push_back(evaluate(reg));
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
  Value evaluate(int64_t reg);

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

void attn::lowerReduceRegisters(ReduceOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileType input = op.getInput().getType(), result = op.getResult().getType();
  FragmentAttr layout = getFragmentOf(input);
  Dim reduced = input.getDims()[0];
  if (result.hasDim(reduced))
    reduced = input.getDims()[1];
  assert(!isSplitOverWarps(layout, reduced) && "rows are spread over warps");
  RegisterIndex index(result, result.getDims());
  SmallVector<Value> values(countRegisters(result));
  for (int64_t reg = 0, end = countRegisters(input); reg < end; ++reg) {
    Value element = lowering.getRegisters(op.getInput())[reg];
    int64_t at =
        index.find({getRegisterOffset(layout, result.getDims()[0], reg)});
    Value &value = values[at];
    value = value ? combine(b, op.getKind(), value, element) : element;
  }
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
