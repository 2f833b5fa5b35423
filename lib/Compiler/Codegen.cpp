//===- Codegen.cpp - From the llvm stage to machine code ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CPU/TargetInfo.h"
#include "attn/Target/NVVM/TargetInfo.h"
#include "attn/Target/ROCDL/TargetInfo.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/ROCDL/ROCDLToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include <mutex>

using namespace llvm;

/// Registers all back ends once: the tools may write code for other machines.
static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
  });
}

/// A GPU by its name in the tables of targets.
static std::optional<attn::CodegenTarget> getGpuTarget(StringRef name) {
  for (const attn::NvvmTarget &gpu : attn::getKnownNvvmTargets())
    if (gpu.name == name)
      return attn::CodegenTarget{attn::kNvvmTriple, gpu.chip, gpu.features,
                                 /*isGpu=*/true};
  for (const attn::RocdlTarget &gpu : attn::getKnownRocdlTargets())
    if (gpu.name == name)
      return attn::CodegenTarget{attn::kRocdlTriple, gpu.name, /*features=*/"",
                                 /*isGpu=*/true};
  return std::nullopt;
}

Expected<attn::CodegenTarget> attn::getCodegenTarget(StringRef name) {
  if (auto gpu = getGpuTarget(name))
    return *gpu;
  Expected<CpuTarget> cpu = lookupCpuTarget(name, getGpuTargetNames());
  if (!cpu)
    return cpu.takeError();
  std::string triple =
      cpu->triple.empty() ? sys::getProcessTriple() : cpu->triple;
  return CodegenTarget{triple, cpu->cpu, cpu->features};
}

attn::CodegenTarget attn::getGenericHostTarget() {
  std::string triple = sys::getProcessTriple();
  return {triple, Triple(triple).isX86() ? "x86-64" : "generic", ""};
}

Expected<std::unique_ptr<TargetMachine>>
attn::createTargetMachine(const CodegenTarget &target, unsigned optLevel,
                          ObjectUse use) {
  if (optLevel < 1 || optLevel > 3)
    return createError("code generation level " + Twine(optLevel) +
                       " is not between 1 and 3");
  initializeTargets();
  std::string message;
  Triple triple(target.triple);
  const Target *backEnd = TargetRegistry::lookupTarget(triple, message);
  if (!backEnd)
    return createError("no code generator for " + target.triple + ": " +
                       message);
  std::unique_ptr<TargetMachine> machine(backEnd->createTargetMachine(
      triple, target.cpu, target.features, TargetOptions(), Reloc::PIC_,
      /*CM=*/std::nullopt, *CodeGenOpt::getLevel(static_cast<int>(optLevel)),
      /*JIT=*/use == ObjectUse::Jit));
  if (!machine)
    return createError("no code generator for " + target.triple);
  return std::move(machine);
}

Error attn::checkRunsHere(const CodegenTarget &target) {
  Triple hostTriple(sys::getProcessTriple()), triple(target.triple);
  if (hostTriple.getArch() != triple.getArch())
    return createError("code for " + triple.getArchName() +
                       " cannot run on this machine (" +
                       hostTriple.getArchName() + ")");
  auto machine = createTargetMachine(target, 1);
  if (!machine)
    return machine.takeError();

  // Everything that the target's processor and features switch on, by name.
  StringMap<bool> available = sys::getHostCPUFeatures();
  SmallVector<StringRef> missing;
  const MCSubtargetInfo &info = *(*machine)->getMCSubtargetInfo();
  for (const SubtargetFeatureKV &feature : info.getAllProcessorFeatures()) {
    auto found = available.find(feature.Key);
    if (found != available.end() && !found->second &&
        info.hasFeature(feature.Value))
      missing.push_back(feature.Key);
  }
  if (missing.empty())
    return Error::success();
  return createError("this machine (" + sys::getHostCPUName() + ") has no " +
                     join(missing, ", no "));
}

void attn::registerTranslations(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerGPUDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  mlir::registerROCDLDialectTranslation(registry);
}

