//===- Warpgroup.cpp - wgmma: matrix products of a warpgroup --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operands are read from shared memory through descriptors, by the asynchronous
// proxy of each warp: generic writes need a proxy fence before, and the
// operands must stay as they are until the warp waits for the group.
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"
#include "Registry.h"
#include "SmallFloat.h"

#include <cstdio>
#include <deque>

using namespace attn::emulator;

static constexpr uint32_t groupThreads = 128;
static constexpr uint32_t groupRows = 64;

namespace {
/// The products of a warp that are under way, as epochs of its proxy.
struct WarpProducts : OperationState {
  /// Epochs that closed groups end with.
  std::deque<uint32_t> committed;
  uint32_t clock = 1;
};

struct WgmmaShape {
  uint32_t columns = 0;
  uint32_t depth = 0;
  FloatType left = FloatType::BF16;
  FloatType right = FloatType::BF16;
};

/// Where an element of an operand is in shared memory.
class MatrixDescriptor {
public:
  MatrixDescriptor(uint64_t bits, uintptr_t base, uint32_t elementBytes,
                   bool isTransposed)
      : start(base + (bits & 0x3FFF) * 16), leading((bits >> 16 & 0x3FFF) * 16),
        stride((bits >> 32 & 0x3FFF) * 16), elementBytes(elementBytes),
        isTransposed(isTransposed) {
    const uint32_t mode = static_cast<uint32_t>(bits >> 62);
    swizzleBits = mode ? 4 - mode : 0;
  }

  uintptr_t address(uint32_t row, uint32_t k) const {
    const uintptr_t plain =
        start + (isTransposed ? transposedOffset(row, k) : offset(row, k));
    return plain ^ ((plain >> 7 & ((1u << swizzleBits) - 1)) << 4);
  }

private:
  uint32_t rowBytes() const { return 16u << swizzleBits; }

  /// Rows of `rowBytes` along k, eight of them a unit.
  uint32_t offset(uint32_t row, uint32_t k) const {
    const uint32_t byte = k * elementBytes;
    const uint32_t rows = row % 8 * rowBytes() + row / 8 * stride;
    return swizzleBits ? rows + byte : rows + byte / 16 * leading + byte % 16;
  }
  /// Rows of `rowBytes` across k.
  uint32_t transposedOffset(uint32_t row, uint32_t k) const {
    const uint32_t perRow = rowBytes() / elementBytes;
    const uint32_t inside = row % perRow * elementBytes + k % 8 * rowBytes();
    return swizzleBits ? inside + row / perRow * leading + k / 8 * stride
                       : inside + row / perRow * stride + k / 8 * leading;
  }

  uintptr_t start;
  uint32_t leading;
  uint32_t stride;
  uint32_t elementBytes;
  bool isTransposed;
  uint32_t swizzleBits;
};

/// The proxy of one warp, for one product.
struct ProxyReader {
  Group &group;
  Thread &first;
  Epoch epoch;
  Snapshot issued;

  void read(uintptr_t address, uint32_t bytes) const {
    Machine &machine = group.machine();
    const AccessOrder order{machine.clocks, epoch, &issued, true,
                            machine.firstEngine()};
    machine.checkEngineAccess(first, address, bytes, AccessKind::Read, order);
  }
};
} // namespace

static FloatType parseType(Group &group, const std::string &name) {
  static const std::pair<const char *, FloatType> types[] = {
      {"f16", FloatType::F16},
      {"bf16", FloatType::BF16},
      {"tf32", FloatType::TF32},
      {"e4m3", FloatType::E4M3},
      {"e5m2", FloatType::E5M2}};
  for (const auto &[text, type] : types)
    if (name == text)
      return type;
  group.fail(group.site().name + ": unsupported element type");
}

/// wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
static WgmmaShape parseShape(Group &group) {
  WgmmaShape shape;
  char left[8], right[8];
  if (std::sscanf(group.site().name.c_str(),
                  "wgmma.mma_async.sync.aligned.m64n%uk%u.f32.%7[a-z0-9]."
                  "%7[a-z0-9]",
                  &shape.columns, &shape.depth, left, right) != 4)
    group.fail(group.site().name + ": unsupported form of wgmma");
  shape.left = parseType(group, left);
  shape.right = parseType(group, right);
  const uint32_t bytes = static_cast<uint32_t>(bitWidth(shape.left)) / 8;
  if (shape.columns % 8 != 0 || shape.columns > 256 ||
      shape.depth * bytes != 32)
    group.fail(group.site().name + ": no such shape");
  return shape;
}

