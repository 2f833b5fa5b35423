//===- EmulatorHopperTest.cpp - mbarrier, TMA and clusters ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTestUtils.h"

using namespace attn::emulator;

using Words = std::vector<uint32_t>;

static constexpr char declarations[] = R"(
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.barrier.cluster.arrive.aligned()
declare void @llvm.nvvm.barrier.cluster.wait.aligned()
declare ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3), i32)
declare void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3), i32)
declare i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(
    ptr addrspace(3), i32)
declare i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(
    ptr addrspace(3), i32)
declare void @llvm.nvvm.cp.async.bulk.tensor.g2s.cta.tile.2d(ptr
    addrspace(3), ptr addrspace(3), ptr, i32, i32, i64, i1)
declare void @llvm.nvvm.cp.async.bulk.tensor.s2g.tile.2d(ptr addrspace(3),
    ptr, i32, i32, i64, i1)
declare void @llvm.nvvm.cp.async.bulk.commit.group()
declare void @llvm.nvvm.cp.async.bulk.wait.group(i32)
@tile = internal addrspace(3) global [256 x i32] undef, align 1024
@bar = internal addrspace(3) global i64 undef, align 8
)";

/// Loads an 8 x 32 box of words at (%x, 0) with thread 0; all threads wait with
/// parity %parity and write out their words.
static std::string loadBox(const std::string &bytes, const std::string &parity,
                           const std::string &x = "0") {
  return std::string(declarations) + R"(
define ptx_kernel void @k(ptr addrspace(1) %out, ptr align 64 byval(
    [128 x i8]) %map) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %isFirst = icmp eq i32 %tid, 0
  br i1 %isFirst, label %init, label %ready
init:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @bar, i32 1)
  br label %ready
ready:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br i1 %isFirst, label %issue, label %wait
issue:
  call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(
    ptr addrspace(3) @bar, i32 )" +
         bytes + R"()
  call void @llvm.nvvm.cp.async.bulk.tensor.g2s.cta.tile.2d(ptr
    addrspace(3) @tile, ptr addrspace(3) @bar, ptr %map, i32 )" +
         x + R"(, i32 0, i64 0, i1 false)
  br label %wait
wait:
  %ok = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(
    ptr addrspace(3) @bar, i32 )" +
         parity + R"()
  br i1 %ok, label %copy, label %wait
copy:
  %i = phi i32 [%tid, %wait], [%next, %copy]
  %from = getelementptr i32, ptr addrspace(3) @tile, i32 %i
  %word = load i32, ptr addrspace(3) %from
  %to = getelementptr i32, ptr addrspace(1) %out, i32 %i
  store i32 %word, ptr addrspace(1) %to
  %next = add i32 %i, 32
  %more = icmp ult i32 %next, 256
  br i1 %more, label %copy, label %end
end:
  ret void
})";
}

/// Runs with a tensor of 8 rows of 40 words, of which the box takes 32.
static std::string runBox(const std::string &ir, uint32_t swizzle, Words &out,
                          bool isEager = false) {
  static Words tensor(8 * 40);
  for (uint32_t n = 0; n < tensor.size(); ++n)
    tensor[n] = n;
  attn_emulator_tensor description = {};
  description.base = tensor.data();
  description.element_bytes = 4;
  description.rank = 2;
  description.dims[0] = 38;
  description.dims[1] = 7;
  description.strides[0] = 160;
  description.box[0] = swizzle ? swizzle / 4 : 32;
  description.box[1] = swizzle ? 1024 / swizzle : 8;
  alignas(64) int64_t arguments[24] = {};
  arguments[0] = reinterpret_cast<int64_t>(out.data());
  description.swizzle_bytes = swizzle;
  // The map follows the pointer at a multiple of 64 bytes.
  if (attn_emulator_encode_tensor(&description, arguments + 8))
    return attn_emulator_error();
  attn_emulator *module = attn_emulator_create(ir.data(), ir.size(), nvidia);
  if (!module)
    return attn_emulator_error();
  const attn_emulator_launch launch = {"k", {1, 1, 1}, {32, 1, 1},
                                       0,   arguments, sizeof(arguments)};
  const attn_emulator_options options = {1, isEager, 0, 0, nullptr, 0};
  const int status = attn_emulator_run(module, &launch, &options, nullptr);
  const std::string error = status ? attn_emulator_error() : "";
  attn_emulator_destroy(module);
  return error;
}

TEST(EmulatorHopperTest, TensorLoads) {
  for (bool isEager : {false, true})
    for (uint32_t swizzle : {0, 32, 64, 128}) {
      Words out(256);
      ASSERT_EQ(runBox(loadBox("1024", "0", "10"), swizzle, out, isEager), "");
      const uint32_t columns = swizzle ? swizzle / 4 : 32;
      for (uint32_t word = 0; word < 256; ++word) {
        const uint32_t row = word / columns;
        const uint32_t column = word % columns;
        // Chunk c of a line of 128 bytes goes to c xor (line mod pattern).
        uint32_t byte = 4 * word;
        if (swizzle)
          byte ^= byte / 128 % (swizzle / 16) * 16;
        const bool isInside = row < 7 && 10 + column < 38;
        EXPECT_EQ(out[byte / 4], isInside ? 40 * row + 10 + column : 0)
            << "swizzle " << swizzle << " word " << word;
      }
    }
}

