//===- LowerElementwise.cpp - Maps and reductions as vector loops ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The bodies of maps are scalar code. Along the contiguous dim, which is q or,
// in kernels that are `by_row`, the other dim of a tile of two, they are
// vectorised; what does not depend on it stays scalar until a vector needs it.
//
// Of a tile of two dims, q is always the outer loop: what belongs to a row is
// loaded once, and reductions run along the inner loop.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include <cmath>

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
    auto map = dyn_cast<MapOp>(op);
    if (map && getRescaledUser(map))
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
  LogicalResult emitQuery(Value query);
  int64_t countChains(ReductionKind kind) const;
  Value buildNeutral(ReductionKind kind);
  Value combineLanes(ReductionKind kind, Value vector);
  Value combine(ReductionKind kind, Value running, Value element);
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
  /// The contiguous dim, and the other one if the domain has two.
  Dim lane = Dim::q;
  std::optional<Dim> outer;
  /// Whether a query row lies along the lanes.
  bool byRow = false;
  int64_t width = 1, rows = 1, unroll = 1;

  /// Vectors of the current query rows that do not change in the inner loop.
  DenseMap<Value, Value> queryInputs;
  /// Vectors of the current row that come from outside of the group.
  DenseMap<Value, Value> rowInputs;
  /// Vectors of the current row: results of the group's maps, one per unrolled
  /// row.
  DenseMap<Value, SmallVector<Value, 2>> results;
  /// Running values of each reduction: a sum has one, so that its terms have
  /// an order; a maximum one per unrolled row, so that none waits for another.
  DenseMap<Operation *, SmallVector<Value, 4>> running;
  int64_t unrolled = 0;
  /// Buffers of what multiplies the sums that a reduction adds to.
  DenseMap<Operation *, Value> factors;
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
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      if (Value buffer = takeRescale(b, reduce.getInto(), lowering))
        factors[op] = buffer;
      assign(reduce.getResult(), reduce.getInto());
    } else if (isStored(op->getResult(0)))
      assign(op->getResult(0), op->getOperands());
  }
}

void ElementwiseNest::chooseShape() {
  ArrayRef<Dim> order = cast<BufferLayoutAttr>(domain.getLayout()).getOrder();
  lane = order.back();
  if (order.size() > 1)
    outer = order.front();
  byRow = outer == Dim::q;
  width = lowering.getSchedule().getUnit();
  while (domain.getExtent(lane) % width != 0)
    width /= 2;
  rows = outer ? domain.getExtent(*outer) : 1;
  // Several rows at a time: independent chains, the two halves of a pair, and
  // constants, which LLVM loads in each step, for more than one vector.
  if (!byRow)
    unroll = rows % 4 == 0 ? 4 : rows % 2 == 0 ? 2 : 1;
}

int64_t ElementwiseNest::countChains(ReductionKind kind) const {
  return kind == ReductionKind::max ? unroll : 1;
}

Value ElementwiseNest::splat(Value scalar) {
  return vector::BroadcastOp::create(
      b, VectorType::get({width}, scalar.getType()), scalar);
}

Value ElementwiseNest::loadInput(Value tile, Value row, Value column) {
  if (Value known = queryInputs.lookup(tile))
    return known;
  // Once per row: a map of the group may overwrite it.
  Value &loaded = rowInputs[tile];
  if (loaded)
    return loaded;
  auto type = cast<TileType>(tile.getType());
  Value buffer = lowering.getBuffer(tile);
  // An element per step of the inner loop is a scalar.
  if (!type.hasDim(lane))
    return loaded = memref::LoadOp::create(b, buffer, row);
  SmallVector<Value> at{column};
  if (type.getRank() > 1)
    at.insert(at.begin(), row);
  return loaded = vector::LoadOp::create(
             b, VectorType::get({width}, type.getElementType()), buffer, at);
}

Value ElementwiseNest::buildNeutral(ReductionKind kind) {
  return splat(buildF32(b, kind == ReductionKind::add ? 0 : -INFINITY));
}

Value ElementwiseNest::combine(ReductionKind kind, Value running,
                               Value element) {
  if (kind == ReductionKind::add)
    return arith::AddFOp::create(b, running, element);
  // Keeps the running value where the element is NaN.
  Value greater =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, element, running);
  return arith::SelectOp::create(b, greater, element, running);
}

