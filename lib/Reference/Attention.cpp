//===- Attention.cpp - Attention in f64, straight from the contract -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All scores of a row are computed before its softmax: no online softmax, no
// rescaling. Blocking serves speed alone: a block of rows of one head shares
// the conversion of its keys, and keys are converted by blocks so that memory
// stays bounded.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Attention.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

using namespace attn;
using namespace attn::reference;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// Keys converted at a time; also the block in which sums are formed.
static constexpr int64_t keyBlock = 128;

/// Rows that share converted keys, fewer when there are so many keys that the
/// scores would pass maxScores.
static constexpr int64_t maxRowBlock = 64;
static constexpr int64_t maxScores = int64_t(1) << 23;

namespace {

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// The formula as it stands.
struct ExactArithmetic {
  using Real = double;
  static constexpr bool tracksBounds = true;

  explicit ExactArithmetic(const AttentionProblem &) {}

  Real score(Real value) const { return value; }
  /// P before normalisation; the sum of P v is divided by `denominator(l)`.
  Real weight(Real exponential, Real) const { return exponential; }
  Real denominator(Real sum) const { return sum; }
  Real output(Real value) const { return value; }
};

/// f32 with every intermediate rounded to the input's type.
struct LowArithmetic {
  using Real = float;
  static constexpr bool tracksBounds = false;

  explicit LowArithmetic(const AttentionProblem &problem)
      : weightType(problem.v.type()), isQuantised(isFloat8(problem.k.type())) {
    scoreType = isQuantised ? ElementType::F32 : problem.q.type();
    while (isQuantised && weightScale > largestFinite(weightType))
      weightScale /= 2;
  }

  Real score(Real value) const { return roundTo(scoreType, value); }
  Real weight(Real exponential, Real sum) const {
    return roundTo(weightType,
                   isQuantised ? exponential * weightScale : exponential / sum);
  }
  Real denominator(Real sum) const {
    return isQuantised ? weightScale * sum : 1.0f;
  }
  Real output(Real value) const { return roundTo(scoreType, value); }

  ElementType scoreType;
  ElementType weightType;
  bool isQuantised;
  float weightScale = 256;
};

/// The tolerance rule's S and W. Only finite values count: a row that holds
/// an Inf must not make the rule for all others meaningless.
struct Bounds {
  void meetScore(double value) { meet(score, value); }
  void meetValue(double value) { meet(values, value); }
  static void meet(double &bound, double value) {
    const double magnitude = std::fabs(value);
    if (magnitude > bound && magnitude < infinity)
      bound = magnitude;
  }
  void join(const Bounds &other) {
    score = std::max(score, other.score);
    values = std::max(values, other.values);
  }

  double score = 0;
  double values = 0;
};

//===----------------------------------------------------------------------===//
// A block of rows
//===----------------------------------------------------------------------===//

/// Evaluates rows of one batch and head. One object per thread, used for many
/// blocks so that its arrays are allocated once.
template <typename Arithmetic>
class RowBlock {
public:
  using Real = typename Arithmetic::Real;

  RowBlock(const AttentionProblem &problem)
      : problem(problem), arithmetic(problem), dimQK(problem.dimQK()),
        dimV(problem.dimV()) {}

  /// Evaluates result.rows[begin, end), which share b and h.
  void run(AttentionResult &result, int64_t begin, int64_t end);

  const Bounds &bounds() const { return met; }

private:
  void start(const AttentionResult &result, int64_t begin, int64_t end);
  void findVisible();
  bool isBlockVisible(int64_t key, int64_t count) const;
  void computeScores();
  void loadKeys(int64_t key, int64_t count);
  void multiplyKeys(int64_t row);
  void finishScores(int64_t row, int64_t key, int64_t count);
  Real finishScore(Real dot, const Coordinates &at, Bounds &local) const;
  void normalise(int64_t row, double &lse, int64_t &visibleKeys);
  void multiplyValues();
  void addValues(int64_t row, int64_t key, int64_t count);
  void finishRow(int64_t row, double *out);

  Coordinates coordinates(int64_t row, int64_t key) const {
    return {b, h, rows[row].i, rows[row].qPos, key};
  }

  const AttentionProblem &problem;
  const Arithmetic arithmetic;
  const int64_t dimQK;
  const int64_t dimV;
  Bounds met;

  struct Row {
    int64_t i;
    int64_t qPos;
    double norm;
    bool seesAnything;
    /// Divides the sum of weighted values.
    Real denominator;
  };

