//===- LowerTransposedProduct.cpp - S^T = K Q^T and O^T = V^T P^T ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The columns of the instruction are query rows: a lane owns one of them in the
// scores, in the weights and in the result. Registers of the scores then are
// those of the weights as an operand, where a step of the instruction takes
// four neighbouring keys a lane.
//
// Along the head dim the order of the terms is free, as long as both operands
// have the same: a chunk of 16 bytes makes two steps.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "attn/Dialect/Attn/IR/MathHints.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kChunkBytes = 16;

/// Lanes that hold different terms of one row of an operand.
static int64_t countSumLanes(const MatrixInstruction &instruction) {
  return instruction.lanes / instruction.m;
}

namespace {

/// D[n, q] += A[n, k] B[k, q], A a tile in shared memory whose rows are keys.
class TransposedProduct {
public:
  TransposedProduct(ContractOp op, ThreadLowering &lowering)
      : op(op), b(op.getLoc(), op), lowering(lowering),
        instruction(
            getMatrixInstruction(lowering.getSchedule().getInstruction())),
        result(op.getResult().getType()),
        element(op.getLhs().getType().getElementType()),
        place(lowering.getPlace(op.getLhs())) {
    rowDim = result.getDims()[result.getDims()[0] == Dim::q];
    TileType keys = op.getLhs().getType();
    sumDim = keys.getDims()[keys.getDims()[0] == rowDim];
    operand = VectorType::get(instruction.perRegister, element);
    queryTiles =
        result.getExtent(Dim::q) / getRowMultiple(lowering.getSchedule());
    rowTiles = llvm::divideCeil(result.getExtent(rowDim), instruction.m);
    chunkElements = kChunkBytes / place.elementBytes;
    stepsOfChunk = chunkElements / instruction.perRegister;
    lane = lowering.getLane();
    sumLane = arith::DivUIOp::create(b, lane, buildI32(b, instruction.m));
    rowLane = arith::RemUIOp::create(b, lane, buildI32(b, instruction.m));
  }

  void emit();

private:
  void multiplyAlongHead();
  void multiplyAlongKeys();
  Value getChunkBase();
  SmallVector<Value> loadChunk(Value base, int64_t row, int64_t column);
  Value gather(const RegisterIndex &index, ArrayRef<int64_t> queries,
               ArrayRef<int64_t> terms);
  void multiply(Value lhs, Value rhs, int64_t rowTile, int64_t queryTile);

  ContractOp op;
  ImplicitLocOpBuilder b;
  ThreadLowering &lowering;
  const MatrixInstruction &instruction;
  TileType result;
  Type element;
  const SharedPlace &place;
  Dim rowDim, sumDim;
  VectorType operand;
  int64_t queryTiles, rowTiles, chunkElements, stepsOfChunk;
  Value lane, sumLane, rowLane;
  SmallVector<Value> sums;
  std::optional<RegisterIndex> sumIndex;
};

} // namespace

void TransposedProduct::multiply(Value lhs, Value rhs, int64_t rowTile,
                                 int64_t queryTile) {
  SmallVector<int64_t> at;
  SmallVector<Value> acc;
  for (int64_t i = 0, end = countValues(instruction.dRegisters); i < end; ++i) {
    at.push_back(
        sumIndex->find({queryTile * instruction.n,
                        rowTile * instruction.m +
                            evaluate(instruction.dRegisters, Dim::q, i)}));
    acc.push_back(sums[at.back()]);
  }
  SmallVector<Type> types(acc.size(), b.getF32Type());
  auto product = MmaOp::create(b, types, instruction.kind, ValueRange{lhs},
                               ValueRange{rhs}, acc);
  for (auto [reg, value] : llvm::zip_equal(at, product.getResult()))
    sums[reg] = value;
}

