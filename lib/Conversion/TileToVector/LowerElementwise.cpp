//===- LowerElementwise.cpp - Maps and reductions as vector loops ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The bodies of maps are scalar code. Along q, the contiguous dim, they are
// vectorised; what does not depend on q (keys, bounds, constants) stays scalar
// until a vector needs it.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// The tile type over whose elements `op` loops.
static TileType getDomain(Operation *op) {
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return reduce.getInput().getType();
  return cast<MapOp>(op).getResult().getType();
}

static bool haveSameDims(TileType a, TileType b) {
  return a.getDims() == b.getDims() && a.getShape() == b.getShape();
}

SmallVector<Operation *> attn::collectElementwiseGroup(Operation *first) {
  TileType domain = getDomain(first);
  SmallVector<Operation *> group{first};
  llvm::SmallPtrSet<Value, 4> reduced;
  for (Operation *op = first;;) {
    if (auto reduce = dyn_cast<ReduceOp>(op))
      reduced.insert(reduce.getResult());
    op = op->getNextNode();
    if (!isa<MapOp, ReduceOp>(op) || !haveSameDims(domain, getDomain(op)))
      return group;
    // A reduction is complete only after the loop.
    if (llvm::any_of(op->getOperands(),
                     [&](Value operand) { return reduced.contains(operand); }))
      return group;
    group.push_back(op);
  }
}

//===----------------------------------------------------------------------===//
// One loop nest
//===----------------------------------------------------------------------===//

namespace {

/// Emits the loop nest of one group.
class ElementwiseNest {
public:
  ElementwiseNest(ArrayRef<Operation *> group, TileLowering &lowering)
      : group(group), lowering(lowering), domain(getDomain(group.front())),
        b(group.back()->getLoc(), group.back()) {}

  LogicalResult emit();

private:
  LogicalResult verify();
  void assignBuffers();
  void chooseShape();
  LogicalResult emitColumn(Value column);
  LogicalResult emitRows(Value row, Value column);
  FailureOr<Value> emitMap(MapOp map, Value row, Value column);
  FailureOr<Value> vectorize(Operation *op, IRMapping &mapping);
  Value loadInput(Value tile, Value row, Value column);
  void storePairs(MapOp map, Value row, Value column);
  Value splat(Value scalar);
  Value toVector(Value value) {
    return isa<VectorType>(value.getType()) ? value : splat(value);
  }
  bool isStored(Value tile) const;
  bool isInGroup(Value tile) const {
    return llvm::is_contained(group, tile.getDefiningOp());
  }
  bool isPairs(Value tile) const {
    return cast<BufferLayoutAttr>(cast<TileType>(tile.getType()).getLayout())
        .getPairs();
  }

  ArrayRef<Operation *> group;
  TileLowering &lowering;
  TileType domain;
  ImplicitLocOpBuilder b;
  /// The dim that is not q, if the domain has two.
  std::optional<Dim> outer;
  int64_t width = 1, rows = 1, unroll = 1;

  /// Vectors of the current column that do not change along the rows.
  DenseMap<Value, Value> columnInputs;
  /// Vectors of the current row that come from outside of the group.
  DenseMap<Value, Value> rowInputs;
  /// Vectors of the current row: results of the group's maps, one per unrolled
  /// row.
  DenseMap<Value, SmallVector<Value, 2>> results;
  /// Running value of each reduction.
  DenseMap<Operation *, Value> running;
  int64_t unrolled = 0;
};

} // namespace

/// Whether anything outside of the group reads `tile`.
bool ElementwiseNest::isStored(Value tile) const {
  return llvm::any_of(tile.getUsers(), [&](Operation *user) {
    return !llvm::is_contained(group, user);
  });
}

void ElementwiseNest::assignBuffers() {
  llvm::SmallPtrSet<Value, 4> overwritten;
  auto assign = [&](Value result, ValueRange inputs) {
    SmallVector<Value> candidates;
    for (Value input : inputs)
      // What the group itself makes has no buffer of its own to give away.
      if (!isInGroup(input) && !overwritten.contains(lowering.getBuffer(input)))
        candidates.push_back(input);
    overwritten.insert(
        lowering.reuseOrAllocate(result, candidates, group.back()));
  };
  for (Operation *op : group) {
    if (auto reduce = dyn_cast<ReduceOp>(op))
      assign(reduce.getResult(), reduce.getInto());
    else if (isStored(op->getResult(0)))
      assign(op->getResult(0), op->getOperands());
  }
}

