//===- RecognizeMasks.cpp - Mask functions become masks of the algebra ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskFunction.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "attn/Dialect/Attn/Transforms/UserFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_RECOGNIZEMASKSPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Whether no row of `op` has a negative position.
static bool hasNoNegativePosition(AttentionOp op) {
  // The accessor's type is unsigned, the offset is not.
  int64_t offset = static_cast<int64_t>(op.getQOffset().value_or(0));
  return !op.getQPositions() && !op.getDynamicQOffset() && offset >= 0;
}

static int64_t getBatch(AttentionOp op) {
  int batch = getLayoutDims(op.getQLayout()).batch;
  return batch < 0 ? ShapedType::kDynamic : op.getQType().getDimSize(batch);
}

/// The mask of `op` with every function that the algebra can say in its place.
static Attribute recognizeMasks(AttentionOp op) {
  MaskFunctionUse use;
  use.hasNoNegativePosition = hasNoNegativePosition(op);
  use.batch = getBatch(op);
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](CustomAttr custom) -> Attribute {
    use.slots = custom.getSlots();
    Attribute mask = recognizeMaskFunction(
        lookupUserFunction(op, custom.getFunction()), use);
    return mask ? mask : custom;
  });
  return replacer.replace(op.getMaskAttr());
}

namespace {
struct RecognizeMasksPass
    : attn::impl::RecognizeMasksPassBase<RecognizeMasksPass> {
  void runOnOperation() override {
    SmallVector<Operation *> changed;
    llvm::SetVector<func::FuncOp> functions;
    getOperation().walk([&](AttentionOp op) {
      if (!op.getMaskAttr())
        return;
      Attribute mask = recognizeMasks(op);
      if (mask == op.getMaskAttr())
        return;
      functions.insert_range(getUserFunctions(op));
      op.setMaskAttr(mask);
      changed.push_back(op);
    });
    // Simplifies the masks, and drops captures that nothing names any more.
    RewritePatternSet patterns(&getContext());
    AttentionOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyOpPatternsGreedily(changed, std::move(patterns))))
      return signalPassFailure();
    eraseUnusedFunctions(getOperation(), functions.getArrayRef());
  }
};
} // namespace
