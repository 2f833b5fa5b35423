//===- Bufferize.cpp - Functions on tensors become functions on memrefs ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

namespace attn {
#define GEN_PASS_DEF_BUFFERIZEPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;

/// Upstream passes, given as text: their headers cost half a minute of compile
/// time each.
static OpPassManager parsePipeline(StringRef anchor, StringRef text) {
  OpPassManager pm(anchor);
  [[maybe_unused]] LogicalResult parsed = parsePassPipeline(text, pm);
  assert(succeeded(parsed) && "upstream passes are not registered");
  return pm;
}

namespace {
/// The steps of the pass. Made when it runs: it may be registered before the
/// upstream passes are.
struct Steps {
  OpPassManager bufferize =
      parsePipeline(ModuleOp::getOperationName(),
                    "one-shot-bufferize{bufferize-function-boundaries "
                    "allow-return-allocs-from-loops}");
  OpPassManager insertDeallocations =
      parsePipeline(func::FuncOp::getOperationName(),
                    "ownership-based-buffer-deallocation,canonicalize,"
                    "buffer-deallocation-simplification");
  OpPassManager lower = parsePipeline(ModuleOp::getOperationName(),
                                      "bufferization-lower-deallocations,"
                                      "convert-bufferization-to-memref,"
                                      "canonicalize");
};
} // namespace

static bool hasTensors(func::FuncOp function) {
  auto isTensor = llvm::IsaPred<TensorType>;
  if (llvm::any_of(function.getArgumentTypes(), isTensor) ||
      llvm::any_of(function.getResultTypes(), isTensor))
    return true;
  return function
      .walk([&](Operation *op) {
        return llvm::any_of(op->getResultTypes(), isTensor)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

namespace {

struct BufferizePass : attn::impl::BufferizePassBase<BufferizePass> {
  void getDependentDialects(DialectRegistry &registry) const override {
    Steps steps;
    for (const OpPassManager *pm :
         {&steps.bufferize, &steps.insertDeallocations, &steps.lower})
      pm->getDependentDialects(registry);
  }

  void runOnOperation() override {
    // By name: bufferization may replace the functions.
    SmallVector<StringAttr> names;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (hasTensors(function))
        names.push_back(function.getSymNameAttr());
    if (names.empty())
      return;
    Steps steps;
    if (failed(runPipeline(steps.bufferize, getOperation())))
      return signalPassFailure();
    for (StringAttr name : names) {
      auto function = getOperation().lookupSymbol<func::FuncOp>(name);
      if (failed(runPipeline(steps.insertDeallocations, function)))
        return signalPassFailure();
    }
    if (failed(runPipeline(steps.lower, getOperation())))
      signalPassFailure();
  }
};

} // namespace
