//===- MatrixProduct.h - D = A B + C for one matrix instruction -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_OPS_MATRIXPRODUCT_H
#define ATTN_LIB_EMULATOR_OPS_MATRIXPRODUCT_H

#include <cstdint>

namespace attn::emulator {

/// Products of all operand types of 16 bits and less, and of TF32, are exact in
/// double. The order in which the hardware sums them is not documented; here
/// they are summed in double and rounded once.
class MatrixProduct {
public:
  static constexpr uint32_t maxRows = 64;
  static constexpr uint32_t maxColumns = 256;
  static constexpr uint32_t maxDepth = 128;

  MatrixProduct(uint32_t rows, uint32_t columns, uint32_t depth)
      : rows(rows), columns(columns), depth(depth) {}

  float &a(uint32_t row, uint32_t k) { return left[row][k]; }
  float &b(uint32_t k, uint32_t column) { return right[k][column]; }
  double &d(uint32_t row, uint32_t column) { return sums[row][column]; }

  /// Adds A B to D.
  void accumulate();

  const uint32_t rows;
  const uint32_t columns;
  const uint32_t depth;

private:
  // Not initialised: instructions fill the part that they use.
  float left[maxRows][maxDepth];
  float right[maxDepth][maxColumns];
  double sums[maxRows][maxColumns];
};

/// A product of this host thread, to be filled: it is too large for a fiber.
MatrixProduct &matrixProduct(uint32_t rows, uint32_t columns, uint32_t depth);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_MATRIXPRODUCT_H
