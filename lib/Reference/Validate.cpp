//===- Validate.cpp - Refusing problems without a meaning -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Problem.h"

#include <cmath>

using namespace attn;
using namespace attn::reference;

namespace {

/// Checks one problem; stops at the first thing wrong. The order matters: later
/// checks index operands with what earlier ones established.
class Validator {
public:
  Validator(const AttentionProblem &problem, std::string &error)
      : problem(problem), error(error) {}

  bool run() {
    return checkRanks() && checkTypes() && checkStarts() && checkShapes() &&
           checkLengths() && checkPages() && checkPositions() &&
           checkPerHeadOperands() && checkScalars();
  }

private:
  bool checkRanks();
  bool checkTypes();
  bool checkStarts();
  bool checkShapes();
  bool checkLengths();
  bool checkPages();
  bool checkPositions();
  bool checkPerHeadOperands();
  bool checkScalars();

  /// One sequence-start operand over `total` packed rows.
  bool checkStart(const char *name, const std::optional<TensorView> &view,
                  int64_t total);
  /// Every entry of a [B] operand within [0, limit(b)].
  template <typename Limit>
  bool checkLengthsWithin(const char *name,
                          const std::optional<TensorView> &view, Limit limit);
  /// Exactly the wanted shape; `broadcasts` allows any dim to be 1 as well.
  bool checkShape(const char *name, const TensorView &view,
                  const std::vector<int64_t> &wanted, bool broadcasts);
  bool checkFloat(const char *name, const TensorView &view);
  bool checkInteger(const char *name, const std::optional<TensorView> &view);

  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }

  /// Largest number of query rows and of keys of any sequence.
  int64_t maxRows() const;
  int64_t maxKeys() const;
  /// Keys that sequence b has storage for.
  int64_t keyCapacity(int64_t b) const;

  const AttentionProblem &problem;
  std::string &error;
};

} // namespace

static std::string given(const TensorView &view) {
  return "given " + describe(view);
}

int64_t Validator::maxRows() const {
  int64_t result = 0;
  for (int64_t b = 0; b < problem.batch(); ++b)
    result = std::max(result, problem.numRows(b));
  return result;
}

int64_t Validator::keyCapacity(int64_t b) const {
  if (problem.blockTable)
    return problem.blockTable->dim(1) * problem.k.dim(1);
  if (problem.cuSeqlensKV)
    return problem.cuSeqlensKV->loadAsInt({b + 1}) -
           problem.cuSeqlensKV->loadAsInt({b});
  return problem.k.dim(1);
}

int64_t Validator::maxKeys() const {
  int64_t result = 0;
  for (int64_t b = 0; b < problem.batch(); ++b)
    result = std::max(result, problem.kvLength(b));
  return result;
}

bool Validator::checkFloat(const char *name, const TensorView &view) {
  return isFloat(view.type()) ||
         fail(std::string(name) + " must have a float type, " + given(view));
}

bool Validator::checkInteger(const char *name,
                             const std::optional<TensorView> &view) {
  return !view || view->type() == ElementType::I32 ||
         view->type() == ElementType::I64 ||
         fail(std::string(name) + " must be i32 or i64, " + given(*view));
}

bool Validator::checkRanks() {
  const int64_t qRank = problem.cuSeqlensQ ? 3 : 4;
  const int64_t kvRank = problem.cuSeqlensKV ? 3 : 4;
  if (problem.q.rank() != qRank)
    return fail("q must have rank " + std::to_string(qRank) + ", " +
                given(problem.q));
  for (const auto &[name, view] :
       {std::pair("k", &problem.k), std::pair("v", &problem.v)})
    if (view->rank() != kvRank)
      return fail(std::string(name) + " must have rank " +
                  std::to_string(kvRank) + ", " + given(*view));
  if (problem.blockTable && problem.cuSeqlensKV)
    return fail("keys cannot be packed and paged");
  if (problem.blockTable && !problem.kvLens)
    return fail("paged keys need kv lengths");
  return true;
}

bool Validator::checkTypes() {
  if (problem.k.type() != problem.v.type())
    return fail("k and v must share a type, given " +
                std::string(name(problem.k.type())) + " and " +
                std::string(name(problem.v.type())));
  if (byteSize(problem.q.type()) < byteSize(problem.k.type()))
    return fail("the type of q must be at least as wide as that of k, given " +
                std::string(name(problem.q.type())) + " and " +
                std::string(name(problem.k.type())));
  return checkFloat("q", problem.q) && checkFloat("k", problem.k) &&
         checkInteger("cu_seqlens_q", problem.cuSeqlensQ) &&
         checkInteger("cu_seqlens_kv", problem.cuSeqlensKV) &&
         checkInteger("block_table", problem.blockTable) &&
         checkInteger("q_len", problem.qLens) &&
         checkInteger("kv_len", problem.kvLens) &&
         checkInteger("q_offset", problem.qOffset) &&
         checkInteger("q_positions", problem.qPositions);
}

