//===- SimplifyMaskTest.cpp - Simpler masks show the same keys ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random masks, seen through the reference's mask functions before and after.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Reference/Masks.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <random>

using namespace attn;
using mlir::Attribute;

namespace {

constexpr int64_t kHeads = 2;

std::string print(Attribute mask) {
  std::string text;
  llvm::raw_string_ostream(text) << mask;
  return text;
}

/// What the attribute means, by the reference. A dense leaf stands for any mask
/// that cannot be looked into: a fixed function of its slot and coordinates.
reference::MaskFunction toFunction(Attribute mask) {
  auto side = [](int64_t count) {
    return count == SlidingWindowAttr::kUnbounded ? std::optional<int64_t>()
                                                  : std::optional(count);
  };
  auto operands = [&] {
    std::vector<reference::MaskFunction> functions;
    for (Attribute operand : getMaskOperands(mask))
      functions.push_back(toFunction(operand));
    return functions;
  };
  using Function = reference::MaskFunction;
  return llvm::TypeSwitch<Attribute, Function>(mask)
      .Case([](CausalAttr) { return reference::causal(); })
      .Case([&](SlidingWindowAttr window) {
        return reference::slidingWindow(side(window.getLeft()),
                                        side(window.getRight()));
      })
      .Case([](ChunkedAttr leaf) { return reference::chunked(leaf.getSize()); })
      .Case([](PrefixAttr leaf) { return reference::prefix(leaf.getLength()); })
      .Case([](DenseAttr leaf) -> Function {
        return [slot = leaf.getSlot()](const reference::Coordinates &at) {
          int64_t mixed =
              slot * 7919 + at.h * 104729 + at.qPos * 31 + at.j * 17;
          return (mixed ^ (mixed >> 3)) % 3 == 0;
        };
      })
      .Case([&](AndAttr) { return reference::allOf(operands()); })
      .Case([&](OrAttr) { return reference::anyOf(operands()); })
      .Case([&](PerHeadAttr) { return reference::perHead(operands()); })
      .Case([&](NotAttr) { return reference::notOf(operands().front()); });
}

int64_t countNodes(Attribute mask) {
  int64_t count = 1;
  for (Attribute operand : getMaskOperands(mask))
    count += countNodes(operand);
  return count;
}

class SimplifyMaskTest : public testing::Test {
protected:
  SimplifyMaskTest() { context.loadDialect<AttnDialect>(); }

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }

  Attribute randomLeaf() {
    switch (pick(0, 5)) {
    case 0:
      return CausalAttr::get(&context);
    case 1:
    case 2: // -1 is unbounded
      return SlidingWindowAttr::get(&context, pick(-1, 6), pick(-1, 6));
    case 3:
      return ChunkedAttr::get(&context, pick(1, 8));
    case 4:
      return PrefixAttr::get(&context, pick(0, 10));
    default:
      return DenseAttr::get(&context, pick(0, 1));
    }
  }

  Attribute randomMask(int64_t depth, bool insidePerHead = false) {
    int64_t kind = depth == 0 ? 0 : pick(0, 6);
    llvm::SmallVector<Attribute> masks;
    for (int64_t i = 0, e = pick(0, 4); i < e && (kind == 2 || kind == 3); ++i)
      masks.push_back(randomMask(depth - 1, insidePerHead));
    switch (kind) {
    case 1:
      return NotAttr::get(&context, randomMask(depth - 1, insidePerHead));
    case 2:
      return AndAttr::get(&context, masks);
    case 3:
      return OrAttr::get(&context, masks);
    case 4: // not nested (attention_c19)
      if (insidePerHead)
        return randomLeaf();
      for (int64_t h = 0; h < kHeads; ++h)
        masks.push_back(randomMask(depth - 1, /*insidePerHead=*/true));
      return PerHeadAttr::get(&context, masks);
    default:
      return randomLeaf();
    }
  }