TEST(EmulatorHopperTest, WrongByteCountsAreReported) {
  Words out(256);
  EXPECT_TRUE(contains(runBox(loadBox("1040", "0"), 0, out), "deadlock"));
  EXPECT_NE(runBox(loadBox("512", "0"), 0, out), "");
  EXPECT_NE(runBox(loadBox("512", "0"), 0, out, true), "");
}

TEST(EmulatorHopperTest, WrongParitiesAreReported) {
  Words out(256);
  // The phase before the first one counts as over: nothing has come yet.
  EXPECT_TRUE(contains(runBox(loadBox("1024", "1"), 0, out), "shared memory"));
}

TEST(EmulatorHopperTest, BarriersMustBeInitialised) {
  std::string ir = loadBox("1024", "0");
  const std::string init = "  call void @llvm.nvvm.mbarrier.init.shared(ptr "
                           "addrspace(3) @bar, i32 1)\n";
  ir.erase(ir.find(init), init.size());
  Words out(256);
  EXPECT_TRUE(contains(runBox(ir, 0, out), "there is no mbarrier"));
  // Without the barrier of the block, another warp could come first; here it is
  // the same warp.
  ir = loadBox("1024", "0");
  const std::string sync =
      "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)";
  ir.erase(ir.rfind(sync), sync.size());
  EXPECT_NE(runBox(ir, 0, out), "");
}

/// Fills a tile, fences, and stores it.
static std::string storeBox(const std::string &fence) {
  return std::string(declarations) + R"(
define ptx_kernel void @k(ptr addrspace(1) %out, ptr align 64 byval(
    [128 x i8]) %map) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  br label %fill
fill:
  %i = phi i32 [%tid, %0], [%next, %fill]
  %to = getelementptr i32, ptr addrspace(3) @tile, i32 %i
  store i32 %i, ptr addrspace(3) %to
  %next = add i32 %i, 32
  %more = icmp ult i32 %next, 256
  br i1 %more, label %fill, label %filled
filled:
)" + fence +
         R"(
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %isFirst = icmp eq i32 %tid, 0
  br i1 %isFirst, label %issue, label %end
issue:
  call void @llvm.nvvm.cp.async.bulk.tensor.s2g.tile.2d(ptr
    addrspace(3) @tile, ptr %map, i32 0, i32 0, i64 0, i1 false)
  call void @llvm.nvvm.cp.async.bulk.commit.group()
  call void @llvm.nvvm.cp.async.bulk.wait.group(i32 0)
  br label %end
end:
  ret void
})";
}

TEST(EmulatorHopperTest, StoresNeedAProxyFence) {
  Words out(256);
  EXPECT_EQ(runBox(storeBox("call void asm sideeffect "
                            "\"fence.proxy.async.shared::cta;\", \"\"()"),
                   0, out),
            "");
  EXPECT_TRUE(contains(runBox(storeBox(""), 0, out), "missing proxy fence"));
}

/// Each block of a cluster of 2 writes a word into the other's memory.
static std::string exchangeBlocks(const std::string &sync) {
  return std::string(declarations) + R"(
define ptx_kernel void @k(ptr addrspace(1) %out) "nvvm.cluster_dim"="2" {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %rank = call i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  %peer = xor i32 %rank, 1
  %theirs = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(
    ptr addrspace(3) %mine, i32 %peer)
  %base = mul i32 %block, 32
  %index = add i32 %base, %tid
  store i32 %index, ptr addrspace(7) %theirs
)" + sync +
         R"(
  %word = load i32, ptr addrspace(3) %mine
  %to = getelementptr i32, ptr addrspace(1) %out, i32 %index
  store i32 %word, ptr addrspace(1) %to
  ret void
})";
}

TEST(EmulatorHopperTest, Clusters) {
  TestLaunch launch;
  launch.ir =
      exchangeBlocks("call void @llvm.nvvm.barrier.cluster.arrive.aligned()\n"
                     "call void @llvm.nvvm.barrier.cluster.wait.aligned()\n");
  launch.blocks = 4;
  Words out(128);
  ASSERT_EQ(launch.run({&out}), "");
  for (uint32_t n = 0; n < 128; ++n)
    EXPECT_EQ(out[n], n ^ 32);
  launch.ir = exchangeBlocks("");
  EXPECT_TRUE(contains(launch.run({&out}), "shared memory"));
  launch.blocks = 3;
  EXPECT_TRUE(contains(launch.run({&out}), "not a multiple of the cluster"));
}
