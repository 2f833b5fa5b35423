//===- AssignFragmentLayouts.cpp - Where tiles of a block lie -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Analysis/FragmentLayout.h"
#include "attn/Conversion/GpuPasses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_ASSIGNFRAGMENTLAYOUTSPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The layout of a loaded tile: zeros fill up the last step of a product. Where
/// lanes own query rows, those stay in their registers.
static Attribute getLoadedLayout(TileType tile, BlockScheduleAttr schedule) {
  Dim dim = tile.hasDim(Dim::d) ? Dim::d : Dim::dv;
  if (schedule.getTransposed() && tile.hasDim(Dim::q))
    return getQueryFragment(schedule, tile);
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  int64_t bytes = tile.getElementType().getIntOrFloatBitWidth() / 8;
  if (schedule.getTransposed() && dim == Dim::dv)
    return getTransposedLayout(tile.getContext(), tile.getExtent(Dim::kv),
                               bytes);
  return getConflictFreeLayout(tile.getContext(), tile.getExtent(dim), bytes,
                               std::max(instruction.k, instruction.n));
}

static Type assign(Type type, bool isLoaded, BlockScheduleAttr schedule) {
  auto tile = dyn_cast<TileType>(type);
  if (!tile || tile.getLayout())
    return type;
  if (isLoaded)
    return tile.withLayout(getLoadedLayout(tile, schedule));
  return tile.withLayout(getFragment(schedule, tile.getContext(),
                                     tile.getDims(), tile.getShape()));
}

//===----------------------------------------------------------------------===//
// Partial sums
//===----------------------------------------------------------------------===//

namespace {

/// Row sums of a loop over keys: each lane may add up the keys that it sees, as
/// long as nothing but factors of whole rows meets the sum. What is connected
/// to such a reduction becomes partial; others read the combined value.
class PartialSums {
public:
  explicit PartialSums(func::FuncOp kernel) {
    kernel.walk([&](ReduceOp op) {
      if (op.getKind() == ReductionKind::add && feedsItself(op))
        insert(op.getResult());
    });
    while (!pending.empty())
      visit(pending.pop_back_val());
  }

  void assign();

private:
  static bool feedsItself(ReduceOp op);
  void insert(Value value) {
    if (isa<TileType>(value.getType()) && members.insert(value))
      pending.push_back(value);
  }
  void visit(Value value);
  void visitSources(Value value);
  bool passesOn(OpOperand &use);

  llvm::SetVector<Value> members;
  SmallVector<Value> pending;
};

} // namespace

/// A map of one product, whose result is as partial as one of its inputs.
static bool isProduct(Operation *op) {
  auto map = dyn_cast<MapOp>(op);
  if (!map || map.getInputs().size() != 2)
    return false;
  Block &body = map.getBody().front();
  auto product = dyn_cast<arith::MulFOp>(&body.front());
  return product && body.getOperations().size() == 2 &&
         product.getLhs() == body.getArgument(0) &&
         product.getRhs() == body.getArgument(1) &&
         cast<YieldOp>(body.getTerminator()).getValue() == product.getResult();
}

/// Whether the sum is carried by a loop, and starts from a scaled sum, maybe
/// one that is scaled in some iterations only.
bool PartialSums::feedsItself(ReduceOp op) {
  Value into = op.getInto();
  if (auto choice = into.getDefiningOp<scf::IfOp>())
    into =
        choice.thenYield().getOperand(cast<OpResult>(into).getResultNumber());
  Operation *scaled = into.getDefiningOp();
  if (!scaled || !isProduct(scaled))
    return false;
  auto carried = dyn_cast<BlockArgument>(scaled->getOperand(0));
  return carried && isa<scf::ForOp>(carried.getOwner()->getParentOp()) &&
         llvm::any_of(op->getUsers(), llvm::IsaPred<scf::YieldOp>);
}

static bool hasEqualShape(Value a, Value b) {
  return cast<TileType>(a.getType()).withLayout({}) ==
         cast<TileType>(b.getType()).withLayout({});
}

