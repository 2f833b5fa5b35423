//===- LowerMemory.cpp - Registers to and from global memory --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace attn;

static FragmentAttr getFragmentOf(TileType tile) {
  return cast<FragmentAttr>(tile.getLayout());
}

/// The coordinate of a register along `dim`, an index.
static Value buildCoordinate(ImplicitLocOpBuilder &b, TileType tile, Dim dim,
                             int64_t reg, ThreadLowering &lowering) {
  FragmentAttr layout = getFragmentOf(tile);
  Value thread = lowering.getThreadOffset(layout, dim);
  return arith::AddIOp::create(
      b, toIndex(b, thread),
      buildIndex(b, getRegisterOffset(layout, dim, reg)));
}

static Value buildLess(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// An f64 as f32; a finite one stays finite.
static Value buildNarrow(ImplicitLocOpBuilder &b, Value value) {
  auto f64 = [&](double number) {
    return arith::ConstantOp::create(b, b.getF64FloatAttr(number));
  };
  constexpr double kLargest = 0x1.fffffep127;
  for (double sign : {1.0, -1.0}) {
    auto beyond =
        sign > 0 ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
    Value over = arith::CmpFOp::create(b, beyond, value, f64(sign * kLargest));
    Value finite = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, value,
                                         f64(sign * INFINITY));
    value = arith::SelectOp::create(b, arith::AndIOp::create(b, over, finite),
                                    f64(sign * kLargest), value);
  }
  return arith::TruncFOp::create(b, b.getF32Type(), value);
}

static Value buildConvert(ImplicitLocOpBuilder &b, Value value, Type to) {
  Type from = value.getType();
  if (from == to)
    return value;
  if (from.isF64())
    return buildNarrow(b, value);
  if (isa<FloatType>(from))
    return arith::ExtFOp::create(b, to, value);
  return arith::ExtUIOp::create(b, to, value);
}

