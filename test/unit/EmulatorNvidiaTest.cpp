//===- EmulatorNvidiaTest.cpp - NVIDIA operations by definition -----------===//
//-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The expectations are written from the figures and formulas of the PTX manual,
// without the emulator's code.
//
//===----------------------------------------------------------------------===//

#include "EmulatorTestUtils.h"

#include <cmath>

using namespace attn::emulator;

using Words = std::vector<uint32_t>;

//===----------------------------------------------------------------------===//
// Between lanes
//===----------------------------------------------------------------------===//

static Words runShuffle(const std::string &mode, uint32_t b, uint32_t c) {
  TestLaunch launch;
  launch.ir = "declare {i32, i1} @llvm.nvvm.shfl.sync." + mode +
              ".i32p(i32, i32, i32, i32)\n" +
              threadwise("%r = call {i32, i1} @llvm.nvvm.shfl.sync." + mode +
                             ".i32p(i32 -1, i32 %i0, i32 " + std::to_string(b) +
                             ", i32 " + std::to_string(c) +
                             ")\n%o0 = extractvalue {i32, i1} %r, 0\n"
                             "%v = extractvalue {i32, i1} %r, 1\n"
                             "%o1 = zext i1 %v to i32\n",
                         1, 2);
  Words in(32), out(64);
  for (uint32_t n = 0; n < 32; ++n)
    in[n] = 100 + n;
  EXPECT_EQ(launch.run({&in, &out}), "");
  return out;
}

TEST(EmulatorNvidiaTest, Shuffles) {
  const Words xorTwo = runShuffle("bfly", 2, 31);
  const Words up = runShuffle("up", 3, 0);
  const Words down = runShuffle("down", 3, 31);
  // Segments of 8 lanes: mask 0b11000, clamp to the end of the segment.
  const Words second = runShuffle("idx", 1, 0x181F);
  const Words downInEight = runShuffle("down", 3, 0x1807 | 0x18);
  for (uint32_t n = 0; n < 32; ++n) {
    EXPECT_EQ(xorTwo[2 * n], 100 + (n ^ 2));
    EXPECT_EQ(up[2 * n], n < 3 ? 100 + n : 97 + n);
    EXPECT_EQ(up[2 * n + 1], n >= 3);
    EXPECT_EQ(down[2 * n], n > 28 ? 100 + n : 103 + n);
    EXPECT_EQ(second[2 * n], 100 + n / 8 * 8 + 1);
    EXPECT_EQ(downInEight[2 * n], n % 8 > 4 ? 100 + n : 103 + n);
  }
}

TEST(EmulatorNvidiaTest, ShuffleOfAnAbsentLaneIsReported) {
  TestLaunch launch;
  launch.ir =
      "declare i32 @llvm.nvvm.shfl.sync.bfly.i32(i32, i32, i32, i32)\n" +
      threadwise("%low = icmp ult i32 %tid, 16\n"
                 "br i1 %low, label %a, label %b\na:\n"
                 "%s = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 "
                 "65535, i32 %i0, i32 16, i32 31)\nbr label %b\nb:\n"
                 "%o0 = phi i32 [0, %0], [%s, %a]\n",
                 1, 1);
  Words in(32), out(32);
  EXPECT_TRUE(contains(launch.run({&in, &out}),
                       "reads lane 16, which does not take part"));
}

