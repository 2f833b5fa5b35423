//===- LowerContract.cpp - Matrix products of tiles in registers -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// c[m][n] += sum over k of a(m, k) * b[k][n], with n the query rows, along the
// vector lanes. A register tile of `rows` x `lanes` accumulators stays in
// registers while k runs; a is read as scalars that are broadcast, from memory
// in any layout, so neither K nor V is ever transposed.
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;

namespace {

/// Emits the body of one product function: (c, a, b, m, k), then, if rescaled,
/// the factors of c, then, if the rows that a is stored in have offsets, these,
/// then, if guarded, a factor of b.
class ProductBuilder {
public:
  ProductBuilder(func::FuncOp function, ProductKind kind,
                 VectorScheduleAttr schedule)
      : kind(kind), b(function.getLoc(), function.getContext()) {
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    c = entry->getArgument(0);
    lhs.memref = entry->getArgument(1);
    rhs = entry->getArgument(2);
    m = entry->getArgument(3);
    k = entry->getArgument(4);
    int next = 5;
    if (kind.rescaled)
      factors = entry->getArgument(next++);
    if (entry->getNumArguments() > next + kind.guarded)
      lhs.offsets = entry->getArgument(next++);
    if (kind.guarded)
      scale = entry->getArgument(next);
    columns = cast<MemRefType>(c.getType()).getDimSize(1);
    // The guarded form is for rare data: small code matters, speed does not.
    rows = kind.guarded ? 1 : schedule.getRows();
    int64_t lanes = kind.guarded ? schedule.getUnit() : schedule.getLanes();
    while (columns % lanes != 0)
      lanes /= 2;
    accType = VectorType::get({lanes}, b.getF32Type());
  }

  void build();

private:
  void buildRegisterTile(Value row, Value column);
  void prefetchNextRows(Value row, Value last);
  void addToResult(ArrayRef<Value> rows, Value column,
                   MutableArrayRef<Value> sums);
  Value loadLhs(Value row, Value step);
  Value multiplyAdd(Value scalar, Value vector, Value acc);
  Value guardedTerm(Value scalar, Value vector, Value acc);
  Value takeHalf(Value words, int64_t shift);

  ProductKind kind;
  ImplicitLocOpBuilder b;
  Rows lhs;
  Value c, rhs, m, k, factors, scale;
  int64_t rows, columns;
  VectorType accType;
};

} // namespace

/// The scalar a(row, step): f32, or an i32 that holds a pair. The one that
/// numbers the rows in memory has become an index of lhs.memref.
Value ProductBuilder::loadLhs(Value row, Value step) {
  Type element = cast<MemRefType>(lhs.memref.getType()).getElementType();
  if (!kind.pairElement || element.isInteger(32)) {
    SmallVector<Value> at{row, step};
    if (kind.transposedA)
      std::swap(at[0], at[1]);
    return memref::LoadOp::create(b, lhs.memref, at);
  }
  // 16-bit rows with k innermost: two neighbours are the pair.
  Value first = arith::MulIOp::create(b, step, buildIndex(b, 2));
  Value both = vector::LoadOp::create(b, VectorType::get({2}, element),
                                      lhs.memref, ValueRange{row, first});
  Value word =
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), both);
  return vector::ExtractOp::create(b, word, int64_t(0));
}

/// One half of 32-bit words (scalar or vector) as f32.
Value ProductBuilder::takeHalf(Value words, int64_t shift) {
  Type wordType = words.getType();
  auto like = [&](Type scalar) -> Type {
    if (auto vector = dyn_cast<VectorType>(wordType))
      return vector.clone(scalar);
    return scalar;
  };
  Value amount = arith::ConstantOp::create(b, b.getI32IntegerAttr(shift));
  if (isa<VectorType>(wordType))
    amount = vector::BroadcastOp::create(b, wordType, amount);
  Value moved = arith::ShRUIOp::create(b, words, amount);
  Value bits = arith::TruncIOp::create(b, like(b.getI16Type()), moved);
  Value half = arith::BitcastOp::create(b, like(kind.pairElement), bits);
  return arith::ExtFOp::create(b, like(b.getF32Type()), half);
}

/// select(vector != 0, acc + scalar * (vector * scale), acc). A NaN weight
/// counts.
Value ProductBuilder::guardedTerm(Value scalar, Value vector, Value acc) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(accType));
  Value weighs =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, vector, zero);
  Value splat = vector::BroadcastOp::create(b, accType, scalar);
  Value factor = vector::BroadcastOp::create(b, accType, scale);
  Value scaled = arith::MulFOp::create(b, vector, factor);
  Value sum = math::FmaOp::create(b, splat, scaled, acc);
  return arith::SelectOp::create(b, weighs, sum, acc);
}

