//===- FatPointers.cpp - Buffer pointers of AMD ---------------------------===//
//-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Retarget.h"

#include "llvm-c/Target.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;
using namespace attn::emulator;

/// A buffer resource and an offset, 160 bits.
static constexpr unsigned fatPointerSpace = 7;

static bool isFatPointer(const Type *type) {
  type = type->getScalarType();
  return type->isPointerTy() &&
         type->getPointerAddressSpace() == fatPointerSpace;
}

static bool hasFatPointers(const Module &module) {
  for (const Function &function : module)
    for (const BasicBlock &block : function)
      for (const Instruction &instruction : block)
        if (isFatPointer(instruction.getType()) ||
            any_of(instruction.operands(),
                   [](const Use &use) { return isFatPointer(use->getType()); }))
          return true;
  return false;
}

static std::unique_ptr<TargetMachine> createAMDMachine(const Module &module) {
  static const bool initialised = [] {
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTarget();
    LLVMInitializeAMDGPUTargetMC();
    return true;
  }();
  (void)initialised;
  std::string error;
  const Target *target =
      TargetRegistry::lookupTarget(module.getTargetTriple(), error);
  if (!target)
    return nullptr;
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      module.getTargetTriple(), "gfx942", "", TargetOptions(), std::nullopt));
}

Error attn::emulator::lowerFatPointers(Module &module) {
  if (!module.getTargetTriple().isAMDGPU() || !hasFatPointers(module))
    return Error::success();
  std::unique_ptr<TargetMachine> machine = createAMDMachine(module);
  if (!machine)
    return createStringError("buffer pointers need an LLVM with AMDGPU");
  module.setDataLayout(machine->createDataLayout());
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  ModulePassManager passes;
  if (Error error =
          builder.parsePassPipeline(passes, "amdgpu-lower-buffer-fat-pointers"))
    return error;
  passes.run(module, modules);
  return Error::success();
}
