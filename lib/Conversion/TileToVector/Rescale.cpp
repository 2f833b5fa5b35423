//===- Rescale.cpp - Sums that are multiplied before they grow ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// sums * factor + new is one multiply-add for each vector of sums, which the
// addition reads and writes anyway. Accumulators and row sums both take this
// step, so that their rounding errors are the same (docs/rationale/sums.md).
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

namespace {
/// A map that multiplies `sums` by `factors`, one for each query row.
struct Rescale {
  Value sums, factors;
};
} // namespace

static std::optional<Rescale> matchRescale(MapOp map) {
  Block &body = map.getBody().front();
  if (map.getInputs().size() != 2 || body.getOperations().size() != 2)
    return std::nullopt;
  auto product = dyn_cast<arith::MulFOp>(body.front());
  Value sums = map.getInputs()[0], factors = map.getInputs()[1];
  auto factorType = cast<TileType>(factors.getType());
  if (!product || product.getLhs() != body.getArgument(0) ||
      product.getRhs() != body.getArgument(1) ||
      product.getResult() != cast<YieldOp>(body.getTerminator()).getValue() ||
      sums.getType() != map.getResult().getType() ||
      factorType.getRank() != 1 || !factorType.hasDim(Dim::q) ||
      !factorType.getElementType().isF32())
    return std::nullopt;
  return Rescale{sums, factors};
}

Operation *attn::getRescaledUser(MapOp map) {
  if (!map.getResult().hasOneUse() || !matchRescale(map))
    return nullptr;
  Operation *user = *map.getResult().user_begin();
  if (user->getBlock() != map->getBlock())
    return nullptr;
  if (auto contract = dyn_cast<ContractOp>(user))
    return contract.getInto() == map.getResult() ? user : nullptr;
  auto reduce = dyn_cast<ReduceOp>(user);
  return reduce && reduce.getKind() == ReductionKind::add &&
                 reduce.getInto() == map.getResult()
             ? user
             : nullptr;
}

void attn::sinkRescales(Block &block) {
  for (MapOp map : llvm::make_early_inc_range(block.getOps<MapOp>())) {
    Operation *user = getRescaledUser(map);
    if (!user)
      continue;
    // A reduction may share the loop of the maps in front of it.
    if (isa<ReduceOp>(user))
      while (isa_and_present<MapOp, ReduceOp>(user->getPrevNode()) &&
             user->getPrevNode() != map)
        user = user->getPrevNode();
    map->moveBefore(user);
  }
}

Value attn::takeRescale(ImplicitLocOpBuilder &b, Value sums,
                        TileLowering &lowering) {
  auto map = sums.getDefiningOp<MapOp>();
  if (!map || !getRescaledUser(map))
    return {};
  Rescale rescale = *matchRescale(map);
  Value from = lowering.getBuffer(rescale.sums);
  Value to = lowering.reuseOrAllocate(sums, rescale.sums, map);
  if (from != to)
    memref::CopyOp::create(b, from, to);
  return lowering.getBuffer(rescale.factors);
}
