//===- Check.cpp - When is a result right ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

using namespace attn;
using namespace attn::reference;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// The rule
//===----------------------------------------------------------------------===//

static double maxFinite(const std::vector<double> &values) {
  double result = 0;
  for (double value : values)
    if (std::isfinite(value))
      result = std::max(result, std::fabs(value));
  return result;
}

/// max|low - ref| where both are finite.
static double maxDifference(const std::vector<double> &low,
                            const std::vector<double> &reference) {
  assert(low.size() == reference.size() && "evaluations of different rows");
  double result = 0;
  for (size_t n = 0; n < low.size(); ++n)
    if (std::isfinite(low[n]) && std::isfinite(reference[n]))
      result = std::max(result, std::fabs(low[n] - reference[n]));
  return result;
}

Tolerance reference::computeTolerance(const AttentionProblem &problem,
                                      const AttentionResult &reference,
                                      const AttentionResult &low,
                                      ElementType outType) {
  const double epsilon = 0x1p-23;
  const double S = reference.scoreBound;
  const double W = reference.weightedValueBound;
  const ElementType inputType = problem.k.type();
  const bool is16Bit = is16BitFloat(inputType);

  Tolerance result;
  result.out = 2 * maxDifference(low.out, reference.out) +
               (8 + 4 * S) * epsilon * W +
               ulp(outType, maxFinite(reference.out));
  if (is16Bit)
    result.out += 0.25 * ulp(inputType, 1.0) * W;

  result.lse = 8 * epsilon * (8 + S + maxFinite(reference.lse));
  if (problem.q.type() == ElementType::F32)
    result.lse += 2 * maxDifference(low.lse, reference.lse);
  if (is16Bit && problem.softcap > 0)
    result.lse += 0x1p-10 * static_cast<double>(problem.softcap);
  return result;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

/// Error of one element; nothing is wrong if it is within `allowed`. Infinite
/// where a value of another kind was expected.
static double errorOf(double expected, double found, ElementType type,
                      double allowed) {
  // What an infinite reference becomes in a type without infinities.
  const double stored = roundTo(type, expected);
  if (std::isnan(expected) || (std::isinf(expected) && std::isnan(stored)))
    return std::isnan(found) ? 0 : infinity;
  if (std::isinf(expected))
    return found == expected ? 0 : infinity;
  if (std::isfinite(found))
    return std::fabs(found - expected);
  // The type's largest value may be within reach of the tolerance.
  const double reach =
      roundTo(type, expected + std::copysign(allowed, expected));
  const bool mayOverflow =
      found == reach || (std::isnan(found) && std::isnan(reach));
  return mayOverflow ? 0 : infinity;
}

namespace {

/// Counts the elements of one output and remembers the worst.
struct Comparison {
  void add(double expected, double found, ElementType type, double allowed,
           size_t row, int64_t column) {
    const double error = errorOf(expected, found, type, allowed);
    const bool isWrong = !(error <= allowed);
    ++compared;
    wrong += isWrong;
    maxError = std::max(maxError, error);
    // A wrong element before a right one, then the larger error.
    if (compared > 1 &&
        (isWrong != worst.isWrong ? !isWrong : error <= worst.error))
      return;
    worst = {isWrong, error, expected, found, allowed, row, column};
  }

  int64_t compared = 0;
  int64_t wrong = 0;
  double maxError = 0;
  struct {
    bool isWrong;
    double error;
    double expected;
    double found;
    double allowed;
    size_t row;
    int64_t column;
  } worst = {false, 0, 0, 0, 0, 0, 0};
};

} // namespace

/// True if nothing is rounded but the result: one visible key has P = 1.
static bool isExactRow(const AttentionProblem &problem,
                       const AttentionResult &reference, size_t row) {
  const int64_t keys = reference.visibleKeys[row];
  return keys == 0 || (keys == 1 && !problem.sinks && !problem.vDescale);
}

static Comparison compareOut(const AttentionProblem &problem,
                             const AttentionResult &reference, double tolerance,
                             const TensorView &out) {
  Comparison result;
  const int64_t columns = reference.dimV;
  std::vector<double> found(static_cast<size_t>(columns));
  for (size_t row = 0; row < reference.rows.size(); ++row) {
    loadRow(out.type(), out.address(problem.outIndex(reference.rows[row], 0)),
            out.stride(out.rank() - 1), columns, found.data());
    const bool isExact = isExactRow(problem, reference, row);
    for (int64_t d = 0; d < columns; ++d) {
      const double expected =
          reference.out[row * static_cast<size_t>(columns) + d];
      if (isExact)
        result.add(roundTo(out.type(), expected), found[d], out.type(), 0, row,
                   d);
      else
        result.add(expected, found[d], out.type(), tolerance, row, d);
    }
  }
  return result;
}

static Comparison compareLse(const AttentionProblem &problem,
                             const AttentionResult &reference, double tolerance,
                             const TensorView &lse) {
  Comparison result;
  for (size_t row = 0; row < reference.rows.size(); ++row) {
    const double found =
        lse.loadAsDouble(problem.lseIndex(reference.rows[row]));
    // -inf or the sink itself.
    if (reference.visibleKeys[row] == 0)
      result.add(roundTo(lse.type(), reference.lse[row]), found, lse.type(), 0,
                 row, 0);
    else
      result.add(reference.lse[row], found, lse.type(), tolerance, row, 0);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

/// Enough digits to tell neighbouring f32 values apart.
static std::string print(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.9g", value);
  return buffer;
}

static std::string summarise(const char *name, const Comparison &comparison,
                             double tolerance,
                             const std::vector<RowIndex> &rows,
                             bool hasColumns) {
  if (comparison.wrong == 0)
    return std::string(name) + ": max error " + print(comparison.maxError) +
           " (allowed " + print(tolerance) + ") in " +
           std::to_string(comparison.compared) + " elements";
  const RowIndex &row = rows[comparison.worst.row];
  std::string where = "[b " + std::to_string(row.b) + ", h " +
                      std::to_string(row.h) + ", i " + std::to_string(row.i);
  if (hasColumns)
    where += ", d " + std::to_string(comparison.worst.column);
  return std::string(name) + where + "] is " + print(comparison.worst.found) +
         ", should be " + print(comparison.worst.expected) +
         (comparison.worst.allowed == 0
              ? " exactly"
              : " within " + print(comparison.worst.allowed)) +
         "; " + std::to_string(comparison.wrong) + " of " +
         std::to_string(comparison.compared) + " elements are wrong";
}

static CheckReport failure(std::string message) {
  CheckReport report;
  report.ok = false;
  report.message = std::move(message);
  return report;
}

static bool hasOutputShape(const char *name, const TensorView &view,
                           const std::vector<int64_t> &shape,
                           std::string &error) {
  if (view.shape() == shape && isFloat(view.type()))
    return true;
  error = std::string(name) + " must be a float array of shape [";
  for (size_t d = 0; d < shape.size(); ++d)
    error += (d ? ", " : "") + std::to_string(shape[d]);
  error += "], given " + describe(view);
  return false;
}

CheckReport reference::compare(const AttentionProblem &problem,
                               const AttentionResult &reference,
                               const Tolerance &tolerance,
                               const TensorView &out,
                               const std::optional<TensorView> &lse) {
  std::string error;
  if (!hasOutputShape("out", out, problem.outShape(), error) ||
      (lse && !hasOutputShape("lse", *lse, problem.lseShape(), error)))
    return failure(std::move(error));

  CheckReport report;
  report.tolerance = tolerance;
  report.scoreBound = reference.scoreBound;
  report.weightedValueBound = reference.weightedValueBound;
  if (reference.rows.empty()) {
    report.message = "no rows to compare";
    return report;
  }
  const Comparison outs = compareOut(problem, reference, tolerance.out, out);
  report.maxErrorOut = outs.maxError;
  report.comparedOut = outs.compared;
  report.badOut = outs.wrong;
  report.worstOutRow = reference.rows[outs.worst.row];
  report.worstOutColumn = outs.worst.column;
  report.message = summarise("out", outs, tolerance.out, reference.rows, true);
  if (lse) {
    const Comparison lses = compareLse(problem, reference, tolerance.lse, *lse);
    report.maxErrorLse = lses.maxError;
    report.comparedLse = lses.compared;
    report.badLse = lses.wrong;
    report.worstLseRow = reference.rows[lses.worst.row];
    report.message +=
        "; " + summarise("lse", lses, tolerance.lse, reference.rows, false);
  }
  report.ok = report.badOut == 0 && report.badLse == 0;
  return report;
}

/// Rows behind the last packed sequence are padding: out is 0 and lse is -inf.
static void checkRowsOfNobody(const AttentionProblem &problem,
                              const TensorView &out,
                              const std::optional<TensorView> &lse,
                              CheckReport &report) {
  if (!problem.cuSeqlensQ)
    return;
  auto expect = [&](const char *name, double expected, double found, int64_t t,
                    int64_t h, int64_t &wrong) {
    if (found == expected)
      return;
    ++wrong;
    if (report.ok)
      report.message = std::string(name) + " of packed row " +
                       std::to_string(t) + ", h " + std::to_string(h) + " is " +
                       print(found) + ", should be " + print(expected) +
                       ": it is behind the last sequence";
    report.ok = false;
  };
  const int64_t begin = problem.cuSeqlensQ->loadAsInt({problem.batch()});
  for (int64_t t = begin; t < problem.q.dim(0); ++t)
    for (int64_t h = 0; h < problem.numQHeads(); ++h) {
      for (int64_t d = 0; d < problem.dimV(); ++d)
        expect("out", 0, out.loadAsDouble({t, h, d}), t, h, report.badOut);
      if (lse)
        expect("lse", -infinity, lse->loadAsDouble({h, t}), t, h,
               report.badLse);
    }
}

CheckReport reference::check(const AttentionProblem &problem,
                             const TensorView &out,
                             const std::optional<TensorView> &lse,
                             const EvaluateOptions &options) {
  std::string error;
  if (!validate(problem, error))
    return failure(std::move(error));
  const AttentionResult exact = evaluate(problem, options);
  const AttentionResult low = evaluateLow(problem, options);
  CheckReport report =
      compare(problem, exact, computeTolerance(problem, exact, low, out.type()),
              out, lse);
  if (hasOutputShape("out", out, problem.outShape(), error) &&
      (!lse || hasOutputShape("lse", *lse, problem.lseShape(), error)))
    checkRowsOfNobody(problem, out, lse, report);
  return report;
}
