//===- Npy.h - Reading and writing NumPy's .npy files ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Format versions 1, 2 and 3, as specified in numpy/lib/format.py.
//
// A file has a NumPy type; the caller decides which element type that means,
// because NumPy has no name for bf16 and fp8. Bad input of any kind gives one
// line of error, and nothing is allocated that the file does not back.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_NPY_H
#define ATTN_SUPPORT_NPY_H

#include "attn/Support/Tensor.h"

#include <cstddef>

namespace attn {

/// A NumPy scalar type: kind 'f', 'i', 'u', 'b' or 'V' (raw bytes) and size.
struct NpyType {
  char kind = 'f';
  int64_t bytes = 4;
};

inline bool operator==(NpyType lhs, NpyType rhs) {
  return lhs.kind == rhs.kind && lhs.bytes == rhs.bytes;
}

/// NumPy's name of a type: "float16", "int32", "void16" (2 raw bytes), ...
std::string name(NpyType type);

/// The contents of a file, bytes as they were stored.
struct NpyArray {
  NpyType type;
  std::vector<int64_t> shape;
  /// In elements: row-major, or column-major for Fortran-ordered files.
  std::vector<int64_t> strides;
  /// An i8 array that holds all the bytes.
  Tensor bytes;
};

/// Parses a whole file image. Accepts f2 f4 f8, b1, i1 i2 i4 i8, u1 u2 and
/// raw V1 V2; refuses every other type, big-endian data, and files that are
/// longer or shorter than their header says.
std::optional<NpyArray> parseNpy(const void *data, size_t size,
                                 std::string &error);

/// Reads a regular file. The error names the path.
std::optional<NpyArray> readNpy(const std::string &path, std::string &error);

/// Gives the array a meaning. Float types take their own NumPy type; f16, bf16
/// take raw V2 or u2 too, fp8 types V1 or u1. i1 takes bool. i8, i32, i64 take
/// any integer type, converted exactly; a value that does not fit is refused.
std::optional<Tensor> interpretNpy(NpyArray array, ElementType type,
                                   std::string &error);

/// The NumPy type an element type is written as: bf16 is V2, fp8 is V1.
NpyType npyType(ElementType type);

/// Writes any view in row-major order, format version 1. An existing file is
/// replaced.
bool writeNpy(const std::string &path, const TensorView &view,
              std::string &error);

} // namespace attn

#endif // ATTN_SUPPORT_NPY_H
