//===- TileLowering.h - State of the tile-to-vector lowering -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Private to the conversion. A tile value is a memref; `TileLowering` knows
// which one, and each lower* function emits the code of one kind of op.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOVECTOR_TILELOWERING_H
#define ATTN_LIB_CONVERSION_TILETOVECTOR_TILELOWERING_H

#include "../WorkItems.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace attn {

/// Rows behind a view, or the rows of a tile that are read in place. Row i is
/// `memref[i]`, or `memref[offsets[i]]` if there are offsets; the memref then
/// has a row stride of 1, so that offsets count elements.
struct Rows {
  mlir::Value memref, offsets;

  /// The first index of row `row`.
  mlir::Value at(mlir::ImplicitLocOpBuilder &b, mlir::Value row) const;
};

/// Where the rows of a paged view lie: row i is row `i % size` of page
/// `table[batch, i / size]`; strides count elements.
struct Pages {
  mlir::Value table, batch, size, pageStride, rowStride;
};

class TileLowering {
public:
  TileLowering(mlir::func::FuncOp kernel, VectorScheduleAttr schedule)
      : kernel(kernel), schedule(schedule) {}

  VectorScheduleAttr getSchedule() const { return schedule; }
  mlir::func::FuncOp getKernel() const { return kernel; }

  /// The memref that holds `tile`, which has been lowered already.
  mlir::Value getBuffer(mlir::Value tile) const {
    mlir::Value buffer = buffers.lookup(tile);
    assert(buffer && "tile has no buffer yet");
    return buffer;
  }
  void setBuffer(mlir::Value tile, mlir::Value buffer);

  /// A scratch buffer for `tile`: one that no tile alive in the same loop body
  /// uses, or a new one, allocated at the kernel's entry.
  mlir::Value allocate(mlir::Value tile);

  /// A scratch buffer of `type` for what lives in `block`.
  mlir::Value allocate(mlir::MemRefType type, mlir::Block *block);

  /// A buffer for `result` that may overwrite one of `inputs`: the first of the
  /// same type whose last use is before or at `last`.
  mlir::Value reuseOrAllocate(mlir::Value result, mlir::ValueRange inputs,
                              mlir::Operation *last);

  /// The memref behind a view: [sequence][head dim]. Of a paged one, all rows
  /// are found through `getPages`.
  mlir::Value getView(mlir::Value view) const { return views.lookup(view); }
  void setView(mlir::Value view, mlir::Value memref) { views[view] = memref; }

  /// The pages of a view, or null.
  const Pages *getPages(mlir::Value view) const {
    auto it = pages.find(view);
    return it == pages.end() ? nullptr : &it->second;
  }
  void setPages(mlir::Value view, Pages value) { pages[view] = value; }

  /// Offsets of the rows of `tile`, which is read in place, or null.
  mlir::Value getRowOffsets(mlir::Value tile) const {
    return rowOffsets.lookup(tile);
  }
  void setRowOffsets(mlir::Value tile, mlir::Value offsets) {
    rowOffsets[tile] = offsets;
  }

  /// Functions that several tile bodies call, by a key that tells their code.
  llvm::StringMap<mlir::func::FuncOp> functions;

private:
  mlir::func::FuncOp kernel;
  VectorScheduleAttr schedule;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;
  llvm::DenseMap<mlir::Value, mlir::Value> views, rowOffsets;
  llvm::DenseMap<mlir::Value, Pages> pages;
  /// For each scratch buffer, the blocks that define tiles in it.
  llvm::SmallVector<std::pair<mlir::Value, llvm::SmallVector<mlir::Block *, 4>>>
      scratch;
};

/// Whether no op after `last`, in the same block, uses `value`, and `value` is
/// defined in that block.
bool isLastUse(mlir::Value value, mlir::Operation *last);

/// Emits `for iv = begin to end step step { body(iv) }`.
void buildLoop(mlir::ImplicitLocOpBuilder &b, mlir::Value begin,
               mlir::Value end, int64_t step,
               llvm::function_ref<void(mlir::Value)> body);
/// The same from 0.
void buildLoop(mlir::ImplicitLocOpBuilder &b, mlir::Value end, int64_t step,
               llvm::function_ref<void(mlir::Value)> body);

