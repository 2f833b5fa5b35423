//===- MaskBoxes.cpp - A mask as boxes over its thresholds ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskBoxes.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>

using namespace mlir;
using namespace attn;

namespace {

/// Per cell: may a pair of the cell be visible, may one be hidden.
struct Truth {
  llvm::BitVector visible, hidden;
};

/// Closed interval of integers.
struct Span {
  int64_t low, high;
  static constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max() / 4;
  static Span all() { return {-kUnbounded, kUnbounded}; }
  bool isEmpty() const { return low > high; }
  void intersect(Span other) {
    low = std::max(low, other.low);
    high = std::min(high, other.high);
  }
};

class BoxBuilder {
public:
  BoxBuilder(const MaskProblem &problem, const Refusal &refusal)
      : problem(problem), refusal(refusal) {}

  FailureOr<MaskBoxes> build();

private:
  // Nodes of the attribute, each once (it is a DAG), operands first.
  LogicalResult collect(Attribute mask);
  LogicalResult collectLeaf(Attribute leaf);
  LogicalResult addCut(Axis::Kind kind, int64_t cut, StringRef what);
  bool isUnknown(Attribute leaf) const;

  // Cells.
  LogicalResult layOutCells();
  unsigned getOption(unsigned cell, unsigned axis) const {
    return cell / strides[axis] % result.axes[axis].getNumOptions();
  }
  unsigned getAxis(Axis::Kind kind, int64_t cut) const;
  Span getSpan(unsigned axis, unsigned option) const;
  bool isFeasible(unsigned cell) const;
  bool chunksNest(unsigned cell) const;

  // The mask on all cells.
  llvm::BitVector below(Axis::Kind kind, int64_t cut) const;
  llvm::BitVector evaluateLeaf(Attribute leaf) const;
  Truth evaluate(Attribute mask);

  // Boxes.
  bool allOf(const Box &box, llvm::function_ref<bool(unsigned)> pred) const;
  Box grow(unsigned cell, unsigned firstAxis,
           const llvm::BitVector &allowed) const;
  LogicalResult cover(const llvm::BitVector &wanted, SmallVector<Box> &boxes);

  const MaskProblem &problem;
  const Refusal &refusal;
  MaskBoxes result;
  SmallVector<Attribute> nodes;
  llvm::DenseMap<Attribute, Truth> truths;
  llvm::DenseSet<Attribute> seen;
  SmallVector<unsigned> strides;
  unsigned numCells = 1;
  llvm::BitVector feasible;
};

} // namespace

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

bool BoxBuilder::isUnknown(Attribute leaf) const {
  return isDataDependent(leaf, problem.arbitraryPositions);
}

LogicalResult BoxBuilder::addCut(Axis::Kind kind, int64_t cut, StringRef what) {
  if (std::abs(cut) > kMaxMaskConstant + 1)
    return refusal.error(Twine(what) + " is " + Twine(cut) +
                         "; tile ranges allow at most " +
                         Twine(kMaxMaskConstant));
  bool shared = kind == Axis::Difference || kind == Axis::Key;
  auto *axis = llvm::find_if(result.axes, [&](const Axis &a) {
    return a.kind == kind && (shared || a.cuts.front() == cut);
  });
  if (axis == result.axes.end()) {
    result.axes.push_back({kind, {}});
    axis = std::prev(result.axes.end());
  }
  if (!llvm::is_contained(axis->cuts, cut))
    axis->cuts.push_back(cut);
  return success();
}

