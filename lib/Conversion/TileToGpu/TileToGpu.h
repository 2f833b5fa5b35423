//===- TileToGpu.h - State of the lowering to one thread --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the passes of this folder. A tile value is a list of scalars, the
// registers of one thread, or a place in shared memory; `ThreadLowering` knows
// which, and each lower* function emits the code of one kind of op.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOGPU_TILETOGPU_H
#define ATTN_LIB_CONVERSION_TILETOGPU_TILETOGPU_H

#include "attn/Analysis/FragmentLayout.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "attn/Dialect/Attn/Transforms/TileChain.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include <map>

namespace attn {

/// The memory space of shared memory.
inline constexpr int64_t kSharedMemory = 3;

/// The schedule of a kernel of blocks; null of any other function.
BlockScheduleAttr getBlockSchedule(mlir::func::FuncOp kernel);

/// The rows of one batch and head in global memory; strides count elements,
/// and are i64.
struct GlobalRows {
  mlir::Value pointer, rowStride;
  /// Null if the elements of a row are neighbours.
  mlir::Value columnStride;
  /// Several heads that take turns, at this stride.
  int64_t heads = 1;
  mlir::Value headStride;
  /// Pages: [batch][page of the sequence]; null without.
  mlir::Value table, batch, pageSize, pageStride;
  mlir::Type element;
  /// i1: whether all rows begin at multiples of 16 bytes.
  mlir::Value isAligned;
  /// i1: whether `attn.fetch_tile` can load them too; null if it never can, or
  /// if nothing is fetched.
  mlir::Value canFetch;
};

/// A tile in shared memory: the byte at which it begins, an i32.
struct SharedPlace {
  mlir::Value begin;
  SharedAttr layout;
  int64_t elementBytes = 0;
};

/// Rows [row, row + valid) of a view, and the buffer they go to.
struct TileCopy {
  mlir::Value view, row, valid, buffer, stage;
  SharedAttr layout;
  /// Whether its rows are known to begin at multiples of a chunk.
  bool aligned = false;
};

/// The registers of a layout by their coordinates.
class RegisterIndex {
public:
  RegisterIndex(TileType tile, llvm::ArrayRef<Dim> dims);
  /// The register at offsets along the dims, or -1.
  int64_t find(llvm::ArrayRef<int64_t> offsets) const;

private:
  llvm::DenseMap<std::pair<int64_t, int64_t>, int64_t> registers;
};

class ThreadLowering {
public:
  ThreadLowering(mlir::func::FuncOp kernel, BlockScheduleAttr schedule);

  mlir::func::FuncOp getKernel() const { return kernel; }
  BlockScheduleAttr getSchedule() const { return schedule; }
  int64_t getThreads() const {
    return schedule.getWarps() * schedule.getLanes();
  }
  /// Numbers of this thread, i32.
  mlir::Value getThread() const { return numbers.thread; }
  mlir::Value getLane() const { return numbers.lane; }
  mlir::Value getWarp() const { return numbers.warp; }

  /// What follows from the thread's number, and where code that does stands.
  struct Numbers {
    bool isFirst = true;
    mlir::Value thread, lane, warp, base;
    /// The last op of that code.
    mlir::Operation *end = nullptr;
    llvm::DenseMap<std::pair<mlir::Attribute, int>, mlir::Value> offsets;
    llvm::DenseMap<mlir::Attribute, mlir::Value> firsts;
  };
  /// Computes the numbers again, from a thread number that is hidden like
  /// `attn.opaque`; returns those in use so far, to be put back.
  Numbers startAgain(mlir::ImplicitLocOpBuilder &b);
  void putBack(Numbers old) { numbers = std::move(old); }

  /// The value that `build` emits where the thread's numbers are known.
  mlir::Value buildAtEntry(
      llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &)> build);
  /// Whether the thread's numbers are those from the beginning of the kernel.
  bool isAtBeginning() const { return numbers.isFirst; }

  /// The sum of the lane's and the warp's coordinate along `dim`, an i32.
  mlir::Value getThreadOffset(FragmentAttr layout, Dim dim);
  /// Whether this thread is the first of those that hold the same elements of a
  /// fragment without `dim`; an i1.
  mlir::Value isFirstAlong(FragmentAttr layout);

  llvm::ArrayRef<mlir::Value> getRegisters(mlir::Value tile) const {
    auto it = registers.find(tile);
    assert(it != registers.end() && "tile has no registers yet");
    return it->second;
  }
  void setRegisters(mlir::Value tile, llvm::ArrayRef<mlir::Value> values) {
    registers[tile] = llvm::SmallVector<mlir::Value>(values);
  }
  const SharedPlace &getPlace(mlir::Value tile) const {
    return places.find(tile)->second;
  }
  bool isShared(mlir::Value tile) const { return places.contains(tile); }
  void setPlace(mlir::Value tile, SharedPlace place) { places[tile] = place; }
  const GlobalRows &getRows(mlir::Value view) const {
    return views.find(view)->second;
  }
  void setRows(mlir::Value view, GlobalRows rows) { views[view] = rows; }

