//===- ConvertMerge.cpp - Merging parts becomes a kernel over rows -------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// A work item is one row (b, h, i). Its parts are weighted by
//
//   w_p = exp(lse_p - m),  m = max over p of lse_p and of the sink
//
// and summed in the order of p, in f32, whatever the thread count:
//
//   out = sum of (w_p / l) out_p,  lse = m + ln(l),
//   l   = sum of w_p + exp(sink - m)
//
// A sum of weighted means is never larger than they are: it does not overflow.
// A part with lse_p = -inf does not count. A row with one other part has w_p =
// 1: it is copied exactly.
//
// A CPU keeps the weights of a row in memory and merges vectors of elements. Of
// a block of threads, each merges elements of its own, and computes the weights
// again for each; it loads of several parts before it adds them, one by one, as
// nothing else hides the time that memory takes. A target that wants blocks
// gives the op an attribute `attn.block_size` when it chooses configs.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

namespace attn {
#define GEN_PASS_DEF_CONVERTMERGEPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr double kLn2 = 0.693147180559945309417;
static constexpr double kLog2E = 1.44269504088896340736;

/// Elements of a row that are merged at once: one 512-bit register, or several
/// narrower ones.
static constexpr int64_t kLanes = 16;

/// Parts that a thread of a block loads at once.
static constexpr int64_t kPartsAtOnce = 8;

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

namespace {

/// Builds the body of one kernel function, for blocks of `threads` or, if that
/// is 0, for a CPU.
class MergeKernelBuilder {
public:
  MergeKernelBuilder(MergeOp op, func::FuncOp kernel, const IRMapping &args,
                     int64_t threads)
      : op(op), args(args), threads(threads), b(op.getLoc(), op.getContext()) {
    b.setInsertionPointToStart(&kernel.getBody().front());
    begin = kernel.getArguments().drop_back(1).back();
    end = kernel.getArguments().back();
  }

  void build();

private:
  /// One row: where it is and what its parts count together.
  struct Row {
    Value batch, head, row;
    Value max, sum, has;
  };

  Value arg(Value operand) const { return args.lookup(operand); }
  Value loadPartLse(const Row &row, Value part);
  using LoadFn = function_ref<SmallVector<Value>(Value part)>;
  using AddFn = function_ref<Value(Value part, ValueRange loaded, Value sum)>;
  Value buildSum(Value init, LoadFn load, AddFn add);
  Value buildWeight(Value lse, Value max);
  Value buildIsEmpty(Value lse);
  Row buildRow(Value index);
  void weighParts(Row &row, Value sink);
  void keepWeights(const Row &row);
  Value getWeight(const Row &row, Value part, Value lse);
  void storeLse(const Row &row);
  void mergeElements(const Row &row, Value first, int64_t width);
  void mergeOut(const Row &row);

  MergeOp op;
  const IRMapping &args;
  int64_t threads;
  ImplicitLocOpBuilder b;
  /// The rows of this call: [begin, end).
  Value begin, end;
  /// The number of parts, and the weights of the parts of one row.
  Value parts, weights;
  /// The number of this thread; null on a CPU.
  Value thread;
};

} // namespace

static Value buildDim(ImplicitLocOpBuilder &b, Value memref, int64_t dim) {
  return b.createOrFold<memref::DimOp>(memref, dim);
}

Value MergeKernelBuilder::loadPartLse(const Row &row, Value part) {
  return memref::LoadOp::create(b, arg(op.getPartLses()),
                                ValueRange{part, row.batch, row.head, row.row});
}

/// init + ... over all parts, in ascending order.
Value MergeKernelBuilder::buildSum(Value init, LoadFn load, AddFn add) {
  int64_t count = thread ? kPartsAtOnce : 1;
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), parts,
                                 buildIndex(b, count), ValueRange{init});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  // Behind the last part, the first of the turn is loaded again and not added.
  Value first = loop.getInductionVar(), sum = loop.getRegionIterArg(0);
  SmallVector<Value> numbers{first}, exist{Value()};
  for (int64_t i = 1; i < count; ++i) {
    Value number = arith::AddIOp::create(b, first, buildIndex(b, i));
    exist.push_back(
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, parts));
    numbers.push_back(arith::SelectOp::create(b, exist.back(), number, first));
  }
  SmallVector<SmallVector<Value>> loaded;
  for (Value number : numbers)
    loaded.push_back(load(number));
  for (auto [number, exists, values] :
       llvm::zip_equal(numbers, exist, loaded)) {
    Value next = add(number, values, sum);
    sum = exists ? arith::SelectOp::create(b, exists, next, sum) : next;
  }
  scf::YieldOp::create(b, sum);
  return loop.getResult(0);
}

