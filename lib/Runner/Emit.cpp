//===- Emit.cpp - Printing the stages -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Emit.h"

#include "attn/Artefact/GpuCode.h"
#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Pipelines/Pipelines.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using namespace attn;
using namespace attn::runner;

static Stage getStage(Emission emission) {
  switch (emission) {
  case Emission::Nothing:
  case Emission::Attn:
    return Stage::Attn;
  case Emission::Configured:
    return Stage::Configured;
  case Emission::Online:
    return Stage::Online;
  case Emission::Tile:
    return Stage::Tile;
  case Emission::LLVM:
  case Emission::LLVMIR:
  case Emission::Assembly:
  case Emission::Object:
    return Stage::LLVM;
  }
  llvm_unreachable("every emission has a stage");
}

static Error lower(mlir::ModuleOp module, const RunnerOptions &options) {
  PipelineOptions pipelineOptions;
  pipelineOptions.target = options.target;
  mlir::PassManager passes(module.getContext());
  buildPipelineTo(getStage(options.emission), passes, pipelineOptions);
  DiagnosticCollector diagnostics(module.getContext());
  if (failed(passes.run(module)))
    return diagnostics.takeError("lowering failed");
  return Error::success();
}

/// LLVM IR, assembly or an object of a module at the `llvm` stage.
static Error emitCode(mlir::ModuleOp module, const RunnerOptions &options,
                      raw_ostream &os) {
  auto target = getCodegenTarget(options.target);
  if (!target)
    return target.takeError();
  if (target->isGpu) {
    if (options.emission == Emission::Object)
      return createError("objects of GPUs come from attn-compile --save-code");
    return printGpuCode(module, *target,
                        options.emission == Emission::LLVMIR
                            ? GpuText::LLVMIR
                            : GpuText::Assembly,
                        os);
  }
  auto machine = createTargetMachine(*target, /*optLevel=*/2);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto ir = translateToLLVM(module, context, **machine);
  if (!ir)
    return ir.takeError();
  if (options.emission == Emission::LLVMIR) {
    (*ir)->print(os, /*AAW=*/nullptr);
    return Error::success();
  }
  auto code = emitMachineCode(**ir, **machine,
                              options.emission == Emission::Assembly
                                  ? MachineCode::Assembly
                                  : MachineCode::Object);
  if (!code)
    return code.takeError();
  os << (*code)->getBuffer();
  return Error::success();
}

Error runner::emit(mlir::ModuleOp module, const RunnerOptions &options) {
  if (Error error = lower(module, options))
    return error;
  // Writes to a temporary first, so that a failure leaves an old file alone.
  Error error = writeToOutput(options.emitFile, [&](raw_ostream &os) -> Error {
    switch (options.emission) {
    case Emission::LLVMIR:
    case Emission::Assembly:
    case Emission::Object:
      return emitCode(module, options, os);
    default:
      module.print(os);
      return Error::success();
    }
  });
  if (error)
    return createError("--emit: " + toString(std::move(error)));
  return Error::success();
}
