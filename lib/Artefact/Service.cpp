//===- Service.cpp - The compiler as another library sees it --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/Service.h"

#include "FatalErrors.h"
#include "attn/Artefact/Image.h"
#include "attn/Artefact/Source.h"
#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Context.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Pipelines/Pipelines.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using namespace attn;
using Status = ServiceResult::Status;

/// What targets cannot do is told by this phrase, see docs/targets.md.
static constexpr StringLiteral unsupportedPhrase = "unsupported on ";

/// `status` unless the error says that the target lacks something.
static ServiceResult toResult(Error error, Status status) {
  ServiceResult result;
  result.text = toString(std::move(error));
  result.status = StringRef(result.text).contains(unsupportedPhrase)
                      ? Status::Unsupported
                      : status;
  return result;
}

/// The module of a source that is to be compiled for a known target.
static Expected<mlir::OwningOpRef<mlir::ModuleOp>>
read(const KernelSource &source, const std::string &target,
     mlir::MLIRContext *context) {
  if (auto known = getCodegenTarget(target); !known)
    return known.takeError();
  return readSource(source, context);
}

static ServiceResult compile(const KernelSource &source,
                             const std::string &target) {
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto module = read(source, target, context.get());
  if (!module)
    return toResult(module.takeError(), Status::Invalid);
  ImageOptions options;
  options.target = target;
  options.onlyBitcode = source.forEmulator;
  if (source.kind == KernelSource::Kind::Problem)
    options.problem = source.text;
  auto image = createImage(**module, source.entry, options);
  if (!image)
    return toResult(image.takeError(), Status::Failed);
  ServiceResult result;
  result.image = std::move(image->object);
  result.manifest = std::move(image->manifest);
  return result;
}

namespace {
enum class Code { None, LLVMIR, Assembly, Object };
} // namespace

static Error emitCode(mlir::ModuleOp module, const std::string &targetName,
                      Code code, raw_ostream &os) {
  auto target = getCodegenTarget(targetName);
  if (!target)
    return target.takeError();
  if (target->isGpu) {
    if (code == Code::Object)
      return createError("stage: objects of GPUs are in a compiled kernel");
    return printGpuCode(
        module, *target,
        code == Code::LLVMIR ? GpuText::LLVMIR : GpuText::Assembly, os);
  }
  auto machine =
      createTargetMachine(*target, /*optLevel=*/2, ObjectUse::SharedObject);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto ir = translateToLLVM(module, context, **machine);
  if (!ir)
    return ir.takeError();
  if (code == Code::LLVMIR) {
    (*ir)->print(os, /*AAW=*/nullptr);
    return Error::success();
  }
  auto buffer = emitMachineCode(**ir, **machine,
                                code == Code::Assembly ? MachineCode::Assembly
                                                       : MachineCode::Object);
  if (!buffer)
    return buffer.takeError();
  os << (*buffer)->getBuffer();
  return Error::success();
}

static ServiceResult emit(const KernelSource &source, const std::string &target,
                          const std::string &stageName) {
  Code code = StringSwitch<Code>(stageName)
                  .Case("llvm-ir", Code::LLVMIR)
                  .Case("asm", Code::Assembly)
                  .Case("object", Code::Object)
                  .Default(Code::None);
  auto stage = code == Code::None ? symbolizeStage(stageName) : Stage::LLVM;
  if (!stage)
    return toResult(createError("stage: no stage '" + Twine(stageName) +
                                "'; there are attn, configured, online, tile, "
                                "llvm, llvm-ir, asm, object"),
                    Status::Invalid);
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto module = read(source, target, context.get());
  if (!module)
    return toResult(module.takeError(), Status::Invalid);

  PipelineOptions options;
  options.target = target;
  mlir::PassManager passes(context.get());
  buildPipelineTo(*stage, passes, options);
  DiagnosticCollector diagnostics(context.get());
  if (failed(passes.run(**module)))
    return toResult(diagnostics.takeError("lowering failed"), Status::Failed);
  ServiceResult result;
  raw_string_ostream os(result.text);
  if (code == Code::None)
    (*module)->print(os);
  else if (Error error = emitCode(**module, target, code, os))
    return toResult(std::move(error), Status::Failed);
  return result;
}

// The work owns copies of what it is given, see FatalErrors.h.

static ServiceResult compileGuarded(const KernelSource &source,
                                    const std::string &target) {
  return runSurvivingFatalErrors([=] { return compile(source, target); });
}

static ServiceResult emitGuarded(const KernelSource &source,
                                 const std::string &target,
                                 const std::string &stage) {
  return runSurvivingFatalErrors([=] { return emit(source, target, stage); });
}

extern "C" __attribute__((visibility("default"))) const CompilerService *
attnGetCompilerService() {
  static const CompilerService service = {compileGuarded, emitGuarded};
  return &service;
}