Value MergeKernelBuilder::buildIsEmpty(Value lse) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, lse,
                               buildF32(b, -INFINITY));
}

/// exp(lse - max), which is 1 at the maximum and 0 for -inf.
Value MergeKernelBuilder::buildWeight(Value lse, Value max) {
  Value difference = arith::SubFOp::create(b, lse, max);
  Value base2 = arith::MulFOp::create(b, difference, buildF32(b, kLog2E));
  return math::Exp2Op::create(b, base2);
}

MergeKernelBuilder::Row MergeKernelBuilder::buildRow(Value index) {
  Value out = arg(op.getOuts().front());
  Value heads = buildDim(b, out, 1), rows = buildDim(b, out, 2);
  Row row;
  row.row = arith::RemUIOp::create(b, index, rows);
  Value item = arith::DivUIOp::create(b, index, rows);
  row.head = arith::RemUIOp::create(b, item, heads);
  row.batch = arith::DivUIOp::create(b, item, heads);
  return row;
}

/// Fills in the maximum and the sum of `row`.
void MergeKernelBuilder::weighParts(Row &row, Value sink) {
  Value none = buildF32(b, -INFINITY);
  auto loadLse = [&](Value part) {
    return SmallVector<Value>{loadPartLse(row, part)};
  };
  auto takeGreater = [&](Value, ValueRange lse, Value max) -> Value {
    // Keeps the maximum where lse is NaN: the sum brings it to the result.
    Value greater =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, lse[0], max);
    return arith::SelectOp::create(b, greater, lse[0], max);
  };
  Value max = buildSum(sink ? sink : none, loadLse, takeGreater);
  // Subtracting 0 instead of -inf keeps -inf.
  row.max = arith::SelectOp::create(b, buildIsEmpty(max), buildF32(b, 0), max);
  Value init = sink ? buildWeight(sink, row.max) : buildF32(b, 0);
  auto addWeight = [&](Value part, ValueRange lse, Value sum) -> Value {
    Value weight = buildWeight(lse[0], row.max);
    if (weights)
      memref::StoreOp::create(b, weight, weights, part);
    return arith::AddFOp::create(b, sum, weight);
  };
  row.sum = buildSum(init, loadLse, addWeight);
  if (weights)
    keepWeights(row);
  // A NaN sum must reach the results.
  row.has = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, row.sum,
                                  buildF32(b, 0));
  if (!op.getQLens())
    return;
  Value length = arith::IndexCastOp::create(
      b, b.getIndexType(),
      memref::LoadOp::create(b, arg(op.getQLens()), row.batch));
  Value inside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row.row, length);
  row.has = arith::AndIOp::create(b, row.has, inside);
}

