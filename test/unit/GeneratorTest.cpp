//===- GeneratorTest.cpp - Tests of mask expressions and attn-gen ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Generator/Generator.h"
#include "attn/Compiler/Context.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace attn;
using namespace attn::generator;

namespace {
struct GeneratorTest : public testing::Test {
  GeneratorTest() { context->loadDialect<AttnDialect>(); }

  std::string parseToText(llvm::StringRef text) {
    auto mask = parseMask(text, context.get());
    if (!mask)
      return llvm::toString(mask.takeError());
    std::string result;
    llvm::raw_string_ostream(result) << mask->attribute;
    return result;
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
};
} // namespace

TEST_F(GeneratorTest, AndBindsTighterThanOrAndNotTighterThanAnd) {
  EXPECT_EQ(parseToText("!causal & prefix(1) | prefix(2) & prefix(3)"),
            "#attn.or<[#attn.and<[#attn.not<#attn.causal>, #attn.prefix<1>]>, "
            "#attn.and<[#attn.prefix<2>, #attn.prefix<3>]>]>");
}

TEST_F(GeneratorTest, OperandsGetSlotsInOrder) {
  auto mask = parseMask("segments | dense & prefix(lens)", context.get());
  ASSERT_TRUE(static_cast<bool>(mask));
  EXPECT_EQ(mask->operands,
            (std::vector{MaskOperand::QSegments, MaskOperand::KvSegments,
                         MaskOperand::Dense, MaskOperand::PrefixLens}));
}

TEST_F(GeneratorTest, NestingIsBounded) {
  std::string deep(100'000, '(');
  EXPECT_NE(parseToText(deep).find("nested more than"), std::string::npos);
  std::string nots(100'000, '!');
  EXPECT_NE(parseToText(nots).find("nested more than"), std::string::npos);
  EXPECT_EQ(parseToText(std::string(90, '(') + "causal" + std::string(90, ')')),
            "#attn.causal");
}

TEST_F(GeneratorTest, EveryTruncationIsAnErrorOrAMask) {
  std::string text = "per_head(causal & !window(1,*), segments | prefix(lens))";
  for (size_t length = 0; length < text.size(); ++length) {
    auto mask = parseMask(text.substr(0, length), context.get());
    EXPECT_FALSE(static_cast<bool>(mask)) << text.substr(0, length);
    llvm::consumeError(mask.takeError());
  }
  auto mask = parseMask(text, context.get());
  EXPECT_TRUE(static_cast<bool>(mask));
}

TEST_F(GeneratorTest, OpSaysWhatTheProblemSays) {
  Problem problem;
  problem.batch = 2;
  problem.rows = 3;
  problem.keys = 5;
  problem.headsKv = 2;
  problem.valueDim = 16;
  problem.lse = true;
  problem.scale = 0.5f;
  problem.vLayout = Layout::bhds;
  auto module = generate(problem, context.get());
  ASSERT_TRUE(static_cast<bool>(module)) << llvm::toString(module.takeError());
  AttentionOp op;
  (*module)->walk([&](AttentionOp found) { op = found; });
  ASSERT_TRUE(op);
  EXPECT_EQ(op.getQType().getShape(), llvm::ArrayRef<int64_t>({2, 3, 4, 64}));
  EXPECT_EQ(op.getVType().getShape(), llvm::ArrayRef<int64_t>({2, 2, 16, 5}));
  EXPECT_EQ(op.getOutType().getShape(), llvm::ArrayRef<int64_t>({2, 3, 4, 16}));
  EXPECT_EQ(op.getScale()->convertToFloat(), 0.5f);
  EXPECT_EQ(op.getOuts().size(), 2u);
}