Expected<std::unique_ptr<Module>>
attn::translateToLLVM(mlir::ModuleOp module, LLVMContext &context,
                      TargetMachine &machine) {
  DiagnosticCollector diagnostics(module.getContext());
  std::unique_ptr<Module> result =
      mlir::translateModuleToLLVMIR(module, context, "attn");
  if (!result)
    return diagnostics.takeError("translation to LLVM IR failed");
  result->setDataLayout(machine.createDataLayout());
  result->setTargetTriple(machine.getTargetTriple());
  return std::move(result);
}

void attn::optimize(Module &module, TargetMachine &machine, unsigned level) {
  if (level == 0)
    return;
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  const OptimizationLevel levels[] = {
      OptimizationLevel::O1, OptimizationLevel::O2, OptimizationLevel::O3};
  builder.buildPerModuleDefaultPipeline(levels[std::min(level, 3u) - 1])
      .run(module, modules);
}

namespace {
/// While alive, errors that a code generator reports to the context are kept;
/// without that, LLVM prints them and ends the process.
class CodegenErrors {
public:
  explicit CodegenErrors(LLVMContext &context)
      : context(context), outer(context.getDiagnosticHandler()) {
    context.setDiagnosticHandler(std::make_unique<Collector>(text));
  }
  ~CodegenErrors() { context.setDiagnosticHandler(std::move(outer)); }

  /// The first of them.
  const std::string &getText() const { return text; }

private:
  struct Collector : public DiagnosticHandler {
    explicit Collector(std::string &text) : text(text) {}
    bool handleDiagnostics(const DiagnosticInfo &info) override {
      if (info.getSeverity() != DS_Error || !text.empty())
        return true;
      raw_string_ostream os(text);
      DiagnosticPrinterRawOStream printer(os);
      info.print(printer);
      return true;
    }
    std::string &text;
  };

  LLVMContext &context;
  std::unique_ptr<DiagnosticHandler> outer;
  std::string text;
};
} // namespace

/// Passes of a code generator that do harm, or nothing for their time, by the
/// names that gates are asked with: those of loops by their titles, others by
/// their options.
static ArrayRef<StringRef> getNeedlessPasses(const Triple &triple) {
  // Strength reduction trades computations in a loop for registers around it,
  // which the loops of a GPU kernel do not have: a pointer for each array that
  // a loop walks. What global value numbering finds, CSE of MLIR has found.
  static constexpr StringRef ptx[] = {"Loop Strength Reduction", "gvn"};
  // It ran among the passes on IR already.
  static constexpr StringRef amdgpu[] = {"gvn"};
  if (triple.isNVPTX())
    return ptx;
  return triple.isAMDGPU() ? ArrayRef(amdgpu) : ArrayRef<StringRef>();
}

namespace {
/// While alive, skips some passes.
class PassSkipper : public OptPassGate {
public:
  PassSkipper(LLVMContext &context, ArrayRef<StringRef> skipped)
      : context(context), outer(context.getOptPassGate()), skipped(skipped) {
    context.setOptPassGate(*this);
  }
  ~PassSkipper() override { context.setOptPassGate(outer); }

  bool shouldRunPass(StringRef name, StringRef) const override {
    return !is_contained(skipped, name);
  }
  bool isEnabled() const override { return !skipped.empty(); }

private:
  LLVMContext &context;
  OptPassGate &outer;
  ArrayRef<StringRef> skipped;
};
} // namespace

Expected<std::unique_ptr<MemoryBuffer>>
attn::emitMachineCode(Module &module, TargetMachine &machine,
                      MachineCode kind) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  CodeGenFileType type = kind == MachineCode::Assembly
                             ? CodeGenFileType::AssemblyFile
                             : CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, stream, /*DwoOut=*/nullptr, type))
    return createError("this target cannot write machine code");
  CodegenErrors errors(module.getContext());
  PassSkipper gate(module.getContext(),
                   getNeedlessPasses(module.getTargetTriple()));
  passes.run(module);
  if (!errors.getText().empty())
    return createError("code generation failed: " + errors.getText());
  return std::make_unique<SmallVectorMemoryBuffer>(
      std::move(bytes), "attn", /*RequiresNullTerminator=*/false);
}
