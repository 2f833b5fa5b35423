//===- OutlineGpuKernels.cpp - Kernels become functions of a device ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_OUTLINEGPUKERNELSPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

static constexpr int64_t kSlotBits = 64;

static bool fitsSlots(Type type) {
  if (auto memref = dyn_cast<MemRefType>(type))
    return memref.isStrided() && !memref.getMemorySpace();
  return type.isIndex() ||
         (type.isIntOrFloat() && type.getIntOrFloatBitWidth() <= kSlotBits);
}

/// The parameters of a kernel that stand for an argument of `type`.
static void appendSlotTypes(Type type, SmallVectorImpl<Type> &slots) {
  MLIRContext *context = type.getContext();
  Type i64 = IntegerType::get(context, kSlotBits);
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref) {
    slots.push_back(i64);
    return;
  }
  slots.push_back(LLVM::LLVMPointerType::get(context, /*addressSpace=*/1));
  slots.append(2 * memref.getRank(), i64);
}

/// The bits of a scalar in the low part of an i64.
static Value packScalar(ImplicitLocOpBuilder &b, Value value) {
  Type i64 = b.getI64Type();
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(b, i64, value);
  unsigned width = value.getType().getIntOrFloatBitWidth();
  Type bits = b.getIntegerType(width);
  if (isa<FloatType>(value.getType()))
    value = arith::BitcastOp::create(b, bits, value);
  return width == kSlotBits ? value
                            : arith::ExtUIOp::create(b, i64, value).getResult();
}

static Value unpackScalar(ImplicitLocOpBuilder &b, Value slot, Type type) {
  if (type.isIndex())
    return arith::IndexCastOp::create(b, type, slot);
  unsigned width = type.getIntOrFloatBitWidth();
  if (width != kSlotBits)
    slot = arith::TruncIOp::create(b, b.getIntegerType(width), slot);
  return isa<FloatType>(type)
             ? arith::BitcastOp::create(b, type, slot).getResult()
             : slot;
}

/// Host: the slots of a memref.
static void packMemref(ImplicitLocOpBuilder &b, Value memref,
                       SmallVectorImpl<Value> &slots) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Value offset =
      arith::MulIOp::create(b, metadata.getOffset(), buildIndex(b, bytes));
  slots.push_back(packScalar(b, arith::AddIOp::create(b, address, offset)));
  for (ValueRange values : {metadata.getSizes(), metadata.getStrides()})
    for (Value value : values)
      slots.push_back(packScalar(b, value));
}

/// The same memref type in the global memory of the device.
static Type toGlobalMemory(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref || memref.getMemorySpace())
    return type;
  return MemRefType::Builder(memref).setMemorySpace(
      IntegerAttr::get(IntegerType::get(type.getContext(), 64), 1));
}

/// Kernel: a memref of `type` made of its slots.
static Value unpackMemref(ImplicitLocOpBuilder &b, ValueRange slots,
                          MemRefType type) {
  LLVMTypeConverter converter(b.getContext());
  auto global = cast<MemRefType>(toGlobalMemory(type));
  auto [strides, offset] = type.getStridesAndOffset();
  auto descriptor =
      MemRefDescriptor::poison(b, b.getLoc(), converter.convertType(global));
  descriptor.setAllocatedPtr(b, b.getLoc(), slots[0]);
  descriptor.setAlignedPtr(b, b.getLoc(), slots[0]);
  descriptor.setConstantOffset(b, b.getLoc(), 0);
  int64_t rank = type.getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (type.isDynamicDim(dim))
      descriptor.setSize(b, b.getLoc(), dim, slots[1 + dim]);
    else
      descriptor.setConstantSize(b, b.getLoc(), dim, type.getDimSize(dim));
    if (ShapedType::isDynamic(strides[dim]))
      descriptor.setStride(b, b.getLoc(), dim, slots[1 + rank + dim]);
    else
      descriptor.setConstantStride(b, b.getLoc(), dim, strides[dim]);
  }
  return UnrealizedConversionCastOp::create(b, global, Value(descriptor))
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Kernels and launches
//===----------------------------------------------------------------------===//

namespace {

/// Outlines the kernels of one module.
class KernelOutliner {
public:
  explicit KernelOutliner(ModuleOp module) : module(module) {}

  LogicalResult outline(LaunchOp launch);

private:
  gpu::GPUModuleOp getGpuModule();
  LogicalResult verify(LaunchOp launch, func::FuncOp kernel);
  void moveBody(func::FuncOp kernel, LLVM::LLVMFuncOp function);
  LLVM::LLVMFuncOp getFunction(func::FuncOp kernel);

  ModuleOp module;
  gpu::GPUModuleOp gpuModule;
  int64_t kernels = 0;
};

} // namespace

gpu::GPUModuleOp KernelOutliner::getGpuModule() {
  if (!gpuModule) {
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    gpuModule = gpu::GPUModuleOp::create(b, module.getLoc(), kGpuModule);
  }
  return gpuModule;
}

