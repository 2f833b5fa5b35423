//===- Masks.cpp - The mask algebra as functions --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Masks.h"

#include <algorithm>

using namespace attn;
using namespace attn::reference;

MaskFunction reference::causal() {
  return [](const Coordinates &at) { return at.j <= at.qPos; };
}

MaskFunction reference::slidingWindow(std::optional<int64_t> left,
                                      std::optional<int64_t> right) {
  assert((!left || *left >= 0) && (!right || *right >= 0) &&
         "a bounded side is at least 0");
  return [left, right](const Coordinates &at) {
    // A bound beyond the range of int64_t excludes nothing.
    int64_t bound;
    if (left && !__builtin_sub_overflow(at.qPos, *left, &bound) && at.j < bound)
      return false;
    if (right && !__builtin_add_overflow(at.qPos, *right, &bound) &&
        at.j > bound)
      return false;
    return true;
  };
}

/// C++ rounds quotients toward zero, positions may be negative.
static int64_t floorDivide(int64_t dividend, int64_t divisor) {
  const int64_t quotient = dividend / divisor;
  return dividend % divisor < 0 ? quotient - 1 : quotient;
}

MaskFunction reference::chunked(int64_t size) {
  assert(size > 0 && "a chunk has at least one position");
  return [size](const Coordinates &at) {
    return floorDivide(at.qPos, size) == floorDivide(at.j, size);
  };
}

MaskFunction reference::prefix(int64_t length) {
  return [length](const Coordinates &at) { return at.j < length; };
}

MaskFunction reference::prefix(TensorView lengths) {
  return [lengths = std::move(lengths)](const Coordinates &at) {
    return at.j < lengths.loadAsInt({at.b});
  };
}

/// Segment of position `s` of sequence b.
static int64_t segmentOf(const TensorView &segments,
                         const std::optional<TensorView> &cuSeqlens, int64_t b,
                         int64_t s) {
  if (!cuSeqlens)
    return segments.loadAsInt({b, s});
  return segments.loadAsInt({cuSeqlens->loadAsInt({b}) + s});
}

MaskFunction reference::segments(TensorView qSegments, TensorView kvSegments,
                                 std::optional<TensorView> cuSeqlensQ,
                                 std::optional<TensorView> cuSeqlensKV) {
  return [=](const Coordinates &at) {
    return segmentOf(qSegments, cuSeqlensQ, at.b, at.i) ==
           segmentOf(kvSegments, cuSeqlensKV, at.b, at.j);
  };
}

MaskFunction reference::dense(TensorView visible) {
  assert(visible.rank() == 4 && "a dense mask is [B|1, Hq|1, Sq|1, Skv|1]");
  return [visible = std::move(visible)](const Coordinates &at) {
    return visible.loadAsInt({visible.dim(0) == 1 ? 0 : at.b,
                              visible.dim(1) == 1 ? 0 : at.h,
                              visible.dim(2) == 1 ? 0 : at.i,
                              visible.dim(3) == 1 ? 0 : at.j}) != 0;
  };
}

MaskFunction reference::perHead(std::vector<MaskFunction> masks) {
  return [masks = std::move(masks)](const Coordinates &at) {
    assert(at.h < static_cast<int64_t>(masks.size()) && "one mask per head");
    return masks[at.h](at);
  };
}

MaskFunction reference::allOf(std::vector<MaskFunction> masks) {
  return [masks = std::move(masks)](const Coordinates &at) {
    return std::all_of(masks.begin(), masks.end(),
                       [&at](const MaskFunction &mask) { return mask(at); });
  };
}

MaskFunction reference::anyOf(std::vector<MaskFunction> masks) {
  return [masks = std::move(masks)](const Coordinates &at) {
    return std::any_of(masks.begin(), masks.end(),
                       [&at](const MaskFunction &mask) { return mask(at); });
  };
}

MaskFunction reference::notOf(MaskFunction mask) {
  return [mask = std::move(mask)](const Coordinates &at) { return !mask(at); };
}
