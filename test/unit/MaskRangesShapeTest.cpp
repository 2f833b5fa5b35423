//===- MaskRangesShapeTest.cpp - The form of tile ranges ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskTestUtils.h"
#include "mlir/IR/Diagnostics.h"

using namespace attn;
using namespace attn::test;

namespace {

using Length = std::optional<int64_t>;
constexpr Length kSymbol = std::nullopt;

struct Shape {
  Length qOffset, qLen, kvLen;
  int64_t blockQ = 64, blockKv = 64;
};
const Shape kSymbolic{kSymbol, kSymbol, kSymbol};

MaskProblem makeProblem(llvm::StringRef mask, const Shape &shape) {
  MaskProblem problem;
  if (!mask.empty())
    problem.mask = parseMask(mask);
  problem.blockQ = shape.blockQ;
  problem.blockKv = shape.blockKv;
  problem.qOffset = shape.qOffset;
  problem.qLen = shape.qLen;
  problem.kvLen = shape.kvLen;
  return problem;
}

/// Kinds of the ranges, in order: "PFP" is partial, full, partial.
std::string getForm(mlir::FailureOr<MaskRanges> ranges) {
  if (failed(ranges))
    return "refused";
  std::string form;
  for (const TileRange &range : ranges->ranges)
    form += range.kind == TileKind::Full ? 'F' : 'P';
  return form;
}

std::string kvForm(llvm::StringRef mask, const Shape &shape) {
  return getForm(analyzeKvRanges(&getContext(), makeProblem(mask, shape)));
}

std::string qForm(llvm::StringRef mask, const Shape &shape) {
  return getForm(analyzeQRanges(&getContext(), makeProblem(mask, shape)));
}

/// The only message of a refused problem.
std::string getError(const MaskProblem &problem) {
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&getContext(),
                                        [&](mlir::Diagnostic &diagnostic) {
                                          EXPECT_TRUE(message.empty());
                                          message = diagnostic.str();
                                        });
  EXPECT_TRUE(failed(analyzeKvRanges(&getContext(), problem, [&] {
    return mlir::emitError(mlir::UnknownLoc::get(&getContext()));
  })));
  return message;
}

//===----------------------------------------------------------------------===//
// Number and kinds of ranges
//===----------------------------------------------------------------------===//

TEST(MaskRangesShape, NoMask) {
  EXPECT_EQ(kvForm("", kSymbolic), "FP");
  EXPECT_EQ(kvForm("", {0, 100, 128}), "F");
  EXPECT_EQ(kvForm("", {0, kSymbol, 1021}), "FP");
  EXPECT_EQ(kvForm("", {0, 10, 63}), "P");
  EXPECT_EQ(kvForm("", {0, 10, 0}), "");
  EXPECT_EQ(kvForm("", {0, 0, 128}), "");
  EXPECT_EQ(kvForm("#attn.and<[]>", {0, 100, 128}), "F");
  EXPECT_EQ(kvForm("#attn.or<[]>", kSymbolic), "");
  EXPECT_EQ(qForm("", {0, 100, 128}), "F");
  EXPECT_EQ(qForm("", kSymbolic), "PF");
}

TEST(MaskRangesShape, Causal) {
  EXPECT_EQ(kvForm("#attn.causal", kSymbolic), "FP");
  EXPECT_EQ(kvForm("#attn.causal", {0, 2048, 2048}), "FP");
  EXPECT_EQ(kvForm("#attn.causal", {0, 1021, 1021}), "FP");
  EXPECT_EQ(kvForm("#attn.causal", {0, 64, 64}), "P");
  EXPECT_EQ(kvForm("#attn.causal", {4096, 64, 1024}), "F");
  EXPECT_EQ(kvForm("#attn.causal", {-64, 64, 1024}), "");
  EXPECT_EQ(qForm("#attn.causal", kSymbolic), "PF");
  EXPECT_EQ(qForm("#attn.causal", {0, 2048, 2048}), "PF");
}

