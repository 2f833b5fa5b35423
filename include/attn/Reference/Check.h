//===- Check.h - When is a result right -----------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place of the tolerance rule of docs/semantics.md, "Numerics".
//
// Beyond the rule, what has to be exact is required exactly:
//   - where the reference is NaN or infinite, so is the output, and nowhere
//     else (an output too large for its type may overflow); elements left at
//     their NaN poison therefore fail;
//   - a row that sees nothing has out = 0 and lse = -inf or its sink;
//   - a row that sees one key and has no sink has out = that key's V, rounded
//     once to the output type (without v_descale).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_CHECK_H
#define ATTN_REFERENCE_CHECK_H

#include "attn/Reference/Attention.h"

namespace attn::reference {

/// Largest admissible absolute errors.
struct Tolerance {
  double out = 0;
  double lse = 0;
};

/// The rule. `low` belongs to the same rows as `reference`. Elements where
/// `low` overflowed although the reference did not are left out of
/// max|low - ref|, so that they cannot excuse anything.
Tolerance computeTolerance(const AttentionProblem &problem,
                           const AttentionResult &reference,
                           const AttentionResult &low, ElementType outType);

struct CheckReport {
  bool ok = true;
  /// Errors of finite elements; infinite if a finite value was expected and
  /// something else found.
  double maxErrorOut = 0;
  double maxErrorLse = 0;
  Tolerance tolerance;
  /// Number of compared and of wrong elements.
  int64_t comparedOut = 0;
  int64_t comparedLse = 0;
  int64_t badOut = 0;
  int64_t badLse = 0;
  /// Where the largest error is (the first wrong element if it is not finite).
  RowIndex worstOutRow;
  int64_t worstOutColumn = 0;
  RowIndex worstLseRow;
  /// Two numbers of the reference that explain the tolerance.
  double scoreBound = 0;
  double weightedValueBound = 0;
  /// One line, for success as for failure; says which element is wrong, what
  /// it is and what it should be.
  std::string message;
};

/// Compares outputs with an evaluated reference. `out` has the problem's
/// outShape() (dims (b,s,h,d) or (t,h,d)), `lse` its lseShape() ((b,h,s) or
/// (h,t)). Only the reference's rows are compared. A wrong shape is a failed
/// report, not an error of its own.
CheckReport compare(const AttentionProblem &problem,
                    const AttentionResult &reference,
                    const Tolerance &tolerance, const TensorView &out,
                    const std::optional<TensorView> &lse);

/// Evaluates reference and low, computes the tolerance, compares. A problem
/// that does not pass `validate` gives a failed report with its error.
CheckReport check(const AttentionProblem &problem, const TensorView &out,
                  const std::optional<TensorView> &lse,
                  const EvaluateOptions &options = {});

} // namespace attn::reference

#endif // ATTN_REFERENCE_CHECK_H