LogicalResult BoxBuilder::collectLeaf(Attribute leaf) {
  if (isUnknown(leaf)) {
    result.exact = false;
    return success();
  }
  if (isa<CausalAttr>(leaf))
    return addCut(Axis::Difference, 1, "causal");
  if (auto window = dyn_cast<SlidingWindowAttr>(leaf)) {
    if (window.hasLeft() && failed(addCut(Axis::Difference, -window.getLeft(),
                                          "sliding_window left")))
      return failure();
    if (!window.hasRight())
      return success();
    int64_t right = window.getRight();
    return addCut(Axis::Difference,
                  right <= kMaxMaskConstant ? right + 1 : right,
                  "sliding_window right");
  }
  if (auto chunked = dyn_cast<ChunkedAttr>(leaf))
    return addCut(Axis::Chunk, chunked.getSize(), "chunked size");
  auto prefix = cast<PrefixAttr>(leaf);
  if (!prefix.hasSlot())
    return addCut(Axis::Key, prefix.getLength(), "prefix length");
  if (!llvm::is_contained(result.slots, prefix.getSlot()))
    result.slots.push_back(prefix.getSlot());
  return addCut(Axis::Slot, prefix.getSlot(), "prefix slot");
}

LogicalResult BoxBuilder::collect(Attribute mask) {
  if (!mask || !seen.insert(mask).second)
    return success();
  if (!isMask(mask))
    return refusal.error("tile ranges need a mask of the attn dialect");
  if (isa<PerHeadAttr>(mask))
    return refusal.error("tile ranges are of one head; expand per_head first");
  if (seen.size() > problem.limits.nodes)
    return refusal.limit("mask has more than " + Twine(problem.limits.nodes) +
                         " distinct parts; tile ranges allow no more");
  SmallVector<Attribute> operands = getMaskOperands(mask);
  for (Attribute operand : operands)
    if (failed(collect(operand)))
      return failure();
  nodes.push_back(mask);
  if (isa<AndAttr, OrAttr, NotAttr>(mask))
    return success();
  return collectLeaf(mask);
}

LogicalResult BoxBuilder::layOutCells() {
  for (Axis &axis : result.axes)
    llvm::sort(axis.cuts);
  llvm::sort(result.slots);
  // Boxes grow along the first axes first, which should be the ones with an
  // order among many thresholds.
  llvm::sort(result.axes, [](const Axis &a, const Axis &b) {
    return std::make_pair(a.kind, a.cuts.front()) <
           std::make_pair(b.kind, b.cuts.front());
  });
  for (const Axis &axis : result.axes) {
    strides.push_back(numCells);
    if (numCells > problem.limits.cells / axis.getNumOptions())
      return refusal.limit(
          "mask has too many independent thresholds: more than " +
          Twine(problem.limits.cells) +
          " combinations of window sides, prefixes and chunks");
    numCells *= axis.getNumOptions();
  }
  feasible.resize(numCells);
  for (unsigned cell = 0; cell < numCells; ++cell)
    if (isFeasible(cell))
      feasible.set(cell);
  return success();
}

unsigned BoxBuilder::getAxis(Axis::Kind kind, int64_t cut) const {
  for (const auto &[index, axis] : llvm::enumerate(result.axes))
    if (axis.kind == kind && llvm::is_contained(axis.cuts, cut))
      return index;
  llvm_unreachable("every cut has its axis");
}

//===----------------------------------------------------------------------===//
// Cells that no pair lies in
//===----------------------------------------------------------------------===//

/// The values of j - q_pos (Difference, Chunk) or j (Key) of an option.
Span BoxBuilder::getSpan(unsigned index, unsigned option) const {
  const Axis &axis = result.axes[index];
  Span span = Span::all();
  if (axis.kind == Axis::Slot)
    return span;
  if (axis.kind == Axis::Chunk) {
    int64_t size = axis.cuts.front();
    Span spans[] = {{-Span::kUnbounded, -1},
                    {-(size - 1), size - 1},
                    {1, Span::kUnbounded}};
    return spans[option];
  }
  if (option > 0)
    span.low = axis.cuts[option - 1];
  if (option < axis.cuts.size())
    span.high = axis.cuts[option] - 1;
  return span;
}

/// If c divides d, the chunks of d consist of chunks of c.
bool BoxBuilder::chunksNest(unsigned cell) const {
  for (const auto &[a, inner] : llvm::enumerate(result.axes))
    for (const auto &[b, outer] : llvm::enumerate(result.axes)) {
      if (a == b || inner.kind != Axis::Chunk || outer.kind != Axis::Chunk ||
          outer.cuts.front() % inner.cuts.front() != 0)
        continue;
      unsigned outerOption = getOption(cell, b);
      if (outerOption != 1 && outerOption != getOption(cell, a))
        return false;
    }
  return true;
}

