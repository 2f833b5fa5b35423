//===- GpuCodeTest.cpp - Code for GPUs and what assemblers say of it ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/GpuCode.h"
#include "attn/Compiler/Context.h"
#include "attn/Target/NVVM/Ptxas.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include <gtest/gtest.h>

using namespace attn;
using namespace llvm;

static const CodegenTarget nvidia{"nvptx64-nvidia-cuda", "sm_80", "+ptx80",
                                  /*isGpu=*/true};
static const CodegenTarget amd{"amdgcn-amd-amdhsa", "gfx942", "",
                               /*isGpu=*/true};

namespace {
/// A module with GPU kernels.
class GpuCodeTest : public testing::Test {
protected:
  Expected<GpuCode> compile(const std::string &functions,
                            const CodegenTarget &target,
                            const GpuCodeOptions &options = {}) {
    module = mlir::parseSourceString<mlir::ModuleOp>(
        "gpu.module @attn_gpu {\n" + functions + "\n}", context.get());
    EXPECT_TRUE(module);
    return compileGpuModule(*module->getOps<mlir::gpu::GPUModuleOp>().begin(),
                            target, options);
  }

  std::string compileError(const std::string &functions,
                           const CodegenTarget &target,
                           const GpuCodeOptions &options = {}) {
    auto code = compile(functions, target, options);
    EXPECT_FALSE(static_cast<bool>(code));
    return code ? "" : toString(code.takeError());
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
  mlir::OwningOpRef<mlir::ModuleOp> module;
};
} // namespace

static const GpuBinary *findBinary(const GpuCode &code, StringRef kind) {
  for (const GpuBinary &binary : code.binaries)
    if (binary.kind == kind)
      return &binary;
  return nullptr;
}

static int64_t getResource(const GpuKernel &kernel, StringRef name) {
  for (const auto &[found, amount] : kernel.resources)
    if (found == name)
      return amount;
  return -1;
}

/// x[i] += 1 for the thread's i, with assembly that all threads must reach.
static std::string getAddOne(StringRef attributes, StringRef threadId) {
  return ("llvm.func @add_one(%x: !llvm.ptr<1>) attributes {" + attributes +
          R"(, attn.kernel_index = 0 : i64, attn.shared_bytes = 4096 : i64} {
    %i = )" +
          threadId + R"( : i32
    %p = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %a = llvm.load %p : !llvm.ptr<1> -> f32
    llvm.inline_asm has_side_effects "", "" : () -> ()
    %one = llvm.mlir.constant(1.0 : f32) : f32
    %b = llvm.fadd %a, %one : f32
    llvm.store %b, %p : f32, !llvm.ptr<1>
    llvm.return
  })")
      .str();
}

static const std::string nvidiaKernel =
    getAddOne("nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>",
              "nvvm.read.ptx.sreg.tid.x");
static const std::string amdKernel =
    getAddOne("rocdl.kernel, rocdl.reqd_work_group_size = array<i32: 256, 1, "
              "1>",
              "rocdl.workitem.id.x");

TEST_F(GpuCodeTest, MakesPtx) {
  auto code = compile(nvidiaKernel, nvidia);
  ASSERT_TRUE(static_cast<bool>(code)) << toString(code.takeError());
  ASSERT_EQ(code->kernels.size(), 1u);
  const GpuKernel &kernel = code->kernels.front();
  EXPECT_EQ(kernel.name, "add_one");
  EXPECT_EQ(kernel.block, (std::array<int64_t, 3>{128, 1, 1}));
  EXPECT_EQ(kernel.sharedBytes, 4096);
  const GpuBinary *ptx = findBinary(*code, "ptx");
  ASSERT_TRUE(ptx);
  StringRef text = ptx->bytes;
  EXPECT_TRUE(text.contains(".visible .entry add_one("));
  EXPECT_TRUE(text.contains(".target sm_80"));
  EXPECT_TRUE(text.contains(".version 8.0"));
  ASSERT_TRUE(findBinary(*code, "bitcode"));
  EXPECT_TRUE(StringRef(findBinary(*code, "bitcode")->bytes).starts_with("BC"));
  EXPECT_FALSE(static_cast<bool>(checkResources(*code)));
}

TEST_F(GpuCodeTest, AssemblesPtxWherePtxasIs) {
  auto ptxas = findPtxas("");
  if (!ptxas) {
    consumeError(ptxas.takeError());
    GTEST_SKIP() << "no ptxas";
  }
  auto code = compile(nvidiaKernel, nvidia);
  ASSERT_TRUE(static_cast<bool>(code)) << toString(code.takeError());
  EXPECT_TRUE(StringRef(code->assembler).starts_with("ptxas 1"));
  const GpuBinary *cubin = findBinary(*code, "cubin");
  ASSERT_TRUE(cubin);
  EXPECT_TRUE(StringRef(cubin->bytes)
                  .starts_with("\x7f"
                               "ELF"));
  const GpuKernel &kernel = code->kernels.front();
  EXPECT_GT(getResource(kernel, "registers"), 0);
  EXPECT_EQ(getResource(kernel, "spill_stores"), 0);
  EXPECT_EQ(getResource(kernel, "spill_loads"), 0);
  EXPECT_EQ(getResource(kernel, "local_bytes"), 0);
  EXPECT_EQ(getResource(kernel, "blocks_per_multiprocessor"), 16);
}

