//===- ShrinkRetries.cpp - Further attempts work on small tiles -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tiles of the first attempt fill the registers. Further attempts are rare:
// in place of a second copy of that size, they walk the rows of the work item
// and the keys of a tile in the smallest steps that the matrix instruction
// takes. Ranges of key tiles and masks stay what they are.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Conversion/GpuPasses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_SHRINKRETRIESPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static bool isTile(Value value) { return isa<TileType>(value.getType()); }

/// Whether `op` reads or makes a tile, itself or in its regions.
static bool touchesTiles(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        bool found = llvm::any_of(inner->getOperands(), isTile) ||
                     llvm::any_of(inner->getResults(), isTile);
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether `loop` is one whose body works on tiles of keys.
static bool isKeyStep(Operation *op) {
  auto loop = dyn_cast<scf::ForOp>(op);
  return loop && llvm::any_of(*loop.getBody(), [](Operation &inner) {
           return llvm::any_of(inner.getResultTypes(), [](Type type) {
             auto tile = dyn_cast<TileType>(type);
             return tile && tile.hasDim(Dim::kv);
           });
         });
}

namespace {

/// Clones ops for tiles of fewer rows and keys.
class TileShrinker {
public:
  TileShrinker(Location loc, MLIRContext *context, int64_t rows, int64_t keys,
               bool takesSteps)
      : b(loc, context), rows(rows), keys(keys), takesSteps(takesSteps) {}

  /// Replaces `retry` by a loop over its rows.
  void run(scf::WhileOp retry, int64_t blockRows, int64_t heads);

private:
  Operation *clone(Operation &op);
  void cloneBlock(Block &from, Block &to);
  void cloneKeyStep(scf::ForOp loop);
  void cloneSource(Value tile);
  void shiftOperands(Operation *op);
  void shiftBody(MapOp op);
  Type shrink(Type type) const;
  SmallVector<Type> shrink(TypeRange types) const;
  Value getShift(Dim dim) const { return dim == Dim::q ? firstRow : firstKey; }
  Value add(Value value, Value shift) {
    return arith::AddIOp::create(b, value, shift);
  }
  Value leave(Value valid, Dim dim);

  ImplicitLocOpBuilder b;
  int64_t rows, keys, heads = 1;
  bool takesSteps;
  IRMapping map;
  /// What the small tiles are away from the beginning of the large ones.
  Value firstRow, firstKey;
};

} // namespace

Type TileShrinker::shrink(Type type) const {
  auto tile = dyn_cast<TileType>(type);
  if (!tile)
    return type;
  SmallVector<int64_t> shape(tile.getShape());
  for (auto [dim, extent] : llvm::zip_equal(tile.getDims(), shape))
    if (dim == Dim::q || dim == Dim::kv)
      extent = dim == Dim::q ? rows : keys;
  return TileType::get(type.getContext(), tile.getDims(), shape,
                       tile.getElementType());
}

SmallVector<Type> TileShrinker::shrink(TypeRange types) const {
  return llvm::map_to_vector(types, [&](Type type) { return shrink(type); });
}

/// How many of `valid` rows or keys are left for the small tile.
Value TileShrinker::leave(Value valid, Dim dim) {
  Value left = arith::SubIOp::create(b, valid, getShift(dim));
  Value most = buildIndex(b, dim == Dim::q ? rows : keys);
  left = arith::MinSIOp::create(b, left, most);
  return arith::MaxSIOp::create(b, left, buildIndex(b, 0));
}

/// The coordinates that the body of a map sees are those in the large tile.
void TileShrinker::shiftBody(MapOp op) {
  Block &body = op.getBody().front();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&body);
  for (auto [i, dim] : llvm::enumerate(op.getResult().getType().getDims())) {
    Value argument = body.getArgument(op.getInputs().size() + i);
    if ((dim != Dim::q && dim != Dim::kv) || argument.use_empty())
      continue;
    auto shifted = arith::AddIOp::create(b, argument, getShift(dim));
    argument.replaceAllUsesExcept(shifted, shifted);
  }
}