/// One register of B: `terms` are the offsets of its elements along the common
/// dim. Weights that were rounded one by one are rounded at once.
Value TransposedProduct::gather(const RegisterIndex &index,
                                ArrayRef<int64_t> queries,
                                ArrayRef<int64_t> terms) {
  ArrayRef<Value> values = lowering.getRegisters(op.getRhs());
  SmallVector<Value> members, wide;
  bool isShortened = true;
  for (int64_t term : terms) {
    int64_t at = index.find({queries[0], term});
    assert(at >= 0 && "rhs is not laid out as an operand");
    members.push_back(values[at]);
    auto round = members.back().getDefiningOp<arith::TruncFOp>();
    if (!round || !round.getIn().getType().isF32())
      continue;
    wide.push_back(round.getIn());
    isShortened &= round->hasAttr(kShortened);
  }
  if (wide.size() != members.size())
    return vector::FromElementsOp::create(b, operand, members);
  auto type = VectorType::get(operand.getShape(), b.getF32Type());
  auto rounded = arith::TruncFOp::create(
      b, operand, vector::FromElementsOp::create(b, type, wide));
  rounded->setAttr(isShortened ? kShortened : kRoundsWeights, b.getUnitAttr());
  return rounded;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Where this lane's first chunk of the tile's first rows lies.
Value TransposedProduct::getChunkBase() {
  Value chunk = sumLane;
  if (place.layout.getSwizzle() > 1)
    chunk = arith::XOrIOp::create(
        b, chunk, buildSwizzle(b, place.layout, place.elementBytes, rowLane));
  Value offset = arith::AddIOp::create(
      b,
      arith::MulIOp::create(
          b, rowLane,
          buildI32(b, place.layout.getPitch() * place.elementBytes)),
      arith::MulIOp::create(b, chunk, buildI32(b, kChunkBytes)));
  return arith::AddIOp::create(b, place.begin, offset);
}

/// The operands of the steps that one chunk makes.
SmallVector<Value> TransposedProduct::loadChunk(Value base, int64_t row,
                                                int64_t column) {
  Value pointer = buildMovedPointer(b, place, base, row, column, lowering);
  Value chunk =
      LLVM::LoadOp::create(b, VectorType::get(chunkElements, element), pointer,
                           /*alignment=*/kChunkBytes);
  SmallVector<Value> steps;
  for (int64_t step = 0; step < stepsOfChunk; ++step) {
    SmallVector<int64_t> members;
    for (int64_t e = 0; e < instruction.perRegister; ++e)
      members.push_back(step * instruction.perRegister + e);
    steps.push_back(vector::ShuffleOp::create(b, chunk, chunk, members));
  }
  return steps;
}

void TransposedProduct::multiplyAlongHead() {
  RegisterIndex query(op.getRhs().getType(), ArrayRef<Dim>{Dim::q, sumDim});
  Value base = getChunkBase();
  int64_t perChunks = chunkElements * countSumLanes(instruction);
  int64_t extent = op.getLhs().getType().getExtent(sumDim);
  for (int64_t first = 0; first < extent; first += perChunks)
    for (int64_t rowTile = 0; rowTile < rowTiles; ++rowTile) {
      SmallVector<Value> lhs = loadChunk(base, rowTile * instruction.m, first);
      for (int64_t tile = 0; tile < queryTiles; ++tile)
        for (int64_t step = 0; step < stepsOfChunk; ++step) {
          SmallVector<int64_t> terms;
          for (int64_t e = 0; e < instruction.perRegister; ++e)
            terms.push_back(first + step * instruction.perRegister + e);
          multiply(lhs[step], gather(query, {tile * instruction.n}, terms),
                   rowTile, tile);
        }
    }
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

/// Of a transposed tile, a chunk holds what a lane needs for its steps.
void TransposedProduct::multiplyAlongKeys() {
  RegisterIndex weights(op.getRhs().getType(), ArrayRef<Dim>{Dim::q, sumDim});
  Value base = getChunkBase();
  int64_t keysOfChunk = chunkElements * countSumLanes(instruction);
  int64_t keys = op.getLhs().getType().getExtent(sumDim);
  for (int64_t first = 0; first < keys; first += keysOfChunk) {
    SmallVector<SmallVector<Value>> rhs(stepsOfChunk);
    for (auto [step, operands] : llvm::enumerate(rhs))
      for (int64_t tile = 0; tile < queryTiles; ++tile) {
        SmallVector<int64_t> terms;
        for (int64_t e = 0; e < instruction.perRegister; ++e)
          terms.push_back(first + step * instruction.k + e);
        operands.push_back(gather(weights, {tile * instruction.n}, terms));
      }
    for (int64_t rowTile = 0; rowTile < rowTiles; ++rowTile) {
      SmallVector<Value> lhs = loadChunk(base, rowTile * instruction.m, first);
      for (auto [operand, operands] : llvm::zip_equal(lhs, rhs))
        for (int64_t tile = 0; tile < queryTiles; ++tile)
          multiply(operand, operands[tile], rowTile, tile);
    }
  }
}

void TransposedProduct::emit() {
  auto layout = cast<FragmentAttr>(result.getLayout());
  sumIndex.emplace(result, ArrayRef<Dim>{Dim::q, rowDim});
  sums.assign(countValues(layout.getRegisters()), buildF32(b, 0));
  // In f32 the sum of a tile is added at the end, so that it is rounded into
  // the large sum of many keys once.
  bool addsLast = element.isF32();
  if (op.getInto() && !addsLast)
    sums = SmallVector<Value>(lowering.getRegisters(op.getInto()));
  if (sumDim == Dim::kv)
    multiplyAlongKeys();
  else
    multiplyAlongHead();
  if (op.getInto() && addsLast)
    for (auto [sum, into] :
         llvm::zip_equal(sums, lowering.getRegisters(op.getInto())))
      sum = arith::AddFOp::create(b, into, sum);
  lowering.setRegisters(op.getResult(), sums);
}

void attn::lowerTransposedProduct(ContractOp op, ThreadLowering &lowering) {
  TransposedProduct(op, lowering).emit();
}
