//===- Source.cpp - LLVM IR from a file of MLIR or LLVM IR ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Source.h"
#include "attn/Compiler/Diagnostics.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/GPUToROCDL/GPUToROCDLPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/ROCDL/ROCDLToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

static mlir::DialectRegistry makeRegistry() {
  mlir::DialectRegistry registry;
  registry.insert<mlir::LLVM::LLVMDialect, mlir::NVVM::NVVMDialect,
                  mlir::ROCDL::ROCDLDialect, mlir::arith::ArithDialect,
                  mlir::cf::ControlFlowDialect, mlir::gpu::GPUDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect,
                  mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  // What the lowering of gpu.func takes along.
  mlir::arith::registerConvertArithToLLVMInterface(registry);
  mlir::cf::registerConvertControlFlowToLLVMInterface(registry);
  mlir::registerConvertMathToLLVMInterface(registry);
  mlir::registerConvertMemRefToLLVMInterface(registry);
  mlir::vector::registerConvertVectorToLLVMInterface(registry);
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerGPUDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  mlir::registerROCDLDialectTranslation(registry);
  return registry;
}

/// Lowers kernels that are not in the LLVM dialect yet.
static Error lower(mlir::ModuleOp module, bool isAMD) {
  mlir::PassManager manager(module.getContext());
  auto addTo = [&](mlir::OpPassManager &kernels) {
    kernels.addPass(mlir::createSCFToControlFlowPass());
    if (isAMD)
      kernels.addPass(mlir::createConvertGpuOpsToROCDLOps());
    else
      kernels.addPass(mlir::createConvertGpuOpsToNVVMOps());
  };
  const bool hasFunctions = module
                                .walk([](mlir::gpu::GPUFuncOp) {
                                  return mlir::WalkResult::interrupt();
                                })
                                .wasInterrupted();
  if (hasFunctions)
    addTo(manager.nest<mlir::gpu::GPUModuleOp>());
  manager.addPass(mlir::createConvertNVVMToLLVMPass());
  manager.addPass(mlir::createReconcileUnrealizedCastsPass());
  DiagnosticCollector diagnostics(module.getContext());
  if (failed(manager.run(module)))
    return diagnostics.takeError("the kernels cannot be lowered");
  return Error::success();
}

static Expected<mlir::Operation *> findKernels(mlir::ModuleOp module) {
  SmallVector<mlir::gpu::GPUModuleOp> modules(
      module.getOps<mlir::gpu::GPUModuleOp>());
  if (modules.size() > 1)
    return createError("the file has " + Twine(modules.size()) +
                       " gpu.modules; expected one");
  return modules.empty() ? module.getOperation()
                         : modules.front().getOperation();
}

static Expected<std::string> translate(StringRef text, StringRef name,
                                       bool isAMD) {
  mlir::MLIRContext context(makeRegistry(),
                            mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    DiagnosticCollector diagnostics(&context);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context, name);
    if (!module)
      return diagnostics.takeError("not MLIR");
  }
  if (Error error = lower(*module, isAMD))
    return std::move(error);
  Expected<mlir::Operation *> kernels = findKernels(*module);
  if (!kernels)
    return kernels.takeError();
  LLVMContext llvmContext;
  DiagnosticCollector diagnostics(&context);
  std::unique_ptr<Module> result =
      mlir::translateModuleToLLVMIR(*kernels, llvmContext);
  if (!result)
    return diagnostics.takeError("the kernels cannot be translated");
  std::string ir;
  raw_string_ostream os(ir);
  result->print(os, nullptr);
  return ir;
}

Expected<std::string> attn::readKernels(StringRef path, StringRef triple) {
  auto buffer = MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!buffer)
    return createError(path + ": " + buffer.getError().message());
  const StringRef text = (*buffer)->getBuffer();
  if (!path.ends_with(".mlir"))
    return text.str();
  return translate(text, path, triple.starts_with("amdgcn"));
}
