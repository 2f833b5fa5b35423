//===- MatrixAMD.cpp - MFMA: matrix products of a wave --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One description covers all dense forms. Lane l holds row l % M of A and
// column l % M of B, `elements` consecutive k of them; what is left of the lane
// number counts through k and then through the independent products (blocks)
// that the small shapes have.
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"
#include "Registry.h"
#include "SmallFloat.h"

using namespace attn::emulator;

namespace {
struct MfmaShape {
  /// Rows of A, and columns of B.
  uint32_t size;
  uint32_t depth;
  uint32_t blocks;
  FloatType left;
  FloatType right;
  /// The scaled forms hold k in two runs of 16.
  bool isSplit = false;

  uint32_t elements() const { return size * depth * blocks / 64; }
  uint32_t lanesPerBlock() const { return 64 / blocks; }
  uint32_t accumulators() const { return size * size * blocks / 64; }

  uint32_t block(uint32_t lane) const { return lane / lanesPerBlock(); }
  uint32_t k(uint32_t lane, uint32_t element) const {
    const uint32_t group = lane % lanesPerBlock() / size;
    if (!isSplit)
      return group * elements() + element;
    return element / 16 * (depth / 2) + group * 16 + element % 16;
  }
};

struct Position {
  uint32_t block;
  uint32_t row;
  uint32_t column;
};
} // namespace

/// Four consecutive rows are in four registers; then come the lanes, then the
/// next four registers.
static Position accumulatorAt(const MfmaShape &shape, uint32_t lane,
                              uint32_t index) {
  if (shape.size == 4)
    return {lane / 4, index, lane % 4};
  const uint32_t laneGroups = 64 / shape.size;
  const uint32_t perBlock = shape.size * shape.size / 64;
  const uint32_t inBlock = index % perBlock;
  return {index / perBlock,
          inBlock / 4 * 4 * laneGroups + 4 * (lane / shape.size) + inBlock % 4,
          lane % shape.size};
}

static uint32_t element(const Thread &thread, size_t operandIndex,
                        uint32_t index, FloatType type) {
  const uint32_t bytes = static_cast<uint32_t>(bitWidth(type)) / 8;
  uint32_t bits = 0;
  std::memcpy(&bits, argumentBytes(thread, operandIndex) + index * bytes,
              bytes);
  return bits;
}

static void multiplyBlock(Group &group, const MfmaShape &shape,
                          uint32_t block) {
  MatrixProduct &product = matrixProduct(shape.size, shape.size, shape.depth);
  const FloatDecoder decodeLeft(shape.left);
  const FloatDecoder decodeRight(shape.right);
  for (uint32_t lane = 0; lane < 64; ++lane) {
    const Thread &thread = group.lane(lane);
    if (shape.block(lane) == block)
      for (uint32_t e = 0; e < shape.elements(); ++e) {
        const uint32_t k = shape.k(lane, e);
        product.a(lane % shape.size, k) =
            decodeLeft(element(thread, 0, e, shape.left));
        product.b(k, lane % shape.size) =
            decodeRight(element(thread, 1, e, shape.right));
      }
    for (uint32_t n = 0; n < shape.accumulators(); ++n) {
      const Position at = accumulatorAt(shape, lane, n);
      if (at.block == block)
        product.d(at.row, at.column) =
            bitsToFloat(element(thread, 2, n, FloatType::F32));
    }
  }
  product.accumulate();
  for (uint32_t lane = 0; lane < 64; ++lane)
    for (uint32_t n = 0; n < shape.accumulators(); ++n) {
      const Position at = accumulatorAt(shape, lane, n);
      if (at.block != block)
        continue;
      const float value = static_cast<float>(product.d(at.row, at.column));
      std::memcpy(resultBytes(group.lane(lane)) + 4 * n, &value, 4);
    }
}

static void multiply(Group &group, const MfmaShape &shape) {
  if (group.activeLanes() != ~uint64_t(0))
    group.fail(group.site().name + ": not all lanes of the wave are active, "
                                   "and the result of the others' operands is "
                                   "undefined");
  for (uint32_t block = 0; block < shape.blocks; ++block)
    multiplyBlock(group, shape, block);
}

/// The broadcast and negation modifiers are not modelled.
static void requireZeros(Group &group, std::initializer_list<size_t> operands) {
  for (size_t index : operands)
    if (integerArgument(group.thread(), index) != 0)
      group.fail(group.site().name + ": unsupported modifier, operand " +
                 std::to_string(index) + " is not 0");
}

template <uint32_t size, uint32_t depth, uint32_t blocks, FloatType type>
static void mfma(Group &group) {
  requireZeros(group, {3, 4, 5});
  multiply(group, {size, depth, blocks, type, type});
}

