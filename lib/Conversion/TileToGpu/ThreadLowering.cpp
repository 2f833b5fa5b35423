//===- ThreadLowering.cpp - State of the lowering to one thread -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

BlockScheduleAttr attn::getBlockSchedule(func::FuncOp kernel) {
  return kernel->getAttrOfType<BlockScheduleAttr>("attn.schedule");
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value attn::buildI32(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}

Value attn::buildI64(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
}

Value attn::toI64(ImplicitLocOpBuilder &b, Value value) {
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  if (value.getType().isInteger(64))
    return value;
  return arith::ExtUIOp::create(b, b.getI64Type(), value);
}

Value attn::toIndex(ImplicitLocOpBuilder &b, Value value) {
  return arith::IndexCastUIOp::create(b, b.getIndexType(), value);
}

Type attn::getStoredType(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (element.getIntOrFloatBitWidth() != 8)
    return type;
  Type byte = IntegerType::get(type.getContext(), 8);
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(byte)) : byte;
}

Value attn::buildLoad(ImplicitLocOpBuilder &b, Type type, Value pointer,
                      unsigned alignment) {
  Type stored = getStoredType(type);
  Value value = LLVM::LoadOp::create(b, stored, pointer, alignment);
  return stored == type ? value
                        : arith::BitcastOp::create(b, type, value).getResult();
}

Value attn::buildWidened(ImplicitLocOpBuilder &b, Value value, Type element) {
  if (getElementTypeOrSelf(value.getType()) == element)
    return value;
  auto vector = dyn_cast<VectorType>(value.getType());
  Type type = vector ? Type(vector.clone(element)) : element;
  return arith::ExtFOp::create(b, type, value);
}

Value attn::buildAddress(ImplicitLocOpBuilder &b, Value pointer, Type element,
                         Value offset) {
  return LLVM::GEPOp::create(b, pointer.getType(), getStoredType(element),
                             pointer, ArrayRef<LLVM::GEPArg>{offset});
}

Value attn::buildByteAddress(ImplicitLocOpBuilder &b, Value pointer,
                             int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(
      b, pointer.getType(), b.getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

void attn::buildIf(ImplicitLocOpBuilder &b, Value condition,
                   function_ref<void()> then, function_ref<void()> otherwise) {
  auto choice = scf::IfOp::create(b, condition, bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  then();
  if (!otherwise)
    return;
  b.setInsertionPointToStart(choice.elseBlock());
  otherwise();
}

Value attn::buildIf(ImplicitLocOpBuilder &b, Value condition, Value otherwise,
                    function_ref<Value()> then) {
  auto choice = scf::IfOp::create(b, TypeRange{otherwise.getType()}, condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, otherwise);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, then());
  return choice.getResult(0);
}

void attn::keepRolled(Operation *loop) {
  MLIRContext *context = loop->getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/BoolAttr::get(context, true), {}, {}, {}, {}, {},
      {});
  loop->setAttr("loop_annotation", LLVM::LoopAnnotationAttr::get(
                                       context, {}, {}, {}, unroll, {}, {}, {},
                                       {}, {}, {}, {}, {}, {}, {}, {}));
}

Value attn::buildHidden(ImplicitLocOpBuilder &b, Value value, int64_t lanes) {
  // Each lane's own value, which no compiler takes a shuffle for.
  auto same = gpu::ShuffleOp::create(b, value, /*offset=*/0,
                                     static_cast<int32_t>(lanes),
                                     gpu::ShuffleMode::XOR);
  return same.getShuffleResult();
}

//===----------------------------------------------------------------------===//
// The thread
//===----------------------------------------------------------------------===//

ThreadLowering::ThreadLowering(func::FuncOp kernel, BlockScheduleAttr schedule)
    : kernel(kernel), schedule(schedule) {
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value id = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  setNumbers(b, arith::IndexCastOp::create(b, b.getI32Type(), id));
}

void ThreadLowering::setNumbers(ImplicitLocOpBuilder &b, Value thread) {
  Value lanes = buildI32(b, schedule.getLanes());
  numbers.thread = thread;
  numbers.lane = arith::RemUIOp::create(b, thread, lanes);
  numbers.warp = arith::DivUIOp::create(b, thread, lanes);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), kSharedMemory);
  auto shared = SharedBaseOp::create(b, pointer);
  numbers.base = shared;
  numbers.end = shared;
}

ThreadLowering::Numbers ThreadLowering::startAgain(ImplicitLocOpBuilder &b) {
  Numbers old = std::move(numbers);
  numbers = Numbers();
  numbers.isFirst = false;
  Value id = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value thread = arith::IndexCastOp::create(b, b.getI32Type(), id);
  setNumbers(b, buildHidden(b, thread, schedule.getLanes()));
  return old;
}

