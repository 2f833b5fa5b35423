//===- TileSystem.cpp - Projecting boxes onto tile indices ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileSystem.h"
#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace attn;
using llvm::DynamicAPInt;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Row &Row::add(const Row &other, int64_t factor) {
  if (coefficients.size() < other.coefficients.size())
    coefficients.resize(other.coefficients.size(), 0);
  for (unsigned i = 0; i < other.coefficients.size(); ++i)
    coefficients[i] += factor * other.coefficients[i];
  constant += factor * other.constant;
  return *this;
}

Row &Row::add(unsigned column, int64_t factor) {
  if (coefficients.size() <= column)
    coefficients.resize(column + 1, 0);
  coefficients[column] += factor;
  return *this;
}

bool Row::isConstant() const {
  return llvm::all_of(coefficients, [](int64_t c) { return c == 0; });
}

bool Row::operator==(const Row &other) const {
  Row difference = *this;
  difference.add(other, -1);
  return difference.isConstant() && difference.constant == 0;
}

Row attn::negate(const Row &row) {
  Row result;
  return result.add(row, -1).add(-1);
}

static int64_t getDivisor(const Row &row) {
  int64_t divisor = 0;
  for (int64_t coefficient : row.coefficients)
    divisor = std::gcd(divisor, coefficient);
  return divisor;
}

static Row divide(const Row &row, int64_t divisor) {
  Row result = row;
  for (int64_t &coefficient : result.coefficients)
    coefficient /= divisor;
  result.constant = llvm::divideFloorSigned(row.constant, divisor);
  return result;
}

void attn::tighten(Row &row) {
  int64_t divisor = getDivisor(row);
  if (divisor > 1)
    row = divide(row, divisor);
}

Rows Interval::getRows() const {
  Rows rows(lower);
  rows.append(upper);
  rows.append(guard);
  return rows;
}

//===----------------------------------------------------------------------===//
// Set-up
//===----------------------------------------------------------------------===//

Row TileSystem::getColumn(unsigned column, int64_t factor) const {
  Row row;
  return row.add(column, factor);
}

Row TileSystem::getSymbol(unsigned index, std::optional<int64_t> value) const {
  Row row;
  return value ? row.add(*value) : row.add(kSymbols + index, 1);
}

TileSystem::TileSystem(const MaskProblem &problem, const MaskBoxes &boxes,
                       bool loopOverKv)
    : problem(problem), boxes(boxes), loopOverKv(loopOverKv) {
  numSymbols = 3 + boxes.slots.size();
  positionColumn = kSymbols + numSymbols;
  keyColumn = positionColumn + 1;
  chunkColumns = keyColumn + 1;
  divisionColumns = chunkColumns + boxes.axes.size();
  numColumns = divisionColumns;

  offset = getSymbol(0, problem.qOffset);
  qLen = getSymbol(1, problem.qLen);
  kvLen = getSymbol(2, problem.kvLen);
  firstPosition = getColumn(loopOverKv ? kFixed : kTile, problem.blockQ);
  firstPosition.add(offset);
  firstKey = getColumn(loopOverKv ? kTile : kFixed, problem.blockKv);

  // block * index <= length - 1
  int64_t loopBlock = loopOverKv ? problem.blockKv : problem.blockQ;
  int64_t fixedBlock = loopOverKv ? problem.blockQ : problem.blockKv;
  lastTile = getColumn(kTile, -loopBlock);
  lastTile.add(loopOverKv ? kvLen : qLen).add(-1);
  tighten(lastTile);
  Row exists = getColumn(kFixed, -fixedBlock);
  exists.add(loopOverKv ? qLen : kvLen).add(-1);
  tighten(exists);
  for (unsigned column : {kTile, kOther, kFixed})
    context.push_back(getColumn(column));
  context.push_back(exists);
  if (std::optional<int64_t> length = loopOverKv ? problem.qLen : problem.kvLen)
    lastFixed = llvm::divideFloorSigned(*length - 1, fixedBlock);
  else
    fixedExists = exists;
}

Row TileSystem::moveToOther(const Row &row) const {
  Row moved = row;
  int64_t factor = row.get(kTile);
  return moved.add(kTile, -factor).add(kOther, factor);
}

void TileSystem::pushAssumption(const Row &row) {
  context.push_back(row);
  tableaus.clear();
}

void TileSystem::popAssumption() {
  context.pop_back();
  tableaus.clear();
}

