//===- LowerRows.cpp - Rows of global memory, and copies of them ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows are copied in chunks of 16 bytes, asynchronously, where they are known
// to begin at multiples of 16 bytes; otherwise one element at a time. Where
// products take wider elements, chunks are converted in registers.
//
//===----------------------------------------------------------------------===//

#include "TileToGpu.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kChunkBytes = 16;

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// Whether all of `values`, in elements of `bytes` bytes, and the address are
/// multiples of 16 bytes.
static Value buildIsAligned(ImplicitLocOpBuilder &b, Value pointer,
                            ValueRange values, int64_t bytes) {
  Value bits = LLVM::PtrToIntOp::create(b, b.getI64Type(), pointer);
  for (Value value : values)
    bits = arith::OrIOp::create(
        b, bits, arith::MulIOp::create(b, value, buildI64(b, bytes)));
  Value low = arith::AndIOp::create(b, bits, buildI64(b, kChunkBytes - 1));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, low,
                               buildI64(b, 0));
}

/// Whether a row's offset from the first one of its tile fits into 32 bits and
/// lies behind what the rows before it hold; null if rows are not strided, or
/// are no multiple of a chunk.
static Value buildCanFetch(ImplicitLocOpBuilder &b, ViewOp op,
                           const GlobalRows &rows) {
  constexpr int64_t kMaxStride = int64_t(1) << 20, kMultiple = 8;
  int64_t extent = op.getView().getType().getExtent();
  if (rows.table || rows.heads > 1 || rows.columnStride || extent % kMultiple)
    return Value();
  Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                     rows.rowStride, buildI64(b, kMaxStride));
  Value apart = arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                                      rows.rowStride, buildI64(b, extent));
  return arith::AndIOp::create(b, rows.isAligned,
                               arith::AndIOp::create(b, fits, apart));
}

void attn::lowerRowsView(ViewOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getSource());
  LayoutDims dims = getLayoutDims(op.getLayout());
  auto stride = [&](int dim) { return toI64(b, metadata.getStrides()[dim]); };
  auto advance = [&](Value offset, Value index, int dim) -> Value {
    Value step = arith::MulIOp::create(b, toI64(b, index), stride(dim));
    return arith::AddIOp::create(b, offset, step);
  };
  GlobalRows rows;
  rows.element = op.getView().getType().getElementType();
  rows.rowStride = stride(dims.sequence);
  if (dims.dim < dims.sequence)
    rows.columnStride = stride(dims.dim);
  rows.heads = op.getHeads();
  rows.headStride = stride(dims.head);
  Value offset = toI64(b, metadata.getOffset());
  offset = advance(offset, op.getHead(), dims.head);
  if (op.getLayout() == Layout::paged) {
    rows.table = op.getBlockTable();
    rows.batch = op.getBatch();
    rows.pageSize = arith::MaxSIOp::create(
        b, toI64(b, metadata.getSizes()[dims.sequence]), buildI64(b, 1));
    rows.pageStride = stride(dims.batch);
  } else {
    offset = advance(offset, op.getBatch(),
                     isPacked(op.getLayout()) ? dims.sequence : dims.batch);
  }
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(b, op.getSource());
  auto global = LLVM::LLVMPointerType::get(b.getContext(), /*addressSpace=*/1);
  Value source = LLVM::IntToPtrOp::create(b, global, toI64(b, address));
  rows.pointer = buildAddress(b, source, rows.element, offset);
  int64_t bytes = rows.element.getIntOrFloatBitWidth() / 8;
  SmallVector<Value> strides{rows.rowStride};
  if (rows.heads > 1)
    strides.push_back(rows.headStride);
  if (rows.table)
    strides.push_back(rows.pageStride);
  rows.isAligned = buildIsAligned(b, rows.pointer, strides, bytes);
  if (lowering.getSchedule().getFetches() &&
      op.getView().getType().getSequence() == Dim::kv)
    rows.canFetch = buildCanFetch(b, op, rows);
  lowering.setRows(op.getView(), rows);
}

