//===- LowerProduct.cpp - Products of tiles -------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

/// Whether `op` belongs to a further attempt at a work item: parts of infinite
/// or huge elements are NaN, which the first attempt notices at its end.
static bool isFurtherAttempt(ContractOp op) {
  return op->getParentOfType<scf::WhileOp>();
}

void attn::lowerProduct(ContractOp op, ThreadLowering &lowering) {
  const MatrixInstruction &instruction =
      getMatrixInstruction(lowering.getSchedule().getInstruction());
  Type lhs = op.getLhs().getType().getElementType();
  Type rhs = op.getRhs().getType().getElementType();
  // A guarded product leaves terms out, which no instruction can.
  bool isPlain = !op.getGuard() && lhs == rhs;
  if (isPlain && multipliesParts(instruction, lhs) && !isFurtherAttempt(op))
    return lowerSplitProduct(op, lowering);
  if (!isPlain || !multiplies(instruction, lhs))
    return lowerScalarProduct(op, lowering);
  if (lowering.getSchedule().getTransposed())
    return lowerTransposedProduct(op, lowering);
  lowerMatrixProduct(op, lowering);
}

namespace {

/// A product whose rows are query rows: D[q, n] += A[q, k] B[k, n]. A is the
/// query tile in shared memory, or the weights, in registers already.
class MatrixProduct {
public:
  MatrixProduct(ContractOp op, ThreadLowering &lowering)
      : op(op), b(op.getLoc(), op), lowering(lowering),
        instruction(
            getMatrixInstruction(lowering.getSchedule().getInstruction())),
        result(op.getResult().getType()) {
    TileType keys = op.getLhs().getType();
    columnDim = result.getDims()[result.getDims()[0] == Dim::q];
    sumDim = keys.getDims()[keys.getDims()[0] == columnDim];
    register_ = VectorType::get(instruction.perRegister, keys.getElementType());
    rowTiles =
        result.getExtent(Dim::q) / getRowMultiple(lowering.getSchedule());
    columnTiles = llvm::divideCeil(result.getExtent(columnDim), instruction.n);
    steps = llvm::divideCeil(keys.getExtent(sumDim), instruction.k);
  }

  void emit();

private:
  using Operand = SmallVector<Value>;
  Operand loadRows(const MatrixReader &reader, int64_t rowTile, int64_t step);
  Operand gatherRows(const RegisterIndex &weights, int64_t rowTile,
                     int64_t step);
  std::pair<Operand, Operand> loadColumns(const MatrixReader &reader,
                                          int64_t columnTile, int64_t step);
  Value pack(Value low, Value high);
  void multiply(ArrayRef<Value> lhs, ArrayRef<Value> rhs, int64_t rowTile,
                int64_t columnTile);

  ContractOp op;
  ImplicitLocOpBuilder b;
  ThreadLowering &lowering;
  const MatrixInstruction &instruction;
  TileType result;
  Dim columnDim, sumDim;
  VectorType register_;
  int64_t rowTiles, columnTiles, steps;
  SmallVector<Value> sums;
  std::optional<RegisterIndex> sumIndex;
};

} // namespace

/// A of a query tile: its matrices come in the order of its registers.
MatrixProduct::Operand MatrixProduct::loadRows(const MatrixReader &reader,
                                               int64_t rowTile, int64_t step) {
  return reader.load(b, rowTile * instruction.m, step * instruction.k,
                     /*transposed=*/false);
}

/// Two elements as one register; two that were rounded are rounded at once.
Value MatrixProduct::pack(Value low, Value high) {
  auto lowRound = low.getDefiningOp<arith::TruncFOp>();
  auto highRound = high.getDefiningOp<arith::TruncFOp>();
  if (!lowRound || !highRound || !lowRound.getIn().getType().isF32())
    return vector::FromElementsOp::create(b, register_, ValueRange{low, high});
  Value wide = vector::FromElementsOp::create(
      b, VectorType::get(2, b.getF32Type()),
      ValueRange{lowRound.getIn(), highRound.getIn()});
  return arith::TruncFOp::create(b, register_, wide);
}