bool Validator::checkStart(const char *name,
                           const std::optional<TensorView> &view,
                           int64_t total) {
  if (!view)
    return true;
  if (view->rank() != 1 || view->dim(0) < 1)
    return fail(std::string(name) + " must be [B + 1], " + given(*view));
  int64_t previous = 0;
  for (int64_t b = 0; b < view->dim(0); ++b) {
    const int64_t start = view->loadAsInt({b});
    if (b == 0 ? start != 0 : start < previous)
      return fail(std::string(name) +
                  " must start at 0 and not decrease, but "
                  "entry " +
                  std::to_string(b) + " is " + std::to_string(start));
    previous = start;
  }
  return previous <= total ||
         fail(std::string(name) + " ends at " + std::to_string(previous) +
              ", beyond the " + std::to_string(total) + " packed rows");
}

bool Validator::checkStarts() {
  return checkStart("cu_seqlens_q", problem.cuSeqlensQ, problem.q.dim(0)) &&
         checkStart("cu_seqlens_kv", problem.cuSeqlensKV,
                    std::min(problem.k.dim(0), problem.v.dim(0)));
}

bool Validator::checkShapes() {
  const TensorView &k = problem.k, &v = problem.v;
  const int64_t batch = problem.batch();
  for (int64_t d = 0; d + 1 < k.rank(); ++d)
    if (k.dim(d) != v.dim(d))
      return fail("k and v differ in a dim other than the last: " +
                  describe(k) + " and " + describe(v));
  if (problem.dimQK() != k.dim(k.rank() - 1))
    return fail("q and k must have the same head dim, given " +
                describe(problem.q) + " and " + describe(k));
  if (problem.dimQK() < 1 || problem.dimV() < 1)
    return fail("head dims must be at least 1, " + given(problem.q) + " and " +
                describe(v));
  if (problem.numKVHeads() < 1 ||
      problem.numQHeads() % problem.numKVHeads() != 0)
    return fail("query heads must be a multiple of KV heads, given " +
                std::to_string(problem.numQHeads()) + " and " +
                std::to_string(problem.numKVHeads()));
  if (problem.cuSeqlensKV && problem.cuSeqlensKV->dim(0) - 1 != batch)
    return fail("cu_seqlens_kv must be for " + std::to_string(batch) +
                " sequences, " + given(*problem.cuSeqlensKV));
  if (problem.blockTable &&
      (problem.blockTable->rank() != 2 || problem.blockTable->dim(0) != batch))
    return fail("block_table must be [" + std::to_string(batch) + ", pages], " +
                given(*problem.blockTable));
  if (problem.blockTable && k.dim(1) < 1)
    return fail("pages must hold at least one key, " + given(k));
  if (!problem.blockTable && !problem.cuSeqlensKV && k.dim(0) != batch)
    return fail("q and k must have the same batch, given " +
                describe(problem.q) + " and " + describe(k));
  return true;
}

template <typename Limit>
bool Validator::checkLengthsWithin(const char *name,
                                   const std::optional<TensorView> &view,
                                   Limit limit) {
  if (!view)
    return true;
  if (!checkShape(name, *view, {problem.batch()}, /*broadcasts=*/false))
    return false;
  for (int64_t b = 0; b < problem.batch(); ++b) {
    const int64_t length = view->loadAsInt({b});
    if (length < 0 || length > limit(b))
      return fail(std::string(name) + "[" + std::to_string(b) + "] is " +
                  std::to_string(length) + ", allowed are 0 to " +
                  std::to_string(limit(b)));
  }
  return true;
}

bool Validator::checkLengths() {
  return checkLengthsWithin("q_len", problem.qLens,
                            [this](int64_t b) { return problem.numRows(b); }) &&
         checkLengthsWithin("kv_len", problem.kvLens,
                            [this](int64_t b) { return keyCapacity(b); });
}