LogicalResult KernelOutliner::verify(LaunchOp launch, func::FuncOp kernel) {
  auto parent = launch->getParentOfType<func::FuncOp>();
  if (!parent || parent->getParentOp() != module)
    return launch.emitOpError("is outside of the functions of the module that "
                              "is lowered; expected one of them around it");
  if (!gpuModule)
    if (Operation *taken = module.lookupSymbol(kGpuModule))
      return taken->emitOpError("has the name @")
             << kGpuModule << ", which the module of the kernels needs; "
             << "expected another name";
  for (Type type : kernel.getArgumentTypes().drop_back(2))
    if (!fitsSlots(type))
      return launch.emitOpError("has an argument of type ")
             << type << "; expected a strided memref in the default memory "
             << "space, an index, or an integer or float of up to 64 bits";
  WalkResult result = kernel.walk([&](memref::GetGlobalOp global) {
    global.emitOpError("in a kernel reads a global of the host");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// The loop over work items has one turn: without the loop, nothing outlives
/// the turn.
static void inlineWorkLoop(Block &body, Value begin, Value end) {
  for (auto loop : llvm::make_early_inc_range(body.getOps<scf::ForOp>())) {
    if (loop.getLowerBound() != begin || loop.getUpperBound() != end ||
        loop.getNumResults() != 0)
      continue;
    loop.getInductionVar().replaceAllUsesWith(begin);
    loop.getBody()->getTerminator()->erase();
    body.getOperations().splice(loop->getIterator(),
                                loop.getBody()->getOperations());
    loop.erase();
  }
}

/// Moves the body of `kernel` behind code that unpacks the slots.
void KernelOutliner::moveBody(func::FuncOp kernel, LLVM::LLVMFuncOp function) {
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  Block *entry = function.addEntryBlock(b);
  Block &body = kernel.getBody().front();
  b.setInsertionPointToStart(entry);
  SmallVector<Value> arguments;
  ValueRange slots = entry->getArguments();
  for (Type type : kernel.getArgumentTypes().drop_back(2)) {
    auto memref = dyn_cast<MemRefType>(type);
    size_t count = memref ? 1 + 2 * memref.getRank() : 1;
    arguments.push_back(memref
                            ? unpackMemref(b, slots.take_front(count), memref)
                            : unpackScalar(b, slots.front(), type));
    slots = slots.drop_front(count);
  }
  inlineWorkLoop(body, body.getArguments().drop_back(1).back(),
                 body.getArguments().back());
  Value begin = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  arguments.append({begin, arith::AddIOp::create(b, begin, buildIndex(b, 1))});
  for (auto [from, to] : llvm::zip_equal(body.getArguments(), arguments))
    from.replaceAllUsesWith(to);
  entry->getOperations().splice(entry->end(), body.getOperations());
  Operation *terminator = entry->getTerminator();
  b.setInsertionPoint(terminator);
  LLVM::ReturnOp::create(b, ValueRange());
  terminator->erase();
  function.walk([](Operation *op) {
    for (Value result : op->getResults())
      result.setType(toGlobalMemory(result.getType()));
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        argument.setType(toGlobalMemory(argument.getType()));
  });
}

/// The function of the GPU module that `kernel` becomes.
LLVM::LLVMFuncOp KernelOutliner::getFunction(func::FuncOp kernel) {
  if (auto done =
          getGpuModule().lookupSymbol<LLVM::LLVMFuncOp>(kernel.getSymName()))
    return done;
  SmallVector<Type> types;
  for (Type type : kernel.getArgumentTypes().drop_back(2))
    appendSlotTypes(type, types);
  OpBuilder b = OpBuilder::atBlockEnd(gpuModule.getBody());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), types);
  auto function =
      LLVM::LLVMFuncOp::create(b, kernel.getLoc(), kernel.getSymName(), type);
  for (StringRef name : {kBlockSize, kSharedBytes})
    if (Attribute value = kernel->getAttr(name))
      function->setAttr(name, value);
  function->setAttr(kKernelIndex, b.getI64IntegerAttr(kernels++));
  moveBody(kernel, function);
  return function;
}

LogicalResult KernelOutliner::outline(LaunchOp launch) {
  auto kernel = module.lookupSymbol<func::FuncOp>(launch.getKernel());
  if (failed(verify(launch, kernel)))
    return failure();
  LLVM::LLVMFuncOp function = getFunction(kernel);
  ImplicitLocOpBuilder b(launch.getLoc(), launch);
  SmallVector<Value> slots;
  for (Value arg : launch.getArgs()) {
    if (isa<MemRefType>(arg.getType()))
      packMemref(b, arg, slots);
    else
      slots.push_back(packScalar(b, arg));
  }
  auto name = SymbolRefAttr::get(gpuModule.getSymNameAttr(),
                                 {FlatSymbolRefAttr::get(function)});
  LaunchKernelOp::create(b, name, launch.getCount(), slots);
  launch.erase();
  if (SymbolTable::symbolKnownUseEmpty(kernel, module))
    kernel.erase();
  return success();
}

namespace {
struct OutlineGpuKernelsPass
    : attn::impl::OutlineGpuKernelsPassBase<OutlineGpuKernelsPass> {
  void runOnOperation() override {
    SmallVector<LaunchOp> launches;
    getOperation().walk([&](LaunchOp op) { launches.push_back(op); });
    KernelOutliner outliner(getOperation());
    for (LaunchOp launch : launches)
      if (failed(outliner.outline(launch)))
        return signalPassFailure();
  }
};
} // namespace