TEST_F(GpuCodeTest, MakesHsaco) {
  auto code = compile(amdKernel, amd);
  ASSERT_TRUE(static_cast<bool>(code)) << toString(code.takeError());
  const GpuBinary *hsaco = findBinary(*code, "hsaco");
  ASSERT_TRUE(hsaco);
  EXPECT_TRUE(StringRef(hsaco->bytes)
                  .starts_with("\x7f"
                               "ELF"));
  EXPECT_TRUE(findBinary(*code, "bitcode"));
  EXPECT_FALSE(findBinary(*code, "ptx"));
  ASSERT_EQ(code->kernels.size(), 1u);
  const GpuKernel &kernel = code->kernels.front();
  EXPECT_EQ(kernel.block, (std::array<int64_t, 3>{256, 1, 1}));
  EXPECT_GT(getResource(kernel, "vgprs"), 0);
  EXPECT_EQ(getResource(kernel, "vgpr_spills"), 0);
  EXPECT_EQ(getResource(kernel, "scratch_bytes"), 0);
  EXPECT_EQ(getResource(kernel, "waves_per_simd"), 8);
  EXPECT_EQ(getResource(kernel, "blocks_per_compute_unit"), 8);
  EXPECT_FALSE(static_cast<bool>(checkResources(*code)));
}

/// One block of one wave has the LDS of all four SIMDs: one of them has a wave.
TEST_F(GpuCodeTest, CountsWavesOfSmallBlocks) {
  auto code = compile(R"(
  llvm.mlir.global internal @lds() {addr_space = 3 : i32}
      : !llvm.array<40960 x i8>
  llvm.func @k() attributes {attn.kernel_index = 0 : i64, rocdl.kernel,
      rocdl.reqd_work_group_size = array<i32: 64, 1, 1>} {
    %p = llvm.mlir.addressof @lds : !llvm.ptr<3>
    %one = llvm.mlir.constant(1.0 : f32) : f32
    llvm.store volatile %one, %p : f32, !llvm.ptr<3>
    llvm.return
  })",
                      amd);
  ASSERT_TRUE(static_cast<bool>(code)) << toString(code.takeError());
  const GpuKernel &kernel = code->kernels.front();
  EXPECT_EQ(getResource(kernel, "lds_bytes"), 40960);
  EXPECT_EQ(getResource(kernel, "blocks_per_compute_unit"), 1);
  EXPECT_EQ(getResource(kernel, "waves_per_simd"), 1);
}

TEST_F(GpuCodeTest, RefusesWhatIsNoListOfKernels) {
  EXPECT_EQ(compileError("llvm.func @k() attributes {attn.kernel_index = 0 : "
                         "i64} { llvm.return }",
                         nvidia),
            "kernel @k has no block size, nvvm.reqntid or "
            "rocdl.reqd_work_group_size");
  EXPECT_EQ(compileError("llvm.func @k() attributes {nvvm.reqntid = array<i32: "
                         "32>, attn.kernel_index = 1 : i64} { llvm.return }",
                         nvidia),
            "the kernels of @attn_gpu are not numbered from 0 on");
}

TEST_F(GpuCodeTest, RefusesAProgramThatIsNone) {
  GpuCodeOptions options;
  options.ptxas = "/nowhere/ptxas";
  EXPECT_EQ(compileError(nvidiaKernel, nvidia, options),
            "no ptxas: /nowhere/ptxas is no program");
  auto echo = sys::fs::can_execute("/bin/false") ? "/bin/false" : "";
  options.ptxas = echo;
  EXPECT_EQ(compileError(nvidiaKernel, nvidia, options), "ptxas failed: ");
}

TEST(PtxasReport, IsReadPerKernel) {
  std::vector<std::string> warnings;
  KernelResources resources = parsePtxasReport(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'a' for 'sm_80'\n"
      "ptxas info    : Function properties for a\n"
      "    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads\n"
      "ptxas info    : Used 255 registers, used 1 barriers\n"
      "ptxas info    : Compiling entry function 'b' for 'sm_80'\n"
      "ptxas info    : (C7510) Potential Performance Loss: 'setmaxnreg'\n"
      "ptxas info    : Used 16 registers\n"
      "ptxas warning : something is odd\n",
      warnings);
  std::vector<std::pair<std::string, int64_t>> a{{"spill_stores", 12},
                                                 {"spill_loads", 16},
                                                 {"local_bytes", 8},
                                                 {"registers", 255}};
  EXPECT_EQ(resources.lookup("a"), a);
  EXPECT_EQ(resources.lookup("b").size(), 1u);
  EXPECT_EQ(warnings, (std::vector<std::string>{
                          "ptxas info    : (C7510) Potential Performance Loss: "
                          "'setmaxnreg'",
                          "ptxas warning : something is odd"}));
}

TEST(CheckResources, NamesSpillsAndWarnings) {
  GpuCode code;
  code.warnings = {"slow"};
  code.kernels.push_back(
      {"k",
       {32, 1, 1},
       0,
       {{"registers", 255}, {"spill_stores", 4}, {"spill_loads", 0}}});
  EXPECT_EQ(toString(checkResources(code)),
            "slow; kernel k has 4 spill_stores");
}