void ElementwiseNest::chooseShape() {
  for (Dim dim : domain.getDims())
    if (dim != Dim::q)
      outer = dim;
  int64_t columns = domain.getExtent(Dim::q);
  int64_t unit = lowering.getSchedule().getUnit();
  width = columns % unit == 0 ? unit : 1;
  rows = outer ? domain.getExtent(*outer) : 1;
  // Two rows at a time: independent chains, and the two halves of a pair.
  unroll = rows % 2 == 0 ? 2 : 1;
}

Value ElementwiseNest::splat(Value scalar) {
  return vector::BroadcastOp::create(
      b, VectorType::get({width}, scalar.getType()), scalar);
}

Value ElementwiseNest::loadInput(Value tile, Value row, Value column) {
  if (Value known = columnInputs.lookup(tile))
    return known;
  // Once per row: a map of the group may overwrite it.
  Value &loaded = rowInputs[tile];
  if (!loaded) {
    Type element = cast<TileType>(tile.getType()).getElementType();
    loaded = vector::LoadOp::create(b, VectorType::get({width}, element),
                                    lowering.getBuffer(tile),
                                    ValueRange{row, column});
  }
  return loaded;
}

/// The vector form of a scalar op of a map body.
FailureOr<Value> ElementwiseNest::vectorize(Operation *op, IRMapping &mapping) {
  SmallVector<Value> operands;
  bool varying = false;
  for (Value operand : op->getOperands()) {
    operands.push_back(mapping.lookupOrDefault(operand));
    varying |= isa<VectorType>(operands.back().getType());
  }
  if (!varying)
    return b.clone(*op, mapping)->getResult(0);
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return buildGather(b, operands, width);
  if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1)
    return op->emitOpError("in an attn.map has no vector form; expected an "
                           "elementwise op");
  for (Value &operand : operands)
    operand = toVector(operand);
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addTypes(VectorType::get({width}, op->getResult(0).getType()));
  state.addAttributes(op->getAttrs());
  return b.create(state)->getResult(0);
}

FailureOr<Value> ElementwiseNest::emitMap(MapOp map, Value row, Value column) {
  Block &body = map.getBody().front();
  IRMapping mapping;
  for (auto [input, arg] : llvm::zip(map.getInputs(), body.getArguments())) {
    mapping.map(arg, isInGroup(input) ? results[input][unrolled]
                                      : loadInput(input, row, column));
  }
  auto coordinates = body.getArguments().drop_front(map.getInputs().size());
  for (auto [dim, arg] :
       llvm::zip_equal(map.getResult().getType().getDims(), coordinates)) {
    if (arg.use_empty())
      continue;
    if (dim != Dim::q) {
      mapping.map(arg, row);
      continue;
    }
    Value lanes =
        vector::StepOp::create(b, VectorType::get({width}, b.getIndexType()));
    mapping.map(arg, Value(arith::AddIOp::create(b, splat(column), lanes)));
  }
  for (Operation &op : body.without_terminator()) {
    FailureOr<Value> value = vectorize(&op, mapping);
    if (failed(value))
      return failure();
    mapping.map(op.getResult(0), *value);
  }
  auto yield = cast<YieldOp>(body.getTerminator());
  return toVector(mapping.lookupOrDefault(yield.getValue()));
}

/// Stores the two rows of a pair as 32-bit words.
void ElementwiseNest::storePairs(MapOp map, Value row, Value column) {
  ArrayRef<Value> both = results[map.getResult()];
  Value second = both.size() > 1 ? both[1]
                                 : Value(arith::ConstantOp::create(
                                       b, b.getZeroAttr(both[0].getType())));
  Value mixed = vector::InterleaveOp::create(b, both[0], second);
  Value words = vector::BitCastOp::create(
      b, VectorType::get({width}, b.getI32Type()), mixed);
  Value half = arith::ShRUIOp::create(b, row, buildIndex(b, 1));
  vector::StoreOp::create(b, words, lowering.getBuffer(map.getResult()),
                          ValueRange{half, column});
}

