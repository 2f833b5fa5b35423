//===- Arrays.h - Arrays that a caller describes ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CAPI_ARRAYS_H
#define ATTN_CAPI_ARRAYS_H

#include "attn-c/Common.h"
#include "attn/Runtime/Contract.h"

#include <string>
#include <vector>

namespace attn::capi {

/// The arrays of one call. Up to 32 of them need no allocation.
class ArrayReader {
public:
  explicit ArrayReader(size_t count)
      : count(count), heapStorage(count > inlineArrays ? count : 0) {}

  /// Reads `count` arrays. Element types come from the caller: another number
  /// must not be looked up.
  bool read(const AttnArray *arrays, std::string &error);

  const KernelArray *get() const {
    return heapStorage.empty() ? inlineStorage : heapStorage.data();
  }

private:
  static constexpr size_t inlineArrays = 32;

  size_t count;
  KernelArray inlineStorage[inlineArrays];
  std::vector<KernelArray> heapStorage;
};

} // namespace attn::capi

#endif // ATTN_CAPI_ARRAYS_H
