//===- VisiblePairs.cpp - Counting what a mask leaves visible -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Problem.h"

#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace attn;
using namespace attn::runner;
using llvm::dyn_cast;
using llvm::isa;
using mlir::Attribute;
using reference::Coordinates;

namespace {
/// Keys [begin, end).
struct Range {
  int64_t begin, end;
};
/// Disjoint, ascending, not empty.
using Ranges = std::vector<Range>;
} // namespace

static Ranges intersect(const Ranges &lhs, const Ranges &rhs) {
  Ranges result;
  for (auto l = lhs.begin(), r = rhs.begin();
       l != lhs.end() && r != rhs.end();) {
    Range common{std::max(l->begin, r->begin), std::min(l->end, r->end)};
    if (common.begin < common.end)
      result.push_back(common);
    ++(l->end < r->end ? l : r);
  }
  return result;
}

static Ranges complement(const Ranges &ranges, int64_t keys) {
  Ranges result;
  int64_t begin = 0;
  for (Range range : ranges) {
    if (begin < range.begin)
      result.push_back({begin, range.begin});
    begin = range.end;
  }
  if (begin < keys)
    result.push_back({begin, keys});
  return result;
}

/// The part of [begin, end) within the keys.
static Ranges clampRange(int64_t begin, int64_t end, int64_t keys) {
  begin = std::max<int64_t>(begin, 0);
  end = std::min(end, keys);
  if (begin < end)
    return {{begin, end}};
  return {};
}

/// lhs + rhs, or the end of the range it leaves.
static int64_t addClamped(int64_t lhs, int64_t rhs) {
  int64_t sum;
  if (!llvm::AddOverflow(lhs, rhs, sum))
    return sum;
  return lhs < 0 ? INT64_MIN : INT64_MAX;
}

/// Keys of one row that `mask` shows, given by asking about each.
static Ranges scan(const reference::MaskFunction &mask, Coordinates row,
                   int64_t keys) {
  Ranges result;
  for (row.j = 0; row.j < keys; ++row.j) {
    if (!mask(row))
      continue;
    if (!result.empty() && result.back().end == row.j)
      ++result.back().end;
    else
      result.push_back({row.j, row.j + 1});
  }
  return result;
}

static bool hasScannedLeaf(Attribute mask) {
  return isa<SegmentsAttr, DenseAttr, CustomAttr>(mask) ||
         llvm::any_of(getMaskOperands(mask), hasScannedLeaf);
}

static bool dependsOnHead(Attribute mask) {
  return isa<PerHeadAttr, DenseAttr, CustomAttr>(mask) ||
         llvm::any_of(getMaskOperands(mask), dependsOnHead);
}

/// Keys of one row that a mask of structured leaves shows, of `keys`.
static Ranges getRanges(Attribute mask, const BoundProblem &bound,
                        const Coordinates &row, int64_t keys) {
  if (isa<CausalAttr>(mask))
    return clampRange(0, row.qPos + 1, keys);
  if (auto window = dyn_cast<SlidingWindowAttr>(mask))
    return clampRange(
        window.hasLeft() ? addClamped(row.qPos, -window.getLeft()) : 0,
        window.hasRight()
            ? addClamped(row.qPos, addClamped(window.getRight(), 1))
            : keys,
        keys);
  if (auto chunked = dyn_cast<ChunkedAttr>(mask)) {
    int64_t size = chunked.getSize();
    int64_t chunk = row.qPos / size - (row.qPos % size < 0);
    return clampRange(chunk * size, (chunk + 1) * size, keys);
  }
  if (auto prefix = dyn_cast<PrefixAttr>(mask))
    return clampRange(
        0,
        prefix.hasSlot()
            ? bound.maskOperands[prefix.getSlot()].loadAsInt({row.b})
            : prefix.getLength(),
        keys);
  llvm::SmallVector<Attribute> operands = getMaskOperands(mask);
  if (isa<PerHeadAttr>(mask))
    return getRanges(operands[row.h], bound, row, keys);
  if (isa<NotAttr>(mask))
    return complement(getRanges(operands[0], bound, row, keys), keys);
  // a or b = not (not a and not b).
  bool isOr = isa<OrAttr>(mask);
  Ranges result = clampRange(0, keys, keys);
  for (Attribute operand : operands) {
    Ranges ranges = getRanges(operand, bound, row, keys);
    result = intersect(result, isOr ? complement(ranges, keys) : ranges);
  }
  return isOr ? complement(result, keys) : result;
}

int64_t runner::countVisiblePairs(const BoundProblem &bound) {
  const reference::AttentionProblem &problem = bound.problem;
  bool mustScan = bound.mask && hasScannedLeaf(bound.mask);
  int64_t heads = problem.numQHeads();
  int64_t counted = bound.mask && dependsOnHead(bound.mask) ? heads : 1;
  int64_t pairs = 0;
  for (int64_t b = 0; b < problem.batch(); ++b) {
    int64_t rows = problem.qLength(b), keys = problem.kvLength(b);
    if (!bound.mask) {
      pairs += rows * keys * heads;
      continue;
    }
    for (int64_t h = 0; h < counted; ++h)
      for (int64_t i = 0; i < rows; ++i) {
        Coordinates row{b, h, i, problem.qPosition(b, i), 0};
        Ranges ranges = mustScan ? scan(problem.mask, row, keys)
                                 : getRanges(bound.mask, bound, row, keys);
        for (Range range : ranges)
          pairs += (range.end - range.begin) * (heads / counted);
      }
  }
  return pairs;
}
