//===- ConvertToOnline.cpp - Attention becomes an online-softmax kernel -===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// One kernel per attention op. Its steps, in the order of the emitted code:
// decode the work item, load the query tile, derive the key ranges, walk the
// ranges with the online softmax, store out and lse.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskRanges.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/Transforms/EmitTileRanges.h"
#include "attn/Dialect/Attn/Transforms/MaskPredicate.h"
#include "attn/Dialect/Attn/Transforms/OnlineSoftmax.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "attn/Dialect/Attn/Transforms/ScoreFunction.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTTOONLINEPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Executions of the masked and of the unmasked tile body, in this order.
static constexpr StringLiteral kTileCounts = "attn_tile_counts";

//===----------------------------------------------------------------------===//
// Small builders
//===----------------------------------------------------------------------===//

static Value buildIndex(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

static Value buildMin(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::MinSIOp::create(b, lhs, rhs);
}

/// An integer element of `memref`, as an index.
static Value buildLoadIndex(ImplicitLocOpBuilder &b, Value memref,
                            ValueRange indices) {
  Value element = memref::LoadOp::create(b, memref, indices);
  return arith::IndexCastOp::create(b, b.getIndexType(), element);
}

static Value buildDim(ImplicitLocOpBuilder &b, Value memref, int dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return buildIndex(b, type.getDimSize(dim));
  return memref::DimOp::create(b, memref, dim);
}

static std::optional<int64_t> getConstant(Value value) {
  return getConstantIntValue(value);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

namespace {
/// The extents of the work list, on the host or in the kernel.
struct WorkExtents {
  Value batches, heads, qBlocks;
};
} // namespace

static WorkExtents buildWorkExtents(ImplicitLocOpBuilder &b, AttentionOp op,
                                    Value q) {
  LayoutDims dims = getLayoutDims(op.getQLayout());
  AffineExpr s0 = b.getAffineSymbolExpr(0);
  Value blocks = affine::AffineApplyOp::create(
      b, AffineMap::get(0, 1, s0.ceilDiv(op.getConfigAttr().getBlockQ())),
      buildDim(b, q, dims.sequence));
  return {buildDim(b, q, dims.batch), buildDim(b, q, dims.head), blocks};
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

namespace {

/// Ranges of key tiles that all run the same body.
struct BodyRanges {
  SmallVector<Value> begins, ends;
};

/// Builds the body of one kernel function.
class KernelBuilder {
public:
  KernelBuilder(AttentionOp op, func::FuncOp kernel, const IRMapping &args,
                bool countTiles)
      : op(op), config(op.getConfigAttr()), args(args), countTiles(countTiles),
        b(op.getLoc(), op.getContext()) {
    b.setInsertionPointToStart(&kernel.getBody().front());
    begin = kernel.getArguments().drop_back(1).back();
    end = kernel.getArguments().back();
  }

  LogicalResult build();

private:
  Value arg(Value operand) const { return args.lookup(operand); }
  Value buildSeqLen(Value lens, Value memref, Layout layout);
  Value buildQOffset();
  Value buildSink();
  void buildWorkItem(Value index);
  LogicalResult buildMaskRanges();
  LogicalResult buildClassRanges(Attribute mask, BodyRanges &full,
                                 BodyRanges &partial);
  void selectClass(ArrayRef<BodyRanges> classes, BodyRanges &merged);
  Value loadQueryTile();
  FailureOr<OnlineState> buildRangeLoops(const OnlineState &state,
                                         const BodyRanges &ranges,
                                         TileKind kind);
  FailureOr<OnlineState> buildTileLoop(const OnlineState &state, Value begin,
                                       Value end, TileKind kind);
  FailureOr<OnlineState> buildComputeSteps(const OnlineState &state, Value tile,
                                           TileKind kind);
  FailureOr<OnlineState> buildStep(const OnlineState &state, Value firstKey,
                                   TileKind kind);
  FailureOr<Value> buildVisible(ImplicitLocOpBuilder &b, Value row, Value key);
  void buildTileCount(TileKind kind);
  LogicalResult buildAttempts();
  void storeResults(const OnlineState &state);

  AttentionOp op;
  ConfigAttr config;
  const IRMapping &args;
  bool countTiles;
  ImplicitLocOpBuilder b;
  Value begin, end;

  // One work item.
  Value batch, head, kvHead, firstRow;
  Value qLen, kvLen, qOffset;
  /// Number of rows of the tile below q_len.
  Value rows;
  /// Null if there is none.
  Value sink;
  Value queryTile, kView, vView;
  /// i1: whether products with V must skip keys of weight 0.
  Value guard;
  std::optional<ScoreFunction> score;

  /// Heads with equal masks form a class; `headClass` is null if all agree.
  SmallVector<Attribute> classMasks;
  SmallVector<int64_t> classOfHead;
  Value headClass;
  BodyRanges full, partial;
};

} // namespace

/// The length of one sequence: its element of `lens`, or the whole dim.
Value KernelBuilder::buildSeqLen(Value lens, Value memref, Layout layout) {
  if (lens)
    return buildLoadIndex(b, arg(lens), batch);
  return buildDim(b, arg(memref), getLayoutDims(layout).sequence);
}

Value KernelBuilder::buildQOffset() {
  Value dynamic = op.getDynamicQOffset();
  if (!dynamic)
    return buildIndex(b, op.getQOffset().value_or(0));
  if (isa<MemRefType>(dynamic.getType()))
    return buildLoadIndex(b, arg(dynamic), batch);
  return arith::IndexCastOp::create(b, b.getIndexType(), arg(dynamic));
}

Value KernelBuilder::buildSink() {
  if (!op.getSinks())
    return {};
  return memref::LoadOp::create(b, arg(op.getSinks()), head);
}

/// Decodes the work item and what depends on it alone.
void KernelBuilder::buildWorkItem(Value index) {
  Value q = arg(op.getQ()), k = arg(op.getK()), v = arg(op.getV());
  WorkExtents work = buildWorkExtents(b, op, q);
  auto item = WorkItemOp::create(b, index, work.batches, work.heads,
                                 work.qBlocks, /*longest_first=*/true);
  batch = item.getBatch();
  head = item.getHead();
  Value kvHeads = buildDim(b, k, getLayoutDims(op.getKLayout()).head);
  Value group = arith::DivUIOp::create(b, work.heads, kvHeads);
  kvHead = arith::DivUIOp::create(b, head, group);
  firstRow = arith::MulIOp::create(b, item.getQBlock(),
                                   buildIndex(b, config.getBlockQ()));
  qLen = buildSeqLen(op.getQLens(), op.getQ(), op.getQLayout());
  kvLen = buildSeqLen(op.getKvLens(), op.getK(), op.getKLayout());
  qOffset = buildQOffset();
  Value left = arith::SubIOp::create(b, qLen, firstRow);
  rows = arith::MaxSIOp::create(
      b, buildMin(b, left, buildIndex(b, config.getBlockQ())),
      buildIndex(b, 0));

  auto view = [&](Value memref, Value viewHead, Layout layout, Dim sequence,
                  Dim dim, int64_t extent) {
    auto type = ViewType::get(b.getContext(), sequence, dim, extent,
                              getElementTypeOrSelf(memref.getType()));
    return ViewOp::create(b, type, memref, batch, viewHead, Value(), layout)
        .getView();
  };
  kView = view(k, kvHead, op.getKLayout(), Dim::kv, Dim::d, op.getHeadDim());
  vView =
      view(v, kvHead, op.getVLayout(), Dim::kv, Dim::dv, op.getValueHeadDim());
}

/// The query tile, scaled where its type holds the product.
Value KernelBuilder::loadQueryTile() {
  Value q = arg(op.getQ());
  Type element = getElementTypeOrSelf(q.getType());
  auto viewType =
      ViewType::get(b.getContext(), Dim::q, Dim::d, op.getHeadDim(), element);
  Value view =
      ViewOp::create(b, viewType, q, batch, head, Value(), op.getQLayout());
  auto tileType = TileType::get(b.getContext(), {Dim::q, Dim::d},
                                {config.getBlockQ(), op.getHeadDim()},
                                score->getOperandType());
  Value tile = LoadTileOp::create(b, tileType, view, firstRow, rows);
  return score->buildScaledQuery(b, tile);
}

//===----------------------------------------------------------------------===//
// Key ranges
//===----------------------------------------------------------------------===//

/// The ranges of one class of heads, split by the body they run.
LogicalResult KernelBuilder::buildClassRanges(Attribute mask, BodyRanges &full,
                                              BodyRanges &partial) {
  MaskProblem problem;
  problem.mask = mask;
  problem.blockQ = config.getBlockQ();
  problem.blockKv = config.getBlockKv();
  problem.qOffset = getConstant(qOffset);
  problem.qLen = getConstant(qLen);
  problem.kvLen = getConstant(kvLen);
  FailureOr<MaskRanges> ranges = analyzeKvRanges(
      b.getContext(), problem, [&] { return op.emitOpError(); });
  if (failed(ranges))
    return failure();
  SmallVector<Value> slots;
  for (int64_t slot : ranges->slots)
    slots.push_back(buildLoadIndex(b, arg(op.getMaskOperands()[slot]), batch));
  Value block =
      arith::DivUIOp::create(b, firstRow, buildIndex(b, config.getBlockQ()));
  for (const EmittedRange &range : emitTileRanges(
           b, b.getLoc(), *ranges, block, qOffset, qLen, kvLen, slots)) {
    BodyRanges &body = range.kind == TileKind::Full ? full : partial;
    body.begins.push_back(range.begin);
    body.ends.push_back(range.end);
  }
  return success();
}

/// The ranges of this work item's class of heads; missing ones are empty.
void KernelBuilder::selectClass(ArrayRef<BodyRanges> classes,
                                BodyRanges &merged) {
  size_t count = 0;
  for (const BodyRanges &ranges : classes)
    count = std::max(count, ranges.begins.size());
  Value zero = buildIndex(b, 0);
  for (size_t i = 0; i < count; ++i) {
    Value begin = zero, end = zero;
    for (auto [number, ranges] : llvm::enumerate(classes)) {
      if (i >= ranges.begins.size())
        continue;
      Value mine = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, headClass,
                                         buildIndex(b, number));
      begin = arith::SelectOp::create(b, mine, ranges.begins[i], begin);
      end = arith::SelectOp::create(b, mine, ranges.ends[i], end);
    }
    merged.begins.push_back(begin);
    merged.ends.push_back(end);
  }
}

static bool hasPerHead(Attribute mask) {
  return mask && (isa<PerHeadAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), hasPerHead));
}

