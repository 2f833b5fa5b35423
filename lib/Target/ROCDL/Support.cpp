//===- Support.cpp - What the AMD targets can lower --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/ROCDL/Support.h"
#include "attn/Analysis/FragmentLayout.h"
#include "attn/Target/Support.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

/// Accumulators of wider heads do not fit into the registers of a wave.
static constexpr int64_t kMaxHeadDim = 256;

std::optional<std::string> attn::findUnsupportedOnRocdl(AttentionOp op) {
  if (std::max(op.getHeadDim(), op.getValueHeadDim()) > kMaxHeadDim)
    return "head dims above " + std::to_string(kMaxHeadDim);
  return findUnsupportedAnywhere(op);
}

//===----------------------------------------------------------------------===//
// Configurations
//===----------------------------------------------------------------------===//

static Type getOperandType(AttentionOp op) {
  return attn::getProductType(op.getQType().getElementType(),
                              op.getKType().getElementType());
}

MatrixKind attn::getRocdlInstruction(AttentionOp op) {
  return getOperandType(op).isF32() ? MatrixKind::m16n16k16
                                    : MatrixKind::m32n32k8;
}

int64_t attn::getRocdlRowBytes(AttentionOp op) {
  return std::max(op.getHeadDim(), op.getValueHeadDim()) *
         getOperandType(op).getIntOrFloatBitWidth() / 8;
}

static int64_t alignShared(int64_t bytes) { return llvm::alignTo(bytes, 128); }

int64_t attn::getRocdlSharedBytes(AttentionOp op, ConfigAttr config) {
  auto schedule = cast<BlockScheduleAttr>(config.getSchedule());
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  int64_t keys = config.getBlockKvCompute();
  int64_t bytes = getOperandType(op).getIntOrFloatBitWidth() / 8;
  SharedAttr ofKeys =
      getConflictFreeLayout(op.getContext(), op.getHeadDim(), bytes,
                            std::max(instruction.k, instruction.n));
  SharedAttr ofValues = getTransposedLayout(op.getContext(), keys, bytes);
  int64_t tiles =
      alignShared(keys * ofKeys.getPitch() * bytes) +
      alignShared(getBufferRows(ofValues, keys, op.getValueHeadDim()) *
                  ofValues.getPitch() * bytes);
  // Guarded products share the weights of some keys at a time.
  constexpr int64_t kPaddingBytes = 16;
  int64_t weights =
      alignShared(config.getBlockQ() *
                  (std::min(keys, kSharedWeightKeys) * bytes + kPaddingBytes));
  return std::max(schedule.getStages() * tiles, tiles + weights);
}

LogicalResult attn::verifyRocdlConfig(AttentionOp op, ConfigAttr config,
                                      const RocdlTarget &target) {
  MatrixKind instruction = getRocdlInstruction(op);
  return verifyBlockConfig(op, config,
                           {target.name, instruction, /*lanes=*/64,
                            /*transposed=*/true,
                            /*keyMultiple=*/getMatrixInstruction(instruction).m,
                            target.sharedPerBlock},
                           getRocdlSharedBytes);
}