/// What each of the four warps brings to the product.
static std::vector<ProxyReader> startReaders(Group &group) {
  Machine &machine = group.machine();
  std::vector<ProxyReader> readers;
  for (uint32_t warp = 0; warp < 4; ++warp) {
    Thread &first = group.groupThread(32 * warp);
    WarpProducts &products = first.warp->state<WarpProducts>();
    ProxyReader reader{
        group, first, {products.clock, machine.proxyOf(first)}, {}};
    if (machine.detectsRaces()) {
      SyncClock clock;
      for (uint32_t lane = 0; lane < 32; ++lane)
        machine.clocks.release(first.warp->threads[lane].actor, clock);
      reader.issued = machine.clocks.snapshotOf(clock, {0, first.actor});
    }
    readers.push_back(std::move(reader));
  }
  return readers;
}

/// One operand from shared memory; `store(row, k, value)`.
template <class Function>
static void readOperand(Group &group, const MatrixDescriptor &descriptor,
                        uint32_t rows, uint32_t depth, FloatType type,
                        const std::vector<ProxyReader> &readers, bool isSplit,
                        Function store) {
  Machine &machine = group.machine();
  const uint32_t bytes = static_cast<uint32_t>(bitWidth(type)) / 8;
  const FloatDecoder decoder(type);
  for (uint32_t row = 0; row < rows; ++row)
    for (uint32_t k = 0; k < depth; ++k) {
      const uintptr_t address = descriptor.address(row, k);
      machine.requireShared(group.thread(), address, bytes);
      uint32_t bits = 0;
      std::memcpy(&bits, reinterpret_cast<const void *>(address), bytes);
      store(row, k, decoder(bits));
      if (!machine.detectsRaces() || address % 16 != 0)
        continue;
      // The chunk of 16 bytes that begins here; a warp reads its rows of A, and
      // all of B.
      for (uint32_t warp = 0; warp < 4; ++warp)
        if (!isSplit || row / 16 == warp)
          readers[warp].read(address, 16);
    }
}

static uint64_t uniformOperand(Group &group, size_t index) {
  const uint64_t value = operand(group.groupThread(0), index);
  for (uint32_t n = 1; n < groupThreads; ++n)
    if (operand(group.groupThread(n), index) != value)
      group.fail(group.site().name + ": operand " + std::to_string(index) +
                 " differs between the threads of the warpgroup");
  return value;
}

/// A in registers: as A of mma.sync, 16 rows a warp.
static void readRegisters(Group &group, const WgmmaShape &shape,
                          MatrixProduct &product, float scale) {
  const int bits = bitWidth(shape.left);
  const uint32_t count = 32 / static_cast<uint32_t>(bits);
  for (uint32_t n = 0; n < groupThreads; ++n)
    for (uint32_t r = 0; r < 4; ++r) {
      const uint32_t value =
          static_cast<uint32_t>(operand(group.groupThread(n), 1, r));
      const uint32_t row = 16 * (n / 32) + n % 32 / 4 + 8 * (r & 1);
      for (uint32_t e = 0; e < count; ++e)
        product.a(row, count * (n % 4) + 4 * count * (r / 2) + e) =
            scale * decode(value >> (bits * e), shape.left);
    }
}

/// Calls `function(thread, register, row, column)` for all of D.
template <class Function>
static void forEachAccumulator(Group &group, uint32_t columns,
                               Function function) {
  for (uint32_t n = 0; n < groupThreads; ++n)
    for (uint32_t r = 0; r < columns / 2; ++r)
      function(group.groupThread(n), r,
               16 * (n / 32) + n % 32 / 4 + 8 * (r / 2 % 2),
               2 * (n % 4) + 8 * (r / 4) + r % 2);
}

namespace {
/// The operands behind those of A, B and D.
struct Modifiers {
  bool accumulates;
  float scaleA;
  float scaleB;
  bool transposesA;
  bool transposesB;
};
} // namespace