/// floor(dividend / divisor), by a column of its own where need be.
Row TileSystem::floorDiv(const Row &dividend, int64_t divisor) {
  // Multiples of the divisor come out of the division...
  Row whole, rest = dividend;
  for (unsigned i = 0; i < dividend.coefficients.size(); ++i) {
    if (dividend.coefficients[i] % divisor != 0)
      continue;
    whole.add(i, dividend.coefficients[i] / divisor);
    rest.coefficients[i] = 0;
  }
  int64_t multiple = llvm::divideFloorSigned(rest.constant, divisor);
  whole.add(multiple);
  rest.constant -= multiple * divisor;
  if (rest.isConstant())
    return whole;
  // ... and a common factor of what remains cancels.
  int64_t common = std::gcd(getDivisor(rest), divisor);
  rest = divide(rest, common);
  divisor /= common;
  // Opposite dividends share a column: floor(-n / d) = -floor((n + d - 1) / d).
  auto *leading = llvm::find_if(rest.coefficients,
                                [](int64_t factor) { return factor != 0; });
  int64_t sign = *leading < 0 ? -1 : 1;
  if (sign < 0)
    rest = Row().add(rest, -1).add(divisor - 1);

  for (const auto &[index, division] : llvm::enumerate(divisions))
    if (division.divisor == divisor && division.dividend == rest)
      return whole.add(divisionColumns + index, sign);
  divisions.push_back({rest, divisor});
  return whole.add(numColumns++, sign);
}

//===----------------------------------------------------------------------===//
// Emptiness
//===----------------------------------------------------------------------===//

/// dividend - divisor * q >= 0, and divisor * q + divisor - 1 - dividend >= 0.
Row TileSystem::dividendOf(const Division &division, bool upper) const {
  unsigned column = divisionColumns + (&division - divisions.begin());
  Row row;
  if (upper)
    return row.add(division.dividend).add(column, -division.divisor);
  return row.add(division.dividend, -1)
      .add(column, division.divisor)
      .add(division.divisor - 1);
}

void TileSystem::Tableau::add(const Row &row) {
  SmallVector<DynamicAPInt> values;
  for (unsigned column : columns)
    values.emplace_back(row.get(column));
  values.emplace_back(row.constant);
  simplex.addInequality(values);
}

/// Marks the columns of the row, and of the divisions among them.
void TileSystem::markUsed(const Row &row, llvm::SmallBitVector &used) const {
  for (unsigned i = 0; i < row.coefficients.size(); ++i) {
    if (row.coefficients[i] == 0 || used.test(i))
      continue;
    used.set(i);
    if (i >= divisionColumns)
      markUsed(divisions[i - divisionColumns].dividend, used);
  }
}

TileSystem::Tableau &TileSystem::getTableau(ArrayRef<Row> rows) {
  llvm::SmallBitVector used(numColumns);
  markUsed(lastTile, used);
  for (const Row &row : context)
    markUsed(row, used);
  for (const Row &row : rows)
    markUsed(row, used);
  std::vector<unsigned> key(used.set_bits_begin(), used.set_bits_end());
  auto [it, isNew] = tableaus.try_emplace(key, used);
  if (!isNew)
    return it->second;
  for (const Row &row : context)
    it->second.add(row);
  for (unsigned i = 0; i < divisions.size(); ++i) {
    if (!used.test(divisionColumns + i))
      continue;
    for (bool upper : {false, true})
      it->second.add(dividendOf(divisions[i], upper));
    addRange(i, it->second);
    for (unsigned j = 0; j < i; ++j)
      if (used.test(divisionColumns + j))
        addCuts(i, j, it->second);
  }
  return it->second;
}

/// The integer range of a quotient of the fixed tile alone.
void TileSystem::addRange(unsigned i, Tableau &tableau) const {
  const auto &[dividend, divisor] = divisions[i];
  int64_t factor = dividend.get(kFixed);
  if (!lastFixed || !Row(dividend).add(kFixed, -factor).isConstant())
    return;
  assert(factor > 0 && "divisions are made with a positive leading factor");
  int64_t most = factor * *lastFixed + dividend.constant;
  unsigned column = divisionColumns + i;
  tableau.add(Row().add(column, 1).add(
      -llvm::divideFloorSigned(dividend.constant, divisor)));
  tableau.add(
      Row().add(column, -1).add(llvm::divideFloorSigned(most, divisor)));
}

/// The difference of two quotients whose dividends differ in the constant only,
/// which the rationals leave too much room.
void TileSystem::addCuts(unsigned i, unsigned j, Tableau &tableau) const {
  if (divisions[i].divisor != divisions[j].divisor)
    return;
  Row difference = divisions[i].dividend;
  difference.add(divisions[j].dividend, -1);
  if (!difference.isConstant())
    return;
  Row quotients;
  quotients.add(divisionColumns + i, 1).add(divisionColumns + j, -1);
  tableau.add(Row(quotients).add(
      -llvm::divideFloorSigned(difference.constant, divisions[i].divisor)));
  tableau.add(Row()
                  .add(quotients, -1)
                  .add(llvm::divideCeilSigned(difference.constant,
                                              divisions[i].divisor)));
}

