//===- EmulatorAmdTest.cpp - AMD operations by definition -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The expectations are written from the tables of the CDNA3 instruction set,
// without the emulator's code.
//
//===----------------------------------------------------------------------===//

#include "EmulatorTestUtils.h"

using namespace attn::emulator;

using Words = std::vector<uint32_t>;

static constexpr uint32_t lanes = 64;

/// One word in and out for each lane of a wave; %i0 holds 100 + lane.
static Words runLanes(const std::string &declarations,
                      const std::string &body) {
  TestLaunch launch;
  launch.triple = amd;
  launch.threads = lanes;
  launch.ir = declarations + threadwise(body, 1, 1, /*isAMD=*/true);
  Words in(lanes), out(lanes);
  for (uint32_t n = 0; n < lanes; ++n)
    in[n] = 100 + n;
  EXPECT_EQ(launch.run({&in, &out}), "");
  return out;
}

//===----------------------------------------------------------------------===//
// Between lanes
//===----------------------------------------------------------------------===//

TEST(EmulatorAmdTest, PermutationsThroughTheLds) {
  const Words xor32 =
      runLanes("declare i32 @llvm.amdgcn.ds.bpermute(i32, i32)\n",
               "%l = xor i32 %tid, 32\n%a = shl i32 %l, 2\n"
               "%o0 = call i32 @llvm.amdgcn.ds.bpermute(i32 %a, i32 %i0)\n");
  // Keeps all bits, then flips bit 2: 31 | 4 << 10.
  const Words xor4 =
      runLanes("declare i32 @llvm.amdgcn.ds.swizzle(i32, i32)\n",
               "%o0 = call i32 @llvm.amdgcn.ds.swizzle(i32 %i0, i32 4127)\n");
  // Quads in reverse: 0b00011011 with the bit of the mode.
  const Words quads =
      runLanes("declare i32 @llvm.amdgcn.ds.swizzle(i32, i32)\n",
               "%o0 = call i32 @llvm.amdgcn.ds.swizzle(i32 %i0, i32 32795)\n");
  for (uint32_t n = 0; n < lanes; ++n) {
    EXPECT_EQ(xor32[n], 100 + (n ^ 32));
    EXPECT_EQ(xor4[n], 100 + (n ^ 4));
    EXPECT_EQ(quads[n], 100 + (n ^ 3));
  }
}

static Words runDpp(uint32_t control, bool boundControl) {
  return runLanes("declare i32 @llvm.amdgcn.update.dpp.i32(i32, i32, i32, i32, "
                  "i32, i1)\n",
                  "%o0 = call i32 @llvm.amdgcn.update.dpp.i32(i32 7, i32 %i0, "
                  "i32 " +
                      std::to_string(control) + ", i32 15, i32 15, i1 " +
                      (boundControl ? "true" : "false") + ")\n");
}

TEST(EmulatorAmdTest, Dpp) {
  const Words rotated = runDpp(0x124, true), shifted = runDpp(0x103, false);
  const Words zeroed = runDpp(0x103, true), mirrored = runDpp(0x141, true);
  for (uint32_t n = 0; n < lanes; ++n) {
    const uint32_t row = n / 16 * 16, inRow = n % 16;
    EXPECT_EQ(rotated[n], 100 + row + (inRow + 12) % 16);
    EXPECT_EQ(shifted[n], inRow > 12 ? 7 : 103 + n);
    EXPECT_EQ(zeroed[n], inRow > 12 ? 0 : 103 + n);
    EXPECT_EQ(mirrored[n], 100 + n / 8 * 8 + 7 - n % 8);
  }
}