TEST(EmulatorNvidiaTest, VotesAndReductions) {
  TestLaunch launch;
  launch.ir =
      "declare i32 @llvm.nvvm.vote.ballot.sync(i32, i1)\n"
      "declare i1 @llvm.nvvm.vote.any.sync(i32, i1)\n"
      "declare i1 @llvm.nvvm.vote.all.sync(i32, i1)\n"
      "declare i32 @llvm.nvvm.redux.sync.add(i32, i32)\n"
      "declare i32 @llvm.nvvm.redux.sync.max(i32, i32)\n"
      "declare {i32, i1} @llvm.nvvm.elect.sync(i32)\n" +
      threadwise("%odd = trunc i32 %i0 to i1\n"
                 "%o0 = call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 %odd)\n"
                 "%any = call i1 @llvm.nvvm.vote.any.sync(i32 -1, i1 %odd)\n"
                 "%o1 = zext i1 %any to i32\n"
                 "%all = call i1 @llvm.nvvm.vote.all.sync(i32 -1, i1 %odd)\n"
                 "%o2 = zext i1 %all to i32\n"
                 "%o3 = call i32 @llvm.nvvm.redux.sync.add(i32 %i0, i32 -1)\n"
                 "%neg = sub i32 0, %i0\n"
                 "%o4 = call i32 @llvm.nvvm.redux.sync.max(i32 %neg, i32 -1)\n"
                 "%e = call {i32, i1} @llvm.nvvm.elect.sync(i32 -16)\n"
                 "%p = extractvalue {i32, i1} %e, 1\n"
                 "%o5 = zext i1 %p to i32\n",
                 1, 6);
  Words in(32), out(6 * 32);
  for (uint32_t n = 0; n < 32; ++n)
    in[n] = n + 1;
  // The first four lanes are not in elect's mask.
  EXPECT_TRUE(contains(launch.run({&in, &out}), "not in its member mask"));
  launch.ir.replace(launch.ir.find("i32 -16"), 7, "i32 -1");
  ASSERT_EQ(launch.run({&in, &out}), "");
  for (uint32_t n = 0; n < 32; ++n) {
    EXPECT_EQ(out[6 * n], 0x55555555u);
    EXPECT_EQ(out[6 * n + 1], 1u);
    EXPECT_EQ(out[6 * n + 2], 0u);
    EXPECT_EQ(out[6 * n + 3], 32u * 33 / 2);
    EXPECT_EQ(int32_t(out[6 * n + 4]), -1);
    EXPECT_EQ(out[6 * n + 5], n == 0);
  }
}

//===----------------------------------------------------------------------===//
// mma.sync
//===----------------------------------------------------------------------===//

namespace {
/// A = 16 x K, B = K x 8 with `perWord` elements in 32 bits.
struct Product {
  uint32_t depth;
  uint32_t perWord;
  uint32_t (*encode)(int);
  int a[16][64];
  int b[64][8];

  void fill() {
    TestRandom random;
    for (auto &row : a)
      for (int &value : row)
        value = random.small();
    for (auto &row : b)
      for (int &value : row)
        value = random.small();
  }
  uint32_t wordsOfA() const { return 16 * depth / 32 / perWord; }
  uint32_t wordsOfB() const { return 8 * depth / 32 / perWord; }

  /// What each lane holds, by the figures of the manual: groupID = lane / 4 and
  /// threadID_in_group = lane % 4.
  Words operands() const {
    Words words;
    const uint32_t bits = 32 / perWord;
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t group = lane / 4;
      const uint32_t inGroup = lane % 4;
      for (uint32_t r = 0; r < wordsOfA(); ++r) {
        // a0 (g, .), a1 (g + 8, .), a2 and a3 the second half of K.
        const uint32_t row = group + (r % 2) * 8;
        uint32_t word = 0;
        for (uint32_t n = 0; n < perWord; ++n)
          word |= encode(a[row][inGroup * perWord + n + r / 2 * 4 * perWord])
                  << bits * n;
        words.push_back(word);
      }
      for (uint32_t r = 0; r < wordsOfB(); ++r) {
        uint32_t word = 0;
        for (uint32_t n = 0; n < perWord; ++n)
          word |= encode(b[inGroup * perWord + n + r * 4 * perWord][group])
                  << bits * n;
        words.push_back(word);
      }
    }
    return words;
  }

