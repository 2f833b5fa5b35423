//===- ElementType.h - Element types and their exact conversions ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The element types of arrays handed to kernels, with conversions that need
// no compiler library: exact to double, round-to-nearest-even from double.
//
// Overflow follows MLIR and ml_dtypes, nothing saturates. A finite value that
// rounds beyond the largest finite one becomes
//   +-Inf in f32, f16, bf16 and f8E5M2 (formats with infinities),
//   NaN   in f8E4M3FN and the FNUZ types (formats without; Inf too is NaN).
// The FNUZ types have one NaN (0x80) and no negative zero.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_ELEMENTTYPE_H
#define ATTN_SUPPORT_ELEMENTTYPE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace attn {

enum class ElementType : uint8_t {
  F64,
  F32,
  F16,
  BF16,
  F8E4M3FN,
  F8E5M2,
  F8E4M3FNUZ,
  F8E5M2FNUZ,
  /// One byte per element, 0 or 1 (any other byte reads as 1).
  I1,
  I8,
  I32,
  I64,
};

/// Every element type, for tables and tests.
constexpr ElementType allElementTypes[] = {
    ElementType::F64,        ElementType::F32,        ElementType::F16,
    ElementType::BF16,       ElementType::F8E4M3FN,   ElementType::F8E5M2,
    ElementType::F8E4M3FNUZ, ElementType::F8E5M2FNUZ, ElementType::I1,
    ElementType::I8,         ElementType::I32,        ElementType::I64};

/// Bytes of one element in memory.
int64_t byteSize(ElementType type);

bool isFloat(ElementType type);
bool isFloat8(ElementType type);
/// True for f16 and bf16.
bool is16BitFloat(ElementType type);

/// MLIR's spelling: "f32", "bf16", "f8E4M3FN", "i1", ...
std::string_view name(ElementType type);

/// The inverse of `name`; nothing if the spelling is unknown.
std::optional<ElementType> parseElementType(std::string_view spelling);

/// Reads one element. Exact, except that an i64 beyond 2^53 rounds to nearest.
double loadAsDouble(ElementType type, const void *element);

/// Writes one element. Floats round to nearest even; integers round to nearest
/// even, clamp to their range and take NaN as 0; i1 stores `value != 0`.
void storeFromDouble(ElementType type, void *element, double value);

/// Reads one integer (or i1) element exactly.
int64_t loadAsInt(ElementType type, const void *element);

/// Rounds to the nearest value of a float type: load(store(value)).
double roundTo(ElementType type, double value);

/// The same for f32 arithmetic, for inner loops.
float roundTo(ElementType type, float value);

/// Distance between neighbouring values of a float type in the binade of
/// |magnitude|: the smallest subnormal at 0, the last binade's beyond the
/// largest finite value or for Inf. NaN gives NaN.
double ulp(ElementType type, double magnitude);

/// Largest finite value of a float type.
double largestFinite(ElementType type);

/// Converts `count` elements that lie `stride` elements apart.
void loadRow(ElementType type, const void *first, int64_t stride, int64_t count,
             double *result);
/// As above; f64 elements round to f32.
void loadRow(ElementType type, const void *first, int64_t stride, int64_t count,
             float *result);

} // namespace attn

#endif // ATTN_SUPPORT_ELEMENTTYPE_H
