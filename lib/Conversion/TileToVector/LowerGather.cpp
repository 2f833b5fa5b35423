//===- LowerGather.cpp - Loads of maps that differ between lanes ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

/// All memory behind `memref` from its first element on, as one dim of stride
/// 1: gathers know no other.
static Value buildFlat(ImplicitLocOpBuilder &b,
                       memref::ExtractStridedMetadataOp metadata,
                       Type element) {
  auto layout = StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, 1);
  // No size bounds a gather.
  auto type = MemRefType::get(1, element, layout);
  return memref::ReinterpretCastOp::create(
      b, type, metadata.getBaseBuffer(), OpFoldResult(metadata.getOffset()),
      ArrayRef<OpFoldResult>(b.getIndexAttr(1)),
      ArrayRef<OpFoldResult>(b.getIndexAttr(1)));
}

Value attn::buildGather(ImplicitLocOpBuilder &b, ValueRange operands,
                        int64_t width) {
  auto type = cast<MemRefType>(operands.front().getType());
  auto indexType = VectorType::get({width}, b.getIndexType());
  auto splat = [&](Value value) -> Value {
    if (isa<VectorType>(value.getType()))
      return value;
    return vector::BroadcastOp::create(b, indexType, value);
  };
  auto metadata = memref::ExtractStridedMetadataOp::create(b, operands.front());
  // What all lanes share is added up as a scalar.
  Value shared = buildIndex(b, 0), varying;
  for (auto [index, stride] :
       llvm::zip_equal(operands.drop_front(), metadata.getStrides())) {
    bool isShared = index.getType().isIndex();
    Value factor = isShared ? Value(stride) : splat(stride);
    Value offset = arith::MulIOp::create(b, index, factor);
    Value &sum = isShared ? shared : varying;
    sum = sum ? Value(arith::AddIOp::create(b, sum, offset)) : offset;
  }
  auto resultType = VectorType::get({width}, type.getElementType());
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(resultType));
  Value all = arith::ConstantOp::create(
      b, DenseElementsAttr::get(resultType.clone(b.getI1Type()), true));
  Value flat = buildFlat(b, metadata, type.getElementType());
  return vector::GatherOp::create(b, resultType, flat, shared, varying, all,
                                  none);
}