TEST(MaskRangesShape, Windows) {
  EXPECT_EQ(kvForm("#attn.sliding_window<255, 0>", kSymbolic), "PFP");
  EXPECT_EQ(kvForm("#attn.sliding_window<255, 64>", kSymbolic), "PFP");
  EXPECT_EQ(kvForm("#attn.sliding_window<255, 0>", {0, 8192, 8192}), "PFP");
  // Too narrow for a tile.
  EXPECT_EQ(kvForm("#attn.sliding_window<100, 0>", {0, 8192, 8192}), "P");
  EXPECT_EQ(kvForm("#attn.sliding_window<10, 5>", kSymbolic), "P");
  // Wider than the problem.
  EXPECT_EQ(kvForm("#attn.sliding_window<8191, 0>", {0, 8192, 8192}), "FP");
  EXPECT_EQ(kvForm("#attn.sliding_window<unbounded, 0>", kSymbolic), "FP");
  EXPECT_EQ(kvForm("#attn.sliding_window<unbounded, unbounded>", kSymbolic),
            kvForm("", kSymbolic));
  EXPECT_EQ(qForm("#attn.sliding_window<255, 0>", kSymbolic), "PFP");
  EXPECT_EQ(qForm("#attn.sliding_window<255, 0>", {0, 8192, 8192}), "PFP");
}

TEST(MaskRangesShape, ChunksAndPrefixes) {
  EXPECT_EQ(kvForm("#attn.chunked<8192>", kSymbolic), "PFP");
  // Tiles of these blocks lie within one chunk.
  EXPECT_EQ(kvForm("#attn.chunked<8192>", {0, 32768, 32768}), "F");
  EXPECT_EQ(kvForm("#attn.and<[#attn.causal, #attn.chunked<8192>]>",
                   {0, 32768, 32768}),
            "FP");
  EXPECT_EQ(kvForm("#attn.and<[#attn.causal, #attn.chunked<8192>]>", kSymbolic),
            "PFP");
  EXPECT_EQ(kvForm("#attn.prefix<slot 0>", kSymbolic), "FP");
  EXPECT_EQ(kvForm("#attn.prefix<128>", {0, 64, 1024}), "F");
  EXPECT_EQ(kvForm("#attn.prefix<100>", {0, 64, 1024}), "FP");
  EXPECT_EQ(kvForm("#attn.prefix<2048>", {0, 64, 1024}), "F");
  EXPECT_EQ(kvForm("#attn.prefix<0>", kSymbolic), "");
  EXPECT_EQ(kvForm("#attn.not<#attn.prefix<100>>", {0, 64, 1024}), "PF");
  EXPECT_EQ(kvForm("#attn.or<[#attn.causal, #attn.prefix<slot 0>]>", kSymbolic),
            "FP");
  EXPECT_EQ(qForm("#attn.or<[#attn.causal, #attn.prefix<slot 0>]>", kSymbolic),
            "PF");
}

TEST(MaskRangesShape, Combinations) {
  // Attention sinks: the first keys and a window.
  EXPECT_EQ(kvForm("#attn.and<[#attn.causal, #attn.or<[#attn.prefix<4>, "
                   "#attn.sliding_window<1023, 0>]>]>",
                   {kSymbol, kSymbol, kSymbol}),
            "PPFPP");
  EXPECT_EQ(kvForm("#attn.not<#attn.causal>", kSymbolic), "PFP");
  EXPECT_EQ(kvForm("#attn.not<#attn.not<#attn.causal>>", kSymbolic), "FP");
  EXPECT_EQ(
      kvForm("#attn.or<[#attn.causal, #attn.not<#attn.causal>]>", {0, 64, 128}),
      "F");
  EXPECT_EQ(
      kvForm("#attn.and<[#attn.causal, #attn.not<#attn.causal>]>", kSymbolic),
      "");
}

TEST(MaskRangesShape, CausalBoundsAreConstantsAndOneTerm) {
  mlir::FailureOr<MaskRanges> ranges = analyzeKvRanges(
      &getContext(), makeProblem("#attn.causal", {0, 2048, 2048, 128, 64}));
  ASSERT_TRUE(succeeded(ranges));
  ASSERT_EQ(ranges->ranges.size(), 2u);
  mlir::AffineExpr tile = mlir::getAffineDimExpr(0, &getContext());
  const TileRange &full = ranges->ranges[0], &partial = ranges->ranges[1];
  for (const TileRange *range : {&full, &partial}) {
    ASSERT_EQ(range->ends.size(), 1u);
    EXPECT_FALSE(range->ends[0].hasGuard());
    ASSERT_EQ(range->ends[0].map.getNumResults(), 1u);
    EXPECT_EQ(range->begins[0].map.getResult(0), 0);
  }
  EXPECT_EQ(full.ends[0].map.getResult(0), tile * 2);
  EXPECT_EQ(partial.ends[0].map.getResult(0), tile * 2 + 2);
}

//===----------------------------------------------------------------------===//
// Data-dependent leaves
//===----------------------------------------------------------------------===//