bool BoxBuilder::isFeasible(unsigned cell) const {
  Span key{0, Span::kUnbounded}, difference = Span::all(),
                                 position = Span::all();
  if (problem.kvLen)
    key.high = *problem.kvLen - 1;
  if (problem.qOffset) {
    position.low = *problem.qOffset;
    if (problem.qLen)
      position.high = *problem.qOffset + *problem.qLen - 1;
  }
  for (unsigned axis = 0; axis < result.axes.size(); ++axis) {
    Span span = getSpan(axis, getOption(cell, axis));
    (result.axes[axis].kind == Axis::Key ? key : difference).intersect(span);
  }
  if (key.isEmpty() || position.isEmpty())
    return false;
  difference.intersect({key.low - position.high, key.high - position.low});
  return !difference.isEmpty() && chunksNest(cell);
}

//===----------------------------------------------------------------------===//
// The mask on all cells
//===----------------------------------------------------------------------===//

/// Cells with j < threshold.
llvm::BitVector BoxBuilder::below(Axis::Kind kind, int64_t cut) const {
  unsigned axis = getAxis(kind, cut);
  unsigned index =
      llvm::find(result.axes[axis].cuts, cut) - result.axes[axis].cuts.begin();
  llvm::BitVector bits(numCells);
  for (unsigned cell = 0; cell < numCells; ++cell)
    if (getOption(cell, axis) <= index)
      bits.set(cell);
  return bits;
}

llvm::BitVector BoxBuilder::evaluateLeaf(Attribute leaf) const {
  llvm::BitVector bits(numCells, true);
  if (isa<CausalAttr>(leaf))
    return below(Axis::Difference, 1);
  if (auto window = dyn_cast<SlidingWindowAttr>(leaf)) {
    if (window.hasRight())
      bits &= below(Axis::Difference, window.getRight() + 1);
    if (window.hasLeft())
      bits &= below(Axis::Difference, -window.getLeft()).flip();
    return bits;
  }
  if (auto prefix = dyn_cast<PrefixAttr>(leaf))
    return prefix.hasSlot() ? below(Axis::Slot, prefix.getSlot())
                            : below(Axis::Key, prefix.getLength());
  unsigned axis = getAxis(Axis::Chunk, cast<ChunkedAttr>(leaf).getSize());
  for (unsigned cell = 0; cell < numCells; ++cell)
    if (getOption(cell, axis) != 1)
      bits.reset(cell);
  return bits;
}