/// Whether two rows are the opposite sides of nothing.
static bool haveContradiction(ArrayRef<Row> rows) {
  for (unsigned i = 0; i < rows.size(); ++i) {
    if (rows[i].constant < 0 && rows[i].isConstant())
      return true;
    for (unsigned j = i + 1; j < rows.size(); ++j) {
      Row sum = Row(rows[i]).add(rows[j]);
      if (sum.constant < 0 && sum.isConstant())
        return true;
    }
  }
  return false;
}

bool TileSystem::isEmpty(ArrayRef<Row> rows, bool withLastTile) {
  Rows query(rows.begin(), rows.end());
  for (Row &row : query)
    tighten(row);
  if (withLastTile)
    query.push_back(lastTile);
  if (haveContradiction(query))
    return true;
  if (isExhausted())
    return false;
  Tableau &tableau = getTableau(query);
  numEntries += tableau.columns.size() *
                (tableau.simplex.getNumConstraints() + query.size());
  unsigned snapshot = tableau.simplex.getSnapshot();
  for (const Row &row : query) {
    if (tableau.simplex.isEmpty())
      break;
    tableau.add(row);
  }
  bool empty = tableau.simplex.isEmpty();
  tableau.simplex.rollback(snapshot);
  return empty;
}

bool TileSystem::isEmpty(ArrayRef<Row> rows) {
  return isEmpty(rows, /*withLastTile=*/true);
}

/// Branch and bound over the integers, for problems without parameters: all
/// their sets are bounded. For the others it could take long.
bool TileSystem::isExactlyEmpty(ArrayRef<Row> rows) {
  if (isEmpty(rows))
    return true;
  if (!problem.qOffset || !problem.qLen || !problem.kvLen ||
      !boxes.slots.empty() || isExhausted())
    return false;
  llvm::SmallBitVector used(numColumns);
  for (unsigned column : {kTile, kOther, kFixed})
    used.set(column);
  for (const Row &row : context)
    markUsed(row, used);
  for (const Row &row : rows)
    markUsed(row, used);
  Rows all(context);
  all.push_back(lastTile);
  all.push_back(moveToOther(lastTile));
  for (const Division &division : divisions)
    if (used.test(divisionColumns + (&division - divisions.begin())))
      for (bool upper : {false, true})
        all.push_back(dividendOf(division, upper));
  all.append(rows.begin(), rows.end());

  presburger::IntegerPolyhedron set(
      presburger::PresburgerSpace::getSetSpace(used.count()));
  for (Row &row : all) {
    tighten(row);
    SmallVector<int64_t> values;
    for (unsigned column : used.set_bits())
      values.push_back(row.get(column));
    values.push_back(row.constant);
    set.addInequality(values);
  }
  return set.isIntegerEmpty();
}

//===----------------------------------------------------------------------===//
// The pairs of a box within a tile
//===----------------------------------------------------------------------===//

/// Which chunk q_pos (or j) lies in is a variable u with c u <= q_pos < c u + c
/// of the fixed side's position; the other side's is compared with that chunk.
void TileSystem::addAxisRows(unsigned axis, Box::Options options,
                             const Chunks &chunks, Rows &rows) {
  const Axis &info = boxes.axes[axis];
  if (options.first == 0 && options.last == info.getNumThresholds())
    return;
  Row position = getColumn(positionColumn), key = getColumn(keyColumn);
  // left <= right + slack
  auto less = [&](const Row &left, const Row &right, int64_t slack) {
    Row row = right;
    rows.push_back(row.add(left, -1).add(slack));
  };
  if (info.kind != Axis::Chunk) {
    auto threshold = [&](unsigned index) {
      if (info.kind == Axis::Difference)
        return Row(position).add(info.cuts[index]);
      if (info.kind == Axis::Key)
        return Row().add(info.cuts[index]);
      unsigned slot =
          llvm::find(boxes.slots, info.cuts[index]) - boxes.slots.begin();
      return getSymbol(3 + slot, std::nullopt);
    };
    if (options.first > 0)
      less(threshold(options.first - 1), key, 0);
    if (options.last < info.getNumThresholds())
      less(key, threshold(options.last), -1);
    return;
  }
  int64_t size = info.cuts.front();
  Row start = getColumn(chunkColumns + axis, size);
  if (chunks[axis]) {
    Row chunk = floorDiv(loopOverKv ? firstPosition : firstKey, size);
    start = Row().add(chunk.add(*chunks[axis]), size);
  }
  const Row &fixed = loopOverKv ? position : key;
  const Row &moving = loopOverKv ? key : position;
  less(start, fixed, 0);
  less(fixed, start, size - 1);
  // Options: the key is in an earlier chunk, in the same, in a later one.
  bool notEarlier = options.first > 0, notLater = options.last < 2;
  bool later = options.first > 1, earlier = options.last < 1;
  if (!loopOverKv) {
    std::swap(notEarlier, notLater);
    std::swap(later, earlier);
  }
  if (notEarlier)
    less(start, moving, later ? -size : 0);
  if (notLater)
    less(moving, start, earlier ? -1 : size - 1);
}

