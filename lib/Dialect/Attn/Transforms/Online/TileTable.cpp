//===- TileTable.cpp - What a data-dependent mask shows of each tile ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask that reads data has no symbolic ranges of empty and full tiles, and a
// few others are beyond the limits of their analysis. A kernel of its own fills
// a table, one byte per block of rows and tile of keys, and per head if the
// mask tells heads apart. It visits the tiles that the structured part of the
// mask leaves open; the main kernel walks the same ones and looks up each.
//
//===----------------------------------------------------------------------===//

#include "TileTable.h"
#include "KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

bool attn::needsTileTable(AttentionOp op) {
  return op.getMaskAttr() &&
         isDataDependent(op.getMaskAttr(), op.getQPositions() != nullptr);
}

static bool dependsOnHead(AttentionOp op, Attribute mask) {
  if (isa<PerHeadAttr, CustomAttr>(mask))
    return true;
  if (auto dense = dyn_cast<DenseAttr>(mask)) {
    Value operand = op.getMaskOperands()[dense.getSlot()];
    return cast<ShapedType>(operand.getType()).getDimSize(1) != 1;
  }
  return llvm::any_of(getMaskOperands(mask), [&](Attribute operand) {
    return dependsOnHead(op, operand);
  });
}

MemRefType attn::getTileTableType(MLIRContext *context) {
  return MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                         IntegerType::get(context, 8));
}

Value attn::buildTableHeads(ImplicitLocOpBuilder &b, AttentionOp op,
                            Value heads) {
  return dependsOnHead(op, op.getMaskAttr()) ? heads : buildIndex(b, 1);
}

Value attn::buildKeyCapacity(ImplicitLocOpBuilder &b, AttentionOp op) {
  Value keys = buildDim(b, op.getK(), getLayoutDims(op.getKLayout()).sequence);
  if (op.isPaged())
    keys = arith::MulIOp::create(b, keys, buildDim(b, op.getBlockTable(), 1));
  return keys;
}

TileTable attn::allocateTileTable(ImplicitLocOpBuilder &b, AttentionOp op,
                                  const WorkExtents &work) {
  Value blocks = arith::MulIOp::create(b, work.batches, work.qBlocks);
  Value rows =
      arith::MulIOp::create(b, blocks, buildTableHeads(b, op, work.heads));
  int64_t blockKv = op.getConfigAttr().getBlockKv();
  Value rounded = arith::AddIOp::create(b, buildKeyCapacity(b, op),
                                        buildIndex(b, blockKv - 1));
  Value tiles = arith::DivUIOp::create(b, rounded, buildIndex(b, blockKv));
  Value memref = memref::AllocOp::create(b, getTileTableType(b.getContext()),
                                         ValueRange{rows, tiles});
  return {memref, rows};
}

//===----------------------------------------------------------------------===//
// Filling it
//===----------------------------------------------------------------------===//

/// The row of the table that belongs to the work item.
Value KernelBuilder::buildTableRow() {
  auto toTileHead = [&](Value head) -> Value {
    if (config.getHeads() == 1)
      return head;
    return arith::DivUIOp::create(b, head, buildIndex(b, config.getHeads()));
  };
  Value headDim =
      buildDim(b, arg(op.getQ()), getLayoutDims(op.getQLayout()).head);
  Value heads = buildTableHeads(b, op, toTileHead(headDim));
  Value first = arith::MulIOp::create(b, item.blockNumber, heads);
  if (getConstantIntValue(heads) == 1)
    return first;
  return arith::AddIOp::create(b, first, toTileHead(item.head));
}

/// What the rows of the work item see of one tile of keys: counts the visible
/// keys of each row.
FailureOr<Value> KernelBuilder::buildTileVisibility(Value tile) {
  int64_t blockKv = config.getBlockKv();
  KeyTile keys =
      buildKeyTile(tile, arith::MulIOp::create(b, tile, buildIndex(b, blockKv)),
                   blockKv, TileKind::Partial);
  auto countType = TileType::get(b.getContext(), {Dim::q}, {config.getBlockQ()},
                                 b.getF32Type());
  auto pairType = TileType::get(b.getContext(), {Dim::q, Dim::kv},
                                {config.getBlockQ(), blockKv}, b.getF32Type());
  Value zero = FillOp::create(b, countType, buildF32(b, 0));
  LogicalResult status = success();
  Value shown = buildPairMap(
      pairType, {}, getPairOperands(/*scores=*/false, /*visibility=*/true),
      keys, [&](ImplicitLocOpBuilder &b, ValueRange, ValueRange at) {
        FailureOr<Value> visible = buildVisible(b, at, keys);
        status = visible;
        if (failed(visible))
          return buildF32(b, 0);
        return arith::SelectOp::create(b, *visible, buildF32(b, 1),
                                       buildF32(b, 0))
            .getResult();
      });
  if (failed(status))
    return failure();
  Value counts = ReduceOp::create(b, ReductionKind::add, shown, zero);
  return TileKindOp::create(b, b.getI8Type(), counts, item.rows,
                            b.getI64IntegerAttr(blockKv))
      .getResult();
}

LogicalResult KernelBuilder::buildTableRanges(const BodyRanges &ranges,
                                              TileKind kind) {
  LogicalResult status = success();
  forEachRange(b, ranges, [&](Value begin, Value end) {
    auto loop = scf::ForOp::create(b, begin, end, buildIndex(b, 1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value tile = loop.getInductionVar();
    Value content = buildVisibility(b, TileVisibility::full);
    if (kind == TileKind::Partial) {
      FailureOr<Value> visited = buildTileVisibility(tile);
      status = visited;
      content = visited.value_or(content);
    }
    memref::StoreOp::create(b, content, table, ValueRange{tableRow, tile});
  });
  return status;
}

LogicalResult KernelBuilder::fillTableRow() {
  if (failed(buildTableRanges(full, TileKind::Full)))
    return failure();
  return buildTableRanges(partial, TileKind::Partial);
}

//===----------------------------------------------------------------------===//
// Reading it
//===----------------------------------------------------------------------===//

Value attn::buildVisibility(ImplicitLocOpBuilder &b, TileVisibility content) {
  return arith::ConstantOp::create(
      b, b.getI8IntegerAttr(static_cast<int8_t>(content)));
}

/// Whether some tile may be full: K holds as many keys as a tile.
bool KernelBuilder::canBeFull() {
  int64_t keys =
      op.getKType().getDimSize(getLayoutDims(op.getKLayout()).sequence);
  return op.isPaged() || ShapedType::isDynamic(keys) ||
         keys >= config.getBlockKv();
}

/// How often the body of `kind` runs on `tile`: 0 or 1 times.
Value KernelBuilder::buildTimes(Value tile, TileKind kind) {
  Value content = memref::LoadOp::create(b, table, ValueRange{tableRow, tile});
  auto is = [&](arith::CmpIPredicate predicate, TileVisibility visibility) {
    return arith::CmpIOp::create(b, predicate, content,
                                 buildVisibility(b, visibility));
  };
  Value runs = oneBody ? is(arith::CmpIPredicate::ne, TileVisibility::empty)
               : kind == TileKind::Full
                   ? is(arith::CmpIPredicate::eq, TileVisibility::full)
                   : is(arith::CmpIPredicate::eq, TileVisibility::partial);
  return arith::SelectOp::create(b, runs, buildIndex(b, 1), buildIndex(b, 0));
}