Truth BoxBuilder::evaluate(Attribute mask) {
  auto lookup = [&](Attribute node) -> const Truth & {
    return truths.find(node)->second;
  };
  Truth truth{llvm::BitVector(numCells, true), llvm::BitVector(numCells)};
  if (auto node = dyn_cast<AndAttr>(mask)) {
    for (Attribute operand : node.getMasks()) {
      truth.visible &= lookup(operand).visible;
      truth.hidden |= lookup(operand).hidden;
    }
  } else if (auto node = dyn_cast<OrAttr>(mask)) {
    std::swap(truth.visible, truth.hidden);
    for (Attribute operand : node.getMasks()) {
      truth.visible |= lookup(operand).visible;
      truth.hidden &= lookup(operand).hidden;
    }
  } else if (auto node = dyn_cast<NotAttr>(mask)) {
    truth = lookup(node.getMask());
    std::swap(truth.visible, truth.hidden);
  } else if (isUnknown(mask)) {
    truth.hidden.set();
  } else {
    truth.visible = evaluateLeaf(mask);
    truth.hidden = truth.visible;
    truth.hidden.flip();
  }
  return truth;
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// Whether `pred` holds in every cell of `box`.
bool BoxBuilder::allOf(const Box &box,
                       llvm::function_ref<bool(unsigned)> pred) const {
  SmallVector<unsigned, 4> at;
  for (Box::Options options : box.axes)
    at.push_back(options.first);
  while (true) {
    unsigned cell = 0;
    for (auto [option, stride] : llvm::zip(at, strides))
      cell += option * stride;
    if (!pred(cell))
      return false;
    unsigned axis = 0;
    while (axis < at.size() && at[axis] == box.axes[axis].last) {
      at[axis] = box.axes[axis].first;
      ++axis;
    }
    if (axis == at.size())
      return true;
    ++at[axis];
  }
}

/// The largest box of allowed cells around `cell`, one axis after the other.
Box BoxBuilder::grow(unsigned cell, unsigned firstAxis,
                     const llvm::BitVector &allowed) const {
  unsigned numAxes = result.axes.size();
  Box box;
  for (unsigned axis = 0; axis < numAxes; ++axis)
    box.axes.push_back({getOption(cell, axis), getOption(cell, axis)});
  auto fits = [&](unsigned axis, unsigned option) {
    Box slab = box;
    slab.axes[axis] = {option, option};
    return allOf(slab, [&](unsigned c) { return allowed.test(c); });
  };
  for (unsigned i = 0; i < numAxes; ++i) {
    unsigned axis = (firstAxis + i) % numAxes;
    Box::Options &options = box.axes[axis];
    while (options.last + 1 < result.axes[axis].getNumOptions() &&
           fits(axis, options.last + 1))
      ++options.last;
    while (options.first > 0 && fits(axis, options.first - 1))
      --options.first;
  }
  return box;
}

/// Few boxes of wanted and infeasible cells that cover the wanted ones.
LogicalResult BoxBuilder::cover(const llvm::BitVector &wanted,
                                SmallVector<Box> &boxes) {
  llvm::BitVector allowed = feasible;
  allowed.flip();
  allowed |= wanted;
  llvm::BitVector open = wanted;
  open &= feasible;
  SmallVector<unsigned> uses(numCells, 0);
  for (int cell = open.find_first(); cell >= 0; cell = open.find_first()) {
    Box best;
    unsigned bestGain = 0;
    for (unsigned axis = 0; axis < std::max<size_t>(1, result.axes.size());
         ++axis) {
      Box box = grow(cell, axis, allowed);
      unsigned gain = 0;
      allOf(box, [&](unsigned c) { return gain += open.test(c), true; });
      if (gain > bestGain) {
        best = std::move(box);
        bestGain = gain;
      }
    }
    allOf(best, [&](unsigned c) { return open.reset(c), ++uses[c], true; });
    boxes.push_back(std::move(best));
    if (boxes.size() > problem.limits.boxes)
      return refusal.limit("mask is made of more than " +
                           Twine(problem.limits.boxes) +
                           " regions; tile ranges allow no more");
  }
  // A later box may have covered all that an earlier one was made for.
  llvm::erase_if(boxes, [&](const Box &box) {
    bool needed = !allOf(box, [&](unsigned c) {
      return uses[c] > 1 || !wanted.test(c) || !feasible.test(c);
    });
    if (!needed)
      allOf(box, [&](unsigned c) { return --uses[c], true; });
    return !needed;
  });
  return success();
}

FailureOr<MaskBoxes> BoxBuilder::build() {
  if (!problem.opaque && failed(collect(problem.mask)))
    return failure();
  if (failed(layOutCells()))
    return failure();
  for (Attribute node : nodes)
    truths[node] = evaluate(node);
  Truth truth{llvm::BitVector(numCells, true), llvm::BitVector(numCells)};
  if (problem.opaque) {
    truth.hidden.set();
    result.exact = false;
  } else if (problem.mask) {
    truth = truths[problem.mask];
  }
  if (failed(cover(truth.visible, result.visible)) ||
      failed(cover(truth.hidden, result.hidden)))
    return failure();
  return std::move(result);
}

FailureOr<MaskBoxes> attn::computeMaskBoxes(const MaskProblem &problem,
                                            const Refusal &refusal) {
  return BoxBuilder(problem, refusal).build();
}
