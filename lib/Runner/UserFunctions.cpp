//===- UserFunctions.cpp - User functions for the reference ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/UserFunctions.h"

#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Diagnostics.h"

#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Target/TargetMachine.h"

using namespace attn;
using namespace attn::runner;
using llvm::Error;
using llvm::Expected;
using reference::Coordinates;

/// The name of the copy: the user's may be that of a function of libm.
static constexpr llvm::StringLiteral kCopy = "attn_user_function";
static constexpr llvm::StringLiteral kInvoke = "attn_invoke_user_function";

/// Upstream's way to scalar code.
static constexpr llvm::StringLiteral kPasses =
    "one-shot-bufferize{bufferize-function-boundaries},"
    "arith-expand{include-bf16=true},convert-math-to-llvm,expand-strided-"
    "metadata,convert-arith-to-llvm,"
    "finalize-memref-to-llvm,convert-func-to-llvm,reconcile-unrealized-casts";

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

static mlir::Value buildInteger(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                                int64_t value) {
  return mlir::arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

/// A load beyond a capture reads its nearest element.
static void defineLoad(mlir::Operation *load) {
  using namespace mlir;
  ImplicitLocOpBuilder b(load->getLoc(), load);
  Value array = load->getOperand(0);
  Value zero = buildInteger(b, b.getIndexType(), 0);
  Value one = buildInteger(b, b.getIndexType(), 1);
  for (OpOperand &index : load->getOpOperands().drop_front()) {
    Value dim = buildInteger(b, b.getIndexType(), index.getOperandNumber() - 1);
    Value size = isa<RankedTensorType>(array.getType())
                     ? Value(tensor::DimOp::create(b, array, dim))
                     : Value(memref::DimOp::create(b, array, dim));
    Value last = arith::SubIOp::create(b, size, one);
    Value positive = arith::MaxSIOp::create(b, index.get(), zero);
    index.set(arith::MinSIOp::create(b, positive, last));
  }
}

/// A divisor that traps counts as 1.
static void defineDivision(mlir::Operation *division, bool isSigned) {
  using namespace mlir;
  ImplicitLocOpBuilder b(division->getLoc(), division);
  auto isEqual = [&](Value value, int64_t number) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, value,
                                 buildInteger(b, value.getType(), number));
  };
  Value dividend = division->getOperand(0), divisor = division->getOperand(1);
  Type type = divisor.getType();
  Value traps = isEqual(divisor, 0);
  if (isSigned) {
    int64_t least = type.isIndex()
                        ? INT64_MIN
                        : llvm::minIntN(type.getIntOrFloatBitWidth());
    Value overflows = arith::AndIOp::create(b, isEqual(divisor, -1),
                                            isEqual(dividend, least));
    traps = arith::OrIOp::create(b, traps, overflows);
  }
  Value one = buildInteger(b, type, 1);
  division->setOperand(1, arith::SelectOp::create(b, traps, one, divisor));
}

/// Gives `function` the values that docs/functions.md defines where its ops
/// alone have none.
static void defineAll(mlir::func::FuncOp function) {
  using namespace mlir;
  function.walk([](Operation *op) {
    if (isa<tensor::ExtractOp, memref::LoadOp>(op))
      defineLoad(op);
    else if (isa<arith::DivSIOp, arith::CeilDivSIOp, arith::FloorDivSIOp,
                 arith::RemSIOp>(op))
      defineDivision(op, /*isSigned=*/true);
    else if (isa<arith::DivUIOp, arith::CeilDivUIOp, arith::RemUIOp>(op))
      defineDivision(op, /*isSigned=*/false);
  });
}

/// A module of the LLVM dialect with a copy of `function` alone.
static Expected<mlir::OwningOpRef<mlir::ModuleOp>>
lowerCopy(mlir::func::FuncOp function) {
  mlir::MLIRContext *context = function.getContext();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(function.getLoc());
  mlir::func::FuncOp copy = function.clone();
  copy.setName(kCopy);
  copy.setPublic();
  copy->setAttr("llvm.emit_c_interface", mlir::UnitAttr::get(context));
  defineAll(copy);
  module->push_back(copy);
  // What libm has comes from there. The pass that does this refuses the rest,
  // and believes in an rsqrt of libm.
  mlir::RewritePatternSet patterns(context);
  mlir::math::populateExpansionPatterns(patterns, {"rsqrt"});
  mlir::populateMathToLibmConversionPatterns(patterns, /*benefit=*/0);
  DiagnosticCollector diagnostics(context);
  mlir::PassManager passes(context);
  if (failed(mlir::applyPatternsGreedily(*module, std::move(patterns))) ||
      failed(mlir::parsePassPipeline(kPasses, passes)) ||
      failed(passes.run(*module)))
    return diagnostics.takeError(
        ("cannot compile function @" + function.getName() + " for the check")
            .str());
  return std::move(module);
}