Value attn::buildRowPointer(ImplicitLocOpBuilder &b, const GlobalRows &rows,
                            Value row) {
  Value offset;
  if (rows.table) {
    Value page = arith::DivUIOp::create(b, row, rows.pageSize);
    Value rowOfPage = arith::RemUIOp::create(b, row, rows.pageSize);
    Value entry = memref::LoadOp::create(
        b, rows.table,
        ValueRange{rows.batch,
                   arith::IndexCastOp::create(b, b.getIndexType(), page)});
    entry = arith::ExtSIOp::create(b, b.getI64Type(), entry);
    offset = arith::AddIOp::create(
        b, arith::MulIOp::create(b, entry, rows.pageStride),
        arith::MulIOp::create(b, rowOfPage, rows.rowStride));
  } else if (rows.heads > 1) {
    Value heads = buildI64(b, rows.heads);
    Value sequenceRow = arith::DivUIOp::create(b, row, heads);
    Value head = arith::RemUIOp::create(b, row, heads);
    offset = arith::AddIOp::create(
        b, arith::MulIOp::create(b, sequenceRow, rows.rowStride),
        arith::MulIOp::create(b, head, rows.headStride));
  } else {
    offset = arith::MulIOp::create(b, row, rows.rowStride);
  }
  return buildAddress(b, rows.pointer, rows.element, offset);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

namespace {

/// Copies one tile to a buffer.
class TileCopier {
public:
  TileCopier(ImplicitLocOpBuilder &b, const TileCopy &copy,
             ThreadLowering &lowering)
      : b(b), lowering(lowering), rows(lowering.getRows(copy.view)),
        layout(copy.layout), aligned(copy.aligned),
        place(getStagePlace(b, copy.buffer, copy.stage, layout, lowering)) {
    auto buffer = cast<MemRefType>(copy.buffer.getType());
    element = buffer.getElementType();
    bytes = place.elementBytes;
    bool transposed = layout.getTransposed();
    rowCount = transposed ? layout.getColumns() : buffer.getDimSize(1);
    columns = transposed ? buffer.getDimSize(1) : layout.getColumns();
    extent = cast<ViewType>(copy.view.getType()).getExtent();
    // All rows are valid in most copies: no code looks at them then.
    if (!matchPattern(copy.valid, m_ConstantInt(&knownValid)))
      valid = arith::IndexCastOp::create(b, b.getI32Type(), copy.valid);
    else if (knownValid.getSExtValue() < rowCount)
      valid = buildI32(b, knownValid.getSExtValue());
    firstRow = toI64(b, copy.row);
  }

  void emit();
  void copyElements();

private:
  bool converts() const { return rows.element != element; }
  bool canCopyChunks();
  void copyChunks();
  void copyChunk(Value isValid, Value row, Value chunk, Value source,
                 Value target);
  void convertChunk(Value source, Value target);
  void copyColumns(int64_t begin, int64_t width);
  Value getSource(Value row, Value chunk);
  Value loadElement(Value row, Value column);
  Value getAddress(Value row, Value chunk);
  Value getOffset(ImplicitLocOpBuilder &b, Value row, Value chunk);
  Value getThreadSource(Value row, Value chunk);

  ImplicitLocOpBuilder &b;
  ThreadLowering &lowering;
  const GlobalRows &rows;
  SharedAttr layout;
  bool aligned;
  SharedPlace place;
  Type element;
  int64_t bytes, rowCount, columns, extent;
  APInt knownValid;
  /// The rows to read, an i32, null if all; the first row of the tile, an i64.
  Value valid, firstRow;
};

} // namespace

bool TileCopier::canCopyChunks() {
  return aligned && !rows.columnStride && !layout.getTransposed() &&
         extent * bytes % kChunkBytes == 0;
}

/// The offset of a chunk of a row in the buffer.
Value TileCopier::getOffset(ImplicitLocOpBuilder &b, Value row, Value chunk) {
  if (layout.getSwizzle() > 1)
    chunk =
        arith::XOrIOp::create(b, chunk, buildSwizzle(b, layout, bytes, row));
  return arith::AddIOp::create(
      b, arith::MulIOp::create(b, row, buildI32(b, layout.getPitch() * bytes)),
      arith::MulIOp::create(b, chunk, buildI32(b, kChunkBytes)));
}

/// The address in shared memory of a chunk of a row.
Value TileCopier::getAddress(Value row, Value chunk) {
  Value offset = getOffset(b, row, chunk);
  return lowering.getSharedPointer(
      b, arith::AddIOp::create(b, place.begin, offset));
}

/// The address in global memory of a chunk of a row of the view's first tile,
/// which all copies of the view begin with.
Value TileCopier::getThreadSource(Value row, Value chunk) {
  OpBuilder::InsertionGuard guard(b);
  if (lowering.isAtBeginning())
    b.setInsertionPointAfterValue(rows.pointer);
  Value pointer = buildRowPointer(b, rows, toI64(b, row));
  Value column = arith::MulIOp::create(b, toI64(b, chunk),
                                       buildI64(b, kChunkBytes / bytes));
  return buildAddress(b, pointer, rows.element, column);
}

/// The address in global memory of a chunk of a row.
Value TileCopier::getSource(Value row, Value chunk) {
  Value at = arith::AddIOp::create(b, firstRow, toI64(b, row));
  Value pointer = buildRowPointer(b, rows, at);
  Value column = arith::MulIOp::create(b, toI64(b, chunk),
                                       buildI64(b, kChunkBytes / bytes));
  return buildAddress(b, pointer, rows.element, column);
}

/// Loads as many elements as make a chunk once they are converted.
void TileCopier::convertChunk(Value source, Value target) {
  int64_t elements = kChunkBytes / bytes;
  int64_t loaded = elements * rows.element.getIntOrFloatBitWidth() / 8;
  Value narrow = buildLoad(b, VectorType::get(elements, rows.element), source,
                           static_cast<unsigned>(loaded));
  LLVM::StoreOp::create(b, buildWidened(b, narrow, element), target,
                        /*alignment=*/kChunkBytes);
}

/// Copies from `source` to `target`, or, if one is null, from where the rows
/// say or to where the layout does; zeros if `isValid` is there and false.
void TileCopier::copyChunk(Value isValid, Value row, Value chunk, Value source,
                           Value target) {
  if (!target)
    target = getAddress(row, chunk);
  int64_t elements = kChunkBytes / bytes;
  Value reads = isValid;
  if (extent < layout.getColumns()) {
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, chunk,
                                         buildI32(b, extent / elements));
    reads =
        reads ? arith::AndIOp::create(b, reads, inside).getResult() : inside;
  }
  auto copy = [&](Value size) {
    Value from = source ? source : getSource(row, chunk);
    if (converts())
      return convertChunk(from, target);
    CopyChunkOp::create(b, from, target, size);
  };
  if (!reads)
    return copy(Value());
  // The entries of a table of pages may be read for valid rows only.
  if (!rows.table && !converts())
    return copy(arith::SelectOp::create(b, reads, buildI32(b, kChunkBytes),
                                        buildI32(b, 0)));
  auto type = VectorType::get(4, b.getI32Type());
  buildIf(
      b, reads, [&] { copy(Value()); },
      [&] {
        Value zero = LLVM::ZeroOp::create(b, type);
        LLVM::StoreOp::create(b, zero, target, /*alignment=*/kChunkBytes);
      });
}

