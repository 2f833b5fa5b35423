//===- JitTest.cpp - Tests of code generation and the JIT -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions here are not attention: they show that any module that the
// pipeline can lower is compiled, called and refused as the headers say.
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Jit.h"
#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Context.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Runtime/Memory.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Target/TargetMachine.h"
#include <gtest/gtest.h>

using namespace attn;

namespace {
struct JitTest : public testing::Test {
  llvm::Expected<std::unique_ptr<JitKernel>> compile(llvm::StringRef text,
                                                     JitOptions options = {}) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
    if (!module)
      return createError("test module does not parse");
    return JitKernel::compile(std::move(module), "main", options);
  }

  std::string compileError(llvm::StringRef text, JitOptions options = {}) {
    auto kernel = compile(text, options);
    if (kernel)
      return "no error";
    return llvm::toString(kernel.takeError());
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
};

template <int rank>
struct Descriptor {
  float *allocated, *aligned;
  int64_t offset, sizes[rank], strides[rank];
};
} // namespace

static constexpr const char *addInPlace = R"(
  func.func @main(%memory: memref<?xf32>, %value: f32, %count: i64) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = arith.index_cast %count : i64 to index
    scf.for %i = %c0 to %n step %c1 {
      %old = memref.load %memory[%i] : memref<?xf32>
      %new = arith.addf %old, %value : f32
      memref.store %new, %memory[%i] : memref<?xf32>
    }
    return
  })";

TEST_F(JitTest, MemrefArgumentsAndScalars) {
  auto kernel = compile(addInPlace);
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  float data[4] = {1, 2, 3, 4};
  Descriptor<1> memory{data, data, 0, {4}, {1}};
  float value = 10;
  int64_t count = 3;
  void *arguments[] = {&memory, &value, &count};
  (*kernel)->invoke(arguments);
  EXPECT_EQ(data[0], 11);
  EXPECT_EQ(data[2], 13);
  EXPECT_EQ(data[3], 4);
  const JitTimings &timings = (*kernel)->getTimings();
  EXPECT_GT(timings.passes, 0);
  EXPECT_GT(timings.translate, 0);
  EXPECT_GT(timings.codegen, 0);
  EXPECT_GT(timings.link, 0);
  EXPECT_EQ((*kernel)->getObject().getBuffer().take_front(4), "\x7f"
                                                              "ELF");
}

TEST_F(JitTest, EveryOptimisationLevelGivesTheSame) {
  for (unsigned level : {0, 1, 2, 3}) {
    JitOptions options;
    options.irOptLevel = level;
    options.codegenOptLevel = std::max(1u, level);
    auto kernel = compile(addInPlace, options);
    ASSERT_TRUE(static_cast<bool>(kernel))
        << llvm::toString(kernel.takeError());
    float data[2] = {1, 2}, value = 0.5;
    Descriptor<1> memory{data, data, 0, {2}, {1}};
    int64_t count = 2;
    void *arguments[] = {&memory, &value, &count};
    (*kernel)->invoke(arguments);
    EXPECT_EQ(data[1], 2.5f) << "level " << level;
  }
}

TEST_F(JitTest, TensorResultsAreAllocatedByTheCallee) {
  auto kernel = compile(R"(
    func.func @main(%a: tensor<2x?xf32>) -> (tensor<2x?xf32>, tensor<f32>) {
      %c1 = arith.constant 1 : index
      %size = tensor.dim %a, %c1 : tensor<2x?xf32>
      %empty = tensor.empty(%size) : tensor<2x?xf32>
      %twice = linalg.add ins(%a, %a : tensor<2x?xf32>, tensor<2x?xf32>)
          outs(%empty : tensor<2x?xf32>) -> tensor<2x?xf32>
      %scalar = arith.constant dense<7.0> : tensor<f32>
      %init = tensor.empty() : tensor<f32>
      %copy = linalg.copy ins(%scalar : tensor<f32>) outs(%init : tensor<f32>)
          -> tensor<f32>
      return %twice, %copy : tensor<2x?xf32>, tensor<f32>
    })");
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  float data[6] = {1, 2, 3, 4, 5, 6};
  Descriptor<2> argument{data, data, 0, {2, 3}, {3, 1}};
  struct {
    Descriptor<2> twice;
    float *allocated, *aligned;
    int64_t offset;
  } results;
  void *arguments[] = {&results, &argument};
  resetMemoryStatistics();
  size_t before = getMemoryStatistics().currentBytes;
  (*kernel)->invoke(arguments);
  EXPECT_EQ(results.twice.sizes[1], 3);
  EXPECT_EQ(results.twice.aligned[results.twice.offset + 5], 12);
  EXPECT_EQ(results.aligned[results.offset], 7);
  EXPECT_GT(getMemoryStatistics().currentBytes, before);
  freeMemory(results.twice.allocated);
  freeMemory(results.allocated);
  EXPECT_EQ(getMemoryStatistics().currentBytes, before);
}

