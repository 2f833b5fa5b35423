//===- EmulatorAmdTest.cpp - AMD operations by definition -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The expectations follow the layouts of AMD's matrix instruction calculator
// and the pseudo code of the ISA documents, without the emulator's code.
//
//===----------------------------------------------------------------------===//

#include "EmulatorTestUtils.h"

using namespace attn::emulator;

using Words = std::vector<uint32_t>;

static TestLaunch amdLaunch(const std::string &ir, uint32_t threads = 64) {
  TestLaunch launch;
  launch.ir = ir;
  launch.triple = amd;
  launch.threads = threads;
  return launch;
}

static std::string amdKernel(const std::string &declarations,
                             const std::string &body, unsigned inputs,
                             unsigned outputs) {
  return declarations + threadwise(body, inputs, outputs, /*isAMD=*/true);
}

/// Runs a body with one input, 100 + lane, and one output per lane.
static Words runLanes(const std::string &declarations,
                      const std::string &body) {
  TestLaunch launch = amdLaunch(amdKernel(declarations, body, 1, 1));
  Words in(64), out(64);
  for (uint32_t n = 0; n < 64; ++n)
    in[n] = 100 + n;
  EXPECT_EQ(launch.run({&in, &out}), "") << body;
  return out;
}

//===----------------------------------------------------------------------===//
// Between lanes
//===----------------------------------------------------------------------===//

static constexpr char dppDeclaration[] =
    "declare i32 @llvm.amdgcn.update.dpp.i32(i32, i32, i32, i32, i32, i1)\n";

static Words runDpp(const std::string &control, const std::string &masks) {
  return runLanes(dppDeclaration,
                  "%o0 = call i32 @llvm.amdgcn.update.dpp.i32(i32 7, i32 %i0, "
                  "i32 " +
                      control + ", " + masks + ")\n");
}

TEST(EmulatorAmdTest, Dpp) {
  const std::string all = "i32 15, i32 15, i1 false";
  const Words quad = runDpp("177", all); // quad_perm [1, 0, 3, 2]
  const Words shiftLeft = runDpp("258", all);
  const Words shiftRight = runDpp("274", "i32 15, i32 15, i1 true");
  const Words rotate = runDpp("292", all);
  const Words mirror = runDpp("320", all);
  const Words halfMirror = runDpp("321", all);
  const Words broadcast = runDpp("322", "i32 10, i32 15, i1 false");
  const Words upper = runDpp("323", "i32 12, i32 15, i1 false");
  for (uint32_t n = 0; n < 64; ++n) {
    const uint32_t row = n / 16 * 16;
    const uint32_t place = n % 16;
    EXPECT_EQ(quad[n], 100 + (n ^ 1));
    EXPECT_EQ(shiftLeft[n], place < 14 ? 102 + n : 7);
    EXPECT_EQ(shiftRight[n], place >= 2 ? 98 + n : 0);
    EXPECT_EQ(rotate[n], 100 + row + (place + 12) % 16);
    EXPECT_EQ(mirror[n], 100 + row + 15 - place);
    EXPECT_EQ(halfMirror[n], 100 + (n ^ 7));
    EXPECT_EQ(broadcast[n], n / 16 % 2 ? 100 + row - 1 : 7);
    EXPECT_EQ(upper[n], n >= 32 ? 131 : 7);
  }
}

TEST(EmulatorAmdTest, Permutations) {
  const Words bpermute =
      runLanes("declare i32 @llvm.amdgcn.ds.bpermute(i32, i32)\n",
               "%x = xor i32 %tid, 37\n%a = shl i32 %x, 2\n"
               "%o0 = call i32 @llvm.amdgcn.ds.bpermute(i32 %a, i32 %i0)\n");
  // xor 16 within 32 lanes
  const Words swizzle =
      runLanes("declare i32 @llvm.amdgcn.ds.swizzle(i32, i32)\n",
               "%o0 = call i32 @llvm.amdgcn.ds.swizzle(i32 %i0, i32 16415)\n");
  const Words first =
      runLanes("declare i32 @llvm.amdgcn.readfirstlane.i32(i32)\n",
               "%o0 = call i32 @llvm.amdgcn.readfirstlane.i32(i32 %i0)\n");
  const Words lane =
      runLanes("declare i32 @llvm.amdgcn.readlane.i32(i32, i32)\n",
               "%o0 = call i32 @llvm.amdgcn.readlane.i32(i32 %i0, i32 41)\n");
  const Words below =
      runLanes("declare i32 @llvm.amdgcn.mbcnt.lo(i32, i32)\n"
               "declare i32 @llvm.amdgcn.mbcnt.hi(i32, i32)\n",
               "%l = call i32 @llvm.amdgcn.mbcnt.lo(i32 -1, i32 0)\n"
               "%o0 = call i32 @llvm.amdgcn.mbcnt.hi(i32 -1, i32 %l)\n");
  for (uint32_t n = 0; n < 64; ++n) {
    EXPECT_EQ(bpermute[n], 100 + (n ^ 37));
    EXPECT_EQ(swizzle[n], 100 + (n ^ 16));
    EXPECT_EQ(first[n], 100u);
    EXPECT_EQ(lane[n], 141u);
    EXPECT_EQ(below[n], n);
  }
}