/// Chunks [begin, begin + width) of all rows; the threads are a multiple of
/// `width`. A thread's chunks lie in one column, a number of rows apart.
void TileCopier::copyColumns(int64_t begin, int64_t width) {
  Value first, chunk, offset;
  lowering.buildAtEntry([&](ImplicitLocOpBuilder &b) -> Value {
    Value thread = lowering.getThread();
    first = arith::DivUIOp::create(b, thread, buildI32(b, width));
    chunk = arith::RemUIOp::create(b, thread, buildI32(b, width));
    if (begin > 0)
      chunk = arith::AddIOp::create(b, chunk, buildI32(b, begin));
    return offset = getOffset(b, first, chunk);
  });
  int64_t step = lowering.getThreads() / width;
  bool isStrided = !rows.table && rows.heads == 1;
  Value source, distance, left;
  if (valid)
    left = arith::SubIOp::create(b, valid, first);
  // Rows below the first one flip those bits of its offset that the layout
  // swizzles, if no thread's first row has them too.
  int64_t swizzle = layout.getSwizzle();
  bool flips = step % swizzle == 0 || llvm::isPowerOf2_64(step);
  SmallVector<Value> targets(swizzle);
  auto getTarget = [&](int64_t row) -> Value {
    if (!flips)
      return Value();
    Value &target = targets[row % swizzle];
    if (!target) {
      Value flipped = offset;
      if (row % swizzle != 0)
        flipped = arith::XOrIOp::create(
            b, offset, buildI32(b, row % swizzle * kChunkBytes));
      target = lowering.getSharedPointer(
          b, arith::AddIOp::create(b, place.begin, flipped));
    }
    return buildByteAddress(b, target, row * layout.getPitch() * bytes);
  };
  auto copy = [&](int64_t row) {
    // One register for all rows.
    Value isValid;
    if (left)
      isValid = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, left,
                                      buildI32(b, row));
    Value at = arith::AddIOp::create(b, first, buildI32(b, row));
    copyChunk(isValid, at, chunk, source, getTarget(row));
  };
  // In front of the source's, which takes more registers.
  getTarget(0);
  if (isStrided) {
    source = buildAddress(b, getThreadSource(first, chunk), rows.element,
                          arith::MulIOp::create(b, firstRow, rows.rowStride));
    distance = arith::MulIOp::create(b, rows.rowStride, buildI64(b, step));
  }
  for (int64_t row = 0; row < rowCount; row += step) {
    if (row > 0 && isStrided)
      source = buildAddress(b, source, rows.element, distance);
    if (row + step <= rowCount) {
      copy(row);
      continue;
    }
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, first,
                                         buildI32(b, rowCount - row));
    buildIf(b, exists, [&] { copy(row); });
  }
}

