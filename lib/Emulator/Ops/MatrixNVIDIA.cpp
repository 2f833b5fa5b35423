//===- MatrixNVIDIA.cpp - ldmatrix, stmatrix and mma.sync -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lane l of a warp is row l / 4 and column group l % 4 of an 8 x 8 matrix; a
// register holds 32 / bits neighbours of a row.
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"
#include "Registry.h"
#include "SmallFloat.h"

#include <array>

using namespace attn::emulator;

static constexpr uint32_t rowBytes = 16;

//===----------------------------------------------------------------------===//
// ldmatrix, stmatrix
//===----------------------------------------------------------------------===//

/// The rows of all matrices: lane 8 m + r holds the address of row r of matrix
/// m.
static uint16_t *rowOf(Group &group, uint32_t matrix, uint32_t row,
                       AccessKind kind) {
  static const AccessSite load = {"a row of ldmatrix", rowBytes, rowBytes,
                                  AccessKind::Read};
  static const AccessSite store = {"a row of stmatrix", rowBytes, rowBytes,
                                   AccessKind::Write};
  Thread &thread = group.lane(8 * matrix + row);
  const bool isAsmLoad =
      !thread.site->operands.empty() && kind == AccessKind::Read;
  const uintptr_t address = operand(thread, isAsmLoad ? 1 : 0);
  group.machine().requireShared(thread, address, rowBytes);
  // Lanes 4 row to 4 row + 3 take the row (or columns, of which it has a part).
  group.machine().checkAccess(group.lane(4 * row), address,
                              kind == AccessKind::Read ? load : store);
  return reinterpret_cast<uint16_t *>(address);
}

template <uint32_t matrices, bool isTransposed>
static void loadMatrix(Group &group) {
  for (uint32_t matrix = 0; matrix < matrices; ++matrix) {
    std::array<const uint16_t *, 8> rows;
    for (uint32_t row = 0; row < 8; ++row)
      rows[row] = rowOf(group, matrix, row, AccessKind::Read);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t major = lane / 4;
      const uint32_t minor = 2 * (lane % 4);
      const uint32_t low =
          isTransposed ? rows[minor][major] : rows[major][minor];
      const uint32_t high =
          isTransposed ? rows[minor + 1][major] : rows[major][minor + 1];
      setResult(group.lane(lane), low | high << 16, matrix);
    }
  }
}

template <uint32_t matrices, bool isTransposed>
static void storeMatrix(Group &group) {
  for (uint32_t matrix = 0; matrix < matrices; ++matrix) {
    std::array<uint16_t *, 8> rows;
    for (uint32_t row = 0; row < 8; ++row)
      rows[row] = rowOf(group, matrix, row, AccessKind::Write);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      Thread &thread = group.lane(lane);
      const uint32_t pair = static_cast<uint32_t>(
          thread.site->operands.empty() ? operand(thread, 1 + matrix)
                                        : operand(thread, 1, matrix));
      const uint32_t major = lane / 4;
      const uint32_t minor = 2 * (lane % 4);
      (isTransposed ? rows[minor][major] : rows[major][minor]) =
          static_cast<uint16_t>(pair);
      (isTransposed ? rows[minor + 1][major] : rows[major][minor + 1]) =
          static_cast<uint16_t>(pair >> 16);
    }
  }
}

template <uint32_t matrices>
static void addMatrixMoves(Registry &registry) {
  const std::string shape = ".sync.aligned.m8n8.x" + std::to_string(matrices);
  auto add = [&](const std::string &name, Handler plain, Handler transposed) {
    registry.add("llvm.nvvm." + name + shape + ".b16", Scope::Warp, plain);
    registry.add("llvm.nvvm." + name + shape + ".trans.b16", Scope::Warp,
                 transposed);
    registry.add("ptx:" + name + shape + ".shared.b16", Scope::Warp, plain);
    registry.add("ptx:" + name + shape + ".trans.shared.b16", Scope::Warp,
                 transposed);
  };
  add("ldmatrix", loadMatrix<matrices, false>, loadMatrix<matrices, true>);
  add("stmatrix", storeMatrix<matrices, false>, storeMatrix<matrices, true>);
}

//===----------------------------------------------------------------------===//
// mma.sync
//===----------------------------------------------------------------------===//

namespace {
/// m16n8kK with 32-bit registers.
struct MmaShape {
  uint32_t depth;
  FloatType left;
  FloatType right;
  FloatType addend;
  FloatType result;

  uint32_t perRegister() const { return 32 / bitWidth(left); }
  uint32_t leftRegisters() const { return 16 * depth / 32 / perRegister(); }
  uint32_t rightRegisters() const { return leftRegisters() / 2; }
};

/// Reads the operands of an intrinsic, whose arguments are all registers of A,
/// B and C, or of an instruction with lists D, A, B, C.
struct MmaOperands {
  const MmaShape &shape;

  uint32_t left(const Thread &thread, uint32_t index) const {
    return read(thread, 1, index, 0);
  }
  uint32_t right(const Thread &thread, uint32_t index) const {
    return read(thread, 2, index, shape.leftRegisters());
  }
  uint32_t addend(const Thread &thread, uint32_t index) const {
    return read(thread, 3, index,
                shape.leftRegisters() + shape.rightRegisters());
  }

private:
  uint32_t read(const Thread &thread, size_t list, uint32_t index,
                uint32_t first) const {
    return static_cast<uint32_t>(thread.site->operands.empty()
                                     ? operand(thread, first + index)
                                     : operand(thread, list, index));
  }
};
} // namespace

