//===- Jit.cpp - Kernels of a module, compiled for the host ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Jit.h"
#include "HostFunctions.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Constants.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<Module>>
attn::emulator::parseModule(StringRef ir, StringRef triple,
                            LLVMContext &context) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module =
      parseIR(MemoryBufferRef(ir, "kernels"), diagnostic, context);
  if (!module) {
    std::string text;
    raw_string_ostream os(text);
    diagnostic.print("", os, /*ShowColors=*/false);
    return createStringError("not LLVM IR: " + StringRef(text).trim());
  }
  if (module->getTargetTriple().str().empty())
    module->setTargetTriple(Triple(triple));
  const Triple &target = module->getTargetTriple();
  if (!target.isNVPTX() && !target.isAMDGPU())
    return createStringError("unsupported target of the emulator: '" +
                             target.str() + "'");
  return module;
}

/// "128", "128,2" or "128,2,1".
static Dim3 parseDims(StringRef text, uint32_t missing) {
  Dim3 dims = {missing, missing, missing};
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (size_t n = 0; n < parts.size() && n < dims.size(); ++n)
    parts[n].trim().getAsInteger(10, dims[n]);
  return dims;
}

static KernelInfo describe(const Function &function, bool isAMD) {
  KernelInfo info;
  info.name = function.getName().str();
  info.warpSize = isAMD ? 64 : 32;
  info.chip = function.getFnAttribute("target-cpu").getValueAsString().str();
  if (Attribute size = function.getFnAttribute("nvvm.reqntid"); size.isValid())
    info.block = parseDims(size.getValueAsString(), 1);
  if (Attribute size = function.getFnAttribute("nvvm.cluster_dim");
      size.isValid())
    info.cluster = parseDims(size.getValueAsString(), 1);
  if (MDNode *size = function.getMetadata("reqd_work_group_size"))
    for (unsigned n = 0; n < size->getNumOperands() && n < 3; ++n)
      if (auto *dim = mdconst::dyn_extract<ConstantInt>(size->getOperand(n)))
        info.block[n] = static_cast<uint32_t>(dim->getZExtValue());
  return info;
}

std::vector<KernelInfo> attn::emulator::findKernels(Module &module) {
  std::vector<KernelInfo> kernels;
  const bool isAMD = module.getTargetTriple().isAMDGPU();
  for (const Function &function : module) {
    const CallingConv::ID convention = function.getCallingConv();
    if (!function.isDeclaration() && (convention == CallingConv::PTX_Kernel ||
                                      convention == CallingConv::AMDGPU_KERNEL))
      kernels.push_back(describe(function, isAMD));
  }
  return kernels;
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

CompiledKernel::~CompiledKernel() = default;

static Expected<orc::JITTargetMachineBuilder> hostMachine() {
  static const bool initialised = [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialised;
  Expected<orc::JITTargetMachineBuilder> builder =
      orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(CodeGenOptLevel::None);
  // vcvtneps2bf16 turns denormal numbers into zeros; GPUs keep them.
  builder->addFeatures({"-avx512bf16"});
  return builder;
}

static Error defineHostFunctions(orc::LLJIT &jit) {
  orc::SymbolMap symbols;
  for (const HostFunction &function : hostFunctions())
    symbols[jit.mangleAndIntern(function.symbol)] = {
        orc::ExecutorAddr::fromPtr(function.address),
        JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  orc::JITDylib &library = jit.getMainJITDylib();
  if (Error error = library.define(orc::absoluteSymbols(std::move(symbols))))
    return error;
  // The C library, for what the code generator calls: memcpy, exp2f, ...
  auto process = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      jit.getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  library.addGenerator(std::move(*process));
  return Error::success();
}

Expected<std::unique_ptr<CompiledKernel>>
CompiledKernel::compile(std::unique_ptr<Module> module,
                        std::unique_ptr<LLVMContext> context,
                        StringRef kernel) {
  Expected<orc::JITTargetMachineBuilder> builder = hostMachine();
  if (!builder)
    return builder.takeError();
  Expected<std::unique_ptr<TargetMachine>> machine =
      builder->createTargetMachine();
  if (!machine)
    return machine.takeError();
  std::unique_ptr<CompiledKernel> result(new CompiledKernel());
  Expected<RetargetResult> layout =
      retarget(*module, kernel, **machine, result->sites);
  if (!layout)
    return layout.takeError();
  result->layout = std::move(*layout);
  auto jit = orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*builder))
                 .create();
  if (!jit)
    return jit.takeError();
  result->jit = std::move(*jit);
  if (Error error = defineHostFunctions(*result->jit))
    return error;
  if (Error error = result->jit->addIRModule(
          orc::ThreadSafeModule(std::move(module), std::move(context))))
    return error;
  Expected<orc::ExecutorAddr> entry = result->jit->lookup(entryName);
  if (!entry)
    return entry.takeError();
  result->entry = entry->toPtr<void (*)(const void *)>();
  return result;
}
