//===- AttnTileOps.cpp - Work items and online-softmax tiles -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttnVerify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_c1
  auto function =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!function)
    return emitOpError() << "names " << getKernelAttr()
                         << "; expected a func.func in scope (C1)";
  SmallVector<Type> inputs(getArgs().getTypes());
  inputs.append(2, IndexType::get(getContext()));
  auto expected = FunctionType::get(getContext(), inputs, {});
  if (function.getFunctionType() != expected)
    return emitOpError() << "kernel " << getKernelAttr() << " has type "
                         << function.getFunctionType() << "; expected "
                         << expected << " (C1)";
  return success();
}

//===----------------------------------------------------------------------===//
// Work items
//===----------------------------------------------------------------------===//

LogicalResult PackedBlockOp::verify() {
  // packed_block_c2
  if (getSize() < 1)
    return emitOpError() << "has size " << getSize()
                         << "; expected at least 1 (C2)";
  // packed_block_c1
  return expectType(*this, "cu_seqlens", getCuSeqlens().getType(),
                    Elements::I32, Shape{{"B + 1"}}, "C1");
}

//===----------------------------------------------------------------------===//
// Views and tiles
//===----------------------------------------------------------------------===//

LogicalResult ViewOp::verify() {
  MemRefType source = cast<MemRefType>(getSource().getType());
  ViewType view = getView().getType();
  // view_c1
  if (source.getRank() != getLayoutRank(getLayout()))
    return emitOpError() << "source has rank " << source.getRank()
                         << "; expected rank " << getLayoutRank(getLayout())
                         << " of layout " << stringifyLayout(getLayout())
                         << " (C1)";
  int64_t dim = source.getDimSize(getLayoutDims(getLayout()).dim);
  if (dim != view.getExtent())
    return emitOpError() << "source is " << source << " and the view is "
                         << view << "; expected a head dim of "
                         << view.getExtent() << " (C1)";
  // view_c2
  if (source.getElementType() != view.getElementType())
    return emitOpError() << "source has element type "
                         << source.getElementType() << "; expected "
                         << view.getElementType() << " of the view (C2)";
  // view_c3
  bool paged = getLayout() == Layout::paged;
  if (paged != static_cast<bool>(getBlockTable()))
    return emitOpError() << "has layout " << stringifyLayout(getLayout())
                         << " and " << (paged ? "no" : "a")
                         << " block_table; expected one with layout paged and "
                            "only there (C3)";
  // view_c4
  if (getHeads() < 1 || (getHeads() > 1 && view.getSequence() != Dim::q))
    return emitOpError() << "has heads " << getHeads() << " and is " << view
                         << "; expected at least 1, and 1 for keys (C4)";
  if (!paged)
    return success();
  return expectType(*this, "block_table", getBlockTable().getType(),
                    Elements::I32, Shape{{"B"}, {"max_pages"}}, "C3");
}

/// load_tile_c1, store_tile_c1
static LogicalResult verifyTileOfView(Operation *op, TileType tile,
                                      ViewType view) {
  if (tile.getRank() == 2 && tile.hasDim(view.getSequence()) &&
      tile.hasDim(view.getDim()) &&
      tile.getExtent(view.getDim()) == view.getExtent())
    return success();
  return op->emitOpError() << "tile is " << tile << " and the view is " << view
                           << "; expected dims '"
                           << stringifyDim(view.getSequence()) << "' and '"
                           << stringifyDim(view.getDim()) << " "
                           << view.getExtent() << "' (C1)";
}

LogicalResult LoadTileOp::verify() {
  TileType tile = getTile().getType();
  ViewType view = getView().getType();
  if (failed(verifyTileOfView(*this, tile, view)))
    return failure();
  // load_tile_c2
  Type from = view.getElementType(), to = tile.getElementType();
  if (from != to && from.getIntOrFloatBitWidth() >= to.getIntOrFloatBitWidth())
    return emitOpError() << "tile has element type " << to << "; expected "
                         << from << " of the view or a wider type (C2)";
  return success();
}

LogicalResult StoreTileOp::verify() {
  return verifyTileOfView(*this, getTile().getType(), getView().getType());
}

LogicalResult StoreStatsOp::verify() {
  // store_stats_c1
  TileType tile = getTile().getType();
  auto memref = cast<MemRefType>(getMemref().getType());
  if (tile.getRank() != 1 || !tile.hasDim(Dim::q))
    return emitOpError() << "tile is " << tile
                         << "; expected one dim, 'q' (C1)";
  size_t indices = getIndices().size();
  if (indices == 0 || indices != static_cast<size_t>(memref.getRank()))
    return emitOpError() << "has " << indices << " indices into " << memref
                         << "; expected one per dim, at least one (C1)";
  if (tile.getElementType() != memref.getElementType())
    return emitOpError() << "tile has element type " << tile.getElementType()
                         << " and the memref has " << memref.getElementType()
                         << "; expected the same one (C1)";
  // store_stats_c2
  if (getHeads() < 1 || (getHeads() > 1 && indices < 2))
    return emitOpError() << "has heads " << getHeads() << " and " << indices
                         << " indices; expected at least 1, and two indices "
                            "for more (C2)";
  return success();
}

LogicalResult FillOp::verify() {
  // fill_c1
  Type element = getTile().getType().getElementType();
  if (getValue().getType() != element)
    return emitOpError() << "value is " << getValue().getType() << "; expected "
                         << element << " of the tile (C1)";
  return success();
}

//===----------------------------------------------------------------------===//
// Contract
//===----------------------------------------------------------------------===//

