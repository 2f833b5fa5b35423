//===- ConvertToOnline.cpp - Attention becomes an online-softmax kernel -===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// One kernel per attention op, and its launch in the op's place. What the
// kernel does is in Online/KernelBuilder.h.
//
//===----------------------------------------------------------------------===//

#include "Online/TileTable.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "attn/Dialect/Attn/Transforms/UserFunction.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTTOONLINEPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// What the kernel would leave out, by name. Targets refuse it, and more, when
/// they choose a config; configs may be written by hand.
static std::optional<StringRef> findWithoutLowering(AttentionOp op) {
  ConfigAttr config = op.getConfigAttr();
  const std::pair<bool, StringRef> features[] = {
      {config.getHeads() > 1 &&
           (op.getBias() || op.getAlibiSlopes() || needsTileTable(op)),
       "elements per row or head in tiles of several heads"},
      {config.getHeads() > 1 && op.getSinks() && !config.getSplit(),
       "sinks in tiles of several heads"},
      {(op.getNumSplits() || op.getSplitSize()) && !config.getSplit(),
       "split keys and a config without a split"}};
  for (auto [used, feature] : features)
    if (used)
      return feature;
  return std::nullopt;
}

/// What the kernel relies on and the verifier does not promise.
static LogicalResult verifyConvertible(AttentionOp op, ModuleOp module) {
  auto parent = op->getParentOfType<func::FuncOp>();
  if (!parent)
    return op.emitOpError("is outside of a func.func; expected one around it");
  if (parent->getParentOp() != module)
    return op.emitOpError("is in function @")
           << parent.getSymName() << " of a nested '"
           << parent->getParentOp()->getName()
           << "'; expected a function of the module that is lowered";
  if (op.hasTensorSemantics())
    return op.emitOpError("is on tensors; expected memrefs (bufferize first)");
  if (!op.getConfigAttr())
    return op.emitOpError("has no config; run the target's select-config "
                          "pass first");
  if (std::optional<StringRef> feature = findWithoutLowering(op))
    return op.emitOpError("has no online-softmax kernel yet with ") << *feature;
  if (failed(verifyTileSizes(op, op.getConfigAttr())))
    return failure();
  // Work items run in any order: none may overwrite what another one reads.
  // Memory that overlaps without being the same value is the caller's care.
  for (Value out : op.getOuts())
    if (llvm::count(op->getOperands(), out) > 1)
      return op.emitOpError("writes to an operand that it also reads or writes "
                            "otherwise; expected outs that overlap no operand");
  return success();
}

/// The counters are a global of the host.
static LogicalResult verifyCountable(AttentionOp op) {
  if (isa<BlockScheduleAttr>(op.getConfigAttr().getSchedule()))
    return op.emitOpError("unsupported on GPUs: counters of tiles");
  return success();
}

/// The kernel function named `name`, with arguments of `types`, up to its
/// terminator.
static func::FuncOp createKernel(AttentionOp op, StringRef name,
                                 ArrayRef<Type> types) {
  OpBuilder moduleBuilder(op->getParentOfType<func::FuncOp>());
  auto kernel =
      func::FuncOp::create(moduleBuilder, op.getLoc(), name,
                           FunctionType::get(op.getContext(), types, {}));
  kernel.setPrivate();
  // The vector lowering reads it.
  kernel->setAttr("attn.schedule", op.getConfigAttr().getSchedule());
  OpBuilder endBuilder = OpBuilder::atBlockEnd(kernel.addEntryBlock());
  func::ReturnOp::create(endBuilder, op.getLoc());
  return kernel;
}

namespace {
/// The kernels of one op. With a split, the main one gets a workspace instead
/// of the results, and a merge follows; a mask that reads data, or is beyond
/// the limits of the range analysis, has a second kernel, which fills the tile
/// table.
class KernelFactory {
public:
  KernelFactory(AttentionOp op, bool countTiles)
      : op(op), operands(op->operand_begin(), op->operand_end()),
        usesTable(needsTileTable(op)),
        splits(static_cast<bool>(op.getConfigAttr().getSplit())),
        countTiles(countTiles) {
    if (splits)
      operands.set_subtract(op.getOuts());
  }

  bool hasTileTable() const { return usesTable; }
  /// Whether a table helps where creating the kernel without has failed; from
  /// now on there is one.
  bool addTileTable();

  LogicalResult create(StringRef name, bool fillsTable);
  /// Replaces the op by the launches.
  void launch(StringRef name, StringRef tableName);

private:
  AttentionOp op;
  llvm::SetVector<Value> operands;
  bool usesTable, splits, countTiles;
  IntractableMasks intractable;
};
} // namespace

bool KernelFactory::addTileTable() {
  if (usesTable || intractable.empty())
    return false;
  usesTable = true;
  return true;
}