//===----------------------------------------------------------------------===//
// 8-bit types
//===----------------------------------------------------------------------===//

/// The first chips with them have the FNUZ types, later ones those of OCP.
static FloatType float8(Group &group, bool isBF8) {
  const bool isFnuz =
      group.machine().launched().kernel.chip.compare(0, 5, "gfx94") == 0;
  if (isFnuz)
    return isBF8 ? FloatType::E5M2FNUZ : FloatType::E4M3FNUZ;
  return isBF8 ? FloatType::E5M2 : FloatType::E4M3;
}

template <uint32_t size, uint32_t depth, bool isLeftBF8, bool isRightBF8>
static void mfmaFloat8(Group &group) {
  requireZeros(group, {3, 4, 5});
  multiply(group, {size, depth, 1, float8(group, isLeftBF8),
                   float8(group, isRightBF8)});
}

/// a, b, c, type of a, type of b, selector and scale of a, and of b. Both
/// scales 0 means the form without scales.
template <uint32_t size, uint32_t depth>
static void mfmaScaled(Group &group) {
  requireZeros(group, {5, 6, 7, 8});
  auto type = [&](size_t index) {
    const uint64_t code = integerArgument(group.thread(), index);
    if (code > 1)
      group.fail(group.site().name + ": unsupported element type " +
                 std::to_string(code) + "; only fp8 and bf8 are modelled");
    return code == 1 ? FloatType::E5M2 : FloatType::E4M3;
  };
  MfmaShape shape = {size, depth, 1, type(3), type(4)};
  shape.isSplit = true;
  multiply(group, shape);
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

template <uint32_t size, uint32_t depth>
static void addFloat8(Registry &registry) {
  const std::string shape = "llvm.amdgcn.mfma.f32." + std::to_string(size) +
                            "x" + std::to_string(size) + "x" +
                            std::to_string(depth);
  registry.add(shape + ".fp8.fp8", Scope::Wave,
               mfmaFloat8<size, depth, false, false>);
  registry.add(shape + ".fp8.bf8", Scope::Wave,
               mfmaFloat8<size, depth, false, true>);
  registry.add(shape + ".bf8.fp8", Scope::Wave,
               mfmaFloat8<size, depth, true, false>);
  registry.add(shape + ".bf8.bf8", Scope::Wave,
               mfmaFloat8<size, depth, true, true>);
}

void attn::emulator::addMatrixOperationsAMD(Registry &registry) {
  constexpr FloatType f16 = FloatType::F16;
  constexpr FloatType bf16 = FloatType::BF16;
  constexpr FloatType f32 = FloatType::F32;
  auto add = [&](const std::string &shape, Handler handler) {
    registry.add("llvm.amdgcn.mfma.f32." + shape, Scope::Wave, handler);
  };
  add("32x32x8f16", mfma<32, 8, 1, f16>);
  add("16x16x16f16", mfma<16, 16, 1, f16>);
  add("32x32x4f16", mfma<32, 4, 2, f16>);
  add("16x16x4f16", mfma<16, 4, 4, f16>);
  add("4x4x4f16", mfma<4, 4, 16, f16>);
  add("32x32x8bf16.1k", mfma<32, 8, 1, bf16>);
  add("16x16x16bf16.1k", mfma<16, 16, 1, bf16>);
  add("32x32x4bf16.1k", mfma<32, 4, 2, bf16>);
  add("16x16x4bf16.1k", mfma<16, 4, 4, bf16>);
  add("4x4x4bf16.1k", mfma<4, 4, 16, bf16>);
  add("32x32x4bf16", mfma<32, 4, 1, bf16>);
  add("16x16x8bf16", mfma<16, 8, 1, bf16>);
  add("32x32x2bf16", mfma<32, 2, 2, bf16>);
  add("16x16x2bf16", mfma<16, 2, 4, bf16>);
  add("4x4x2bf16", mfma<4, 2, 16, bf16>);
  add("32x32x16.f16", mfma<32, 16, 1, f16>);
  add("16x16x32.f16", mfma<16, 32, 1, f16>);
  add("32x32x16.bf16", mfma<32, 16, 1, bf16>);
  add("16x16x32.bf16", mfma<16, 32, 1, bf16>);
  add("32x32x2f32", mfma<32, 2, 1, f32>);
  add("16x16x4f32", mfma<16, 4, 1, f32>);
  addFloat8<32, 16>(registry);
  addFloat8<16, 32>(registry);
  registry.add("llvm.amdgcn.mfma.scale.f32.32x32x64.f8f6f4", Scope::Wave,
               mfmaScaled<32, 64>);
  registry.add("llvm.amdgcn.mfma.scale.f32.16x16x128.f8f6f4", Scope::Wave,
               mfmaScaled<16, 128>);
}
