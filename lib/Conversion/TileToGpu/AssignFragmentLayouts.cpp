//===- AssignFragmentLayouts.cpp - Where tiles of a block lie -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Analysis/FragmentLayout.h"
#include "attn/Conversion/GpuPasses.h"

namespace attn {
#define GEN_PASS_DEF_ASSIGNFRAGMENTLAYOUTSPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The layout of a loaded tile: zeros fill up the last step of a product.
static Attribute getLoadedLayout(TileType tile, BlockScheduleAttr schedule) {
  Dim dim = tile.hasDim(Dim::d) ? Dim::d : Dim::dv;
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  int64_t bytes = tile.getElementType().getIntOrFloatBitWidth() / 8;
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

namespace {
struct AssignFragmentLayoutsPass
    : attn::impl::AssignFragmentLayoutsPassBase<AssignFragmentLayoutsPass> {
  void runOnOperation() override {
    BlockScheduleAttr schedule = getBlockSchedule(getOperation());
    if (!schedule)
      return;
    getOperation().walk([&](Operation *op) {
      for (Value result : op->getResults())
        result.setType(
            assign(result.getType(), isa<LoadTileOp>(op), schedule));
      for (Region &region : op->getRegions())
        for (BlockArgument argument : region.getArguments())
          argument.setType(assign(argument.getType(), false, schedule));
    });
  }
};
} // namespace
