//===- ReferenceMaskTest.cpp - The mask factories, drawn ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each mask is drawn by hand: a line per query row, a column per key, x where
// the key is visible.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTestUtils.h"

using namespace attn;
using namespace attn::reference;

using Picture = std::vector<std::string>;

static Picture draw(const MaskFunction &mask, int64_t rows, int64_t keys,
                    int64_t offset = 0, int64_t b = 0, int64_t h = 0) {
  Picture picture;
  for (int64_t i = 0; i < rows; ++i) {
    std::string line;
    for (int64_t j = 0; j < keys; ++j)
      line += mask({b, h, i, i + offset, j}) ? 'x' : '.';
    picture.push_back(line);
  }
  return picture;
}

TEST(ReferenceMask, Causal) {
  EXPECT_EQ(draw(causal(), 3, 4), (Picture{"x...", "xx..", "xxx."}));
  EXPECT_EQ(draw(causal(), 3, 4, 1), (Picture{"xx..", "xxx.", "xxxx"}));
  EXPECT_EQ(draw(causal(), 3, 4, -2), (Picture{"....", "....", "x..."}));
}

TEST(ReferenceMask, SlidingWindow) {
  EXPECT_EQ(draw(slidingWindow(1, 0), 4, 5),
            (Picture{"x....", "xx...", ".xx..", "..xx."}));
  EXPECT_EQ(draw(slidingWindow(0, 2), 3, 5),
            (Picture{"xxx..", ".xxx.", "..xxx"}));
  EXPECT_EQ(draw(slidingWindow(0, 0), 2, 3), (Picture{"x..", ".x."}));
  EXPECT_EQ(draw(slidingWindow(std::nullopt, 1), 2, 4),
            (Picture{"xx..", "xxx."}));
  EXPECT_EQ(draw(slidingWindow(1, std::nullopt), 3, 4),
            (Picture{"xxxx", "xxxx", ".xxx"}));
  EXPECT_EQ(draw(slidingWindow(std::nullopt, std::nullopt), 1, 2, -9),
            (Picture{"xx"}));
  EXPECT_EQ(draw(slidingWindow(1, 1), 2, 4, -2), (Picture{"....", "x..."}));
  // Bounds beyond 64 bits exclude nothing.
  const int64_t max = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(draw(slidingWindow(max, max), 1, 2, -9), (Picture{"xx"}));
  EXPECT_EQ(draw(slidingWindow(max, max), 1, 2, 9), (Picture{"xx"}));
}

TEST(ReferenceMask, Chunked) {
  EXPECT_EQ(draw(chunked(2), 4, 5),
            (Picture{"xx...", "xx...", "..xx.", "..xx."}));
  EXPECT_EQ(draw(chunked(3), 2, 7, 4), (Picture{"...xxx.", "...xxx."}));
  EXPECT_EQ(draw(chunked(1), 2, 3, 1), (Picture{".x.", "..x"}));
  // Positions -2, -1, 0: -1 / 3 rounds down, not to chunk 0.
  EXPECT_EQ(draw(chunked(3), 3, 4, -2), (Picture{"....", "....", "xxx."}));
  EXPECT_TRUE(chunked(3)({0, 0, 0, -3, -1}));
  EXPECT_FALSE(chunked(3)({0, 0, 0, -4, -3}));
}

TEST(ReferenceMask, Prefix) {
  EXPECT_EQ(draw(prefix(2), 2, 4, 7), (Picture{"xx..", "xx.."}));
  EXPECT_EQ(draw(prefix(0), 1, 3), (Picture{"..."}));
  Arrays arrays;
  const MaskFunction perBatch =
      prefix(arrays.make(ElementType::I32, {2}, {1, 3}));
  EXPECT_EQ(draw(perBatch, 1, 4, 0, 0), (Picture{"x..."}));
  EXPECT_EQ(draw(perBatch, 1, 4, 0, 1), (Picture{"xxx."}));
}

TEST(ReferenceMask, Segments) {
  Arrays arrays;
  const MaskFunction mask =
      segments(arrays.make(ElementType::I32, {2, 3}, {1, 1, 2, 5, 0, 5}),
               arrays.make(ElementType::I32, {2, 4}, {1, 2, 2, 1, 5, 5, 5, 0}));
  // The row counts, not its position.
  EXPECT_EQ(draw(mask, 3, 4, 100, 0), (Picture{"x..x", "x..x", ".xx."}));
  EXPECT_EQ(draw(mask, 3, 4, 100, 1), (Picture{"xxx.", "...x", "xxx."}));
  // Packed: sequences of 1 and 2 rows, of 2 and 3 keys.
  const MaskFunction packed =
      segments(arrays.make(ElementType::I32, {3}, {7, 8, 9}),
               arrays.make(ElementType::I32, {5}, {7, 8, 9, 8, 9}),
               arrays.make(ElementType::I32, {3}, {0, 1, 3}),
               arrays.make(ElementType::I32, {3}, {0, 2, 5}));
  EXPECT_EQ(draw(packed, 1, 2, 0, 0), (Picture{"x."}));
  EXPECT_EQ(draw(packed, 2, 3, 0, 1), (Picture{".x.", "x.x"}));
}

TEST(ReferenceMask, Dense) {
  Arrays arrays;
  const MaskFunction mask =
      dense(arrays.make(ElementType::I1, {1, 2, 1, 3}, {1, 0, 1, 0, 1, 1}));
  EXPECT_EQ(draw(mask, 2, 3, 4, 5, 0), (Picture{"x.x", "x.x"}));
  EXPECT_EQ(draw(mask, 2, 3, 4, 5, 1), (Picture{".xx", ".xx"}));
  const MaskFunction rows =
      dense(arrays.make(ElementType::I1, {2, 1, 2, 1}, {1, 0, 0, 1}));
  EXPECT_EQ(draw(rows, 2, 3, 4, 0, 3), (Picture{"xxx", "..."}));
  EXPECT_EQ(draw(rows, 2, 3, 4, 1, 3), (Picture{"...", "xxx"}));
}

TEST(ReferenceMask, Combinations) {
  const MaskFunction heads = perHead({causal(), notOf(causal()), prefix(1)});
  EXPECT_EQ(draw(heads, 2, 3, 0, 0, 0), (Picture{"x..", "xx."}));
  EXPECT_EQ(draw(heads, 2, 3, 0, 0, 1), (Picture{".xx", "..x"}));
  EXPECT_EQ(draw(heads, 2, 3, 0, 0, 2), (Picture{"x..", "x.."}));
  EXPECT_EQ(draw(allOf({causal(), notOf(prefix(1))}), 3, 4),
            (Picture{"....", ".x..", ".xx."}));
  EXPECT_EQ(draw(anyOf({slidingWindow(0, 0), prefix(1)}), 3, 3),
            (Picture{"x..", "xx.", "x.x"}));
  // Of no masks: all of none is everything, any of none is nothing.
  EXPECT_EQ(draw(allOf({}), 1, 2), (Picture{"xx"}));
  EXPECT_EQ(draw(anyOf({}), 1, 2), (Picture{".."}));
}
