//===- NpyFuzz.cpp - Fuzz target over .npy parsing ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Beyond not crashing: an input is either refused with one line of error, or
// gives an array that has the size of its shape, and whose interpretation
// writes back to the same elements.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Npy.h"

#include <cstdlib>

using namespace attn;

static void require(bool condition) {
  if (!condition)
    std::abort();
}

static void requireOneLine(const std::string &error) {
  require(!error.empty() && error.find('\n') == std::string::npos);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (ElementType type : allElementTypes) {
    std::string error;
    std::optional<NpyArray> array = parseNpy(data, size, error);
    if (!array) {
      requireOneLine(error);
      return 0;
    }
    require(error.empty());
    const int64_t bytes = array->bytes.numBytes();
    require(bytes <= static_cast<int64_t>(size));
    const int64_t stored = array->type.bytes;
    std::optional<Tensor> tensor = interpretNpy(std::move(*array), type, error);
    if (!tensor) {
      requireOneLine(error);
      continue;
    }
    require(tensor->view().numElements() * stored == bytes);
    // Touches the first and the last element through shape and strides.
    if (bytes > 0)
      require(toDoubles(tensor->view()).size() ==
              static_cast<size_t>(tensor->view().numElements()));
  }
  return 0;
}
