//===- UserFunction.cpp - User functions at the place of a pair -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/UserFunction.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/InferIntRangeInterface.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Lookup
//===----------------------------------------------------------------------===//

func::FuncOp attn::lookupUserFunction(AttentionOp op,
                                      FlatSymbolRefAttr symbol) {
  return SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, symbol);
}

llvm::SetVector<func::FuncOp> attn::getUserFunctions(AttentionOp op) {
  llvm::SetVector<func::FuncOp> functions;
  if (FlatSymbolRefAttr symbol = op.getScoreModAttr())
    functions.insert(lookupUserFunction(op, symbol));
  // Each node once: masks that share operands may be huge as a tree.
  llvm::SetVector<Attribute> nodes;
  if (op.getMaskAttr())
    nodes.insert(op.getMaskAttr());
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (auto custom = dyn_cast<CustomAttr>(nodes[i]))
      functions.insert(lookupUserFunction(op, custom.getFunction()));
    nodes.insert_range(getMaskOperands(nodes[i]));
  }
  return functions;
}

void attn::eraseUnusedFunctions(ModuleOp module,
                                ArrayRef<func::FuncOp> functions) {
  for (func::FuncOp function : functions)
    if (function.isPrivate() && function.symbolKnownUseEmpty(module))
      function.erase();
}

//===----------------------------------------------------------------------===//
// Inlining
//===----------------------------------------------------------------------===//

/// `index` moved into [0, size), where `size` is at least 1.
static Value buildClamped(ImplicitLocOpBuilder &b, Value index, Value memref,
                          int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  Value last;
  if (type.isDynamicDim(dim))
    last = arith::SubIOp::create(b, memref::DimOp::create(b, memref, dim),
                                 buildIndex(b, 1));
  else
    last = buildIndex(b, type.getDimSize(dim) - 1);
  Value below = arith::MinSIOp::create(b, index, last);
  return arith::MaxSIOp::create(b, below, buildIndex(b, 0));
}

static Value buildLoad(ImplicitLocOpBuilder &b, memref::LoadOp load,
                       const IRMapping &mapping) {
  Value memref = mapping.lookup(load.getMemRef());
  SmallVector<Value> indices;
  for (auto [dim, index] : llvm::enumerate(load.getIndices()))
    indices.push_back(buildClamped(b, mapping.lookup(index), memref,
                                   static_cast<int64_t>(dim)));
  return memref::LoadOp::create(b, memref, indices);
}

/// The divisor, or 1 where dividing would trap: by 0, and the least signed
/// number by -1.
static Value buildSafeDivisor(ImplicitLocOpBuilder &b, Value dividend,
                              Value divisor, bool isSigned) {
  APInt constant;
  if (matchPattern(divisor, m_ConstantInt(&constant)) && !constant.isZero() &&
      !(isSigned && constant.isAllOnes()))
    return divisor;
  Type type = divisor.getType();
  auto isEqual = [&](Value value, const APInt &other) -> Value {
    Value number = arith::ConstantOp::create(b, b.getIntegerAttr(type, other));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, value, number);
  };
  unsigned width = ConstantIntRanges::getStorageBitwidth(type);
  Value traps = isEqual(divisor, APInt::getZero(width));
  if (isSigned) {
    Value overflows = arith::AndIOp::create(
        b, isEqual(divisor, APInt::getAllOnes(width)),
        isEqual(dividend, APInt::getSignedMinValue(width)));
    traps = arith::OrIOp::create(b, traps, overflows);
  }
  Value one = arith::ConstantOp::create(b, b.getIntegerAttr(type, 1));
  return arith::SelectOp::create(b, traps, one, divisor);
}

/// Emits one op of a function, or what stands for it.
static Value buildTotal(ImplicitLocOpBuilder &b, Operation &op,
                        IRMapping &mapping) {
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return buildLoad(b, load, mapping);
  bool isSigned = isa<arith::DivSIOp, arith::CeilDivSIOp, arith::FloorDivSIOp,
                      arith::RemSIOp>(op);
  bool isUnsigned = isa<arith::DivUIOp, arith::CeilDivUIOp, arith::RemUIOp>(op);
  Operation *clone = b.clone(op, mapping);
  if (isSigned || isUnsigned) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(clone);
    clone->setOperand(1, buildSafeDivisor(b, clone->getOperand(0),
                                          clone->getOperand(1), isSigned));
  }
  return clone->getResult(0);
}

Value attn::inlineUserFunction(ImplicitLocOpBuilder &b, func::FuncOp function,
                               ValueRange arguments) {
  IRMapping mapping;
  mapping.map(function.getArguments(), arguments);
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator())
    mapping.map(op.getResult(0), buildTotal(b, op, mapping));
  return mapping.lookup(body.getTerminator()->getOperand(0));
}
