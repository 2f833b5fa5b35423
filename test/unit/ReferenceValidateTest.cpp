//===- ReferenceValidateTest.cpp - Problems that are refused --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReferenceTestUtils.h"

using namespace attn;
using namespace attn::reference;

namespace {

class ReferenceValidate : public testing::Test {
protected:
  Arrays arrays;
  /// B 2, Sq 3, Skv 5, Hq 4, Hkv 2, d 6, dv 7.
  AttentionProblem problem =
      makeRandom(arrays, ElementType::F32, 2, 3, 5, 4, 2, 6, 7);

  TensorView f32(const Shape &shape) {
    return arrays.make(ElementType::F32, shape, {0});
  }
  TensorView i32(const Shape &shape, const Values &values) {
    return arrays.make(ElementType::I32, shape, values);
  }

  void expectRefused(const char *wanted) {
    std::string error;
    EXPECT_FALSE(validate(problem, error)) << "accepted; wanted: " << wanted;
    EXPECT_NE(error.find(wanted), std::string::npos)
        << "wanted: " << wanted << "\ngot: " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
};

} // namespace

TEST_F(ReferenceValidate, AcceptsAGoodProblem) {
  problem.bias = f32({1, 4, 1, 5});
  problem.sinks = f32({4});
  problem.alibiSlopes = f32({2, 4});
  problem.qLens = i32({2}, {3, 0});
  problem.kvLens = i32({2}, {0, 5});
  problem.qOffset = i32({2}, {-7, 7});
  problem.kDescale = f32({2, 1});
  std::string error;
  EXPECT_TRUE(validate(problem, error)) << error;
  EXPECT_EQ(error, "");
}

TEST_F(ReferenceValidate, Shapes) {
  const AttentionProblem good = problem;
  problem.q = f32({3, 4, 6});
  expectRefused("q must have rank 4, given 3x4x6xf32");
  problem = good;
  problem.v = f32({5, 2, 7});
  expectRefused("v must have rank 4, given 5x2x7xf32");
  problem = good;
  problem.v = f32({2, 4, 2, 7});
  expectRefused("k and v differ in a dim other than the last: 2x5x2x6xf32 and "
                "2x4x2x7xf32");
  problem = good;
  problem.q = f32({2, 3, 4, 8});
  expectRefused("q and k must have the same head dim");
  problem.q = f32({1, 3, 4, 6});
  expectRefused("q and k must have the same batch");
  problem.q = f32({2, 3, 5, 6});
  expectRefused("query heads must be a multiple of KV heads, given 5 and 2");
  problem = good;
  problem.q = f32({2, 3, 4, 0});
  problem.k = f32({2, 5, 2, 0});
  expectRefused("head dims must be at least 1");
  problem = good;
  problem.k = f32({2, 5, 0, 6});
  problem.v = f32({2, 5, 0, 7});
  expectRefused("query heads must be a multiple of KV heads, given 4 and 0");
}

TEST_F(ReferenceValidate, Types) {
  const AttentionProblem good = problem;
  problem.v = arrays.make(ElementType::F16, {2, 5, 2, 7}, {0});
  expectRefused("k and v must share a type, given f32 and f16");
  problem = good;
  problem.q = arrays.make(ElementType::F16, {2, 3, 4, 6}, {0});
  expectRefused(
      "the type of q must be at least as wide as that of k, given f16 and f32");
  problem = good;
  problem.kvLens = f32({2});
  expectRefused("kv_len must be i32 or i64, given 2xf32");
  problem = good;
  problem.sinks = i32({4}, {0});
  expectRefused("sinks must have a float type, given 4xi32");
}

TEST_F(ReferenceValidate, LengthsAndPositions) {
  const AttentionProblem good = problem;
  problem.qLens = i32({2}, {3, 4});
  expectRefused("q_len[1] is 4, allowed are 0 to 3");
  problem = good;
  problem.kvLens = i32({2}, {-1, 4});
  expectRefused("kv_len[0] is -1, allowed are 0 to 5");
  problem.kvLens = i32({3}, {1});
  expectRefused("kv_len must be [2], given 3xi32");
  problem = good;
  problem.qOffset = i32({3}, {1});
  expectRefused("q_offset must be [2]");
  problem.qOffset = arrays.make(ElementType::I64, {}, {0x1p63});
  expectRefused("takes positions beyond 64 bits");
  problem.qPositions = i32({2, 3}, {1});
  expectRefused("only one can be given");
  problem.qOffset = std::nullopt;
  problem.qPositions = i32({2, 4}, {1});
  expectRefused("q_positions must be [2, 3], given 2x4xi32");
}

TEST_F(ReferenceValidate, PerHeadOperandsAndScalars) {
  const AttentionProblem good = problem;
  problem.bias = f32({4, 3, 5});
  expectRefused("bias must have rank 4, given 4x3x5xf32");
  problem.bias = f32({2, 4, 3, 4});
  expectRefused("bias must be [2, 4, 3, 5] (any dim may be 1)");
  problem = good;
  problem.sinks = f32({2});
  expectRefused("sinks must be [4], given 2xf32");
  problem = good;
  problem.alibiSlopes = f32({1, 4});
  expectRefused("alibi_slopes must be [2, 4]");
  problem = good;
  problem.vDescale = f32({2, 4});
  expectRefused("v_descale must be [2, 2] (any dim may be 1)");
  problem = good;
  problem.scale = std::numeric_limits<float>::infinity();
  expectRefused("scale must be finite, given inf");
  problem.scale = 1;
  problem.softcap = std::numeric_limits<float>::quiet_NaN();
  expectRefused("softcap must be finite, given nan");
}

TEST_F(ReferenceValidate, Packed) {
  problem.q = f32({3, 4, 6});
  problem.cuSeqlensQ = i32({3}, {0, 2, 3});
  std::string error;
  EXPECT_TRUE(validate(problem, error)) << error;
  problem.cuSeqlensQ = i32({3}, {1, 2, 3});
  expectRefused("cu_seqlens_q must start at 0 and not decrease, but entry 0 "
                "is 1");
  problem.cuSeqlensQ = i32({3}, {0, 3, 2});
  expectRefused("but entry 2 is 2");
  problem.cuSeqlensQ = i32({3}, {0, 3, 4});
  expectRefused("cu_seqlens_q ends at 4, beyond the 3 packed rows");
  problem.cuSeqlensQ = i32({0}, {0});
  expectRefused("cu_seqlens_q must be [B + 1]");
  problem.cuSeqlensQ = i32({3}, {0, 2, 3});
  problem.k = f32({9, 2, 6});
  problem.v = f32({9, 2, 7});
  problem.cuSeqlensKV = i32({2}, {0, 9});
  expectRefused("cu_seqlens_kv must be for 2 sequences");
}

TEST_F(ReferenceValidate, Paged) {
  problem.blockTable = i32({2, 2}, {0, 1, 1, -9});
  expectRefused("paged keys need kv lengths");
  // 2 pages of 5 keys; an entry beyond the length may be anything.
  problem.kvLens = i32({2}, {10, 5});
  std::string error;
  EXPECT_TRUE(validate(problem, error)) << error;
  problem.kvLens = i32({2}, {10, 6});
  expectRefused("block_table[1, 1] is -9, allowed are 0 to 1");
  problem.kvLens = i32({2}, {11, 0});
  expectRefused("kv_len[0] is 11, allowed are 0 to 10");
  problem.blockTable = i32({1, 2}, {0});
  expectRefused("block_table must be [2, pages]");
}