  int expected(uint32_t row, uint32_t column) const {
    int sum = 0;
    for (uint32_t k = 0; k < depth; ++k)
      sum += a[row][k] * b[k][column];
    return sum;
  }
};

uint32_t smallToTF32(int value) {
  // The low 13 bits do not count.
  return bitsOf(static_cast<float>(value)) | 0x1234;
}
/// 4 exponent and 3 mantissa bits, bias 7.
uint32_t smallToE4M3(int value) {
  static const uint32_t magnitudes[] = {0x00, 0x38, 0x40, 0x44};
  return magnitudes[value < 0 ? -value : value] | (value < 0 ? 0x80 : 0);
}
} // namespace

/// `type`: the LLVM type of a register of A and B.
static void testMma(const std::string &name, const std::string &type,
                    uint32_t depth, uint32_t perWord, uint32_t (*encode)(int)) {
  Product product = {depth, perWord, encode, {}, {}};
  product.fill();
  const uint32_t inputs = product.wordsOfA() + product.wordsOfB();
  std::string body, arguments, types;
  for (uint32_t n = 0; n < inputs; ++n) {
    const std::string id = std::to_string(n);
    body += "%m" + id + " = bitcast i32 %i" + id + " to " + type + "\n";
    arguments += type + " %m" + id + ", ";
    types += type + ", ";
  }
  const std::string result = "{float, float, float, float}";
  body += "%d = call " + result + " @" + name + "(" + arguments +
          "float 1.0, float 2.0, float 3.0, float 4.0)\n";
  for (int n = 0; n < 4; ++n) {
    const std::string id = std::to_string(n);
    body += "%d" + id + " = extractvalue " + result + " %d, " + id + "\n%o" +
            id + " = bitcast float %d" + id + " to i32\n";
  }
  TestLaunch launch;
  launch.ir = "declare " + result + " @" + name + "(" + types +
              "float, float, float, float)\n" + threadwise(body, inputs, 4);
  Words in = product.operands(), out(128);
  ASSERT_EQ(launch.run({&in, &out}), "") << name;
  for (uint32_t lane = 0; lane < 32; ++lane)
    for (uint32_t n = 0; n < 4; ++n) {
      const uint32_t row = lane / 4 + (n < 2 ? 0 : 8);
      const uint32_t column = lane % 4 * 2 + n % 2;
      EXPECT_EQ(floatOf(out[4 * lane + n]),
                product.expected(row, column) + int(n) + 1)
          << name << " lane " << lane << " register " << n;
    }
}

TEST(EmulatorNvidiaTest, Mma) {
  testMma("llvm.nvvm.mma.m16n8k8.row.col.f32.f32", "<2 x half>", 8, 2,
          smallToFloat16);
  testMma("llvm.nvvm.mma.m16n8k16.row.col.f32.f32", "<2 x half>", 16, 2,
          smallToFloat16);
  testMma("llvm.nvvm.mma.m16n8k8.row.col.bf16", "i32", 8, 2, smallToBFloat16);
  testMma("llvm.nvvm.mma.m16n8k16.row.col.bf16", "i32", 16, 2, smallToBFloat16);
  testMma("llvm.nvvm.mma.m16n8k4.row.col.tf32", "i32", 4, 1, smallToTF32);
  testMma("llvm.nvvm.mma.m16n8k8.row.col.tf32", "i32", 8, 1, smallToTF32);
  testMma("llvm.nvvm.mma.m16n8k32.row.col.f32.e4m3.e4m3.f32", "i32", 32, 4,
          smallToE4M3);
}