LogicalResult KernelBuilder::buildMaskRanges() {
  int64_t heads = op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  SmallVector<Attribute> masks{op.getMaskAttr()};
  // A number of heads that no mask agrees with may be anything.
  if (!ShapedType::isDynamic(heads) && hasPerHead(op.getMaskAttr()))
    masks = expandPerHead(op.getMaskAttr(), heads);
  llvm::SetVector<Attribute> distinct(masks.begin(), masks.end());
  classMasks = distinct.takeVector();
  for (Attribute mask : masks)
    classOfHead.push_back(llvm::find(classMasks, mask) - classMasks.begin());
  if (classMasks.size() == 1)
    return buildClassRanges(classMasks.front(), full, partial);

  auto table = arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get(heads, b.getI64Type()),
                                ArrayRef<int64_t>(classOfHead)));
  Value i64Class = vector::ExtractOp::create(b, table, head);
  headClass = arith::IndexCastOp::create(b, b.getIndexType(), i64Class);
  SmallVector<BodyRanges> fulls(classMasks.size()), partials(fulls.size());
  for (auto [mask, f, p] : llvm::zip_equal(classMasks, fulls, partials))
    if (failed(buildClassRanges(mask, f, p)))
      return failure();
  selectClass(fulls, full);
  selectClass(partials, partial);
  return success();
}

