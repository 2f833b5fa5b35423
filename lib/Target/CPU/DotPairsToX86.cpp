//===- DotPairsToX86.cpp - attn.dot_pairs as an AVX-512 instruction ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Target/CPU/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTDOTPAIRSTOX86PASS
#include "attn/Target/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// f32 lanes of a 512-bit register.
static constexpr int64_t kLanes = 16;

namespace {

struct DotPairsToX86 : OpRewritePattern<DotPairsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DotPairsOp op,
                                PatternRewriter &rewriter) const override {
    VectorType type = cast<VectorType>(op.getAcc().getType());
    int64_t lanes = type.getDimSize(0);
    if (lanes % kLanes != 0 || type.isScalable() ||
        !op.getLhs().getType().getElementType().isBF16())
      return rewriter.notifyMatchFailure(op, "not whole registers of bf16");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value result = arith::ConstantOp::create(b, b.getZeroAttr(type));
    for (int64_t lane = 0; lane < lanes; lane += kLanes) {
      auto slice = [&](Value source, int64_t begin, int64_t size) -> Value {
        return vector::ExtractStridedSliceOp::create(b, source, begin, size,
                                                     int64_t(1));
      };
      Value acc = slice(op.getAcc(), lane, kLanes);
      Value part = x86vector::DotBF16Op::create(
          b, acc.getType(), acc, slice(op.getLhs(), 2 * lane, 2 * kLanes),
          slice(op.getRhs(), 2 * lane, 2 * kLanes));
      result = vector::InsertStridedSliceOp::create(b, part, result, lane,
                                                    int64_t(1));
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ConvertDotPairsToX86Pass
    : attn::impl::ConvertDotPairsToX86PassBase<ConvertDotPairsToX86Pass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DotPairsToX86>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    getOperation()->walk([&](DotPairsOp op) {
      op.emitOpError("unsupported on cpu: ")
          << op.getLhs().getType() << "; expected bf16, " << 2 * kLanes
          << " elements or a multiple";
      signalPassFailure();
    });
  }
};

} // namespace
