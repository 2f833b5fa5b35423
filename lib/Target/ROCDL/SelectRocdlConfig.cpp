//===- SelectRocdlConfig.cpp - Blocks, waves and stages -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/FragmentLayout.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Target/Decoding.h"
#include "attn/Target/ROCDL/Passes.h"
#include "attn/Target/ROCDL/Support.h"
#include "attn/Target/Support.h"
#include "llvm/Support/MathExtras.h"

namespace attn {
#define GEN_PASS_DEF_SELECTROCDLCONFIGPASS
#include "attn/Target/ROCDL/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Rows of a wave, and waves of a block: two on each SIMD, which share the keys
/// and values that they load.
static constexpr int64_t kRows = 32, kWaves = 8, kMaxWaves = 16;
/// SIMDs of a compute unit, which has the LDS.
static constexpr int64_t kSimds = 4;
/// The query and the accumulators of longer rows need the registers of two
/// waves, unless there is an instruction for fewer rows.
static constexpr int64_t kMaxRowBytesOfTwoWaves = 256;
/// Keys of a tile.
static constexpr int64_t kBlockKv = 64;
/// Tiles in the LDS: one that is multiplied, one that is stored, and, if it
/// fits, one in between, so that nobody waits for the LDS.
static constexpr int64_t kStages = 3, kMinStages = 2;
/// Enough blocks for the compute units of any chip.
static constexpr SplitLimits kSplit{/*items=*/512, /*keys=*/256};

namespace {
/// What is chosen, before it is fitted to the shared memory.
struct Choice {
  explicit Choice(AttentionOp op)
      : instruction(&getMatrixInstruction(getRocdlInstruction(op))) {}

  const MatrixInstruction *instruction;
  int64_t waves = kWaves, rowsOfWave = kRows, keys = kBlockKv, stages = kStages;
  /// Heads that share a tile.
  int64_t heads = 1;
  bool keepsRows = false, keepsKeys = false;

  ConfigAttr get(AttentionOp op) const {
    MLIRContext *context = op.getContext();
    auto schedule =
        BlockScheduleAttr::get(context, instruction->kind, waves,
                               /*lanes=*/64, stages, /*transposed=*/true,
                               /*fetches=*/true, /*lazy=*/true);
    return ConfigAttr::get(context, waves * rowsOfWave, getTileKeys(op, keys),
                           keys, schedule, heads,
                           chooseDecodeSplit(op, heads, kSplit));
  }

  /// Makes the tiles smaller; false if they are the smallest.
  bool shrink() {
    if (stages > kMinStages)
      --stages;
    else if (keys > instruction->m && !keepsKeys)
      keys = llvm::alignTo(keys / 2, instruction->m);
    else if (stages > 1)
      stages = 1;
    else if (waves > 1 && !keepsRows)
      waves /= 2, heads = 1;
    else
      return false;
    return true;
  }
};
} // namespace

/// Eight waves, or as many as the rows need.
static void chooseWaves(AttentionOp op, Choice &choice) {
  bool isWide = getRocdlRowBytes(op) > kMaxRowBytesOfTwoWaves;
  std::optional<int64_t> rows = getQueryRows(op);
  bool isDecoding = rows && *rows <= kDecodeRows;
  if (isWide || isDecoding)
    choice.rowsOfWave = choice.instruction->n;
  auto countWaves = [&](int64_t rows, int64_t most) {
    return std::min<int64_t>(llvm::divideCeil(rows, choice.rowsOfWave), most);
  };
  if (op.getBlockQ()) {
    choice.waves = countWaves(*op.getBlockQ(), kMaxWaves);
    choice.keepsRows = true;
    return;
  }
  if (isWide && choice.rowsOfWave == kRows)
    choice.waves = kWaves / 2;
  if (!rows || (op.isPackedQ() && !isDecoding))
    return;
  int64_t unit = choice.rowsOfWave;
  if (isDecoding)
    choice.heads = chooseSharedHeads(op, *rows, unit, choice.waves * unit);
  choice.waves = countWaves(*rows * choice.heads, choice.waves);
}

/// Makes `choice` small enough for `bytes` of LDS; false if it cannot be.
static bool fit(AttentionOp op, Choice &choice, int64_t bytes) {
  while (getRocdlSharedBytes(op, choice.get(op)) > bytes)
    if (!choice.shrink())
      return false;
  return true;
}

/// Whether the scores of a tile leave too few registers: beside the query and
/// the accumulators of long rows, for what is computed of each score and for
/// the addresses of pages.
static bool isCrowded(AttentionOp op) {
  constexpr int64_t kShortRowBytes = 128;
  bool isLong = getRocdlRowBytes(op) > kShortRowBytes;
  bool isComputed =
      op.getScoreMod() || op.getSoftcap() || op.getDynamicSoftcap();
  return op.getAlibiSlopes() || (isLong && (isComputed || op.isPaged()));
}

static ConfigAttr chooseConfig(AttentionOp op, const RocdlTarget &target) {
  Choice choice(op);
  chooseWaves(op, choice);
  choice.keepsKeys = op.getBlockKvCompute().has_value();
  if (isCrowded(op))
    choice.keys /= 2;
  choice.keys = getStepKeys(op, choice.keys, choice.instruction->m);
  // A block that leaves SIMDs without a wave makes room for another one, if it
  // still can load ahead.
  Choice small = choice;
  if (small.waves <= kSimds / 2 && fit(op, small, target.sharedPerBlock / 2) &&
      small.waves == choice.waves && small.stages >= kMinStages)
    return small.get(op);
  // What never fits is refused.
  fit(op, choice, target.sharedPerBlock);
  return choice.get(op);
}

namespace {
struct SelectRocdlConfigPass
    : attn::impl::SelectRocdlConfigPassBase<SelectRocdlConfigPass> {
  using SelectRocdlConfigPassBase::SelectRocdlConfigPassBase;

  void runOnOperation() override {
    llvm::Expected<RocdlTarget> gpu = lookupRocdlTarget(target);
    if (!gpu) {
      getOperation()->emitError(llvm::toString(gpu.takeError()));
      return signalPassFailure();
    }
    Builder b(&getContext());
    WalkResult result = getOperation()->walk([&](Operation *any) -> WalkResult {
      if (auto merge = dyn_cast<MergeOp>(any))
        merge->setAttr(kBlockSize, b.getI64IntegerAttr(kMergeThreads));
      auto op = dyn_cast<AttentionOp>(any);
      return op ? select(op, *gpu) : success();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  static LogicalResult select(AttentionOp op, const RocdlTarget &gpu) {
    if (std::optional<std::string> feature = findUnsupportedOnRocdl(op))
      return op.emitOpError("unsupported on ") << gpu.name << ": " << *feature;
    ConfigAttr config = op.getConfigAttr();
    if (!config)
      config = chooseConfig(op, gpu);
    if (failed(verifyRocdlConfig(op, config, gpu)))
      return failure();
    op.setConfigAttr(config);
    return success();
  }
};
} // namespace
