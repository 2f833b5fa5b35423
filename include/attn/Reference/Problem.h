//===- Problem.h - One attention problem, as plain data -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operands of attention as strided views and callbacks, without IR. What
// they mean is in docs/semantics.md; letters are those used there: batch b,
// query head h, query row i, key j, KV head g = h / (Hq / Hkv).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_PROBLEM_H
#define ATTN_REFERENCE_PROBLEM_H

#include "attn/Support/Tensor.h"

#include <functional>

namespace attn::reference {

/// Where a score stands. `qPos` is the row's position, i counts the row
/// within its sequence; without offset and positions they are equal.
struct Coordinates {
  int64_t b = 0;
  int64_t h = 0;
  int64_t i = 0;
  int64_t qPos = 0;
  int64_t j = 0;
};

/// True if the key is visible. Called from several threads.
using MaskFunction = std::function<bool(const Coordinates &)>;

/// Maps a score (natural units, after softcap, ALiBi and bias) to the final
/// score. Called from several threads.
using ScoreFunction = std::function<double(double, const Coordinates &)>;

/// One row of the output.
struct RowIndex {
  int64_t b = 0;
  int64_t h = 0;
  int64_t i = 0;
};

inline bool operator==(const RowIndex &lhs, const RowIndex &rhs) {
  return lhs.b == rhs.b && lhs.h == rhs.h && lhs.i == rhs.i;
}

/// Views use the logical dim orders below whatever the layout in memory;
/// TensorView::reorder turns an array of any layout into them. Integers may
/// be i32 or i64, floats of any type.
struct AttentionProblem {
  /// (b,s,h,d), or (t,h,d) packed if `cuSeqlensQ` is given.
  TensorView q;
  /// (b,s,h,d); (t,h,d) packed if `cuSeqlensKV` is given; (page,slot,h,d) if
  /// `blockTable` is given. v may have another d than k.
  TensorView k;
  TensorView v;

  /// [B+1], starting at 0, non-decreasing.
  std::optional<TensorView> cuSeqlensQ;
  std::optional<TensorView> cuSeqlensKV;
  /// [B, maxPages]; needs kvLens. Entries beyond a length are not read.
  std::optional<TensorView> blockTable;

  /// [B]: rows i >= qLens[b] are padding, keys j >= kvLens[b] are hidden.
  std::optional<TensorView> qLens;
  std::optional<TensorView> kvLens;

  /// Rank 0 or [B]: qPos = i + qOffset.
  std::optional<TensorView> qOffset;
  /// [B, Sq], or [total_q] packed: replaces i + qOffset altogether.
  std::optional<TensorView> qPositions;

  /// [B|1, Hq|1, Sq|1, Skv|1].
  std::optional<TensorView> bias;
  /// [Hq], natural units.
  std::optional<TensorView> sinks;
  /// [Hq] or [B, Hq].
  std::optional<TensorView> alibiSlopes;
  /// [B|1, Hkv|1].
  std::optional<TensorView> qDescale;
  std::optional<TensorView> kDescale;
  std::optional<TensorView> vDescale;

  /// Both are f32 in every front end and finite. Only a softcap > 0 is one.
  float scale = 1.0f;
  float softcap = 0.0f;

  /// Empty means every key is visible.
  MaskFunction mask;
  /// Empty means f = s.
  ScoreFunction score;

  int64_t batch() const;
  int64_t numQHeads() const;
  int64_t numKVHeads() const;
  int64_t dimQK() const;
  int64_t dimV() const;
  /// Output rows of sequence b: Sq, or the packed length.
  int64_t numRows(int64_t b) const;
  /// Rows of sequence b that are not padding.
  int64_t qLength(int64_t b) const;
  /// Keys of sequence b that are not padding.
  int64_t kvLength(int64_t b) const;
  /// Position of row i.
  int64_t qPosition(int64_t b, int64_t i) const;

  /// Address of q[b,i,h,0], k[b,j,g,0], v[b,j,g,0], through packing and pages.
  const void *qRow(int64_t b, int64_t i, int64_t h) const;
  const void *kRow(int64_t b, int64_t j, int64_t g) const;
  const void *vRow(int64_t b, int64_t j, int64_t g) const;

  /// Index of a row in an output: (b,i,h) or packed (t,h); lse (b,h,i) or
  /// packed (h,t).
  std::vector<int64_t> outIndex(const RowIndex &row, int64_t d) const;
  std::vector<int64_t> lseIndex(const RowIndex &row) const;
  /// Shapes of the outputs in these orders.
  std::vector<int64_t> outShape() const;
  std::vector<int64_t> lseShape() const;
};

/// Refuses whatever would read outside an operand or has no meaning: shapes,
/// types, lengths, sequence starts, page numbers, scale, softcap.
bool validate(const AttentionProblem &problem, std::string &error);

/// Every row, in order of b, h, i.
std::vector<RowIndex> allRows(const AttentionProblem &problem);

/// About `count` different rows in order of b, h, i: the first and the last
/// row and the last one before padding of every sequence (for some head), the
/// others at random.
std::vector<RowIndex> sampleRows(const AttentionProblem &problem, int64_t count,
                                 uint64_t seed);

} // namespace attn::reference

#endif // ATTN_REFERENCE_PROBLEM_H
