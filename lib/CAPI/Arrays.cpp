//===- Arrays.cpp - Arrays that a caller describes ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

using namespace attn;
using namespace attn::capi;

bool ArrayReader::read(const AttnArray *arrays, std::string &error) {
  KernelArray *result =
      heapStorage.empty() ? inlineStorage : heapStorage.data();
  for (size_t i = 0; i < count; ++i) {
    const AttnArray &array = arrays[i];
    if (array.type < ATTN_F64 || array.type > ATTN_I64) {
      error = "array " + std::to_string(i) + ": no element type " +
              std::to_string(array.type);
      return false;
    }
    if (array.rank < 0 ||
        (array.rank > 0 && (!array.sizes || !array.strides))) {
      error = "array " + std::to_string(i) +
              ": rank must be >= 0, and sizes and strides given";
      return false;
    }
    result[i] = {array.data, static_cast<ElementType>(array.type), array.rank,
                 array.sizes, array.strides};
  }
  return true;
}
