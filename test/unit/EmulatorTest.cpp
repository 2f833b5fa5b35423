//===- EmulatorTest.cpp - Tests of how the emulator runs kernels ----------===//
//-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTestUtils.h"

#include <gtest/gtest.h>

using namespace attn::emulator;

using Words = std::vector<uint32_t>;

namespace {
constexpr char declarations[] = R"(
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.count(i32, i32)
declare void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32, i32)
@buffer = internal addrspace(3) global [256 x i32] undef, align 16
@dynamic = external addrspace(3) global [0 x i8], align 1024
)";

/// Writes the thread's index to shared memory, does `between`, and reads the
/// word `%other` of it.
std::string exchangeWords(const std::string &between,
                          const std::string &other = "xor i32 %tid, 33") {
  return std::string(declarations) + R"(
define ptx_kernel void @k(ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mine = getelementptr i32, ptr addrspace(3) @buffer, i32 %tid
  store i32 %tid, ptr addrspace(3) %mine
)" + between +
         "  %other = " + other + R"(
  %theirs = getelementptr i32, ptr addrspace(3) @buffer, i32 %other
  %value = load i32, ptr addrspace(3) %theirs
  %to = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %value, ptr addrspace(1) %to
  ret void
})";
}

constexpr char barrier[] =
    "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";
} // namespace

TEST(EmulatorTest, KnowsItsKernels) {
  const std::string ir =
      "define ptx_kernel void @first() \"nvvm.reqntid\"=\"128,2\" { ret void }"
      "define void @helper() { ret void }"
      "define ptx_kernel void @second() { ret void }";
  attn_emulator *module = attn_emulator_create(ir.data(), ir.size(), nvidia);
  ASSERT_NE(module, nullptr);
  ASSERT_EQ(attn_emulator_kernel_count(module), 2u);
  EXPECT_STREQ(attn_emulator_kernel_name(module, 0), "first");
  EXPECT_STREQ(attn_emulator_kernel_name(module, 1), "second");
  uint32_t block[3];
  ASSERT_EQ(attn_emulator_block_size(module, "first", block), 0);
  EXPECT_EQ(block[0], 128u);
  EXPECT_EQ(block[1], 2u);
  EXPECT_EQ(block[2], 1u);
  EXPECT_NE(attn_emulator_block_size(module, "helper", block), 0);
  EXPECT_STREQ(attn_emulator_error(), "no kernel 'helper'");
  attn_emulator_destroy(module);
}

TEST(EmulatorTest, RefusesWhatItCannotRun) {
  EXPECT_EQ(attn_emulator_create("nonsense", 8, nvidia), nullptr);
  EXPECT_TRUE(contains(attn_emulator_error(), "not LLVM IR"));
  const std::string host = "target triple = \"x86_64-linux-gnu\"";
  EXPECT_EQ(attn_emulator_create(host.data(), host.size(), nvidia), nullptr);
  EXPECT_STREQ(attn_emulator_error(),
               "unsupported target of the emulator: 'x86_64-linux-gnu'");
}

TEST(EmulatorTest, NamesUnknownOperations) {
  Words in(32), out(32);
  TestLaunch launch;
  launch.ir = "declare i32 @llvm.nvvm.idp2a.s.s(i32, i32, i1, i32)\n" +
              threadwise("%o0 = call i32 @llvm.nvvm.idp2a.s.s(i32 %i0, i32 "
                         "%i0, i1 true, i32 0)\n",
                         1, 1);
  EXPECT_EQ(launch.run({&in, &out}),
            "kernel k: unsupported operation: llvm.nvvm.idp2a.s.s");
  launch.ir = threadwise("%o0 = call i32 asm \"vadd.u32 $0, $1, $1;\", "
                         "\"=r,r\"(i32 %i0)\n",
                         1, 1);
  EXPECT_EQ(launch.run({&in, &out}),
            "kernel k: unsupported inline assembly (instruction 'vadd.u32'): "
            "vadd.u32 $0, $1, $1;");
}

TEST(EmulatorTest, RunsEveryThreadOfEveryBlock) {
  TestLaunch launch;
  launch.ir = std::string(declarations) + R"(
define ptx_kernel void @k(ptr addrspace(1) %out, i64 %scale) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %size = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %base = mul i32 %block, %size
  %index = add i32 %base, %tid
  %factor = trunc i64 %scale to i32
  %value = mul i32 %index, %factor
  %to = getelementptr i32, ptr addrspace(1) %out, i32 %index
  store i32 %value, ptr addrspace(1) %to
  ret void
})";
  launch.blocks = 7;
  launch.threads = 50;
  launch.extra = {3};
  Words out(350);
  ASSERT_EQ(launch.run({&out}), "");
  for (uint32_t n = 0; n < out.size(); ++n)
    EXPECT_EQ(out[n], 3 * n);
}