  /// Compares what `mask` and its simplification under `bounds` show to the
  /// rows and keys in the given ranges, which are within the bounds.
  void expectSame(Attribute mask, const MaskBounds &bounds, int64_t minQ,
                  int64_t maxQ, int64_t keys) {
    Attribute simple = simplifyMask(mask, bounds);
    SCOPED_TRACE(print(mask) + " became " + print(simple) + " for rows " +
                 std::to_string(minQ) + " to " + std::to_string(maxQ) +
                 " and " + std::to_string(keys) + " keys");
    EXPECT_LE(countNodes(simple), countNodes(mask));
    EXPECT_EQ(print(simplifyMask(simple, bounds)), print(simple));
    reference::MaskFunction before = toFunction(mask);
    reference::MaskFunction after = toFunction(simple);
    for (int64_t h = 0; h < kHeads; ++h)
      for (int64_t q = minQ; q <= maxQ; ++q)
        for (int64_t j = 0; j < keys; ++j)
          ASSERT_EQ(before({0, h, q, q, j}), after({0, h, q, q, j}))
              << "head " << h << ", position " << q << ", key " << j;
  }

  mlir::MLIRContext context;
  std::mt19937_64 random{20};
};

TEST_F(SimplifyMaskTest, ShowsTheSameKeys) {
  for (int i = 0; i < 20000 && !HasFailure(); ++i)
    expectSame(randomMask(3), {}, -10, 20, 16);
}

TEST_F(SimplifyMaskTest, ShowsTheSameKeysWithinBounds) {
  for (int i = 0; i < 40000 && !HasFailure(); ++i) {
    int64_t minQ = pick(-8, 14), maxQ = minQ + pick(0, 7), keys = pick(1, 12);
    MaskBounds bounds;
    // Each may be unknown.
    if (pick(0, 3))
      bounds.minQ = minQ;
    if (pick(0, 3))
      bounds.maxQ = maxQ;
    if (pick(0, 3))
      bounds.keys = keys;
    expectSame(randomMask(2), bounds, minQ, maxQ, keys);
  }
}

TEST_F(SimplifyMaskTest, DecidesLeavesByBounds) {
  MaskBounds bounds;
  bounds.minQ = 0;
  bounds.maxQ = 7;
  bounds.keys = 8;
  auto becomes = [&](Attribute mask) {
    return print(simplifyMask(mask, bounds));
  };
  EXPECT_EQ(becomes(PrefixAttr::get(&context, 8)), "#attn.and<[]>");
  EXPECT_EQ(becomes(PrefixAttr::get(&context, 7)), "#attn.prefix<7>");
  EXPECT_EQ(becomes(PrefixAttr::get(&context, 0)), "#attn.or<[]>");
  EXPECT_EQ(becomes(ChunkedAttr::get(&context, 8)), "#attn.and<[]>");
  EXPECT_EQ(becomes(ChunkedAttr::get(&context, 7)), "#attn.chunked<7>");
  EXPECT_EQ(becomes(SlidingWindowAttr::get(&context, 7, 7)), "#attn.and<[]>");
  EXPECT_EQ(becomes(SlidingWindowAttr::get(&context, 7, 0)), "#attn.causal");
  EXPECT_EQ(becomes(SlidingWindowAttr::get(&context, 6, 7)),
            "#attn.sliding_window<6, unbounded>");
}

/// Positions and windows at the ends of their range neither overflow nor decide
/// what they do not know.
TEST_F(SimplifyMaskTest, ExtremeNumbers) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  Attribute window = SlidingWindowAttr::get(&context, kMax, kMax);
  MaskBounds low, high;
  low.minQ = low.maxQ = kMin;
  low.keys = kMax;
  high.minQ = high.maxQ = kMax;
  high.keys = kMax;
  // The row at the lowest position sees up to key -1, so none.
  EXPECT_TRUE(showsNothing(simplifyMask(window, low)));
  EXPECT_TRUE(showsAll(simplifyMask(window, high)));
  EXPECT_TRUE(showsNothing(simplifyMask(CausalAttr::get(&context), low)));
  EXPECT_TRUE(showsAll(simplifyMask(CausalAttr::get(&context), high)));
  EXPECT_TRUE(showsNothing(simplifyMask(ChunkedAttr::get(&context, 1), high)));
}

/// A mask of 60 levels that each name the one below twice: small as a graph,
/// 2^60 leaves as a tree.
TEST_F(SimplifyMaskTest, SharedOperands) {
  Attribute mask = DenseAttr::get(&context, 0);
  for (int level = 0; level < 18; ++level) {
    Attribute negated = NotAttr::get(&context, mask);
    mask = level % 2 ? Attribute(AndAttr::get(&context, {mask, negated}))
                     : Attribute(OrAttr::get(&context, {mask, mask}));
  }
  EXPECT_TRUE(showsNothing(simplifyMask(mask)));
}

} // namespace