TEST(MaskRangesShape, DataDependentLeavesAreSound) {
  // Any tile may hold something; none is full.
  for (llvm::StringRef leaf :
       {"#attn.segments<q = 0, kv = 1>", "#attn.dense<0>",
        "#attn.custom<@f, [0]>", "#attn.not<#attn.dense<0>>"}) {
    MaskProblem problem = makeProblem(leaf, {0, 128, 128});
    mlir::FailureOr<MaskRanges> ranges =
        analyzeKvRanges(&getContext(), problem);
    ASSERT_TRUE(succeeded(ranges));
    EXPECT_FALSE(ranges->exact);
    EXPECT_EQ(getForm(ranges), "P");
    auto concrete = evaluateRanges(*ranges, 1, {0, 128, 128});
    ASSERT_EQ(concrete.size(), 1u);
    EXPECT_EQ(concrete[0].begin, 0);
    EXPECT_EQ(concrete[0].end, 2);
  }
  // With a structured leaf, what that one says remains.
  EXPECT_EQ(kvForm("#attn.and<[#attn.causal, #attn.dense<0>]>", {0, 256, 256}),
            "P");
  auto both = analyzeKvRanges(
      &getContext(),
      makeProblem("#attn.and<[#attn.causal, #attn.dense<0>]>", {0, 256, 256}));
  EXPECT_EQ(evaluateRanges(*both, 1, {0, 256, 256})[0].end, 2);
  auto either = analyzeKvRanges(
      &getContext(),
      makeProblem("#attn.or<[#attn.causal, #attn.dense<0>]>", {0, 256, 256}));
  auto concrete = evaluateRanges(*either, 1, {0, 256, 256});
  ASSERT_EQ(concrete.size(), 2u);
  EXPECT_EQ(concrete[0].kind, TileKind::Full);
  EXPECT_EQ(concrete[0].end, 1);
  EXPECT_EQ(concrete[1].end, 4);
}