  /// The first of `bytes` bytes of shared memory, until they are released.
  /// What lies below others that are in use is free when those are released.
  int64_t allocateShared(int64_t bytes);
  void releaseShared(int64_t begin) { sharedEnds.erase(begin); }
  int64_t getSharedBytes() const { return sharedBytes; }
  int64_t &getBufferBegin(mlir::Value buffer) { return buffers[buffer]; }

  /// The address of byte `offset`, an i32, of shared memory.
  mlir::Value getSharedPointer(mlir::ImplicitLocOpBuilder &b,
                               mlir::Value offset);

private:
  mlir::func::FuncOp kernel;
  BlockScheduleAttr schedule;
  void setNumbers(mlir::ImplicitLocOpBuilder &b, mlir::Value thread);

  Numbers numbers;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> registers;
  llvm::DenseMap<mlir::Value, SharedPlace> places;
  llvm::DenseMap<mlir::Value, GlobalRows> views;
  llvm::DenseMap<mlir::Value, int64_t> buffers;
  /// Where what is in use ends, by where it begins.
  std::map<int64_t, int64_t> sharedEnds;
  int64_t sharedBytes = 0;
};

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

mlir::Value buildI32(mlir::ImplicitLocOpBuilder &b, int64_t value);
mlir::Value buildI64(mlir::ImplicitLocOpBuilder &b, int64_t value);
/// An index, or an unsigned i32, as i64.
mlir::Value toI64(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
/// An unsigned i32 as an index.
mlir::Value toIndex(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
/// `type`, or, for 8-bit floats, which LLVM has not, that of their bits.
mlir::Type getStoredType(mlir::Type type);
/// Loads a `type`, a scalar or a vector.
mlir::Value buildLoad(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                      mlir::Value pointer, unsigned alignment = 0);
/// `value`, a scalar or a vector, as one of `element`, which holds it exactly.
mlir::Value buildWidened(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                         mlir::Type element);
/// `pointer` + `offset` elements of `element`.
mlir::Value buildAddress(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                         mlir::Type element, mlir::Value offset);
/// `pointer` + a constant number of bytes.
mlir::Value buildByteAddress(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                             int64_t bytes);
/// `then` or `otherwise`, which may be null, as `condition`, an i1, says.
void buildIf(mlir::ImplicitLocOpBuilder &b, mlir::Value condition,
             llvm::function_ref<void()> then,
             llvm::function_ref<void()> otherwise = {});
/// The value of `then` if `condition` is true, else `otherwise`.
mlir::Value buildIf(mlir::ImplicitLocOpBuilder &b, mlir::Value condition,
                    mlir::Value otherwise,
                    llvm::function_ref<mlir::Value()> then);
/// Keeps code generators from unrolling a loop that is rare: its code would be
/// in the way of what is not.
void keepRolled(mlir::Operation *loop);
/// `value`, an i32 that all threads of the block know, or each its own, so that
/// compilers do not find it equal.
mlir::Value buildHidden(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                        int64_t lanes);
/// The bits of an i32 that are set in all threads of the block.
mlir::Value buildBlockAnd(mlir::ImplicitLocOpBuilder &b, mlir::Value bits,
                          ThreadLowering &lowering);

/// The byte of `place` at which its element (row, column), each an i32, lies.
mlir::Value buildSharedOffset(mlir::ImplicitLocOpBuilder &b,
                              const SharedPlace &place, mlir::Value row,
                              mlir::Value column);
/// The element `row` rows and `column` columns away from the one at byte `base`
/// of `place`. They add to its row and column without a carry. Chunks change
/// places within as many bytes as the swizzle has chunks, at multiples of which
/// rows begin: an exclusive or moves the address, and a constant comes on top.
mlir::Value buildMovedPointer(mlir::ImplicitLocOpBuilder &b,
                              const SharedPlace &place, mlir::Value base,
                              int64_t row, int64_t column,
                              ThreadLowering &lowering);
/// What chunks of row `row`, an i32, of shared memory change places by.
mlir::Value buildSwizzle(mlir::ImplicitLocOpBuilder &b, SharedAttr layout,
                         int64_t bytes, mlir::Value row);

/// The comparisons of a map, and its distances, that need 32 bits only.
class CoordinateComparisons {
public:
  /// Emits what they have in common for all elements.
  CoordinateComparisons(mlir::ImplicitLocOpBuilder &b, MapOp map,
                        ThreadLowering &lowering);
  /// The value of `op`, an op of the map's body, for register `reg`; null if it
  /// is neither.
  mlir::Value build(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op,
                    int64_t reg);
  /// Whether `value`, of the map's body, is false for any register of this
  /// thread; null if one comparison each for its ends does not tell.
  mlir::Value buildFailsForAny(mlir::ImplicitLocOpBuilder &b,
                               mlir::Value value);

private:
  std::optional<int64_t> findHardest(mlir::Operation *op);
  int64_t getConstant(mlir::Operation *op, int64_t reg);

  struct Comparison {
    llvm::SmallVector<int64_t, 2> factors;
    mlir::Value bound;
  };
  MapOp map;
  llvm::DenseMap<mlir::Operation *, Comparison> comparisons;
};

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// A buffer in shared memory for `stages` tiles.
mlir::Value allocateBuffer(mlir::ImplicitLocOpBuilder &b, TileType tile,
                           int64_t stages);
SharedAttr getLayout(LoadTileOp load);
/// The number of the buffer `distance` tiles after buffer `stage`.
mlir::Value buildNextStage(mlir::ImplicitLocOpBuilder &b, mlir::Value stage,
                           int64_t distance, int64_t stages);
/// Gives a loop one more iter_arg, which the caller yields.
void addCarried(mlir::ImplicitLocOpBuilder &b, KeyLoop &member,
                mlir::Value init);
/// Fetches what `loads` load and puts it into the first buffer of each.
void fetchAndPut(mlir::ImplicitLocOpBuilder &b,
                 llvm::MutableArrayRef<LoadTileOp> loads,
                 llvm::ArrayRef<mlir::Value> buffers);
/// Pipelines the loads of a chain of loops through registers.
void pipelineFetches(llvm::MutableArrayRef<KeyLoop> chain,
                     BlockScheduleAttr schedule);

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void lowerRowsView(ViewOp op, ThreadLowering &lowering);
/// The address of the first element of row `row`, an i64.
mlir::Value buildRowPointer(mlir::ImplicitLocOpBuilder &b,
                            const GlobalRows &rows, mlir::Value row);
/// Where buffer `stage` begins.
SharedPlace getStagePlace(mlir::ImplicitLocOpBuilder &b, mlir::Value buffer,
                          mlir::Value stage, SharedAttr layout,
                          ThreadLowering &lowering);
void lowerCopyTile(CopyTileOp op, ThreadLowering &lowering);
/// Copies a tile by chunks where that is possible, else one element at a time.
void copyTile(mlir::ImplicitLocOpBuilder &b, const TileCopy &copy,
              ThreadLowering &lowering);
void copyTileElements(mlir::ImplicitLocOpBuilder &b, const TileCopy &copy,
                      ThreadLowering &lowering);
/// The parts of a thread of a tile of `element` in global memory that goes to
/// `buffer`.
llvm::SmallVector<mlir::Type> getFetchedTypes(BlockScheduleAttr schedule,
                                              mlir::Type element,
                                              SharedAttr layout,
                                              mlir::MemRefType buffer);
void lowerFetchTile(FetchTileOp op, ThreadLowering &lowering);
void lowerPutTile(PutTileOp op, ThreadLowering &lowering);
void lowerQueryLoad(LoadTileOp op, ThreadLowering &lowering);
void lowerSharedTile(SharedTileOp op, ThreadLowering &lowering);
void lowerBoxToRegisters(LoadBoxOp op, ThreadLowering &lowering);
void lowerStoreRegisters(StoreTileOp op, ThreadLowering &lowering);
void lowerStoreStatistics(StoreStatsOp op, ThreadLowering &lowering);
void lowerFillRegisters(FillOp op, ThreadLowering &lowering);
void lowerBlockAllFinite(AllFiniteOp op, ThreadLowering &lowering);
void lowerBlockTileKind(TileKindOp op, ThreadLowering &lowering);
void lowerMapToRegisters(MapOp op, ThreadLowering &lowering);
void lowerReduceRegisters(ReduceOp op, ThreadLowering &lowering);
void lowerAnyAbove(AnyAboveOp op, ThreadLowering &lowering);
void lowerCombinePartial(CombinePartialOp op, ThreadLowering &lowering);
/// Reads matrices of 16-bit elements that lie in shared memory.
class MatrixReader {
public:
  /// How a lane's address follows from its number: lanes 8 to 15 read the next
  /// eight rows and lanes 16 to 31 the next chunk, or the other way round.
  enum class LaneOrder { RowsFirst, ChunkFirst };

  /// Of keys, where the products sum over `sumDim`.
  static LaneOrder getOrder(Dim sumDim) {
    return sumDim == Dim::kv ? LaneOrder::RowsFirst : LaneOrder::ChunkFirst;
  }

  MatrixReader(mlir::ImplicitLocOpBuilder &b, const SharedPlace &place,
               mlir::Type matrix, LaneOrder order, int64_t warpRows,
               ThreadLowering &lowering);

  llvm::SmallVector<mlir::Value> load(mlir::ImplicitLocOpBuilder &b,
                                      int64_t row, int64_t column,
                                      bool transposed) const;

private:
  const SharedPlace place;
  mlir::Type matrix;
  ThreadLowering &lowering;
  mlir::Value base;
};

/// By matrix instructions, or by multiplications one after the other.
void lowerProduct(ContractOp op, ThreadLowering &lowering);
void lowerMatrixProduct(ContractOp op, ThreadLowering &lowering);
void lowerTransposedProduct(ContractOp op, ThreadLowering &lowering);
/// By matrix instructions of parts of the operands.
void lowerSplitProduct(ContractOp op, ThreadLowering &lowering);
void lowerScalarProduct(ContractOp op, ThreadLowering &lowering);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_TILETOGPU_TILETOGPU_H