/// All lanes of `vector` as one scalar: halves are combined until one is left.
Value ElementwiseNest::combineLanes(ReductionKind kind, Value vector) {
  for (int64_t lanes = width; lanes > 1; lanes /= 2) {
    auto half = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(
          b, vector, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{lanes / 2},
          ArrayRef<int64_t>{1});
    };
    Value low = half(0), high = half(lanes / 2);
    vector = combine(kind, low, high);
  }
  return vector::ExtractOp::create(b, vector, int64_t(0));
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
    if (dim != lane) {
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

/// Stores the two rows of each pair as 32-bit words.
void ElementwiseNest::storePairs(MapOp map, Value row, Value column) {
  ArrayRef<Value> vectors = results[map.getResult()];
  Value firstPair = arith::ShRUIOp::create(b, row, buildIndex(b, 1));
  for (size_t i = 0; i < vectors.size(); i += 2) {
    Value first = vectors[i];
    Value second = i + 1 < vectors.size()
                       ? vectors[i + 1]
                       : Value(arith::ConstantOp::create(
                             b, b.getZeroAttr(first.getType())));
    Value mixed = vector::InterleaveOp::create(b, first, second);
    Value words = vector::BitCastOp::create(
        b, VectorType::get({width}, b.getI32Type()), mixed);
    Value pair = arith::AddIOp::create(b, firstPair, buildIndex(b, i / 2));
    vector::StoreOp::create(b, words, lowering.getBuffer(map.getResult()),
                            ValueRange{pair, column});
  }
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
        MutableArrayRef<Value> chains = running[op];
        Value &chain = chains[unrolled % chains.size()];
        chain = combine(reduce.getKind(), chain, element);
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

/// The rows of the domain that belong to `query`, a query row or, where those
/// are the lanes, the first of a vector of them.
LogicalResult ElementwiseNest::emitQuery(Value query) {
  auto loadQuery = [&](Value buffer) -> Value {
    if (byRow)
      return memref::LoadOp::create(b, buffer, query);
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    return vector::LoadOp::create(b, VectorType::get({width}, element), buffer,
                                  query);
  };
  auto storeQuery = [&](Value value, Value buffer) {
    if (byRow)
      memref::StoreOp::create(b, value, buffer, query);
    else
      vector::StoreOp::create(b, value, buffer, query);
  };
  queryInputs.clear();
  for (Operation *op : group) {
    auto map = dyn_cast<MapOp>(op);
    if (!map)
      continue;
    for (Value input : map.getInputs())
      if (auto tile = cast<TileType>(input.getType());
          tile.getRank() == 1 && tile.hasDim(Dim::q) && !isInGroup(input) &&
          !queryInputs.contains(input))
        queryInputs[input] = toVector(loadQuery(lowering.getBuffer(input)));
  }
  if (!outer)
    return emitRows(Value(), query);

  SmallVector<ReduceOp> reductions;
  SmallVector<Value> intos, inits;
  for (Operation *op : group)
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      reductions.push_back(reduce);
      Value into = lowering.getBuffer(reduce.getInto());
      intos.push_back(loadQuery(into));
      // Sums begin at 0: the rounding errors of a short sum are smaller.
      ReductionKind kind = reduce.getKind();
      bool startsNeutral = byRow || kind == ReductionKind::add;
      inits.push_back(startsNeutral ? buildNeutral(kind) : intos.back());
      inits.append(countChains(kind) - 1, buildNeutral(kind));
    }
  int64_t step = byRow ? width : unroll;
  int64_t end = domain.getExtent(byRow ? lane : *outer);
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, end),
                                 buildIndex(b, step), inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange args = loop.getRegionIterArgs();
    for (ReduceOp reduce : reductions) {
      int64_t chains = countChains(reduce.getKind());
      running[reduce] = llvm::to_vector<4>(args.take_front(chains));
      args = args.drop_front(chains);
    }
    Value inner = loop.getInductionVar();
    if (failed(byRow ? emitRows(query, inner) : emitRows(inner, query)))
      return failure();
    SmallVector<Value> next;
    for (ReduceOp reduce : reductions)
      llvm::append_range(next, running[reduce]);
    if (!reductions.empty())
      scf::YieldOp::create(b, next);
  }
  ValueRange values = loop.getResults();
  for (auto [reduce, into] : llvm::zip_equal(reductions, intos)) {
    ReductionKind kind = reduce.getKind();
    Value total = values.front(),
          buffer = lowering.getBuffer(reduce.getResult());
    for (Value chain : values.slice(1, countChains(kind) - 1))
      total = combine(kind, total, chain);
    values = values.drop_front(countChains(kind));
    if (byRow)
      total = combineLanes(kind, total);
    if (Value factor = factors.lookup(reduce))
      total = math::FmaOp::create(b, into, loadQuery(factor), total);
    else if (byRow || kind == ReductionKind::add)
      total = combine(kind, into, total);
    storeQuery(total, buffer);
  }
  return success();
}

/// Tiles of the group lie along q, as the loops run over it, or have one
/// element per step of the outer loop.
LogicalResult ElementwiseNest::verify() {
  for (Operation *op : group) {
    SmallVector<Value> tiles(op->getResults());
    if (isa<ReduceOp>(op))
      llvm::append_range(tiles, op->getOperands());
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
  buildLoop(b, buildIndex(b, domain.getExtent(Dim::q)), byRow ? 1 : width,
            [&](Value query) { status = emitQuery(query); });
  return status;
}

LogicalResult attn::lowerElementwise(ArrayRef<Operation *> group,
                                     TileLowering &lowering) {
  return ElementwiseNest(group, lowering).emit();
}
