//===- MaskRangesTest.cpp - Tile ranges against brute force ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskTestUtils.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <ctime>
#include <set>

using namespace attn;
using namespace attn::test;

namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Counts of what the property test has seen.
struct Tally {
  int64_t problems = 0, refused = 0, fixedTiles = 0, tiles = 0;
  int64_t kinds[3] = {0, 0, 0};
  double slowest = 0, total = 0;
  int64_t slow = 0;
  std::string slowestMask;
  int64_t mostRanges = 0;
  std::string mostRangesMask;
};

std::string describe(const MaskProblem &problem, const Instance &instance,
                     bool loopOverKv, int64_t fixed) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto field = [&](const char *name, int64_t value, bool isStatic) {
    stream << ", " << name << (isStatic ? " = static " : " = ") << value;
  };
  stream << (loopOverKv ? "kv tiles of q tile " : "q tiles of kv tile ")
         << fixed << ", mask " << problem.mask << ", blocks " << problem.blockQ
         << " x " << problem.blockKv;
  field("q_offset", instance.qOffset, problem.qOffset.has_value());
  field("q_len", instance.qLen, problem.qLen.has_value());
  field("kv_len", instance.kvLen, problem.kvLen.has_value());
  for (auto [slot, value] : instance.slots)
    stream << ", slot " << slot << " = " << value;
  return text;
}

/// Compares all tiles of all fixed tiles of one instance.
void checkInstance(const MaskProblem &problem, const Instance &instance,
                   bool loopOverKv, const MaskRanges &ranges, Tally &tally) {
  PairCounts counts(problem.mask, instance);
  int64_t fixedBlock = loopOverKv ? problem.blockQ : problem.blockKv;
  int64_t loopBlock = loopOverKv ? problem.blockKv : problem.blockQ;
  int64_t fixedLen = loopOverKv ? instance.qLen : instance.kvLen;
  int64_t loopLen = loopOverKv ? instance.kvLen : instance.qLen;
  bool fixedIsStatic = (loopOverKv ? problem.qLen : problem.kvLen).has_value();
  llvm::SmallVector<int64_t> symbols{instance.qOffset, instance.qLen,
                                     instance.kvLen};
  for (int64_t slot : ranges.slots)
    symbols.push_back(instance.slots.at(slot));

  bool seen[2] = {false, false};
  int64_t numFixed = ceilDiv(fixedLen, fixedBlock) + (fixedIsStatic ? 0 : 1);
  int64_t numLoop = ceilDiv(loopLen, loopBlock) + 1;
  for (int64_t fixed = 0; fixed < numFixed; ++fixed) {
    std::string expected, actual(numLoop, '.');
    for (int64_t tile = 0; tile < numLoop; ++tile) {
      Kind kind =
          counts.getKind(loopOverKv ? fixed : tile, loopOverKv ? tile : fixed,
                         problem.blockQ, problem.blockKv);
      expected += static_cast<char>(kind);
      ++tally.kinds[kind == Kind::Empty ? 0 : kind == Kind::Partial ? 1 : 2];
      if (kind != Kind::Empty)
        seen[kind == Kind::Full] = true;
    }
    int64_t previous = 0;
    for (ConcreteRange range : evaluateRanges(ranges, fixed, symbols)) {
      ASSERT_LE(previous, range.begin);
      ASSERT_LT(range.begin, range.end);
      ASSERT_LE(range.end, numLoop)
          << describe(problem, instance, loopOverKv, fixed);
      for (int64_t tile = range.begin; tile < range.end; ++tile)
        actual[tile] = static_cast<char>(
            range.kind == TileKind::Full ? Kind::Full : Kind::Partial);
      previous = range.end;
    }
    ASSERT_EQ(expected, actual)
        << describe(problem, instance, loopOverKv, fixed);
    ++tally.fixedTiles;
    tally.tiles += numLoop;
  }
  // Without parameters a kind that never occurs has no range, so no body.
  if (!problem.qOffset || !problem.qLen || !problem.kvLen ||
      !ranges.slots.empty())
    return;
  bool listed[2] = {false, false};
  for (const TileRange &range : ranges.ranges)
    listed[range.kind == TileKind::Full] = true;
  EXPECT_EQ(seen[0], listed[0]) << describe(problem, instance, loopOverKv, 0);
  EXPECT_EQ(seen[1], listed[1]) << describe(problem, instance, loopOverKv, 0);
}

MaskProblem makeProblem(Random &random, mlir::Attribute mask,
                        const Instance &instance) {
  auto block = [&]() -> int64_t {
    return random.chance(60) ? int64_t(16) << random.pick(0, 3)
                             : random.pick(16, 128);
  };
  MaskProblem problem;
  problem.mask = mask;
  problem.blockQ = block();
  problem.blockKv = block();
  bool allStatic = random.chance(35);
  auto known = [&](int64_t value) -> std::optional<int64_t> {
    if (allStatic || random.chance(25))
      return value;
    return std::nullopt;
  };
  problem.qOffset = known(instance.qOffset);
  problem.qLen = known(instance.qLen);
  problem.kvLen = known(instance.kvLen);
  return problem;
}