/// Adds `void kInvoke(ptr arguments, ptr result)`: one pointer per argument, to
/// the descriptor of a memref or to a scalar. An i1 result is stored as a byte.
static void addInvokeFunction(llvm::Module &module) {
  llvm::Function *callee = module.getFunction(("_mlir_ciface_" + kCopy).str());
  llvm::IRBuilder<> builder(module.getContext());
  llvm::Type *pointer = builder.getPtrTy();
  llvm::Function *invoke = llvm::Function::Create(
      llvm::FunctionType::get(builder.getVoidTy(), {pointer, pointer},
                              /*isVarArg=*/false),
      llvm::GlobalValue::ExternalLinkage, kInvoke, module);
  builder.SetInsertPoint(
      llvm::BasicBlock::Create(module.getContext(), "entry", invoke));
  llvm::SmallVector<llvm::Value *> operands;
  for (llvm::Argument &argument : callee->args()) {
    llvm::Value *operand = builder.CreateLoad(
        pointer, builder.CreateConstInBoundsGEP1_64(pointer, invoke->getArg(0),
                                                    argument.getArgNo()));
    if (!argument.getType()->isPointerTy())
      operand = builder.CreateLoad(argument.getType(), operand);
    operands.push_back(operand);
  }
  llvm::Value *result = builder.CreateCall(callee, operands);
  if (result->getType()->isIntegerTy(1))
    result = builder.CreateZExt(result, builder.getInt8Ty());
  builder.CreateStore(result, invoke->getArg(1));
  builder.CreateRetVoid();
}

static Expected<std::unique_ptr<llvm::orc::LLJIT>>
compile(mlir::func::FuncOp function) {
  auto module = lowerCopy(function);
  if (!module)
    return module.takeError();
  auto target = getCodegenTarget("native");
  if (!target)
    return target.takeError();
  auto machine = createTargetMachine(*target, /*optLevel=*/2);
  if (!machine)
    return machine.takeError();
  auto context = std::make_unique<llvm::LLVMContext>();
  auto ir = translateToLLVM(**module, *context, **machine);
  if (!ir)
    return ir.takeError();
  addInvokeFunction(**ir);
  auto host = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!host)
    return host.takeError();
  auto jit = llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*host))
                 .create();
  if (!jit)
    return jit.takeError();
  if (Error error = (*jit)->addIRModule(
          llvm::orc::ThreadSafeModule(std::move(*ir), std::move(context))))
    return std::move(error);
  return std::move(*jit);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

namespace {
/// A compiled function and its captures.
class CompiledFunction {
public:
  static Expected<std::shared_ptr<CompiledFunction>>
  create(mlir::func::FuncOp function, const std::vector<TensorView> &captures);

  /// Stores the function's result at `result`. `leading` points to what comes
  /// before the captures. Any number of threads may call.
  void call(llvm::ArrayRef<const void *> leading, void *result) const {
    llvm::SmallVector<const void *, 16> arguments(leading);
    llvm::append_range(arguments, captures);
    invoke(arguments.data(), result);
  }

private:
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void (*invoke)(const void *const *, void *) = nullptr;
  /// Memref descriptors as 64-bit words: two pointers, offset, sizes, strides.
  std::vector<std::vector<int64_t>> descriptors;
  std::vector<const void *> captures;
};
} // namespace

Expected<std::shared_ptr<CompiledFunction>>
CompiledFunction::create(mlir::func::FuncOp function,
                         const std::vector<TensorView> &views) {
  auto result = std::make_shared<CompiledFunction>();
  auto jit = compile(function);
  if (!jit)
    return jit.takeError();
  result->jit = std::move(*jit);
  auto address = result->jit->lookup(kInvoke);
  if (!address)
    return address.takeError();
  result->invoke = address->toPtr<void (*)(const void *const *, void *)>();

  auto types = function.getArgumentTypes().take_back(views.size());
  for (auto [view, type] : llvm::zip_equal(views, types)) {
    if (!llvm::isa<mlir::ShapedType>(type)) {
      result->captures.push_back(view.data());
      continue;
    }
    auto data = reinterpret_cast<int64_t>(view.data());
    std::vector<int64_t> words{data, data, 0};
    llvm::append_range(words, view.shape());
    llvm::append_range(words, view.strides());
    result->descriptors.push_back(std::move(words));
    result->captures.push_back(result->descriptors.back().data());
  }
  return result;
}

Expected<reference::ScoreFunction>
runner::compileScoreFunction(mlir::func::FuncOp function,
                             std::vector<TensorView> captures) {
  auto compiled = CompiledFunction::create(function, captures);
  if (!compiled)
    return compiled.takeError();
  return [function = *compiled](double score, const Coordinates &at) -> double {
    auto s = static_cast<float>(score);
    float result;
    function->call({&s, &at.b, &at.h, &at.qPos, &at.j}, &result);
    return result;
  };
}

Expected<reference::MaskFunction>
runner::compileMaskFunction(mlir::func::FuncOp function,
                            std::vector<TensorView> captures) {
  auto compiled = CompiledFunction::create(function, captures);
  if (!compiled)
    return compiled.takeError();
  return [function = *compiled](const Coordinates &at) {
    uint8_t visible;
    function->call({&at.b, &at.h, &at.qPos, &at.j}, &visible);
    return visible != 0;
  };
}