  // The current block.
  int64_t b = 0;
  int64_t h = 0;
  int64_t g = 0;
  int64_t keys = 0;
  Real scale = 0;
  Real slope = 0;
  Real valueScale = 1;
  std::vector<Row> rows;
  /// [row, dimQK].
  std::vector<Real> queries;
  /// [row, key]: dot products, then scores, then weights.
  std::vector<Real> scores;
  /// [row, key], 0 or 1.
  std::vector<uint8_t> visible;
  /// One block of keys as [dimQK, keyBlock], or of values as [keyBlock, dimV].
  std::vector<Real> converted;
  std::vector<Real> oneRow;
  std::vector<double> keyNorms = std::vector<double>(keyBlock);
  std::vector<Real> dots = std::vector<Real>(keyBlock);
  std::vector<int64_t> seen = std::vector<int64_t>(keyBlock);
  /// [row, dimV]: sums of P v and of P |v|, and one block's part of them.
  std::vector<Real> sums;
  std::vector<Real> magnitudes;
  std::vector<Real> blockSums;
  std::vector<Real> blockMagnitudes;
};

} // namespace

/// One factor of a [B|1, Hkv|1] descale operand; 1 if absent.
static double descale(const std::optional<TensorView> &view, int64_t b,
                      int64_t g) {
  if (!view)
    return 1;
  return view->loadAsDouble(
      {view->dim(0) == 1 ? 0 : b, view->dim(1) == 1 ? 0 : g});
}

template <typename Real>
static double norm(const Real *values, int64_t count) {
  double sum = 0;
  for (int64_t n = 0; n < count; ++n)
    sum += static_cast<double>(values[n]) * values[n];
  return std::sqrt(sum);
}

template <typename Arithmetic>
void RowBlock<Arithmetic>::run(AttentionResult &result, int64_t begin,
                               int64_t end) {
  start(result, begin, end);
  findVisible();
  computeScores();
  const int64_t count = static_cast<int64_t>(rows.size());
  for (int64_t row = 0; row < count; ++row)
    normalise(row, result.lse[begin + row], result.visibleKeys[begin + row]);
  multiplyValues();
  for (int64_t row = 0; row < count; ++row)
    finishRow(row, result.out.data() + (begin + row) * dimV);
}

template <typename Arithmetic>
void RowBlock<Arithmetic>::start(const AttentionResult &result, int64_t begin,
                                 int64_t end) {
  b = result.rows[begin].b;
  h = result.rows[begin].h;
  g = h / (problem.numQHeads() / problem.numKVHeads());
  keys = problem.kvLength(b);
  scale = static_cast<Real>(static_cast<Real>(problem.scale) *
                            static_cast<Real>(descale(problem.qDescale, b, g)) *
                            static_cast<Real>(descale(problem.kDescale, b, g)));
  valueScale = static_cast<Real>(descale(problem.vDescale, b, g));
  if (problem.alibiSlopes)
    slope = static_cast<Real>(problem.alibiSlopes->rank() == 1
                                  ? problem.alibiSlopes->loadAsDouble({h})
                                  : problem.alibiSlopes->loadAsDouble({b, h}));

  const int64_t count = end - begin;
  rows.clear();
  queries.assign(static_cast<size_t>(count * dimQK), 0);
  for (int64_t row = 0; row < count; ++row) {
    const int64_t i = result.rows[begin + row].i;
    rows.push_back({i, 0, 0, false, 0});
    // Padding rows may hold anything and are not looked at.
    if (i >= problem.qLength(b))
      continue;
    Real *query = queries.data() + row * dimQK;
    loadRow(problem.q.type(), problem.qRow(b, i, h),
            problem.q.stride(problem.q.rank() - 1), dimQK, query);
    rows.back().qPos = problem.qPosition(b, i);
    rows.back().norm = norm(query, dimQK);
  }
}

template <typename Arithmetic>
void RowBlock<Arithmetic>::findVisible() {
  const int64_t count = static_cast<int64_t>(rows.size());
  visible.assign(static_cast<size_t>(count * keys), 1);
  for (int64_t row = 0; row < count; ++row) {
    uint8_t *flags = visible.data() + row * keys;
    if (rows[row].i >= problem.qLength(b))
      std::fill_n(flags, keys, uint8_t(0));
    else if (problem.mask)
      for (int64_t key = 0; key < keys; ++key)
        flags[key] = problem.mask(coordinates(row, key));
  }
}

