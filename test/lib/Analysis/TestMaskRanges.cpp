//===- TestMaskRanges.cpp - Prints the tile ranges of attention ops -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskRanges.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace attn;

namespace {

/// Prints to stdout, for each attn.attention: its mask of each group of heads
/// and the ranges, those of KV tiles and, with `backward`, those of q tiles.
class TestMaskRangesPass
    : public PassWrapper<TestMaskRangesPass, OperationPass<>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestMaskRangesPass)

  TestMaskRangesPass() = default;
  TestMaskRangesPass(const TestMaskRangesPass &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "attn-test-mask-ranges"; }
  StringRef getDescription() const override {
    return "Print the tile ranges of every attn.attention";
  }
  void runOnOperation() override {
    getOperation()->walk([&](AttentionOp op) {
      if (failed(print(op)))
        signalPassFailure();
    });
  }

private:
  LogicalResult print(AttentionOp op);

  Option<bool> backward{*this, "backward",
                        llvm::cl::desc("Also print the q tiles of a KV tile"),
                        llvm::cl::init(false)};
};

} // namespace

/// The dim of a shape, if it is static and nothing else says how long it is.
static std::optional<int64_t> getLength(ShapedType type, Layout layout,
                                        bool isGivenElsewhere) {
  int64_t size = type.getDimSize(getLayoutDims(layout).sequence);
  if (isGivenElsewhere || ShapedType::isDynamic(size))
    return std::nullopt;
  return size;
}

static MaskProblem getProblem(AttentionOp op) {
  MaskProblem problem;
  auto getInt = [](IntegerAttr attr, int64_t otherwise) {
    return attr ? attr.getInt() : otherwise;
  };
  problem.blockQ = getInt(op.getBlockQAttr(), 64);
  problem.blockKv = getInt(op.getBlockKvAttr(), 64);
  if (!op.getDynamicQOffset())
    problem.qOffset = getInt(op.getQOffsetAttr(), 0);
  problem.qLen = getLength(op.getQType(), op.getQLayout(),
                           op.getQLens() || op.isPackedQ());
  problem.kvLen = getLength(op.getKType(), op.getKLayout(),
                            op.getKvLens() || op.isPackedKv() || op.isPaged());
  problem.arbitraryPositions = static_cast<bool>(op.getQPositions());
  return problem;
}

static void printBounds(StringRef name, ArrayRef<RangeBound> bounds) {
  for (const RangeBound &bound : bounds) {
    llvm::outs() << "      " << name << " ";
    llvm::interleaveComma(bound.map.getResults(), llvm::outs());
    if (bound.hasGuard()) {
      llvm::outs() << " if ";
      llvm::interleave(
          bound.guard.getConstraints(), llvm::outs(),
          [](AffineExpr expr) { llvm::outs() << expr << " >= 0"; }, " and ");
    }
    llvm::outs() << "\n";
  }
}

static LogicalResult printRanges(StringRef what, FailureOr<MaskRanges> ranges) {
  if (failed(ranges))
    return failure();
  llvm::outs() << "  " << what << (ranges->exact ? "" : ", not exact");
  for (const auto &[index, slot] : llvm::enumerate(ranges->slots))
    llvm::outs() << ", s" << index + 3 << " = slot " << slot;
  llvm::outs() << "\n";
  for (const TileRange &range : ranges->ranges) {
    llvm::outs() << "    "
                 << (range.kind == TileKind::Full ? "full" : "partial") << "\n";
    printBounds("begin", range.begins);
    printBounds("end", range.ends);
  }
  return success();
}

LogicalResult TestMaskRangesPass::print(AttentionOp op) {
  int64_t heads = op.getQType().getDimSize(getLayoutDims(op.getQLayout()).head);
  SmallVector<Attribute> masks{op.getMaskAttr()};
  if (!ShapedType::isDynamic(heads))
    masks = expandPerHead(op.getMaskAttr(), heads);
  llvm::SetVector<Attribute> distinct(masks.begin(), masks.end());
  auto emitError = [&] { return op.emitOpError(); };
  for (Attribute mask : distinct) {
    MaskProblem problem = getProblem(op);
    problem.mask = mask;
    llvm::outs() << "mask ";
    if (mask)
      llvm::outs() << mask;
    else
      llvm::outs() << "none";
    llvm::outs() << " blocks " << problem.blockQ << " x " << problem.blockKv
                 << "\n";
    if (failed(printRanges(
            "kv tiles", analyzeKvRanges(&getContext(), problem, emitError))) ||
        (backward &&
         failed(printRanges(
             "q tiles", analyzeQRanges(&getContext(), problem, emitError)))))
      return failure();
  }
  return success();
}

namespace attn {
namespace test {
void registerTestMaskRangesPass() { PassRegistration<TestMaskRangesPass>(); }
} // namespace test
} // namespace attn