Rows TileSystem::getPairRows(const Box &box, bool visible,
                             const Chunks &chunks) {
  Rows rows;
  auto between = [&](const Row &value, const Row &low, const Row &high) {
    rows.push_back(Row(value).add(low, -1));
    rows.push_back(Row(high).add(value, -1));
  };
  Row position = getColumn(positionColumn), key = getColumn(keyColumn);
  between(position, firstPosition, Row(firstPosition).add(problem.blockQ - 1));
  rows.push_back(Row(qLen).add(offset).add(-1).add(position, -1));
  between(key, firstKey, Row(firstKey).add(problem.blockKv - 1));
  if (visible)
    rows.push_back(Row(kvLen).add(-1).add(key, -1));
  for (const auto &[axis, options] : llvm::enumerate(box.axes))
    addAxisRows(axis, options, chunks, rows);
  return rows;
}

//===----------------------------------------------------------------------===//
// Elimination
//===----------------------------------------------------------------------===//

/// Whether the row has something else than parameters.
bool TileSystem::isVariable(const Row &row) const {
  if (row.get(kTile) != 0)
    return true;
  for (unsigned i = chunkColumns; i < divisionColumns; ++i)
    if (row.get(i) != 0)
      return true;
  return false;
}

/// Adds what low: size * u + low >= 0 and high: high - size * u >= 0 say
/// together, for integer u: some multiple of size lies in [-low, high]. Over
/// all pairs of bounds that is exact, as the largest lower bound is one of
/// them.
bool TileSystem::addPair(Row low, Row high, int64_t size, ArrayRef<Row> others,
                         Rows &rows) {
  Row sum = Row(low).add(high);
  if (size == 1 || (sum.isConstant() && sum.constant < 0)) {
    rows.push_back(sum);
    return true;
  }
  // size consecutive integers have a multiple among them.
  Row spare = Row(sum).add(-(size - 1));
  if (spare.isConstant() && spare.constant >= 0)
    return true;
  bool lowVaries = isVariable(low), highVaries = isVariable(high);
  Rows query(others.begin(), others.end());
  query.push_back(negate(spare));
  if (isEmpty(query, /*withLastTile=*/true))
    return true;
  if (lowVaries && highVaries)
    return false;
  if (lowVaries)
    rows.push_back(low.add(floorDiv(high, size), size));
  else
    rows.push_back(high.add(floorDiv(low, size), size));
  return true;
}

/// Removes a variable whose coefficients are all +-size. False, with `rows` as
/// they were, if the result is not a conjunction.
bool TileSystem::eliminate(unsigned column, int64_t size, Rows &rows) {
  Rows lows, highs, result;
  for (const Row &row : rows) {
    int64_t factor = row.get(column);
    if (factor == 0) {
      result.push_back(row);
      continue;
    }
    assert(std::abs(factor) == size && "not a difference constraint");
    (factor > 0 ? lows : highs).push_back(Row(row).add(column, -factor));
  }
  Rows others = result;
  for (const Row &low : lows)
    for (const Row &high : highs)
      if (!addPair(low, high, size, others, result))
        return false;
  // Of rows that differ in the constant the smallest is the strongest.
  rows.clear();
  for (const Row &row : result) {
    if (row.isConstant() && row.constant >= 0)
      continue;
    auto *same = llvm::find_if(rows, [&](const Row &other) {
      return Row(other).add(row, -1).isConstant();
    });
    if (same == rows.end())
      rows.push_back(row);
    else
      same->constant = std::min(same->constant, row.constant);
  }
  return true;
}

