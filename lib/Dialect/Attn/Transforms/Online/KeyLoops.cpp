//===- KeyLoops.cpp - Loops over the key tiles of a work item -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;

void KernelBuilder::buildTileCount(TileKind kind) {
  if (!countTiles)
    return;
  Value counts = memref::GetGlobalOp::create(
      b, MemRefType::get({2}, b.getI64Type()), kTileCounts);
  Value one = arith::ConstantOp::create(b, b.getI64IntegerAttr(1));
  memref::AtomicRMWOp::create(b, arith::AtomicRMWKind::addi, one, counts,
                              buildIndex(b, kind == TileKind::Full ? 1 : 0));
}

/// The steps of one key tile: one, or block_kv / block_kv_compute.
FailureOr<OnlineState>
KernelBuilder::buildComputeSteps(const OnlineState &state, Value tile,
                                 TileKind kind) {
  buildTileCount(kind);
  int64_t blockKv = config.getBlockKv(), keys = config.getBlockKvCompute();
  Value firstKey = arith::MulIOp::create(b, tile, buildIndex(b, blockKv));
  if (blockKv == keys)
    return buildStep(state, tile, firstKey, kind);
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, blockKv),
                                 buildIndex(b, keys), state.values());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value stepKey = arith::AddIOp::create(b, firstKey, loop.getInductionVar());
  FailureOr<OnlineState> next = buildStep(
      OnlineState::fromValues(loop.getRegionIterArgs()), tile, stepKey, kind);
  if (failed(next))
    return failure();
  scf::YieldOp::create(b, next->values());
  return OnlineState::fromValues(loop.getResults());
}

/// The steps of one tile, if the table has it as one of `kind`.
FailureOr<OnlineState> KernelBuilder::buildTile(const OnlineState &state,
                                                Value tile, TileKind kind) {
  if (!table)
    return buildComputeSteps(state, tile, kind);
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildTimes(tile, kind),
                                 buildIndex(b, 1), state.values());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  FailureOr<OnlineState> next = buildComputeSteps(
      OnlineState::fromValues(loop.getRegionIterArgs()), tile, kind);
  if (failed(next))
    return failure();
  scf::YieldOp::create(b, next->values());
  return OnlineState::fromValues(loop.getResults());
}

FailureOr<OnlineState> KernelBuilder::buildTileLoop(const OnlineState &state,
                                                    Value begin, Value end,
                                                    TileKind kind) {
  auto loop =
      scf::ForOp::create(b, begin, end, buildIndex(b, 1), state.values());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  FailureOr<OnlineState> next =
      buildTile(OnlineState::fromValues(loop.getRegionIterArgs()),
                loop.getInductionVar(), kind);
  if (failed(next))
    return failure();
  scf::YieldOp::create(b, next->values());
  return OnlineState::fromValues(loop.getResults());
}

/// The bounds of range `number`, a value, of `ranges`.
static std::pair<Value, Value>
selectRange(ImplicitLocOpBuilder &b, const BodyRanges &ranges, Value number) {
  Value begin = ranges.begins[0], end = ranges.ends[0];
  for (size_t i = 1; i < ranges.begins.size(); ++i) {
    Value mine = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number,
                                       buildIndex(b, i));
    begin = arith::SelectOp::create(b, mine, ranges.begins[i], begin);
    end = arith::SelectOp::create(b, mine, ranges.ends[i], end);
  }
  return {begin, end};
}

void attn::forEachRange(ImplicitLocOpBuilder &b, const BodyRanges &ranges,
                        function_ref<void(Value begin, Value end)> body) {
  size_t count = ranges.begins.size();
  if (count == 0)
    return;
  if (count == 1)
    return body(ranges.begins[0], ranges.ends[0]);
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, count),
                                 buildIndex(b, 1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto [begin, end] = selectRange(b, ranges, loop.getInductionVar());
  body(begin, end);
}

/// All ranges that run the body of `kind`, through one copy of that body.
FailureOr<OnlineState> KernelBuilder::buildRangeLoops(const OnlineState &state,
                                                      const BodyRanges &ranges,
                                                      TileKind kind) {
  size_t count = ranges.begins.size();
  if (count == 0)
    return state;
  if (count == 1)
    return buildTileLoop(state, ranges.begins[0], ranges.ends[0], kind);
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, count),
                                 buildIndex(b, 1), state.values());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto [begin, end] = selectRange(b, ranges, loop.getInductionVar());
  FailureOr<OnlineState> next = buildTileLoop(
      OnlineState::fromValues(loop.getRegionIterArgs()), begin, end, kind);
  if (failed(next))
    return failure();
  scf::YieldOp::create(b, next->values());
  return OnlineState::fromValues(loop.getResults());
}