//===----------------------------------------------------------------------===//
// Loops over keys
//===----------------------------------------------------------------------===//

/// i1: whether the row of the tile sees `key`.
FailureOr<Value> KernelBuilder::buildVisible(ImplicitLocOpBuilder &b, Value row,
                                             Value key) {
  Value position = arith::AddIOp::create(
      b, row, arith::AddIOp::create(b, firstRow, qOffset));
  auto slotValue = [&](int64_t slot) {
    return buildLoadIndex(b, arg(op.getMaskOperands()[slot]), batch);
  };
  MaskOperands operands;
  operands.qPos = position;
  operands.j = key;
  operands.b = batch;
  operands.h = head;
  operands.slotValue = slotValue;
  Value visible =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, key, kvLen);
  Value byMask;
  for (auto [number, mask] : llvm::enumerate(classMasks)) {
    if (!mask)
      continue;
    FailureOr<Value> value = emitVisible(b, b.getLoc(), mask, operands,
                                         [&] { return op.emitOpError(); });
    if (failed(value))
      return failure();
    if (!headClass) {
      byMask = *value;
      continue;
    }
    Value mine = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, headClass,
                                       buildIndex(b, number));
    Value term = arith::AndIOp::create(b, mine, *value);
    byMask = byMask ? arith::OrIOp::create(b, byMask, term) : term;
  }
  if (!byMask)
    return visible;
  return arith::AndIOp::create(b, visible, byMask).getResult();
}

