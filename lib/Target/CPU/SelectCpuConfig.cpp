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
#include "llvm/Support/MathExtras.h"

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
/// From this head dim on, fewer keys keep K, V and scores in the L2 cache.
static constexpr int64_t kWideHeadDim = 256;

namespace {
struct RegisterTile {
  int64_t rows, lanes;
};
} // namespace

/// Accumulators take half to three quarters of the registers; the rest holds
/// one row of the query tile and the broadcast scalars.
static RegisterTile chooseRegisterTile(const CpuTarget &target) {
  if (target.vectorBits == 512)
    return {4, 64};
  return {4, 16};
}

/// A length to which no block is rounded up: all blocks are smaller.
static constexpr int64_t kLongLength = int64_t(1) << 20;

/// A number of rows or keys, if known.
static std::optional<int64_t> getStaticLength(int64_t length) {
  if (ShapedType::isDynamic(length))
    return std::nullopt;
  return std::clamp<int64_t>(length, 1, kLongLength);
}

static ConfigAttr chooseConfig(AttentionOp op, const CpuTarget &target) {
  int64_t unit = target.vectorBits / 32;
  RegisterTile tile = chooseRegisterTile(target);

  int64_t blockQ = kBlockQ;
  int64_t queries =
      op.getQType().getDimSize(getLayoutDims(op.getQLayout()).sequence);
  if (auto length = getStaticLength(queries))
    blockQ = std::min<int64_t>(blockQ, llvm::alignTo(*length, unit));
  blockQ = op.getBlockQ().value_or(blockQ);

  int64_t dim = std::max(op.getHeadDim(), op.getValueHeadDim());
  int64_t blockKv = dim > kWideHeadDim ? kBlockKv / 2 : kBlockKv;
  if (auto length = getStaticLength(op.getNumKeys()))
    blockKv = std::min<int64_t>(blockKv, llvm::alignTo(*length, tile.rows));
  blockKv = op.getBlockKv().value_or(
      op.getBlockKvCompute() ? llvm::alignTo(blockKv, *op.getBlockKvCompute())
                             : blockKv);
  int64_t compute = op.getBlockKvCompute().value_or(blockKv);

  // Weights are made a pair of keys at a time.
  bool pairs = target.dotBF16 && blockQ % unit == 0 && compute % 2 == 0 &&
               op.getKType().getElementType().isBF16() &&
               op.getQType().getElementType().isBF16();
  MLIRContext *context = op.getContext();
  auto schedule =
      VectorScheduleAttr::get(context, tile.rows, tile.lanes, unit, pairs);
  return ConfigAttr::get(context, blockQ, blockKv, compute, schedule);
}

namespace {
struct SelectCpuConfigPass
    : attn::impl::SelectCpuConfigPassBase<SelectCpuConfigPass> {
  using SelectCpuConfigPassBase::SelectCpuConfigPassBase;

  void runOnOperation() override {
    llvm::Expected<CpuTarget> cpu = lookupCpuTarget(target);
    if (!cpu) {
      getOperation()->emitError(llvm::toString(cpu.takeError()));
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](Operation *any) {
      if (isa<MergeOp>(any)) {
        any->emitOpError("unsupported on cpu: merging parts");
        return WalkResult::interrupt();
      }
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