/// Moves `op`, on small tiles already, to the place of its tile.
void TileShrinker::shiftOperands(Operation *op) {
  b.setInsertionPoint(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](LoadTileOp load) {
        Dim dim = load.getView().getType().getSequence();
        load.getRowMutable().assign(add(load.getRow(), getShift(dim)));
        load.getValidMutable().assign(leave(load.getValid(), dim));
      })
      .Case([&](StoreTileOp store) {
        store.getRowMutable().assign(add(store.getRow(), firstRow));
        store.getValidMutable().assign(leave(store.getValid(), Dim::q));
      })
      .Case([&](StoreStatsOp store) {
        Value sequenceRows =
            arith::DivUIOp::create(b, firstRow, buildIndex(b, heads));
        OpOperand &last = *std::prev(store.getIndicesMutable().end());
        last.assign(add(last.get(), sequenceRows));
        store.getValidMutable().assign(leave(store.getValid(), Dim::q));
      })
      .Case([&](LoadBoxOp load) {
        for (auto [i, dim] :
             llvm::enumerate(load.getTile().getType().getDims())) {
          OpOperand &offset = load.getOffsetsMutable()[i];
          offset.assign(add(offset.get(), getShift(dim)));
          OpOperand &valid = load.getValidMutable()[i];
          valid.assign(leave(valid.get(), dim));
        }
      })
      .Case([&](ContractOp product) {
        product.getValidMutable().assign(leave(product.getValid(), Dim::kv));
      })
      .Case([&](MapOp map) { shiftBody(map); });
  b.setInsertionPointAfter(op);
}

Operation *TileShrinker::clone(Operation &op) {
  if (!touchesTiles(&op))
    return b.clone(op, map);
  if (takesSteps && isKeyStep(&op)) {
    cloneKeyStep(cast<scf::ForOp>(op));
    return nullptr;
  }
  SmallVector<Value> operands =
      llvm::map_to_vector(op.getOperands(), [&](Value value) {
        return map.lookupOrDefault(value);
      });
  OperationState state(op.getLoc(), op.getName(), operands,
                       shrink(op.getResultTypes()), op.getAttrs());
  state.propertiesAttr = op.getPropertiesAsAttribute();
  for (unsigned i = 0; i < op.getNumRegions(); ++i)
    state.addRegion();
  Operation *copy = b.create(state);
  map.map(op.getResults(), copy->getResults());
  for (auto [from, to] : llvm::zip_equal(op.getRegions(), copy->getRegions()))
    for (Block &block : from)
      cloneBlock(block, to.emplaceBlock());
  shiftOperands(copy);
  return copy;
}

void TileShrinker::cloneBlock(Block &from, Block &to) {
  for (BlockArgument argument : from.getArguments())
    map.map(argument,
            to.addArgument(shrink(argument.getType()), argument.getLoc()));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&to);
  for (Operation &op : from)
    clone(op);
}

/// A loop whose iterations go through their keys in small steps.
void TileShrinker::cloneKeyStep(scf::ForOp loop) {
  auto lookup = [&](ValueRange values) {
    return llvm::map_to_vector(
        values, [&](Value value) { return map.lookupOrDefault(value); });
  };
  int64_t tileKeys = 0;
  loop.walk([&](ContractOp product) {
    TileType tile = product.getLhs().getType();
    if (tile.hasDim(Dim::kv))
      tileKeys = tile.getExtent(Dim::kv);
  });
  auto outer = scf::ForOp::create(b, map.lookupOrDefault(loop.getLowerBound()),
                                  map.lookupOrDefault(loop.getUpperBound()),
                                  map.lookupOrDefault(loop.getStep()),
                                  lookup(loop.getInitArgs()));
  map.map(loop.getInductionVar(), outer.getInductionVar());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(outer.getBody());
  for (Operation &op : loop.getBody()->without_terminator())
    if (!touchesTiles(&op))
      clone(op);
  auto inner =
      scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, tileKeys),
                         buildIndex(b, keys), outer.getRegionIterArgs());
  keepRolled(inner);
  scf::YieldOp::create(b, inner.getResults());
  b.setInsertionPointToStart(inner.getBody());
  firstKey = inner.getInductionVar();
  map.map(loop.getRegionIterArgs(), inner.getRegionIterArgs());
  for (Operation &op : loop.getBody()->without_terminator())
    if (touchesTiles(&op))
      clone(op);
  scf::YieldOp::create(b,
                       lookup(loop.getBody()->getTerminator()->getOperands()));
  map.map(loop.getResults(), outer.getResults());
}

/// Clones what computes a tile in front of the retry.
void TileShrinker::cloneSource(Value tile) {
  if (map.contains(tile))
    return;
  for (Value operand : tile.getDefiningOp()->getOperands())
    if (isTile(operand))
      cloneSource(operand);
  clone(*tile.getDefiningOp());
}