void attn::lowerBoxToRegisters(LoadBoxOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileType tile = op.getTile().getType();
  Type element = tile.getElementType();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  SmallVector<Value> values;
  int64_t count = countValues(getFragmentOf(tile).getRegisters());
  for (int64_t reg = 0; reg < count; ++reg) {
    SmallVector<Value> at;
    Value inside;
    for (auto [dim, offset, valid] :
         llvm::zip_equal(tile.getDims(), op.getOffsets(), op.getValid())) {
      Value coordinate = buildCoordinate(b, tile, dim, reg, lowering);
      Value below = buildLess(b, coordinate, valid);
      inside =
          inside ? arith::AndIOp::create(b, inside, below).getResult() : below;
      at.push_back(arith::AddIOp::create(b, offset, coordinate));
    }
    values.push_back(buildIf(b, inside, zero, [&]() -> Value {
      Value value = memref::LoadOp::create(b, op.getSource(), at);
      return buildConvert(b, value, element);
    }));
  }
  lowering.setRegisters(op.getTile(), values);
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

namespace {

/// Stores the registers of one tile, row by row.
class RowStorer {
public:
  RowStorer(StoreTileOp op, ThreadLowering &lowering)
      : op(op), b(op.getLoc(), op), lowering(lowering),
        rows(lowering.getRows(op.getView())), tile(op.getTile().getType()),
        dim(op.getView().getType().getDim()) {
    int64_t count = countValues(getFragmentOf(tile).getRegisters());
    for (int64_t reg = 0; reg < count; ++reg)
      byRow[getRegisterOffset(getFragmentOf(tile), Dim::q, reg)].push_back(reg);
  }

  void emit();

private:
  Value round(Value value);
  Value keepFinite(Value target, Value value);
  void storeElement(Value pointer, int64_t reg);
  void storeInside(int64_t reg, function_ref<void()> store);
  void storePairs(Value pointer, ArrayRef<int64_t> members);
  bool arePairs(ArrayRef<int64_t> members);
  int64_t getColumn(int64_t reg) {
    return getRegisterOffset(getFragmentOf(tile), dim, reg);
  }
  /// Whether a register lies beyond the last column in every lane.
  bool isPadding(int64_t reg) { return getColumn(reg) >= getExtent(); }
  int64_t getExtent() { return op.getView().getType().getExtent(); }

  StoreTileOp op;
  ImplicitLocOpBuilder b;
  ThreadLowering &lowering;
  const GlobalRows &rows;
  TileType tile;
  Dim dim;
  llvm::MapVector<int64_t, SmallVector<int64_t>> byRow;
};

} // namespace

Value RowStorer::round(Value value) {
  Type element = rows.element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    element = vector.clone(element);
  return value.getType() == element
             ? value
             : arith::TruncFOp::create(b, element, value).getResult();
}

/// What is at `target`, if it is finite and finite values are kept, or `value`.
/// A branch around each store would cost assemblers more than the retries are
/// worth.
Value RowStorer::keepFinite(Value target, Value value) {
  Value old = LLVM::LoadOp::create(b, rows.element, target);
  Value finite = math::IsFiniteOp::create(b, old);
  Value keeps = arith::AndIOp::create(b, op.getKeepFinite(), finite);
  return arith::SelectOp::create(b, keeps, old, value);
}

/// Stores one register.
void RowStorer::storeElement(Value pointer, int64_t reg) {
  Value offset = arith::AddIOp::create(
      b, toI64(b, lowering.getThreadOffset(getFragmentOf(tile), dim)),
      buildI64(b, getColumn(reg)));
  if (rows.columnStride)
    offset = arith::MulIOp::create(b, offset, rows.columnStride);
  Value target = buildAddress(b, pointer, rows.element, offset);
  Value value = lowering.getRegisters(op.getTile())[reg];
  auto store = [&] {
    Value rounded = round(value);
    if (op.getKeepFinite())
      rounded = keepFinite(target, rounded);
    LLVM::StoreOp::create(b, rounded, target);
  };
  storeInside(reg, store);
}

/// Calls `store` for lanes whose column of a register is below the extent.
void RowStorer::storeInside(int64_t reg, function_ref<void()> store) {
  // Lanes of one register lie within a step of the instruction.
  FragmentAttr layout = getFragmentOf(tile);
  int64_t reach =
      evaluate(layout.getLanes(), dim, countValues(layout.getLanes()) - 1);
  if (getColumn(reg) + reach < getExtent())
    return store();
  Value column = buildCoordinate(b, tile, dim, reg, lowering);
  buildIf(b, buildLess(b, column, buildIndex(b, getExtent())), store);
}

/// Whether registers follow each other two by two along a row.
bool RowStorer::arePairs(ArrayRef<int64_t> members) {
  if (members.size() % 2 || rows.columnStride || op.getKeepFinite() ||
      getExtent() % 8)
    return false;
  for (size_t i = 0; i < members.size(); i += 2)
    if (getColumn(members[i]) % 2 ||
        getColumn(members[i + 1]) != getColumn(members[i]) + 1)
      return false;
  return true;
}

void RowStorer::storePairs(Value pointer, ArrayRef<int64_t> members) {
  ArrayRef<Value> values = lowering.getRegisters(op.getTile());
  Value lane = toI64(b, lowering.getThreadOffset(getFragmentOf(tile), dim));
  Value first = buildAddress(b, pointer, rows.element, lane);
  int64_t bytes = rows.element.getIntOrFloatBitWidth() / 8;
  for (size_t i = 0; i < members.size(); i += 2) {
    if (isPadding(members[i]))
      continue;
    Value pair = vector::FromElementsOp::create(
        b, VectorType::get(2, b.getF32Type()),
        ValueRange{values[members[i]], values[members[i + 1]]});
    Value target = buildByteAddress(b, first, getColumn(members[i]) * bytes);
    storeInside(members[i], [&] {
      LLVM::StoreOp::create(b, round(pair), target,
                            /*alignment=*/static_cast<unsigned>(2 * bytes));
    });
  }
}

void RowStorer::emit() {
  for (auto &[row, members] : byRow) {
    Value thread = lowering.getThreadOffset(getFragmentOf(tile), Dim::q);
    Value inTile =
        arith::AddIOp::create(b, toIndex(b, thread), buildIndex(b, row));
    buildIf(b, buildLess(b, inTile, op.getValid()), [&, &members = members] {
      Value at =
          arith::AddIOp::create(b, toI64(b, op.getRow()), toI64(b, inTile));
      Value pointer = buildRowPointer(b, rows, at);
      if (op.getAligned() && arePairs(members))
        return storePairs(pointer, members);
      for (int64_t reg : members)
        if (!isPadding(reg))
          storeElement(pointer, reg);
    });
  }
}

void attn::lowerStoreRegisters(StoreTileOp op, ThreadLowering &lowering) {
  RowStorer(op, lowering).emit();
}

void attn::lowerStoreStatistics(StoreStatsOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileType tile = op.getTile().getType();
  // Lanes that hold the same rows leave the store to the first of them.
  Value isFirst = lowering.isFirstAlong(getFragmentOf(tile));
  for (auto [reg, value] :
       llvm::enumerate(lowering.getRegisters(op.getTile()))) {
    Value row = buildCoordinate(b, tile, Dim::q, reg, lowering);
    Value stores =
        arith::AndIOp::create(b, isFirst, buildLess(b, row, op.getValid()));
    buildIf(b, stores, [&, value = value] {
      SmallVector<Value> at(op.getIndices());
      Value inSequence = row;
      if (op.getHeads() > 1) {
        Value heads = buildIndex(b, op.getHeads());
        Value head = arith::RemUIOp::create(b, row, heads);
        inSequence = arith::DivUIOp::create(b, row, heads);
        Value &first = at[at.size() - 2];
        first = arith::AddIOp::create(b, first, head);
      }
      at.back() = arith::AddIOp::create(b, at.back(), inSequence);
      memref::StoreOp::create(b, value, op.getMemref(), at);
    });
  }
}
