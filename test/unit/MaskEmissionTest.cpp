//===- MaskEmissionTest.cpp - Emitted bounds and predicates ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The emitted IR is run by folding each op in turn on constant operands.
//
//===----------------------------------------------------------------------===//

#include "MaskTestUtils.h"
#include "attn/Dialect/Attn/Transforms/EmitTileRanges.h"
#include "attn/Dialect/Attn/Transforms/MaskPredicate.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"

using namespace attn;
using namespace attn::test;
using namespace mlir;

namespace {

/// A block with index arguments.
class Program {
public:
  explicit Program(unsigned numArgs)
      : module(ModuleOp::create(UnknownLoc::get(&getContext()))),
        builder(&getContext()) {
    getContext().loadDialect<affine::AffineDialect, arith::ArithDialect>();
    for (unsigned i = 0; i < numArgs; ++i)
      block.addArgument(builder.getIndexType(), module->getLoc());
    builder.setInsertionPointToEnd(&block);
  }

  Value arg(unsigned index) { return block.getArgument(index); }

  /// Runs all ops; false if one is invalid or does not fold.
  bool run(ArrayRef<int64_t> args) {
    values.clear();
    for (auto [argument, value] : llvm::zip_equal(block.getArguments(), args))
      values[argument] = builder.getIndexAttr(value);
    for (Operation &op : block) {
      SmallVector<Attribute> operands;
      for (Value operand : op.getOperands())
        operands.push_back(values.lookup(operand));
      SmallVector<OpFoldResult> results;
      Attribute constant;
      if (matchPattern(&op, m_Constant(&constant)))
        results.push_back(constant);
      else if (failed(verify(&op)) || failed(op.fold(operands, results)) ||
               results.empty())
        return op.emitError("does not fold"), false;
      auto value = dyn_cast<Attribute>(results.front());
      values[op.getResult(0)] =
          value ? value : values.lookup(cast<Value>(results.front()));
    }
    return true;
  }

  int64_t get(Value value) {
    auto attr = dyn_cast_or_null<IntegerAttr>(values.lookup(value));
    EXPECT_TRUE(attr);
    return attr ? attr.getInt() : -1;
  }

  OwningOpRef<ModuleOp> module;
  Block block;
  OpBuilder builder;

private:
  llvm::DenseMap<Value, Attribute> values;
};

/// Emits the ranges of one problem and runs them at several values.
void checkRanges(Random &random, const MaskProblem &problem,
                 const Instance &instance, bool loopOverKv) {
  FailureOr<MaskRanges> ranges = loopOverKv
                                     ? analyzeKvRanges(&getContext(), problem)
                                     : analyzeQRanges(&getContext(), problem);
  if (failed(ranges))
    return;
  Program program(4 + ranges->slots.size());
  auto unlessStatic = [&](std::optional<int64_t> known, unsigned index) {
    return known ? Value() : program.arg(index);
  };
  SmallVector<Value> slots;
  for (unsigned i = 0; i < ranges->slots.size(); ++i)
    slots.push_back(program.arg(4 + i));
  auto emitted = emitTileRanges(
      program.builder, program.module->getLoc(), *ranges, program.arg(0),
      unlessStatic(problem.qOffset, 1), unlessStatic(problem.qLen, 2),
      unlessStatic(problem.kvLen, 3), slots);
  ASSERT_EQ(emitted.size(), ranges->ranges.size());

  for (int64_t tile = 0; tile < 4; ++tile) {
    SmallVector<int64_t> symbols{
        problem.qOffset.value_or(random.pick(-100, 300)),
        problem.qLen.value_or(random.pick(0, 300)),
        problem.kvLen.value_or(random.pick(0, 300))};
    for (int64_t slot : ranges->slots)
      symbols.push_back(instance.slots.at(slot));
    SmallVector<int64_t> args{tile};
    args.append(symbols);
    ASSERT_TRUE(program.run(args));
    SmallVector<ConcreteRange> expected =
        evaluateRanges(*ranges, tile, symbols);
    unsigned next = 0;
    int64_t previous = 0;
    for (const EmittedRange &range : emitted) {
      int64_t begin = program.get(range.begin), end = program.get(range.end);
      ASSERT_LE(previous, begin);
      ASSERT_LE(begin, end);
      previous = end;
      if (begin == end)
        continue;
      ASSERT_LT(next, expected.size());
      EXPECT_EQ(begin, expected[next].begin);
      EXPECT_EQ(end, expected[next].end);
      EXPECT_EQ(range.kind, expected[next].kind);
      ++next;
    }
    EXPECT_EQ(next, expected.size());
  }
}

TEST(EmitTileRanges, AgreesWithTheMaps) {
  Random random(7);
  for (int i = 0; i < 300; ++i) {
    MaskProblem problem;
    if (i % 10 != 0)
      problem.mask = makeMask(random, 2);
    problem.blockQ = random.pick(16, 128);
    problem.blockKv = random.pick(16, 128);
    if (random.chance(40))
      problem.qOffset = random.pick(-100, 300);
    if (random.chance(40))
      problem.qLen = random.pick(260, 300) + 3 * problem.blockQ;
    if (random.chance(40))
      problem.kvLen = random.pick(260, 300) + 3 * problem.blockKv;
    Instance instance;
    for (int64_t slot : {2, 5})
      instance.slots[slot] = random.pick(-20, 330);
    checkRanges(random, problem, instance, random.chance(50));
    if (HasFailure())
      FAIL() << toString(problem.mask);
  }
}

TEST(EmitTileRanges, FoldsAtConstants) {
  MaskProblem problem;
  problem.mask = parseMask("#attn.causal");
  problem.blockQ = problem.blockKv = 64;
  problem.qOffset = 0;
  problem.qLen = problem.kvLen = 2048;
  FailureOr<MaskRanges> ranges = analyzeKvRanges(&getContext(), problem);
  Program program(0);
  Location loc = program.module->getLoc();
  Value tile = arith::ConstantIndexOp::create(program.builder, loc, 3);
  auto emitted =
      emitTileRanges(program.builder, loc, *ranges, tile, {}, {}, {}, {});
  ASSERT_EQ(emitted.size(), 2u);
  for (const EmittedRange &range : emitted)
    for (Value value : {range.begin, range.end})
      EXPECT_TRUE(matchPattern(value, m_Constant()));
}

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

/// Ops other than comparisons and their combinations look at one side only.
void checkSides(Program &program, Value qPos, Value j) {
  llvm::DenseMap<Value, unsigned> sides{{qPos, 1}, {j, 2}};
  for (Operation &op : program.block) {
    unsigned used = 0;
    for (Value operand : op.getOperands())
      used |= sides.lookup(operand);
    sides[op.getResult(0)] = used;
    if (used == 3) {
      EXPECT_TRUE(
          (isa<arith::CmpIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op)))
          << op.getName().getStringRef().str();
    }
  }
}

