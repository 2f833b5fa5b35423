//===- TileSystem.h - Projecting boxes onto tile indices --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linear constraints over the index x of a tile of the loop's side, the index
// of the fixed tile, the parameters, and floor divisions of these. The
// Presburger library's simplex decides emptiness; it answers over the rationals
// after tightening rows to integers, so "empty" is certain and "not empty" is
// not. Emptiness only removes what cannot be: the projection itself is exact.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_TILESYSTEM_H
#define ATTN_LIB_ANALYSIS_TILESYSTEM_H

#include "MaskBoxes.h"
#include "mlir/Analysis/Presburger/Simplex.h"
#include "llvm/ADT/SmallBitVector.h"
#include <map>
#include <vector>

namespace attn {

/// coefficients * columns + constant >= 0 as a constraint, or that sum as an
/// expression. Missing trailing coefficients are 0.
struct Row {
  llvm::SmallVector<int64_t, 12> coefficients;
  int64_t constant = 0;

  int64_t get(unsigned column) const {
    return column < coefficients.size() ? coefficients[column] : 0;
  }
  Row &add(const Row &other, int64_t factor = 1);
  Row &add(unsigned column, int64_t factor);
  Row &add(int64_t value) { return constant += value, *this; }
  bool isConstant() const;
  bool operator==(const Row &other) const;
};
using Rows = llvm::SmallVector<Row, 0>;

/// The integer constraint that holds exactly where `row` does not.
Row negate(const Row &row);

/// All x that satisfy the rows: `lower` rows have a positive coefficient of x,
/// `upper` rows a negative one, `guard` rows none.
struct Interval {
  Rows lower, upper, guard;
  Rows getRows() const;
};

class TileSystem {
public:
  /// With `loopOverKv`, x is a KV tile and the fixed tile a q tile; otherwise
  /// the other way round.
  TileSystem(const MaskProblem &problem, const MaskBoxes &boxes,
             bool loopOverKv);

  // Columns.
  static constexpr unsigned kTile = 0;  ///< x
  static constexpr unsigned kOther = 1; ///< a second x, for comparisons
  static constexpr unsigned kFixed = 2; ///< index of the fixed tile
  static constexpr unsigned kSymbols = 3;

  /// Tiles that hold a visible (or, not `visible`, a hidden) pair of the box.
  /// Appends one interval, or, where only that is exact, one for each chunk
  /// that the fixed tile can touch. Fails beyond the limit of boxes.
  mlir::LogicalResult project(const Box &box, bool visible,
                              llvm::SmallVectorImpl<Interval> &intervals);
  /// Appends the tiles with keys at and beyond kv_len.
  void projectTail(llvm::SmallVectorImpl<Interval> &intervals);

  /// No x within the loop's side satisfies all rows, whatever the parameters.
  bool isEmpty(llvm::ArrayRef<Row> rows);
  /// The same, exactly, for a problem without parameters; slower.
  bool isExactlyEmpty(llvm::ArrayRef<Row> rows);
  /// Removes rows that the others imply. `keepSide` also says to give the bound
  /// x <= last tile, which is otherwise left out.
  void minimise(Interval &interval);
  void minimiseEnd(Rows &upper, llvm::ArrayRef<Row> lower);

  /// x <= last tile of the loop's side.
  const Row &getLastTile() const { return lastTile; }
  /// The same of the second x.
  Row moveToOther(const Row &row) const;
  /// The fixed tile exists; null where that is a precondition.
  const std::optional<Row> &getFixedExists() const { return fixedExists; }

  /// Assumptions on the parameters (rows without x).
  void pushAssumption(const Row &row);
  void popAssumption();

  mlir::AffineExpr getExpr(const Row &row, mlir::MLIRContext *context) const;
  /// Smallest x of a lower row, and one beyond the largest x of an upper row.
  mlir::AffineExpr getBound(const Row &row, mlir::MLIRContext *context) const;
  unsigned getNumSymbols() const { return numSymbols; }
  /// More work than the limit allows; all answers since are "not empty".
  bool isExhausted() const {
    return numEntries > problem.limits.tableauEntries;
  }

private:
  struct Division {
    Row dividend;
    int64_t divisor;
  };
  /// The context on some of the columns.
  struct Tableau {
    llvm::SmallVector<unsigned> columns;
    mlir::presburger::Simplex simplex;

    explicit Tableau(const llvm::SmallBitVector &used)
        : columns(used.set_bits_begin(), used.set_bits_end()),
          simplex(columns.size()) {}
    void add(const Row &row);
  };
  /// The chunk chosen for each axis: unset, or counted from the first one that
  /// the fixed tile touches.
  using Chunks = llvm::SmallVector<std::optional<int64_t>, 4>;

  Row getSymbol(unsigned index, std::optional<int64_t> value) const;
  Row getColumn(unsigned column, int64_t factor = 1) const;
  Row floorDiv(const Row &dividend, int64_t divisor);
  void addAxisRows(unsigned axis, Box::Options options, const Chunks &chunks,
                   Rows &rows);
  Rows getPairRows(const Box &box, bool visible, const Chunks &chunks);
  bool eliminate(unsigned column, int64_t size, Rows &rows);
  bool addPair(Row low, Row high, int64_t size, llvm::ArrayRef<Row> others,
               Rows &rows);
  bool isVariable(const Row &row) const;
  mlir::LogicalResult projectChunks(const Box &box, bool visible,
                                    const Chunks &chunks,
                                    llvm::SmallVectorImpl<Interval> &intervals);
  bool finish(const Rows &rows, Interval &interval);
  bool isEmpty(llvm::ArrayRef<Row> rows, bool withLastTile);
  Tableau &getTableau(llvm::ArrayRef<Row> rows);
  void addRange(unsigned i, Tableau &tableau) const;
  void addCuts(unsigned i, unsigned j, Tableau &tableau) const;
  void markUsed(const Row &row, llvm::SmallBitVector &used) const;
  Row dividendOf(const Division &division, bool upper) const;

  const MaskProblem &problem;
  const MaskBoxes &boxes;
  bool loopOverKv;
  unsigned numSymbols, numColumns;
  unsigned positionColumn, keyColumn, chunkColumns, divisionColumns;
  llvm::SmallVector<Division> divisions;
  /// Expressions: offset, lengths, first position and first key of the tile.
  Row offset, qLen, kvLen, firstPosition, firstKey;
  Row lastTile;
  std::optional<Row> fixedExists;
  /// The largest index of the fixed side, where it is static.
  std::optional<int64_t> lastFixed;
  /// What always holds.
  Rows context;
  /// By the used columns. A query costs the cube of the number of rows or so,
  /// and most queries concern few of the divisions.
  std::map<std::vector<unsigned>, Tableau> tableaus;
  uint64_t numEntries = 0;
};

/// Divides by the common divisor of the coefficients, rounding the constant to
/// the integer points.
void tighten(Row &row);

} // namespace attn

#endif // ATTN_LIB_ANALYSIS_TILESYSTEM_H
