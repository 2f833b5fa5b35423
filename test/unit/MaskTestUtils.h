//===- MaskTestUtils.h - Masks by brute force -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a mask and its tiles are, pair by pair, written from the definition and
// sharing nothing with the analysis; and random masks.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_MASKTESTUTILS_H
#define ATTN_TEST_UNIT_MASKTESTUTILS_H

#include "attn/Analysis/MaskRanges.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"
#include <map>
#include <random>
#include <string>

namespace attn {
namespace test {

/// Values of one problem.
struct Instance {
  int64_t qOffset = 0, qLen = 0, kvLen = 0;
  std::map<int64_t, int64_t> slots;
};

/// Whether the structured mask shows the pair.
inline bool isVisible(mlir::Attribute mask, int64_t qPos, int64_t j,
                      const Instance &instance) {
  auto floorDiv = [](int64_t a, int64_t b) {
    return a / b - (a % b != 0 && a < 0);
  };
  auto recurse = [&](mlir::Attribute operand) {
    return isVisible(operand, qPos, j, instance);
  };
  if (!mask)
    return true;
  if (mlir::isa<CausalAttr>(mask))
    return j <= qPos;
  if (auto window = mlir::dyn_cast<SlidingWindowAttr>(mask))
    return (window.getLeft() < 0 || j >= qPos - window.getLeft()) &&
           (window.getRight() < 0 || j <= qPos + window.getRight());
  if (auto chunked = mlir::dyn_cast<ChunkedAttr>(mask))
    return floorDiv(qPos, chunked.getSize()) == floorDiv(j, chunked.getSize());
  if (auto prefix = mlir::dyn_cast<PrefixAttr>(mask))
    return j < (prefix.hasSlot() ? instance.slots.at(prefix.getSlot())
                                 : prefix.getLength());
  if (auto node = mlir::dyn_cast<NotAttr>(mask))
    return !recurse(node.getMask());
  if (auto node = mlir::dyn_cast<AndAttr>(mask))
    return llvm::all_of(node.getMasks(), recurse);
  if (auto node = mlir::dyn_cast<OrAttr>(mask))
    return llvm::any_of(node.getMasks(), recurse);
  ADD_FAILURE() << "mask without a definition in the test";
  return false;
}

enum class Kind : char { Empty = '.', Partial = 'p', Full = 'F' };

/// Counts of visible pairs, for the kinds of tiles in constant time.
class PairCounts {
public:
  PairCounts(mlir::Attribute mask, const Instance &instance)
      : instance(instance), stride(instance.kvLen + 1),
        sums((instance.qLen + 1) * (instance.kvLen + 1), 0) {
    for (int64_t i = 0; i < instance.qLen; ++i)
      for (int64_t j = 0; j < instance.kvLen; ++j)
        at(i + 1, j + 1) = at(i, j + 1) + at(i + 1, j) - at(i, j) +
                           isVisible(mask, i + instance.qOffset, j, instance);
  }

  Kind getKind(int64_t qTile, int64_t kvTile, int64_t blockQ, int64_t blockKv) {
    int64_t i0 = std::min(qTile * blockQ, instance.qLen);
    int64_t i1 = std::min(qTile * blockQ + blockQ, instance.qLen);
    int64_t j0 = std::min(kvTile * blockKv, instance.kvLen);
    int64_t j1 = std::min(kvTile * blockKv + blockKv, instance.kvLen);
    int64_t visible = at(i1, j1) - at(i0, j1) - at(i1, j0) + at(i0, j0);
    if (visible == 0)
      return Kind::Empty;
    return visible == (i1 - i0) * blockKv ? Kind::Full : Kind::Partial;
  }

private:
  int64_t &at(int64_t i, int64_t j) { return sums[i * stride + j]; }

  Instance instance;
  int64_t stride;
  std::vector<int64_t> sums;
};

/// A context with the attn dialect.
inline mlir::MLIRContext &getContext() {
  static mlir::MLIRContext *context = [] {
    auto *result =
        new mlir::MLIRContext(mlir::MLIRContext::Threading::DISABLED);
    result->loadDialect<AttnDialect>();
    return result;
  }();
  return *context;
}

inline mlir::Attribute parseMask(llvm::StringRef text) {
  mlir::Attribute mask = mlir::parseAttribute(text, &getContext());
  EXPECT_TRUE(mask) << text.str();
  return mask;
}

inline std::string toString(mlir::Attribute mask) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << mask;
  return text;
}

class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  /// Uniform in [low, high].
  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine() %
                                      static_cast<uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return pick(1, 100) <= percent; }

private:
  std::mt19937_64 engine;
};

/// A random leaf; prefixes use slots 2 and 5.
inline mlir::Attribute makeLeaf(Random &random) {
  mlir::MLIRContext *context = &getContext();
  auto side = [&]() -> int64_t {
    if (random.chance(15))
      return SlidingWindowAttr::kUnbounded;
    return random.chance(20) ? random.pick(0, 3) : random.pick(0, 250);
  };
  switch (random.pick(0, 5)) {
  case 0:
    return CausalAttr::get(context);
  case 1: {
    int64_t left = side(), right = side();
    return SlidingWindowAttr::get(context, left, right);
  }
  case 2:
    return SlidingWindowAttr::get(context, side(), 0);
  case 3:
    return ChunkedAttr::get(context, random.chance(50)
                                         ? int64_t(16) << random.pick(0, 4)
                                         : random.pick(10, 200));
  case 4:
    return PrefixAttr::get(context, random.pick(0, 320));
  default:
    return PrefixAttr::get(context, 0, random.chance(70) ? 2 : 5);
  }
}

inline mlir::Attribute makeMask(Random &random, int depth) {
  mlir::MLIRContext *context = &getContext();
  if (depth == 0 || random.chance(20))
    return makeLeaf(random);
  int64_t form = random.pick(0, 4);
  if (form == 0)
    return NotAttr::get(context, makeMask(random, depth - 1));
  llvm::SmallVector<mlir::Attribute> operands;
  for (int64_t i = random.pick(random.chance(95) ? 1 : 0, 3); i > 0; --i)
    operands.push_back(makeMask(random, depth - 1));
  if (form <= 2)
    return AndAttr::get(context, operands);
  return OrAttr::get(context, operands);
}

} // namespace test
} // namespace attn

#endif // ATTN_TEST_UNIT_MASKTESTUTILS_H
