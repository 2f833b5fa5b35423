//===- LowerScalarProduct.cpp - Products one multiplication at a time -----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For operands that no matrix instruction multiplies as they are: f32 ones in
// further attempts, and guarded products, whose terms of weight 0 count as 0
// whatever V holds. Each thread sums up the elements of its registers in a loop
// over the common dim; weights go through shared memory.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;

namespace {

class ScalarProduct {
public:
  ScalarProduct(ContractOp op, ThreadLowering &lowering)
      : op(op), b(op.getLoc(), op), lowering(lowering),
        result(op.getResult().getType()),
        layout(cast<FragmentAttr>(result.getLayout())) {
    columnDim = result.getDims()[result.getDims()[0] == Dim::q];
    TileType keys = op.getLhs().getType();
    sumDim = keys.getDims()[keys.getDims()[0] == columnDim];
  }

  void emit();

private:
  SharedPlace storeWeights(int64_t first, int64_t keys);
  Value loadElement(Value tile, const SharedPlace &place, Dim dim,
                    int64_t offset, Value sum);
  Value loadF32(Value pointer, Value tile);
  SmallVector<Value> addShortSums(int64_t first, int64_t count,
                                  ValueRange sums);
  SmallVector<Value> addRound(int64_t first, int64_t count, ValueRange sums,
                              size_t begin = 0);
  SmallVector<Value> addTerms(int64_t first, Value sum, ValueRange sums,
                              size_t begin);
  Value addTerm(Value weight, Value key, Value sum);

  ContractOp op;
  ImplicitLocOpBuilder b;
  ThreadLowering &lowering;
  TileType result;
  FragmentAttr layout;
  Dim columnDim, sumDim;
  SharedPlace rhs;
};

} // namespace

/// The weights of a row are written and read by one warp.
static void buildWarpBarrier(ImplicitLocOpBuilder &b) {
  gpu::BarrierOp::create(b)->setAttr(kOfWarp, b.getUnitAttr());
}

/// Whether memory that was in use since the last barrier may be free in front
/// of `op`: that of the query tile, behind the last product with it.
static bool mayReuseMemory(Operation *op) {
  for (Operation *prev = op->getPrevNode(); prev; prev = prev->getPrevNode()) {
    if (isa<gpu::BarrierOp>(prev) && !prev->hasAttr(kOfWarp))
      return false;
    WalkResult result =
        prev->walk([](memref::DeallocOp) { return WalkResult::interrupt(); });
    if (result.wasInterrupted())
      return true;
  }
  return true;
}

/// Puts the weights of `keys` keys from `first` on, [q][kv], where all lanes of
/// their rows can read them.
SharedPlace ScalarProduct::storeWeights(int64_t first, int64_t keys) {
  TileType tile = op.getRhs().getType();
  auto from = cast<FragmentAttr>(tile.getLayout());
  SharedPlace place;
  place.elementBytes = tile.getElementType().getIntOrFloatBitWidth() / 8;
  // The last keys may be fewer. They take the layout of all others, so that the
  // rows of a warp stay where only this warp reads and writes.
  int64_t columns = std::min(kSharedWeightKeys, tile.getExtent(sumDim));
  place.layout = SharedAttr::get(b.getContext(), columns,
                                 columns + 16 / place.elementBytes,
                                 /*swizzle=*/1, /*transposed=*/false);
  int64_t begin = lowering.allocateShared(
      tile.getExtent(Dim::q) * place.layout.getPitch() * place.elementBytes);
  place.begin = buildI32(b, begin);
  // Behind the weights of other keys. Those of an earlier product were read
  // before the barrier that showed the keys of this one.
  if (first > 0)
    buildWarpBarrier(b);
  else if (mayReuseMemory(op))
    gpu::BarrierOp::create(b);
  for (auto [reg, value] :
       llvm::enumerate(lowering.getRegisters(op.getRhs()))) {
    // Lanes lie within a step of the instruction, which keys are a multiple of.
    int64_t key = getRegisterOffset(from, sumDim, reg) - first;
    if (key < 0 || key >= keys)
      continue;
    auto at = [&](Dim dim, int64_t ofRegister) -> Value {
      return arith::AddIOp::create(b, lowering.getThreadOffset(from, dim),
                                   buildI32(b, ofRegister));
    };
    Value offset = buildSharedOffset(
        b, place, at(Dim::q, getRegisterOffset(from, Dim::q, reg)),
        at(sumDim, key));
    LLVM::StoreOp::create(b, value, lowering.getSharedPointer(b, offset));
  }
  buildWarpBarrier(b);
  lowering.releaseShared(begin);
  return place;
}

Value ScalarProduct::loadF32(Value pointer, Value tile) {
  Type element = cast<TileType>(tile.getType()).getElementType();
  Value value = LLVM::LoadOp::create(b, element, pointer);
  return element.isF32()
             ? value
             : arith::ExtFOp::create(b, b.getF32Type(), value).getResult();
}

