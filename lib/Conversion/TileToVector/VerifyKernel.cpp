//===- VerifyKernel.cpp - What the vector lowering can lower --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The verifiers of the tile ops allow what some target may lower. The vector
// lowering knows few roles of tiles and relies on them everywhere, so that they
// are checked here, once, before anything is changed.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

/// The buffer layout of `tile`; null if it is read in place.
static BufferLayoutAttr getBufferLayout(TileType tile) {
  return dyn_cast<BufferLayoutAttr>(tile.getLayout());
}

static LogicalResult refuse(Operation *op, Type type, const Twine &expected) {
  return op->emitOpError("has no vector lowering for ")
         << type << "; expected " << expected;
}

/// Whether each query row lies along the lanes, instead of all of them.
static bool isByRow(Operation *op) {
  auto schedule =
      op->getParentOfType<func::FuncOp>()->getAttrOfType<VectorScheduleAttr>(
          "attn.schedule");
  return schedule.getByRow();
}

/// Query rows along the lanes, or each of them, elements as they are.
static LogicalResult expectLanes(Operation *op, TileType tile,
                                 bool allowsPairs = false) {
  if (!tile.hasDim(Dim::q))
    return refuse(op, tile, "a tile with query rows");
  BufferLayoutAttr layout = getBufferLayout(tile);
  if (isByRow(op)) {
    if (!layout || layout.getOrder().front() != Dim::q || layout.getPairs())
      return refuse(op, tile,
                    "a buffer without pairs and with 'q' outermost, "
                    "as the schedule is by_row");
    return success();
  }
  if (!layout || layout.getOrder().back() != Dim::q)
    return refuse(op, tile, "a buffer with 'q' innermost");
  if (layout.getPairs() && !allowsPairs)
    return refuse(op, tile, "a buffer without pairs");
  return success();
}

//===----------------------------------------------------------------------===//
// Views, loads and stores
//===----------------------------------------------------------------------===//

/// Memory that loads and stores can address.
static LogicalResult expectMemory(Operation *op, Type type) {
  auto memref = cast<MemRefType>(type);
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(memref.getStridesAndOffset(strides, offset)) ||
      memref.getMemorySpace())
    return refuse(op, memref, "strides and the default memory space");
  return success();
}

static LogicalResult verifyOp(ViewOp op) {
  auto source = cast<MemRefType>(op.getSource().getType());
  ViewType view = op.getView().getType();
  if (op.getLayout() == Layout::paged && view.getSequence() != Dim::kv)
    return refuse(op, view, "pages of keys and values only");
  if (failed(expectMemory(op, source)) ||
      (op.getBlockTable() &&
       failed(expectMemory(op, op.getBlockTable().getType()))))
    return failure();
  int64_t stride = source.getStridesAndOffset().first.back();
  if (source.getShape().back() != 1 && stride != 1 &&
      !ShapedType::isDynamic(stride))
    return refuse(op, source, "an innermost stride of 1");
  return success();
}

static LogicalResult verifyOp(PackedBlockOp op) {
  return expectMemory(op, op.getCuSeqlens().getType());
}

static LogicalResult verifyOp(LoadTileOp op) {
  TileType tile = op.getTile().getType();
  ViewType view = op.getView().getType();
  if (!op.getView().getDefiningOp<ViewOp>())
    return refuse(op, view, "a view that an attn.view makes");
  BufferLayoutAttr layout = getBufferLayout(tile);
  bool converts = tile.getElementType() != view.getElementType();
  if (converts && (!layout || layout.getPairs()))
    return refuse(op, tile, "the view's element type");
  if (!layout)
    return success();
  if (tile.hasDim(Dim::q) &&
      failed(expectLanes(op, tile, /*allowsPairs=*/true)))
    return failure();
  if (layout.getOrder().back() == Dim::q && !tile.hasDim(Dim::d))
    return refuse(op, tile, "query rows of 'd'");
  if (layout.getOrder().back() != Dim::q &&
      layout.getOrder().back() != view.getDim())
    return refuse(op, tile, "a buffer with 'q' or the head dim innermost");
  return success();
}

