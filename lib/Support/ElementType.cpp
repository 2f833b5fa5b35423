//===- ElementType.cpp - Element types and their exact conversions --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/ElementType.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

using namespace attn;

namespace {

/// What the codes beyond the finite values mean.
enum class Special : uint8_t {
  /// The last exponent holds Inf and NaNs.
  IEEE,
  /// Only the code with all bits but the sign set is NaN; no Inf.
  FN,
  /// Only "negative zero" is NaN; no Inf, no -0.
  FNUZ,
};

/// A float type as numbers. `bits` is 0 for types that are not floats.
struct FloatFormat {
  int bits;
  int mantissaBits;
  int bias;
  Special special;

  int minExponent() const { return 1 - bias; }
};

struct TypeInfo {
  ElementType type;
  std::string_view name;
  int64_t bytes;
  FloatFormat format;
};

// f8 types: "FP8 Formats for Deep Learning" (arXiv 2209.05433) for FN and E5M2,
// "8-bit Numerical Formats for Deep Neural Networks" (arXiv 2206.02915) for
// FNUZ, whose bias is one larger.
constexpr TypeInfo typeInfos[] = {
    {ElementType::F64, "f64", 8, {64, 52, 1023, Special::IEEE}},
    {ElementType::F32, "f32", 4, {32, 23, 127, Special::IEEE}},
    {ElementType::F16, "f16", 2, {16, 10, 15, Special::IEEE}},
    {ElementType::BF16, "bf16", 2, {16, 7, 127, Special::IEEE}},
    {ElementType::F8E4M3FN, "f8E4M3FN", 1, {8, 3, 7, Special::FN}},
    {ElementType::F8E5M2, "f8E5M2", 1, {8, 2, 15, Special::IEEE}},
    {ElementType::F8E4M3FNUZ, "f8E4M3FNUZ", 1, {8, 3, 8, Special::FNUZ}},
    {ElementType::F8E5M2FNUZ, "f8E5M2FNUZ", 1, {8, 2, 16, Special::FNUZ}},
    {ElementType::I1, "i1", 1, {0, 0, 0, Special::IEEE}},
    {ElementType::I8, "i8", 1, {0, 0, 0, Special::IEEE}},
    {ElementType::I32, "i32", 4, {0, 0, 0, Special::IEEE}},
    {ElementType::I64, "i64", 8, {0, 0, 0, Special::IEEE}},
};

} // namespace

static const TypeInfo &info(ElementType type) {
  const TypeInfo &result = typeInfos[static_cast<size_t>(type)];
  assert(result.type == type && "table out of order");
  return result;
}

template <typename T>
static T readAs(const void *element) {
  T value;
  std::memcpy(&value, element, sizeof(T));
  return value;
}

template <typename T>
static void writeAs(void *element, T value) {
  std::memcpy(element, &value, sizeof(T));
}

//===----------------------------------------------------------------------===//
// Types of at most 16 bits
//===----------------------------------------------------------------------===//

/// Code of the largest finite value, sign clear.
static uint32_t lastFiniteCode(const FloatFormat &format) {
  uint32_t all = (1u << (format.bits - 1)) - 1;
  switch (format.special) {
  case Special::IEEE:
    return all - (1u << format.mantissaBits);
  case Special::FN:
    return all - 1;
  case Special::FNUZ:
    return all;
  }
  return all;
}

static double decode(const FloatFormat &format, uint32_t code) {
  const uint32_t signBit = 1u << (format.bits - 1);
  const bool negative = code & signBit;
  const uint32_t magnitude = code & (signBit - 1);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (format.special == Special::FNUZ && code == signBit)
    return nan;
  if (magnitude > lastFiniteCode(format)) {
    const bool isInf = format.special == Special::IEEE &&
                       magnitude == lastFiniteCode(format) + 1;
    const double inf = std::numeric_limits<double>::infinity();
    return isInf ? (negative ? -inf : inf) : nan;
  }
  const int exponent = static_cast<int>(magnitude >> format.mantissaBits);
  const uint32_t hiddenBit = 1u << format.mantissaBits;
  uint32_t mantissa = magnitude & (hiddenBit - 1);
  int scale = format.minExponent() - format.mantissaBits;
  if (exponent > 0) {
    mantissa |= hiddenBit;
    scale += exponent - 1;
  }
  const double value = std::ldexp(static_cast<double>(mantissa), scale);
  return negative ? -value : value;
}

