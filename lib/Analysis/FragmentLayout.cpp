//===- FragmentLayout.cpp - Which thread holds which element --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/FragmentLayout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Matrix instructions
//===----------------------------------------------------------------------===//

/// PTX ISA, "Matrix fragments for mma.m16n8k16 with floating point type";
/// AMD matrix instruction calculator, v_mfma_f32_32x32x8 and 16x16x16. In f32
/// the latter is four 16x16x4: number i multiplies element i of each lane.
static SmallVector<MatrixInstruction, 0> makeMatrixInstructions() {
  constexpr Dim m = Dim::q, n = Dim::kv, k = Dim::d;
  return {{MatrixKind::m16n8k16,
           16,
           8,
           16,
           /*lanes=*/32,
           /*perRegister=*/2,
           F32Products::OfParts,
           {{k, 2, 1}, {m, 2, 8}, {k, 2, 8}},
           {{k, 4, 2}, {m, 8, 1}},
           {{k, 2, 1}, {k, 2, 8}},
           {{k, 4, 2}, {n, 8, 1}},
           {{n, 2, 1}, {m, 2, 8}},
           {{n, 4, 2}, {m, 8, 1}}},
          {MatrixKind::m32n32k8,
           32,
           32,
           8,
           /*lanes=*/64,
           /*perRegister=*/4,
           F32Products::None,
           {{k, 4, 1}},
           {{m, 32, 1}, {k, 2, 4}},
           {{k, 4, 1}},
           {{n, 32, 1}, {k, 2, 4}},
           {{m, 4, 1}, {m, 4, 8}},
           {{n, 32, 1}, {m, 2, 4}}},
          {MatrixKind::m16n16k16,
           16,
           16,
           16,
           /*lanes=*/64,
           /*perRegister=*/4,
           F32Products::Direct,
           {{k, 4, 1}},
           {{m, 16, 1}, {k, 4, 4}},
           {{k, 4, 1}},
           {{n, 16, 1}, {k, 4, 4}},
           {{m, 4, 1}},
           {{n, 16, 1}, {m, 4, 4}}}};
}

const MatrixInstruction &attn::getMatrixInstruction(MatrixKind kind) {
  static const SmallVector<MatrixInstruction, 0> table =
      makeMatrixInstructions();
  return *llvm::find_if(
      table, [&](const MatrixInstruction &row) { return row.kind == kind; });
}

bool attn::multiplies(const MatrixInstruction &instruction, Type element) {
  return element.isBF16() || element.isF16() ||
         (instruction.f32 == F32Products::Direct && element.isF32());
}

bool attn::multipliesParts(const MatrixInstruction &instruction, Type element) {
  return instruction.f32 == F32Products::OfParts && element.isF32();
}

