//===- LaunchFills.cpp - Arrays of a device are filled there --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention without a visible key folds to linalg.fill.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/GpuPasses.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn {
#define GEN_PASS_DEF_LAUNCHFILLSPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr int64_t kThreads = 128;

static Value buildDim(ImplicitLocOpBuilder &b, Value memref, int64_t dim) {
  return b.createOrFold<memref::DimOp>(memref, dim);
}

static bool fillsMemref(linalg::FillOp fill) {
  auto memref = dyn_cast<MemRefType>(fill.output().getType());
  return memref && memref.getRank() > 0 &&
         isa_and_nonnull<func::FuncOp>(fill->getParentOp());
}

/// The row `index` of `memref`, rows being all dims but the last one.
static SmallVector<Value> buildRowIndices(ImplicitLocOpBuilder &b, Value memref,
                                          Value index) {
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  SmallVector<Value> indices(rank - 1);
  for (int64_t dim = rank - 2; dim >= 0; --dim) {
    Value size = buildDim(b, memref, dim);
    indices[dim] = arith::RemUIOp::create(b, index, size);
    index = arith::DivUIOp::create(b, index, size);
  }
  return indices;
}

/// A kernel that writes its second argument to every element of some rows of
/// the first.
static func::FuncOp createKernel(linalg::FillOp fill, StringRef name) {
  auto parent = cast<func::FuncOp>(fill->getParentOp());
  ImplicitLocOpBuilder b(fill.getLoc(), parent);
  Type index = b.getIndexType();
  SmallVector<Type> types{fill.output().getType(), fill.value().getType(),
                          index, index};
  auto kernel =
      func::FuncOp::create(b, name, b.getFunctionType(types, TypeRange()));
  kernel.setPrivate();
  kernel->setAttr(kBlockSize, b.getI64IntegerAttr(kThreads));
  b.setInsertionPointToStart(kernel.addEntryBlock());
  Value memref = kernel.getArgument(0), value = kernel.getArgument(1);
  int64_t last = cast<MemRefType>(memref.getType()).getRank() - 1;
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  auto rows = scf::ForOp::create(b, kernel.getArgument(2),
                                 kernel.getArgument(3), buildIndex(b, 1));
  func::ReturnOp::create(b);
  b.setInsertionPointToStart(rows.getBody());
  SmallVector<Value> indices =
      buildRowIndices(b, memref, rows.getInductionVar());
  auto columns = scf::ForOp::create(b, thread, buildDim(b, memref, last),
                                    buildIndex(b, kThreads));
  b.setInsertionPointToStart(columns.getBody());
  indices.push_back(columns.getInductionVar());
  memref::StoreOp::create(b, value, memref, indices);
  return kernel;
}

static void launchFill(linalg::FillOp fill, StringRef name) {
  createKernel(fill, name);
  ImplicitLocOpBuilder b(fill.getLoc(), fill);
  Value memref = fill.output(), rows = buildIndex(b, 1);
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    rows = b.createOrFold<arith::MulIOp>(rows, buildDim(b, memref, dim));
  LaunchOp::create(b, name, rows, ValueRange{memref, fill.value()});
  fill.erase();
}

namespace {
struct LaunchFillsPass : attn::impl::LaunchFillsPassBase<LaunchFillsPass> {
  void runOnOperation() override {
    SmallVector<linalg::FillOp> fills;
    getOperation().walk([&](linalg::FillOp fill) {
      if (fillsMemref(fill))
        fills.push_back(fill);
    });
    unsigned uniqueKernels = 0;
    for (linalg::FillOp fill : fills) {
      auto parent = cast<func::FuncOp>(fill->getParentOp());
      SmallString<64> name = SymbolTable::generateSymbolName<64>(
          (parent.getName() + "_fill").str(),
          [&](StringRef candidate) {
            return getOperation().lookupSymbol(candidate) != nullptr;
          },
          uniqueKernels);
      launchFill(fill, name);
    }
  }
};
} // namespace