Value ProductBuilder::multiplyAdd(Value scalar, Value vector, Value acc) {
  if (kind.guarded && kind.pairElement) {
    for (int64_t shift : {0, 16})
      acc = guardedTerm(takeHalf(scalar, shift), takeHalf(vector, shift), acc);
    return acc;
  }
  if (kind.guarded)
    return guardedTerm(scalar, vector, acc);
  Value splat = vector::BroadcastOp::create(b, vector.getType(), scalar);
  if (!kind.pairElement)
    return math::FmaOp::create(b, splat, vector, acc);
  auto pairType =
      VectorType::get({2 * accType.getDimSize(0)}, kind.pairElement);
  Value scalars = vector::BitCastOp::create(b, pairType, splat);
  Value pairs = vector::BitCastOp::create(b, pairType, vector);
  return DotPairsOp::create(b, scalars, pairs, acc);
}

/// Starts the way of the next rows of a to the cache: they lie far apart where
/// heads are interleaved, and the machine cannot see past the loop over k.
void ProductBuilder::prefetchNextRows(Value row, Value last) {
  if (kind.transposedA || kind.guarded)
    return;
  for (int64_t r = 0; r < rows; ++r) {
    Value next = arith::MinSIOp::create(
        b, arith::AddIOp::create(b, row, buildIndex(b, rows + r)), last);
    memref::PrefetchOp::create(b, lhs.memref,
                               ValueRange{lhs.at(b, next), buildIndex(b, 0)},
                               /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
  }
}

/// Adds what c holds in `rows` to `sums`; rescaled, if the product is.
void ProductBuilder::addToResult(ArrayRef<Value> rows, Value column,
                                 MutableArrayRef<Value> sums) {
  Value factor;
  if (kind.rescaled)
    factor = vector::LoadOp::create(b, accType, factors, column);
  for (auto [row, sum] : llvm::zip_equal(rows, sums)) {
    Value old = vector::LoadOp::create(b, accType, c, ValueRange{row, column});
    sum = factor ? Value(math::FmaOp::create(b, old, factor, sum))
                 : Value(arith::AddFOp::create(b, old, sum));
  }
}

/// c[row ... row + rows)[column ... column + lanes).
void ProductBuilder::buildRegisterTile(Value row, Value column) {
  // Rows beyond m repeat the last one: they read and write what it does.
  Value last = arith::SubIOp::create(b, m, buildIndex(b, 1));
  SmallVector<Value> at{row};
  for (int64_t r = 1; r < rows; ++r)
    at.push_back(arith::MinSIOp::create(
        b, arith::AddIOp::create(b, row, buildIndex(b, r)), last));
  SmallVector<Value> lhsRows(at);
  if (!kind.transposedA)
    for (Value &lhsRow : lhsRows)
      lhsRow = lhs.at(b, lhsRow);
  prefetchNextRows(row, last);
  // The sum of this tile alone, so that rounding errors are those of a short
  // sum; it is added to c at the end.
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(accType));
  SmallVector<Value> accs(at.size(), zero);
  auto loop =
      scf::ForOp::create(b, buildIndex(b, 0), k, buildIndex(b, 1), accs);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value step = loop.getInductionVar();
    Type element = cast<MemRefType>(rhs.getType()).getElementType();
    Value vector = vector::LoadOp::create(b, accType.clone(element), rhs,
                                          ValueRange{step, column});
    Value lhsStep = kind.transposedA ? lhs.at(b, step) : step;
    SmallVector<Value> next;
    for (auto [r, acc] : llvm::zip_equal(lhsRows, loop.getRegionIterArgs()))
      next.push_back(multiplyAdd(loadLhs(r, lhsStep), vector, acc));
    scf::YieldOp::create(b, next);
  }
  SmallVector<Value> sums(loop.getResults());
  if (kind.accumulate)
    addToResult(at, column, sums);
  for (auto [r, sum] : llvm::zip_equal(at, sums))
    vector::StoreOp::create(b, sum, c, ValueRange{r, column});
}

void ProductBuilder::build() {
  buildLoop(b, buildIndex(b, columns), accType.getDimSize(0),
            [&](Value column) {
              buildLoop(b, m, rows,
                        [&](Value row) { buildRegisterTile(row, column); });
            });
  func::ReturnOp::create(b);
}

