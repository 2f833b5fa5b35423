//===- TileRangeBuilder.cpp - Ordering projected boxes to ranges ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Given are the intervals V_1, ..., V_n of tiles with a visible pair and those
// with a hidden one. Hidden intervals without a lower bound (D), without an
// upper bound (U), and the others M_1, ..., M_m in ascending order leave the
// gaps
//
//   F_k = [max(ends of D, ends of M_1..M_k), min(begins of U, begin of M_k+1))
//
// which are the full tiles. What is visible and not full is partial:
//
//   V_1..V_n up to the ends of D,   F_0,
//   V_1..V_n up to the end of M_1,  F_1,   ...,   F_m,   V_1..V_n
//
// where every range starts no earlier than the previous one ended. This lists
// every tile once, if
// - of two V, the one listed first begins first, if both have tiles;
// - of two M, the one listed first begins first, if the other one has tiles;
// - what is empty by its guard does not move the bounds of gaps: D and U never,
//   an M not the begins of later ones.
// A bound that is a maximum where a minimum is wanted (or the other way round)
// becomes a list of alternatives.
//
//===----------------------------------------------------------------------===//

#include "TileRangeBuilder.h"
#include "TileSystem.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;

namespace {

/// Intervals whose union is the interval from the least of their begins to the
/// greatest of their ends, whichever of them are empty.
using Cluster = SmallVector<Interval, 1>;

struct Alternative {
  Rows bounds, guard;
  Rows getRows() const {
    Rows rows(bounds);
    rows.append(guard);
    return rows;
  }
};
using Alternatives = SmallVector<Alternative, 0>;

struct SymbolicRange {
  Alternatives begins, ends;
  TileKind kind;
};

class RangeBuilder {
public:
  RangeBuilder(MLIRContext *context, const MaskProblem &problem,
               const MaskBoxes &boxes, bool loopOverKv, const Refusal &refusal)
      : context(context), problem(problem), boxes(boxes),
        system(problem, boxes, loopOverKv), refusal(refusal) {
    result.slots = boxes.slots;
    result.exact = boxes.exact;
  }

  FailureOr<MaskRanges> build();

private:
  /// The parts of one case.
  struct Parts {
    SmallVector<Interval> visible, hidden;
    SmallVector<Interval> below, above;  // D and U
    SmallVector<Cluster> shown, between; // V and M
  };

  LogicalResult solve();
  LogicalResult solveCases(const Row &split);
  LogicalResult collect(Parts &parts);

  // Relations between intervals.
  bool implies(ArrayRef<Row> rows, const Row &row);
  bool isSubset(const Interval &inner, const Interval &outer);
  void removeSubsets(SmallVector<Interval> &intervals);
  bool isContiguous(const Interval &a, const Interval &b);
  SmallVector<Cluster> cluster(ArrayRef<Interval> intervals, bool withGuards);
  bool beginsFirst(const Interval &first, const Interval &second,
                   bool firstHasTiles);
  bool mayPrecede(const Cluster &first, const Cluster &second, bool strict);
  unsigned sort(SmallVector<Cluster> &clusters, bool strict);
  bool order(SmallVector<Cluster> &clusters, bool strict,
             std::optional<Row> &split);
  unsigned findSplit(ArrayRef<Cluster> clusters, std::optional<Row> &split);

  // Ranges.
  LogicalResult emit(const Parts &parts);
  std::optional<SymbolicRange> makeFull(Alternatives begins, Alternatives ends);
  void addPartial(const Parts &parts, ArrayRef<Interval> clips,
                  ArrayRef<Interval> open,
                  SmallVectorImpl<SymbolicRange> &ranges);
  std::optional<SymbolicRange> makePartial(const Cluster &shown,
                                           ArrayRef<Interval> clips,
                                           ArrayRef<Interval> open);
  LogicalResult restrict(Alternatives &region, const Alternatives &factor);
  void simplify(Alternatives &alternatives);
  LogicalResult append(SymbolicRange range);
  RangeBound convert(ArrayRef<AffineExpr> exprs, ArrayRef<Row> guard) const;

  MLIRContext *context;
  const MaskProblem &problem;
  const MaskBoxes &boxes;
  TileSystem system;
  const Refusal &refusal;
  Rows assumptions;
  unsigned numCases = 1;
  MaskRanges result;
};

} // namespace

//===----------------------------------------------------------------------===//
// Relations between intervals
//===----------------------------------------------------------------------===//