Value ThreadLowering::buildAtEntry(
    function_ref<Value(ImplicitLocOpBuilder &)> build) {
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPointAfter(numbers.end);
  Value value = build(b);
  numbers.end = b.getInsertionPoint()->getPrevNode();
  return value;
}

/// The part of `number`, an i32, along `dim`; null if it is 0.
static Value buildPart(ImplicitLocOpBuilder &b, ArrayRef<LayoutDigit> digits,
                       Dim dim, Value number) {
  Value sum;
  int64_t divisor = 1, total = countValues(digits);
  for (const LayoutDigit &digit : digits) {
    if (digit.dim == dim && digit.step > 0 && digit.size > 1) {
      Value part = number;
      if (divisor > 1)
        part = arith::DivUIOp::create(b, part, buildI32(b, divisor));
      if (divisor * digit.size < total)
        part = arith::RemUIOp::create(b, part, buildI32(b, digit.size));
      if (digit.step > 1)
        part = arith::MulIOp::create(b, part, buildI32(b, digit.step));
      sum = sum ? arith::AddIOp::create(b, sum, part).getResult() : part;
    }
    divisor *= digit.size;
  }
  return sum;
}

Value ThreadLowering::getThreadOffset(FragmentAttr layout, Dim dim) {
  Value &offset = numbers.offsets[{layout, static_cast<int>(dim)}];
  if (offset)
    return offset;
  offset = buildAtEntry([&](ImplicitLocOpBuilder &b) -> Value {
    Value ofLane = buildPart(b, layout.getLanes(), dim, getLane());
    Value ofWarp = buildPart(b, layout.getWarps(), dim, getWarp());
    if (ofLane && ofWarp)
      return arith::AddIOp::create(b, ofLane, ofWarp);
    return ofLane ? ofLane : ofWarp ? ofWarp : buildI32(b, 0);
  });
  return offset;
}

Value ThreadLowering::isFirstAlong(FragmentAttr layout) {
  Value &first = numbers.firsts[layout];
  if (first)
    return first;
  first = buildAtEntry([&](ImplicitLocOpBuilder &b) -> Value {
    // The sum of the digits that repeat elements is 0 in the first thread.
    Value sum = buildI32(b, 0);
    for (auto [digits, number] : {std::pair(layout.getLanes(), getLane()),
                                  {layout.getWarps(), getWarp()}}) {
      SmallVector<LayoutDigit> repeats;
      for (const LayoutDigit &digit : digits)
        repeats.push_back({Dim::q, digit.size, digit.step == 0 ? 1 : 0});
      if (Value part = buildPart(b, repeats, Dim::q, number))
        sum = arith::AddIOp::create(b, sum, part);
    }
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, sum,
                                 buildI32(b, 0));
  });
  return first;
}

int64_t ThreadLowering::allocateShared(int64_t bytes) {
  // Copies are of 16 bytes; rows of 128 bytes begin in the first bank.
  constexpr int64_t kAlignment = 128;
  int64_t begin = sharedEnds.empty() ? 0 : sharedEnds.rbegin()->second;
  int64_t end = llvm::alignTo(begin + bytes, kAlignment);
  sharedEnds.emplace(begin, end);
  sharedBytes = std::max(sharedBytes, end);
  return begin;
}

