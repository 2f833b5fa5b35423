//===- ElementTypeTest.cpp - Exact conversions of element types -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/ElementType.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace attn;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

static const ElementType smallFloats[] = {
    ElementType::F16,    ElementType::BF16,       ElementType::F8E4M3FN,
    ElementType::F8E5M2, ElementType::F8E4M3FNUZ, ElementType::F8E5M2FNUZ};

static uint32_t store(ElementType type, double value) {
  uint32_t code = 0;
  storeFromDouble(type, &code, value);
  return code;
}

static double load(ElementType type, uint32_t code) {
  return loadAsDouble(type, &code);
}

static uint32_t numCodes(ElementType type) {
  return 1u << (8 * byteSize(type));
}

TEST(ElementType, NamesAndSizes) {
  for (ElementType type : allElementTypes)
    EXPECT_EQ(parseElementType(name(type)), type);
  EXPECT_EQ(name(ElementType::BF16), "bf16");
  EXPECT_EQ(name(ElementType::F8E4M3FNUZ), "f8E4M3FNUZ");
  for (const char *unknown : {"", "f", "f128", "F32", "f32 ", "f8E4M3"})
    EXPECT_FALSE(parseElementType(unknown)) << unknown;
  EXPECT_EQ(byteSize(ElementType::F64), 8);
  EXPECT_EQ(byteSize(ElementType::BF16), 2);
  EXPECT_EQ(byteSize(ElementType::F8E5M2), 1);
  EXPECT_EQ(byteSize(ElementType::I1), 1);
  EXPECT_EQ(byteSize(ElementType::I64), 8);
  EXPECT_TRUE(is16BitFloat(ElementType::F16));
  EXPECT_FALSE(is16BitFloat(ElementType::F8E5M2));
  EXPECT_TRUE(isFloat8(ElementType::F8E5M2FNUZ));
  EXPECT_FALSE(isFloat(ElementType::I8));
}

// Codes from the formats' definitions: value = 2^(E - bias) (1 + M / 2^m).
TEST(ElementType, KnownCodes) {
  struct Case {
    ElementType type;
    double value;
    uint32_t code;
  };
  const ElementType f16 = ElementType::F16, bf16 = ElementType::BF16;
  const ElementType e4m3 = ElementType::F8E4M3FN, e5m2 = ElementType::F8E5M2;
  const ElementType e4m3z = ElementType::F8E4M3FNUZ;
  const ElementType e5m2z = ElementType::F8E5M2FNUZ;
  const Case cases[] = {
      // Bias 15, 10 mantissa bits. 65520 is halfway to 65536 and overflows.
      {f16, 1.0, 0x3c00},
      {f16, -2.0, 0xc000},
      {f16, 65504.0, 0x7bff},
      {f16, 65519.9999, 0x7bff},
      {f16, 65520.0, 0x7c00},
      {f16, -1e300, 0xfc00},
      {f16, 0x1p-14, 0x0400},
      {f16, 0x1p-24, 0x0001},
      {f16, 0x1p-25, 0x0000},
      {f16, 0x1.8p-24, 0x0002},
      {f16, -0.0, 0x8000},
      {f16, infinity, 0x7c00},
      {f16, 0x1p-1074, 0x0000},
      // Bias 127, 7 mantissa bits: ties go to the even one.
      {bf16, 1.0, 0x3f80},
      {bf16, 1 + 0x1p-8, 0x3f80},
      {bf16, 1 + 0x3p-8, 0x3f82},
      {bf16, 1 + 0x1p-8 + 0x1p-50, 0x3f81},
      {bf16, 0x1.fep127, 0x7f7f},
      {bf16, 0x1.ffp127, 0x7f80},
      {bf16, -infinity, 0xff80},
      {bf16, 0x1p-133, 0x0001},
      // Bias 7. 464 is halfway from 448 to a code that is NaN: even is 448.
      {e4m3, 1.0, 0x38},
      {e4m3, 448.0, 0x7e},
      {e4m3, 464.0, 0x7e},
      {e4m3, 464.1, 0x7f},
      {e4m3, infinity, 0x7f},
      {e4m3, -infinity, 0xff},
      {e4m3, 0x1p-9, 0x01},
      {e4m3, -0.0, 0x80},
      // Bias 15. 61440 is halfway from 57344 (odd) to infinity.
      {e5m2, 1.0, 0x3c},
      {e5m2, 57344.0, 0x7b},
      {e5m2, 61439.0, 0x7b},
      {e5m2, 61440.0, 0x7c},
      {e5m2, -1e9, 0xfc},
      {e5m2, 0x1p-16, 0x01},
      // Bias 8, no infinities, no -0. 248 is halfway from 240 (odd) to NaN.
      {e4m3z, 1.0, 0x40},
      {e4m3z, 240.0, 0x7f},
      {e4m3z, 247.9, 0x7f},
      {e4m3z, 248.0, 0x80},
      {e4m3z, -infinity, 0x80},
      {e4m3z, -0.0, 0x00},
      {e4m3z, -1e-9, 0x00},
      {e4m3z, 0x1p-10, 0x01},
      // Bias 16.
      {e5m2z, 1.0, 0x40},
      {e5m2z, -57344.0, 0xff},
      {e5m2z, 61440.0, 0x80},
      {e5m2z, 0x1p-17, 0x01},
  };
  for (const Case &c : cases)
    EXPECT_EQ(store(c.type, c.value), c.code) << name(c.type) << " " << c.value;
}

