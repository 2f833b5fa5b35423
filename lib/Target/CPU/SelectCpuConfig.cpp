//===- SelectCpuConfig.cpp - Blocks and register tiles for a CPU -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Target/CPU/Passes.h"
#include "attn/Target/CPU/Support.h"
#include "attn/Target/CPU/TargetInfo.h"
#include "attn/Target/Decoding.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

namespace attn {
#define GEN_PASS_DEF_SELECTCPUCONFIGPASS
#include "attn/Target/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Query rows of a tile. 64 rows fill four 512-bit registers per key, and reuse
/// each key 64 times.
static constexpr int64_t kBlockQ = 64;
/// Keys of a tile: 128 keys x 64 rows of scores are 32 KiB, and the cost per
/// tile (rescaling, row statistics) is spread over enough products.
static constexpr int64_t kBlockKv = 128;
/// Where a mask cuts tiles along their diagonal, half of each such tile is
/// computed in vain: fewer keys waste less than the cost per tile grows.
static constexpr int64_t kDiagonalBlockKv = 64;
/// From this head dim on, fewer keys keep K, V and scores in the L2 cache.
static constexpr int64_t kWideHeadDim = 256;

/// Bytes of a tile of K or V that is streamed. With few rows, memory is the
/// limit and has the less to wait for the shorter the phases between its reads
/// are. With more rows, arithmetic is, and the cost per tile counts; this tile
/// and the next one, of both, still stay in the L2 cache.
static constexpr int64_t kStreamedBytes = 8 << 10;
static constexpr int64_t kStreamedRows = 8;
static constexpr int64_t kStreamedKeys = 32;

/// A few decoded sequences are split until they make this many work items,
/// enough for the threads of any machine, but into parts of at least so many
/// keys: reading them hides the cost of merging.
static constexpr SplitLimits kSplit{/*items=*/256, /*keys=*/1024};

namespace {
struct RegisterTile {
  int64_t rows, lanes;
};
/// The query rows of a tile: of `heads` heads, in all `rows`. `byRow` is the
/// form of #attn.vector_schedule.
struct QueryTile {
  int64_t rows, heads;
  bool byRow;
};
} // namespace

/// Accumulators take half to three quarters of the registers; the rest holds
/// one row of the query tile and the broadcast scalars.
static RegisterTile chooseRegisterTile(const CpuTarget &target,
                                       const QueryTile &query) {
  RegisterTile tile{4, target.vectorBits == 512 ? 64 : 16};
  // Narrow tiles multiply more keys at a time instead of more rows: sums that
  // wait for each other need company.
  while (!query.byRow && tile.lanes > target.vectorBits / 32 &&
         tile.lanes > query.rows)
    tile = {tile.rows * 2, tile.lanes / 2};
  return tile;
}

/// Whether the few rows of a tile can lie along the lanes one by one, which
/// reads the rows of K and V where they are, in vectors. Further arrays of
/// scores are read for rows that lie along the lanes together.
static bool canStreamKeys(AttentionOp op) {
  auto isContiguous = [](Layout layout) {
    LayoutDims dims = getLayoutDims(layout);
    return dims.dim > dims.sequence;
  };
  return isContiguous(op.getKLayout()) && isContiguous(op.getVLayout()) &&
         op.getKType().getElementTypeBitWidth() >= 16 && !readsArrays(op);
}

static QueryTile chooseQueryTile(AttentionOp op, int64_t unit) {
  int64_t rows = kBlockQ, heads = 1;
  bool decodes = false;
  if (std::optional<int64_t> length = getQueryRows(op)) {
    rows = std::min(rows, *length);
    decodes = rows <= kDecodeRows;
    if (decodes)
      heads = chooseSharedHeads(op, rows, /*unit=*/1, kBlockQ);
  }
  rows = op.getBlockQ().value_or(rows * heads);
  // With more rows, all of them along the lanes are as fast.
  bool byRow = decodes && rows <= 2 * unit && canStreamKeys(op);
  if (!byRow && !op.getBlockQ())
    rows = llvm::alignTo(rows, std::lcm(unit, heads));
  return {rows, heads, byRow};
}

/// Whether what a row sees moves along with the row.
static bool cutsDiagonally(Attribute mask) {
  return mask && (isa<CausalAttr, SlidingWindowAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), cutsDiagonally));
}

/// The keys of a tile, if the op does not say.
static int64_t chooseBlockKv(AttentionOp op, const QueryTile &query,
                             int64_t multiple) {
  int64_t dim = std::max(op.getHeadDim(), op.getValueHeadDim());
  int64_t keys = cutsDiagonally(op.getMaskAttr()) ? kDiagonalBlockKv : kBlockKv;
  if (dim > kWideHeadDim)
    keys = std::min(keys, kBlockKv / 2);
  if (query.byRow) {
    int64_t bytes = dim * op.getKType().getElementTypeBitWidth() / 8;
    int64_t fitting = llvm::bit_floor<uint64_t>(kStreamedBytes / bytes);
    keys = query.rows <= kStreamedRows
               ? std::clamp(fitting, kStreamedKeys / 2, kStreamedKeys)
               : std::clamp(2 * fitting, kStreamedKeys, keys);
  }
  if (auto length = getStaticLength(op.getNumKeys()))
    keys = std::min<int64_t>(keys, llvm::alignTo(*length, multiple));
  return keys;
}

static ConfigAttr chooseConfig(AttentionOp op, const CpuTarget &target) {
  int64_t unit = target.vectorBits / 32;
  QueryTile query = chooseQueryTile(op, unit);
  RegisterTile tile = chooseRegisterTile(target, query);

  int64_t blockKv = chooseBlockKv(op, query, query.byRow ? unit : tile.rows);
  blockKv = op.getBlockKv().value_or(
      op.getBlockKvCompute() ? llvm::alignTo(blockKv, *op.getBlockKvCompute())
                             : blockKv);
  int64_t compute = op.getBlockKvCompute().value_or(blockKv);

  // Weights are made a pair of keys at a time.
  bool pairs = target.dotBF16 && (query.byRow || query.rows % unit == 0) &&
               compute % 2 == 0 && op.getKType().getElementType().isBF16() &&
               op.getQType().getElementType().isBF16();
  MLIRContext *context = op.getContext();
  auto schedule = VectorScheduleAttr::get(context, tile.rows, tile.lanes, unit,
                                          pairs, query.byRow);
  return ConfigAttr::get(context, query.rows, blockKv, compute, schedule,
                         query.heads,
                         chooseDecodeSplit(op, query.heads, kSplit));
}

namespace {
struct SelectCpuConfigPass
    : attn::impl::SelectCpuConfigPassBase<SelectCpuConfigPass> {
  using SelectCpuConfigPassBase::SelectCpuConfigPassBase;

  void runOnOperation() override {
    llvm::Expected<CpuTarget> cpu = lookupCpuTarget(target, otherTargets);
    if (!cpu) {
      getOperation()->emitError(llvm::toString(cpu.takeError()));
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](Operation *any) {
      auto op = dyn_cast<AttentionOp>(any);
      if (!op)
        return WalkResult::advance();
      if (std::optional<std::string> feature = findUnsupportedOnCpu(op)) {
        op.emitOpError("unsupported on cpu: ") << *feature;
        return WalkResult::interrupt();
      }
      if (failed(verifyCpuOperands(op)))
        return WalkResult::interrupt();
      ConfigAttr config = op.getConfigAttr();
      if (!config)
        config = chooseConfig(op, *cpu);
      if (failed(verifyCpuConfig(op, config, *cpu)))
        return WalkResult::interrupt();
      op.setConfigAttr(config);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