TEST(EmulatorAmdTest, PermlaneSwaps) {
  for (const char *name : {"16", "32"}) {
    const std::string intrinsic =
        std::string("@llvm.amdgcn.permlane") + name + ".swap";
    TestLaunch launch = amdLaunch(
        amdKernel("declare {i32, i32} " + intrinsic + "(i32, i32, i1, i1)\n",
                  "%b = add i32 %i0, 1000\n%r = call {i32, i32} " + intrinsic +
                      "(i32 %i0, i32 %b, i1 false, i1 false)\n"
                      "%o0 = extractvalue {i32, i32} %r, 0\n"
                      "%o1 = extractvalue {i32, i32} %r, 1\n",
                  1, 2));
    Words in(64), out(128);
    for (uint32_t n = 0; n < 64; ++n)
      in[n] = n;
    ASSERT_EQ(launch.run({&in, &out}), "");
    const uint32_t rows = std::stoul(name);
    for (uint32_t n = 0; n < 64; ++n) {
      const bool isOdd = n / rows % 2;
      EXPECT_EQ(out[2 * n], isOdd ? 1000 + n - rows : n);
      EXPECT_EQ(out[2 * n + 1], isOdd ? 1000 + n : n + rows);
    }
  }
}

TEST(EmulatorAmdTest, OnlyActiveLanesTakePart) {
  // Lanes 20 to 63 are in the branch. The first of them is lane 20; a lane that
  // is off gives 0.
  const Words out = runLanes(
      "declare i32 @llvm.amdgcn.readfirstlane.i32(i32)\n"
      "declare i32 @llvm.amdgcn.ds.bpermute(i32, i32)\n"
      "declare i64 @llvm.amdgcn.ballot.i64(i1)\n",
      "%high = icmp uge i32 %tid, 20\nbr i1 %high, label %in1, label %end\n"
      "in1:\n%f = call i32 @llvm.amdgcn.readfirstlane.i32(i32 %i0)\n"
      "%p = call i32 @llvm.amdgcn.ds.bpermute(i32 20, i32 %i0)\n"
      "%v = call i64 @llvm.amdgcn.ballot.i64(i1 true)\n"
      "%s = lshr i64 %v, 16\n%t = trunc i64 %s to i32\n"
      "%m = and i32 %t, 255\n%k = mul i32 %m, 1000\n"
      "%a = add i32 %f, %k\n%c = add i32 %a, %p\nbr label %end\nend:\n"
      "%o0 = phi i32 [0, %0], [%c, %in1]\n");
  for (uint32_t n = 0; n < 64; ++n)
    EXPECT_EQ(out[n], n < 20 ? 0 : 120 + 1000 * 0xF0);
}

TEST(EmulatorAmdTest, LanesThatLeaveALoopWaitForTheOthers) {
  // Lane n stays for n % 4 + 1 trips; each trip counts who is in it.
  const Words out = runLanes(
      "declare i64 @llvm.amdgcn.ballot.i64(i1)\n"
      "declare i64 @llvm.ctpop.i64(i64)\n",
      "%last = and i32 %tid, 3\nbr label %loop\nloop:\n"
      "%n = phi i32 [0, %0], [%next, %loop]\n"
      "%sum = phi i64 [0, %0], [%more, %loop]\n"
      "%v = call i64 @llvm.amdgcn.ballot.i64(i1 true)\n"
      "%c = call i64 @llvm.ctpop.i64(i64 %v)\n%more = add i64 %sum, %c\n"
      "%next = add i32 %n, 1\n%done = icmp eq i32 %n, %last\n"
      "br i1 %done, label %end, label %loop\nend:\n"
      "%w = call i64 @llvm.amdgcn.ballot.i64(i1 true)\n"
      "%all = icmp eq i64 %w, -1\n%x = select i1 %all, i32 1000, i32 0\n"
      "%y = trunc i64 %more to i32\n%o0 = add i32 %x, %y\n");
  const uint32_t sums[] = {64, 64 + 48, 64 + 48 + 32, 64 + 48 + 32 + 16};
  for (uint32_t n = 0; n < 64; ++n)
    EXPECT_EQ(out[n], 1000 + sums[n % 4]);
}

