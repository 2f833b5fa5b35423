//===- Support.cpp - What the NVIDIA targets can lower -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/NVVM/Support.h"
#include "attn/Analysis/FragmentLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

/// Accumulators of wider heads do not fit into the registers of four warps.
static constexpr int64_t kMaxHeadDim = 256;

static bool hasPerHead(Attribute mask) {
  return mask && (isa<PerHeadAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), hasPerHead));
}

std::optional<std::string> attn::findUnsupportedOnNvvm(AttentionOp op) {
  for (ShapedType type : {op.getQType(), op.getKType()})
    if (type.getElementTypeBitWidth() < 16)
      return "fp8 operands";
  if (std::max(op.getHeadDim(), op.getValueHeadDim()) > kMaxHeadDim)
    return "head dims above " + std::to_string(kMaxHeadDim);
  int64_t heads = op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  if (ShapedType::isDynamic(heads) && hasPerHead(op.getMaskAttr()))
    return "per_head masks of a dynamic number of heads";
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Configurations
//===----------------------------------------------------------------------===//

static int64_t alignShared(int64_t bytes) { return llvm::alignTo(bytes, 128); }

int64_t attn::getNvvmSharedBytes(AttentionOp op, ConfigAttr config) {
  auto schedule = cast<BlockScheduleAttr>(config.getSchedule());
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  Type element = op.getKType().getElementType();
  bool isWide = element != op.getQType().getElementType() || element.isF32();
  int64_t bytes = isWide ? 4 : 2;
  auto getBytes = [&](int64_t rows, int64_t extent) {
    SharedAttr layout = getConflictFreeLayout(
        op.getContext(), extent, bytes, std::max(instruction.k, instruction.n));
    return alignShared(rows * layout.getPitch() * bytes);
  };
  int64_t keys = config.getBlockKvCompute();
  int64_t tiles =
      getBytes(keys, op.getHeadDim()) + getBytes(keys, op.getValueHeadDim());
  // Products that no matrix instruction computes share weights.
  constexpr int64_t kChunk = 16;
  int64_t weights = alignShared(config.getBlockQ() * (keys * bytes + kChunk));
  constexpr int64_t kSlack = 256;
  return getBytes(config.getBlockQ(), op.getHeadDim()) +
         std::max(schedule.getStages() * tiles, tiles + weights) + kSlack;
}

LogicalResult attn::verifyNvvmConfig(AttentionOp op, ConfigAttr config,
                                     const NvvmTarget &target) {
  if (failed(verifyTileSizes(op, config)))
    return failure();
  auto refuse = [&]() {
    return op.emitOpError("unsupported on ") << target.name << ": ";
  };
  auto schedule = dyn_cast<BlockScheduleAttr>(config.getSchedule());
  if (!schedule)
    return refuse() << "config has schedule " << config.getSchedule()
                    << "; expected #attn.block_schedule";
  if (schedule.getInstruction() != MatrixKind::m16n8k16 ||
      schedule.getLanes() != 32 || schedule.getTransposed())
    return refuse() << "config has schedule " << schedule
                    << "; expected instruction = m16n8k16 and lanes = 32";
  int64_t multiple = getRowMultiple(schedule);
  if (config.getBlockQ() % multiple)
    return refuse() << "block_q of " << config.getBlockQ() << "; expected a "
                    << "multiple of " << multiple << " for "
                    << schedule.getWarps() << " warps";
  if (config.getBlockKvCompute() % 16)
    return refuse() << "block_kv of " << config.getBlockKvCompute()
                    << "; expected a multiple of 16";
  int64_t bytes = getNvvmSharedBytes(op, config);
  if (bytes > target.sharedPerBlock)
    return refuse() << "tiles of " << bytes
                    << " bytes of shared memory; it has "
                    << target.sharedPerBlock;
  return success();
}
