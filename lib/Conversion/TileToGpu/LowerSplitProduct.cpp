//===- LowerSplitProduct.cpp - f32 products from products of bf16 ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An f32 is the sum of three bf16 of its sign, each the upper half of what the
// ones before have left over. A product of two is the sum of six products of
// such parts; those left out are too small to count. docs/rationale/
// f32-products.md says how small, and why operands are scaled.
//
// The threads of the block split a tile of keys together: its parts lie below
// each other in shared memory, as rows of one tile of bf16. Each warp splits
// its own rows of the other operand in registers.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <array>

using namespace mlir;
using namespace attn;

/// A part of the left and one of the right operand, small products first.
static constexpr std::pair<int, int> kSmallTerms[] = {
    {0, 2}, {2, 0}, {1, 1}, {0, 1}, {1, 0}};
/// No part of an f32 times this is subnormal, so that none loses bits.
static constexpr double kScale = 0x1p24;
/// Steps after which a sum of large products begins at 0 again: instructions
/// truncate, additions round.
static constexpr int64_t kStepsOfSum = 2;
/// Elements that one thread splits at once: 16 bytes.
static constexpr int64_t kUnit = 4;
/// Neighbouring tiles of columns that are multiplied by turns: enough not to
/// wait for one product after the other. Fewer where the accumulators take half
/// of the registers.
static constexpr int64_t kColumnsTogether = 4, kFewColumns = 2;
static constexpr size_t kManyResults = 128;

namespace {

/// D[q, n] += A[q, k] B[k, n] in f32. A is the query tile in shared memory, or
/// the weights, in registers.
class SplitProduct {
public:
  SplitProduct(ContractOp op, ThreadLowering &lowering)
      : op(op), b(op.getLoc(), op), lowering(lowering),
        instruction(
            getMatrixInstruction(lowering.getSchedule().getInstruction())),
        result(op.getResult().getType()),
        register_(VectorType::get(instruction.perRegister, b.getBF16Type())) {
    TileType keys = op.getLhs().getType();
    columnDim = result.getDims()[result.getDims()[0] == Dim::q];
    sumDim = keys.getDims()[keys.getDims()[0] == columnDim];
    rowTiles =
        result.getExtent(Dim::q) / getRowMultiple(lowering.getSchedule());
    columnTiles = llvm::divideCeil(result.getExtent(columnDim), instruction.n);
    steps = llvm::divideCeil(keys.getExtent(sumDim), instruction.k);
  }

  void emit();

private:
  /// Registers of one operand of an instruction, and those of its parts.
  using Operand = SmallVector<Value>;
  using Parts = std::array<Operand, kFloatParts>;
  /// Sums of the products of first parts, in the last steps and in the steps
  /// before, and of all others.
  struct Sums {
    SmallVector<Value> large, total, small;
  };

  bool areWeights() const { return sumDim == Dim::kv; }
  void storeParts(const SharedPlace &parts);
  void storeUnit(const SharedPlace &parts, Value row, Value column);
  Parts splitRegisters(ArrayRef<Value> elements);
  Parts loadRows(int64_t rowTile, int64_t step);
  Parts gatherRows(const RegisterIndex &weights, int64_t rowTile, int64_t step);
  SmallVector<Parts> loadColumns(const MatrixReader &reader, int64_t first,
                                 int64_t count, int64_t step);
  void multiply(const Parts &lhs, ArrayRef<Parts> rhs,
                MutableArrayRef<Sums> into);
  SmallVector<Value> multiplyOnce(const Operand &lhs, const Operand &rhs,
                                  ValueRange acc);
  void endRound(Sums &sums);
  void multiplyColumns(const MatrixReader &reader, int64_t first,
                       int64_t count);
  void store(const Sums &sums, int64_t rowTile, int64_t columnTile);

  ContractOp op;
  ImplicitLocOpBuilder b;
  ThreadLowering &lowering;
  const MatrixInstruction &instruction;
  TileType result;
  VectorType register_;
  Dim columnDim, sumDim;
  int64_t rowTiles, columnTiles, steps;
  int64_t together = 0;
  /// The weights of a step of a tile of rows; empty if the rows are queries.
  llvm::DenseMap<std::pair<int64_t, int64_t>, Parts> weightParts;
  SmallVector<Value> results;
  std::optional<RegisterIndex> resultIndex;
};

} // namespace

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// The bits of the upper half of an f32, as an i32.
static Value buildUpperHalf(ImplicitLocOpBuilder &b, Value value) {
  constexpr int64_t kUpperHalf = 0xffff0000;
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), value);
  return arith::AndIOp::create(
      b, bits,
      arith::ConstantOp::create(
          b, b.getIntegerAttr(b.getI32Type(), APInt(32, kUpperHalf))));
}