static uint32_t encodeNaN(const FloatFormat &format, bool negative) {
  const uint32_t signBit = 1u << (format.bits - 1);
  if (format.special == Special::FNUZ)
    return signBit;
  uint32_t code = signBit - 1;
  // The canonical quiet NaN has only the top mantissa bit set.
  if (format.special == Special::IEEE)
    code = lastFiniteCode(format) + 1 + (1u << (format.mantissaBits - 1));
  return negative ? code | signBit : code;
}

static uint32_t encode(const FloatFormat &format, double value) {
  uint64_t bits = readAs<uint64_t>(&value);
  const bool negative = bits >> 63;
  const uint32_t signBit = 1u << (format.bits - 1);
  const uint32_t sign = negative ? signBit : 0;
  if (std::isnan(value))
    return encodeNaN(format, negative);
  const bool hasInf = format.special == Special::IEEE;
  if (std::isinf(value))
    return hasInf ? sign | (lastFiniteCode(format) + 1)
                  : encodeNaN(format, negative);

  bits &= ~(uint64_t(1) << 63);
  const int exponent = static_cast<int>(bits >> 52) - 1023;
  const uint64_t mantissa =
      (bits & ((uint64_t(1) << 52) - 1)) | (uint64_t(1) << 52);
  const int below = std::max(0, format.minExponent() - exponent);
  const int shift = 52 - format.mantissaBits + below;
  uint64_t code = 0;
  // Beyond 53 bits the value is under half of the smallest subnormal. Doubles'
  // own subnormals (without the hidden bit set above) are among these.
  if (shift <= 53) {
    const uint64_t remainder = mantissa & ((uint64_t(1) << shift) - 1);
    const uint64_t half = uint64_t(1) << (shift - 1);
    code = mantissa >> shift;
    if (remainder > half || (remainder == half && (code & 1)))
      ++code;
    // A carry out of the mantissa lands in the exponent, as it should.
    if (below == 0)
      code += static_cast<uint64_t>(exponent - format.minExponent())
              << format.mantissaBits;
  }
  if (code > lastFiniteCode(format))
    return hasInf ? sign | (lastFiniteCode(format) + 1)
                  : encodeNaN(format, negative);
  if (code == 0 && format.special == Special::FNUZ)
    return 0;
  return sign | static_cast<uint32_t>(code);
}

/// f16 to f32 by bit operations: inner loops convert whole arrays.
static float decodeF16(uint16_t code) {
  const uint32_t sign = uint32_t(code & 0x8000) << 16;
  uint32_t magnitude = uint32_t(code & 0x7fff) << 13;
  if ((code & 0x7c00) == 0x7c00) {
    magnitude |= 0x7f800000 | sign;
    return readAs<float>(&magnitude);
  }
  // The exponent bias differs by 112; the multiplication also normalises.
  float value = readAs<float>(&magnitude) * 0x1p112f;
  uint32_t bits = readAs<uint32_t>(&value) | sign;
  return readAs<float>(&bits);
}

static float decodeBF16(uint16_t code) {
  const uint32_t bits = uint32_t(code) << 16;
  return readAs<float>(&bits);
}

/// All 256 values of an 8-bit type.
static const float *decodeTable(ElementType type) {
  using Table = std::array<float, 256>;
  static const std::array<Table, 4> tables = [] {
    std::array<Table, 4> result{};
    for (size_t t = 0; t < result.size(); ++t)
      for (uint32_t code = 0; code < 256; ++code)
        result[t][code] = static_cast<float>(
            decode(typeInfos[size_t(ElementType::F8E4M3FN) + t].format, code));
    return result;
  }();
  return tables[size_t(type) - size_t(ElementType::F8E4M3FN)].data();
}