/// A of the weights: the result of the last product is laid out as the operand
/// of the next, so that nothing moves.
MatrixProduct::Operand MatrixProduct::gatherRows(const RegisterIndex &weights,
                                                 int64_t rowTile,
                                                 int64_t step) {
  ArrayRef<Value> values = lowering.getRegisters(op.getRhs());
  int64_t elements = countValues(instruction.aRegisters);
  Operand operand;
  SmallVector<Value> members;
  for (int64_t i = 0; i < elements; ++i) {
    int64_t row = evaluate(instruction.aRegisters, Dim::q, i);
    int64_t key = evaluate(instruction.aRegisters, Dim::d, i);
    int64_t at = weights.find(
        {row + rowTile * instruction.m, key + step * instruction.k});
    assert(at >= 0 && "weights are not laid out as an operand");
    members.push_back(values[at]);
    if (members.size() < 2)
      continue;
    operand.push_back(pack(members[0], members[1]));
    members.clear();
  }
  return operand;
}

/// B of two neighbouring tiles of columns.
std::pair<MatrixProduct::Operand, MatrixProduct::Operand>
MatrixProduct::loadColumns(const MatrixReader &reader, int64_t columnTile,
                           int64_t step) {
  bool sumsKeys = sumDim == Dim::kv;
  int64_t column = columnTile * instruction.n, sum = step * instruction.k;
  SmallVector<Value> m = reader.load(b, sumsKeys ? sum : column,
                                     sumsKeys ? column : sum, sumsKeys);
  return {{m[0], m[1]}, {m[2], m[3]}};
}

void MatrixProduct::multiply(ArrayRef<Value> lhs, ArrayRef<Value> rhs,
                             int64_t rowTile, int64_t columnTile) {
  SmallVector<int64_t> at;
  SmallVector<Value> acc;
  for (int64_t i = 0, end = countValues(instruction.dRegisters); i < end; ++i) {
    at.push_back(sumIndex->find(
        {evaluate(instruction.dRegisters, Dim::q, i) + rowTile * instruction.m,
         evaluate(instruction.dRegisters, Dim::kv, i) +
             columnTile * instruction.n}));
    acc.push_back(sums[at.back()]);
  }
  SmallVector<Type> types(acc.size(), b.getF32Type());
  auto product = MmaOp::create(b, types, instruction.kind, lhs, rhs, acc);
  for (auto [reg, value] : llvm::zip_equal(at, product.getResult()))
    sums[reg] = value;
}

void MatrixProduct::emit() {
  auto layout = cast<FragmentAttr>(result.getLayout());
  sumIndex.emplace(result, ArrayRef<Dim>{Dim::q, columnDim});
  sums.assign(countValues(layout.getRegisters()), Value());
  if (op.getInto())
    sums = SmallVector<Value>(lowering.getRegisters(op.getInto()));
  else
    llvm::fill(sums, buildF32(b, 0));
  bool inRegisters = !lowering.isShared(op.getRhs());
  std::optional<RegisterIndex> weights;
  std::optional<MatrixReader> rowReader;
  if (inRegisters)
    weights.emplace(op.getRhs().getType(), ArrayRef<Dim>{Dim::q, sumDim});
  else
    rowReader.emplace(b, lowering.getPlace(op.getRhs()), register_,
                      MatrixReader::LaneOrder::RowsFirst,
                      rowTiles * instruction.m, lowering);
  MatrixReader columnReader(b, lowering.getPlace(op.getLhs()), register_,
                            MatrixReader::getOrder(sumDim), /*warpRows=*/0,
                            lowering);
  for (int64_t step = 0; step < steps; ++step) {
    SmallVector<Operand> rows;
    for (int64_t tile = 0; tile < rowTiles; ++tile)
      rows.push_back(inRegisters ? gatherRows(*weights, tile, step)
                                 : loadRows(*rowReader, tile, step));
    for (int64_t column = 0; column < columnTiles; column += 2) {
      auto [first, second] = loadColumns(columnReader, column, step);
      for (int64_t tile = 0; tile < rowTiles; ++tile) {
        multiply(rows[tile], first, tile, column);
        if (column + 1 < columnTiles)
          multiply(rows[tile], second, tile, column + 1);
      }
    }
  }
  lowering.setRegisters(op.getResult(), sums);
}

void attn::lowerMatrixProduct(ContractOp op, ThreadLowering &lowering) {
  MatrixProduct(op, lowering).emit();
}
