//===- Support.cpp - What targets have in common -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/Support.h"
#include "attn/Analysis/FragmentLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

/// Threads that the GPUs of every vendor allow in a block.
static constexpr int64_t kMaxThreads = 1024;

static bool hasPerHead(Attribute mask) {
  return mask && (isa<PerHeadAttr>(mask) ||
                  llvm::any_of(getMaskOperands(mask), hasPerHead));
}

std::optional<std::string> attn::findUnsupportedAnywhere(AttentionOp op) {
  int64_t heads = op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  if (ShapedType::isDynamic(heads) && hasPerHead(op.getMaskAttr()))
    return "per_head masks of a dynamic number of heads";
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// GPUs
//===----------------------------------------------------------------------===//

int64_t attn::getStepKeys(AttentionOp op, int64_t chosen, int64_t multiple) {
  if (std::optional<int64_t> compute = op.getBlockKvCompute())
    return llvm::alignTo(*compute, multiple);
  if (std::optional<int64_t> tile = op.getBlockKv())
    return std::min<int64_t>(chosen, llvm::alignTo(*tile, multiple));
  return chosen;
}

int64_t attn::getTileKeys(AttentionOp op, int64_t step) {
  return llvm::alignTo(op.getBlockKv().value_or(step), step);
}

LogicalResult attn::verifyBlockConfig(
    AttentionOp op, ConfigAttr config, const BlockLimits &limits,
    function_ref<int64_t(AttentionOp, ConfigAttr)> getSharedBytes) {
  if (failed(verifyTileSizes(op, config)))
    return failure();
  auto refuse = [&]() {
    return op.emitOpError("unsupported on ") << limits.target << ": ";
  };
  auto schedule = dyn_cast<BlockScheduleAttr>(config.getSchedule());
  if (!schedule)
    return refuse() << "config has schedule " << config.getSchedule()
                    << "; expected #attn.block_schedule";
  if (schedule.getInstruction() != limits.instruction ||
      schedule.getLanes() != limits.lanes ||
      schedule.getTransposed() != limits.transposed)
    return refuse() << "config has schedule " << schedule
                    << "; expected instruction = "
                    << stringifyMatrixKind(limits.instruction)
                    << ", lanes = " << limits.lanes << ", transposed = "
                    << (limits.transposed ? "true" : "false");
  int64_t threads = schedule.getWarps() * limits.lanes;
  if (threads > kMaxThreads)
    return refuse() << "block_q of " << config.getBlockQ() << " by "
                    << schedule.getWarps() << " warps, which are " << threads
                    << " threads; expected at most " << kMaxThreads;
  int64_t multiple = getRowMultiple(schedule);
  if (config.getBlockQ() % multiple)
    return refuse() << "block_q of " << config.getBlockQ()
                    << "; expected a multiple of " << multiple << " for "
                    << schedule.getWarps() << " warps";
  if (config.getBlockKvCompute() % limits.keyMultiple)
    return refuse() << "block_kv_compute of " << config.getBlockKvCompute()
                    << "; expected a multiple of " << limits.keyMultiple;
  int64_t bytes = getSharedBytes(op, config);
  if (bytes > limits.sharedBytes)
    return refuse() << "tiles of " << bytes
                    << " bytes of shared memory; it has " << limits.sharedBytes;
  return success();
}