static LogicalResult verifyOp(StoreTileOp op) {
  if (failed(expectLanes(op, op.getTile().getType())))
    return failure();
  if (!op.getView().getDefiningOp<ViewOp>())
    return refuse(op, op.getView().getType(), "a view that an attn.view makes");
  if (!op.getTile().getType().getElementType().isF32())
    return refuse(op, op.getTile().getType(), "element type f32");
  Type element = op.getView().getType().getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return refuse(op, op.getView().getType(), "element type f32, f16 or bf16");
  return success();
}

static LogicalResult verifyOp(FillOp op) {
  BufferLayoutAttr layout = getBufferLayout(op.getTile().getType());
  if (!layout || layout.getPairs())
    return refuse(op, op.getTile().getType(), "a buffer without pairs");
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The left operand: rows of keys or values, [kv][d], also where d is summed.
static LogicalResult verifyRows(ContractOp op, bool sumsKeys) {
  TileType tile = op.getLhs().getType();
  if (tile.getElementType() != op.getRhs().getType().getElementType())
    return refuse(op, tile, "the element type of rhs");
  if (!tile.hasDim(Dim::kv))
    return refuse(op, tile, "rows of keys or values");
  bool isWide = tile.getElementType().isF32();
  BufferLayoutAttr layout = getBufferLayout(tile);
  if (layout && layout.getOrder().front() != Dim::kv)
    return refuse(op, tile, "a buffer with 'kv' outermost");
  if (isWide)
    return success();
  // Pairs are of two keys if keys are summed, else neighbours along d.
  if (sumsKeys ? !layout || !layout.getPairs() : layout && layout.getPairs())
    return refuse(op, tile,
                  sumsKeys ? "a buffer with pairs" : "a layout without pairs");
  if (layout)
    return success();
  auto load = op.getLhs().getDefiningOp<LoadTileOp>();
  auto view = load ? load.getView().getDefiningOp<ViewOp>() : ViewOp();
  if (!view || getLayoutDims(view.getLayout()).dim <
                   getLayoutDims(view.getLayout()).sequence)
    return refuse(op, tile, "a buffer, as pairs are not adjacent in place");
  return success();
}

/// The left operand of a product of a few rows: rows of contiguous elements,
/// of the right one's type or widened to it.
static LogicalResult verifyStreamedRows(ContractOp op) {
  TileType tile = op.getLhs().getType();
  Type element = op.getRhs().getType().getElementType();
  if (tile.getElementType() != element && !element.isF32())
    return refuse(op, tile, "the element type of rhs, or f32 there");
  if (!tile.hasDim(Dim::kv))
    return refuse(op, tile, "rows of keys or values");
  if (BufferLayoutAttr layout = getBufferLayout(tile)) {
    if (layout.getOrder().front() != Dim::kv || layout.getPairs())
      return refuse(op, tile, "a buffer without pairs and with 'kv' outermost");
    return success();
  }
  auto load = op.getLhs().getDefiningOp<LoadTileOp>();
  auto view = load ? load.getView().getDefiningOp<ViewOp>() : ViewOp();
  if (!view || getLayoutDims(view.getLayout()).dim <
                   getLayoutDims(view.getLayout()).sequence)
    return refuse(op, tile, "a buffer, as rows are not contiguous in place");
  return success();
}

static LogicalResult verifyOp(ContractOp op) {
  TileType rhs = op.getRhs().getType(), result = op.getResult().getType();
  if (!rhs.hasDim(Dim::q) || !result.hasDim(Dim::q))
    return op.emitOpError("has no vector lowering; expected query rows in rhs "
                          "and result, not in lhs");
  if (failed(expectLanes(op, rhs, /*allowsPairs=*/true)) ||
      failed(expectLanes(op, result)))
    return failure();
  if (isByRow(op))
    return verifyStreamedRows(op);
  bool isWide = rhs.getElementType().isF32();
  if (!isWide && !getBufferLayout(rhs).getPairs())
    return refuse(op, rhs, "a buffer with pairs");
  return verifyRows(op, /*sumsKeys=*/rhs.hasDim(Dim::kv));
}

//===----------------------------------------------------------------------===//
// Maps and reductions
//===----------------------------------------------------------------------===//

static LogicalResult verifyOp(MapOp op) {
  for (Value input : op.getInputs())
    if (failed(expectLanes(op, cast<TileType>(input.getType()))))
      return failure();
  if (failed(expectLanes(op, op.getResult().getType(), /*allowsPairs=*/true)))
    return failure();
  for (Operation &inner : op.getBody().front().without_terminator()) {
    // One scalar each, which becomes a vector where it depends on the row.
    bool isScalar =
        inner.getNumResults() == 1 && inner.getNumRegions() == 0 &&
        isa<IntegerType, IndexType, FloatType>(inner.getResult(0).getType());
    if (!isScalar)
      return inner.emitOpError("in an attn.map has no vector form; expected "
                               "one scalar result and no regions");
  }
  return success();
}

static LogicalResult verifyOp(ReduceOp op) {
  if (failed(expectLanes(op, op.getInput().getType())) ||
      failed(expectLanes(op, op.getResult().getType())))
    return failure();
  return success();
}

static LogicalResult verifyOp(StoreStatsOp op) {
  return expectLanes(op, op.getTile().getType());
}

//===----------------------------------------------------------------------===//
// Tiles between ops
//===----------------------------------------------------------------------===//

static LogicalResult verifyTile(Operation *op, Type type) {
  auto tile = dyn_cast<TileType>(type);
  if (!tile)
    return success();
  if (!tile.getLayout())
    return refuse(op, tile, "a layout; run attn-assign-buffer-layouts first");
  Type element = tile.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return refuse(op, tile, "element type f32, f16 or bf16");
  if (!getBufferLayout(tile) && !isa<LoadTileOp, ContractOp>(op))
    return refuse(op, tile, "a buffer; only products read in place");
  return success();
}

/// Whether the lowering goes into the regions of `op`.
static bool isStructure(Operation *op) {
  return isa<scf::ForOp, scf::WhileOp, scf::IfOp>(op);
}

static LogicalResult verifyTiles(Operation *op, func::FuncOp kernel) {
  bool hasTiles = false;
  for (TypeRange types :
       {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    for (Type type : types) {
      hasTiles |= isa<TileType, ViewType>(type);
      if (failed(verifyTile(op, type)))
        return failure();
    }
  if (!hasTiles)
    return success();
  for (Value operand : op->getOperands())
    if (auto arg = dyn_cast<BlockArgument>(operand))
      if (isa<TileType>(arg.getType()) &&
          !isa<scf::ForOp>(arg.getOwner()->getParentOp()))
        return refuse(op, arg.getType(),
                      "no tile that is a block argument "
                      "outside of scf.for");
  bool isLoop = isa<scf::ForOp>(op) ||
                (isa<scf::YieldOp>(op) && isa<scf::ForOp>(op->getParentOp()));
  if (!isLoop && !isa<AttnDialect>(op->getDialect()))
    return op->emitOpError("on tiles has no vector lowering");
  for (Operation *parent = op->getParentOp(); parent != kernel;
       parent = parent->getParentOp())
    if (!isStructure(parent))
      return op->emitOpError("has no vector lowering inside of '")
             << parent->getName() << "'";
  return success();
}

LogicalResult attn::verifyVectorKernel(func::FuncOp kernel) {
  if (kernel.isExternal() || !kernel.getBody().hasOneBlock())
    return kernel.emitOpError("has attn.schedule and ")
           << kernel.getBody().getBlocks().size()
           << " blocks; expected a body of one block";
  WalkResult result = kernel.getBody().walk([&](Operation *op) -> WalkResult {
    if (failed(verifyTiles(op, kernel)))
      return WalkResult::interrupt();
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<PackedBlockOp, ViewOp, LoadTileOp, StoreTileOp, StoreStatsOp,
              FillOp, ContractOp, MapOp, ReduceOp>(
            [](auto op) { return verifyOp(op); })
        .Default([](Operation *) { return success(); });
  });
  return failure(result.wasInterrupted());
}