TEST(ElementType, NaN) {
  for (ElementType type : smallFloats)
    for (double value : {notANumber, -notANumber})
      EXPECT_TRUE(std::isnan(load(type, store(type, value)))) << name(type);
  EXPECT_EQ(store(ElementType::F8E4M3FN, notANumber) & 0x7f, 0x7fu);
  EXPECT_EQ(store(ElementType::F8E5M2FNUZ, notANumber), 0x80u);
  EXPECT_EQ(store(ElementType::BF16, notANumber), 0x7fc0u);
  // All bits set, the poison of outputs.
  for (ElementType type : {ElementType::F16, ElementType::BF16,
                           ElementType::F8E4M3FN, ElementType::F8E5M2})
    EXPECT_TRUE(std::isnan(load(type, 0xffffffff))) << name(type);
}

TEST(ElementType, EveryCodeSurvivesARoundTrip) {
  for (ElementType type : smallFloats)
    for (uint32_t code = 0; code < numCodes(type); ++code) {
      const double value = load(type, code);
      if (std::isnan(value))
        continue;
      ASSERT_EQ(store(type, value), code) << name(type) << " " << value;
    }
}

// Between every two neighbours: the middle goes to the even code, anything
// else to the nearer one.
TEST(ElementType, RoundsToNearestEven) {
  for (ElementType type : smallFloats) {
    const uint32_t signBit = numCodes(type) / 2;
    for (uint32_t code = 0; code + 1 < signBit; ++code) {
      const double low = load(type, code), high = load(type, code + 1);
      if (!std::isfinite(high))
        break;
      ASSERT_LT(low, high);
      const double middle = low + (high - low) / 2;
      const uint32_t even = code & 1 ? code + 1 : code;
      ASSERT_EQ(store(type, middle), even) << name(type) << " " << middle;
      ASSERT_EQ(store(type, std::nextafter(middle, 0)), code);
      ASSERT_EQ(store(type, std::nextafter(middle, infinity)), code + 1);
      if (even > 0) {
        ASSERT_EQ(store(type, -middle), even | signBit);
      }
    }
  }
}

TEST(ElementType, RoundToF32AgreesWithDouble) {
  std::mt19937_64 engine(7);
  for (ElementType type : smallFloats)
    for (int n = 0; n < 200000; ++n) {
      // Half of the exponents near the type's own range.
      uint32_t bits = static_cast<uint32_t>(engine());
      if (n & 1)
        bits = (bits & 0x807fffff) | ((0x60 + (bits >> 25) % 0x30) << 23);
      float value;
      std::memcpy(&value, &bits, sizeof(value));
      const float fast = roundTo(type, value);
      const double exact = roundTo(type, static_cast<double>(value));
      if (std::isnan(exact)) {
        ASSERT_TRUE(std::isnan(fast)) << name(type) << " " << value;
        continue;
      }
      ASSERT_EQ(fast, exact) << name(type) << " " << value;
      ASSERT_EQ(std::signbit(fast), std::signbit(exact)) << value;
    }
  EXPECT_EQ(roundTo(ElementType::F32, 0.1), double(0.1f));
  EXPECT_EQ(roundTo(ElementType::F64, 0.1), 0.1);
}

