//===- SelectNvvmConfig.cpp - Blocks, warps and stages --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/FragmentLayout.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Target/Decoding.h"
#include "attn/Target/NVVM/Passes.h"
#include "attn/Target/NVVM/Support.h"
#include "attn/Target/Support.h"
#include "llvm/Support/MathExtras.h"

namespace attn {
#define GEN_PASS_DEF_SELECTNVVMCONFIGPASS
#include "attn/Target/NVVM/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Rows of one matrix instruction, and of a warp that computes two of them: it
/// uses each key that it loads from shared memory twice. The accumulators of
/// wider heads leave no registers for that.
static constexpr int64_t kRows = 16, kMaxDimOfTwo = 128;
static constexpr int64_t kWarps = 4, kMaxWarps = 32;
/// Warps that share the parts of each f32 key, of which they take 16 rows each:
/// as many as the registers of a multiprocessor allow.
static constexpr int64_t kPartsWarps = 8;
/// Rows of a tile that several heads share.
static constexpr int64_t kMaxDecodeRows = 8 * kRows;
/// Keys of a tile, and the least. Narrow heads leave registers for the scores
/// of twice as many.
static constexpr int64_t kBlockKv = 64, kNarrowDim = 64, kMinBlockKv = 16;
static constexpr int64_t kMinCrowded = 32;
static constexpr int64_t kStages = 2;
/// Shared memory that the system takes of each block.
static constexpr int64_t kReservedBytes = 1 << 10;
/// Bytes of a tile of K or V in decoding: six blocks of one warp then share a
/// multiprocessor, and hide the time that memory takes.
static constexpr int64_t kStreamedBytes = 8 << 10;
/// Blocks that keep the memory of the largest GPU busy, in one wave.
static constexpr SplitLimits kSplit{/*items=*/512, /*keys=*/128};

static int64_t getMaxDim(AttentionOp op) {
  return std::max(op.getHeadDim(), op.getValueHeadDim());
}

/// Whether matrix instructions multiply parts of the operands.
static bool usesParts(AttentionOp op) {
  return multipliesParts(getMatrixInstruction(MatrixKind::m16n8k16),
                         getProductType(op.getQType().getElementType(),
                                        op.getKType().getElementType()));
}

namespace {
/// What is chosen, before it is fitted to the shared memory.
struct Choice {
  int64_t warps = kWarps, rowsOfWarp = kRows, keys = kBlockKv, stages = kStages;
  /// Heads that share a tile.
  int64_t heads = 1;
  bool ofParts = false;

  ConfigAttr get(MLIRContext *context) const {
    auto schedule =
        BlockScheduleAttr::get(context, MatrixKind::m16n8k16, warps,
                               /*lanes=*/32, stages, /*transposed=*/false,
                               /*fetches=*/false, /*lazy=*/false);
    return ConfigAttr::get(context, warps * rowsOfWarp, keys, keys, schedule,
                           heads, /*split=*/SplitAttr());
  }

  /// Makes the tiles smaller; false if they are the smallest. Products of parts
  /// take long enough to be worth a second buffer.
  bool shrink(bool keepsRows, bool keepsKeys) {
    int64_t staged = ofParts ? kMinBlockKv : 2 * kMinBlockKv;
    if (keys > staged && !keepsKeys) {
      keys = llvm::alignTo(keys / 2, kMinBlockKv);
    } else if (ofParts && warps > kWarps && !keepsRows) {
      warps /= 2;
      heads = 1;
    } else if (stages > 1) {
      stages = 1;
    } else if (keys > kMinBlockKv && !keepsKeys) {
      keys = llvm::alignTo(keys / 2, kMinBlockKv);
    } else if (warps > 1 && !keepsRows) {
      warps /= 2;
      heads = 1;
    } else {
      return false;
    }
    return true;
  }
};
} // namespace

/// The rows of a tile, of all its heads, if few are known to be enough.
static std::optional<int64_t> chooseTileRows(AttentionOp op, Choice &choice) {
  std::optional<int64_t> rows = getQueryRows(op);
  if (op.getBlockQ())
    return op.getBlockQ();
  if (rows && *rows <= kDecodeRows) {
    choice.heads = chooseSharedHeads(op, *rows, kRows, kMaxDecodeRows);
    return llvm::alignTo(*rows * choice.heads, kRows);
  }
  return op.isPackedQ() ? std::nullopt : rows;
}

/// Four or eight warps, or as many as the rows need.
static void chooseRows(AttentionOp op, Choice &choice) {
  std::optional<int64_t> rows = chooseTileRows(op, choice);
  choice.ofParts = usesParts(op);
  choice.warps = choice.ofParts ? kPartsWarps : kWarps;
  bool allowsTwo = !choice.ofParts && getMaxDim(op) <= kMaxDimOfTwo;
  int64_t warpRows = allowsTwo ? 2 * kRows : kRows;
  bool isShort = choice.heads > 1 || (rows && *rows <= choice.warps * kRows);
  choice.rowsOfWarp = isShort ? kRows : warpRows;
  if (op.getBlockQ() && *rows % kRows == 0 && *rows % (kWarps * warpRows) != 0)
    choice.rowsOfWarp = kRows;
  if (isShort || op.getBlockQ())
    choice.warps = std::min<int64_t>(llvm::divideCeil(*rows, choice.rowsOfWarp),
                                     kMaxWarps);
}

static bool hasWindow(Attribute mask) {
  return mask && (isa<SlidingWindowAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), hasWindow));
}

