//===- MatrixAMD.cpp - MFMA and transposing reads of the LDS --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// D = A B + C of a square D. Lane l holds of A the row l mod dim and of B the
// column l mod dim: elements n (l / dim) + e of the depth, n = elements a lane.
// Of D it holds the column l mod dim, in groups of four rows.
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"
#include "Registry.h"
#include "SmallFloat.h"

#include <array>

using namespace attn::emulator;

static constexpr uint32_t waveLanes = 64;

namespace {
struct MfmaShape {
  uint32_t dim;
  uint32_t depth;
  FloatType left;
  FloatType right;

  uint32_t perLane() const { return depth * dim / waveLanes; }
  uint32_t accumulators() const { return dim * dim / waveLanes; }
  /// The row of D that register `index` of a lane holds.
  uint32_t row(uint32_t lane, uint32_t index) const {
    const uint32_t groups = waveLanes / dim;
    return 4 * groups * (index / 4) + 4 * (lane / dim) + index % 4;
  }
};
} // namespace

/// Element `index` of an operand of the intrinsic, decoded.
static float element(const Thread &thread, size_t operand, uint32_t index,
                     FloatType type) {
  const uint32_t bytes = static_cast<uint32_t>(bitWidth(type)) / 8;
  uint32_t bits = 0;
  std::memcpy(&bits, argumentBytes(thread, operand) + size_t(index) * bytes,
              bytes);
  return decode(bits, type);
}

static void requireWholeWave(Group &group) {
  if (group.size() != waveLanes || ~group.activeLanes())
    group.fail(group.site().name + " needs all 64 lanes of its wave");
}

static void multiply(Group &group, const MfmaShape &shape) {
  requireWholeWave(group);
  MatrixProduct &product = matrixProduct(shape.dim, shape.dim, shape.depth);
  const uint32_t count = shape.perLane();
  group.forEachActive([&](Thread &thread) {
    const uint32_t lane = thread.registers.lane;
    const uint32_t index = lane % shape.dim;
    for (uint32_t e = 0; e < count; ++e) {
      const uint32_t k = count * (lane / shape.dim) + e;
      product.a(index, k) = element(thread, 0, e, shape.left);
      product.b(k, index) = element(thread, 1, e, shape.right);
    }
    for (uint32_t r = 0; r < shape.accumulators(); ++r)
      product.d(shape.row(lane, r), index) =
          element(thread, 2, r, FloatType::F32);
    // Controls that broadcast or negate blocks of the operands.
    for (size_t control = 3; control < 6; ++control)
      if (integerArgument(thread, control) != 0)
        group.fail(group.site().name + ": a cbsz, abid or blgp that is not 0");
  });
  product.accumulate();
  group.forEachActive([&](Thread &thread) {
    const uint32_t lane = thread.registers.lane;
    for (uint32_t r = 0; r < shape.accumulators(); ++r) {
      const float value =
          static_cast<float>(product.d(shape.row(lane, r), lane % shape.dim));
      std::memcpy(resultBytes(thread) + 4 * r, &value, 4);
    }
  });
}

template <uint32_t dim, uint32_t depth, FloatType left, FloatType right>
static void mfma(Group &group) {
  static const MfmaShape shape = {dim, depth, left, right};
  multiply(group, shape);
}

template <uint32_t dim, uint32_t depth, FloatType left, FloatType right = left>
static void addMfma(Registry &registry, const std::string &types) {
  const std::string square = std::to_string(dim) + "x" + std::to_string(dim);
  registry.add("llvm.amdgcn.mfma.f32." + square + "x" + std::to_string(depth) +
                   types,
               Scope::Wave, mfma<dim, depth, left, right>);
}

/// Lane i of 16 gets halfword i mod 4 of the lanes 4 n + i / 4.
static void readTransposed(Group &group) {
  static const AccessSite site = {"a transposing read", 8, 8, AccessKind::Read};
  requireWholeWave(group);
  std::array<std::array<uint16_t, 4>, waveLanes> read;
  group.forEachActive([&](Thread &thread) {
    const uintptr_t address = integerArgument(thread, 0);
    group.machine().requireShared(thread, address, site.bytes);
    group.machine().checkAccess(thread, address, site);
    std::memcpy(read[thread.registers.lane].data(),
                reinterpret_cast<const void *>(address), site.bytes);
  });
  group.forEachActive([&](Thread &thread) {
    const uint32_t i = thread.registers.lane % 16;
    const uint32_t first = thread.registers.lane - i;
    for (uint32_t n = 0; n < 4; ++n)
      std::memcpy(resultBytes(thread) + 2 * n,
                  &read[first + 4 * n + i / 4][i % 4], 2);
  });
}

void attn::emulator::addMatrixOperationsAMD(Registry &registry) {
  constexpr FloatType bf16 = FloatType::BF16;
  constexpr FloatType f16 = FloatType::F16;
  constexpr FloatType fp8 = FloatType::E4M3FNUZ;
  constexpr FloatType bf8 = FloatType::E5M2FNUZ;
  addMfma<32, 8, bf16>(registry, "bf16.1k");
  addMfma<16, 16, bf16>(registry, "bf16.1k");
  addMfma<32, 8, f16>(registry, "f16");
  addMfma<16, 16, f16>(registry, "f16");
  addMfma<32, 16, bf16>(registry, ".bf16");
  addMfma<16, 32, bf16>(registry, ".bf16");
  addMfma<32, 16, f16>(registry, ".f16");
  addMfma<16, 32, f16>(registry, ".f16");
  addMfma<32, 2, FloatType::F32>(registry, "f32");
  addMfma<16, 4, FloatType::F32>(registry, "f32");
  addMfma<32, 16, fp8, fp8>(registry, ".fp8.fp8");
  addMfma<32, 16, fp8, bf8>(registry, ".fp8.bf8");
  addMfma<32, 16, bf8, fp8>(registry, ".bf8.fp8");
  addMfma<32, 16, bf8, bf8>(registry, ".bf8.bf8");
  addMfma<16, 32, fp8, fp8>(registry, ".fp8.fp8");
  addMfma<16, 32, fp8, bf8>(registry, ".fp8.bf8");
  addMfma<16, 32, bf8, fp8>(registry, ".bf8.fp8");
  addMfma<16, 32, bf8, bf8>(registry, ".bf8.bf8");
  registry.add("llvm.amdgcn.ds.read.tr16.b64", Scope::Wave, readTransposed);
}