TEST(ElementType, Ulp) {
  EXPECT_EQ(ulp(ElementType::F32, 1.0), 0x1p-23);
  EXPECT_EQ(ulp(ElementType::F32, -1.99), 0x1p-23);
  EXPECT_EQ(ulp(ElementType::F32, 0.0), 0x1p-149);
  EXPECT_EQ(ulp(ElementType::F64, 1.0), 0x1p-52);
  EXPECT_EQ(ulp(ElementType::BF16, 2.0), 0x1p-6);
  EXPECT_EQ(ulp(ElementType::F16, 0.999), 0x1p-11);
  EXPECT_EQ(ulp(ElementType::F16, 1e-9), 0x1p-24);
  EXPECT_EQ(ulp(ElementType::F16, infinity), 32.0);
  EXPECT_EQ(ulp(ElementType::F8E4M3FN, 300.0), 32.0);
  EXPECT_EQ(ulp(ElementType::F8E4M3FNUZ, 1.0), 0.125);
  EXPECT_TRUE(std::isnan(ulp(ElementType::F32, notANumber)));
  EXPECT_EQ(largestFinite(ElementType::F8E5M2), 57344.0);
  EXPECT_EQ(largestFinite(ElementType::F8E4M3FN), 448.0);
  EXPECT_EQ(largestFinite(ElementType::F8E4M3FNUZ), 240.0);
  EXPECT_EQ(largestFinite(ElementType::BF16), 0x1.fep127);
}

TEST(ElementType, Integers) {
  int8_t i8;
  storeFromDouble(ElementType::I8, &i8, -128.4);
  EXPECT_EQ(i8, -128);
  storeFromDouble(ElementType::I8, &i8, 1e9);
  EXPECT_EQ(i8, 127);
  int32_t i32;
  storeFromDouble(ElementType::I32, &i32, 2.5);
  EXPECT_EQ(i32, 2);
  storeFromDouble(ElementType::I32, &i32, notANumber);
  EXPECT_EQ(i32, 0);
  int64_t i64;
  storeFromDouble(ElementType::I64, &i64, 1e30);
  EXPECT_EQ(i64, std::numeric_limits<int64_t>::max());
  storeFromDouble(ElementType::I64, &i64, -1e30);
  EXPECT_EQ(i64, std::numeric_limits<int64_t>::min());
  i64 = (int64_t(1) << 53) + 1;
  EXPECT_EQ(loadAsInt(ElementType::I64, &i64), i64);
  uint8_t i1 = 7;
  EXPECT_EQ(loadAsInt(ElementType::I1, &i1), 1);
  storeFromDouble(ElementType::I1, &i1, 0.5);
  EXPECT_EQ(i1, 1);
  storeFromDouble(ElementType::I1, &i1, 0.0);
  EXPECT_EQ(i1, 0);
}

TEST(ElementType, LoadRow) {
  for (ElementType type : allElementTypes) {
    const int64_t bytes = byteSize(type);
    std::vector<char> memory(static_cast<size_t>(7 * bytes));
    for (int64_t n = 0; n < 7; ++n)
      storeFromDouble(type, memory.data() + n * bytes,
                      static_cast<double>(n - 2));
    for (int64_t stride : {-2, -1, 0, 1, 2}) {
      const char *first = memory.data() + (stride < 0 ? 6 : 0) * bytes;
      double asDouble[3];
      float asFloat[3];
      loadRow(type, first, stride, 3, asDouble);
      loadRow(type, first, stride, 3, asFloat);
      for (int64_t n = 0; n < 3; ++n) {
        const double expected = loadAsDouble(type, first + n * stride * bytes);
        EXPECT_EQ(asDouble[n], expected) << name(type) << " " << stride;
        EXPECT_EQ(asFloat[n], expected) << name(type) << " " << stride;
      }
    }
  }
}