/// The function that computes products of this kind and these types; tile
/// bodies share it, which halves the code that the machine back end sees.
static func::FuncOp getProductFunction(ImplicitLocOpBuilder &b,
                                       ArrayRef<Type> types, ProductKind kind,
                                       TileLowering &lowering) {
  std::string key;
  llvm::raw_string_ostream os(key);
  llvm::interleaveComma(types, os);
  os << kind.transposedA << kind.accumulate << kind.rescaled << kind.guarded
     << kind.byRow;
  func::FuncOp &function = lowering.functions[key];
  if (function)
    return function;
  func::FuncOp kernel = lowering.getKernel();
  OpBuilder moduleBuilder(kernel);
  std::string name;
  // The user may have taken a name.
  for (size_t number = lowering.functions.size() - 1;; ++number) {
    name = (kernel.getName() + (kind.guarded ? "_guarded" : "") + "_product_" +
            Twine(number))
               .str();
    if (!SymbolTable::lookupNearestSymbolFrom(kernel, b.getStringAttr(name)))
      break;
  }
  function = func::FuncOp::create(moduleBuilder, b.getLoc(), name,
                                  b.getFunctionType(types, {}));
  function.setPrivate();
  if (kind.byRow)
    buildRowProduct(function, kind, lowering.getSchedule());
  else
    ProductBuilder(function, kind, lowering.getSchedule()).build();
  return function;
}

namespace {
/// The product of one attn.contract.
struct Product {
  Value c, lhs, rhs, m, k, factors, lhsOffsets;
  ProductKind kind;
  /// The factor of rhs in a guarded product.
  Value scale;

  void call(ImplicitLocOpBuilder &b, TileLowering &lowering) const {
    SmallVector<Value> args{c, lhs, rhs, m, k};
    if (kind.rescaled)
      args.push_back(factors);
    if (lhsOffsets)
      args.push_back(lhsOffsets);
    if (kind.guarded)
      args.push_back(scale);
    SmallVector<Type> types =
        llvm::map_to_vector(args, [](Value v) { return v.getType(); });
    func::FuncOp function = getProductFunction(b, types, kind, lowering);
    func::CallOp::create(b, function, args);
  }
};
} // namespace

/// Gathers the operands of the product: the lhs of the op has no query rows.
static Product buildProduct(ImplicitLocOpBuilder &b, ContractOp op,
                            TileLowering &lowering) {
  TileType lhsType = op.getLhs().getType();
  TileType result = op.getResult().getType();
  Product product;
  product.lhs = lowering.getBuffer(op.getLhs());
  product.lhsOffsets = lowering.getRowOffsets(op.getLhs());
  product.rhs = lowering.getBuffer(op.getRhs());
  if (op.getInto())
    product.factors = takeRescale(b, op.getInto(), lowering);
  Value inputs[] = {op.getInto()};
  product.c = op.getInto()
                  ? lowering.reuseOrAllocate(op.getResult(), inputs, op)
                  : lowering.allocate(op.getResult());
  // Of the dims of lhs, one is summed and the other is the result's.
  Dim summed = lhsType.getDims()[result.hasDim(lhsType.getDims()[0]) ? 1 : 0];
  Dim outer = lhsType.getDims()[lhsType.getDims()[0] == summed ? 1 : 0];
  bool byRow = lowering.getSchedule().getByRow();
  bool sumsKeys = summed == Dim::kv;
  auto count = [&](Dim dim) {
    return dim == Dim::kv ? op.getValid()
                          : buildIndex(b, lhsType.getExtent(dim));
  };
  product.m = count(outer);
  product.k = count(summed);
  Type element = op.getRhs().getType().getElementType();
  Type pairElement = element.isF32() ? Type() : element;
  if (pairElement && !byRow)
    product.k = arith::DivUIOp::create(
        b, arith::AddIOp::create(b, product.k, buildIndex(b, 1)),
        buildIndex(b, 2));
  product.kind = {/*transposedA=*/sumsKeys,
                  /*accumulate=*/static_cast<bool>(op.getInto()),
                  /*rescaled=*/static_cast<bool>(product.factors),
                  /*guarded=*/false,
                  pairElement,
                  byRow};
  return product;
}

void attn::lowerContract(ContractOp op, TileLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Product product = buildProduct(b, op, lowering);
  if (op.getInto() && product.c != lowering.getBuffer(op.getInto()))
    memref::CopyOp::create(b, lowering.getBuffer(op.getInto()), product.c);
  if (!op.getGuard()) {
    product.call(b, lowering);
    return;
  }
  product.scale = op.getGuardScale() ? op.getGuardScale() : buildF32(b, 1);
  auto choice = scf::IfOp::create(b, op.getGuard(), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(choice.elseBlock());
  product.call(b, lowering);
  b.setInsertionPointToStart(choice.thenBlock());
  product.kind.guarded = true;
  if (product.kind.byRow)
    product.kind.pairElement = Type();
  product.call(b, lowering);
}