bool RangeBuilder::implies(ArrayRef<Row> rows, const Row &row) {
  Rows query(rows.begin(), rows.end());
  query.push_back(negate(row));
  return system.isEmpty(query);
}

bool RangeBuilder::isSubset(const Interval &inner, const Interval &outer) {
  Rows rows = inner.getRows();
  return llvm::all_of(outer.getRows(),
                      [&](const Row &row) { return implies(rows, row); });
}

void RangeBuilder::removeSubsets(SmallVector<Interval> &intervals) {
  for (unsigned i = 0; i < intervals.size();) {
    bool covered = false;
    for (unsigned j = 0; j < intervals.size() && !covered; ++j)
      covered = i != j && isSubset(intervals[i], intervals[j]);
    if (covered)
      intervals.erase(intervals.begin() + i);
    else
      ++i;
  }
}

/// Whether nothing lies between the two where both guards hold, not even
/// between the bounds of an empty one and the other.
bool RangeBuilder::isContiguous(const Interval &a, const Interval &b) {
  auto noGap = [&](const Interval &first, const Interval &second) {
    Rows span(first.lower);
    span.append(second.upper);
    span.append(first.guard);
    span.append(second.guard);
    for (const Row &upper : first.upper)
      for (const Row &lower : second.lower) {
        Rows query(span);
        query.push_back(negate(upper));
        query.push_back(negate(lower));
        if (!system.isEmpty(query))
          return false;
      }
    return true;
  };
  return noGap(a, b) && noGap(b, a);
}

SmallVector<Cluster> RangeBuilder::cluster(ArrayRef<Interval> intervals,
                                           bool withGuards) {
  SmallVector<Cluster> clusters;
  for (const Interval &interval : intervals) {
    // Pairwise is enough: the span of any two bounds is the span of a pair.
    auto *home = llvm::find_if(clusters, [&](const Cluster &members) {
      return llvm::all_of(members, [&](const Interval &member) {
        bool unguarded = member.guard.empty() && interval.guard.empty();
        return (withGuards || unguarded) && isContiguous(member, interval);
      });
    });
    if (home == clusters.end())
      clusters.push_back({interval});
    else
      home->push_back(interval);
  }
  return clusters;
}

/// No tile of `second` comes before the begin of `first`; with `firstHasTiles`,
/// only where `first` is not empty.
bool RangeBuilder::beginsFirst(const Interval &first, const Interval &second,
                               bool firstHasTiles) {
  return llvm::all_of(first.lower, [&](const Row &lower) {
    Rows query = second.getRows();
    query.push_back(negate(lower));
    if (firstHasTiles) {
      for (const Row &row : first.getRows())
        query.push_back(system.moveToOther(row));
      query.push_back(system.moveToOther(system.getLastTile()));
    }
    return system.isEmpty(query);
  });
}

bool RangeBuilder::mayPrecede(const Cluster &first, const Cluster &second,
                              bool strict) {
  // What counts of a cluster begins with its least begin, unless a guard fails.
  auto counts = [&](const Interval &a) {
    return first.size() == 1 || a.guard.empty();
  };
  return llvm::all_of(second, [&](const Interval &b) {
    return llvm::any_of(first,
                        [&](const Interval &a) {
                          return counts(a) &&
                                 beginsFirst(a, b, /*firstHasTiles=*/false);
                        }) ||
           (!strict && llvm::all_of(first, [&](const Interval &a) {
             return beginsFirst(a, b, /*firstHasTiles=*/true);
           }));
  });
}

/// Sorts by begin as far as an order is known.
unsigned RangeBuilder::sort(SmallVector<Cluster> &clusters, bool strict) {
  unsigned done = 0;
  for (; done + 1 < clusters.size(); ++done) {
    auto *rest = clusters.begin() + done;
    auto *first = std::find_if(rest, clusters.end(), [&](const Cluster &c) {
      return std::all_of(rest, clusters.end(), [&](const Cluster &other) {
        return &c == &other || mayPrecede(c, other, strict);
      });
    });
    if (first == clusters.end())
      return done;
    std::rotate(rest, first, first + 1);
  }
  return clusters.size();
}

/// Sorts by begin. If no order holds for all parameters, finds what to know.
bool RangeBuilder::order(SmallVector<Cluster> &clusters, bool strict,
                         std::optional<Row> &split) {
  unsigned done = sort(clusters, strict);
  if (done == clusters.size())
    return true;
  unsigned numKnown =
      findSplit(ArrayRef<Cluster>(clusters).drop_front(done), split);
  bool ordered =
      !split && numKnown > 0 && sort(clusters, strict) == clusters.size();
  for (; numKnown > 0; --numKnown)
    system.popAssumption();
  return ordered;
}

