//===- Problem.cpp - One attention problem, as plain data -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Problem.h"

#include <algorithm>
#include <random>

using namespace attn;
using namespace attn::reference;

//===----------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------===//

/// Length of packed sequence b.
static int64_t packedLength(const TensorView &cuSeqlens, int64_t b) {
  return cuSeqlens.loadAsInt({b + 1}) - cuSeqlens.loadAsInt({b});
}

int64_t AttentionProblem::batch() const {
  return cuSeqlensQ ? cuSeqlensQ->dim(0) - 1 : q.dim(0);
}

int64_t AttentionProblem::numQHeads() const { return q.dim(q.rank() - 2); }

int64_t AttentionProblem::numKVHeads() const { return k.dim(k.rank() - 2); }

int64_t AttentionProblem::dimQK() const { return q.dim(q.rank() - 1); }

int64_t AttentionProblem::dimV() const { return v.dim(v.rank() - 1); }

int64_t AttentionProblem::numRows(int64_t b) const {
  return cuSeqlensQ ? packedLength(*cuSeqlensQ, b) : q.dim(1);
}

int64_t AttentionProblem::qLength(int64_t b) const {
  return qLens ? qLens->loadAsInt({b}) : numRows(b);
}

int64_t AttentionProblem::kvLength(int64_t b) const {
  if (kvLens)
    return kvLens->loadAsInt({b});
  return cuSeqlensKV ? packedLength(*cuSeqlensKV, b) : k.dim(1);
}

int64_t AttentionProblem::qPosition(int64_t b, int64_t i) const {
  if (qPositions)
    return cuSeqlensQ ? qPositions->loadAsInt({cuSeqlensQ->loadAsInt({b}) + i})
                      : qPositions->loadAsInt({b, i});
  if (!qOffset)
    return i;
  return i + (qOffset->rank() == 0 ? qOffset->loadAsInt({})
                                   : qOffset->loadAsInt({b}));
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

const void *AttentionProblem::qRow(int64_t b, int64_t i, int64_t h) const {
  if (cuSeqlensQ)
    return q.address({cuSeqlensQ->loadAsInt({b}) + i, h, 0});
  return q.address({b, i, h, 0});
}

/// Row j of sequence b of k or v.
static const void *keyOrValueRow(const AttentionProblem &problem,
                                 const TensorView &view, int64_t b, int64_t j,
                                 int64_t g) {
  if (problem.blockTable) {
    const int64_t pageSize = view.dim(1);
    const int64_t page = problem.blockTable->loadAsInt({b, j / pageSize});
    return view.address({page, j % pageSize, g, 0});
  }
  if (problem.cuSeqlensKV)
    return view.address({problem.cuSeqlensKV->loadAsInt({b}) + j, g, 0});
  return view.address({b, j, g, 0});
}

const void *AttentionProblem::kRow(int64_t b, int64_t j, int64_t g) const {
  return keyOrValueRow(*this, k, b, j, g);
}

const void *AttentionProblem::vRow(int64_t b, int64_t j, int64_t g) const {
  return keyOrValueRow(*this, v, b, j, g);
}

std::vector<int64_t> AttentionProblem::outIndex(const RowIndex &row,
                                                int64_t d) const {
  if (cuSeqlensQ)
    return {cuSeqlensQ->loadAsInt({row.b}) + row.i, row.h, d};
  return {row.b, row.i, row.h, d};
}

std::vector<int64_t> AttentionProblem::lseIndex(const RowIndex &row) const {
  if (cuSeqlensQ)
    return {row.h, cuSeqlensQ->loadAsInt({row.b}) + row.i};
  return {row.b, row.h, row.i};
}

std::vector<int64_t> AttentionProblem::outShape() const {
  std::vector<int64_t> shape = q.shape();
  shape.back() = dimV();
  return shape;
}

std::vector<int64_t> AttentionProblem::lseShape() const {
  if (cuSeqlensQ)
    return {numQHeads(), q.dim(0)};
  return {batch(), numQHeads(), q.dim(1)};
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

std::vector<RowIndex> reference::allRows(const AttentionProblem &problem) {
  std::vector<RowIndex> rows;
  for (int64_t b = 0; b < problem.batch(); ++b)
    for (int64_t h = 0; h < problem.numQHeads(); ++h)
      for (int64_t i = 0; i < problem.numRows(b); ++i)
        rows.push_back({b, h, i});
  return rows;
}

std::vector<RowIndex> reference::sampleRows(const AttentionProblem &problem,
                                            int64_t count, uint64_t seed) {
  std::mt19937_64 engine(seed);
  // A remainder is uneven by less than 2^-32 for the sizes that occur.
  auto below = [&engine](int64_t bound) {
    return static_cast<int64_t>(engine() % static_cast<uint64_t>(bound));
  };
  std::vector<RowIndex> rows;
  const int64_t heads = problem.numQHeads();
  std::vector<int64_t> filled;
  for (int64_t b = 0; b < problem.batch() && heads > 0; ++b) {
    if (problem.numRows(b) == 0)
      continue;
    filled.push_back(b);
    rows.push_back({b, below(heads), 0});
    rows.push_back({b, below(heads), problem.numRows(b) - 1});
    if (problem.qLength(b) > 0)
      rows.push_back({b, below(heads), problem.qLength(b) - 1});
  }
  while (static_cast<int64_t>(rows.size()) < count && !filled.empty()) {
    const int64_t b = filled[below(static_cast<int64_t>(filled.size()))];
    rows.push_back({b, below(heads), below(problem.numRows(b))});
  }
  auto key = [](const RowIndex &row) {
    return std::make_tuple(row.b, row.h, row.i);
  };
  std::sort(rows.begin(), rows.end(),
            [key](const RowIndex &lhs, const RowIndex &rhs) {
              return key(lhs) < key(rhs);
            });
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}