/// `unroll` rows of one column.
LogicalResult ElementwiseNest::emitRows(Value firstRow, Value column) {
  results.clear();
  for (unrolled = 0; unrolled < unroll; ++unrolled) {
    rowInputs.clear();
    Value row = firstRow;
    if (unrolled > 0)
      row = arith::AddIOp::create(b, firstRow, buildIndex(b, unrolled));
    for (Operation *op : group) {
      if (auto reduce = dyn_cast<ReduceOp>(op)) {
        Value input = reduce.getInput();
        Value element = isInGroup(input) ? results[input][unrolled]
                                         : loadInput(input, row, column);
        Value &sum = running[op];
        if (reduce.getKind() == ReductionKind::add) {
          sum = arith::AddFOp::create(b, sum, element);
          continue;
        }
        // Keeps the running value where the element is NaN.
        Value greater =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, element, sum);
        sum = arith::SelectOp::create(b, greater, element, sum);
        continue;
      }
      auto map = cast<MapOp>(op);
      FailureOr<Value> value = emitMap(map, row, column);
      if (failed(value))
        return failure();
      results[map.getResult()].push_back(*value);
      if (!isStored(map.getResult()) || isPairs(map.getResult()))
        continue;
      SmallVector<Value> at{column};
      if (outer)
        at.insert(at.begin(), row);
      vector::StoreOp::create(b, *value, lowering.getBuffer(map.getResult()),
                              at);
    }
  }
  for (Operation *op : group)
    if (auto map = dyn_cast<MapOp>(op))
      if (isStored(map.getResult()) && isPairs(map.getResult()))
        storePairs(map, firstRow, column);
  return success();
}

LogicalResult ElementwiseNest::emitColumn(Value column) {
  auto loadColumn = [&](Value tile) -> Value {
    auto type = VectorType::get(
        {width}, cast<TileType>(tile.getType()).getElementType());
    return vector::LoadOp::create(b, type, lowering.getBuffer(tile), column);
  };
  columnInputs.clear();
  for (Operation *op : group) {
    auto map = dyn_cast<MapOp>(op);
    if (!map)
      continue;
    for (Value input : map.getInputs())
      if (cast<TileType>(input.getType()).getRank() == 1 &&
          !llvm::is_contained(group, input.getDefiningOp()) &&
          !columnInputs.contains(input))
        columnInputs[input] = loadColumn(input);
  }
  if (!outer)
    return emitRows(Value(), column);

  SmallVector<Operation *> reductions;
  SmallVector<Value> intos, inits;
  for (Operation *op : group)
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      reductions.push_back(op);
      intos.push_back(loadColumn(reduce.getInto()));
      // Sums begin at 0: the rounding errors of a short sum are smaller.
      Value zero =
          arith::ConstantOp::create(b, b.getZeroAttr(intos.back().getType()));
      bool adds = reduce.getKind() == ReductionKind::add;
      inits.push_back(adds ? zero : intos.back());
    }
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, rows),
                                 buildIndex(b, unroll), inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    for (auto [op, arg] : llvm::zip_equal(reductions, loop.getRegionIterArgs()))
      running[op] = arg;
    if (failed(emitRows(loop.getInductionVar(), column)))
      return failure();
    if (!reductions.empty())
      scf::YieldOp::create(b, llvm::map_to_vector(reductions, [&](auto *op) {
                             return running[op];
                           }));
  }
  for (auto [op, into, value] :
       llvm::zip_equal(reductions, intos, loop.getResults())) {
    auto reduce = cast<ReduceOp>(op);
    Value total = value;
    if (reduce.getKind() == ReductionKind::add)
      total = arith::AddFOp::create(b, into, total);
    vector::StoreOp::create(b, total, lowering.getBuffer(reduce.getResult()),
                            column);
  }
  return success();
}

/// Tiles of the group lie along q: the loops run over it.
LogicalResult ElementwiseNest::verify() {
  for (Operation *op : group) {
    SmallVector<Value> tiles(op->getOperands());
    llvm::append_range(tiles, op->getResults());
    for (Value tile : tiles)
      if (!cast<TileType>(tile.getType()).hasDim(Dim::q))
        return op->emitOpError("has no vector lowering for ")
               << tile.getType() << "; expected a tile with query rows";
  }
  return success();
}

LogicalResult ElementwiseNest::emit() {
  if (failed(verify()))
    return failure();
  chooseShape();
  for (Operation *op : group)
    if (auto map = dyn_cast<MapOp>(op))
      if (isPairs(map.getResult()) && rows % 2 != 0)
        return map.emitOpError("makes pairs along a dim of ")
               << rows << "; expected an even extent";
  assignBuffers();
  LogicalResult status = success();
  buildLoop(b, buildIndex(b, domain.getExtent(Dim::q)), width,
            [&](Value column) { status = emitColumn(column); });
  return status;
}

LogicalResult attn::lowerElementwise(ArrayRef<Operation *> group,
                                     TileLowering &lowering) {
  return ElementwiseNest(group, lowering).emit();
}