TEST(EmitVisible, AgreesWithTheDefinition) {
  Random random(11);
  int64_t visible = 0, hidden = 0;
  for (int i = 0; i < 200; ++i) {
    Attribute mask = i ? makeMask(random, 3) : Attribute();
    Program program(4);
    MaskOperands operands;
    operands.qPos = program.arg(0);
    operands.j = program.arg(1);
    std::map<int64_t, int> asked;
    auto slotValue = [&](int64_t slot) {
      ++asked[slot];
      return program.arg(slot == 2 ? 2 : 3);
    };
    operands.slotValue = slotValue;
    FailureOr<Value> value = emitVisible(
        program.builder, program.module->getLoc(), mask, operands, nullptr);
    ASSERT_TRUE(succeeded(value));
    ASSERT_TRUE(value->getType().isInteger(1));
    for (auto [slot, count] : asked)
      EXPECT_EQ(count, 1);
    checkSides(program, program.arg(0), program.arg(1));
    for (int point = 0; point < 50; ++point) {
      int64_t qPos = random.pick(-300, 600);
      int64_t j = random.chance(50)
                      ? std::max<int64_t>(0, qPos + random.pick(-5, 5))
                      : random.pick(0, 300);
      Instance instance;
      for (int64_t slot : {2, 5})
        instance.slots[slot] = random.pick(-20, 330);
      ASSERT_TRUE(program.run({qPos, j, instance.slots[2], instance.slots[5]}));
      bool expected = isVisible(mask, qPos, j, instance);
      ASSERT_EQ(program.get(*value) != 0, expected)
          << toString(mask) << " q_pos " << qPos << " j " << j;
      ++(expected ? visible : hidden);
    }
  }
  EXPECT_GT(visible, 1000);
  EXPECT_GT(hidden, 1000);
}

TEST(EmitVisible, DividesByPowersOfTwoWithShifts) {
  for (int64_t size : {1, 64, 48}) {
    Program program(2);
    MaskOperands operands;
    operands.qPos = program.arg(0);
    operands.j = program.arg(1);
    ASSERT_TRUE(succeeded(emitVisible(program.builder, program.module->getLoc(),
                                      ChunkedAttr::get(&getContext(), size),
                                      operands, nullptr)));
    int64_t shifts = 0, divisions = 0;
    for (Operation &op : program.block) {
      shifts += isa<arith::ShRSIOp>(op);
      divisions += isa<arith::FloorDivSIOp>(op);
    }
    EXPECT_EQ(shifts, size == 64 ? 2 : 0);
    EXPECT_EQ(divisions, size == 48 ? 2 : 0);
  }
}

TEST(EmitVisible, ReadsSlotsOfData) {
  Program program(2);
  MaskOperands operands;
  operands.qPos = program.arg(0);
  operands.j = program.arg(1);
  llvm::SmallVector<int64_t> read;
  auto slotElement = [&](int64_t slot) {
    read.push_back(slot);
    return program.arg(slot % 2);
  };
  operands.slotElement = slotElement;
  ASSERT_TRUE(succeeded(
      emitVisible(program.builder, program.module->getLoc(),
                  parseMask("#attn.and<[#attn.segments<q = 2, kv = 5>, "
                            "#attn.not<#attn.segments<q = 2, kv = 5>>]>"),
                  operands, nullptr)));
  // Equal leaves read once.
  EXPECT_EQ(read, (llvm::SmallVector<int64_t>{2, 5}));
}

TEST(EmitVisible, RefusesByName) {
  std::pair<llvm::StringRef, llvm::StringRef> cases[] = {
      {"#attn.segments<q = 0, kv = 1>",
       "mask has no predicate yet: segments reads segment ids of the row and "
       "the key"},
      {"#attn.not<#attn.dense<0>>",
       "mask has no predicate yet: dense reads a mask tensor"},
      {"#attn.and<[#attn.causal, #attn.custom<@f>]>",
       "mask has no predicate yet: custom calls a function of the module"},
      {"#attn.per_head<[#attn.causal]>",
       "mask has no predicate yet: per_head must be expanded to the mask of "
       "one head"}};
  for (auto [mask, expected] : cases) {
    Program program(2);
    MaskOperands operands;
    operands.qPos = program.arg(0);
    operands.j = program.arg(1);
    std::string message;
    ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diagnostic) {
      message = diagnostic.str();
    });
    EXPECT_TRUE(failed(emitVisible(
        program.builder, program.module->getLoc(), parseMask(mask), operands,
        [&] { return mlir::emitError(program.module->getLoc()); })));
    EXPECT_EQ(message, expected.str());
  }
}

} // namespace
