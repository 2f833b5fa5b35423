//===- Attention.h - Attention in f64, straight from the contract ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two evaluations of the formula in docs/semantics.md, "The function": in f64,
// which defines the right result, and `low`, which measures how much the same
// formula loses in the input's own precision. Both are one template over the
// arithmetic; neither shares code with the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_ATTENTION_H
#define ATTN_REFERENCE_ATTENTION_H

#include "attn/Reference/Problem.h"

namespace attn::reference {

struct EvaluateOptions {
  /// Rows to evaluate; empty means all. Any order, no row twice.
  std::vector<RowIndex> rows;
  /// 0: as many as the machine has.
  unsigned threads = 0;
};

struct AttentionResult {
  /// The evaluated rows. Without a selection they are in order of b, h, i,
  /// which makes `out` [B,Hq,Sq,Dv] and `lse` [B,Hq,Sq] (dense operands).
  std::vector<RowIndex> rows;
  /// [rows, Dv].
  std::vector<double> out;
  /// [rows], natural log, -inf for rows that see nothing.
  std::vector<double> lse;
  /// [rows]: number of visible keys.
  std::vector<int64_t> visibleKeys;
  int64_t dimV = 0;

  /// S of the tolerance rule: the largest finite magnitude met in visible
  /// scores at any step, in |scale| |q| |k| (descaled) and in sinks.
  double scoreBound = 0;
  /// W of the tolerance rule: the largest finite sum of P |v| (descaled).
  double weightedValueBound = 0;
};

/// Evaluates in f64. The problem must pass `validate`.
AttentionResult evaluate(const AttentionProblem &problem,
                         const EvaluateOptions &options = {});

/// Evaluates in f32 with every intermediate rounded to a type, one rounding per
/// step of the formula as an eager framework would: dot product, scale, each
/// step of softcap, ALiBi term, every sum, score function, P, output.
/// The type is q's; P has v's type. With fp8 keys scores stay f32, and
/// exp(f - m) is multiplied by 256 (the largest power of two below, where 256
/// does not fit the type) and rounded to v's type; the factor and the f32
/// denominator divide the output. lse is f32 and not rounded.
/// `scoreBound` and `weightedValueBound` are not computed.
AttentionResult evaluateLow(const AttentionProblem &problem,
                            const EvaluateOptions &options = {});

/// One part of a split over keys: out [rows, D], lse [rows].
struct MergePart {
  std::vector<double> out;
  std::vector<double> lse;
};

/// lse = log sum exp lse_p, out = sum exp(lse_p - lse) out_p. A part with
/// lse = -inf contributes exactly nothing, whatever its out holds; no part at
/// all gives out = 0, lse = -inf. Every part has the same number of rows.
MergePart merge(const std::vector<MergePart> &parts, int64_t rows, int64_t dim);

} // namespace attn::reference

#endif // ATTN_REFERENCE_ATTENTION_H