Instance makeInstance(Random &random) {
  auto length = [&]() -> int64_t {
    if (random.chance(3))
      return 0;
    return random.chance(25) ? int64_t(64) * random.pick(1, 4)
                             : random.pick(1, 300);
  };
  Instance instance;
  instance.qLen = length();
  instance.kvLen = length();
  switch (random.pick(0, 4)) {
  case 0:
    instance.qOffset = 0;
    break;
  case 1:
    instance.qOffset = instance.kvLen - instance.qLen;
    break;
  case 2:
    instance.qOffset = random.pick(-350, 350);
    break;
  case 3:
    instance.qOffset = 64 * random.pick(-4, 8);
    break;
  default:
    instance.qOffset = random.pick(-40, 40);
  }
  for (int64_t slot : {2, 5})
    instance.slots[slot] = random.pick(-20, 330);
  return instance;
}

/// Chunk sizes and prefix slots of a mask: thresholds that have no known order.
void collectUnordered(mlir::Attribute mask, std::set<std::string> &leaves) {
  if (!mask)
    return;
  auto prefix = mlir::dyn_cast<PrefixAttr>(mask);
  if (mlir::isa<ChunkedAttr>(mask) || (prefix && prefix.hasSlot()))
    leaves.insert(toString(mask));
  for (mlir::Attribute operand : getMaskOperands(mask))
    collectUnordered(operand, leaves);
}

/// One problem, in one direction, at several values of what is not static.
void checkProblem(Random &random, int depth, Tally &tally) {
  mlir::Attribute mask =
      depth < 0 ? mlir::Attribute() : makeMask(random, depth);
  Instance instance = makeInstance(random);
  MaskProblem problem = makeProblem(random, mask, instance);
  bool loopOverKv = random.chance(50);
  std::clock_t start = std::clock();
  mlir::FailureOr<MaskRanges> ranges =
      loopOverKv ? analyzeKvRanges(&getContext(), problem)
                 : analyzeQRanges(&getContext(), problem);
  double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  ++tally.problems;
  tally.total += seconds;
  tally.slow += seconds > 0.05;
  if (seconds > tally.slowest) {
    tally.slowest = seconds;
    tally.slowestMask = describe(problem, instance, loopOverKv, 0);
  }
  if (failed(ranges)) {
    ++tally.refused;
    // Only a mix of those may be too much.
    std::set<std::string> leaves;
    collectUnordered(mask, leaves);
    EXPECT_GE(leaves.size(), 2u) << describe(problem, instance, loopOverKv, 0);
    return;
  }
  EXPECT_TRUE(ranges->exact);
  if (static_cast<int64_t>(ranges->ranges.size()) > tally.mostRanges) {
    tally.mostRanges = ranges->ranges.size();
    tally.mostRangesMask = describe(problem, instance, loopOverKv, 0);
  }
  int numInstances = problem.qOffset && problem.qLen && problem.kvLen ? 2 : 4;
  for (int i = 0; i < numInstances; ++i) {
    checkInstance(problem, instance, loopOverKv, *ranges, tally);
    if (testing::Test::HasFatalFailure())
      return;
    instance = makeInstance(random);
    instance.qOffset = problem.qOffset.value_or(instance.qOffset);
    instance.qLen = problem.qLen.value_or(instance.qLen);
    instance.kvLen = problem.kvLen.value_or(instance.kvLen);
  }
}

void report(const Tally &tally) {
  llvm::outs() << tally.problems << " problems, " << tally.refused
               << " refused, " << tally.fixedTiles << " fixed tiles, "
               << tally.tiles << " tiles (" << tally.kinds[0] << " empty, "
               << tally.kinds[1] << " partial, " << tally.kinds[2]
               << " full), mean "
               << llvm::format("%.2f", tally.total / tally.problems * 1e3)
               << " ms, " << tally.slow << " above 50 ms, slowest "
               << llvm::format("%.2f", tally.slowest * 1e3)
               << " ms: " << tally.slowestMask << "\nmost ranges "
               << tally.mostRanges << ": " << tally.mostRangesMask << "\n";
}

class MaskRangesProperty : public testing::TestWithParam<int> {};

TEST_P(MaskRangesProperty, AgreesWithBruteForce) {
  int depth = GetParam();
  Random random(20240611 + depth);
  Tally tally;
  int numProblems = depth < 0 ? 100 : 700;
  // For a longer run by hand.
  if (const char *factor = std::getenv("ATTN_TEST_FACTOR"))
    numProblems *= std::atoi(factor);
  for (int i = 0; i < numProblems; ++i) {
    checkProblem(random, depth, tally);
    if (HasFatalFailure())
      break;
  }
  report(tally);
  // Refusals are for masks that nobody writes.
  EXPECT_LE(tally.refused * 50, tally.problems);
  EXPECT_GT(tally.kinds[1], 0);
  EXPECT_GT(tally.kinds[2], 0);
}

INSTANTIATE_TEST_SUITE_P(Depth, MaskRangesProperty,
                         testing::Values(-1, 0, 1, 2, 3), [](const auto &info) {
                           return info.param < 0 ? std::string("None")
                                                 : std::to_string(info.param);
                         });

} // namespace