/// The upper halves of two f32 as one i32.
static Value buildHalves(ImplicitLocOpBuilder &b, Value low, Value high) {
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), low);
  Value lowHalf = arith::ShRUIOp::create(b, bits, buildI32(b, 16));
  return arith::OrIOp::create(b, lowHalf, buildUpperHalf(b, high));
}

/// What the upper half of an f32 leaves over, exactly; NaN of one that is not
/// finite.
static Value buildRest(ImplicitLocOpBuilder &b, Value value) {
  Value upper =
      arith::BitcastOp::create(b, b.getF32Type(), buildUpperHalf(b, value));
  return arith::SubFOp::create(b, value, upper);
}

/// The parts of two f32, scaled: each an i32 of two bf16.
static std::array<Value, kFloatParts> buildParts(ImplicitLocOpBuilder &b,
                                                 Value low, Value high) {
  std::array<Value, kFloatParts> parts;
  Value scale = buildF32(b, kScale);
  low = arith::MulFOp::create(b, low, scale);
  high = arith::MulFOp::create(b, high, scale);
  for (size_t i = 0; i < kFloatParts; ++i) {
    if (i > 0) {
      low = buildRest(b, low);
      high = buildRest(b, high);
    }
    parts[i] = buildHalves(b, low, high);
  }
  return parts;
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// Splits `kUnit` neighbours of the tile of keys.
void SplitProduct::storeUnit(const SharedPlace &parts, Value row,
                             Value column) {
  constexpr unsigned kFloatBytes = 4, kPartBytes = 2;
  Value from =
      buildSharedOffset(b, lowering.getPlace(op.getLhs()), row, column);
  Value unit = LLVM::LoadOp::create(b, VectorType::get(kUnit, b.getF32Type()),
                                    lowering.getSharedPointer(b, from),
                                    kUnit * kFloatBytes);
  std::array<SmallVector<Value>, kFloatParts> words;
  for (int64_t i = 0; i < kUnit; i += 2) {
    Value low = vector::ExtractOp::create(b, unit, i);
    Value high = vector::ExtractOp::create(b, unit, i + 1);
    for (auto [word, part] : llvm::zip_equal(words, buildParts(b, low, high)))
      word.push_back(part);
  }
  Value to =
      lowering.getSharedPointer(b, buildSharedOffset(b, parts, row, column));
  int64_t bytes = op.getLhs().getType().getExtent(Dim::kv) *
                  parts.layout.getPitch() * kPartBytes;
  auto type = VectorType::get(kUnit / 2, b.getI32Type());
  for (auto [i, word] : llvm::enumerate(words))
    LLVM::StoreOp::create(b, vector::FromElementsOp::create(b, type, word),
                          buildByteAddress(b, to, i * bytes),
                          kUnit * kPartBytes);
}

/// Splits the tile of keys, each thread every n-th unit of it.
void SplitProduct::storeParts(const SharedPlace &parts) {
  int64_t perRow = parts.layout.getColumns() / kUnit;
  int64_t count = op.getLhs().getType().getExtent(Dim::kv) * perRow;
  int64_t threads = lowering.getThreads();
  for (int64_t first = 0; first < count; first += threads) {
    auto split = [&, first] {
      Value thread = lowering.getThread(), line = buildI32(b, perRow), row;
      if (threads % perRow) {
        thread = arith::AddIOp::create(b, thread, buildI32(b, first));
        row = arith::DivUIOp::create(b, thread, line);
      } else {
        // The column is the same for all units of the thread.
        row = arith::AddIOp::create(b, arith::DivUIOp::create(b, thread, line),
                                    buildI32(b, first / perRow));
      }
      Value column = arith::MulIOp::create(
          b, arith::RemUIOp::create(b, thread, line), buildI32(b, kUnit));
      storeUnit(parts, row, column);
    };
    if (first + threads <= count) {
      split();
      continue;
    }
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                              lowering.getThread(), buildI32(b, count - first));
    buildIf(b, exists, split);
  }
}

