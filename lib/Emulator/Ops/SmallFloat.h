//===- SmallFloat.h - Exact conversions from and to small floats ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written from the formats' definitions, apart from lib/Support: what checks a
// kernel should not convert with the code that made its inputs.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_OPS_SMALLFLOAT_H
#define ATTN_LIB_EMULATOR_OPS_SMALLFLOAT_H

#include <cstdint>
#include <cstring>

namespace attn::emulator {

/// Types of matrix operands.
enum class FloatType : uint8_t {
  F32,
  TF32,
  F16,
  BF16,
  E4M3,
  E5M2,
  E4M3FNUZ,
  E5M2FNUZ,
};

/// A type with subnormals below 2^(1 - bias).
struct FloatFormat {
  int exponentBits;
  int mantissaBits;
  int bias;
  bool hasInfinity;
  /// The only NaN is the pattern of negative zero.
  bool isFnuz;
};

int bitWidth(FloatType type);
const FloatFormat &formatOf(FloatType type);

/// The value of a pattern of up to 16 bits. Exact.
float decodeSlowly(uint32_t bits, const FloatFormat &format);
/// Round to nearest even; overflow gives infinity, or NaN where there is none.
uint32_t encode(double value, const FloatFormat &format);

inline float bitsToFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint32_t floatToBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// Gives the values of a type's patterns; higher bits than those of the type do
/// not count, and neither do the low 13 bits of TF32.
class FloatDecoder {
public:
  explicit FloatDecoder(FloatType type);

  float operator()(uint32_t bits) const {
    return table ? table[bits & tableMask] : bitsToFloat(bits << shift & kept);
  }

private:
  /// Of types without a simple way: all values, by pattern.
  const float *table = nullptr;
  uint32_t tableMask = 0;
  int shift = 0;
  uint32_t kept = ~uint32_t(0);
};

inline float decode(uint32_t bits, FloatType type) {
  return FloatDecoder(type)(bits);
}

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_SMALLFLOAT_H
