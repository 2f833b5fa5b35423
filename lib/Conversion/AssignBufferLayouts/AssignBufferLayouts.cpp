//===- AssignBufferLayouts.cpp - Where the tiles of a vector kernel lie -===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"

namespace attn {
#define GEN_PASS_DEF_ASSIGNBUFFERLAYOUTSPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Whether `load` can leave its rows where they are. Products read f32 rows of
/// any stride; of 16-bit rows they read pairs, which must be adjacent: along d
/// for K, never for V, whose pairs are of two keys.
static bool canReadInPlace(LoadTileOp load, TileType tile) {
  ViewType view = load.getView().getType();
  if (view.getElementType() != tile.getElementType())
    return false;
  if (tile.getElementType().isF32())
    return true;
  auto source = load.getView().getDefiningOp<ViewOp>();
  if (!source || view.getDim() != Dim::d)
    return false;
  LayoutDims dims = getLayoutDims(source.getLayout());
  return dims.dim > dims.sequence && view.getExtent() % 2 == 0;
}

/// Whether a product with rows along the lanes can read the rows of `load`
/// where they are: it needs them contiguous, and widens elements itself.
static bool canStream(LoadTileOp load, TileType tile) {
  auto source = load.getView().getDefiningOp<ViewOp>();
  if (!source ||
      load.getView().getType().getElementType() != tile.getElementType())
    return false;
  LayoutDims dims = getLayoutDims(source.getLayout());
  return dims.dim > dims.sequence;
}

/// The layout of a tile in a kernel whose query rows lie along the lanes.
static Attribute chooseRowLayout(TileType tile, Operation *producer) {
  MLIRContext *context = tile.getContext();
  if (tile.getRank() == 1)
    return BufferLayoutAttr::get(context, tile.getDims(), false);
  auto load = dyn_cast_if_present<LoadTileOp>(producer);
  if (load && !tile.hasDim(Dim::q) && canStream(load, tile))
    return InPlaceLayoutAttr::get(context);
  Dim outer = tile.hasDim(Dim::q) ? Dim::q : Dim::kv;
  Dim inner = tile.getDims()[tile.getDims()[0] == outer ? 1 : 0];
  return BufferLayoutAttr::get(context, {outer, inner}, false);
}

/// The layout of a tile in the role that its dims tell.
static Attribute chooseLayout(TileType tile, Operation *producer) {
  MLIRContext *context = tile.getContext();
  Type element = tile.getElementType();
  bool pairs = isa<FloatType>(element) && element.getIntOrFloatBitWidth() == 16;
  if (tile.getRank() == 1)
    return BufferLayoutAttr::get(context, tile.getDims(), false);
  if (tile.hasDim(Dim::q)) {
    Dim outer = tile.getDims()[tile.getDims()[0] == Dim::q ? 1 : 0];
    return BufferLayoutAttr::get(context, {outer, Dim::q}, pairs);
  }
  auto load = dyn_cast_if_present<LoadTileOp>(producer);
  if (load && canReadInPlace(load, tile))
    return InPlaceLayoutAttr::get(context);
  if (tile.hasDim(Dim::dv))
    return BufferLayoutAttr::get(context, {Dim::kv, Dim::dv}, pairs);
  // Pairs along d are adjacent in this order already.
  return BufferLayoutAttr::get(context, {Dim::kv, Dim::d}, false);
}

static void assignLayout(Value value, Operation *producer, bool byRow) {
  auto tile = dyn_cast<TileType>(value.getType());
  if (tile && !tile.getLayout())
    value.setType(tile.withLayout(byRow ? chooseRowLayout(tile, producer)
                                        : chooseLayout(tile, producer)));
}

namespace {
struct AssignBufferLayoutsPass
    : attn::impl::AssignBufferLayoutsPassBase<AssignBufferLayoutsPass> {
  void runOnOperation() override {
    FunctionType type = getOperation().getFunctionType();
    if (llvm::any_of(type.getInputs(), llvm::IsaPred<TileType>) ||
        llvm::any_of(type.getResults(), llvm::IsaPred<TileType>)) {
      getOperation().emitOpError("takes or returns a tile; expected tiles "
                                 "inside of functions only");
      return signalPassFailure();
    }
    auto schedule =
        getOperation()->getAttrOfType<VectorScheduleAttr>("attn.schedule");
    bool byRow = schedule && schedule.getByRow();
    getOperation().walk([&](Operation *op) {
      for (Value result : op->getResults())
        assignLayout(result, op, byRow);
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument arg : block.getArguments())
            assignLayout(arg, nullptr, byRow);
    });
  }
};
} // namespace