bool Validator::checkPages() {
  if (!problem.blockTable)
    return true;
  const int64_t pageSize = problem.k.dim(1);
  for (int64_t b = 0; b < problem.batch(); ++b) {
    // Entries beyond the length are never looked at.
    const int64_t used = (problem.kvLength(b) + pageSize - 1) / pageSize;
    for (int64_t n = 0; n < used; ++n) {
      const int64_t page = problem.blockTable->loadAsInt({b, n});
      if (page < 0 || page >= problem.k.dim(0))
        return fail("block_table[" + std::to_string(b) + ", " +
                    std::to_string(n) + "] is " + std::to_string(page) +
                    ", allowed are 0 to " +
                    std::to_string(problem.k.dim(0) - 1));
    }
  }
  return true;
}

bool Validator::checkPositions() {
  if (problem.qOffset && problem.qPositions)
    return fail("q_positions replace q_offset: only one can be given");
  if (problem.qPositions)
    return checkShape(
        "q_positions", *problem.qPositions,
        problem.cuSeqlensQ
            ? std::vector<int64_t>{problem.q.dim(0)}
            : std::vector<int64_t>{problem.batch(), problem.q.dim(1)},
        /*broadcasts=*/false);
  if (!problem.qOffset)
    return true;
  if (problem.qOffset->rank() != 0 &&
      !checkShape("q_offset", *problem.qOffset, {problem.batch()},
                  /*broadcasts=*/false))
    return false;
  for (int64_t b = 0; b < problem.batch(); ++b) {
    const int64_t offset = problem.qOffset->rank() == 0
                               ? problem.qOffset->loadAsInt({})
                               : problem.qOffset->loadAsInt({b});
    int64_t last;
    if (__builtin_add_overflow(offset, problem.numRows(b), &last))
      return fail("q_offset " + std::to_string(offset) +
                  " takes positions beyond 64 bits");
  }
  return true;
}

bool Validator::checkShape(const char *name, const TensorView &view,
                           const std::vector<int64_t> &wanted,
                           bool broadcasts) {
  bool matches = view.rank() == static_cast<int64_t>(wanted.size());
  for (int64_t d = 0; matches && d < view.rank(); ++d)
    matches = view.dim(d) == wanted[d] || (broadcasts && view.dim(d) == 1);
  if (matches)
    return true;
  std::string shape;
  for (size_t d = 0; d < wanted.size(); ++d)
    shape += (d ? ", " : "") + std::to_string(wanted[d]);
  return fail(std::string(name) + " must be [" + shape + "]" +
              (broadcasts ? " (any dim may be 1), " : ", ") + given(view));
}

bool Validator::checkPerHeadOperands() {
  const int64_t batch = problem.batch();
  const int64_t heads = problem.numQHeads();
  if (problem.bias) {
    const TensorView &bias = *problem.bias;
    // Padding may or may not be part of the bias, so its row and key dims only
    // have to reach as far as anything is read.
    if (bias.rank() != 4)
      return fail("bias must have rank 4, " + given(bias));
    const int64_t rows = std::max(maxRows(), bias.dim(2));
    const int64_t keys = std::max(maxKeys(), bias.dim(3));
    if (!checkShape("bias", bias, {batch, heads, rows, keys}, true) ||
        !checkFloat("bias", bias))
      return false;
  }
  if (problem.sinks && (!checkShape("sinks", *problem.sinks, {heads}, false) ||
                        !checkFloat("sinks", *problem.sinks)))
    return false;
  if (problem.alibiSlopes) {
    const TensorView &slopes = *problem.alibiSlopes;
    const std::vector<int64_t> wanted =
        slopes.rank() == 1 ? std::vector<int64_t>{heads}
                           : std::vector<int64_t>{batch, heads};
    if (!checkShape("alibi_slopes", slopes, wanted, false) ||
        !checkFloat("alibi_slopes", slopes))
      return false;
  }
  for (const auto &[name, view] : {std::pair("q_descale", &problem.qDescale),
                                   std::pair("k_descale", &problem.kDescale),
                                   std::pair("v_descale", &problem.vDescale)})
    if (*view &&
        (!checkShape(name, **view, {batch, problem.numKVHeads()}, true) ||
         !checkFloat(name, **view)))
      return false;
  return true;
}

bool Validator::checkScalars() {
  if (!std::isfinite(problem.scale))
    return fail("scale must be finite, given " + std::to_string(problem.scale));
  if (!std::isfinite(problem.softcap))
    return fail("softcap must be finite, given " +
                std::to_string(problem.softcap));
  return true;
}

bool reference::validate(const AttentionProblem &problem, std::string &error) {
  error.clear();
  return Validator(problem, error).run();
}
