//===- Support.cpp - What the NVIDIA targets can lower -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/NVVM/Support.h"
#include "attn/Analysis/FragmentLayout.h"
#include "attn/Target/Support.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

/// Accumulators of wider heads do not fit into the registers of four warps.
static constexpr int64_t kMaxHeadDim = 256;

std::optional<std::string> attn::findUnsupportedOnNvvm(AttentionOp op) {
  if (std::max(op.getHeadDim(), op.getValueHeadDim()) > kMaxHeadDim)
    return "head dims above " + std::to_string(kMaxHeadDim);
  return findUnsupportedAnywhere(op);
}

//===----------------------------------------------------------------------===//
// Configurations
//===----------------------------------------------------------------------===//

static int64_t alignShared(int64_t bytes) { return llvm::alignTo(bytes, 128); }

int64_t attn::getNvvmSharedBytes(AttentionOp op, ConfigAttr config) {
  auto schedule = cast<BlockScheduleAttr>(config.getSchedule());
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  Type element = getProductType(op.getQType().getElementType(),
                                op.getKType().getElementType());
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  auto getBytes = [&](int64_t rows, int64_t extent) {
    SharedAttr layout = getConflictFreeLayout(
        op.getContext(), extent, bytes, std::max(instruction.k, instruction.n));
    return alignShared(rows * layout.getPitch() * bytes);
  };
  int64_t keys = config.getBlockKvCompute();
  int64_t tiles =
      getBytes(keys, op.getHeadDim()) + getBytes(keys, op.getValueHeadDim());
  // Parts of one tile of keys at a time.
  int64_t parts = 0;
  if (multipliesParts(instruction, element)) {
    constexpr int64_t kPartBytes = 2;
    SharedAttr layout = getConflictFreeLayout(
        op.getContext(), std::max(op.getHeadDim(), op.getValueHeadDim()),
        kPartBytes, instruction.k);
    parts = alignShared(kFloatParts * keys * layout.getPitch() * kPartBytes);
  }
  // Products that no matrix instruction computes share weights.
  constexpr int64_t kChunk = 16;
  int64_t weights = alignShared(config.getBlockQ() * (keys * bytes + kChunk));
  constexpr int64_t kSlack = 256;
  return getBytes(config.getBlockQ(), op.getHeadDim()) +
         std::max(schedule.getStages() * tiles + parts, tiles + weights) +
         kSlack;
}

LogicalResult attn::verifyNvvmConfig(AttentionOp op, ConfigAttr config,
                                     const NvvmTarget &target) {
  return verifyBlockConfig(op, config,
                           {target.name, MatrixKind::m16n8k16, /*lanes=*/32,
                            /*transposed=*/false, /*keyMultiple=*/16,
                            target.sharedPerBlock},
                           getNvvmSharedBytes);
}
