//===- SimplifyMask.cpp - Equivalent masks that are simpler ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <limits>

using namespace mlir;
using namespace attn;

bool attn::showsAll(Attribute mask) {
  auto node = dyn_cast<AndAttr>(mask);
  return node && node.getMasks().empty();
}

bool attn::showsNothing(Attribute mask) {
  auto node = dyn_cast<OrAttr>(mask);
  return node && node.getMasks().empty();
}

/// a + b, or the nearest number that fits.
static int64_t saturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  if (!llvm::AddOverflow(a, b, sum))
    return sum;
  return a < 0 ? std::numeric_limits<int64_t>::min()
               : std::numeric_limits<int64_t>::max();
}

//===----------------------------------------------------------------------===//
// Pairs of masks
//===----------------------------------------------------------------------===//

namespace {
/// A window; causal is the one with nothing to the right.
struct Window {
  int64_t left, right;
};
} // namespace

static constexpr int64_t kUnbounded = SlidingWindowAttr::kUnbounded;

static std::optional<Window> asWindow(Attribute mask) {
  if (isa<CausalAttr>(mask))
    return Window{kUnbounded, 0};
  if (auto window = dyn_cast<SlidingWindowAttr>(mask))
    return Window{window.getLeft(), window.getRight()};
  return std::nullopt;
}

static Attribute getWindow(MLIRContext *context, Window window) {
  if (window.left == kUnbounded && window.right == kUnbounded)
    return AndAttr::get(context, {});
  if (window.left == kUnbounded && window.right == 0)
    return CausalAttr::get(context);
  return SlidingWindowAttr::get(context, window.left, window.right);
}

/// The side of an intersection (`conjunction`) or union of two windows. Both
/// contain the row's own position, so their union is a window too.
static int64_t combineSide(int64_t a, int64_t b, bool conjunction) {
  if (a == kUnbounded || b == kUnbounded)
    return conjunction ? std::max(a, b) : kUnbounded;
  return conjunction ? std::min(a, b) : std::max(a, b);
}

/// Whether `mask` is an `and` (`or`) that has `operand` among its operands.
template <typename Node>
static bool hasOperand(Attribute mask, Attribute operand) {
  auto node = dyn_cast<Node>(mask);
  return node && llvm::is_contained(node.getMasks(), operand);
}

static bool areComplements(Attribute a, Attribute b) {
  auto isNotOf = [](Attribute x, Attribute y) {
    auto node = dyn_cast<NotAttr>(x);
    return node && node.getMask() == y;
  };
  return isNotOf(a, b) || isNotOf(b, a);
}

