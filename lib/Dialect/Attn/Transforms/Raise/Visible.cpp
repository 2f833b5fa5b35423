//===- Visible.cpp - Masks that hide no whole row -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RaiseMask.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

/// Rows of static problems that are looked at one by one.
static constexpr int64_t kMaxRows = 1 << 20;
/// Far beyond every position, and far from overflow.
static constexpr int64_t kFar = int64_t(1) << 60;

namespace {
/// Keys first .. last.
struct Keys {
  int64_t first, last;
  bool isEmpty() const { return first > last; }
};
} // namespace

static constexpr Keys kNone = {0, -1};

/// Keys that the row surely sees: all of them for the masks that show one run.
static Keys getVisible(Attribute mask, int64_t position) {
  auto complement = [&](Attribute inner) -> Keys {
    if (auto prefix = dyn_cast<PrefixAttr>(inner); prefix && !prefix.hasSlot())
      return {prefix.getLength(), kFar};
    auto window = dyn_cast<SlidingWindowAttr>(inner);
    if (isa<CausalAttr>(inner))
      return {position + 1, kFar};
    if (window && !window.hasLeft())
      return {position + window.getRight() + 1, kFar};
    if (window && !window.hasRight())
      return {-kFar, position - window.getLeft() - 1};
    return kNone;
  };
  return TypeSwitch<Attribute, Keys>(mask)
      .Case([&](CausalAttr) -> Keys { return {-kFar, position}; })
      .Case([&](SlidingWindowAttr window) -> Keys {
        return {window.hasLeft() ? position - window.getLeft() : -kFar,
                window.hasRight() ? position + window.getRight() : kFar};
      })
      .Case([&](ChunkedAttr chunked) -> Keys {
        int64_t first = llvm::divideFloorSigned(position, chunked.getSize()) *
                        chunked.getSize();
        return {first, first + chunked.getSize() - 1};
      })
      .Case([&](PrefixAttr prefix) -> Keys {
        return prefix.hasSlot() ? kNone : Keys{-kFar, prefix.getLength() - 1};
      })
      .Case([&](AndAttr node) -> Keys {
        Keys all = {-kFar, kFar};
        for (Attribute operand : node.getMasks()) {
          Keys keys = getVisible(operand, position);
          all = {std::max(all.first, keys.first),
                 std::min(all.last, keys.last)};
        }
        return all;
      })
      .Case([&](OrAttr node) -> Keys {
        // The longest is as good a choice as any.
        Keys best = kNone;
        for (Attribute operand : node.getMasks()) {
          Keys keys = getVisible(operand, position);
          if (keys.last - keys.first > best.last - best.first)
            best = keys;
        }
        return best;
      })
      .Case([&](NotAttr node) { return complement(node.getMask()); })
      .Default([](Attribute) { return kNone; });
}

/// Whether key 0 is visible to every row at a position >= 0.
static bool showsFirstKey(Attribute mask) {
  return TypeSwitch<Attribute, bool>(mask)
      .Case([](CausalAttr) { return true; })
      .Case([](SlidingWindowAttr window) { return !window.hasLeft(); })
      .Case([](PrefixAttr prefix) {
        return !prefix.hasSlot() && prefix.getLength() > 0;
      })
      .Case([](AndAttr node) {
        return llvm::all_of(node.getMasks(), showsFirstKey);
      })
      .Case([](OrAttr node) {
        return llvm::any_of(node.getMasks(), showsFirstKey);
      })
      .Default([](Attribute) { return false; });
}

bool raise::everyRowSeesAKey(Attribute mask, std::optional<int64_t> offset,
                             int64_t rows, int64_t keys) {
  if (!mask)
    return true;
  if (!offset || std::abs(*offset) > kFar / 4)
    return false;
  if (*offset >= 0 && showsFirstKey(mask))
    return true;
  if (ShapedType::isDynamic(rows) || ShapedType::isDynamic(keys) ||
      rows > kMaxRows)
    return false;
  for (int64_t row = 0; row < rows; ++row) {
    Keys visible = getVisible(mask, row + *offset);
    visible = {std::max<int64_t>(visible.first, 0),
               std::min(visible.last, keys - 1)};
    if (visible.isEmpty())
      return false;
  }
  return true;
}
