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

  LogicalResult lower(LaunchOp launch);

private:
  LogicalResult verify(LaunchOp launch);
  LLVM::LLVMFuncOp getParallelFor();
  func::FuncOp buildTrampoline(LaunchOp launch, Type context);

  ModuleOp module;
  SymbolTable symbols;
  LLVMTypeConverter converter;
};

} // namespace

/// The C functions that generated code calls, with their types.
static SmallVector<std::pair<StringRef, LLVM::LLVMFunctionType>>
getCalledFunctions(MLIRContext *context) {
  Type none = LLVM::LLVMVoidType::get(context);
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = IntegerType::get(context, 64);
  auto type = [](Type result, ArrayRef<Type> inputs) {
    return LLVM::LLVMFunctionType::get(result, inputs);
  };
  return {
      {kParallelFor, type(none, {i64, pointer, pointer})},
      {"malloc", type(pointer, {i64})},
      {"aligned_alloc", type(pointer, {i64, i64})},
      {"free", type(none, {pointer})},
      {"memcpy", type(pointer, {pointer, pointer, i64})},
      {"memmove", type(pointer, {pointer, pointer, i64})},
      {"memset", type(pointer, {pointer, IntegerType::get(context, 32), i64})}};
}

/// Fails if the module means something else by the name of a function that
/// generated code calls.
static LogicalResult verifyCalledFunctions(ModuleOp module) {
  for (auto [name, type] : getCalledFunctions(module.getContext())) {
    Operation *taken = module.lookupSymbol(name);
    if (!taken)
      continue;
    auto function = dyn_cast<LLVM::LLVMFuncOp>(taken);
    if (!function || !function.isExternal() ||
        function.getFunctionType() != type)
      return taken->emitOpError("has the name @")
             << name << ", by which generated code calls a C function; "
             << "expected another name, or a declaration of type " << type;
  }
  return success();
}

LLVM::LLVMFuncOp LaunchLowering::getParallelFor() {
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(kParallelFor))
    return function;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  LLVM::LLVMFunctionType type =
      getCalledFunctions(b.getContext()).front().second;
  return LLVM::LLVMFuncOp::create(b, module.getLoc(), kParallelFor, type);
}

LogicalResult LaunchLowering::verify(LaunchOp launch) {
  auto parent = launch->getParentOfType<func::FuncOp>();
  if (!parent || parent->getParentOp() != module)
    return launch.emitOpError("is outside of the functions of the module that "
                              "is lowered; expected one of them around it");
  for (Type type : launch.getArgs().getTypes()) {
    Type converted = converter.convertType(type);
    if (!converted || !LLVM::isCompatibleType(converted))
      return launch.emitOpError("has an argument of type ")
             << type << ", which has no LLVM type";
  }
  return success();
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

LogicalResult LaunchLowering::lower(LaunchOp launch) {
  if (failed(verify(launch)))
    return failure();
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
  return success();
}

namespace {
struct ConvertLaunchToLLVMPass
    : attn::impl::ConvertLaunchToLLVMPassBase<ConvertLaunchToLLVMPass> {
  void runOnOperation() override {
    SmallVector<LaunchOp> launches;
    getOperation().walk([&](LaunchOp op) { launches.push_back(op); });
    if (launches.empty())
      return;
    if (failed(verifyCalledFunctions(getOperation())))
      return signalPassFailure();
    LaunchLowering lowering(getOperation());
    for (LaunchOp launch : launches)
      if (failed(lowering.lower(launch)))
        return signalPassFailure();
  }
};
} // namespace