/// As many keys as leave no register to spill.
static int64_t chooseKeys(AttentionOp op) {
  std::optional<int64_t> rows = getQueryRows(op);
  if (rows && *rows <= kDecodeRows) {
    int64_t bytes = getMaxDim(op) * op.getKType().getElementTypeBitWidth() / 8;
    return std::clamp<int64_t>(
        llvm::alignDown(kStreamedBytes / bytes, kMinBlockKv), kMinBlockKv,
        kBlockKv);
  }
  // A window wastes half a tile at either end, and compares twice.
  bool isNarrow = getMaxDim(op) <= kNarrowDim && !hasWindow(op.getMaskAttr());
  int64_t keys = isNarrow ? 2 * kBlockKv : kBlockKv;
  // Scores have two sums, and keys three parts.
  if (usesParts(op))
    keys /= 2;
  // What is read or computed for each score or key takes registers beside it,
  // as do the starts of packed sequences.
  bool isCrowded = op.getBias() || op.getAlibiSlopes() || op.isPackedQ() ||
                   !op.getMaskOperands().empty();
  return isCrowded ? std::max(keys / 2, kMinCrowded) : keys;
}

/// Whether two blocks share a multiprocessor.
static bool fitsTwice(AttentionOp op, const Choice &choice,
                      const NvvmTarget &target) {
  int64_t bytes = getNvvmSharedBytes(op, choice.get(op.getContext()));
  return 2 * (bytes + kReservedBytes) <= target.sharedPerProcessor;
}

/// The accumulators of wide heads leave room for two blocks of four warps: they
/// cover each other's waits better than a second buffer does, and a tile of K
/// is copied while that of V is used.
static void chooseStages(AttentionOp op, Choice &choice,
                         const NvvmTarget &target) {
  if (choice.ofParts || getMaxDim(op) <= kMaxDimOfTwo ||
      fitsTwice(op, choice, target))
    return;
  Choice single = choice;
  single.stages = 1;
  if (fitsTwice(op, single, target))
    choice = single;
}

static ConfigAttr chooseConfig(AttentionOp op, const NvvmTarget &target) {
  Choice choice;
  chooseRows(op, choice);
  choice.keys = chooseKeys(op);
  if (auto keys = getStaticLength(op.getNumKeys()))
    choice.keys =
        std::min<int64_t>(choice.keys, llvm::alignTo(*keys, kMinBlockKv));
  choice.keys = getStepKeys(op, choice.keys, kMinBlockKv);
  chooseStages(op, choice, target);
  MLIRContext *context = op.getContext();
  ConfigAttr config = choice.get(context);
  while (getNvvmSharedBytes(op, config) > target.sharedPerBlock &&
         choice.shrink(op.getBlockQ().has_value(),
                       op.getBlockKvCompute().has_value()))
    config = choice.get(context);
  return ConfigAttr::get(context, config.getBlockQ(),
                         getTileKeys(op, choice.keys), choice.keys,
                         config.getSchedule(), choice.heads,
                         chooseDecodeSplit(op, choice.heads, kSplit));
}

namespace {
struct SelectNvvmConfigPass
    : attn::impl::SelectNvvmConfigPassBase<SelectNvvmConfigPass> {
  using SelectNvvmConfigPassBase::SelectNvvmConfigPassBase;

  void runOnOperation() override {
    llvm::Expected<NvvmTarget> gpu = lookupNvvmTarget(target);
    if (!gpu) {
      getOperation()->emitError(llvm::toString(gpu.takeError()));
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](Operation *any) -> WalkResult {
      if (auto merge = dyn_cast<MergeOp>(any))
        merge->setAttr(kBlockSize,
                       IntegerAttr::get(IntegerType::get(&getContext(), 64),
                                        kMergeThreads));
      auto op = dyn_cast<AttentionOp>(any);
      return op ? select(op, *gpu) : success();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  static LogicalResult select(AttentionOp op, const NvvmTarget &gpu) {
    if (std::optional<std::string> feature = findUnsupportedOnNvvm(op))
      return op.emitOpError("unsupported on ") << gpu.name << ": " << *feature;
    ConfigAttr config = op.getConfigAttr();
    if (!config)
      config = chooseConfig(op, gpu);
    if (failed(verifyNvvmConfig(op, config, gpu)))
      return failure();
    op.setConfigAttr(config);
    return success();
  }
};
} // namespace
