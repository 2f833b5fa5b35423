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
/// of twice as many, the narrowest for a third block.
static constexpr int64_t kBlockKv = 64, kMinBlockKv = 16;
static constexpr int64_t kNarrowDim = 64, kMaxDimOfThree = 48;
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
  /// Whether parts of the operands are multiplied.
  bool ofParts = false;

  ConfigAttr get(MLIRContext *context) const {
    auto schedule =
        BlockScheduleAttr::get(context, MatrixKind::m16n8k16, warps,
                               /*lanes=*/32, stages, /*transposed=*/false,
                               /*fetches=*/false, /*lazy=*/true);
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

/// What is read or computed for each score or key takes registers beside it, as
/// do the starts of packed sequences.
static bool isCrowded(AttentionOp op) {
  return op.getBias() || op.getAlibiSlopes() || op.isPackedQ() ||
         !op.getMaskOperands().empty();
}

/// Whether a function stands between products and scores.
static bool mapsScores(AttentionOp op) {
  return op.getSoftcapAttr() || op.getDynamicSoftcap() || op.getScoreModAttr();
}

/// Keys of a tile of one of few rows, whose loads are all that takes time.
static int64_t chooseStreamedKeys(AttentionOp op) {
  int64_t bytes = getMaxDim(op) * op.getKType().getElementTypeBitWidth() / 8;
  return std::clamp<int64_t>(
      llvm::alignDown(kStreamedBytes / bytes, kMinBlockKv), kMinBlockKv,
      kBlockKv);
}

/// As many keys as leave no register to spill.
static int64_t chooseKeys(AttentionOp op) {
  std::optional<int64_t> rows = getQueryRows(op);
  if (rows && *rows <= kDecodeRows)
    return chooseStreamedKeys(op);
  int64_t dim = getMaxDim(op);
  // Scores have two sums in registers, and keys three parts in shared memory.
  if (usesParts(op))
    return dim > kNarrowDim || isCrowded(op) || mapsScores(op) ||
                   hasWindow(op.getMaskAttr())
               ? kBlockKv / 2
               : kBlockKv;
  int64_t keys = dim <= kNarrowDim ? 2 * kBlockKv : kBlockKv;
  // A window wastes half a tile at either end, and compares twice.
  if (hasWindow(op.getMaskAttr()) && dim <= kMaxDimOfTwo)
    keys /= 2;
  if (isCrowded(op))
    keys /= 2;
  if (dim <= kMaxDimOfThree || mapsScores(op))
    keys = std::min(keys, kBlockKv);
  // A last tile of fewer keys takes registers too.
  std::optional<int64_t> length = getStaticLength(op.getNumKeys());
  if (keys > kBlockKv && !(length && *length % keys == 0))
    keys = 3 * kBlockKv / 2;
  return std::max(keys, kBlockKv / 2);
}

/// Whether `blocks` of them share a multiprocessor.
static bool fits(int64_t blocks, AttentionOp op, const Choice &choice,
                 const NvvmTarget &target) {
  int64_t bytes = getNvvmSharedBytes(op, choice.get(op.getContext()));
  return blocks * (bytes + kReservedBytes) <= target.sharedPerProcessor;
}

/// The accumulators of wide heads leave room for two or three blocks of four
/// warps. Where two with two buffers of all keys do not fit, three with half of
/// the keys do best. Two with a single buffer follow: they cover each other's
/// waits better than a second buffer does, and a tile of K is copied while that
/// of V is used.
static void chooseStages(AttentionOp op, Choice &choice,
                         const NvvmTarget &target) {
  if (choice.ofParts || getMaxDim(op) <= kMaxDimOfTwo ||
      fits(2, op, choice, target))
    return;
  Choice half = choice, single = choice;
  half.keys = llvm::alignTo(choice.keys / 2, kMinBlockKv);
  single.stages = 1;
  if (!op.getBlockKvCompute() && fits(3, op, half, target))
    choice = half;
  else if (fits(2, op, single, target))
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