TEST(EmulatorAmdTest, SwapsOfLanes) {
  const std::string swap =
      "declare {i32, i32} @llvm.amdgcn.permlane32.swap(i32, i32, i1, i1)\n";
  const std::string body =
      "%b = add i32 %i0, 1000\n%r = call {i32, i32} "
      "@llvm.amdgcn.permlane32.swap(i32 %i0, i32 %b, i1 false, i1 false)\n"
      "%o0 = extractvalue {i32, i32} %r, ";
  const Words first = runLanes(swap, body + "0\n");
  const Words second = runLanes(swap, body + "1\n");
  for (uint32_t n = 0; n < 32; ++n) {
    EXPECT_EQ(first[n], 100 + n);
    EXPECT_EQ(first[n + 32], 1100 + n);
    EXPECT_EQ(second[n], 132 + n);
    EXPECT_EQ(second[n + 32], 1132 + n);
  }
}

TEST(EmulatorAmdTest, OnlyActiveLanesTakePart) {
  const Words out = runLanes(
      "declare i64 @llvm.amdgcn.ballot.i64(i1)\n"
      "declare i32 @llvm.amdgcn.readfirstlane.i32(i32)\n",
      "%high = icmp uge i32 %tid, 40\nbr i1 %high, label %a, label %b\na:\n"
      "%f = call i32 @llvm.amdgcn.readfirstlane.i32(i32 %i0)\n"
      "%even = trunc i32 %i0 to i1\n"
      "%v = call i64 @llvm.amdgcn.ballot.i64(i1 %even)\n"
      "%c = call i64 @llvm.ctpop.i64(i64 %v)\n%n = trunc i64 %c to i32\n"
      "%s = shl i32 %n, 16\n%t = or i32 %s, %f\nbr label %b\nb:\n"
      "%o0 = phi i32 [0, %0], [%t, %a]\n");
  for (uint32_t n = 0; n < lanes; ++n)
    EXPECT_EQ(out[n], n < 40 ? 0 : (12u << 16 | 140u));
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

namespace {
struct MfmaCase {
  std::string name, type;
  uint32_t dim, depth;
  bool isBF16;

  uint32_t perLane() const { return depth * dim / lanes; }
  uint32_t sums() const { return dim * dim / lanes; }
};
} // namespace

static std::string mfmaKernel(const MfmaCase &mfma) {
  const std::string words = std::to_string(mfma.perLane() / 2);
  const std::string acc = "<" + std::to_string(mfma.sums()) + " x float>";
  const std::string load =
      " = load <" + words + " x i32>, ptr addrspace(1) %";
  return "declare i32 @llvm.amdgcn.workitem.id.x()\ndeclare " + acc + " " +
         mfma.name + "(" + mfma.type + ", " + mfma.type + ", " + acc +
         ", i32, i32, i32)\n"
         "define amdgpu_kernel void @k(ptr addrspace(1) %a, ptr addrspace(1) "
         "%b, ptr addrspace(1) %d) {\n"
         "%t = call i32 @llvm.amdgcn.workitem.id.x()\n"
         "%pa = getelementptr <" + words + " x i32>, ptr addrspace(1) %a, i32 "
         "%t\n%pb = getelementptr <" + words + " x i32>, ptr addrspace(1) %b, "
         "i32 %t\n%pd = getelementptr " + acc + ", ptr addrspace(1) %d, i32 "
         "%t\n%wa" + load + "pa, align 4\n%wb" + load + "pb, align 4\n"
         "%c = load " + acc + ", ptr addrspace(1) %pd, align 4\n"
         "%va = bitcast <" + words + " x i32> %wa to " + mfma.type + "\n"
         "%vb = bitcast <" + words + " x i32> %wb to " + mfma.type + "\n"
         "%r = call " + acc + " " + mfma.name + "(" + mfma.type + " %va, " +
         mfma.type + " %vb, " + acc + " %c, i32 0, i32 0, i32 0)\n"
         "store " + acc + " %r, ptr addrspace(1) %pd, align 4\nret void\n}\n";
}

/// Small integers in the operands' layouts; D begins with 5.
static void checkMfma(const MfmaCase &mfma) {
  TestRandom random;
  std::vector<std::vector<int>> a(mfma.dim, std::vector<int>(mfma.depth));
  std::vector<std::vector<int>> b(mfma.depth, std::vector<int>(mfma.dim));
  auto encode = [&](int value) {
    return mfma.isBF16 ? smallToBFloat16(value) : smallToFloat16(value);
  };
  Words left(lanes * mfma.perLane() / 2), right(left);
  for (uint32_t lane = 0; lane < lanes; ++lane)
    for (uint32_t e = 0; e < mfma.perLane(); ++e) {
      const uint32_t k = mfma.perLane() * (lane / mfma.dim) + e;
      const uint32_t at = lane * mfma.perLane() + e;
      const int x = random.small(), y = random.small();
      a[lane % mfma.dim][k] = x;
      b[k][lane % mfma.dim] = y;
      left[at / 2] |= encode(x) << (16 * (at % 2));
      right[at / 2] |= encode(y) << (16 * (at % 2));
    }
  Words sums(lanes * mfma.sums(), 0x40A00000);
  TestLaunch launch;
  launch.triple = amd;
  launch.threads = lanes;
  launch.ir = mfmaKernel(mfma);
  ASSERT_EQ(launch.run({&left, &right, &sums}), "");
  for (uint32_t lane = 0; lane < lanes; ++lane)
    for (uint32_t r = 0; r < mfma.sums(); ++r) {
      const uint32_t row =
          mfma.dim == 32 ? 8 * (r / 4) + 4 * (lane / 32) + r % 4
                         : 4 * (lane / 16) + r;
      int expected = 5;
      for (uint32_t k = 0; k < mfma.depth; ++k)
        expected += a[row][k] * b[k][lane % mfma.dim];
      float found;
      std::memcpy(&found, &sums[lane * mfma.sums() + r], 4);
      EXPECT_EQ(found, static_cast<float>(expected)) << mfma.name;
    }
}

TEST(EmulatorAmdTest, MatrixProducts) {
  const std::string base = "@llvm.amdgcn.mfma.f32.";
  checkMfma({base + "32x32x8bf16.1k", "<4 x i16>", 32, 8, true});
  checkMfma({base + "16x16x16bf16.1k", "<4 x i16>", 16, 16, true});
  checkMfma({base + "32x32x8f16", "<4 x half>", 32, 8, false});
  checkMfma({base + "16x16x16f16", "<4 x half>", 16, 16, false});
  checkMfma({base + "32x32x16.bf16", "<8 x bfloat>", 32, 16, true});
  checkMfma({base + "16x16x32.f16", "<8 x half>", 16, 32, false});
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Two waves exchange a word of each lane through the LDS; `publish` comes
/// before the barrier.
static std::string runExchange(const std::string &publish,
                               const std::string &barrier) {
  TestLaunch launch;
  launch.triple = amd;
  launch.threads = 2 * lanes;
  launch.ir =
      "@s = internal addrspace(3) global [128 x i32] undef, align 16\n"
      "declare void @llvm.amdgcn.s.barrier()\n"
      "declare void @llvm.amdgcn.s.waitcnt(i32)\n" +
      threadwise("%p = getelementptr i32, ptr addrspace(3) @s, i32 %tid\n"
                 "store i32 %i0, ptr addrspace(3) %p\n" +
                     publish + barrier +
                     "%u = xor i32 %tid, 64\n"
                     "%q = getelementptr i32, ptr addrspace(3) @s, i32 %u\n"
                     "%o0 = load i32, ptr addrspace(3) %q\n",
                 1, 1, /*isAMD=*/true);
  Words in(2 * lanes), out(2 * lanes);
  for (uint32_t n = 0; n < 2 * lanes; ++n)
    in[n] = n;
  std::string error = launch.run({&in, &out});
  if (error.empty())
    for (uint32_t n = 0; n < 2 * lanes; ++n)
      EXPECT_EQ(out[n], n ^ lanes);
  return error;
}

TEST(EmulatorAmdTest, BarriersOrderWhatWasWaitedFor) {
  const std::string barrier = "call void @llvm.amdgcn.s.barrier()\n";
  EXPECT_EQ(runExchange("fence syncscope(\"workgroup\") release\n", barrier),
            "");
  // lgkmcnt(0), and no wait for memory: 0xC07F.
  EXPECT_EQ(runExchange("call void @llvm.amdgcn.s.waitcnt(i32 49279)\n",
                        barrier),
            "");
  EXPECT_TRUE(contains(runExchange("", barrier), "race on shared memory"));
  EXPECT_FALSE(runExchange("fence syncscope(\"workgroup\") release\n", "")
                   .empty());
}

/// Copies a word of each lane to the LDS without registers.
static std::string runCopy(const std::string &wait, bool eager) {
  TestLaunch launch;
  launch.triple = amd;
  launch.threads = lanes;
  launch.options.eager_copies = eager;
  launch.ir =
      "@s = internal addrspace(3) global [64 x i32] undef, align 16\n"
      "declare void @llvm.amdgcn.s.waitcnt(i32)\n"
      "declare void @llvm.amdgcn.global.load.lds(ptr addrspace(1), ptr "
      "addrspace(3), i32, i32, i32)\n" +
      threadwise("call void @llvm.amdgcn.global.load.lds(ptr addrspace(1) "
                 "%pi0, ptr addrspace(3) @s, i32 4, i32 0, i32 0)\n" +
                     wait +
                     "%p = getelementptr i32, ptr addrspace(3) @s, i32 %tid\n"
                     "%o0 = load i32, ptr addrspace(3) %p\n",
                 1, 1, /*isAMD=*/true);
  Words in(lanes), out(lanes);
  for (uint32_t n = 0; n < lanes; ++n)
    in[n] = 100 + n;
  std::string error = launch.run({&in, &out});
  if (error.empty())
    EXPECT_EQ(out, in);
  return error;
}

TEST(EmulatorAmdTest, CopiesToTheLds) {
  // vmcnt(0), and no wait for the LDS: 0x0F70.
  const std::string wait = "call void @llvm.amdgcn.s.waitcnt(i32 3952)\n";
  for (bool eager : {false, true}) {
    EXPECT_EQ(runCopy(wait, eager), "");
    EXPECT_FALSE(runCopy("", eager).empty());
  }
  // vmcnt(1) leaves it under way.
  EXPECT_FALSE(
      runCopy("call void @llvm.amdgcn.s.waitcnt(i32 3953)\n", false).empty());
}

TEST(EmulatorAmdTest, BuffersEndWhereTheySay) {
  TestLaunch launch;
  launch.triple = amd;
  launch.threads = lanes;
  launch.ir =
      "declare ptr addrspace(8) @llvm.amdgcn.make.buffer.rsrc.p8.p1(ptr "
      "addrspace(1), i16, i64, i32)\n"
      "declare i32 @llvm.amdgcn.raw.ptr.buffer.load.i32(ptr addrspace(8), i32, "
      "i32, i32)\n"
      "declare void @llvm.amdgcn.raw.ptr.buffer.store.i32(i32, ptr "
      "addrspace(8), i32, i32, i32)\n" +
      threadwise(
          "%r = call ptr addrspace(8) @llvm.amdgcn.make.buffer.rsrc.p8.p1(ptr "
          "addrspace(1) %in, i16 0, i64 160, i32 159744)\n"
          "%w = call ptr addrspace(8) @llvm.amdgcn.make.buffer.rsrc.p8.p1(ptr "
          "addrspace(1) %out, i16 0, i64 200, i32 159744)\n"
          "%b = shl i32 %tid, 2\n"
          "%l = call i32 @llvm.amdgcn.raw.ptr.buffer.load.i32(ptr addrspace(8) "
          "%r, i32 %b, i32 0, i32 0)\n"
          "call void @llvm.amdgcn.raw.ptr.buffer.store.i32(i32 %l, ptr "
          "addrspace(8) %w, i32 %b, i32 0, i32 0)\n",
          0, 0, /*isAMD=*/true);
  Words in(lanes, 9), out(lanes, 1);
  ASSERT_EQ(launch.run({&in, &out}), "");
  for (uint32_t n = 0; n < lanes; ++n)
    EXPECT_EQ(out[n], n < 40 ? 9u : n < 50 ? 0u : 1u);
}