/// A comparison of two begins that the parameters leave open. Comparisons that
/// they do not, but that hold for integers only, become assumptions: then
/// `split` is null and the number of them positive.
unsigned RangeBuilder::findSplit(ArrayRef<Cluster> clusters,
                                 std::optional<Row> &split) {
  SmallVector<const Row *> begins;
  for (const Cluster &members : clusters)
    for (const Interval &interval : members)
      for (const Row &row : interval.lower)
        begins.push_back(&row);
  unsigned numKnown = 0;
  for (unsigned i = 0; i < begins.size(); ++i)
    for (unsigned j = i + 1; j < begins.size(); ++j) {
      // -x / p <= -y / q, where x and y are without their tile term.
      Row less;
      less.add(*begins[i], begins[j]->get(TileSystem::kTile))
          .add(*begins[j], -begins[i]->get(TileSystem::kTile));
      tighten(less);
      if (less.isConstant())
        continue;
      bool mayBeLess = !system.isEmpty({less});
      bool mayBeGreater = !system.isEmpty({negate(less)});
      if (mayBeLess && mayBeGreater) {
        split = less;
        return numKnown;
      }
      if (mayBeLess == mayBeGreater)
        continue;
      system.pushAssumption(mayBeLess ? less : negate(less));
      ++numKnown;
    }
  return numKnown;
}

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

LogicalResult RangeBuilder::collect(Parts &parts) {
  for (const Box &box : boxes.visible)
    if (failed(system.project(box, /*visible=*/true, parts.visible)))
      return refusal.limit("mask shows more than " +
                           Twine(problem.limits.boxes) +
                           " separate ranges of a tile");
  for (const Box &box : boxes.hidden)
    if (failed(system.project(box, /*visible=*/false, parts.hidden)))
      return refusal.limit("mask hides more than " +
                           Twine(problem.limits.boxes) +
                           " separate ranges of a tile");
  system.projectTail(parts.hidden);
  removeSubsets(parts.visible);
  removeSubsets(parts.hidden);

  SmallVector<Interval> between;
  for (const Interval &interval : parts.hidden)
    (interval.lower.empty()   ? parts.below
     : interval.upper.empty() ? parts.above
                              : between)
        .push_back(interval);
  parts.shown = cluster(parts.visible, /*withGuards=*/true);
  parts.between = cluster(between, /*withGuards=*/false);
  return success();
}

LogicalResult RangeBuilder::solve() {
  Parts parts;
  if (failed(collect(parts)))
    return failure();
  std::optional<Row> split;
  bool ordered = order(parts.shown, /*strict=*/false, split);
  if (!ordered) {
    // Clusters are fewer ranges, single intervals are easier to order.
    parts.shown = cluster(parts.visible, /*withGuards=*/false);
    ordered = order(parts.shown, /*strict=*/false, split);
  }
  ordered = ordered && order(parts.between, /*strict=*/true, split);
  if (system.isExhausted())
    return refusal.limit("tile ranges of the mask take too long to derive");
  if (ordered)
    return emit(parts);
  if (!split)
    return refusal.limit("the tile ranges of the mask have no order");
  return solveCases(*split);
}