TEST(EmulatorTest, BarriersOrderSharedMemory) {
  for (uint64_t seed : {0, 1, 2}) {
    TestLaunch launch;
    launch.ir = exchangeWords(barrier);
    launch.threads = 128;
    launch.options.seed = seed;
    Words out(128);
    ASSERT_EQ(launch.run({&out}), "");
    for (uint32_t n = 0; n < out.size(); ++n)
      EXPECT_EQ(out[n], n ^ 33);
  }
}

TEST(EmulatorTest, ReportsRaces) {
  TestLaunch launch;
  launch.ir = exchangeWords("");
  launch.threads = 128;
  Words out(128);
  EXPECT_TRUE(contains(launch.run({&out}), "uninitialised shared memory"));
  launch.options.seed = 5;
  EXPECT_TRUE(contains(launch.run({&out}), "shared memory"));
}

TEST(EmulatorTest, ReportsRacesThatGiveTheRightResult) {
  // Warp 0 has written everything when warp 1 starts.
  TestLaunch launch;
  launch.ir = exchangeWords("", "and i32 %tid, 31");
  launch.threads = 64;
  Words out(64);
  EXPECT_TRUE(contains(launch.run({&out}),
                       "race on shared memory at offset 0: thread 0 and "
                       "thread 32 write and read without an order\n  in "
                       "kernel k, block (0, 0, 0), thread (32, 0, 0) (warp 1, "
                       "lane 0), at a load of i32"));
  launch.options.detect_races = 0;
  ASSERT_EQ(launch.run({&out}), "");
}

TEST(EmulatorTest, PartialBarriersOrderTheirThreadsOnly) {
  // Warps 0 and 1 meet, warps 2 and 3 meet; one barrier for both pairs in turn
  // would be another kernel.
  const std::string pairs =
      "  %pair = lshr i32 %tid, 6\n  %id = add i32 %pair, 1\n"
      "  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 %id, i32 64)"
      "\n";
  TestLaunch launch;
  launch.threads = 128;
  Words out(128);
  launch.ir = exchangeWords(pairs, "xor i32 %tid, 33");
  EXPECT_EQ(launch.run({&out}), "");
  launch.ir = exchangeWords(pairs, "and i32 %tid, 63");
  EXPECT_TRUE(contains(launch.run({&out}), "race on shared memory"));
}

TEST(EmulatorTest, ArrivalsCount) {
  // Warp 0 arrives without waiting, warp 1 waits for it.
  const std::string between = R"(
  %isFirst = icmp ult i32 %tid, 32
  br i1 %isFirst, label %arrive, label %wait
arrive:
  call void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32 3, i32 64)
  ret void
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 3, i32 64)
)";
  TestLaunch launch;
  launch.ir = exchangeWords(between, "and i32 %tid, 31");
  launch.threads = 64;
  Words out(64, 99);
  ASSERT_EQ(launch.run({&out}), "");
  for (uint32_t n = 0; n < 32; ++n) {
    EXPECT_EQ(out[n], 99u);
    EXPECT_EQ(out[32 + n], n);
  }
}

TEST(EmulatorTest, ReportsDeadlocks) {
  const std::string between = R"(
  %isFirst = icmp ult i32 %tid, 32
  br i1 %isFirst, label %wait, label %go
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %go
go:
)";
  TestLaunch launch;
  launch.ir = exchangeWords(between, "add i32 %tid, 0");
  launch.threads = 64;
  Words out(64);
  EXPECT_EQ(launch.run({&out}),
            "deadlock in kernel k, block (0, 0, 0)\n"
            "  32 threads (0 .. 31) wait at "
            "llvm.nvvm.barrier.cta.sync.aligned.all, barrier 0 where 32 of 64 "
            "threads have arrived\n"
            "  32 threads have ended");
}

TEST(EmulatorTest, ReportsDivergentCollectives) {
  const std::string between = R"(
  %isEven = icmp ult i32 %tid, 7
  br i1 %isEven, label %one, label %two
one:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %go
two:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %go
go:
)";
  TestLaunch launch;
  launch.ir = exchangeWords(between);
  launch.threads = 64;
  Words out(64);
  EXPECT_TRUE(contains(launch.run({&out}), "divergent collective"));
}

TEST(EmulatorTest, ReportsAccessesOutOfBounds) {
  TestLaunch launch;
  Words out(31);
  launch.ir = exchangeWords(barrier, "add i32 %tid, 0");
  EXPECT_TRUE(contains(launch.run({&out}),
                       "global memory accessed out of bounds: 4 bytes at "
                       "offset 124 of an array of 124"));
  out.resize(32);
  launch.ir = exchangeWords(barrier, "add i32 %tid, 256");
  EXPECT_TRUE(contains(launch.run({&out}),
                       "shared memory accessed out of bounds: 4 bytes at "
                       "offset 1148 of 1024"));
}