Value ThreadLowering::getSharedPointer(ImplicitLocOpBuilder &b, Value offset) {
  return buildAddress(b, numbers.base, b.getI8Type(), offset);
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

static constexpr int64_t kChunkBytes = 16, kLineBytes = 128;

Value attn::buildSwizzle(ImplicitLocOpBuilder &b, SharedAttr layout,
                         int64_t bytes, Value row) {
  auto mod = [&](Value value, int64_t size) -> Value {
    return arith::AndIOp::create(b, value, buildI32(b, size - 1));
  };
  auto quotient = [&](Value value, int64_t divisor) -> Value {
    return arith::DivUIOp::create(b, value, buildI32(b, divisor));
  };
  int64_t size = layout.getSwizzle();
  if (!layout.getTransposed())
    return mod(row, size);
  int64_t together =
      std::max<int64_t>(kLineBytes / (layout.getPitch() * bytes), 1);
  Value near = mod(quotient(row, together), size);
  if (size < 4)
    return near;
  Value far = mod(quotient(row, together * size), size / 2);
  return arith::XOrIOp::create(b, near, far);
}

/// The column of a key in a transposed tile: bits 2 and 3 change places.
static Value buildKeyColumn(ImplicitLocOpBuilder &b, Value key) {
  auto bit = [&](int64_t mask) -> Value {
    return arith::AndIOp::create(b, key, buildI32(b, mask));
  };
  Value one = buildI32(b, 1);
  Value swapped = arith::OrIOp::create(b, arith::ShLIOp::create(b, bit(4), one),
                                       arith::ShRUIOp::create(b, bit(8), one));
  return arith::OrIOp::create(b, bit(~int64_t(12)), swapped);
}

Value attn::buildSharedOffset(ImplicitLocOpBuilder &b, const SharedPlace &place,
                              Value row, Value column) {
  if (place.layout.getTransposed()) {
    std::swap(row, column);
    if (swapsKeys(place.elementBytes))
      column = buildKeyColumn(b, column);
  }
  Value perChunk = buildI32(b, kChunkBytes / place.elementBytes);
  Value chunk = arith::DivUIOp::create(b, column, perChunk);
  if (place.layout.getSwizzle() > 1)
    chunk = arith::XOrIOp::create(
        b, chunk, buildSwizzle(b, place.layout, place.elementBytes, row));
  Value inRow = arith::AddIOp::create(
      b, arith::MulIOp::create(b, chunk, buildI32(b, kChunkBytes)),
      arith::MulIOp::create(b, arith::RemUIOp::create(b, column, perChunk),
                            buildI32(b, place.elementBytes)));
  Value ofRow = arith::MulIOp::create(
      b, row, buildI32(b, place.layout.getPitch() * place.elementBytes));
  return arith::AddIOp::create(b, place.begin,
                               arith::AddIOp::create(b, ofRow, inRow));
}

Value attn::buildMovedPointer(ImplicitLocOpBuilder &b, const SharedPlace &place,
                              Value base, int64_t row, int64_t column,
                              ThreadLowering &lowering) {
  int64_t along = column * place.elementBytes;
  if (int64_t line = place.layout.getSwizzle() * kChunkBytes;
      line > kChunkBytes) {
    int64_t chunk = getSwizzle(place.layout, place.elementBytes, row);
    base = arith::XOrIOp::create(
        b, base, buildI32(b, along % line ^ chunk * kChunkBytes));
    along -= along % line;
  }
  return buildByteAddress(b, lowering.getSharedPointer(b, base),
                          row * place.layout.getPitch() * place.elementBytes +
                              along);
}

//===----------------------------------------------------------------------===//
// Registers by coordinates
//===----------------------------------------------------------------------===//

RegisterIndex::RegisterIndex(TileType tile, ArrayRef<Dim> dims) {
  auto layout = cast<FragmentAttr>(tile.getLayout());
  for (int64_t reg = 0, end = countValues(layout.getRegisters()); reg < end;
       ++reg) {
    int64_t second =
        dims.size() > 1 ? getRegisterOffset(layout, dims[1], reg) : 0;
    registers.try_emplace({getRegisterOffset(layout, dims[0], reg), second},
                          reg);
  }
}

int64_t RegisterIndex::find(ArrayRef<int64_t> offsets) const {
  auto it = registers.find({offsets[0], offsets.size() > 1 ? offsets[1] : 0});
  return it == registers.end() ? -1 : it->second;
}

//===----------------------------------------------------------------------===//
// The block
//===----------------------------------------------------------------------===//

Value attn::buildBlockAnd(ImplicitLocOpBuilder &b, Value bits,
                          ThreadLowering &lowering) {
  BlockScheduleAttr schedule = lowering.getSchedule();
  for (int64_t distance = 1; distance < schedule.getLanes(); distance *= 2) {
    auto other = gpu::ShuffleOp::create(
        b, bits, static_cast<int32_t>(distance),
        static_cast<int32_t>(schedule.getLanes()), gpu::ShuffleMode::XOR);
    bits = arith::AndIOp::create(b, bits, other.getShuffleResult());
  }
  if (schedule.getWarps() == 1)
    return bits;
  int64_t begin = lowering.allocateShared(4 * schedule.getWarps());
  Value slots = lowering.getSharedPointer(b, buildI32(b, begin));
  gpu::BarrierOp::create(b);
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        lowering.getLane(), buildI32(b, 0));
  buildIf(b, isFirst, [&] {
    LLVM::StoreOp::create(
        b, bits, buildAddress(b, slots, b.getI32Type(), lowering.getWarp()));
  });
  gpu::BarrierOp::create(b);
  for (int64_t warp = 0; warp < schedule.getWarps(); ++warp) {
    Value slot = buildByteAddress(b, slots, 4 * warp);
    bits = arith::AndIOp::create(b, bits,
                                 LLVM::LoadOp::create(b, b.getI32Type(), slot));
  }
  gpu::BarrierOp::create(b);
  lowering.releaseShared(begin);
  return bits;
}