static Modifiers readModifiers(Group &group, bool hasRegisters) {
  const size_t count = group.site().operands.size();
  auto scale = [&](size_t index) {
    return static_cast<float>(
        static_cast<int64_t>(operand(group.thread(), index)));
  };
  Modifiers result = {true, 1, 1, false, false};
  result.accumulates = uniformOperand(group, 3) & 1;
  if (count > 5) {
    result.scaleA = scale(4);
    result.scaleB = scale(5);
  }
  if (count > 6 && hasRegisters)
    result.transposesB = operand(group.thread(), 6) & 1;
  if (count > 7) {
    result.transposesA = operand(group.thread(), 6) & 1;
    result.transposesB = operand(group.thread(), 7) & 1;
  }
  return result;
}

/// {D}, A, B, accumulate, scale A, scale B (, transpose A), transpose B
static void multiply(Group &group) {
  const WgmmaShape shape = parseShape(group);
  const std::vector<std::vector<AsmOperand>> &operands = group.site().operands;
  if (operands.size() < 4 || operands[0].size() != shape.columns / 2)
    group.fail(group.site().name + ": wrong number of operands");
  const bool hasRegisters = operands[1].size() == 4;
  const Modifiers modifiers = readModifiers(group, hasRegisters);
  MatrixProduct &product = matrixProduct(groupRows, shape.columns, shape.depth);
  const std::vector<ProxyReader> readers = startReaders(group);
  const uint32_t bytes = static_cast<uint32_t>(bitWidth(shape.left)) / 8;
  auto descriptor = [&](size_t index, bool isTransposed) {
    const uint64_t bits = uniformOperand(group, index);
    if (bits >> 49 & 7)
      group.fail(group.site().name + ": unsupported base offset");
    return MatrixDescriptor(bits, group.block().sharedBase, bytes,
                            isTransposed);
  };
  if (hasRegisters)
    readRegisters(group, shape, product, modifiers.scaleA);
  else
    readOperand(group, descriptor(1, modifiers.transposesA), groupRows,
                shape.depth, shape.left, readers, true,
                [&](uint32_t row, uint32_t k, float value) {
                  product.a(row, k) = modifiers.scaleA * value;
                });
  readOperand(group, descriptor(2, modifiers.transposesB), shape.columns,
              shape.depth, shape.right, readers, false,
              [&](uint32_t column, uint32_t k, float value) {
                product.b(k, column) = modifiers.scaleB * value;
              });
  forEachAccumulator(
      group, shape.columns,
      [&](Thread &thread, uint32_t r, uint32_t row, uint32_t column) {
        product.d(row, column) =
            modifiers.accumulates
                ? bitsToFloat(static_cast<uint32_t>(operand(thread, 0, r)))
                : 0.0;
      });
  product.accumulate();
  forEachAccumulator(
      group, shape.columns,
      [&](Thread &thread, uint32_t r, uint32_t row, uint32_t column) {
        setOperand(thread, 0,
                   floatToBits(static_cast<float>(product.d(row, column))), r);
      });
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

static void commit(Group &group) {
  WarpProducts &products = group.warp().state<WarpProducts>();
  products.committed.push_back(products.clock++);
}

static void waitGroup(Group &group) {
  Machine &machine = group.machine();
  WarpProducts &products = group.warp().state<WarpProducts>();
  const uint64_t remaining = operand(group.thread(), 0);
  Epoch last{0, machine.proxyOf(group.warp().threads[0])};
  while (products.committed.size() > remaining) {
    last.clock = products.committed.front();
    products.committed.pop_front();
  }
  if (last.clock && machine.detectsRaces())
    group.forEachActive(
        [&](Thread &thread) { machine.clocks.acquire(thread.actor, last); });
}

static void nothing(Group &) {}

void attn::emulator::addWarpgroupOperations(Registry &registry) {
  registry.add("ptx:wgmma.mma_async.sync.aligned", Scope::WarpGroup, multiply);
  for (const char *prefix : {"llvm.nvvm.", "ptx:"}) {
    const std::string base = std::string(prefix) + "wgmma.";
    registry.add(base + "commit_group.sync.aligned", Scope::Warp, commit);
    registry.add(base + "wait_group.sync.aligned", Scope::Warp, waitGroup);
    // It orders registers, and earlier shared memory accesses of the same
    // proxy, which are in order here.
    registry.add(base + "fence.sync.aligned", Scope::Warp, nothing);
    for (const char *change : {"inc", "dec"})
      registry.add(std::string(prefix) + "setmaxnreg." + change +
                       ".sync.aligned.u32",
                   Scope::Warp, nothing);
  }
}
