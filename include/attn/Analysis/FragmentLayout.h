//===- FragmentLayout.h - Which thread holds which element ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile in registers is a map from (register, lane, warp) to coordinates; see
// #attn.fragment. From the map alone follow the coordinates that masks need,
// the lanes that share a row, whether the result of one product already is the
// operand of the next, and the banks that a load touches.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_FRAGMENTLAYOUT_H
#define ATTN_ANALYSIS_FRAGMENTLAYOUT_H

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "attn/Dialect/Attn/IR/AttnTypes.h"
#include <optional>

namespace attn {

//===----------------------------------------------------------------------===//
// Matrix instructions
//===----------------------------------------------------------------------===//

/// What becomes of f32 operands: nothing, products of them as they are, or
/// several products of 16-bit parts (docs/rationale/f32-products.md).
enum class F32Products { None, Direct, OfParts };

/// A row of the table of matrix instructions: D (m x n) += A (m x k) B (k x n).
/// In the layouts, Dim::q stands for m, Dim::kv for n and Dim::d for k.
struct MatrixInstruction {
  MatrixKind kind;
  int64_t m, n, k, lanes;
  /// Elements of an operand in one register.
  int64_t perRegister;
  F32Products f32;
  llvm::SmallVector<LayoutDigit> aRegisters, aLanes;
  llvm::SmallVector<LayoutDigit> bRegisters, bLanes;
  llvm::SmallVector<LayoutDigit> dRegisters, dLanes;
};

const MatrixInstruction &getMatrixInstruction(MatrixKind kind);

/// Whether `instruction` multiplies operands of type `element` as they are.
bool multiplies(const MatrixInstruction &instruction, mlir::Type element);
/// Whether it multiplies parts of them.
bool multipliesParts(const MatrixInstruction &instruction, mlir::Type element);

/// The parts of 16 bits that an f32 is the sum of.
inline constexpr size_t kFloatParts = 3;

/// The type that matrix instructions multiply operands of types `q` and `k` in:
/// the 16-bit type that holds both exactly, where each 8-bit float fits into
/// either. f32 if there is none.
mlir::Type getProductType(mlir::Type q, mlir::Type k);

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

/// The value of `number` written in `digits`, along `dim`.
int64_t evaluate(llvm::ArrayRef<LayoutDigit> digits, Dim dim, int64_t number);

/// The product of the sizes of `digits`.
int64_t countValues(llvm::ArrayRef<LayoutDigit> digits);

/// The layout of a tile of `dims`, of which one or both may be given, as the
/// result of products: query rows are divided among the warps, the other dim
/// lies within one thread's registers and one warp's lanes. A dim that is not
/// given is left out: threads that differ in it hold the same elements.
FragmentAttr getFragment(BlockScheduleAttr schedule, mlir::MLIRContext *context,
                         llvm::ArrayRef<Dim> dims,
                         llvm::ArrayRef<int64_t> shape);

/// The layout of a query tile as an operand that lanes own the rows of: each
/// has chunks of 16 bytes of its row, by turns with the lanes of other terms.
FragmentAttr getQueryFragment(BlockScheduleAttr schedule, TileType tile);

/// Query rows of one warp, and of the block, must be a multiple of this.
int64_t getRowMultiple(BlockScheduleAttr schedule);

/// The coordinates of `reg` along `dim` in lane 0 of warp 0.
int64_t getRegisterOffset(FragmentAttr layout, Dim dim, int64_t reg);

/// The register whose offsets along the dims of `layout` are those that
/// `offsets` gives by dim; none if there is no such register.
std::optional<int64_t>
findRegister(FragmentAttr layout,
             llvm::ArrayRef<std::pair<Dim, int64_t>> offsets);

/// The distances between lanes that hold other elements along `dim` of the same
/// row: a butterfly over them combines the whole row.
llvm::SmallVector<int64_t> getLaneDistances(FragmentAttr layout, Dim dim);

/// Whether warps hold different elements along `dim`.
bool isSplitOverWarps(FragmentAttr layout, Dim dim);

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// A layout of rows of `extent` elements of `bytes` bytes in which eight
/// neighbouring rows of one 16-byte chunk lie in different banks; columns are
/// rounded up to `multiple`.
SharedAttr getConflictFreeLayout(mlir::MLIRContext *context, int64_t extent,
                                 int64_t bytes, int64_t multiple);

/// A layout whose rows are `keys` keys of `bytes` bytes, permuted for operands
/// of a product along them; see #attn.shared.
SharedAttr getTransposedLayout(mlir::MLIRContext *context, int64_t keys,
                               int64_t bytes);

/// The rows of a buffer in shared memory for a tile of `extents`, keys or
/// queries first.
int64_t getBufferRows(SharedAttr layout, int64_t rows, int64_t columns);

/// What the number of a chunk of `row` is xored with.
int64_t getSwizzle(SharedAttr layout, int64_t bytes, int64_t row);

/// Whether keys of `bytes` bytes change places in a transposed layout; see
/// #attn.shared.
bool swapsKeys(int64_t bytes);

/// The byte offset of an element, of `bytes` bytes, of a buffer.
int64_t getSharedOffset(SharedAttr layout, int64_t bytes, int64_t row,
                        int64_t column);

/// How often banks of 4 bytes are used more than once when lanes access
/// `bytes` bytes each at `addresses`, 128 bytes at a time: 0 is free of
/// conflicts.
int64_t countBankConflicts(llvm::ArrayRef<int64_t> addresses, int64_t bytes);

} // namespace attn

#endif // ATTN_ANALYSIS_FRAGMENTLAYOUT_H