Type attn::getProductType(Type q, Type k) {
  auto isNarrow = [](Type type) { return type.getIntOrFloatBitWidth() == 8; };
  if (isNarrow(q))
    std::swap(q, k);
  // Of two, f16 rounds weights to more bits.
  if (isNarrow(q))
    return Float16Type::get(q.getContext());
  return q == k || isNarrow(k) ? q : Type(Float32Type::get(q.getContext()));
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

int64_t attn::evaluate(ArrayRef<LayoutDigit> digits, Dim dim, int64_t number) {
  int64_t value = 0;
  for (const LayoutDigit &digit : digits) {
    if (digit.dim == dim)
      value += number % digit.size * digit.step;
    number /= digit.size;
  }
  return value;
}

int64_t attn::countValues(ArrayRef<LayoutDigit> digits) {
  int64_t count = 1;
  for (const LayoutDigit &digit : digits)
    count *= digit.size;
  return count;
}

int64_t attn::getRowMultiple(BlockScheduleAttr schedule) {
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  return schedule.getWarps() *
         (schedule.getTransposed() ? instruction.n : instruction.m);
}

namespace {
/// The digits of a result of products, of the dims that the tile has.
struct FragmentBuilder {
  /// The tile's dim behind the rows and the columns of the instruction.
  std::optional<Dim> rows, columns;

  std::optional<Dim> getDim(Dim dim) const {
    return dim == Dim::q ? rows : columns;
  }

  /// Digits of registers; those of a missing dim are left out.
  void addRegisters(ArrayRef<LayoutDigit> digits) {
    for (const LayoutDigit &digit : digits)
      if (std::optional<Dim> dim = getDim(digit.dim); dim && digit.size > 1)
        registers.push_back({*dim, digit.size, digit.step});
  }
  /// Digits of lanes or warps; those of a missing dim repeat elements.
  static void addShared(ArrayRef<LayoutDigit> digits, std::optional<Dim> dim,
                        Dim any, SmallVectorImpl<LayoutDigit> &to) {
    for (const LayoutDigit &digit : digits)
      to.push_back({dim.value_or(any), digit.size, dim ? digit.step : 0});
  }

  SmallVector<LayoutDigit> registers, lanes, warps;
};
} // namespace

FragmentAttr attn::getFragment(BlockScheduleAttr schedule, MLIRContext *context,
                               ArrayRef<Dim> dims, ArrayRef<int64_t> shape) {
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  std::optional<Dim> query, other;
  int64_t otherExtent = 1;
  for (auto [dim, extent] : llvm::zip_equal(dims, shape)) {
    if (dim == Dim::q) {
      query = dim;
      assert(extent % getRowMultiple(schedule) == 0 && "rows left over");
      continue;
    }
    other = dim;
    otherExtent = extent;
  }
  bool transposed = schedule.getTransposed();
  int64_t queryStep = transposed ? instruction.n : instruction.m;
  int64_t otherStep = transposed ? instruction.m : instruction.n;
  FragmentBuilder builder;
  builder.rows = transposed ? other : query;
  builder.columns = transposed ? query : other;
  builder.addRegisters(instruction.dRegisters);
  if (int64_t repeats = llvm::divideCeil(otherExtent, otherStep);
      other && repeats > 1)
    builder.registers.push_back({*other, repeats, otherStep});
  // A dim that repeats elements needs a name: that of the other one.
  for (const LayoutDigit &digit : instruction.dLanes) {
    std::optional<Dim> dim = builder.getDim(digit.dim);
    builder.addShared(digit, dim, dims.front(), builder.lanes);
  }
  int64_t rowsOfWarp = queryStep;
  if (query) {
    int64_t extent = shape[llvm::find(dims, Dim::q) - dims.begin()];
    rowsOfWarp = extent / schedule.getWarps();
    if (int64_t repeats = rowsOfWarp / queryStep; repeats > 1)
      builder.registers.push_back({Dim::q, repeats, queryStep});
  }
  builder.addShared(LayoutDigit{Dim::q, schedule.getWarps(), rowsOfWarp}, query,
                    dims.front(), builder.warps);
  return FragmentAttr::get(context, builder.registers, builder.lanes,
                           builder.warps, /*partial=*/false);
}

FragmentAttr attn::getQueryFragment(BlockScheduleAttr schedule, TileType tile) {
  const MatrixInstruction &instruction =
      getMatrixInstruction(schedule.getInstruction());
  Dim dim = tile.getDims()[tile.getDims()[0] == Dim::q];
  constexpr int64_t kChunkBits = 128;
  int64_t chunk = kChunkBits / tile.getElementType().getIntOrFloatBitWidth();
  int64_t sumLanes = instruction.lanes / instruction.n;
  int64_t turns = llvm::divideCeil(tile.getExtent(dim), chunk * sumLanes);
  int64_t rowsOfWarp = tile.getExtent(Dim::q) / schedule.getWarps();
  SmallVector<LayoutDigit> registers{{dim, chunk, 1}};
  if (turns > 1)
    registers.push_back({dim, turns, chunk * sumLanes});
  if (int64_t repeats = rowsOfWarp / instruction.n; repeats > 1)
    registers.push_back({Dim::q, repeats, instruction.n});
  return FragmentAttr::get(tile.getContext(), registers,
                           {{Dim::q, instruction.n, 1}, {dim, sumLanes, chunk}},
                           {{Dim::q, schedule.getWarps(), rowsOfWarp}},
                           /*partial=*/false);
}

int64_t attn::getRegisterOffset(FragmentAttr layout, Dim dim, int64_t reg) {
  return evaluate(layout.getRegisters(), dim, reg);
}

std::optional<int64_t>
attn::findRegister(FragmentAttr layout,
                   ArrayRef<std::pair<Dim, int64_t>> offsets) {
  for (int64_t reg = 0, end = countValues(layout.getRegisters()); reg < end;
       ++reg)
    if (llvm::all_of(offsets, [&](auto offset) {
          return getRegisterOffset(layout, offset.first, reg) == offset.second;
        }))
      return reg;
  return std::nullopt;
}

SmallVector<int64_t> attn::getLaneDistances(FragmentAttr layout, Dim dim) {
  SmallVector<int64_t> distances;
  int64_t distance = 1;
  for (const LayoutDigit &digit : layout.getLanes()) {
    if (digit.dim == dim && digit.step > 0)
      for (int64_t step = 1; step < digit.size; step *= 2)
        distances.push_back(distance * step);
    distance *= digit.size;
  }
  return distances;
}

bool attn::isSplitOverWarps(FragmentAttr layout, Dim dim) {
  return llvm::any_of(layout.getWarps(), [&](const LayoutDigit &digit) {
    return digit.dim == dim && digit.step > 0 && digit.size > 1;
  });
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// What one access of the hardware moves to or from one lane, and the bytes of
/// all banks.
static constexpr int64_t kChunk = 16, kLine = 128, kBank = 4;

SharedAttr attn::getConflictFreeLayout(MLIRContext *context, int64_t extent,
                                       int64_t bytes, int64_t multiple) {
  int64_t columns = llvm::alignTo(extent, multiple);
  int64_t pitch = llvm::alignTo(columns * bytes, kChunk) / bytes;
  constexpr int64_t kRows = kLine / kChunk;
  if (pitch * bytes % kLine == 0 && bytes < 4)
    return SharedAttr::get(context, columns, pitch, kRows,
                           /*transposed=*/false);
  // An odd number of chunks: neighbouring rows take turns in the banks.
  if (pitch * bytes / kChunk % 2 == 0)
    pitch += kChunk / bytes;
  return SharedAttr::get(context, columns, pitch, /*swizzle=*/1,
                         /*transposed=*/false);
}

SharedAttr attn::getTransposedLayout(MLIRContext *context, int64_t keys,
                                     int64_t bytes) {
  // Chunks change places within whole groups of them.
  constexpr int64_t kMaxSwizzle = kLine / kChunk;
  int64_t chunks = keys * bytes / kChunk, swizzle = kMaxSwizzle;
  while (chunks % swizzle)
    swizzle /= 2;
  return SharedAttr::get(context, keys, keys, swizzle, /*transposed=*/true);
}

int64_t attn::getBufferRows(SharedAttr layout, int64_t rows, int64_t columns) {
  // Products read whole steps of rows.
  constexpr int64_t kMultiple = 32;
  return layout.getTransposed() ? llvm::alignTo(columns, kMultiple) : rows;
}

int64_t attn::getSwizzle(SharedAttr layout, int64_t bytes, int64_t row) {
  int64_t size = layout.getSwizzle();
  if (!layout.getTransposed())
    return row % size;
  int64_t together = std::max<int64_t>(kLine / (layout.getPitch() * bytes), 1);
  int64_t near = row / together % size;
  return size < 4 ? near : near ^ (row / (together * size) % (size / 2));
}

bool attn::swapsKeys(int64_t bytes) { return bytes == 2; }

int64_t attn::getSharedOffset(SharedAttr layout, int64_t bytes, int64_t row,
                              int64_t column) {
  if (layout.getTransposed()) {
    std::swap(row, column);
    if (swapsKeys(bytes))
      column = (column & ~12) | (column & 4) << 1 | (column & 8) >> 1;
  }
  int64_t byte = column * bytes;
  int64_t chunk = (byte / kChunk) ^ getSwizzle(layout, bytes, row);
  return row * layout.getPitch() * bytes + chunk * kChunk + byte % kChunk;
}

int64_t attn::countBankConflicts(ArrayRef<int64_t> addresses, int64_t bytes) {
  int64_t conflicts = 0;
  size_t lanes = std::min<size_t>(kLine / bytes, addresses.size());
  for (size_t first = 0; first < addresses.size(); first += lanes) {
    // Lanes that read the same word share it.
    llvm::SmallSet<int64_t, 32> words;
    SmallVector<int64_t> users(kLine / kBank, 0);
    for (int64_t address :
         addresses.slice(first, std::min(lanes, addresses.size() - first)))
      for (int64_t byte = 0; byte < bytes; byte += kBank)
        if (int64_t word = (address + byte) / kBank; words.insert(word).second)
          ++users[word % users.size()];
    conflicts += std::max<int64_t>(*llvm::max_element(users), 1) - 1;
  }
  return conflicts;
}