/// Makes the sum of the row's `weights` 1.
void MergeKernelBuilder::keepWeights(const Row &row) {
  auto loop = scf::ForOp::create(b, buildIndex(b, 0), parts, buildIndex(b, 1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value part = loop.getInductionVar();
  Value weight = memref::LoadOp::create(b, weights, part);
  memref::StoreOp::create(b, arith::DivFOp::create(b, weight, row.sum), weights,
                          part);
}

Value MergeKernelBuilder::getWeight(const Row &row, Value part, Value lse) {
  if (weights)
    return memref::LoadOp::create(b, weights, part);
  Value weight = buildWeight(lse, row.max);
  return arith::DivFOp::create(b, weight, row.sum);
}

void MergeKernelBuilder::storeLse(const Row &row) {
  OpBuilder::InsertionGuard guard(b);
  if (thread) {
    Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread,
                                        buildIndex(b, 0));
    b.setInsertionPointToStart(
        scf::IfOp::create(b, first, /*withElseRegion=*/false).thenBlock());
  }
  Value log = math::Log2Op::create(b, row.sum);
  Value lse = arith::AddFOp::create(
      b, row.max, arith::MulFOp::create(b, log, buildF32(b, kLn2)));
  lse = arith::SelectOp::create(b, row.has, lse, buildF32(b, -INFINITY));
  memref::StoreOp::create(b, lse, arg(op.getOuts()[1]),
                          ValueRange{row.batch, row.head, row.row});
}

/// Elements [first, first + width) of a row of out.
void MergeKernelBuilder::mergeElements(const Row &row, Value first,
                                       int64_t width) {
  auto type = VectorType::get({width}, b.getF32Type());
  auto splat = [&](Value scalar) -> Value {
    return vector::BroadcastOp::create(b, type, scalar);
  };
  auto loadOut = [&](Value part) -> Value {
    return vector::LoadOp::create(
        b, type, arg(op.getPartOuts()),
        ValueRange{part, row.batch, row.head, row.row, first});
  };
  auto addOut = [&](Value part, Value lse, Value out, Value acc) -> Value {
    return math::FmaOp::create(b, splat(getWeight(row, part, lse)), out, acc);
  };
  auto load = [&](Value part) {
    SmallVector<Value> loaded{loadPartLse(row, part)};
    if (thread)
      loaded.push_back(loadOut(part));
    return loaded;
  };
  auto add = [&](Value part, ValueRange loaded, Value acc) -> Value {
    Value empty = buildIsEmpty(loaded[0]);
    if (thread) {
      Value sum = addOut(part, loaded[0], loaded[1], acc);
      return arith::SelectOp::create(b, empty, acc, sum);
    }
    auto choice =
        scf::IfOp::create(b, TypeRange{type}, empty, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, acc);
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, addOut(part, loaded[0], loadOut(part), acc));
    return choice.getResult(0);
  };
  Value zero = splat(buildF32(b, 0));
  Value acc = buildSum(zero, load, add);
  Value result = arith::SelectOp::create(b, row.has, acc, zero);
  Value out = arg(op.getOuts().front());
  Type element = cast<MemRefType>(out.getType()).getElementType();
  if (!element.isF32())
    result = arith::TruncFOp::create(b, type.clone(element), result);
  vector::StoreOp::create(b, result, out,
                          ValueRange{row.batch, row.head, row.row, first});
}