//===----------------------------------------------------------------------===//
// Properties
//===----------------------------------------------------------------------===//

int64_t attn::byteSize(ElementType type) { return info(type).bytes; }

bool attn::isFloat(ElementType type) { return info(type).format.bits != 0; }

bool attn::isFloat8(ElementType type) { return info(type).format.bits == 8; }

bool attn::is16BitFloat(ElementType type) {
  return info(type).format.bits == 16;
}

std::string_view attn::name(ElementType type) { return info(type).name; }

std::optional<ElementType> attn::parseElementType(std::string_view spelling) {
  for (const TypeInfo &candidate : typeInfos)
    if (candidate.name == spelling)
      return candidate.type;
  return std::nullopt;
}

double attn::largestFinite(ElementType type) {
  assert(isFloat(type));
  if (type == ElementType::F64)
    return std::numeric_limits<double>::max();
  if (type == ElementType::F32)
    return std::numeric_limits<float>::max();
  const FloatFormat &format = info(type).format;
  return decode(format, lastFiniteCode(format));
}

double attn::ulp(ElementType type, double magnitude) {
  assert(isFloat(type));
  if (std::isnan(magnitude))
    return magnitude;
  const FloatFormat &format = info(type).format;
  const double clamped = std::min(std::fabs(magnitude), largestFinite(type));
  int exponent = format.minExponent();
  if (clamped > 0)
    exponent = std::max(exponent, std::ilogb(clamped));
  return std::ldexp(1.0, exponent - format.mantissaBits);
}

//===----------------------------------------------------------------------===//
// Single elements
//===----------------------------------------------------------------------===//

double attn::loadAsDouble(ElementType type, const void *element) {
  switch (type) {
  case ElementType::F64:
    return readAs<double>(element);
  case ElementType::F32:
    return readAs<float>(element);
  case ElementType::F16:
    return decodeF16(readAs<uint16_t>(element));
  case ElementType::BF16:
    return decodeBF16(readAs<uint16_t>(element));
  case ElementType::F8E4M3FN:
  case ElementType::F8E5M2:
  case ElementType::F8E4M3FNUZ:
  case ElementType::F8E5M2FNUZ:
    return decodeTable(type)[readAs<uint8_t>(element)];
  case ElementType::I1:
  case ElementType::I8:
  case ElementType::I32:
  case ElementType::I64:
    return static_cast<double>(loadAsInt(type, element));
  }
  assert(false && "unknown element type");
  return 0;
}

int64_t attn::loadAsInt(ElementType type, const void *element) {
  switch (type) {
  case ElementType::I1:
    return readAs<uint8_t>(element) != 0;
  case ElementType::I8:
    return readAs<int8_t>(element);
  case ElementType::I32:
    return readAs<int32_t>(element);
  case ElementType::I64:
    return readAs<int64_t>(element);
  default:
    assert(false && "not an integer type");
    return 0;
  }
}

/// Clamped to [-2^(bits-1), 2^(bits-1) - 1].
static int64_t toInteger(double value, int bits) {
  if (std::isnan(value))
    return 0;
  const double limit = std::ldexp(1.0, bits - 1);
  const double rounded = std::nearbyint(value);
  if (rounded >= limit)
    return static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1);
  if (rounded < -limit)
    return -static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1) - 1;
  return static_cast<int64_t>(rounded);
}

void attn::storeFromDouble(ElementType type, void *element, double value) {
  switch (type) {
  case ElementType::F64:
    return writeAs(element, value);
  case ElementType::F32:
    return writeAs(element, static_cast<float>(value));
  case ElementType::F16:
  case ElementType::BF16:
    return writeAs(element,
                   static_cast<uint16_t>(encode(info(type).format, value)));
  case ElementType::F8E4M3FN:
  case ElementType::F8E5M2:
  case ElementType::F8E4M3FNUZ:
  case ElementType::F8E5M2FNUZ:
    return writeAs(element,
                   static_cast<uint8_t>(encode(info(type).format, value)));
  case ElementType::I1:
    return writeAs(element, static_cast<uint8_t>(value != 0));
  case ElementType::I8:
    return writeAs(element, static_cast<int8_t>(toInteger(value, 8)));
  case ElementType::I32:
    return writeAs(element, static_cast<int32_t>(toInteger(value, 32)));
  case ElementType::I64:
    return writeAs(element, toInteger(value, 64));
  }
  assert(false && "unknown element type");
}