/// B of neighbouring tiles of columns, two of which are loaded at once.
SmallVector<SplitProduct::Parts>
SplitProduct::loadColumns(const MatrixReader &reader, int64_t first,
                          int64_t count, int64_t step) {
  int64_t keys = op.getLhs().getType().getExtent(Dim::kv);
  SmallVector<Parts> columns(llvm::alignTo(count, 2));
  for (int64_t i = 0; i < count; i += 2)
    for (size_t part = 0; part < kFloatParts; ++part) {
      int64_t column = (first + i) * instruction.n, sum = step * instruction.k;
      SmallVector<Value> m =
          reader.load(b, part * keys + (areWeights() ? sum : column),
                      areWeights() ? column : sum, areWeights());
      columns[i][part] = {m[0], m[1]};
      columns[i + 1][part] = {m[2], m[3]};
    }
  columns.resize(count);
  return columns;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The parts of A from its elements in the order of the table.
SplitProduct::Parts SplitProduct::splitRegisters(ArrayRef<Value> elements) {
  Parts parts;
  for (size_t i = 0; i < elements.size(); i += 2)
    for (auto [part, bits] :
         llvm::zip_equal(parts, buildParts(b, elements[i], elements[i + 1])))
      part.push_back(LLVM::BitcastOp::create(b, register_, bits));
  return parts;
}

/// A of the query tile.
SplitProduct::Parts SplitProduct::loadRows(int64_t rowTile, int64_t step) {
  const SharedPlace &place = lowering.getPlace(op.getRhs());
  SmallVector<LayoutDigit> warps{
      {Dim::q, lowering.getSchedule().getWarps(), rowTiles * instruction.m}};
  auto layout = FragmentAttr::get(b.getContext(), instruction.aRegisters,
                                  instruction.aLanes, warps, /*partial=*/false);
  auto at = [&](Dim dim, int64_t offset) -> Value {
    return arith::AddIOp::create(b, lowering.getThreadOffset(layout, dim),
                                 buildI32(b, offset));
  };
  constexpr unsigned kAlignment = 8;
  auto pair = VectorType::get(2, b.getF32Type());
  SmallVector<Value> elements;
  for (int64_t i = 0, end = countValues(instruction.aRegisters); i < end;
       i += 2) {
    Value offset =
        buildSharedOffset(b, place,
                          at(Dim::q, getRegisterOffset(layout, Dim::q, i) +
                                         rowTile * instruction.m),
                          at(Dim::d, getRegisterOffset(layout, Dim::d, i) +
                                         step * instruction.k));
    Value loaded = LLVM::LoadOp::create(
        b, pair, lowering.getSharedPointer(b, offset), kAlignment);
    for (int64_t element : {0, 1})
      elements.push_back(vector::ExtractOp::create(b, loaded, element));
  }
  return splitRegisters(elements);
}

/// A of the weights, which are laid out as an operand.
SplitProduct::Parts SplitProduct::gatherRows(const RegisterIndex &weights,
                                             int64_t rowTile, int64_t step) {
  ArrayRef<Value> values = lowering.getRegisters(op.getRhs());
  SmallVector<Value> elements;
  for (int64_t i = 0, end = countValues(instruction.aRegisters); i < end; ++i) {
    int64_t row = evaluate(instruction.aRegisters, Dim::q, i);
    int64_t key = evaluate(instruction.aRegisters, Dim::d, i);
    int64_t at = weights.find(
        {row + rowTile * instruction.m, key + step * instruction.k});
    assert(at >= 0 && "weights are not laid out as an operand");
    elements.push_back(values[at]);
  }
  return splitRegisters(elements);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

SmallVector<Value> SplitProduct::multiplyOnce(const Operand &lhs,
                                              const Operand &rhs,
                                              ValueRange acc) {
  SmallVector<Type> types(acc.size(), b.getF32Type());
  auto product = MmaOp::create(b, types, instruction.kind, lhs, rhs, acc);
  return SmallVector<Value>(product.getResult());
}

/// Adds the product of A and each B, by turns, so that sums do not wait for
/// each other.
void SplitProduct::multiply(const Parts &lhs, ArrayRef<Parts> rhs,
                            MutableArrayRef<Sums> into) {
  for (auto [left, right] : kSmallTerms)
    for (auto [column, sums] : llvm::zip_equal(rhs, into))
      sums.small = multiplyOnce(lhs[left], column[right], sums.small);
  for (auto [column, sums] : llvm::zip_equal(rhs, into))
    sums.large = multiplyOnce(lhs[0], column[0], sums.large);
}

/// Adds the sums of the last steps to those before, and begins new ones.
void SplitProduct::endRound(Sums &sums) {
  for (auto [large, total] : llvm::zip_equal(sums.large, sums.total)) {
    total = total ? arith::AddFOp::create(b, total, large).getResult() : large;
    large = buildF32(b, 0);
  }
}

/// Takes the scale out of the sums of one tile of results. A finite score that
/// is beyond f32 with its scale is NaN, not -inf, which would hide the key.
void SplitProduct::store(const Sums &sums, int64_t rowTile,
                         int64_t columnTile) {
  Value unscale = buildF32(b, 1 / (kScale * kScale));
  for (auto [i, large, small] : llvm::enumerate(sums.total, sums.small)) {
    int64_t at = resultIndex->find(
        {evaluate(instruction.dRegisters, Dim::q, i) + rowTile * instruction.m,
         evaluate(instruction.dRegisters, Dim::kv, i) +
             columnTile * instruction.n});
    Value sum = arith::AddFOp::create(b, large, small);
    Value start = results[at];
    if (!areWeights())
      start = arith::SubFOp::create(b, sum, sum);
    results[at] = math::FmaOp::create(b, sum, unscale, start);
  }
}

void SplitProduct::multiplyColumns(const MatrixReader &reader, int64_t first,
                                   int64_t count) {
  SmallVector<Value> zeros(countValues(instruction.dRegisters), buildF32(b, 0));
  SmallVector<SmallVector<Sums>> sums(
      rowTiles,
      SmallVector<Sums>(count,
                        Sums{zeros, SmallVector<Value>(zeros.size()), zeros}));
  for (int64_t step = 0; step < steps; ++step) {
    SmallVector<Parts> rows;
    for (int64_t tile = 0; tile < rowTiles; ++tile)
      rows.push_back(areWeights() ? weightParts[{tile, step}]
                                  : loadRows(tile, step));
    for (int64_t done = 0; done < count; done += together) {
      int64_t some = std::min(together, count - done);
      SmallVector<Parts> columns =
          loadColumns(reader, first + done, some, step);
      for (int64_t tile = 0; tile < rowTiles; ++tile)
        multiply(rows[tile], columns,
                 MutableArrayRef(sums[tile]).slice(done, some));
    }
    if ((step + 1) % kStepsOfSum && step + 1 < steps)
      continue;
    for (SmallVector<Sums> &row : sums)
      for (Sums &column : row)
        endRound(column);
  }
  for (int64_t tile = 0; tile < rowTiles; ++tile)
    for (int64_t column = 0; column < count; ++column)
      store(sums[tile][column], tile, first + column);
}

void SplitProduct::emit() {
  constexpr int64_t kPartBytes = 2;
  TileType keys = op.getLhs().getType();
  SharedPlace parts;
  parts.elementBytes = kPartBytes;
  parts.layout = getConflictFreeLayout(
      b.getContext(), lowering.getPlace(op.getLhs()).layout.getColumns(),
      kPartBytes, instruction.k);
  int64_t begin =
      lowering.allocateShared(kFloatParts * keys.getExtent(Dim::kv) *
                              parts.layout.getPitch() * kPartBytes);
  parts.begin = buildI32(b, begin);
  gpu::BarrierOp::create(b);
  storeParts(parts);
  gpu::BarrierOp::create(b);

  resultIndex.emplace(result, ArrayRef<Dim>{Dim::q, columnDim});
  results.assign(
      countValues(cast<FragmentAttr>(result.getLayout()).getRegisters()),
      buildF32(b, 0));
  assert((areWeights() || !op.getInto()) && "scores begin at 0");
  if (op.getInto())
    results = SmallVector<Value>(lowering.getRegisters(op.getInto()));
  if (areWeights()) {
    RegisterIndex weights(op.getRhs().getType(), {Dim::q, sumDim});
    for (int64_t tile = 0; tile < rowTiles; ++tile)
      for (int64_t step = 0; step < steps; ++step)
        weightParts[{tile, step}] = gatherRows(weights, tile, step);
  }
  MatrixReader reader(b, parts, register_, MatrixReader::getOrder(sumDim),
                      /*warpRows=*/0, lowering);
  together = results.size() < kManyResults ? kColumnsTogether : kFewColumns;
  // Weights are split once for all columns, queries in each pass over them.
  int64_t atOnce = areWeights() ? together : columnTiles;
  for (int64_t first = 0; first < columnTiles; first += atOnce)
    multiplyColumns(reader, first, std::min(atOnce, columnTiles - first));
  lowering.releaseShared(begin);
  lowering.setRegisters(op.getResult(), results);
}

void attn::lowerSplitProduct(ContractOp op, ThreadLowering &lowering) {
  SplitProduct(op, lowering).emit();
}