template <typename Arithmetic>
bool RowBlock<Arithmetic>::isBlockVisible(int64_t key, int64_t count) const {
  for (size_t row = 0; row < rows.size(); ++row) {
    const uint8_t *flags = visible.data() + static_cast<int64_t>(row) * keys;
    if (std::find(flags + key, flags + key + count, 1) != flags + key + count)
      return true;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

template <typename Arithmetic>
void RowBlock<Arithmetic>::computeScores() {
  const int64_t count = static_cast<int64_t>(rows.size());
  scores.resize(static_cast<size_t>(count * keys));
  for (int64_t key = 0; key < keys; key += keyBlock) {
    const int64_t blockKeys = std::min(keyBlock, keys - key);
    if (!isBlockVisible(key, blockKeys))
      continue;
    loadKeys(key, blockKeys);
    for (int64_t row = 0; row < count; ++row) {
      multiplyKeys(row);
      finishScores(row, key, blockKeys);
    }
  }
}

/// Keys [key, key + count) transposed, so that the loop over keys is the
/// innermost one and vectorises without reordering any sum.
template <typename Arithmetic>
void RowBlock<Arithmetic>::loadKeys(int64_t key, int64_t count) {
  converted.assign(static_cast<size_t>(dimQK * keyBlock), 0);
  oneRow.resize(static_cast<size_t>(dimQK));
  const Real *from = oneRow.data();
  Real *to = converted.data();
  for (int64_t n = 0; n < count; ++n) {
    loadRow(problem.k.type(), problem.kRow(b, key + n, g),
            problem.k.stride(problem.k.rank() - 1), dimQK, oneRow.data());
    for (int64_t d = 0; d < dimQK; ++d)
      to[d * keyBlock + n] = from[d];
    if (Arithmetic::tracksBounds)
      keyNorms[n] = norm(from, dimQK);
  }
}

/// dots[n] = dot(query, key n), summed in order of d.
template <typename Arithmetic>
void RowBlock<Arithmetic>::multiplyKeys(int64_t row) {
  const Real *query = queries.data() + row * dimQK;
  Real sum[keyBlock] = {};
  int64_t d = 0;
  // Four at a time to save loads and stores of the sums.
  for (; d + 4 <= dimQK; d += 4) {
    const Real *key = converted.data() + d * keyBlock;
    const Real q0 = query[d], q1 = query[d + 1];
    const Real q2 = query[d + 2], q3 = query[d + 3];
    for (int64_t n = 0; n < keyBlock; ++n)
      sum[n] = sum[n] + q0 * key[n] + q1 * key[n + keyBlock] +
               q2 * key[n + 2 * keyBlock] + q3 * key[n + 3 * keyBlock];
  }
  for (; d < dimQK; ++d) {
    const Real *key = converted.data() + d * keyBlock;
    for (int64_t n = 0; n < keyBlock; ++n)
      sum[n] += query[d] * key[n];
  }
  std::copy_n(sum, keyBlock, dots.data());
}

template <typename Arithmetic>
void RowBlock<Arithmetic>::finishScores(int64_t row, int64_t key,
                                        int64_t count) {
  uint8_t *flags = visible.data() + row * keys + key;
  Real *finished = scores.data() + row * keys + key;
  const double rowNorm = std::fabs(static_cast<double>(scale)) * rows[row].norm;
  for (int64_t n = 0; n < count; ++n) {
    if (!flags[n])
      continue;
    Bounds local;
    finished[n] = finishScore(dots[n], coordinates(row, key + n), local);
    // Whoever made it -inf, such a key is hidden.
    if (finished[n] == -std::numeric_limits<Real>::infinity()) {
      flags[n] = 0;
      continue;
    }
    if (Arithmetic::tracksBounds) {
      local.meetScore(rowNorm * keyNorms[n]);
      met.join(local);
    }
  }
}

/// |qPos - j| without overflow.
static double distance(int64_t qPos, int64_t j) {
  const uint64_t from = static_cast<uint64_t>(std::min(qPos, j));
  const uint64_t to = static_cast<uint64_t>(std::max(qPos, j));
  return static_cast<double>(to - from);
}

template <typename Arithmetic>
typename Arithmetic::Real
RowBlock<Arithmetic>::finishScore(Real dot, const Coordinates &at,
                                  Bounds &local) const {
  const Arithmetic &a = arithmetic;
  Real bias = 0;
  if (problem.bias) {
    const TensorView &view = *problem.bias;
    bias = static_cast<Real>(view.loadAsDouble(
        {view.dim(0) == 1 ? 0 : at.b, view.dim(1) == 1 ? 0 : at.h,
         view.dim(2) == 1 ? 0 : at.i, view.dim(3) == 1 ? 0 : at.j}));
    if (bias == -std::numeric_limits<Real>::infinity())
      return bias;
  }
  Real s = a.score(scale * a.score(dot));
  local.meetScore(s);
  if (problem.softcap > 0) {
    const Real cap = static_cast<Real>(problem.softcap);
    s = a.score(cap * a.score(std::tanh(a.score(s / cap))));
  }
  if (problem.alibiSlopes) {
    s = a.score(s -
                a.score(slope * static_cast<Real>(distance(at.qPos, at.j))));
    local.meetScore(s);
  }
  if (problem.bias) {
    s = a.score(s + bias);
    local.meetScore(s);
  }
  if (problem.score) {
    s = a.score(static_cast<Real>(problem.score(s, at)));
    local.meetScore(s);
  }
  return s;
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// Turns a row's scores into weights, and sets its denominator.
template <typename Arithmetic>
void RowBlock<Arithmetic>::normalise(int64_t row, double &lse,
                                     int64_t &visibleKeys) {
  const uint8_t *flags = visible.data() + row * keys;
  Real *score = scores.data() + row * keys;
  const bool isPadding = rows[row].i >= problem.qLength(b);
  const bool hasSink = problem.sinks && !isPadding;
  const Real sink = hasSink
                        ? static_cast<Real>(problem.sinks->loadAsDouble({h}))
                        : -std::numeric_limits<Real>::infinity();
  visibleKeys = std::count(flags, flags + keys, 1);
  rows[row].seesAnything = visibleKeys > 0;
  if (visibleKeys == 0) {
    lse = sink;
    return;
  }
  if (hasSink && Arithmetic::tracksBounds)
    met.meetScore(sink);

  // A NaN score is passed over here and makes the sum NaN below.
  Real max = sink;
  for (int64_t key = 0; key < keys; ++key)
    if (flags[key])
      max = std::fmax(max, score[key]);
  Real sum = hasSink ? std::exp(sink - max) : Real(0);
  for (int64_t key = 0; key < keys; key += keyBlock) {
    Real blockSum = 0;
    for (int64_t n = key; n < std::min(key + keyBlock, keys); ++n)
      if (flags[n])
        blockSum += score[n] = std::exp(score[n] - max);
    sum += blockSum;
  }
  lse = max + std::log(sum);
  for (int64_t key = 0; key < keys; ++key)
    if (flags[key])
      score[key] = arithmetic.weight(score[key], sum);
  rows[row].denominator = arithmetic.denominator(sum);
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

template <typename Arithmetic>
void RowBlock<Arithmetic>::multiplyValues() {
  const int64_t count = static_cast<int64_t>(rows.size());
  sums.assign(static_cast<size_t>(count * dimV), 0);
  magnitudes.assign(static_cast<size_t>(count * dimV), 0);
  converted.resize(static_cast<size_t>(keyBlock * dimV));
  for (int64_t key = 0; key < keys; key += keyBlock) {
    const int64_t blockKeys = std::min(keyBlock, keys - key);
    if (!isBlockVisible(key, blockKeys))
      continue;
    for (int64_t n = 0; n < blockKeys; ++n)
      loadRow(problem.v.type(), problem.vRow(b, key + n, g),
              problem.v.stride(problem.v.rank() - 1), dimV,
              converted.data() + n * dimV);
    for (int64_t row = 0; row < count; ++row)
      addValues(row, key, blockKeys);
  }
}

/// Adds `width` weighted values to the sums, in order; likewise their
/// magnitudes. Hidden values are never passed in: they may be NaN.
template <bool tracksBounds, int width, typename Real>
static void addWeighted(const Real *const *values, const Real *weights,
                        int64_t count, Real *sums, Real *magnitudes) {
  for (int64_t d = 0; d < count; ++d) {
    Real sum = sums[d];
    Real magnitude = magnitudes[d];
    for (int n = 0; n < width; ++n) {
      const Real product = weights[n] * values[n][d];
      sum += product;
      if (tracksBounds)
        magnitude += std::fabs(product);
    }
    sums[d] = sum;
    magnitudes[d] = magnitude;
  }
}

template <typename Arithmetic>
void RowBlock<Arithmetic>::addValues(int64_t row, int64_t key, int64_t count) {
  const uint8_t *flags = visible.data() + row * keys + key;
  const Real *weights = scores.data() + row * keys + key;
  int64_t numSeen = 0;
  for (int64_t n = 0; n < count; ++n)
    if (flags[n])
      seen[numSeen++] = n;
  if (numSeen == 0)
    return;

  blockSums.assign(static_cast<size_t>(dimV), 0);
  blockMagnitudes.assign(static_cast<size_t>(dimV), 0);
  auto add = [&](int64_t first, auto width) {
    const Real *values[width];
    Real factors[width];
    for (int64_t n = 0; n < width; ++n) {
      values[n] = converted.data() + seen[first + n] * dimV;
      factors[n] = weights[seen[first + n]];
    }
    addWeighted<Arithmetic::tracksBounds, width>(
        values, factors, dimV, blockSums.data(), blockMagnitudes.data());
  };
  int64_t done = 0;
  for (; done + 4 <= numSeen; done += 4)
    add(done, std::integral_constant<int, 4>());
  for (; done < numSeen; ++done)
    add(done, std::integral_constant<int, 1>());
  Real *sum = sums.data() + row * dimV;
  Real *magnitude = magnitudes.data() + row * dimV;
  for (int64_t d = 0; d < dimV; ++d) {
    sum[d] += blockSums[d];
    magnitude[d] += blockMagnitudes[d];
  }
}

template <typename Arithmetic>
void RowBlock<Arithmetic>::finishRow(int64_t row, double *out) {
  const Real denominator = rows[row].denominator;
  if (!rows[row].seesAnything) {
    std::fill_n(out, dimV, 0.0);
    return;
  }
  for (int64_t d = 0; d < dimV; ++d) {
    out[d] = arithmetic.output(sums[row * dimV + d] / denominator * valueScale);
    if (Arithmetic::tracksBounds)
      met.meetValue(static_cast<double>(magnitudes[row * dimV + d]) /
                    denominator * valueScale);
  }
}

//===----------------------------------------------------------------------===//
// All rows
//===----------------------------------------------------------------------===//

namespace {
/// Rows [begin, end) of a result, all of one batch and head.
struct WorkItem {
  int64_t begin;
  int64_t end;
};
} // namespace

static std::vector<WorkItem> splitRows(const AttentionProblem &problem,
                                       const std::vector<RowIndex> &rows) {
  std::vector<WorkItem> items;
  for (int64_t n = 0; n < static_cast<int64_t>(rows.size()); ++n) {
    const int64_t keys = std::max<int64_t>(problem.kvLength(rows[n].b), 1);
    const int64_t limit = std::clamp<int64_t>(maxScores / keys, 1, maxRowBlock);
    const bool continues = !items.empty() && n - items.back().begin < limit &&
                           rows[n].b == rows[n - 1].b &&
                           rows[n].h == rows[n - 1].h;
    if (continues)
      ++items.back().end;
    else
      items.push_back({n, n + 1});
  }
  return items;
}

template <typename Arithmetic>
static AttentionResult evaluateWith(const AttentionProblem &problem,
                                    const EvaluateOptions &options) {
  AttentionResult result;
  result.rows = options.rows.empty() ? allRows(problem) : options.rows;
  result.dimV = problem.dimV();
  result.out.resize(result.rows.size() * static_cast<size_t>(result.dimV));
  result.lse.resize(result.rows.size());
  result.visibleKeys.resize(result.rows.size());

  const std::vector<WorkItem> items = splitRows(problem, result.rows);
  const size_t wanted = options.threads
                            ? options.threads
                            : std::max(1u, std::thread::hardware_concurrency());
  const size_t numThreads = std::clamp<size_t>(items.size(), 1, wanted);
  std::vector<Bounds> bounds(numThreads);
  std::atomic<size_t> next{0};
  auto work = [&](size_t thread) {
    RowBlock<Arithmetic> block(problem);
    for (size_t n = next++; n < items.size(); n = next++)
      block.run(result, items[n].begin, items[n].end);
    bounds[thread] = block.bounds();
  };
  std::vector<std::thread> threads;
  for (size_t thread = 1; thread < numThreads; ++thread)
    threads.emplace_back(work, thread);
  work(0);
  for (std::thread &thread : threads)
    thread.join();

  Bounds all;
  for (const Bounds &one : bounds)
    all.join(one);
  result.scoreBound = all.score;
  result.weightedValueBound = all.values;
  return result;
}

AttentionResult reference::evaluate(const AttentionProblem &problem,
                                    const EvaluateOptions &options) {
  return evaluateWith<ExactArithmetic>(problem, options);
}

AttentionResult reference::evaluateLow(const AttentionProblem &problem,
                                       const EvaluateOptions &options) {
  return evaluateWith<LowArithmetic>(problem, options);
}