void KernelBuilder::buildTileCount(TileKind kind) {
  if (!countTiles)
    return;
  Value counts = memref::GetGlobalOp::create(
      b, MemRefType::get({2}, b.getI64Type()), kTileCounts);
  Value one = arith::ConstantOp::create(b, b.getI64IntegerAttr(1));
  memref::AtomicRMWOp::create(b, arith::AtomicRMWKind::addi, one, counts,
                              buildIndex(b, kind == TileKind::Full ? 1 : 0));
}

/// One step of the online softmax on the keys from `firstKey` on.
FailureOr<OnlineState> KernelBuilder::buildStep(const OnlineState &state,
                                                Value firstKey, TileKind kind) {
  int64_t keys = config.getBlockKvCompute();
  Value valid = buildIndex(b, keys);
  if (kind == TileKind::Partial) {
    Value left = arith::SubIOp::create(b, kvLen, firstKey);
    valid =
        arith::MaxSIOp::create(b, buildMin(b, left, valid), buildIndex(b, 0));
  }
  Type operandType = score->getOperandType();
  auto tileType = [&](Dim first, int64_t extent, Dim second, int64_t extent2,
                      Type element) {
    return TileType::get(b.getContext(), {first, second}, {extent, extent2},
                         element);
  };
  Value k = LoadTileOp::create(
      b, tileType(Dim::kv, keys, Dim::d, op.getHeadDim(), operandType), kView,
      firstKey, valid);
  Value v = LoadTileOp::create(
      b, tileType(Dim::kv, keys, Dim::dv, op.getValueHeadDim(), operandType),
      vView, firstKey, valid);
  Value scores = ContractOp::create(
      b, tileType(Dim::q, config.getBlockQ(), Dim::kv, keys, b.getF32Type()), k,
      queryTile, valid, /*into=*/Value(), /*guard=*/Value());

  LogicalResult status = success();
  auto hide = [&](ImplicitLocOpBuilder &b, Value value, Value row,
                  Value column) -> Value {
    if (kind == TileKind::Full)
      return value;
    Value key = arith::AddIOp::create(b, column, firstKey);
    FailureOr<Value> visible = buildVisible(b, row, key);
    if (failed(visible)) {
      status = failure();
      return value;
    }
    return arith::SelectOp::create(b, *visible, value, buildF32(b, -INFINITY));
  };
  if (kind == TileKind::Partial || score->needsMap())
    scores = buildMap(
        b, cast<TileType>(scores.getType()), scores,
        [&](ImplicitLocOpBuilder &b, ValueRange elements, ValueRange at) {
          Value value = score->buildScore(b, elements[0]);
          return hide(b, value, at[0], at[1]);
        });
  if (failed(status))
    return failure();
  return buildOnlineStep(b, state, {scores, v, valid, guard});
}

/// The steps of one key tile: one, or block_kv / block_kv_compute.
FailureOr<OnlineState>
KernelBuilder::buildComputeSteps(const OnlineState &state, Value tile,
                                 TileKind kind) {
  buildTileCount(kind);
  int64_t blockKv = config.getBlockKv(), keys = config.getBlockKvCompute();
  Value firstKey = arith::MulIOp::create(b, tile, buildIndex(b, blockKv));
  if (blockKv == keys)
    return buildStep(state, firstKey, kind);
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, blockKv),
                                 buildIndex(b, keys), state.values());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value stepKey = arith::AddIOp::create(b, firstKey, loop.getInductionVar());
  FailureOr<OnlineState> next = buildStep(
      OnlineState::fromValues(loop.getRegionIterArgs()), stepKey, kind);
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
      buildComputeSteps(OnlineState::fromValues(loop.getRegionIterArgs()),
                        loop.getInductionVar(), kind);
  if (failed(next))
    return failure();
  scf::YieldOp::create(b, next->values());
  return OnlineState::fromValues(loop.getResults());
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
  Value begin = ranges.begins[0], end = ranges.ends[0];
  for (size_t i = 1; i < count; ++i) {
    Value mine = arith::CmpIOp::create(
        b, arith::CmpIPredicate::eq, loop.getInductionVar(), buildIndex(b, i));
    begin = arith::SelectOp::create(b, mine, ranges.begins[i], begin);
    end = arith::SelectOp::create(b, mine, ranges.ends[i], end);
  }
  FailureOr<OnlineState> next = buildTileLoop(
      OnlineState::fromValues(loop.getRegionIterArgs()), begin, end, kind);
  if (failed(next))
    return failure();
  scf::YieldOp::create(b, next->values());
  return OnlineState::fromValues(loop.getResults());
}