LogicalResult KernelFactory::create(StringRef name, bool fillsTable) {
  bool hasWorkspace = splits && !fillsTable;
  SmallVector<Type> types = llvm::map_to_vector(
      operands, [](Value operand) { return operand.getType(); });
  if (usesTable)
    types.push_back(getTileTableType(op.getContext()));
  if (hasWorkspace)
    types.append({getPartOutsType(op), getPartLsesType(op)});
  types.append(2, IndexType::get(op.getContext()));

  func::FuncOp kernel = createKernel(op, name, types);
  ArrayRef<BlockArgument> arguments = kernel.getArguments();
  IRMapping args;
  args.map(operands.getArrayRef(), arguments.take_front(operands.size()));
  arguments = arguments.drop_front(operands.size());
  Value table;
  if (usesTable) {
    table = arguments.front();
    arguments = arguments.drop_front();
  }
  Workspace partOf;
  if (hasWorkspace)
    partOf = {arguments[0], arguments[1]};
  KernelBuilder builder(op, kernel, args, partOf, table, fillsTable, countTiles,
                        intractable);
  if (succeeded(builder.build()))
    return success();
  kernel.erase();
  return failure();
}

void KernelFactory::launch(StringRef name, StringRef tableName) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  WorkExtents work = buildWorkExtents(b, op, op.getQ(), op.getCuSeqlensQ());
  Value count = arith::MulIOp::create(
      b, arith::MulIOp::create(b, work.batches, work.heads), work.qBlocks);
  SmallVector<Value> launched(operands.getArrayRef());
  TileTable table;
  if (usesTable) {
    table = allocateTileTable(b, op, work);
    launched.push_back(table.memref);
    LaunchOp::create(b, tableName, table.rows, launched);
  }
  Workspace workspace;
  if (splits) {
    workspace = buildWorkspace(b, op, count);
    launched.append({workspace.outs, workspace.lses});
    count = arith::MulIOp::create(b, count, buildDim(b, workspace.outs, 0));
  }
  LaunchOp::create(b, name, count, launched);
  if (usesTable)
    memref::DeallocOp::create(b, table.memref);
  if (splits)
    buildMergeOfParts(b, op, workspace);
  op.erase();
}

static LogicalResult createTileCounts(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = MemRefType::get({2}, b.getI64Type());
  if (Operation *taken = module.lookupSymbol(kTileCounts)) {
    auto global = dyn_cast<memref::GlobalOp>(taken);
    if (global && global.getType() == type && !global.getConstant() &&
        !global.isExternal())
      return success();
    return taken->emitOpError("has the name of the tile counters, @")
           << kTileCounts << "; expected a memref.global of type " << type
           << " or no such symbol";
  }
  memref::GlobalOp::create(
      b, module.getLoc(), kTileCounts, /*sym_visibility=*/StringAttr(), type,
      DenseElementsAttr::get(RankedTensorType::get({2}, b.getI64Type()),
                             int64_t(0)),
      /*constant=*/false, /*alignment=*/IntegerAttr());
  return success();
}

namespace {
struct ConvertToOnlinePass
    : attn::impl::ConvertToOnlinePassBase<ConvertToOnlinePass> {
  using ConvertToOnlinePassBase::ConvertToOnlinePassBase;

  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops)
      if (failed(verifyConvertible(op, getOperation())) ||
          (countTiles && failed(verifyCountable(op))))
        return signalPassFailure();
    if (countTiles && failed(createTileCounts(getOperation())))
      return signalPassFailure();
    llvm::SetVector<func::FuncOp> functions;
    for (AttentionOp op : ops) {
      functions.insert_range(getUserFunctions(op));
      if (failed(convert(op)))
        return signalPassFailure();
    }
    eraseUnusedFunctions(getOperation(), functions.getArrayRef());
  }

  /// Creates the kernels of `op` and launches them in its place.
  LogicalResult convert(AttentionOp op) {
    StringRef parent = op->getParentOfType<func::FuncOp>().getName();
    KernelFactory kernels(op, countTiles);
    for (;;) {
      std::string tableName;
      if (kernels.hasTileTable()) {
        tableName = getFreeName((parent + "_tiles").str());
        if (failed(kernels.create(tableName, /*fillsTable=*/true)))
          return failure();
      }
      std::string name = getFreeName((parent + "_attention").str());
      if (succeeded(kernels.create(name, /*fillsTable=*/false))) {
        kernels.launch(name, tableName);
        return success();
      }
      if (!kernels.addTileTable())
        return failure();
    }
  }

  std::string getFreeName(StringRef prefix) {
    return SymbolTable::generateSymbolName<64>(
               prefix,
               [&](StringRef candidate) {
                 return getOperation().lookupSymbol(candidate) != nullptr;
               },
               uniqueKernels)
        .str()
        .str();
  }

  unsigned uniqueKernels = 0;
};
} // namespace