/// Stores the tile's rows of out and, if the op has one, of lse; of out only
/// what is not finite yet, if `keepFinite` is given and true.
void KernelBuilder::storeTile(Value outTile, Value lseTile, Value keepFinite) {
  Value view = buildView(out, outLayout, Dim::q, Dim::dv, op.getValueHeadDim());
  // Padding rows are written too.
  Value length = item.qLen;
  if (!op.isPackedQ())
    length =
        buildDim(b, arg(op.getQ()), getLayoutDims(op.getQLayout()).sequence);
  Value valid =
      buildTileRows(buildMin(b, arith::SubIOp::create(b, length, item.firstRow),
                             buildIndex(b, getBlockRows())));
  if (lseTile) {
    SmallVector<Value> at{item.batch, item.head, item.firstRow};
    if (op.isPackedQ())
      at = {item.head, arith::AddIOp::create(b, item.qBase, item.firstRow)};
    StoreStatsOp::create(b, lseTile, lse, at, valid, config.getHeads());
  }
  StoreTileOp::create(b, outTile, view, buildTileRows(item.firstRow), valid,
                      keepFinite);
}

void KernelBuilder::storeResults(const OnlineState &state) {
  double unit = getUnit();
  auto withSink = [&](const OnlineState &keys) {
    return item.sink ? buildWithSink(b, keys, item.sink, unit) : keys;
  };
  OnlineState all = withSink(state), exact = all;
  if (state.exactSum)
    exact = withSink(buildExactState(b, state, score->getOperandType(), unit));
  Value lseTile;
  if (lse)
    lseTile = buildLse(b, exact, item.rows, item.sink ? 1 : unit);
  Value outTile = buildOutput(b, all, item.rows, guardScale, item.outDescale);
  storeTile(outTile, lseTile, /*keepFinite=*/guard);
}

/// Rows that belong to no sequence.
void KernelBuilder::storePadding() {
  int64_t blockQ = config.getBlockQ();
  Type f32 = b.getF32Type();
  auto statistic = TileType::get(b.getContext(), {Dim::q}, {blockQ}, f32);
  auto rows = TileType::get(b.getContext(), {Dim::q, Dim::dv},
                            {blockQ, op.getValueHeadDim()}, f32);
  Value lseTile;
  if (lse)
    lseTile = FillOp::create(b, statistic, buildF32(b, -INFINITY));
  storeTile(FillOp::create(b, rows, buildF32(b, 0)), lseTile,
            /*keepFinite=*/Value());
}

KernelBuilder::KernelBuilder(AttentionOp op, func::FuncOp kernel,
                             const IRMapping &args, const Workspace &workspace,
                             Value table, bool fillsTable, bool countTiles,
                             IntractableMasks &intractable)
    : op(op), config(op.getConfigAttr()), args(args), workspace(workspace),
      table(table), fillsTable(fillsTable), countTiles(countTiles),
      intractable(intractable), b(op.getLoc(), op.getContext()),
      outLayout(op.getOutLayout()) {
  b.setInsertionPointToStart(&kernel.getBody().front());
  begin = kernel.getArguments().drop_back(1).back();
  end = kernel.getArguments().back();
}

/// A block of rows of a sequence.
LogicalResult KernelBuilder::buildSequenceItem() {
  buildSequence();
  score.emplace(
      b, op, [&](Value operand) { return arg(operand); }, item.alibiSlope,
      item.scoreDescale);
  buildPairOperands();
  if (table)
    tableRow = buildTableRow();
  if (failed(buildMaskRanges()))
    return failure();
  if (fillsTable)
    return fillTableRow();
  if (item.part)
    cutRanges();
  queryTile = loadQueryTile();
  return buildAttempts();
}

/// Of packed sequences, some work items are left over, and some are of rows
/// that belong to no sequence.
LogicalResult KernelBuilder::buildPackedItem() {
  auto isLess = [&](Value lhs, Value rhs) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lhs, rhs);
  };
  auto used = scf::IfOp::create(b, isLess(item.firstRow, item.qLen),
                                /*withElseRegion=*/false);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(used.thenBlock());
  Value sequences = arith::SubIOp::create(
      b, buildDim(b, arg(op.getCuSeqlensQ()), 0), buildIndex(b, 1));
  auto exists = scf::IfOp::create(b, isLess(item.batch, sequences),
                                  /*withElseRegion=*/true);
  b.setInsertionPointToStart(exists.elseBlock());
  if (!fillsTable)
    storePadding();
  b.setInsertionPointToStart(exists.thenBlock());
  return buildSequenceItem();
}

LogicalResult KernelBuilder::build() {
  auto loop = scf::ForOp::create(b, begin, end, buildIndex(b, 1));
  b.setInsertionPointToStart(loop.getBody());
  Value index = loop.getInductionVar();
  if (config.getSplit() && !fillsTable) {
    index = buildPart(index);
  } else if (!fillsTable) {
    out = arg(op.getOut());
    if (op.getLse())
      lse = arg(op.getLse());
  }
  buildWorkItem(index);
  return op.isPackedQ() ? buildPackedItem() : buildSequenceItem();
}