double attn::roundTo(ElementType type, double value) {
  assert(isFloat(type));
  if (type == ElementType::F64)
    return value;
  if (type == ElementType::F32)
    return static_cast<float>(value);
  const FloatFormat &format = info(type).format;
  return decode(format, encode(format, value));
}

/// Rounds away the low 16 bits of an f32.
static float roundToBF16(float value) {
  uint32_t bits = readAs<uint32_t>(&value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return value;
  bits += 0x7fff + ((bits >> 16) & 1);
  bits &= 0xffff0000;
  return readAs<float>(&bits);
}

/// Rounds away the low 13 bits of an f32 in f16's normal range; below it, adds
/// and subtracts a number whose ulp is f16's smallest subnormal.
static float roundToF16(float value) {
  uint32_t bits = readAs<uint32_t>(&value);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000)
    return value;
  if (magnitude < 0x38800000) {
    const float rounded = (std::fabs(value) + 0.5f) - 0.5f;
    return std::copysign(rounded, value);
  }
  bits += 0xfff + ((bits >> 13) & 1);
  bits &= 0xffffe000;
  const float rounded = readAs<float>(&bits);
  if (std::fabs(rounded) > 65504.0f)
    return std::copysign(std::numeric_limits<float>::infinity(), value);
  return rounded;
}

float attn::roundTo(ElementType type, float value) {
  switch (type) {
  case ElementType::F64:
  case ElementType::F32:
    return value;
  case ElementType::BF16:
    return roundToBF16(value);
  case ElementType::F16:
    return roundToF16(value);
  default:
    return static_cast<float>(roundTo(type, static_cast<double>(value)));
  }
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

template <typename Stored, typename Real, typename Convert>
static void convertRow(const void *first, int64_t stride, int64_t count,
                       Real *result, Convert convert) {
  const char *element = static_cast<const char *>(first);
  const int64_t step = stride * static_cast<int64_t>(sizeof(Stored));
  for (int64_t n = 0; n < count; ++n)
    result[n] = static_cast<Real>(convert(readAs<Stored>(element + n * step)));
}

template <typename Real>
static void loadRowAs(ElementType type, const void *first, int64_t stride,
                      int64_t count, Real *result) {
  switch (type) {
  case ElementType::F64:
    return convertRow<double>(first, stride, count, result,
                              [](double x) { return x; });
  case ElementType::F32:
    return convertRow<float>(first, stride, count, result,
                             [](float x) { return x; });
  case ElementType::F16:
    return convertRow<uint16_t>(first, stride, count, result, decodeF16);
  case ElementType::BF16:
    return convertRow<uint16_t>(first, stride, count, result, decodeBF16);
  case ElementType::F8E4M3FN:
  case ElementType::F8E5M2:
  case ElementType::F8E4M3FNUZ:
  case ElementType::F8E5M2FNUZ: {
    const float *table = decodeTable(type);
    return convertRow<uint8_t>(first, stride, count, result,
                               [table](uint8_t code) { return table[code]; });
  }
  case ElementType::I1:
  case ElementType::I8:
  case ElementType::I32:
  case ElementType::I64: {
    const char *element = static_cast<const char *>(first);
    for (int64_t n = 0; n < count; ++n)
      result[n] = static_cast<Real>(
          loadAsInt(type, element + n * stride * byteSize(type)));
    return;
  }
  }
}

void attn::loadRow(ElementType type, const void *first, int64_t stride,
                   int64_t count, double *result) {
  loadRowAs(type, first, stride, count, result);
}

void attn::loadRow(ElementType type, const void *first, int64_t stride,
                   int64_t count, float *result) {
  loadRowAs(type, first, stride, count, result);
}
