//===- NumericsMutationTest.cpp - Wrong kernels must be found out ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Classic errors of online-softmax kernels, planted into the IR of the `online`
// stage. The honest kernel of the same problem must pass the check, the wrong
// one must not. The errors that options can plant are in numerics/grid.yaml.
//
//===----------------------------------------------------------------------===//

#include "../numerics/Experiment.h"

#include "attn/Compiler/Context.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace attn;
using namespace attn::numerics;

namespace {

struct NumericsMutationTest : public testing::Test {
  /// Plants `mutate`, which returns how many places it changed, into the kernel
  /// of a problem.
  void expectReported(const std::string &gen,
                      llvm::function_ref<int(mlir::ModuleOp)> mutate) {
    auto experiment = Experiment::create(gen, "", *context);
    ASSERT_TRUE(static_cast<bool>(experiment))
        << llvm::toString(experiment.takeError());
    std::string message;
    ASSERT_FALSE(static_cast<bool>((*experiment)->compile()));
    (*experiment)->call();
    ASSERT_TRUE((*experiment)->check(message)) << message;

    int places = 0;
    ASSERT_FALSE(static_cast<bool>(
        (*experiment)->compile(nullptr, [&](mlir::ModuleOp module) {
          places = mutate(module);
        })));
    ASSERT_GT(places, 0) << "the kernel has nothing to change";
    (*experiment)->call();
    message.clear();
    EXPECT_FALSE((*experiment)->check(message)) << message;
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
};

/// Replaces every f32 constant near `value`.
int replaceConstants(mlir::ModuleOp module, double value, double other) {
  int places = 0;
  module.walk([&](mlir::arith::ConstantOp constant) {
    auto attribute = llvm::dyn_cast<mlir::FloatAttr>(constant.getValue());
    if (!attribute ||
        std::fabs(attribute.getValueAsDouble() - value) > 1e-6 * value)
      return;
    constant.setValueAttr(mlir::FloatAttr::get(attribute.getType(), other));
    ++places;
  });
  return places;
}

/// Lets every accumulation start from what its rescaling took as input.
template <typename Op>
int dropRescaling(mlir::ModuleOp module,
                  llvm::function_ref<mlir::OpOperand *(Op)> getInto) {
  int places = 0;
  module.walk([&](Op op) {
    mlir::OpOperand *into = getInto(op);
    if (!into)
      return;
    auto map = into->get().template getDefiningOp<MapOp>();
    if (!map || map.getInputs().size() != 2)
      return;
    into->set(map.getInputs().front());
    ++places;
  });
  return places;
}

} // namespace

TEST_F(NumericsMutationTest, BaseOfLse) {
  expectReported("--sq=70 --q-heads=1 --lse", [](mlir::ModuleOp module) {
    return replaceConstants(module, std::log(2.0), 1.0);
  });
}

TEST_F(NumericsMutationTest, BaseOfScores) {
  expectReported("--sq=70 --q-heads=1 --scale=1", [](mlir::ModuleOp module) {
    return replaceConstants(module, 1 / std::log(2.0), 1.0);
  });
}

TEST_F(NumericsMutationTest, SumsThatAreNotRescaled) {
  expectReported("--sq=70 --skv=300 --q-heads=1", [](mlir::ModuleOp module) {
    return dropRescaling<ReduceOp>(module,
                                   [](ReduceOp reduce) -> mlir::OpOperand * {
                                     if (reduce.getKind() != ReductionKind::add)
                                       return nullptr;
                                     return &reduce.getIntoMutable();
                                   });
  });
}

TEST_F(NumericsMutationTest, AccumulatorsThatAreNotRescaled) {
  expectReported("--sq=70 --skv=300 --q-heads=1", [](mlir::ModuleOp module) {
    return dropRescaling<ContractOp>(
        module, [](ContractOp contract) -> mlir::OpOperand * {
          mlir::MutableOperandRange into = contract.getIntoMutable();
          return into.empty() ? nullptr : &into[0];
        });
  });
}

TEST_F(NumericsMutationTest, MaskComparedStrictly) {
  expectReported("--sq=70 --skv=300 --q-heads=1 --mask=causal --q-offset=40",
                 [](mlir::ModuleOp module) {
                   int places = 0;
                   module.walk([&](MapOp map) {
                     map.walk([&](mlir::arith::CmpIOp compare) {
                       using Predicate = mlir::arith::CmpIPredicate;
                       Predicate strict = compare.getPredicate();
                       if (strict == Predicate::sle)
                         compare.setPredicate(Predicate::slt);
                       else if (strict == Predicate::sge)
                         compare.setPredicate(Predicate::sgt);
                       else
                         return;
                       ++places;
                     });
                   });
                   return places;
                 });
}

TEST_F(NumericsMutationTest, MaximumThatStartsAtZero) {
  // Every score is far below 0, so that all weights vanish.
  auto plant = [](mlir::ModuleOp module) {
    int places = 0;
    module.walk([&](FillOp fill) {
      mlir::FloatAttr value;
      if (!matchPattern(fill.getValue(), mlir::m_Constant(&value)) ||
          !value.getValue().isInfinity())
        return;
      mlir::OpBuilder builder(fill);
      fill.getValueMutable().assign(mlir::arith::ConstantOp::create(
          builder, fill.getLoc(), builder.getF32FloatAttr(0)));
      ++places;
    });
    return places;
  };
  auto experiment =
      Experiment::create("--sq=70 --q-heads=1 --scale=1", "", *context);
  ASSERT_TRUE(static_cast<bool>(experiment));
  llvm::cantFail((*experiment)->edit({{"q", {"-10"}}, {"k", {"10"}}}));
  int places = 0;
  llvm::cantFail((*experiment)->compile(nullptr, [&](mlir::ModuleOp module) {
    places = plant(module);
  }));
  ASSERT_GT(places, 0);
  (*experiment)->call();
  std::string message;
  EXPECT_FALSE((*experiment)->check(message)) << message;
}

TEST_F(NumericsMutationTest, ValuesOfAnotherTile) {
  expectReported("--sq=70 --skv=300 --q-heads=1", [](mlir::ModuleOp module) {
    int places = 0;
    module.walk([&](LoadTileOp load) {
      if (load.getView().getType().getDim() != Dim::dv)
        return;
      mlir::OpBuilder builder(load);
      load.getRowMutable().assign(
          mlir::arith::ConstantIndexOp::create(builder, load.getLoc(), 0));
      ++places;
    });
    return places;
  });
}
