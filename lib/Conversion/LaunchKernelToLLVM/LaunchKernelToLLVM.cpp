//===- LaunchKernelToLLVM.cpp - Launches become calls of the runtime ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/GpuPasses.h"
#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTLAUNCHKERNELTOLLVMPASS
#include "attn/Conversion/GpuPasses.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr StringLiteral kLaunchKernel = "attn_launch_kernel";

/// Fails if a function that launches kernels touches an element of an array:
/// the arrays are on the device.
static LogicalResult verifyHostFunction(func::FuncOp function) {
  WalkResult result = function.walk([](Operation *op) {
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    if (!effects || isa<LaunchKernelOp>(op))
      return WalkResult::advance();
    SmallVector<MemoryEffects::EffectInstance> instances;
    effects.getEffects(instances);
    for (const MemoryEffects::EffectInstance &effect : instances) {
      Value array = effect.getValue();
      if (!array || !isa<BaseMemRefType>(array.getType()) ||
          !isa<MemoryEffects::Read, MemoryEffects::Write>(effect.getEffect()))
        continue;
      op->emitOpError("unsupported on gpu: it reads or writes an array in the "
                      "function that launches kernels, which runs on the host");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// The declaration of the runtime's function.
static FailureOr<LLVM::LLVMFuncOp> getLaunchFunction(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  Type i64 = b.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {i64, i64, pointer, i64});
  Operation *taken = module.lookupSymbol(kLaunchKernel);
  if (!taken)
    return LLVM::LLVMFuncOp::create(b, module.getLoc(), kLaunchKernel, type);
  auto function = dyn_cast<LLVM::LLVMFuncOp>(taken);
  if (function && function.isExternal() && function.getFunctionType() == type)
    return function;
  return taken->emitOpError("has the name @")
         << kLaunchKernel << ", by which generated code calls a C function; "
         << "expected another name, or a declaration of type " << type;
}

static LogicalResult lower(LaunchKernelOp launch, LLVM::LLVMFuncOp callee) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(
      launch, launch.getKernelAttr());
  auto index = kernel->getAttrOfType<IntegerAttr>(kKernelIndex);
  auto parent = launch->getParentOfType<func::FuncOp>();
  if (!index || !parent)
    return launch.emitOpError("names a kernel without a number, or is outside "
                              "of a function");
  ImplicitLocOpBuilder b(launch.getLoc(), launch);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  size_t count = launch.getSlots().size();
  // In the entry block, so that a launch in a loop does not grow the stack.
  Value storage;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&parent.getBody().front());
    Value size = LLVM::ConstantOp::create(b, b.getI64Type(), count);
    storage = LLVM::AllocaOp::create(b, pointer, b.getI64Type(), size);
  }
  for (auto [position, slot] : llvm::enumerate(launch.getSlots())) {
    Value place =
        LLVM::GEPOp::create(b, pointer, b.getI64Type(), storage,
                            LLVM::GEPArg(static_cast<int32_t>(position)));
    LLVM::StoreOp::create(b, slot, place);
  }
  Value number = LLVM::ConstantOp::create(b, b.getI64Type(), index.getInt());
  Value blocks =
      arith::IndexCastOp::create(b, b.getI64Type(), launch.getCount());
  Value slots = LLVM::ConstantOp::create(b, b.getI64Type(), count);
  LLVM::CallOp::create(b, callee, ValueRange{number, blocks, storage, slots});
  launch.erase();
  return success();
}

namespace {
struct ConvertLaunchKernelToLLVMPass
    : attn::impl::ConvertLaunchKernelToLLVMPassBase<
          ConvertLaunchKernelToLLVMPass> {
  void runOnOperation() override {
    SmallVector<LaunchKernelOp> launches;
    getOperation().walk([&](LaunchKernelOp op) { launches.push_back(op); });
    if (launches.empty())
      return;
    auto callee = getLaunchFunction(getOperation());
    if (failed(callee))
      return signalPassFailure();
    llvm::SmallSetVector<func::FuncOp, 2> functions;
    for (LaunchKernelOp launch : launches)
      if (auto function = launch->getParentOfType<func::FuncOp>())
        functions.insert(function);
    for (func::FuncOp function : functions)
      if (failed(verifyHostFunction(function)))
        return signalPassFailure();
    for (LaunchKernelOp launch : launches)
      if (failed(lower(launch, *callee)))
        return signalPassFailure();
  }
};
} // namespace
