//===- LowerProduct.cpp - Products of tiles -------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

/// A guarded product leaves terms out, which no instruction can.
static bool canUseMatrixInstruction(ContractOp op, MatrixKind kind) {
  Type lhs = op.getLhs().getType().getElementType();
  Type rhs = op.getRhs().getType().getElementType();
  return !op.getGuard() && lhs == rhs &&
         multiplies(getMatrixInstruction(kind), lhs);
}

void attn::lowerProduct(ContractOp op, ThreadLowering &lowering) {
  MatrixKind kind = lowering.getSchedule().getInstruction();
  if (!canUseMatrixInstruction(op, kind))
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
  /// How a lane's address follows from its number: lanes 8 to 15 read the next
  /// eight rows and lanes 16 to 31 the next chunk, or the other way round.
  enum class LaneOrder { RowsFirst, ChunkFirst };

  Value buildLaneBase(Value tile, LaneOrder order, int64_t warpRows);
  SmallVector<Value> loadMatrices(Value tile, Value base, int64_t row,
                                  int64_t column, bool transposed);
  Operand loadRows(Value base, int64_t rowTile, int64_t step);
  Operand gatherRows(const RegisterIndex &weights, int64_t rowTile,
                     int64_t step);
  std::pair<Operand, Operand> loadColumns(Value base, int64_t columnTile,
                                          int64_t step);
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

static constexpr int64_t kChunkBytes = 16;

/// Rows and chunk of this lane within 16 rows and 2 chunks, i32.
static std::pair<Value, Value> buildLanePlace(ImplicitLocOpBuilder &b,
                                              Value lane, bool rowsFirst) {
  Value low = arith::AndIOp::create(b, lane, buildI32(b, rowsFirst ? 15 : 7));
  Value high = arith::ShRUIOp::create(b, lane, buildI32(b, 4));
  if (rowsFirst)
    return {low, high};
  Value chunk = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, lane, buildI32(b, 3)), buildI32(b, 1));
  Value next = arith::MulIOp::create(b, high, buildI32(b, 8));
  return {arith::AddIOp::create(b, low, next), chunk};
}

/// The first byte that this lane reads, `warpRows` rows for each warp in front
/// away from the beginning: a multiple of 8, so that the lane alone decides
/// which chunks change places.
Value MatrixProduct::buildLaneBase(Value tile, LaneOrder order,
                                   int64_t warpRows) {
  const SharedPlace &place = lowering.getPlace(tile);
  Value offset = lowering.buildAtEntry([&](ImplicitLocOpBuilder &b) -> Value {
    auto [line, chunk] =
        buildLanePlace(b, lowering.getLane(), order == LaneOrder::RowsFirst);
    if (int64_t swizzle = place.layout.getSwizzle(); swizzle > 1) {
      Value key = arith::AndIOp::create(b, line, buildI32(b, swizzle - 1));
      chunk = arith::XOrIOp::create(b, chunk, key);
    }
    if (warpRows) {
      Value rows =
          arith::MulIOp::create(b, lowering.getWarp(), buildI32(b, warpRows));
      line = arith::AddIOp::create(b, line, rows);
    }
    int64_t pitch = place.layout.getPitch() * place.elementBytes;
    return arith::AddIOp::create(
        b, arith::MulIOp::create(b, line, buildI32(b, pitch)),
        arith::MulIOp::create(b, chunk, buildI32(b, kChunkBytes)));
  });
  return arith::AddIOp::create(b, place.begin, offset);
}

/// Four matrices of 16 rows and 16 columns from (row, column) on, multiples of
/// 16. Chunks change places within 128 bytes, at multiples of which rows begin:
/// one exclusive or moves a lane's address along its row.
SmallVector<Value> MatrixProduct::loadMatrices(Value tile, Value base,
                                               int64_t row, int64_t column,
                                               bool transposed) {
  const SharedPlace &place = lowering.getPlace(tile);
  int64_t bytes = row * place.layout.getPitch() * place.elementBytes;
  int64_t along = column * place.elementBytes;
  if (int64_t line = place.layout.getSwizzle() * kChunkBytes;
      line > kChunkBytes) {
    base = arith::XOrIOp::create(b, base, buildI32(b, along % line));
    along -= along % line;
  }
  Value pointer =
      buildByteAddress(b, lowering.getSharedPointer(b, base), bytes + along);
  SmallVector<Type> types(4, register_);
  auto load = LoadMatricesOp::create(b, types, pointer, transposed);
  return SmallVector<Value>(load.getMatrices());
}

/// A of a query tile: its matrices come in the order of its registers.
MatrixProduct::Operand MatrixProduct::loadRows(Value base, int64_t rowTile,
                                               int64_t step) {
  return loadMatrices(op.getRhs(), base, rowTile * instruction.m,
                      step * instruction.k, /*transposed=*/false);
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
MatrixProduct::loadColumns(Value base, int64_t columnTile, int64_t step) {
  bool sumsKeys = sumDim == Dim::kv;
  int64_t column = columnTile * instruction.n, sum = step * instruction.k;
  SmallVector<Value> m =
      loadMatrices(op.getLhs(), base, sumsKeys ? sum : column,
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
  Value rowBase;
  if (inRegisters) {
    weights.emplace(op.getRhs().getType(), ArrayRef<Dim>{Dim::q, sumDim});
  } else {
    rowBase = buildLaneBase(op.getRhs(), LaneOrder::RowsFirst,
                            rowTiles * instruction.m);
  }
  Value columnBase = buildLaneBase(op.getLhs(),
                                   sumDim == Dim::kv ? LaneOrder::RowsFirst
                                                     : LaneOrder::ChunkFirst,
                                   /*warpRows=*/0);
  for (int64_t step = 0; step < steps; ++step) {
    SmallVector<Operand> rows;
    for (int64_t tile = 0; tile < rowTiles; ++tile)
      rows.push_back(inRegisters ? gatherRows(*weights, tile, step)
                                 : loadRows(rowBase, tile, step));
    for (int64_t column = 0; column < columnTiles; column += 2) {
      auto [first, second] = loadColumns(columnBase, column, step);
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