//===----------------------------------------------------------------------===//
// MFMA
//===----------------------------------------------------------------------===//

/// D = A B + C of small integers with `perLane` elements per lane, of 16 bits,
/// or one of 32; `size` rows and columns.
static void testMfma(const std::string &name, const std::string &type,
                     uint32_t size, uint32_t depth, uint32_t perLane,
                     uint32_t (*encode)(int)) {
  TestRandom random;
  std::vector<int> a(size * depth), b(depth * size);
  for (int &value : a)
    value = random.small();
  for (int &value : b)
    value = random.small();
  const uint32_t perWord = std::min(perLane, 2u), words = perLane / perWord;
  const uint32_t registers = size * size / 64;
  Words in, out(64 * registers);
  for (uint32_t lane = 0; lane < 64; ++lane)
    for (int side = 0; side < 2; ++side)
      for (uint32_t word = 0; word < words; ++word) {
        uint32_t bits = 0;
        for (uint32_t half = 0; half < perWord; ++half) {
          const uint32_t k = lane / size * perLane + perWord * word + half;
          const uint32_t row = lane % size;
          bits |= encode(side ? b[k * size + row] : a[row * depth + k])
                  << 16 * half;
        }
        in.push_back(bits);
      }
  const std::string operandType =
      perLane == 1 ? type : "<" + std::to_string(perLane) + " x " + type + ">";
  const std::string wordsType = "<" + std::to_string(words) + " x i32>";
  const std::string resultType = "<" + std::to_string(registers) + " x float>";
  std::string body;
  for (int side = 0; side < 2; ++side) {
    std::string vector = "poison";
    for (uint32_t word = 0; word < words; ++word) {
      const std::string id =
          "%s" + std::to_string(side) + "w" + std::to_string(word);
      body += id + " = insertelement " + wordsType + " " + vector + ", i32 %i" +
              std::to_string(side * words + word) + ", i32 " +
              std::to_string(word) + "\n";
      vector = id;
    }
    body += "%m" + std::to_string(side) + " = bitcast " + wordsType + " " +
            vector + " to " + operandType + "\n";
  }
  body += "%d = call " + resultType + " @" + name + "(" + operandType +
          " %m0, " + operandType + " %m1, " + resultType +
          " zeroinitializer, i32 0, i32 0, i32 0)\n";
  for (uint32_t r = 0; r < registers; ++r) {
    const std::string id = std::to_string(r);
    body += "%d" + id + " = extractelement " + resultType + " %d, i32 " + id +
            "\n%o" + id + " = bitcast float %d" + id + " to i32\n";
  }
  TestLaunch launch = amdLaunch(amdKernel(
      "declare " + resultType + " @" + name + "(" + operandType + ", " +
          operandType + ", " + resultType + ", i32, i32, i32)\n",
      body, 2 * words, registers));
  ASSERT_EQ(launch.run({&in, &out}), "") << name;
  for (uint32_t lane = 0; lane < 64; ++lane)
    for (uint32_t r = 0; r < registers; ++r) {
      const uint32_t row = size == 32 ? 8 * (r / 4) + 4 * (lane / 32) + r % 4
                                      : 4 * (lane / 16) + r;
      const uint32_t column = lane % size;
      int sum = 0;
      for (uint32_t k = 0; k < depth; ++k)
        sum += a[row * depth + k] * b[k * size + column];
      EXPECT_EQ(floatOf(out[lane * registers + r]), sum)
          << name << " lane " << lane << " register " << r;
    }
}

TEST(EmulatorAmdTest, Mfma) {
  testMfma("llvm.amdgcn.mfma.f32.32x32x8bf16.1k", "i16", 32, 8, 4,
           smallToBFloat16);
  testMfma("llvm.amdgcn.mfma.f32.16x16x16bf16.1k", "i16", 16, 16, 4,
           smallToBFloat16);
  testMfma("llvm.amdgcn.mfma.f32.32x32x8f16", "half", 32, 8, 4, smallToFloat16);
  testMfma("llvm.amdgcn.mfma.f32.16x16x16f16", "half", 16, 16, 4,
           smallToFloat16);
  testMfma("llvm.amdgcn.mfma.f32.32x32x16.bf16", "bfloat", 32, 16, 8,
           smallToBFloat16);
  testMfma("llvm.amdgcn.mfma.f32.16x16x32.f16", "half", 16, 32, 8,
           smallToFloat16);
  testMfma("llvm.amdgcn.mfma.f32.16x16x4f32", "float", 16, 4, 1,
           smallToFloat32);
  testMfma("llvm.amdgcn.mfma.f32.32x32x2f32", "float", 32, 2, 1,
           smallToFloat32);
}

