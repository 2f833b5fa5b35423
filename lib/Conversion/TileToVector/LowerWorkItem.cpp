//===- LowerWorkItem.cpp - Decoding of work items -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;

void attn::lowerWorkItem(WorkItemOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value blocks = op.getQBlocks();
  Value item = arith::DivUIOp::create(b, op.getIndex(), blocks);
  Value block = arith::RemUIOp::create(b, op.getIndex(), blocks);
  if (op.getLongestFirst()) {
    Value last = arith::SubIOp::create(b, blocks, buildIndex(b, 1));
    block = arith::SubIOp::create(b, last, block);
  }
  Value batch = arith::DivUIOp::create(b, item, op.getHeads());
  Value head = arith::RemUIOp::create(b, item, op.getHeads());
  op.replaceAllUsesWith(ValueRange{batch, head, block});
}

namespace {

/// The numbering of the blocks of packed sequences.
class PackedBlocks {
public:
  PackedBlocks(ImplicitLocOpBuilder &b, PackedBlockOp op)
      : b(b), starts(op.getCuSeqlens()), size(buildIndex(b, op.getSize())),
        one(buildIndex(b, 1)) {
    Value count = memref::DimOp::create(b, starts, buildIndex(b, 0));
    sequences = arith::SubIOp::create(b, count, one);
  }

  Value loadStart(Value sequence) {
    Value start = memref::LoadOp::create(b, starts, sequence);
    return arith::IndexCastOp::create(b, b.getIndexType(), start);
  }
  Value getFirstBlock(Value sequence, Value start) {
    return arith::AddIOp::create(b, arith::DivUIOp::create(b, start, size),
                                 sequence);
  }
  Value findSequence(Value number);
  void replace(PackedBlockOp op);

private:
  ImplicitLocOpBuilder &b;
  Value starts, size, one, sequences;
};

} // namespace

/// The last sequence whose first block is not behind `number`, by bisection.
Value PackedBlocks::findSequence(Value number) {
  Value count = arith::AddIOp::create(b, sequences, one);
  auto search = scf::WhileOp::create(
      b, TypeRange{b.getIndexType(), b.getIndexType()},
      ValueRange{buildIndex(b, 0), count},
      [&](OpBuilder &, Location, ValueRange range) {
        Value left = arith::SubIOp::create(b, range[1], range[0]);
        Value more =
            arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, left, one);
        scf::ConditionOp::create(b, more, range);
      },
      [&](OpBuilder &, Location, ValueRange range) {
        Value sum = arith::AddIOp::create(b, range[0], range[1]);
        Value middle = arith::ShRUIOp::create(b, sum, one);
        Value first = getFirstBlock(middle, loadStart(middle));
        Value isBehind =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, first);
        Value low = arith::SelectOp::create(b, isBehind, range[0], middle);
        Value high = arith::SelectOp::create(b, isBehind, middle, range[1]);
        scf::YieldOp::create(b, ValueRange{low, high});
      });
  return search.getResult(0);
}

void PackedBlocks::replace(PackedBlockOp op) {
  Value sequence = findSequence(op.getNumber());
  Value base = loadStart(sequence);
  Value block =
      arith::SubIOp::create(b, op.getNumber(), getFirstBlock(sequence, base));
  Value row = arith::MulIOp::create(b, block, size);
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, sequence, sequences);
  Value next = arith::MinSIOp::create(
      b, arith::AddIOp::create(b, sequence, one), sequences);
  Value end =
      arith::SelectOp::create(b, exists, loadStart(next), op.getTotal());
  Value length = arith::SubIOp::create(b, end, base);
  op.replaceAllUsesWith(ValueRange{sequence, row, base, length});
}

void attn::lowerPackedBlock(PackedBlockOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  PackedBlocks(b, op).replace(op);
}