TEST(EmulatorTest, ReportsMisalignedAccesses) {
  TestLaunch launch;
  launch.ir = std::string(declarations) + R"(
define ptx_kernel void @k(ptr addrspace(1) %out) {
  %to = getelementptr i8, ptr addrspace(1) %out, i32 8
  store <4 x i32> zeroinitializer, ptr addrspace(1) %to, align 16
  ret void
})";
  launch.threads = 1;
  Words out(32);
  // The vector's data is aligned to 16 bytes.
  EXPECT_TRUE(
      contains(launch.run({&out}), "misaligned access: a store of <4 x i32>"));
}

TEST(EmulatorTest, ReportsRacesBetweenBlocks) {
  TestLaunch launch;
  launch.ir = exchangeWords(barrier, "add i32 %tid, 0");
  launch.blocks = 2;
  Words out(32);
  EXPECT_TRUE(
      contains(launch.run({&out}), "race between blocks on global memory"));
}

TEST(EmulatorTest, AtomicsAreNoRace) {
  TestLaunch launch;
  launch.ir = R"(
define ptx_kernel void @k(ptr addrspace(1) %out) {
  %old = atomicrmw add ptr addrspace(1) %out, i32 1 monotonic
  ret void
})";
  launch.blocks = 5;
  launch.threads = 64;
  Words out(1);
  ASSERT_EQ(launch.run({&out}), "");
  EXPECT_EQ(out[0], 320u);
}

/// Every block writes a word and counts itself; the last one adds them up.
static std::string lastBlock(const std::string &fence) {
  return std::string(declarations) + R"(
define ptx_kernel void @k(ptr addrspace(1) %out, ptr addrspace(1) %count) {
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %mine = getelementptr i32, ptr addrspace(1) %out, i32 %block
  %number = add i32 %block, 1
  store i32 %number, ptr addrspace(1) %mine
)" + fence +
         R"(
  %old = atomicrmw add ptr addrspace(1) %count, i32 1 monotonic
)" + fence +
         R"(
  %isLast = icmp eq i32 %old, 3
  br i1 %isLast, label %sum, label %end
sum:
  %p1 = getelementptr i32, ptr addrspace(1) %out, i32 1
  %p2 = getelementptr i32, ptr addrspace(1) %out, i32 2
  %p3 = getelementptr i32, ptr addrspace(1) %out, i32 3
  %a = load i32, ptr addrspace(1) %out
  %b = load i32, ptr addrspace(1) %p1
  %c = load i32, ptr addrspace(1) %p2
  %d = load i32, ptr addrspace(1) %p3
  %ab = add i32 %a, %b
  %cd = add i32 %c, %d
  %all = add i32 %ab, %cd
  %p4 = getelementptr i32, ptr addrspace(1) %out, i32 4
  store i32 %all, ptr addrspace(1) %p4
  br label %end
end:
  ret void
})";
}

TEST(EmulatorTest, FencesAndAtomicsOrderBlocks) {
  TestLaunch launch;
  launch.ir = lastBlock("  fence syncscope(\"device\") acq_rel");
  launch.blocks = 4;
  launch.threads = 1;
  Words out(5), count(1);
  ASSERT_EQ(launch.run({&out, &count}), "");
  EXPECT_EQ(out[4], 10u);
  launch.ir = lastBlock("");
  Words again(5), countAgain(1);
  EXPECT_TRUE(contains(launch.run({&again, &countAgain}),
                       "race between blocks on global memory"));
}

TEST(EmulatorTest, ReportsTraps) {
  TestLaunch launch;
  launch.ir = "declare void @llvm.trap()\n"
              "define ptx_kernel void @k() { call void @llvm.trap() ret void }";
  launch.threads = 1;
  EXPECT_TRUE(contains(launch.run({}), "the kernel trapped\n  in kernel k"));
}

TEST(EmulatorTest, ChecksTheLaunch) {
  TestLaunch launch;
  launch.ir = "define ptx_kernel void @k(i64 %x) \"nvvm.reqntid\"=\"64\" "
              "{ ret void }";
  EXPECT_EQ(launch.run({}), "kernel k: 0 bytes of arguments; it takes 8");
  launch.extra = {1};
  EXPECT_EQ(launch.run({}), "kernel k: a block of 32 x 1 x 1 threads; the "
                            "kernel requires 64 x 1 x 1");
  launch.threads = 64;
  launch.sharedBytes = 1 << 20;
  EXPECT_EQ(launch.run({}), "shared memory of 1048576 bytes is more than a "
                            "block can have");
}
