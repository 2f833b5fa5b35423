//===- Merge.cpp - Merging parts of a split over keys ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Attention.h"

#include <cmath>
#include <limits>

using namespace attn;
using namespace attn::reference;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// log sum exp of the parts' lse of one row; NaN if any is NaN.
static double mergeLse(const std::vector<MergePart> &parts, int64_t row) {
  double max = -infinity;
  for (const MergePart &part : parts)
    max = std::fmax(max, part.lse[row]);
  double sum = 0;
  for (const MergePart &part : parts)
    if (part.lse[row] != -infinity)
      sum += std::exp(part.lse[row] - max);
  return max == -infinity && sum == 0 ? -infinity : max + std::log(sum);
}

MergePart reference::merge(const std::vector<MergePart> &parts, int64_t rows,
                           int64_t dim) {
  MergePart result;
  result.out.assign(static_cast<size_t>(rows * dim), 0);
  result.lse.resize(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    const double lse = mergeLse(parts, row);
    result.lse[row] = lse;
    double *out = result.out.data() + row * dim;
    for (const MergePart &part : parts) {
      // An empty part may hold anything: 0 * NaN must not happen.
      if (part.lse[row] == -infinity)
        continue;
      const double weight = std::exp(part.lse[row] - lse);
      for (int64_t d = 0; d < dim; ++d)
        out[d] += weight * part.out[row * dim + d];
    }
  }
  return result;
}