static void gatherOperands(Group &group, const MmaShape &shape,
                           MatrixProduct &product) {
  const MmaOperands operands{shape};
  const uint32_t count = shape.perRegister();
  const int bits = bitWidth(shape.left);
  const FloatDecoder decodeLeft(shape.left);
  const FloatDecoder decodeRight(shape.right);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const Thread &thread = group.lane(lane);
    const uint32_t column = count * (lane % 4);
    for (uint32_t r = 0; r < shape.leftRegisters(); ++r) {
      const uint32_t value = operands.left(thread, r);
      for (uint32_t n = 0; n < count; ++n)
        product.a(lane / 4 + 8 * (r & 1), column + 4 * count * (r / 2) + n) =
            decodeLeft(value >> (bits * n));
    }
    for (uint32_t r = 0; r < shape.rightRegisters(); ++r) {
      const uint32_t value = operands.right(thread, r);
      for (uint32_t n = 0; n < count; ++n)
        product.b(column + 4 * count * r + n, lane / 4) =
            decodeRight(value >> (bits * n));
    }
  }
}

/// Calls `function(thread, register, shift, row, column)` for each element of C
/// or D: four registers of f32, or two with pairs of f16.
template <class Function>
static void forEachAccumulator(Group &group, FloatType type,
                               Function function) {
  for (uint32_t lane = 0; lane < 32; ++lane)
    for (uint32_t n = 0; n < 4; ++n) {
      const bool isPair = type == FloatType::F16;
      function(group.lane(lane), isPair ? n / 2 : n, isPair ? 16 * (n % 2) : 0,
               lane / 4 + 8 * (n / 2), 2 * (lane % 4) + n % 2);
    }
}

static void multiply(Group &group, const MmaShape &shape) {
  const MmaOperands operands{shape};
  MatrixProduct &product = matrixProduct(16, 8, shape.depth);
  gatherOperands(group, shape, product);
  forEachAccumulator(group, shape.addend,
                     [&](Thread &thread, uint32_t index, uint32_t shift,
                         uint32_t row, uint32_t column) {
                       product.d(row, column) =
                           decode(operands.addend(thread, index) >> shift,
                                  shape.addend);
                     });
  product.accumulate();
  forEachAccumulator(
      group, shape.result,
      [&](Thread &thread, uint32_t index, uint32_t shift, uint32_t row,
          uint32_t column) {
        const double sum = product.d(row, column);
        if (shape.result == FloatType::F32) {
          setResult(thread, static_cast<float>(sum), index);
          return;
        }
        const uint32_t bits = encode(sum, formatOf(shape.result));
        const uint16_t half = static_cast<uint16_t>(bits);
        std::memcpy(resultBytes(thread, index) + shift / 8, &half, 2);
      });
}

template <uint32_t depth, FloatType left, FloatType right, FloatType addend,
          FloatType result>
static void mma(Group &group) {
  static const MmaShape shape = {depth, left, right, addend, result};
  multiply(group, shape);
}

template <uint32_t depth, FloatType left, FloatType right>
static void addMma(Registry &registry, const std::string &intrinsicTypes,
                   const std::string &types) {
  const std::string k = "m16n8k" + std::to_string(depth) + ".row.col.";
  constexpr FloatType f32 = FloatType::F32;
  registry.add("llvm.nvvm.mma." + k + intrinsicTypes, Scope::Warp,
               mma<depth, left, right, f32, f32>);
  registry.add("ptx:mma.sync.aligned." + k + "f32." + types + ".f32",
               Scope::Warp, mma<depth, left, right, f32, f32>);
}

/// f16 can also accumulate in f16; the names are result, then addend.
template <uint32_t depth>
static void addHalfMma(Registry &registry) {
  constexpr FloatType f16 = FloatType::F16;
  constexpr FloatType f32 = FloatType::F32;
  const std::string base =
      "llvm.nvvm.mma.m16n8k" + std::to_string(depth) + ".row.col.";
  addMma<depth, f16, f16>(registry, "f32.f32", "f16.f16");
  registry.add(base + "f16.f16", Scope::Warp, mma<depth, f16, f16, f16, f16>);
  registry.add(base + "f32.f16", Scope::Warp, mma<depth, f16, f16, f16, f32>);
  registry.add(base + "f16.f32", Scope::Warp, mma<depth, f16, f16, f32, f16>);
}

template <FloatType left, FloatType right>
static void addFloat8Mma(Registry &registry, const std::string &types) {
  addMma<32, left, right>(registry, "f32." + types + ".f32", types);
}

void attn::emulator::addMatrixOperations(Registry &registry) {
  addMatrixMoves<1>(registry);
  addMatrixMoves<2>(registry);
  addMatrixMoves<4>(registry);
  addHalfMma<8>(registry);
  addHalfMma<16>(registry);
  addMma<8, FloatType::BF16, FloatType::BF16>(registry, "bf16", "bf16.bf16");
  addMma<16, FloatType::BF16, FloatType::BF16>(registry, "bf16", "bf16.bf16");
  addMma<4, FloatType::TF32, FloatType::TF32>(registry, "tf32", "tf32.tf32");
  addMma<8, FloatType::TF32, FloatType::TF32>(registry, "tf32", "tf32.tf32");
  addFloat8Mma<FloatType::E4M3, FloatType::E4M3>(registry, "e4m3.e4m3");
  addFloat8Mma<FloatType::E4M3, FloatType::E5M2>(registry, "e4m3.e5m2");
  addFloat8Mma<FloatType::E5M2, FloatType::E4M3>(registry, "e5m2.e4m3");
  addFloat8Mma<FloatType::E5M2, FloatType::E5M2>(registry, "e5m2.e5m2");
}