LogicalResult TileSystem::projectChunks(const Box &box, bool visible,
                                        const Chunks &chunks,
                                        SmallVectorImpl<Interval> &intervals) {
  Rows rows = getPairRows(box, visible, chunks);
  bool exact = eliminate(positionColumn, 1, rows);
  exact &= eliminate(keyColumn, 1, rows);
  assert(exact && "unit coefficients project exactly");
  (void)exact;
  for (unsigned axis = 0; axis < boxes.axes.size(); ++axis) {
    if (boxes.axes[axis].kind != Axis::Chunk)
      continue;
    int64_t size = boxes.axes[axis].cuts.front();
    if (eliminate(chunkColumns + axis, size, rows))
      continue;
    // Not one interval for all chunks together: one for each.
    int64_t block = loopOverKv ? problem.blockQ : problem.blockKv;
    int64_t count = (block + size - 2) / size;
    if (count >= problem.limits.boxes)
      return failure();
    Chunks chosen = chunks;
    for (int64_t chunk = 0; chunk <= count; ++chunk) {
      chosen[axis] = chunk;
      if (failed(projectChunks(box, visible, chosen, intervals)))
        return failure();
    }
    return success();
  }
  Interval interval;
  if (!finish(rows, interval))
    return success();
  intervals.push_back(std::move(interval));
  return success(intervals.size() <= problem.limits.boxes);
}

LogicalResult TileSystem::project(const Box &box, bool visible,
                                  SmallVectorImpl<Interval> &intervals) {
  return projectChunks(box, visible, Chunks(boxes.axes.size()), intervals);
}

void TileSystem::projectTail(SmallVectorImpl<Interval> &intervals) {
  Interval interval;
  if (finish({Row(firstKey).add(problem.blockKv - 1).add(kvLen, -1)}, interval))
    intervals.push_back(std::move(interval));
}

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

/// False if no tile satisfies the rows.
bool TileSystem::finish(const Rows &rows, Interval &interval) {
  for (Row row : rows) {
    tighten(row);
    if (row.isConstant()) {
      if (row.constant < 0)
        return false;
      continue;
    }
    int64_t factor = row.get(kTile);
    (factor > 0   ? interval.lower
     : factor < 0 ? interval.upper
                  : interval.guard)
        .push_back(row);
  }
  if (isExactlyEmpty(interval.getRows()))
    return false;
  minimise(interval);
  return true;
}

void TileSystem::minimise(Interval &interval) {
  for (Rows *list : {&interval.guard, &interval.lower, &interval.upper}) {
    // Rows with divisions go first, if there is a choice.
    llvm::stable_sort(*list, [&](const Row &a, const Row &b) {
      auto complex = [&](const Row &row) {
        return row.coefficients.size() > divisionColumns;
      };
      return complex(a) > complex(b);
    });
    for (unsigned i = 0; i < list->size();) {
      Row row = (*list)[i];
      list->erase(list->begin() + i);
      Rows query = interval.getRows();
      query.push_back(negate(row));
      if (isEmpty(query, /*withLastTile=*/true))
        continue;
      list->insert(list->begin() + i++, row);
    }
  }
}

void TileSystem::minimiseEnd(Rows &upper, ArrayRef<Row> lower) {
  upper.insert(upper.begin(), lastTile);
  for (unsigned i = 0; i < upper.size() && upper.size() > 1;) {
    Row row = upper[i];
    upper.erase(upper.begin() + i);
    Rows query(lower.begin(), lower.end());
    query.append(upper);
    query.push_back(negate(row));
    if (isEmpty(query, /*withLastTile=*/false))
      continue;
    upper.insert(upper.begin() + i++, row);
  }
}

AffineExpr TileSystem::getExpr(const Row &row, MLIRContext *context) const {
  AffineExpr sum = getAffineConstantExpr(0, context);
  for (unsigned i = 0; i < row.coefficients.size(); ++i) {
    if (row.coefficients[i] == 0)
      continue;
    AffineExpr term;
    if (i == kFixed) {
      term = getAffineDimExpr(0, context);
    } else if (i < positionColumn) {
      term = getAffineSymbolExpr(i - kSymbols, context);
    } else {
      const Division &division = divisions[i - divisionColumns];
      term = getExpr(division.dividend, context).floorDiv(division.divisor);
    }
    sum = sum + term * row.coefficients[i];
  }
  return sum + row.constant;
}

AffineExpr TileSystem::getBound(const Row &row, MLIRContext *context) const {
  int64_t factor = row.get(kTile);
  Row rest = Row(row).add(kTile, -factor);
  if (factor > 0) // x >= ceil(-rest / factor)
    return getExpr(Row().add(rest, -1).add(factor - 1), context)
        .floorDiv(factor);
  return getExpr(rest.add(-factor), context).floorDiv(-factor);
}
