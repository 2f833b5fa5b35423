//===- MatrixProduct.cpp - D = A B + C for one matrix instruction ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"

#include <new>

using namespace attn::emulator;

MatrixProduct &attn::emulator::matrixProduct(uint32_t rows, uint32_t columns,
                                             uint32_t depth) {
  alignas(
      MatrixProduct) static thread_local char storage[sizeof(MatrixProduct)];
  return *new (storage) MatrixProduct(rows, columns, depth);
}

/// One row: the columns are independent, so they vectorise.
__attribute__((target_clones("avx512f", "avx2,fma", "default"))) static void
accumulateRow(const float *left,
              const float (*right)[MatrixProduct::maxColumns], double *sums,
              uint32_t columns, uint32_t depth) {
  for (uint32_t k = 0; k < depth; ++k) {
    const double factor = left[k];
    const float *row = right[k];
    for (uint32_t column = 0; column < columns; ++column)
      sums[column] += factor * row[column];
  }
}

void MatrixProduct::accumulate() {
  for (uint32_t row = 0; row < rows; ++row)
    accumulateRow(left[row], right, sums[row], columns, depth);
}