TEST(MaskRangesShape, ArbitraryPositions) {
  MaskProblem problem =
      makeProblem("#attn.and<[#attn.causal, #attn.prefix<64>]>", {0, 256, 256});
  problem.arbitraryPositions = true;
  mlir::FailureOr<MaskRanges> ranges = analyzeKvRanges(&getContext(), problem);
  ASSERT_TRUE(succeeded(ranges));
  EXPECT_FALSE(ranges->exact);
  auto concrete = evaluateRanges(*ranges, 0, {0, 256, 256});
  ASSERT_EQ(concrete.size(), 1u);
  EXPECT_EQ(concrete[0].kind, TileKind::Partial);
  EXPECT_EQ(concrete[0].end, 1);
  // A mask of keys only stays exact.
  problem.mask = parseMask("#attn.prefix<64>");
  ranges = analyzeKvRanges(&getContext(), problem);
  EXPECT_TRUE(ranges->exact);
  EXPECT_EQ(getForm(ranges), "F");
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

TEST(ExpandPerHead, ReplacesEverywhere) {
  auto masks = expandPerHead(
      parseMask("#attn.and<[#attn.prefix<9>, #attn.not<#attn.per_head<"
                "[#attn.causal, #attn.chunked<8>]>>]>"),
      2);
  ASSERT_EQ(masks.size(), 2u);
  EXPECT_EQ(masks[0], parseMask("#attn.and<[#attn.prefix<9>, "
                                "#attn.not<#attn.causal>]>"));
  EXPECT_EQ(masks[1], parseMask("#attn.and<[#attn.prefix<9>, "
                                "#attn.not<#attn.chunked<8>>]>"));
}

TEST(ExpandPerHead, RepeatsOtherMasks) {
  auto masks = expandPerHead(parseMask("#attn.causal"), 3);
  ASSERT_EQ(masks.size(), 3u);
  EXPECT_EQ(masks[2], parseMask("#attn.causal"));
  EXPECT_EQ(expandPerHead({}, 2), llvm::SmallVector<mlir::Attribute>(2));
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

TEST(MaskRangesErrors, OutOfRange) {
  EXPECT_EQ(getError(makeProblem("", {0, -1, 4})),
            "q_len is -1; tile ranges allow 0 to 281474976710656");
  EXPECT_EQ(getError(makeProblem("", {0, 1, 4, 0, 64})),
            "block_q is 0; tile ranges allow 1 to 281474976710656");
  EXPECT_EQ(
      getError(makeProblem("#attn.sliding_window<4, 9223372036854775807>",
                           kSymbolic)),
      "sliding_window right is 9223372036854775807; tile ranges allow at most "
      "281474976710656");
  EXPECT_EQ(
      getError(makeProblem("#attn.chunked<9223372036854775807>", kSymbolic)),
      "chunked size is 9223372036854775807; tile ranges allow at most "
      "281474976710656");
  EXPECT_EQ(kvForm("#attn.sliding_window<281474976710656, 281474976710656>",
                   kSymbolic),
            "PFP");
}

TEST(MaskRangesErrors, PerHead) {
  EXPECT_EQ(getError(makeProblem("#attn.per_head<[#attn.causal]>", kSymbolic)),
            "tile ranges are of one head; expand per_head first");
}

TEST(MaskRangesErrors, TooManyThresholds) {
  std::string mask = "#attn.or<[";
  for (int slot = 0; slot < 13; ++slot)
    mask += (slot ? ", #attn.prefix<slot " : "#attn.prefix<slot ") +
            std::to_string(slot) + ">";
  EXPECT_EQ(getError(makeProblem(mask + "]>", kSymbolic)),
            "mask has too many independent thresholds: more than 4096 "
            "combinations of window sides, prefixes and chunks");
}

TEST(MaskRangesErrors, TooMuchWork) {
  EXPECT_EQ(getError(makeProblem(
                "#attn.or<[#attn.and<[#attn.not<#attn.chunked<7>>, "
                "#attn.sliding_window<100, 3>]>, #attn.and<[#attn.chunked<9>, "
                "#attn.not<#attn.chunked<11>>]>]>",
                kSymbolic)),
            "tile ranges of the mask take too long to derive");
}

/// With `beyondLimits` nothing is emitted; other errors stay errors.
TEST(MaskRangesErrors, BeyondLimits) {
  auto analyze = [](llvm::StringRef mask, bool &beyondLimits) {
    beyondLimits = false;
    return analyzeKvRanges(
        &getContext(), makeProblem(mask, kSymbolic),
        [] { return mlir::emitError(mlir::UnknownLoc::get(&getContext())); },
        &beyondLimits);
  };
  bool beyondLimits;
  mlir::ScopedDiagnosticHandler handler(
      &getContext(), [&](mlir::Diagnostic &) { EXPECT_FALSE(beyondLimits); });
  EXPECT_TRUE(succeeded(analyze("#attn.causal", beyondLimits)));
  EXPECT_FALSE(beyondLimits);
  EXPECT_TRUE(failed(analyze("#attn.per_head<[#attn.causal]>", beyondLimits)));
  EXPECT_FALSE(beyondLimits);
  EXPECT_TRUE(failed(
      analyze("#attn.or<[#attn.and<[#attn.not<#attn.chunked<7>>, "
              "#attn.sliding_window<100, 3>]>, #attn.and<[#attn.chunked<9>, "
              "#attn.not<#attn.chunked<11>>]>]>",
              beyondLimits)));
  EXPECT_TRUE(beyondLimits);
}

/// Any tile may show and may hide something, as far as there are keys.
TEST(MaskRangesErrors, Opaque) {
  MaskProblem problem = makeProblem("#attn.prefix<3>", kSymbolic);
  problem.opaque = true;
  mlir::FailureOr<MaskRanges> ranges = analyzeKvRanges(&getContext(), problem);
  EXPECT_EQ(getForm(ranges), "P");
  ASSERT_TRUE(succeeded(ranges));
  EXPECT_FALSE(ranges->exact);
  auto tiles = evaluateRanges(*ranges, 0, {0, 100, 300});
  ASSERT_EQ(tiles.size(), 1u);
  EXPECT_EQ(tiles[0].begin, 0);
  EXPECT_EQ(tiles[0].end, llvm::divideCeil(300, problem.blockKv));
}

TEST(MaskRangesErrors, SharedPartsCostOnce) {
  // A tree of 2^20 leaves as a chain of 20 nodes.
  mlir::Attribute mask = parseMask("#attn.causal");
  for (int i = 0; i < 20; ++i)
    mask = AndAttr::get(&getContext(), {mask, mask});
  MaskProblem problem = makeProblem("", kSymbolic);
  problem.mask = expandPerHead(mask, 1).front();
  EXPECT_EQ(getForm(analyzeKvRanges(&getContext(), problem)), "FP");
  llvm::SmallVector<mlir::Attribute> prefixes;
  for (int i = 1; i <= 2000; ++i)
    prefixes.push_back(PrefixAttr::get(&getContext(), i));
  problem.mask = OrAttr::get(&getContext(), prefixes);
  EXPECT_EQ(getError(problem), "mask has more than 1024 distinct parts; tile "
                               "ranges allow no more");
}

} // namespace