/// One mask for `a and b` (`a or b`), or null.
static Attribute combine(Attribute a, Attribute b, bool conjunction) {
  MLIRContext *context = a.getContext();
  if (a == b)
    return a;
  if (areComplements(a, b))
    return conjunction ? Attribute(OrAttr::get(context, {}))
                       : Attribute(AndAttr::get(context, {}));
  // a and (a or x) = a, a or (a and x) = a.
  if (conjunction ? hasOperand<OrAttr>(b, a) : hasOperand<AndAttr>(b, a))
    return a;
  if (conjunction ? hasOperand<OrAttr>(a, b) : hasOperand<AndAttr>(a, b))
    return b;
  std::optional<Window> windowA = asWindow(a), windowB = asWindow(b);
  if (windowA && windowB)
    return getWindow(
        context, {combineSide(windowA->left, windowB->left, conjunction),
                  combineSide(windowA->right, windowB->right, conjunction)});
  auto prefixA = dyn_cast<PrefixAttr>(a), prefixB = dyn_cast<PrefixAttr>(b);
  if (prefixA && prefixB && !prefixA.hasSlot() && !prefixB.hasSlot())
    return (prefixA.getLength() < prefixB.getLength()) == conjunction ? a : b;
  auto chunkedA = dyn_cast<ChunkedAttr>(a), chunkedB = dyn_cast<ChunkedAttr>(b);
  if (chunkedA && chunkedB) {
    // Chunks of a divisor lie inside the larger ones.
    int64_t sizeA = chunkedA.getSize(), sizeB = chunkedB.getSize();
    if (std::max(sizeA, sizeB) % std::min(sizeA, sizeB) == 0)
      return (sizeA < sizeB) == conjunction ? a : b;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// The simplifier
//===----------------------------------------------------------------------===//

namespace {
class Simplifier {
public:
  Simplifier(MLIRContext *context, const MaskBounds &bounds)
      : bounds(bounds), all(AndAttr::get(context, {})),
        nothing(OrAttr::get(context, {})) {}

  Attribute simplify(Attribute mask) {
    if (Attribute known = done.lookup(mask))
      return known;
    Attribute result =
        TypeSwitch<Attribute, Attribute>(mask)
            .Case([&](AndAttr node) { return simplifyNary(node); })
            .Case([&](OrAttr node) { return simplifyNary(node); })
            .Case([&](NotAttr node) { return simplifyNot(node); })
            .Case([&](PerHeadAttr node) { return simplifyPerHead(node); })
            .Case<CausalAttr, SlidingWindowAttr>(
                [&](auto leaf) { return simplifyWindow(*asWindow(leaf)); })
            .Case([&](PrefixAttr leaf) { return simplifyPrefix(leaf); })
            .Case([&](ChunkedAttr leaf) { return simplifyChunked(leaf); })
            .Default(mask);
    done[mask] = result;
    return result;
  }

private:
  template <typename Node>
  Attribute simplifyNary(Node node) {
    constexpr bool conjunction = std::is_same_v<Node, AndAttr>;
    Attribute neutral = conjunction ? all : nothing;
    Attribute absorbing = conjunction ? nothing : all;
    SmallVector<Attribute> kept;
    // Operands of operands of the same kind are operands.
    SmallVector<Attribute> operands;
    for (Attribute operand : node.getMasks()) {
      Attribute simple = simplify(operand);
      if (auto same = dyn_cast<Node>(simple))
        llvm::append_range(operands, same.getMasks());
      else
        operands.push_back(simple);
    }
    for (Attribute operand : operands)
      if (mergeInto(kept, operand, conjunction) == absorbing)
        return absorbing;
    if (kept.empty())
      return neutral;
    return kept.size() == 1 ? kept.front()
                            : Attribute(Node::get(node.getContext(), kept));
  }

  /// Adds `mask` to `kept`, combined with what it combines with and in the
  /// place of the first of those; returns what was added.
  static Attribute mergeInto(SmallVectorImpl<Attribute> &kept, Attribute mask,
                             bool conjunction) {
    size_t place = kept.size();
    for (size_t i = 0; i < kept.size();) {
      Attribute combined = combine(kept[i], mask, conjunction);
      if (!combined) {
        ++i;
        continue;
      }
      // The result may combine with those that were passed over.
      kept.erase(kept.begin() + i);
      place = std::min({place, i, kept.size()});
      mask = combined;
      i = 0;
    }
    kept.insert(kept.begin() + place, mask);
    return mask;
  }

  Attribute simplifyNot(NotAttr node) {
    Attribute mask = simplify(node.getMask());
    if (showsAll(mask))
      return nothing;
    if (showsNothing(mask))
      return all;
    if (auto inner = dyn_cast<NotAttr>(mask))
      return inner.getMask();
    return NotAttr::get(mask.getContext(), mask);
  }

  Attribute simplifyPerHead(PerHeadAttr node) {
    SmallVector<Attribute> masks;
    for (Attribute mask : node.getMasks())
      masks.push_back(simplify(mask));
    return llvm::all_equal(masks)
               ? masks.front()
               : Attribute(PerHeadAttr::get(node.getContext(), masks));
  }

  Attribute simplifyWindow(Window window) {
    bool hasLeft = window.left != kUnbounded;
    bool hasRight = window.right != kUnbounded;
    // The window of the last row ends before the first key, or the window of
    // the first row starts behind the last key.
    if (hasRight && bounds.maxQ &&
        saturatingAdd(*bounds.maxQ, window.right) < 0)
      return nothing;
    if (hasLeft && bounds.minQ && bounds.keys &&
        saturatingAdd(*bounds.minQ, -window.left) >= *bounds.keys)
      return nothing;
    if (hasLeft && bounds.maxQ && *bounds.maxQ <= window.left)
      window.left = kUnbounded;
    if (hasRight && bounds.minQ && bounds.keys &&
        saturatingAdd(*bounds.minQ, window.right) >= *bounds.keys - 1)
      window.right = kUnbounded;
    return getWindow(all.getContext(), window);
  }

  Attribute simplifyPrefix(PrefixAttr prefix) {
    if (prefix.hasSlot())
      return prefix;
    if (prefix.getLength() == 0)
      return nothing;
    if (bounds.keys && prefix.getLength() >= *bounds.keys)
      return all;
    return prefix;
  }

  Attribute simplifyChunked(ChunkedAttr chunked) {
    int64_t size = chunked.getSize();
    // Keys lie in chunks from 0 on.
    if (bounds.maxQ && *bounds.maxQ < 0)
      return nothing;
    if (!bounds.minQ || !bounds.keys)
      return chunked;
    int64_t lastChunk = (*bounds.keys - 1) / size;
    if (*bounds.minQ >= 0 && *bounds.minQ / size > lastChunk)
      return nothing;
    if (bounds.maxQ && *bounds.minQ >= 0 && *bounds.maxQ / size == 0 &&
        lastChunk == 0)
      return all;
    return chunked;
  }

  const MaskBounds &bounds;
  Attribute all, nothing;
  /// Masks share operands; each is simplified once.
  DenseMap<Attribute, Attribute> done;
};
} // namespace

Attribute attn::simplifyMask(Attribute mask, const MaskBounds &bounds) {
  assert(isMask(mask) && "expected a mask");
  assert((!bounds.keys || *bounds.keys > 0) && "expected at least one key");
  return Simplifier(mask.getContext(), bounds).simplify(mask);
}
