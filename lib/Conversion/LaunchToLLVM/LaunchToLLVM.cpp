//===- LaunchToLLVM.cpp - attn.launch becomes attn_parallel_for --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTLAUNCHTOLLVMPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr StringLiteral kParallelFor = "attn_parallel_for";

/// A value of another type that later conversions reconcile.
static Value buildCast(ImplicitLocOpBuilder &b, Type type, Value value) {
  if (value.getType() == type)
    return value;
  return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
}

namespace {

/// Lowers the launches of one module.
class LaunchLowering {
public:
  explicit LaunchLowering(ModuleOp module)
      : module(module), symbols(module), converter(module.getContext()) {}

  void lower(LaunchOp launch);

private:
  LLVM::LLVMFuncOp getParallelFor();
  func::FuncOp buildTrampoline(LaunchOp launch, Type context);

  ModuleOp module;
  SymbolTable symbols;
  LLVMTypeConverter converter;
};

} // namespace

LLVM::LLVMFuncOp LaunchLowering::getParallelFor() {
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(kParallelFor))
    return function;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  {b.getI64Type(), pointer, pointer});
  return LLVM::LLVMFuncOp::create(b, module.getLoc(), kParallelFor, type);
}

/// (context, begin, end): unpacks the arguments and calls the kernel.
func::FuncOp LaunchLowering::buildTrampoline(LaunchOp launch, Type context) {
  auto kernel = module.lookupSymbol<func::FuncOp>(launch.getKernel());
  ImplicitLocOpBuilder b(launch.getLoc(), kernel);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto trampoline = func::FuncOp::create(
      b, (launch.getKernel() + "_body").str(),
      b.getFunctionType({pointer, b.getI64Type(), b.getI64Type()}, {}));
  trampoline.setPrivate();
  symbols.insert(trampoline);
  b.setInsertionPointToStart(trampoline.addEntryBlock());
  Value packed = LLVM::LoadOp::create(b, context, trampoline.getArgument(0));
  SmallVector<Value> args;
  for (auto [position, arg] : llvm::enumerate(launch.getArgs())) {
    Value field = LLVM::ExtractValueOp::create(b, packed, position);
    args.push_back(buildCast(b, arg.getType(), field));
  }
  for (Value bound : trampoline.getArguments().drop_front())
    args.push_back(arith::IndexCastOp::create(b, b.getIndexType(), bound));
  func::CallOp::create(b, kernel, args);
  func::ReturnOp::create(b);
  return trampoline;
}

void LaunchLowering::lower(LaunchOp launch) {
  ImplicitLocOpBuilder b(launch.getLoc(), launch);
  SmallVector<Type> types;
  for (Value arg : launch.getArgs())
    types.push_back(converter.convertType(arg.getType()));
  auto context = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  func::FuncOp trampoline = buildTrampoline(launch, context);

  Value packed = LLVM::UndefOp::create(b, context);
  for (auto [position, arg] : llvm::enumerate(launch.getArgs()))
    packed = LLVM::InsertValueOp::create(
        b, packed, buildCast(b, types[position], arg), position);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  // In the entry block, so that a launch in a loop does not grow the stack.
  Value storage;
  {
    OpBuilder::InsertionGuard guard(b);
    auto parent = launch->getParentOfType<func::FuncOp>();
    b.setInsertionPointToStart(&parent.getBody().front());
    Value one = LLVM::ConstantOp::create(b, b.getI64Type(), 1);
    storage = LLVM::AllocaOp::create(b, pointer, context, one);
  }
  LLVM::StoreOp::create(b, packed, storage);
  Value function = func::ConstantOp::create(b, trampoline.getFunctionType(),
                                            trampoline.getSymName());
  Value count =
      arith::IndexCastOp::create(b, b.getI64Type(), launch.getCount());
  LLVM::CallOp::create(
      b, getParallelFor(),
      ValueRange{count, buildCast(b, pointer, function), storage});
  launch.erase();
}

namespace {
struct ConvertLaunchToLLVMPass
    : attn::impl::ConvertLaunchToLLVMPassBase<ConvertLaunchToLLVMPass> {
  void runOnOperation() override {
    SmallVector<LaunchOp> launches;
    getOperation().walk([&](LaunchOp op) { launches.push_back(op); });
    LaunchLowering lowering(getOperation());
    for (LaunchOp launch : launches)
      lowering.lower(launch);
  }
};
} // namespace
