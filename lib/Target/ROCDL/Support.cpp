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
  Type q = op.getQType().getElementType(), k = op.getKType().getElementType();
  if (q.isF32() || k.isF32())
    return "f32 operands";
  if (getProductType(q, k).isF32())
    return "f16 beside bf16";
  if (std::max(op.getHeadDim(), op.getValueHeadDim()) > kMaxHeadDim)
    return "head dims above " + std::to_string(kMaxHeadDim);
  return findUnsupportedAnywhere(op);
}

//===----------------------------------------------------------------------===//
// Configurations
//===----------------------------------------------------------------------===//

static constexpr int64_t kBytes = 2;

static int64_t alignShared(int64_t bytes) { return llvm::alignTo(bytes, 128); }

int64_t attn::getRocdlSharedBytes(AttentionOp op, ConfigAttr config) {
  auto schedule = cast<BlockScheduleAttr>(config.getSchedule());
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  int64_t keys = config.getBlockKvCompute();
  SharedAttr ofKeys =
      getConflictFreeLayout(op.getContext(), op.getHeadDim(), kBytes,
                            std::max(instruction.k, instruction.n));
  SharedAttr ofValues = getTransposedLayout(op.getContext(), keys, kBytes);
  int64_t tiles =
      alignShared(keys * ofKeys.getPitch() * kBytes) +
      alignShared(getBufferRows(ofValues, keys, op.getValueHeadDim()) *
                  ofValues.getPitch() * kBytes);
  // Guarded products share the weights of some keys at a time.
  constexpr int64_t kPadding = 8;
  int64_t weights =
      alignShared(config.getBlockQ() *
                  (std::min(keys, kSharedWeightKeys) + kPadding) * kBytes);
  return std::max(schedule.getStages() * tiles, tiles + weights);
}

LogicalResult attn::verifyRocdlConfig(AttentionOp op, ConfigAttr config,
                                      const RocdlTarget &target) {
  return verifyBlockConfig(op, config,
                           {target.name, MatrixKind::m32n32k8, /*lanes=*/64,
                            /*transposed=*/true, /*keyMultiple=*/32,
                            target.sharedPerBlock},
                           getRocdlSharedBytes);
}
