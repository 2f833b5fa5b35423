//===- ExpandCopies.cpp - Copies between strides become loops -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_EXPANDCOPIESPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

/// Whether upstream lowers a copy from or to `type` to a call of its runtime.
/// Unranked memrefs are left to it.
static bool isStrided(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && !memref.getLayout().isIdentity();
}

static void expandCopy(memref::CopyOp copy) {
  ImplicitLocOpBuilder b(copy.getLoc(), copy);
  Value source = copy.getSource(), target = copy.getTarget();
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  SmallVector<Value> indices;
  for (int64_t dim = 0; dim < cast<MemRefType>(source.getType()).getRank();
       ++dim) {
    Value size = memref::DimOp::create(b, source, dim);
    auto loop = scf::ForOp::create(b, zero, size, one);
    indices.push_back(loop.getInductionVar());
    b.setInsertionPointToStart(loop.getBody());
  }
  Value element = memref::LoadOp::create(b, source, indices);
  memref::StoreOp::create(b, element, target, indices);
  copy.erase();
}

namespace {
struct ExpandCopiesPass : attn::impl::ExpandCopiesPassBase<ExpandCopiesPass> {
  void runOnOperation() override {
    SmallVector<memref::CopyOp> copies;
    getOperation()->walk([&](memref::CopyOp copy) {
      Type source = copy.getSource().getType();
      Type target = copy.getTarget().getType();
      if (isa<MemRefType>(source) && isa<MemRefType>(target) &&
          (isStrided(source) || isStrided(target)))
        copies.push_back(copy);
    });
    for (memref::CopyOp copy : copies)
      expandCopy(copy);
  }
};
} // namespace