LogicalResult RangeBuilder::solveCases(const Row &split) {
  if (++numCases > problem.limits.cases)
    return refusal.limit("mask needs more than " + Twine(problem.limits.cases) +
                         " case distinctions to order its tile ranges");
  for (const Row &row : {split, negate(split)}) {
    system.pushAssumption(row);
    assumptions.push_back(row);
    LogicalResult solved = solve();
    assumptions.pop_back();
    system.popAssumption();
    if (failed(solved))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

/// Removes rows that others imply, and alternatives that others contain.
void RangeBuilder::simplify(Alternatives &alternatives) {
  for (Alternative &alternative : alternatives)
    for (Rows *list : {&alternative.guard, &alternative.bounds})
      for (unsigned i = 0; i < list->size();) {
        Row row = (*list)[i];
        list->erase(list->begin() + i);
        if (!implies(alternative.getRows(), row))
          list->insert(list->begin() + i++, row);
      }
  for (unsigned i = 0; i < alternatives.size();) {
    Rows rows = alternatives[i].getRows();
    bool covered = false;
    for (unsigned j = 0; j < alternatives.size() && !covered; ++j)
      covered = i != j &&
                llvm::all_of(alternatives[j].getRows(), [&](const Row &row) {
                  return implies(rows, row);
                });
    if (covered)
      alternatives.erase(alternatives.begin() + i);
    else
      ++i;
  }
}

/// What lies in `region` and in one of the alternatives of `factor`.
LogicalResult RangeBuilder::restrict(Alternatives &region,
                                     const Alternatives &factor) {
  Alternatives product;
  for (const Alternative &left : region)
    for (const Alternative &right : factor) {
      Alternative both = left;
      both.bounds.append(right.bounds);
      both.guard.append(right.guard);
      if (!system.isEmpty(both.getRows()))
        product.push_back(std::move(both));
    }
  region = std::move(product);
  simplify(region);
  if (region.size() > problem.limits.boxes)
    return refusal.limit("a tile range of the mask needs more than " +
                         Twine(problem.limits.boxes) + " bounds");
  return success();
}

/// The tiles beyond the end of `interval`, or all where its guard fails.
static Alternatives getAfter(const Interval &interval) {
  Alternatives after;
  for (const Row &upper : interval.upper)
    after.push_back({{negate(upper)}, {}});
  for (const Row &guard : interval.guard)
    after.push_back({{}, {negate(guard)}});
  return after;
}

static Alternatives getBefore(const Interval &interval, bool withGuard) {
  Alternatives before;
  for (const Row &lower : interval.lower)
    before.push_back({{negate(lower)}, {}});
  if (withGuard)
    for (const Row &guard : interval.guard)
      before.push_back({{}, {negate(guard)}});
  return before;
}

/// The full tiles between `begins` and `ends`, or none if there never are any.
std::optional<SymbolicRange> RangeBuilder::makeFull(Alternatives begins,
                                                    Alternatives ends) {
  auto meets = [&](const Alternative &begin, const Alternative &end) {
    Rows rows = begin.getRows();
    rows.append(end.getRows());
    return !system.isExactlyEmpty(rows);
  };
  llvm::erase_if(begins, [&](const Alternative &begin) {
    return llvm::none_of(
        ends, [&](const Alternative &end) { return meets(begin, end); });
  });
  llvm::erase_if(ends, [&](const Alternative &end) {
    return llvm::none_of(
        begins, [&](const Alternative &begin) { return meets(begin, end); });
  });
  if (begins.empty() || ends.empty())
    return std::nullopt;
  return SymbolicRange{begins, ends, TileKind::Full};
}

/// The tiles of `shown` up to the ends of `clips` (all, if there are none), or
/// none if there is never one in `open` among them.
std::optional<SymbolicRange>
RangeBuilder::makePartial(const Cluster &shown, ArrayRef<Interval> clips,
                          ArrayRef<Interval> open) {
  SymbolicRange range{{}, {}, TileKind::Partial};
  for (const Interval &member : shown)
    range.begins.push_back(
        {member.lower, shown.size() > 1 ? member.guard : Rows()});
  auto hasOpen = [&](const Alternative &end) {
    return llvm::any_of(range.begins, [&](const Alternative &begin) {
      return llvm::any_of(open, [&](const Interval &hidden) {
        Rows rows = hidden.getRows();
        rows.append(begin.getRows());
        rows.append(end.getRows());
        return !system.isExactlyEmpty(rows);
      });
    });
  };
  Interval everything;
  for (const Interval &member : shown)
    for (const Interval &clip : clips.empty() ? ArrayRef(everything) : clips) {
      Alternative end{member.upper, member.guard};
      end.bounds.append(clip.upper);
      end.guard.append(clip.guard);
      if (hasOpen(end))
        range.ends.push_back(std::move(end));
    }
  if (range.ends.empty())
    return std::nullopt;
  simplify(range.begins);
  simplify(range.ends);
  return range;
}

static bool haveSameBounds(const Alternatives &a, const Alternatives &b) {
  return a.size() == b.size() &&
         llvm::all_of(llvm::zip(a, b), [](const auto &pair) {
           const auto &[x, y] = pair;
           return x.bounds == y.bounds && x.guard == y.guard;
         });
}

void RangeBuilder::addPartial(const Parts &parts, ArrayRef<Interval> clips,
                              ArrayRef<Interval> open,
                              SmallVectorImpl<SymbolicRange> &ranges) {
  for (const Cluster &shown : parts.shown) {
    std::optional<SymbolicRange> range = makePartial(shown, clips, open);
    if (!range)
      continue;
    if (!ranges.empty() && ranges.back().kind == range->kind &&
        haveSameBounds(ranges.back().begins, range->begins)) {
      ranges.back().ends.append(range->ends);
      simplify(ranges.back().ends);
      continue;
    }
    ranges.push_back(std::move(*range));
  }
}

LogicalResult RangeBuilder::emit(const Parts &parts) {
  if (parts.shown.empty())
    return success();
  // What partial ranges have not covered yet.
  auto getOpen = [&](ArrayRef<Interval> clips, unsigned nextBetween) {
    SmallVector<Interval> open(parts.above);
    llvm::append_range(open, clips);
    for (unsigned i = nextBetween; i < parts.between.size(); ++i)
      llvm::append_range(open, parts.between[i]);
    return open;
  };
  Alternatives after(1), before(1);
  for (const Interval &interval : parts.below)
    if (failed(restrict(after, getAfter(interval))))
      return failure();
  for (const Interval &interval : parts.above)
    if (failed(restrict(before, getBefore(interval, /*withGuard=*/true))))
      return failure();

  SmallVector<SymbolicRange> ranges;
  SmallVector<Interval> clips = parts.below;
  for (unsigned gap = 0; gap <= parts.between.size(); ++gap) {
    ArrayRef<Interval> next;
    if (gap < parts.between.size())
      next = parts.between[gap];
    Alternatives ends = before;
    for (const Interval &interval : next)
      if (failed(restrict(ends, getBefore(interval, /*withGuard=*/false))))
        return failure();
    if (std::optional<SymbolicRange> full = makeFull(after, std::move(ends))) {
      if (!clips.empty())
        addPartial(parts, clips, getOpen(clips, gap), ranges);
      clips.clear();
      ranges.push_back(std::move(*full));
    }
    llvm::append_range(clips, next);
    for (const Interval &interval : next)
      if (failed(restrict(after, getAfter(interval))))
        return failure();
  }
  addPartial(parts, {}, getOpen(clips, parts.between.size()), ranges);
  for (SymbolicRange &range : ranges)
    if (failed(append(std::move(range))))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

RangeBound RangeBuilder::convert(ArrayRef<AffineExpr> exprs,
                                 ArrayRef<Row> guard) const {
  SmallVector<AffineExpr> results;
  for (AffineExpr expr : exprs)
    if (!llvm::is_contained(results, expr))
      results.push_back(expr);
  SmallVector<AffineExpr> constraints;
  for (const Row &row : guard) {
    AffineExpr expr = system.getExpr(row, context);
    if (!llvm::is_contained(constraints, expr))
      constraints.push_back(expr);
  }
  unsigned numSymbols = system.getNumSymbols();
  RangeBound bound;
  bound.map = AffineMap::get(1, numSymbols, results, context);
  if (!constraints.empty())
    bound.guard = IntegerSet::get(1, numSymbols, constraints,
                                  SmallVector<bool>(constraints.size(), false));
  return bound;
}

LogicalResult RangeBuilder::append(SymbolicRange range) {
  TileRange converted;
  converted.kind = range.kind;
  for (const Alternative &begin : range.begins) {
    SmallVector<AffineExpr> exprs;
    for (const Row &row : begin.bounds)
      exprs.push_back(system.getBound(row, context));
    if (exprs.empty())
      exprs.push_back(getAffineConstantExpr(0, context));
    converted.begins.push_back(convert(exprs, begin.guard));
  }
  for (Alternative &end : range.ends) {
    Rows known(end.guard);
    if (range.begins.size() == 1)
      known.append(range.begins.front().getRows());
    system.minimiseEnd(end.bounds, known);
    SmallVector<AffineExpr> exprs;
    for (const Row &row : end.bounds)
      exprs.push_back(system.getBound(row, context));
    Rows guard(end.guard);
    guard.append(assumptions);
    if (system.getFixedExists())
      guard.push_back(*system.getFixedExists());
    converted.ends.push_back(convert(exprs, guard));
  }
  result.ranges.push_back(std::move(converted));
  if (result.ranges.size() > problem.limits.ranges)
    return refusal.limit("mask has more than " + Twine(problem.limits.ranges) +
                         " tile ranges");
  return success();
}

FailureOr<MaskRanges> RangeBuilder::build() {
  if (failed(solve()))
    return failure();
  if (system.isExhausted())
    return refusal.limit("tile ranges of the mask take too long to derive");
  return std::move(result);
}

FailureOr<MaskRanges> attn::buildTileRanges(MLIRContext *context,
                                            const MaskProblem &problem,
                                            const MaskBoxes &boxes,
                                            bool loopOverKv,
                                            const Refusal &refusal) {
  return RangeBuilder(context, problem, boxes, loopOverKv, refusal).build();
}