/// contract_c1
static LogicalResult verifyContractDims(ContractOp op, TileType lhs,
                                        TileType rhs, TileType result) {
  for (auto [name, tile] : {std::pair("lhs", lhs), std::pair("rhs", rhs),
                            std::pair("the result", result)})
    if (tile.getRank() != 2)
      return op.emitOpError()
             << name << " is " << tile << "; expected two dims (C1)";
  SmallVector<Dim> kept;
  int shared = 0;
  for (Dim dim : lhs.getDims())
    if (rhs.hasDim(dim))
      ++shared;
    else
      kept.push_back(dim);
  if (shared != 1)
    return op.emitOpError() << "lhs is " << lhs << " and rhs is " << rhs
                            << "; expected exactly one dim in common (C1)";
  for (Dim dim : rhs.getDims())
    if (!lhs.hasDim(dim))
      kept.push_back(dim);
  if (!llvm::all_of(kept, [&](Dim dim) { return result.hasDim(dim); }))
    return op.emitOpError() << "the result is " << result << "; expected dims '"
                            << stringifyDim(kept[0]) << "' and '"
                            << stringifyDim(kept[1]) << "' (C1)";
  return success();
}

/// Fails if a dim that both tiles have differs in extent.
static LogicalResult expectSameExtents(Operation *op, StringRef nameA,
                                       TileType a, StringRef nameB, TileType b,
                                       StringRef constraint) {
  for (Dim dim : a.getDims())
    if (b.hasDim(dim) && a.getExtent(dim) != b.getExtent(dim))
      return op->emitOpError()
             << nameA << " is " << a << " and " << nameB << " is " << b
             << "; expected the same extent of dim '" << stringifyDim(dim)
             << "' (" << constraint << ")";
  return success();
}

LogicalResult ContractOp::verify() {
  TileType lhs = getLhs().getType(), rhs = getRhs().getType(),
           result = getResult().getType();
  if (failed(verifyContractDims(*this, lhs, rhs, result)))
    return failure();
  // contract_c2
  if (failed(expectSameExtents(*this, "lhs", lhs, "rhs", rhs, "C2")) ||
      failed(
          expectSameExtents(*this, "lhs", lhs, "the result", result, "C2")) ||
      failed(expectSameExtents(*this, "rhs", rhs, "the result", result, "C2")))
    return failure();
  // contract_c3
  if (!result.getElementType().isF32())
    return emitOpError() << "the result is " << result
                         << "; expected element type f32 (C3)";
  if (getInto() && getInto().getType() != result)
    return emitOpError() << "into is " << getInto().getType() << "; expected "
                         << result << " of the result (C3)";
  // contract_c4
  if (getGuardScale() && !getGuard())
    return emitOpError() << "has guard_scale and no guard; expected both (C4)";
  return success();
}

//===----------------------------------------------------------------------===//
// Map and reduce
//===----------------------------------------------------------------------===//

LogicalResult MapOp::verify() {
  // map_c1
  TileType result = getResult().getType();
  for (auto [i, value] : llvm::enumerate(getInputs())) {
    auto input = cast<TileType>(value.getType());
    bool fits = llvm::all_of(input.getDims(), [&](Dim dim) {
      return result.hasDim(dim) &&
             result.getExtent(dim) == input.getExtent(dim);
    });
    if (!fits)
      return emitOpError() << "input #" << i << " is " << input
                           << " and the result is " << result
                           << "; expected dims of the result (C1)";
  }
  return success();
}

LogicalResult MapOp::verifyRegions() {
  // map_c2
  SmallVector<Type> expected;
  for (Value input : getInputs())
    expected.push_back(cast<TileType>(input.getType()).getElementType());
  expected.append(getResult().getType().getRank(),
                  IndexType::get(getContext()));
  Block &body = getBody().front();
  if (!llvm::equal(body.getArgumentTypes(), expected)) {
    InFlightDiagnostic diag = emitOpError() << "body has arguments (";
    llvm::interleaveComma(body.getArgumentTypes(), diag);
    diag << "); expected (";
    llvm::interleaveComma(expected, diag);
    return diag << "), the elements of the inputs and one index per dim of "
                   "the result (C2)";
  }
  auto yield = dyn_cast<YieldOp>(body.back());
  Type element = getResult().getType().getElementType();
  if (!yield)
    return emitOpError() << "body ends with '" << body.back().getName()
                         << "'; expected 'attn.yield' (C2)";
  if (yield.getValue().getType() != element)
    return emitOpError() << "body yields " << yield.getValue().getType()
                         << "; expected " << element << " of the result (C2)";
  return success();
}

LogicalResult ReduceOp::verify() {
  // reduce_c1
  TileType input = getInput().getType(), result = getResult().getType();
  bool dims = input.getRank() == result.getRank() + 1 &&
              llvm::all_of(result.getDims(),
                           [&](Dim dim) { return input.hasDim(dim); });
  if (!dims)
    return emitOpError() << "input is " << input << " and the result is "
                         << result
                         << "; expected the result to lack one dim (C1)";
  if (input.getElementType() != result.getElementType())
    return emitOpError() << "input has element type " << input.getElementType()
                         << " and the result has " << result.getElementType()
                         << "; expected the same one (C1)";
  return expectSameExtents(*this, "input", input, "the result", result, "C1");
}

LogicalResult DotPairsOp::verify() {
  // dot_pairs_c1
  VectorType pairs = getLhs().getType(), acc = getAcc().getType();
  if (pairs.getDimSize(0) != 2 * acc.getDimSize(0) ||
      pairs.isScalable() != acc.isScalable())
    return emitOpError() << "lhs is " << pairs << " and acc is " << acc
                         << "; expected lhs to have twice as many elements "
                            "(C1)";
  return success();
}