//===----------------------------------------------------------------------===//
// Buffers and LDS
//===----------------------------------------------------------------------===//

static constexpr char bufferDeclarations[] =
    "declare ptr addrspace(8) "
    "@llvm.amdgcn.make.buffer.rsrc.p8.p1(ptr addrspace(1), i16, i64, i32)\n"
    "declare <2 x i32> @llvm.amdgcn.raw.ptr.buffer.load.v2i32(ptr "
    "addrspace(8), i32, i32, i32 immarg)\n"
    "declare void @llvm.amdgcn.raw.ptr.buffer.load.lds(ptr addrspace(8), ptr "
    "addrspace(3), i32 immarg, i32, i32, i32 immarg, i32 immarg)\n"
    "declare void @llvm.amdgcn.s.waitcnt(i32 immarg)\n"
    "declare void @llvm.amdgcn.s.barrier()\n"
    "@tile = internal addrspace(3) global [64 x i32] undef, align 16\n";

static constexpr char makeBuffer[] =
    "%r = call ptr addrspace(8) "
    "@llvm.amdgcn.make.buffer.rsrc.p8.p1(ptr addrspace(1) %in, i16 0, i64 200, "
    "i32 159744)\n";

TEST(EmulatorAmdTest, BuffersEndWithZeros) {
  TestLaunch launch = amdLaunch(amdKernel(
      bufferDeclarations,
      std::string(makeBuffer) +
          "%offset = shl i32 %tid, 2\n"
          "%v = call <2 x i32> @llvm.amdgcn.raw.ptr.buffer.load.v2i32(ptr "
          "addrspace(8) %r, i32 %offset, i32 0, i32 0)\n"
          "%o0 = extractelement <2 x i32> %v, i32 0\n"
          "%o1 = extractelement <2 x i32> %v, i32 1\n",
      1, 2));
  Words in(64), out(128);
  for (uint32_t n = 0; n < 64; ++n)
    in[n] = n + 1;
  ASSERT_EQ(launch.run({&in, &out}), "");
  for (uint32_t n = 0; n < 64; ++n) {
    EXPECT_EQ(out[2 * n], n < 50 ? n + 1 : 0);
    EXPECT_EQ(out[2 * n + 1], n < 49 ? n + 2 : 0);
  }
}

TEST(EmulatorAmdTest, FatBufferPointers) {
  TestLaunch launch = amdLaunch(amdKernel(
      "declare ptr addrspace(7) @llvm.amdgcn.make.buffer.rsrc.p7.p1(ptr "
      "addrspace(1), i16, i64, i32)\n",
      "%r = call ptr addrspace(7) "
      "@llvm.amdgcn.make.buffer.rsrc.p7.p1(ptr addrspace(1) %in, i16 0, i64 "
      "200, i32 159744)\n"
      "%p = getelementptr i32, ptr addrspace(7) %r, i32 %tid\n"
      "%o0 = load i32, ptr addrspace(7) %p\n",
      1, 1));
  Words in(64), out(64);
  for (uint32_t n = 0; n < 64; ++n)
    in[n] = n + 1;
  ASSERT_EQ(launch.run({&in, &out}), "");
  for (uint32_t n = 0; n < 64; ++n)
    EXPECT_EQ(out[n], n < 50 ? n + 1 : 0);
}

/// Copies a word per lane to LDS and reads a neighbour's after `wait`.
static std::string copyToLds(const std::string &wait) {
  return amdKernel(
      bufferDeclarations,
      std::string(makeBuffer) +
          "%offset = shl i32 %tid, 2\n"
          "call void @llvm.amdgcn.raw.ptr.buffer.load.lds(ptr addrspace(8) %r, "
          "ptr addrspace(3) @tile, i32 4, i32 %offset, i32 0, i32 0, i32 0)\n" +
          wait +
          "%other = xor i32 %tid, 3\n"
          "%p = getelementptr i32, ptr addrspace(3) @tile, i32 %other\n"
          "%o0 = load i32, ptr addrspace(3) %p\n",
      1, 1);
}