/// Neighbouring threads copy neighbouring chunks, by groups of columns of which
/// each is a power of two: what differs between the copies of a thread is then
/// the row, which costs an addition, and not a division.
void TileCopier::copyChunks() {
  int64_t chunks = layout.getColumns() * bytes / kChunkBytes;
  int64_t threads = lowering.getThreads(), widest = threads & -threads;
  for (int64_t begin = 0, width; begin < chunks; begin += width) {
    width =
        std::min<int64_t>(llvm::bit_floor<uint64_t>(chunks - begin), widest);
    copyColumns(begin, width);
  }
}

/// An element of the tile, 0 where nothing is to be read.
Value TileCopier::loadElement(Value row, Value column) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  Value reads = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column,
                                      buildI32(b, extent));
  if (valid)
    reads = arith::AndIOp::create(
        b, reads,
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, valid));
  return buildIf(b, reads, zero, [&]() -> Value {
    Value at = arith::AddIOp::create(b, firstRow, toI64(b, row));
    Value offset = toI64(b, column);
    if (rows.columnStride)
      offset = arith::MulIOp::create(b, offset, rows.columnStride);
    Value source = buildRowPointer(b, rows, at);
    Value value = buildLoad(b, rows.element,
                            buildAddress(b, source, rows.element, offset));
    return buildWidened(b, value, element);
  });
}

void TileCopier::copyElements() {
  int64_t total = rowCount * columns;
  Value first = toIndex(b, lowering.getThread());
  auto loop = scf::ForOp::create(b, first, buildIndex(b, total),
                                 buildIndex(b, lowering.getThreads()));
  keepRolled(loop);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value number =
      arith::IndexCastOp::create(b, b.getI32Type(), loop.getInductionVar());
  // Neighbouring threads read neighbouring elements.
  Value inner = buildI32(b, rows.columnStride ? rowCount : columns);
  Value outerPart = arith::DivUIOp::create(b, number, inner);
  Value innerPart = arith::RemUIOp::create(b, number, inner);
  Value row = rows.columnStride ? innerPart : outerPart;
  Value column = rows.columnStride ? outerPart : innerPart;
  Value value = loadElement(row, column);
  LLVM::StoreOp::create(
      b, value,
      lowering.getSharedPointer(b, buildSharedOffset(b, place, row, column)));
}

void TileCopier::emit() {
  if (canCopyChunks())
    copyChunks();
  else
    copyElements();
}

void attn::lowerCopyTile(CopyTileOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  TileCopy copy{op.getView(),  op.getRow(),    op.getValid(),  op.getBuffer(),
                op.getStage(), op.getLayout(), op.getAligned()};
  copyTile(b, copy, lowering);
}

void attn::copyTile(ImplicitLocOpBuilder &b, const TileCopy &copy,
                    ThreadLowering &lowering) {
  TileCopier(b, copy, lowering).emit();
}

void attn::copyTileElements(ImplicitLocOpBuilder &b, const TileCopy &copy,
                            ThreadLowering &lowering) {
  TileCopier(b, copy, lowering).copyElements();
}

SharedPlace attn::getStagePlace(ImplicitLocOpBuilder &b, Value buffer,
                                Value stage, SharedAttr layout,
                                ThreadLowering &lowering) {
  auto type = cast<MemRefType>(buffer.getType());
  SharedPlace place;
  place.layout = layout;
  place.elementBytes = type.getElementTypeBitWidth() / 8;
  int64_t size = type.getDimSize(1) * type.getDimSize(2) * place.elementBytes;
  Value number = arith::IndexCastOp::create(b, b.getI32Type(), stage);
  place.begin = arith::AddIOp::create(
      b, arith::MulIOp::create(b, number, buildI32(b, size)),
      buildI32(b, lowering.getBufferBegin(buffer)));
  return place;
}

void attn::lowerSharedTile(SharedTileOp op, ThreadLowering &lowering) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto layout = cast<SharedAttr>(op.getTile().getType().getLayout());
  lowering.setPlace(
      op.getTile(),
      getStagePlace(b, op.getBuffer(), op.getStage(), layout, lowering));
}