void TileShrinker::run(scf::WhileOp retry, int64_t blockRows,
                       int64_t headsOfTile) {
  heads = headsOfTile;
  b.setInsertionPoint(retry);
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, blockRows),
                                 buildIndex(b, rows));
  b.setInsertionPointToStart(loop.getBody());
  firstRow = loop.getInductionVar();
  firstKey = buildIndex(b, 0);
  retry.walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (isTile(operand) &&
          !retry->isAncestor(operand.getParentBlock()->getParentOp()))
        cloneSource(operand);
  });
  clone(*retry);
  retry.erase();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
/// The retries of a kernel that can be made smaller, and what of.
struct Retry {
  scf::WhileOp loop;
  int64_t rows = 0, keys = 0, columns = 0, heads = 1;
};
} // namespace

/// Columns of out from which on the halves of a transposed tile are worked on
/// one after the other.
static constexpr int64_t kLargeHead = 128;

/// Whether nothing but tiles depends on what `op` makes of tiles: a choice
/// between tiles may.
static bool leadsToTiles(Operation &op) {
  return llvm::all_of(op.getResults(), isTile) ||
         llvm::all_of(op.getUsers(),
                      [](Operation *user) { return touchesTiles(user); });
}

/// Whether everything in the loops over keys is carried as tiles, and nothing
/// but tiles depends on tiles. A loop of one iteration may have been folded.
static bool canShrinkKeys(scf::WhileOp retry) {
  WalkResult result = retry.walk([](ContractOp product) {
    return isKeyStep(product->getParentOp()) ? WalkResult::advance()
                                             : WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return false;
  result = retry.walk([](scf::ForOp loop) {
    if (!isKeyStep(loop))
      return WalkResult::advance();
    bool carriesTiles = llvm::all_of(loop.getRegionIterArgs(), isTile);
    bool isMixed = llvm::any_of(*loop.getBody(), [](Operation &op) {
      return !op.hasTrait<OpTrait::IsTerminator>() && touchesTiles(&op) &&
             !leadsToTiles(op);
    });
    return carriesTiles && !isMixed ? WalkResult::advance()
                                    : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

/// The guarded products of `loop` say how large its tiles are.
static std::optional<Retry> findRetry(scf::WhileOp loop) {
  Retry retry{loop};
  loop.walk([&](ContractOp product) {
    if (!product.getGuard())
      return;
    retry.keys = product.getLhs().getType().getExtent(Dim::kv);
    retry.rows = product.getResult().getType().getExtent(Dim::q);
    retry.columns = product.getResult().getType().getExtent(Dim::dv);
  });
  loop.walk([&](StoreTileOp store) {
    if (auto view = store.getView().getDefiningOp<ViewOp>())
      retry.heads = view.getHeads();
  });
  if (!retry.rows || !loop.use_empty())
    return std::nullopt;
  return retry;
}

namespace {
struct ShrinkRetriesPass
    : attn::impl::ShrinkRetriesPassBase<ShrinkRetriesPass> {
  void runOnOperation() override {
    BlockScheduleAttr schedule = getBlockSchedule(getOperation());
    if (!schedule)
      return;
    const MatrixInstruction &instruction =
        getMatrixInstruction(schedule.getInstruction());
    int64_t columns = schedule.getTransposed() ? instruction.m : instruction.n;
    int64_t step = std::max(columns, instruction.k);
    SmallVector<scf::WhileOp> loops;
    getOperation().walk([&](scf::WhileOp loop) { loops.push_back(loop); });
    for (scf::WhileOp loop : loops) {
      std::optional<Retry> retry = findRetry(loop);
      if (!retry)
        continue;
      // Half a tile is the step of transposed products. The loop over the
      // halves takes scalar registers, and saves vector registers: these are
      // few beside the accumulators of a large head.
      bool pays = !schedule.getTransposed() || retry->columns >= kLargeHead;
      bool smallSteps = pays && retry->keys % step == 0 && canShrinkKeys(loop);
      int64_t keys = smallSteps ? step : retry->keys;
      int64_t rows = getRowMultiple(schedule);
      if (retry->rows % rows || rows % retry->heads)
        rows = retry->rows;
      TileShrinker(loop.getLoc(), &getContext(), rows, keys, smallSteps)
          .run(loop, retry->rows, retry->heads);
    }
  }
};
} // namespace