/// Whether `op` can make a partial value.
static bool canBePartial(Operation *op) {
  return isa_and_present<FillOp, ReduceOp, scf::ForOp, scf::IfOp>(op) ||
         isProduct(op);
}

/// Whether `use` keeps a partial value partial, and takes its value along.
bool PartialSums::passesOn(OpOperand &use) {
  Operation *user = use.getOwner();
  if (auto reduce = dyn_cast<ReduceOp>(user))
    return use.get() == reduce.getInto() &&
           reduce.getKind() == ReductionKind::add;
  return isa<scf::YieldOp, scf::ForOp>(user) ||
         (isProduct(user) && use.getOperandNumber() == 0 &&
          hasEqualShape(use.get(), user->getResult(0)));
}

/// What `value` is computed from.
void PartialSums::visitSources(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = cast<scf::ForOp>(argument.getOwner()->getParentOp());
    insert(loop.getTiedLoopInit(argument)->get());
    insert(loop.getTiedLoopYieldedValue(argument)->get());
    insert(loop.getTiedLoopResult(argument));
    return;
  }
  Operation *op = value.getDefiningOp();
  if (auto reduce = dyn_cast<ReduceOp>(op))
    insert(reduce.getInto());
  else if (isProduct(op))
    insert(op->getOperand(0));
  else if (auto loop = dyn_cast<scf::ForOp>(op))
    insert(loop.getTiedLoopRegionIterArg(cast<OpResult>(value)));
  else if (auto choice = dyn_cast<scf::IfOp>(op))
    for (scf::YieldOp yield : {choice.thenYield(), choice.elseYield()})
      insert(yield.getOperand(cast<OpResult>(value).getResultNumber()));
}

void PartialSums::visit(Value value) {
  visitSources(value);
  for (OpOperand &use : value.getUses()) {
    if (!passesOn(use))
      continue;
    Operation *user = use.getOwner();
    if (auto loop = dyn_cast<scf::ForOp>(user)) {
      insert(loop.getTiedLoopRegionIterArg(&use));
    } else if (isa<scf::YieldOp>(user)) {
      Operation *parent = user->getParentOp();
      if (auto outer = dyn_cast<scf::ForOp>(parent))
        insert(outer.getRegionIterArg(use.getOperandNumber()));
      else
        insert(parent->getResult(use.getOperandNumber()));
    } else {
      insert(user->getResult(0));
    }
  }
}

/// Makes the members partial and combines them for all other uses.
void PartialSums::assign() {
  for (Value value : members)
    if (!isa<BlockArgument>(value) && !canBePartial(value.getDefiningOp()))
      return;
  for (Value value : members) {
    auto tile = cast<TileType>(value.getType());
    auto layout = cast<FragmentAttr>(tile.getLayout());
    SmallVector<OpOperand *> readers;
    for (OpOperand &use : value.getUses())
      if (!passesOn(use))
        readers.push_back(&use);
    value.setType(tile.withLayout(withPartial(layout, true)));
    if (readers.empty())
      continue;
    OpBuilder b(value.getContext());
    b.setInsertionPointAfterValue(value);
    Value whole =
        CombinePartialOp::create(b, value.getLoc(), tile, value).getResult();
    for (OpOperand *reader : readers)
      reader->set(whole);
  }
}

namespace {
struct AssignFragmentLayoutsPass
    : attn::impl::AssignFragmentLayoutsPassBase<AssignFragmentLayoutsPass> {
  void runOnOperation() override {
    BlockScheduleAttr schedule = getBlockSchedule(getOperation());
    if (!schedule)
      return;
    getOperation().walk([&](Operation *op) {
      for (Value result : op->getResults())
        result.setType(assign(result.getType(), isa<LoadTileOp>(op), schedule));
      for (Region &region : op->getRegions())
        for (BlockArgument argument : region.getArguments())
          argument.setType(assign(argument.getType(), false, schedule));
    });
    PartialSums(getOperation()).assign();
  }
};
} // namespace