//===----------------------------------------------------------------------===//
// The whole kernel
//===----------------------------------------------------------------------===//

void KernelBuilder::storeResults(const OnlineState &state) {
  Value out = arg(op.getOut());
  auto viewType =
      ViewType::get(b.getContext(), Dim::q, Dim::dv, op.getValueHeadDim(),
                    getElementTypeOrSelf(out.getType()));
  Value view =
      ViewOp::create(b, viewType, out, batch, head, Value(), op.getOutLayout());
  // Padding rows are written too.
  Value length =
      buildDim(b, arg(op.getQ()), getLayoutDims(op.getQLayout()).sequence);
  Value valid = buildMin(b, arith::SubIOp::create(b, length, firstRow),
                         buildIndex(b, config.getBlockQ()));
  if (op.getLse())
    StoreStatsOp::create(b, buildLse(b, state, rows, sink), arg(op.getLse()),
                         ValueRange{batch, head, firstRow}, valid);
  StoreTileOp::create(b, buildOutput(b, state, rows), view, firstRow, valid);
}

/// Walks the keys and stores the results. Hidden keys have weight 0, which
/// keeps their V out unless it is NaN or infinite. That is rare and shows in
/// the accumulators, so the products run unguarded first, and once more with a
/// guard if an accumulator is not finite.
LogicalResult KernelBuilder::buildAttempts() {
  Value no = arith::ConstantOp::create(b, b.getBoolAttr(false));
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  auto attempts = scf::WhileOp::create(b, TypeRange(), ValueRange{no});
  OpBuilder::InsertionGuard insertion(b);
  Block *attempt =
      b.createBlock(&attempts.getBefore(), {}, b.getI1Type(), b.getLoc());
  guard = attempt->getArgument(0);
  FailureOr<OnlineState> state =
      buildInitialState(b, config.getBlockQ(), op.getValueHeadDim(), sink);
  state = buildRangeLoops(*state, full, TileKind::Full);
  if (failed(state))
    return failure();
  state = buildRangeLoops(*state, partial, TileKind::Partial);
  if (failed(state))
    return failure();
  Value finite = AllFiniteOp::create(b, state->acc);
  storeResults(*state);
  Value done = arith::OrIOp::create(b, finite, guard);
  scf::ConditionOp::create(b, arith::XOrIOp::create(b, done, yes),
                           ValueRange());
  b.createBlock(&attempts.getAfter());
  scf::YieldOp::create(b, ValueRange{yes});
  return success();
}