/// A constant whose elements are all 0.
mlir::Value buildZero(mlir::ImplicitLocOpBuilder &b, mlir::Type type);
/// `value` (scalar or vector) widened to `element`, or as it is.
mlir::Value buildExtend(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                        mlir::Type element);

/// Loads `valid` rows of a tile with query rows along the lanes.
void loadTransposed(mlir::ImplicitLocOpBuilder &b, mlir::Value rows,
                    mlir::Value buffer, mlir::Value valid, TileType tile,
                    int64_t unit);
/// Stores such a tile of f32, rounded to the type of `rows`.
void storeTransposed(mlir::ImplicitLocOpBuilder &b, mlir::Value rows,
                     mlir::Value buffer, mlir::Value valid, int64_t unit);

void lowerView(ViewOp op, TileLowering &lowering);
/// Fills a scratch buffer with the offsets of the valid rows that `op` loads
/// from `pages`.
mlir::Value buildRowOffsets(mlir::ImplicitLocOpBuilder &b, const Pages &pages,
                            LoadTileOp op, TileLowering &lowering);
void lowerLoadTile(LoadTileOp op, TileLowering &lowering);
void lowerLoadBox(LoadBoxOp op, TileLowering &lowering);
void lowerTileKind(TileKindOp op, TileLowering &lowering);
void lowerStoreTile(StoreTileOp op, TileLowering &lowering);
void lowerStoreStats(StoreStatsOp op, TileLowering &lowering);
void lowerAllFinite(AllFiniteOp op, TileLowering &lowering);
void lowerFill(FillOp op, TileLowering &lowering);
void lowerContract(ContractOp op, TileLowering &lowering);

//===----------------------------------------------------------------------===//
// Rescaling
//===----------------------------------------------------------------------===//
//
// Sums of earlier tiles are multiplied by one factor per row before those of a
// tile are added. The op that adds does both at once, so that the map that
// stands for the multiplication is never lowered by itself.

/// The op that adds to the result of `map`, if `map` is such a multiplication
/// and that op can do its work.
mlir::Operation *getRescaledUser(MapOp map);
/// Moves these maps of `block` to the ops that do their work, so that what they
/// read is kept until there.
void sinkRescales(mlir::Block &block);
/// If a sunk map makes `sums`, gives them the buffer of the sums before it and
/// returns the buffer of the factors; null otherwise.
mlir::Value takeRescale(mlir::ImplicitLocOpBuilder &b, mlir::Value sums,
                        TileLowering &lowering);

/// What the code of a product depends on besides the types of its operands.
struct ProductKind {
  /// lhs is stored [k][m], not [m][k].
  bool transposedA;
  /// Start from c instead of 0.
  bool accumulate;
  /// Multiply c by a factor for each of its columns first.
  bool rescaled;
  /// Skip terms whose rhs is 0.
  bool guarded;
  /// The 16-bit type that is multiplied in pairs, or null: products are f32.
  mlir::Type pairElement;
  /// c and rhs have query rows outermost.
  bool byRow;
};

/// Emits the body of a product function (c, lhs, rhs, m, k) of kind `byRow`.
void buildRowProduct(mlir::func::FuncOp function, const ProductKind &kind,
                     VectorScheduleAttr schedule);

/// Reports the first op of `kernel` that the functions above cannot lower.
mlir::LogicalResult verifyVectorKernel(mlir::func::FuncOp kernel);

/// The vector of the elements that a memref.load with these `operands` reads
/// in each lane; its indices are scalars, equal in all lanes, or vectors.
mlir::Value buildGather(mlir::ImplicitLocOpBuilder &b,
                        mlir::ValueRange operands, int64_t width);

/// Lowers `group`, adjacent attn.map and attn.reduce ops over the same dims, as
/// one loop nest in front of its last op.
mlir::LogicalResult lowerElementwise(llvm::ArrayRef<mlir::Operation *> group,
                                     TileLowering &lowering);
/// The ops from `first` on that form such a group.
llvm::SmallVector<mlir::Operation *>
collectElementwiseGroup(mlir::Operation *first);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_TILETOVECTOR_TILELOWERING_H