TEST(EmulatorNvidiaTest, MmaInInlineAssembly) {
  TestLaunch launch;
  launch.ir = threadwise(
      "%d = call {float, float, float, float} asm sideeffect "
      "\"mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {$0, $1, $2, $3}, "
      "{$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};\", "
      "\"=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3\"(i32 %i0, i32 %i1, i32 %i2, i32 %i3, "
      "i32 %i4, i32 %i5, float 1.0, float 2.0, float 3.0, float 4.0)\n"
      "%d3 = extractvalue {float, float, float, float} %d, 3\n"
      "%o0 = bitcast float %d3 to i32\n",
      6, 1);
  Product product = {32, 4, smallToE4M3, {}, {}};
  product.fill();
  Words in = product.operands(), out(32);
  ASSERT_EQ(launch.run({&in, &out}), "");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(floatOf(out[lane]),
              product.expected(lane / 4 + 8, lane % 4 * 2 + 1) + 4);
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// Fills four 8 x 8 matrices of halves, row after row, and loads them.
static std::string loadMatrices(bool isTransposed) {
  const std::string name =
      std::string("@llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.") +
      (isTransposed ? "trans." : "") + "b16.p3";
  const std::string result = "{i32, i32, i32, i32}";
  std::string body = "%row = getelementptr [4 x i32], ptr addrspace(3) @tile, "
                     "i32 %tid\n";
  for (int n = 0; n < 4; ++n) {
    const std::string id = std::to_string(n);
    body += "%s" + id + " = getelementptr i32, ptr addrspace(3) %row, i32 " +
            id + "\nstore i32 %i" + id + ", ptr addrspace(3) %s" + id + "\n";
  }
  body += "call void @llvm.nvvm.bar.warp.sync(i32 -1)\n%m = call " + result +
          " " + name + "(ptr addrspace(3) %row)\n";
  for (int n = 0; n < 4; ++n)
    body += "%o" + std::to_string(n) + " = extractvalue " + result + " %m, " +
            std::to_string(n) + "\n";
  return "@tile = internal addrspace(3) global [128 x i32] undef, align 16\n"
         "declare void @llvm.nvvm.bar.warp.sync(i32)\n"
         "declare " +
         result + " " + name + "(ptr addrspace(3))\n" + threadwise(body, 4, 4);
}

/// The half at (row, column) of a matrix.
static uint32_t half(uint32_t matrix, uint32_t row, uint32_t column) {
  return 1000 * matrix + 10 * row + column;
}

TEST(EmulatorNvidiaTest, LoadMatrix) {
  for (bool isTransposed : {false, true}) {
    TestLaunch launch;
    launch.ir = loadMatrices(isTransposed);
    Words in, out(128);
    for (uint32_t m = 0; m < 4; ++m)
      for (uint32_t row = 0; row < 8; ++row)
        for (uint32_t column = 0; column < 8; column += 2)
          in.push_back(half(m, row, column) | half(m, row, column + 1) << 16);
    ASSERT_EQ(launch.run({&in, &out}), "");
    for (uint32_t lane = 0; lane < 32; ++lane)
      for (uint32_t m = 0; m < 4; ++m) {
        // Thread T holds elements 2T and 2T + 1 of the matrix in row order.
        const uint32_t row = 2 * lane / 8;
        const uint32_t column = 2 * lane % 8;
        const uint32_t expected =
            isTransposed
                ? half(m, column, row) | half(m, column + 1, row) << 16
                : half(m, row, column) | half(m, row, column + 1) << 16;
        EXPECT_EQ(out[4 * lane + m], expected);
      }
  }
}

TEST(EmulatorNvidiaTest, LoadMatrixNeedsAnOrder) {
  TestLaunch launch;
  launch.ir = loadMatrices(false);
  const std::string sync = "call void @llvm.nvvm.bar.warp.sync(i32 -1)";
  launch.ir.erase(launch.ir.find(sync), sync.size());
  Words in(128), out(128);
  EXPECT_TRUE(contains(launch.run({&in, &out}), "race on shared memory"));
}

TEST(EmulatorNvidiaTest, StoreMatrixIsTheInverse) {
  const std::string name =
      "@llvm.nvvm.stmatrix.sync.aligned.m8n8.x2.trans.b16.p3";
  TestLaunch launch;
  launch.ir =
      "@tile = internal addrspace(3) global [64 x i32] undef, align 16\n"
      "declare void @llvm.nvvm.bar.warp.sync(i32)\n"
      "declare void " +
      name + "(ptr addrspace(3), i32, i32)\n" +
      threadwise("%r = and i32 %tid, 15\n%row = getelementptr [4 x i32], ptr "
                 "addrspace(3) @tile, i32 %r\ncall void " +
                     name +
                     "(ptr addrspace(3) %row, i32 %i0, i32 %i1)\n"
                     "call void @llvm.nvvm.bar.warp.sync(i32 -1)\n"
                     "%pa = getelementptr i32, ptr addrspace(3) @tile, i32 "
                     "%tid\n%o0 = load i32, ptr addrspace(3) %pa\n"
                     "%pb = getelementptr i32, ptr addrspace(3) %pa, i32 32\n"
                     "%o1 = load i32, ptr addrspace(3) %pb\n",
                 2, 2);
  Words in(64), out(64);
  for (uint32_t lane = 0; lane < 32; ++lane)
    for (uint32_t m = 0; m < 2; ++m)
      in[2 * lane + m] = half(m, 2 * lane % 8, lane / 4) |
                         half(m, 2 * lane % 8 + 1, lane / 4) << 16;
  ASSERT_EQ(launch.run({&in, &out}), "");
  for (uint32_t word = 0; word < 32; ++word)
    for (uint32_t m = 0; m < 2; ++m)
      EXPECT_EQ(out[2 * word + m], half(m, word / 4, word % 4 * 2) |
                                       half(m, word / 4, word % 4 * 2 + 1)
                                           << 16);
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

/// Copies 16 bytes per thread, of which `%i0` count, and reads them back.
static std::string copyAsync(const std::string &wait) {
  std::string body =
      "%row = getelementptr [4 x i32], ptr addrspace(3) @tile, i32 %tid\n"
      "%source = getelementptr i32, ptr addrspace(1) %in, i32 32\n"
      "%from = getelementptr [4 x i32], ptr addrspace(1) %source, i32 %tid\n"
      "call void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr addrspace(3) "
      "%row, ptr addrspace(1) %from, i32 %i0)\n"
      "call void @llvm.nvvm.cp.async.commit.group()\n" +
      wait;
  for (int n = 0; n < 4; ++n) {
    const std::string id = std::to_string(n);
    body += "%s" + id + " = getelementptr i32, ptr addrspace(3) %row, i32 " +
            id + "\n%o" + id + " = load i32, ptr addrspace(3) %s" + id + "\n";
  }
  return "@tile = internal addrspace(3) global [128 x i32] undef, align 16\n"
         "declare void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr "
         "addrspace(3), ptr addrspace(1), i32)\n"
         "declare void @llvm.nvvm.cp.async.commit.group()\n"
         "declare void @llvm.nvvm.cp.async.wait.group(i32 immarg)\n" +
         threadwise(body, 1, 4);
}

TEST(EmulatorNvidiaTest, AsyncCopiesFillWithZeros) {
  for (int32_t eager : {0, 1}) {
    TestLaunch launch;
    launch.options.eager_copies = eager;
    launch.ir = copyAsync("call void @llvm.nvvm.cp.async.wait.group(i32 0)\n");
    Words in(32 + 128), out(128);
    for (uint32_t n = 0; n < 32; ++n)
      in[n] = n % 5 * 4;
    for (uint32_t n = 0; n < 128; ++n)
      in[32 + n] = n + 7;
    ASSERT_EQ(launch.run({&in, &out}), "");
    for (uint32_t n = 0; n < 128; ++n)
      EXPECT_EQ(out[n], n % 4 < n / 4 % 5 ? n + 7 : 0);
  }
}

TEST(EmulatorNvidiaTest, AsyncCopiesNeedAWait) {
  Words in(32 + 128), out(128);
  TestLaunch launch;
  launch.ir = copyAsync("call void @llvm.nvvm.cp.async.wait.group(i32 1)\n");
  EXPECT_TRUE(contains(launch.run({&in, &out}), "uninitialised shared"));
  launch.options.eager_copies = 1;
  EXPECT_TRUE(contains(launch.run({&in, &out}),
                       "an asynchronous copy of thread 0 and thread 0 write "
                       "and read without an order"));
  launch.options.detect_races = launch.options.eager_copies = 0;
  ASSERT_EQ(launch.run({&in, &out}), "");
  EXPECT_EQ(out[0], ~0u);
}

TEST(EmulatorNvidiaTest, AsyncCopiesLandWithoutAWait) {
  Words in(32 + 128), out(128);
  for (int32_t eager : {0, 1}) {
    TestLaunch launch;
    launch.options.eager_copies = eager;
    launch.ir = copyAsync("store [4 x i32] zeroinitializer, "
                          "ptr addrspace(3) %row\n");
    EXPECT_TRUE(contains(launch.run({&in, &out}), "without an order"));
  }
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

TEST(EmulatorNvidiaTest, ApproximateFunctions) {
  TestLaunch launch;
  launch.ir =
      "declare float @llvm.nvvm.ex2.approx.ftz.f32(float)\n"
      "declare float @llvm.nvvm.lg2.approx.ftz.f(float)\n"
      "declare float @llvm.nvvm.rcp.approx.ftz.f(float)\n"
      "declare float @llvm.nvvm.fmax.f(float, float)\n"
      "declare <2 x bfloat> @llvm.nvvm.ff2bf16x2.rn(float, float)\n" +
      threadwise(
          "%x = bitcast i32 %i0 to float\n"
          "%e = call float @llvm.nvvm.ex2.approx.ftz.f32(float %x)\n"
          "%o0 = bitcast float %e to i32\n"
          "%l = call float @llvm.nvvm.lg2.approx.ftz.f(float %e)\n"
          "%o1 = bitcast float %l to i32\n"
          "%r = call float @llvm.nvvm.rcp.approx.ftz.f(float %x)\n"
          "%o2 = bitcast float %r to i32\n"
          "%m = call float @llvm.nvvm.fmax.f(float %x, float 0.0)\n"
          "%o3 = bitcast float %m to i32\n"
          "%p = call <2 x bfloat> @llvm.nvvm.ff2bf16x2.rn(float %x, float "
          "1.0)\n%o4 = bitcast <2 x bfloat> %p to i32\n",
          1, 5);
  Words in(32), out(160);
  for (uint32_t n = 0; n < 32; ++n)
    in[n] = bitsOf(static_cast<float>(n) - 15.5f);
  in[0] = bitsOf(-140.0f); // the result is denormal
  in[1] = 0x7FC00000;
  ASSERT_EQ(launch.run({&in, &out}), "");
  EXPECT_EQ(floatOf(out[0]), 0.0f);
  EXPECT_TRUE(std::isnan(floatOf(out[5])));
  EXPECT_EQ(floatOf(out[8]), 0.0f); // the number wins over NaN
  for (uint32_t n = 2; n < 32; ++n) {
    const float x = floatOf(in[n]);
    EXPECT_FLOAT_EQ(floatOf(out[5 * n]), std::exp2(x));
    EXPECT_NEAR(floatOf(out[5 * n + 1]), x, 1e-5);
    EXPECT_FLOAT_EQ(floatOf(out[5 * n + 2]), 1 / x);
    EXPECT_EQ(floatOf(out[5 * n + 3]), x > 0 ? x : 0);
    EXPECT_EQ(out[5 * n + 4] & 0xFFFF, 0x3F80u);
    EXPECT_EQ(out[5 * n + 4] >> 16, bitsOf(x) >> 16); // exact in bf16
  }
}
