//===- SmallFloat.cpp - Exact conversions from and to small floats --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SmallFloat.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace attn::emulator;

int attn::emulator::bitWidth(FloatType type) {
  switch (type) {
  case FloatType::F32:
  case FloatType::TF32:
    return 32;
  case FloatType::F16:
  case FloatType::BF16:
    return 16;
  default:
    return 8;
  }
}

const FloatFormat &attn::emulator::formatOf(FloatType type) {
  static const FloatFormat f16 = {5, 10, 15, true, false};
  static const FloatFormat bf16 = {8, 7, 127, true, false};
  static const FloatFormat e4m3 = {4, 3, 7, false, false};
  static const FloatFormat e5m2 = {5, 2, 15, true, false};
  static const FloatFormat e4m3fnuz = {4, 3, 8, false, true};
  static const FloatFormat e5m2fnuz = {5, 2, 16, false, true};
  switch (type) {
  case FloatType::F16:
    return f16;
  case FloatType::E4M3:
    return e4m3;
  case FloatType::E5M2:
    return e5m2;
  case FloatType::E4M3FNUZ:
    return e4m3fnuz;
  case FloatType::E5M2FNUZ:
    return e5m2fnuz;
  default:
    return bf16;
  }
}

float attn::emulator::decodeSlowly(uint32_t bits, const FloatFormat &format) {
  const int width = format.exponentBits + format.mantissaBits;
  const bool isNegative = bits >> width & 1;
  const uint32_t exponent =
      bits >> format.mantissaBits & ((1u << format.exponentBits) - 1);
  const uint32_t mantissa = bits & ((1u << format.mantissaBits) - 1);
  const uint32_t top = (1u << format.exponentBits) - 1;
  const uint32_t allMantissa = (1u << format.mantissaBits) - 1;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  if (format.isFnuz) {
    if (isNegative && !exponent && !mantissa)
      return nan;
  } else if (exponent == top) {
    if (format.hasInfinity)
      return mantissa ? nan
                      : (isNegative ? -1 : 1) *
                            std::numeric_limits<float>::infinity();
    if (mantissa == allMantissa)
      return nan;
  }
  const int scale = static_cast<int>(exponent ? exponent : 1) - format.bias -
                    format.mantissaBits;
  const uint32_t hidden = exponent ? 1u << format.mantissaBits : 0;
  const float value = std::ldexp(static_cast<float>(mantissa + hidden), scale);
  return isNegative ? -value : value;
}

uint32_t attn::emulator::encode(double value, const FloatFormat &format) {
  const int width = format.exponentBits + format.mantissaBits;
  const uint32_t sign = std::signbit(value) ? 1u << width : 0;
  const uint32_t top = (1u << format.exponentBits) - 1;
  const uint32_t nan =
      format.isFnuz ? 1u << width
      : format.hasInfinity
          ? (top << format.mantissaBits) | (1u << (format.mantissaBits - 1))
          : (1u << width) - 1;
  const uint32_t overflow = format.hasInfinity
                                ? sign | top << format.mantissaBits
                                : (format.isFnuz ? nan : sign | nan);
  if (std::isnan(value))
    return nan;
  if (std::isinf(value))
    return overflow;
  int exponent;
  std::frexp(value, &exponent); // |value| in [0.5, 1) * 2^exponent
  const int minExponent = 1 - format.bias;
  const int unit = std::max(exponent - 1, minExponent) - format.mantissaBits;
  const double steps = std::nearbyint(std::ldexp(std::fabs(value), -unit));
  if (steps == 0)
    return format.isFnuz ? 0 : sign;
  // Subnormals count steps from zero; adding the steps of a normal number above
  // its hidden bit lets a carry into the next exponent come out right.
  const int biased = unit + format.mantissaBits + format.bias;
  const uint64_t pattern =
      static_cast<uint64_t>(steps) +
      (static_cast<uint64_t>(biased - 1) << format.mantissaBits);
  const uint64_t largest = format.hasInfinity
                               ? (uint64_t(top) << format.mantissaBits) - 1
                           : format.isFnuz ? (uint64_t(1) << width) - 1
                                           : (uint64_t(1) << width) - 2;
  return pattern > largest ? overflow : sign | static_cast<uint32_t>(pattern);
}

namespace {
/// All values of a type, by pattern.
struct DecodeTable {
  explicit DecodeTable(FloatType type) : values(size_t(1) << bitWidth(type)) {
    for (uint32_t bits = 0; bits < values.size(); ++bits)
      values[bits] = decodeSlowly(bits, formatOf(type));
  }
  std::vector<float> values;
};
} // namespace

static const std::vector<float> &tableOf(FloatType type) {
  static const DecodeTable f16(FloatType::F16);
  static const DecodeTable e4m3(FloatType::E4M3);
  static const DecodeTable e5m2(FloatType::E5M2);
  static const DecodeTable e4m3fnuz(FloatType::E4M3FNUZ);
  static const DecodeTable e5m2fnuz(FloatType::E5M2FNUZ);
  switch (type) {
  case FloatType::F16:
    return f16.values;
  case FloatType::E4M3:
    return e4m3.values;
  case FloatType::E5M2:
    return e5m2.values;
  case FloatType::E4M3FNUZ:
    return e4m3fnuz.values;
  default:
    return e5m2fnuz.values;
  }
}

FloatDecoder::FloatDecoder(FloatType type) {
  switch (type) {
  case FloatType::F32:
    break;
  case FloatType::TF32:
    kept = ~uint32_t(0x1FFF);
    break;
  case FloatType::BF16:
    shift = 16;
    break;
  default:
    table = tableOf(type).data();
    tableMask = (1u << bitWidth(type)) - 1;
  }
}