TEST(EmulatorAmdTest, LdsCopiesLandWithoutAWait) {
  Words in(64), out(64);
  for (int32_t eager : {0, 1}) {
    TestLaunch launch = amdLaunch(
        copyToLds("%q = getelementptr i32, ptr addrspace(3) @tile, i32 %tid\n"
                  "store i32 0, ptr addrspace(3) %q\n"
                  "call void @llvm.amdgcn.s.barrier()\n"));
    launch.options.eager_copies = eager;
    EXPECT_TRUE(contains(launch.run({&in, &out}), "without an order"));
  }
}

TEST(EmulatorAmdTest, LdsCopiesNeedAWait) {
  for (int32_t eager : {0, 1}) {
    // vmcnt(0), the other counters at their maximum.
    TestLaunch launch =
        amdLaunch(copyToLds("call void @llvm.amdgcn.s.waitcnt(i32 3952)\n"
                            "call void @llvm.amdgcn.s.barrier()\n"));
    launch.options.eager_copies = eager;
    Words in(64), out(64);
    for (uint32_t n = 0; n < 64; ++n)
      in[n] = n + 1;
    ASSERT_EQ(launch.run({&in, &out}), "");
    for (uint32_t n = 0; n < 64; ++n)
      EXPECT_EQ(out[n], (n ^ 3) < 50 ? (n ^ 3) + 1 : 0);
    launch.ir = copyToLds("call void @llvm.amdgcn.s.barrier()\n");
    EXPECT_NE(launch.run({&in, &out}), "");
    launch.ir = copyToLds("call void asm sideeffect \"s_waitcnt vmcnt(0)\", "
                          "\"\"()\ncall void @llvm.amdgcn.s.barrier()\n");
    EXPECT_EQ(launch.run({&in, &out}), "");
  }
}

/// The wave's lanes write LDS, meet, and wave 0 reads what wave 1 wrote.
static std::string exchangeWaves(const std::string &barrier) {
  return amdKernel(
      "@words = internal addrspace(3) global [128 x i32] undef, align 16\n"
      "declare void @llvm.amdgcn.s.barrier()\n",
      "%p = getelementptr i32, ptr addrspace(3) @words, i32 %tid\n"
      "store i32 %i0, ptr addrspace(3) %p\n" +
          barrier +
          "%other = xor i32 %tid, 64\n"
          "%q = getelementptr i32, ptr addrspace(3) @words, i32 %other\n"
          "%o0 = load i32, ptr addrspace(3) %q\n",
      1, 1);
}

TEST(EmulatorAmdTest, BarriersOrderWaves) {
  Words in(128), out(128);
  for (uint32_t n = 0; n < 128; ++n)
    in[n] = n;
  TestLaunch launch =
      amdLaunch(exchangeWaves("fence syncscope(\"workgroup\") release\n"
                              "call void @llvm.amdgcn.s.barrier()\n"
                              "fence syncscope(\"workgroup\") acquire\n"),
                128);
  ASSERT_EQ(launch.run({&in, &out}), "");
  for (uint32_t n = 0; n < 128; ++n)
    EXPECT_EQ(out[n], n ^ 64);
  // The barrier alone does not wait for writes to LDS.
  launch.ir = exchangeWaves("call void @llvm.amdgcn.s.barrier()\n");
  EXPECT_TRUE(
      contains(launch.run({&in, &out}), "race on shared memory at offset"));
  const std::string waitedFor =
      "call void asm sideeffect \"s_waitcnt lgkmcnt(0)\", \"\"()\n"
      "call void @llvm.amdgcn.s.barrier()\n";
  launch.ir =
      exchangeWaves(waitedFor + "fence syncscope(\"workgroup\") acquire\n");
  EXPECT_EQ(launch.run({&in, &out}), "");
  // LLVM may move the reads to the other side of the barrier.
  launch.ir = exchangeWaves(waitedFor);
  EXPECT_TRUE(
      contains(launch.run({&in, &out}), "race on shared memory at offset"));
  launch.ir = exchangeWaves("");
  EXPECT_TRUE(contains(launch.run({&in, &out}), "shared memory"));
}

TEST(EmulatorAmdTest, WavesThatEndedAreNotWaitedFor) {
  TestLaunch launch = amdLaunch(
      exchangeWaves("%isSecond = icmp uge i32 %tid, 64\n"
                    "br i1 %isSecond, label %end, label %go\nend:\nret void\n"
                    "go:\ncall void @llvm.amdgcn.s.barrier()\n"),
      128);
  launch.options.detect_races = 0;
  Words in(128), out(128);
  EXPECT_EQ(launch.run({&in, &out}), "");
}