TEST_F(JitTest, FunctionsMayHaveOurNames) {
  auto kernel = compile(R"(
    func.func @attn_invoke(%memory: memref<f32>) {
      %value = arith.constant 3.0 : f32
      memref.store %value, %memory[] : memref<f32>
      return
    }
    func.func @main(%memory: memref<f32>) {
      func.call @attn_invoke(%memory) : (memref<f32>) -> ()
      return
    })");
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  float value = 0;
  struct {
    float *allocated, *aligned;
    int64_t offset;
  } memory{&value, &value, 0};
  void *arguments[] = {&memory};
  (*kernel)->invoke(arguments);
  EXPECT_EQ(value, 3);
}

TEST_F(JitTest, GlobalsCanBeRead) {
  auto kernel = compile(R"(
    memref.global @counts : memref<2xi64> = dense<[3, 5]>
    func.func @main() { return })");
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  auto *counts = static_cast<int64_t *>((*kernel)->lookup("counts"));
  ASSERT_NE(counts, nullptr);
  EXPECT_EQ(counts[1], 5);
  EXPECT_EQ((*kernel)->lookup("other"), nullptr);
}

TEST_F(JitTest, CallsOfLibrariesAreRefused) {
  EXPECT_EQ(compileError(R"(
    func.func private @expf(f32) -> f32
    func.func private @sgemm_(f32) -> f32
    func.func @main(%memory: memref<f32>) {
      %old = memref.load %memory[] : memref<f32>
      %new = func.call @expf(%old) : (f32) -> f32
      %more = func.call @sgemm_(%new) : (f32) -> f32
      memref.store %more, %memory[] : memref<f32>
      return
    })"),
            "the generated code calls expf, sgemm_, which Attn does not "
            "provide");
}

TEST_F(JitTest, ErrorsAreOneLine) {
  EXPECT_EQ(compileError("func.func @other() { return }"),
            "the module has no function @main");
  EXPECT_EQ(compileError("func.func private @main()"),
            "function @main has no body to call after lowering");
  EXPECT_EQ(compileError("func.func @main() -> f32 {"
                         "%0 = arith.constant 1.0 : f32\n return %0 : f32 }"),
            "function @main returns something that is not a memref");
  JitOptions options;
  options.target = "pdp11";
  EXPECT_NE(compileError(addInPlace, options).find("'pdp11'"),
            std::string::npos);
  options.target = "native";
  options.codegenOptLevel = 0;
  EXPECT_EQ(compileError(addInPlace, options),
            "code generation level 0 is not between 1 and 3");
}

TEST(CodegenTest, NativeCodeRunsHere) {
  auto target = getCodegenTarget("native");
  ASSERT_TRUE(static_cast<bool>(target));
  EXPECT_FALSE(static_cast<bool>(checkRunsHere(*target)));
}

#ifdef __x86_64__
TEST(CodegenTest, ForeignCodeIsRefused) {
  CodegenTarget arm{"aarch64-linux-gnu", "generic", ""};
  EXPECT_EQ(llvm::toString(checkRunsHere(arm)),
            "code for aarch64 cannot run on this machine (x86_64)");
  // No processor has both.
  CodegenTarget x86{"x86_64-linux-gnu", "x86-64", "+amx-tile,+sse4a,+xop"};
  EXPECT_NE(llvm::toString(checkRunsHere(x86)).find("no xop"),
            std::string::npos);
}
#endif

TEST(CodegenTest, MachineCodeForOtherMachines) {
  llvm::LLVMContext context;
  for (const char *triple : {"x86_64-linux-gnu", "aarch64-linux-gnu"}) {
    auto machine = createTargetMachine({triple, "generic", ""}, 2);
    ASSERT_TRUE(static_cast<bool>(machine))
        << llvm::toString(machine.takeError());
    llvm::SMDiagnostic diagnostic;
    auto module = llvm::parseAssemblyString(
        "define i64 @identity(i64 %x) { ret i64 %x }", diagnostic, context);
    ASSERT_TRUE(module);
    module->setTargetTriple((*machine)->getTargetTriple());
    module->setDataLayout((*machine)->createDataLayout());
    auto text = emitMachineCode(*module, **machine, MachineCode::Assembly);
    ASSERT_TRUE(static_cast<bool>(text));
    EXPECT_NE((*text)->getBuffer().find("identity:"), llvm::StringRef::npos);
    EXPECT_NE((*text)->getBuffer().find("ret"), llvm::StringRef::npos);
  }
  auto nowhere = createTargetMachine({"nonsense-nowhere", "", ""}, 2);
  EXPECT_NE(llvm::toString(nowhere.takeError()).find("nonsense-nowhere"),
            std::string::npos);
}