static bool hasUnitStride(Value memref) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(cast<MemRefType>(memref.getType())
                       .getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

/// All elements of a row: this thread's, or in vectors where they are
/// contiguous.
void MergeKernelBuilder::mergeOut(const Row &row) {
  Value out = arg(op.getOuts().front());
  Value dim = buildDim(b, out, 3);
  auto mergeRange = [&](Value from, Value to, int64_t width) {
    int64_t step = thread ? threads : width;
    auto loop = scf::ForOp::create(b, from, to, buildIndex(b, step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    mergeElements(row, loop.getInductionVar(), width);
  };
  if (thread)
    return mergeRange(thread, dim, 1);
  Value split = buildIndex(b, 0);
  if (hasUnitStride(out) && hasUnitStride(arg(op.getPartOuts()))) {
    AffineExpr s0 = b.getAffineSymbolExpr(0);
    split = affine::AffineApplyOp::create(
        b, AffineMap::get(0, 1, s0.floorDiv(kLanes) * kLanes), dim);
    mergeRange(buildIndex(b, 0), split, kLanes);
  }
  mergeRange(split, dim, 1);
}

void MergeKernelBuilder::build() {
  parts = buildDim(b, arg(op.getPartLses()), 0);
  if (threads > 0)
    thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  else
    weights = memref::AllocOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, b.getF32Type()), parts);
  auto loop = scf::ForOp::create(b, begin, end, buildIndex(b, 1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Row row = buildRow(loop.getInductionVar());
    Value sink;
    if (op.getSinks())
      sink = memref::LoadOp::create(b, arg(op.getSinks()), row.head);
    weighParts(row, sink);
    if (op.getOuts().size() > 1)
      storeLse(row);
    mergeOut(row);
  }
  if (weights)
    memref::DeallocOp::create(b, weights);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// What the kernel relies on and the verifier does not promise.
static LogicalResult verifyConvertible(MergeOp op, ModuleOp module) {
  auto parent = op->getParentOfType<func::FuncOp>();
  if (!parent || parent->getParentOp() != module)
    return op.emitOpError("is outside of the functions of the module that is "
                          "lowered; expected one of them around it");
  if (!isa<MemRefType>(op.getPartOuts().getType()))
    return op.emitOpError("is on tensors; expected memrefs (bufferize first)");
  // Rows are merged in any order: none may overwrite what another one reads.
  for (Value out : op.getOuts())
    if (llvm::count(op->getOperands(), out) > 1)
      return op.emitOpError("writes to an operand that it also reads or writes "
                            "otherwise; expected outs that overlap no operand");
  return success();
}

/// Replaces `op` by the launch of a kernel named `name`.
static void convertMerge(MergeOp op, StringRef name) {
  auto blockSize = op->getAttrOfType<IntegerAttr>(kBlockSize);
  llvm::SetVector<Value> operands(op->operand_begin(), op->operand_end());
  SmallVector<Type> types = llvm::map_to_vector(
      operands, [](Value operand) { return operand.getType(); });
  types.append(2, IndexType::get(op.getContext()));

  OpBuilder moduleBuilder(op->getParentOfType<func::FuncOp>());
  auto kernel =
      func::FuncOp::create(moduleBuilder, op.getLoc(), name,
                           FunctionType::get(op.getContext(), types, {}));
  kernel.setPrivate();
  Block *entry = kernel.addEntryBlock();
  IRMapping args;
  args.map(operands.getArrayRef(),
           entry->getArguments().take_front(operands.size()));
  OpBuilder endBuilder = OpBuilder::atBlockEnd(entry);
  func::ReturnOp::create(endBuilder, op.getLoc());
  if (blockSize)
    kernel->setAttr(kBlockSize, blockSize);
  MergeKernelBuilder(op, kernel, args, blockSize ? blockSize.getInt() : 0)
      .build();

  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value out = op.getOuts().front(), count = buildDim(b, out, 0);
  for (int64_t dim : {1, 2})
    count = arith::MulIOp::create(b, count, buildDim(b, out, dim));
  LaunchOp::create(b, name, count, operands.getArrayRef());
  op.erase();
}

namespace {
struct ConvertMergePass : attn::impl::ConvertMergePassBase<ConvertMergePass> {
  using ConvertMergePassBase::ConvertMergePassBase;

  void runOnOperation() override {
    SmallVector<MergeOp> ops;
    getOperation().walk([&](MergeOp op) { ops.push_back(op); });
    for (MergeOp op : ops)
      if (failed(verifyConvertible(op, getOperation())))
        return signalPassFailure();
    unsigned uniqueKernels = 0;
    for (MergeOp op : ops) {
      auto parent = op->getParentOfType<func::FuncOp>();
      SmallString<64> name = SymbolTable::generateSymbolName<64>(
          (parent.getName() + "_merge").str(),
          [&](StringRef candidate) {
            return getOperation().lookupSymbol(candidate) != nullptr;
          },
          uniqueKernels);
      convertMerge(op, name);
    }
  }
};
} // namespace