LogicalResult KernelBuilder::build() {
  auto loop = scf::ForOp::create(b, begin, end, buildIndex(b, 1));
  b.setInsertionPointToStart(loop.getBody());
  buildWorkItem(loop.getInductionVar());
  score.emplace(b, op, [&](Value operand) { return arg(operand); });
  if (failed(buildMaskRanges()))
    return failure();
  queryTile = loadQueryTile();
  sink = buildSink();
  return buildAttempts();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// What the kernel would leave out, by name. Targets refuse it, and more, when
/// they choose a config; configs may be written by hand.
static std::optional<StringRef> findWithoutLowering(AttentionOp op) {
  const std::pair<bool, StringRef> features[] = {
      {op.isPackedQ() || op.isPackedKv(), "cu_seqlens"},
      {op.isPaged(), "block_table"},
      {static_cast<bool>(op.getBias()), "bias"},
      {static_cast<bool>(op.getAlibiSlopes()), "alibi_slopes"},
      {static_cast<bool>(op.getQPositions()), "q_positions"},
      {static_cast<bool>(op.getScoreModAttr()), "score_mod"},
      {op.getQDescale() || op.getKDescale() || op.getVDescale(), "descales"},
      {op.getNumSplits() || op.getSplitSize(), "split keys"}};
  for (auto [used, feature] : features)
    if (used)
      return feature;
  return std::nullopt;
}

/// What the kernel relies on and the verifier does not promise.
static LogicalResult verifyConvertible(AttentionOp op, ModuleOp module) {
  auto parent = op->getParentOfType<func::FuncOp>();
  if (!parent)
    return op.emitOpError("is outside of a func.func; expected one around it");
  if (parent->getParentOp() != module)
    return op.emitOpError("is in function @")
           << parent.getSymName() << " of a nested '"
           << parent->getParentOp()->getName()
           << "'; expected a function of the module that is lowered";
  if (op.hasTensorSemantics())
    return op.emitOpError("is on tensors; expected memrefs (bufferize first)");
  if (!op.getConfigAttr())
    return op.emitOpError("has no config; run the target's select-config "
                          "pass first");
  if (std::optional<StringRef> feature = findWithoutLowering(op))
    return op.emitOpError("has no online-softmax kernel yet with ") << *feature;
  if (failed(verifyTileSizes(op, op.getConfigAttr())))
    return failure();
  // Work items run in any order: none may overwrite what another one reads.
  // Memory that overlaps without being the same value is the caller's care.
  for (Value out : op.getOuts())
    if (llvm::count(op->getOperands(), out) > 1)
      return op.emitOpError("writes to an operand that it also reads or writes "
                            "otherwise; expected outs that overlap no operand");
  return success();
}

/// Replaces `op` by the launch of a kernel named `name`.
static LogicalResult convertToOnline(AttentionOp op, StringRef name,
                                     bool countTiles) {
  llvm::SetVector<Value> operands(op->operand_begin(), op->operand_end());
  SmallVector<Type> types = llvm::map_to_vector(
      operands, [](Value operand) { return operand.getType(); });
  auto indexType = IndexType::get(op.getContext());
  types.append(2, indexType);

  auto parent = op->getParentOfType<func::FuncOp>();
  OpBuilder moduleBuilder(parent);
  auto kernel =
      func::FuncOp::create(moduleBuilder, op.getLoc(), name,
                           FunctionType::get(op.getContext(), types, {}));
  kernel.setPrivate();
  // The vector lowering reads it.
  kernel->setAttr("attn.schedule", op.getConfigAttr().getSchedule());
  Block *entry = kernel.addEntryBlock();
  IRMapping args;
  args.map(operands.getArrayRef(),
           entry->getArguments().take_front(operands.size()));
  OpBuilder endBuilder = OpBuilder::atBlockEnd(entry);
  func::ReturnOp::create(endBuilder, op.getLoc());
  if (failed(KernelBuilder(op, kernel, args, countTiles).build()))
    return failure();

  ImplicitLocOpBuilder b(op.getLoc(), op);
  WorkExtents work = buildWorkExtents(b, op, op.getQ());
  Value count = arith::MulIOp::create(
      b, arith::MulIOp::create(b, work.batches, work.heads), work.qBlocks);
  LaunchOp::create(b, name, count, operands.getArrayRef());
  op.erase();
  return success();
}

static LogicalResult createTileCounts(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = MemRefType::get({2}, b.getI64Type());
  if (Operation *taken = module.lookupSymbol(kTileCounts)) {
    auto global = dyn_cast<memref::GlobalOp>(taken);
    if (global && global.getType() == type && !global.getConstant() &&
        !global.isExternal())
      return success();
    return taken->emitOpError("has the name of the tile counters, @")
           << kTileCounts << "; expected a memref.global of type " << type
           << " or no such symbol";
  }
  memref::GlobalOp::create(
      b, module.getLoc(), kTileCounts, /*sym_visibility=*/StringAttr(), type,
      DenseElementsAttr::get(RankedTensorType::get({2}, b.getI64Type()),
                             int64_t(0)),
      /*constant=*/false, /*alignment=*/IntegerAttr());
  return success();
}

namespace {
struct ConvertToOnlinePass
    : attn::impl::ConvertToOnlinePassBase<ConvertToOnlinePass> {
  using ConvertToOnlinePassBase::ConvertToOnlinePassBase;

  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops)
      if (failed(verifyConvertible(op, getOperation())))
        return signalPassFailure();
    if (countTiles && failed(createTileCounts(getOperation())))
      return signalPassFailure();
    for (AttentionOp op : ops) {
      auto parent = op->getParentOfType<func::FuncOp>();
      SmallString<64> name = SymbolTable::generateSymbolName<64>(
          (parent.getName() + "_attention").str(),
          [&](StringRef candidate) {
            return getOperation().lookupSymbol(candidate) != nullptr;
          },
          uniqueKernels);
      if (failed(convertToOnline(op, name, countTiles)))
        return signalPassFailure();
    }
  }

  unsigned uniqueKernels = 0;
};
} // namespace