/// The element of `tile` at this thread's coordinate along `dim`, which differs
/// by `offset` between registers, and at `sum` along the common dim.
Value ScalarProduct::loadElement(Value tile, const SharedPlace &place, Dim dim,
                                 int64_t offset, Value sum) {
  Value own = lowering.getThreadOffset(layout, dim);
  // Rows of shared tiles are query rows or keys.
  bool ownIsRow = dim == Dim::q || dim == Dim::kv;
  if (ownIsRow != place.layout.getTransposed()) {
    // One address for all registers: theirs would be computed in front of the
    // loop and fill registers themselves.
    Value base =
        buildSharedOffset(b, place, ownIsRow ? own : sum, ownIsRow ? sum : own);
    return loadF32(
        buildMovedPointer(b, place, base, offset, /*column=*/0, lowering),
        tile);
  }
  own = arith::AddIOp::create(b, own, buildI32(b, offset));
  Value at =
      buildSharedOffset(b, place, ownIsRow ? own : sum, ownIsRow ? sum : own);
  return loadF32(lowering.getSharedPointer(b, at), tile);
}

Value ScalarProduct::addTerm(Value weight, Value key, Value sum) {
  if (!op.getGuard())
    return math::FmaOp::create(b, weight, key, sum);
  Value scaled = weight;
  if (op.getGuardScale())
    scaled = arith::MulFOp::create(b, weight, op.getGuardScale());
  Value added = math::FmaOp::create(b, scaled, key, sum);
  Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, weight,
                                     buildF32(b, 0));
  return arith::SelectOp::create(b, none, sum, added);
}

/// How many elements the code generator may load ahead, each into a register.
static constexpr size_t kTermsAtOnce = 16;

/// Step `sum`, an i32, of a round that begins with term `first`, for the
/// registers from `begin` on.
SmallVector<Value> ScalarProduct::addTerms(int64_t first, Value sum,
                                           ValueRange sums, size_t begin) {
  Value term = arith::AddIOp::create(b, sum, buildI32(b, first));
  llvm::DenseMap<int64_t, Value> rows, columns;
  SmallVector<Value> next;
  const SharedPlace &lhs = lowering.getPlace(op.getLhs());
  for (auto [index, value] : llvm::enumerate(sums)) {
    size_t reg = begin + index;
    if (index > 0 && index % kTermsAtOnce == 0 &&
        lowering.getSchedule().getTransposed())
      FenceScheduleOp::create(b);
    int64_t row = getRegisterOffset(layout, Dim::q, reg);
    int64_t column = getRegisterOffset(layout, columnDim, reg);
    Value &ofRow = rows[row], &ofColumn = columns[column];
    if (!ofRow)
      ofRow = loadElement(op.getRhs(), rhs, Dim::q, row, sum);
    if (!ofColumn)
      ofColumn = loadElement(op.getLhs(), lhs, columnDim, column, term);
    next.push_back(addTerm(ofRow, ofColumn, value));
  }
  return next;
}

/// The terms [first, first + count), in a loop.
SmallVector<Value> ScalarProduct::addRound(int64_t first, int64_t count,
                                           ValueRange sums, size_t begin) {
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), buildIndex(b, count),
                                 buildIndex(b, 1), sums);
  keepRolled(loop);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value sum =
      arith::IndexCastOp::create(b, b.getI32Type(), loop.getInductionVar());
  scf::YieldOp::create(b,
                       addTerms(first, sum, loop.getRegionIterArgs(), begin));
  return SmallVector<Value>(loop.getResults());
}

/// The same, in sums that begin at 0 and are added to `sums` at the end: most
/// roundings happen in short sums, which f32 outputs need. Some registers at a
/// time, because those of the short sums come on top.
SmallVector<Value> ScalarProduct::addShortSums(int64_t first, int64_t count,
                                               ValueRange sums) {
  constexpr size_t kAtOnce = 64;
  SmallVector<Value> next;
  for (size_t begin = 0; begin < sums.size(); begin += kAtOnce) {
    ValueRange before =
        sums.slice(begin, std::min(kAtOnce, sums.size() - begin));
    SmallVector<Value> zeros(before.size(), buildF32(b, 0));
    for (auto [old, sum] :
         llvm::zip_equal(before, addRound(first, count, zeros, begin)))
      next.push_back(arith::AddFOp::create(b, old, sum));
  }
  return next;
}

void ScalarProduct::emit() {
  SmallVector<Value> sums(countValues(layout.getRegisters()), buildF32(b, 0));
  if (op.getInto())
    sums = SmallVector<Value>(lowering.getRegisters(op.getInto()));
  int64_t terms = op.getLhs().getType().getExtent(sumDim);
  if (lowering.isShared(op.getRhs())) {
    rhs = lowering.getPlace(op.getRhs());
    sums = addRound(0, terms, sums);
  } else {
    for (int64_t first = 0; first < terms; first += kSharedWeightKeys) {
      int64_t count = std::min(kSharedWeightKeys, terms - first);
      rhs = storeWeights(first, count);
      bool isF32 = op.getLhs().getType().getElementType().isF32();
      sums = isF32 ? addShortSums(first, count, sums)
                   : addRound(first, count, sums);
    }
  }
  lowering.setRegisters(op.getResult(), sums);
}

void attn::lowerScalarProduct(ContractOp op, ThreadLowering &lowering) {
  ScalarProduct(op, lowering).emit();
}
