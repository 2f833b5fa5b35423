//===- Retarget.cpp - From a GPU's module to one that the host can run ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Retarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace llvm;
using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// FunctionContext
//===----------------------------------------------------------------------===//

FunctionContext::FunctionContext(Function &function, SiteTable &sites)
    : function(function), sites(sites), module(*function.getParent()),
      context(function.getContext()), layout(module.getDataLayout()) {
  IRBuilder<> builder(&function.getEntryBlock(),
                      function.getEntryBlock().begin());
  scratchMemory = builder.CreateAlloca(ArrayType::get(builder.getInt8Ty(), 64));
  scratchMemory->setAlignment(Align(64));
}

Value *FunctionContext::registers() {
  if (!registersPointer) {
    IRBuilder<> builder(scratchMemory);
    registersPointer = builder.CreateCall(module.getOrInsertFunction(
        "attn_emulator_registers",
        FunctionType::get(builder.getPtrTy(), false)));
  }
  return registersPointer;
}

Value *FunctionContext::loadRegister(IRBuilderBase &builder, size_t offset,
                                     unsigned bits) {
  Value *address = builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(),
                                                      registers(), offset);
  return builder.CreateLoad(builder.getIntNTy(bits), address);
}

Constant *FunctionContext::pointerTo(const void *object) {
  return ConstantExpr::getIntToPtr(
      ConstantInt::get(Type::getInt64Ty(context),
                       reinterpret_cast<uintptr_t>(object)),
      PointerType::get(context, 0));
}

void FunctionContext::requireScratch(uint64_t bytes) {
  if (bytes <= scratchBytes)
    return;
  scratchBytes = alignTo(bytes, 64);
  scratchMemory->setAllocatedType(
      ArrayType::get(Type::getInt8Ty(context), scratchBytes));
}

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

static bool isForAMD(const Module &module) {
  return module.getTargetTriple().isAMDGPU();
}

/// Leaves what the kernel can reach.
static void isolate(Module &module, StringRef kernel) {
  for (StringRef name : {"llvm.used", "llvm.compiler.used"})
    if (GlobalVariable *used = module.getGlobalVariable(name))
      used->eraseFromParent();
  internalizeModule(module, [&](const GlobalValue &value) {
    return value.getName() == kernel;
  });
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  GlobalDCEPass().run(module, modules);
}

/// Parameters passed in memory stay so, whatever the target calls it.
static AttributeList hostAttributes(const Function &function) {
  LLVMContext &context = function.getContext();
  AttrBuilder ofFunction(context);
  ofFunction.addAttribute(Attribute::NoUnwind);
  AttributeList result = AttributeList().addFnAttributes(context, ofFunction);
  for (const Argument &argument : function.args()) {
    const AttributeSet old = argument.getAttributes();
    Type *type = argument.hasByValAttr() ? argument.getParamByValType()
                                         : argument.getParamByRefType();
    if (!type)
      continue;
    AttrBuilder parameter(context);
    parameter.addByRefAttr(type);
    parameter.addAlignmentAttr(old.getAlignment());
    result = result.addParamAttributes(context, argument.getArgNo(), parameter);
  }
  return result;
}

/// Nothing of the GPU's target must reach the code generator of the host.
static void adoptHost(Module &module, TargetMachine &host) {
  if (isForAMD(module))
    module.addModuleFlag(Module::Warning, "attn.emulator.amd", 1);
  module.setTargetTriple(host.getTargetTriple());
  module.setDataLayout(host.createDataLayout());
  for (Function &function : module) {
    if (function.isIntrinsic())
      continue;
    function.setCallingConv(CallingConv::C);
    function.setLinkage(function.isDeclaration()
                            ? GlobalValue::ExternalLinkage
                            : GlobalValue::InternalLinkage);
    function.setAttributes(hostAttributes(function));
  }
  for (GlobalVariable &variable : module.globals())
    variable.setSection("");
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Operations that only the GPU has, or that need the scheduler.
static bool isTargetOperation(const CallInst &call) {
  if (call.isInlineAsm())
    return true;
  const Function *callee = call.getCalledFunction();
  if (!callee)
    return true;
  if (!callee->isIntrinsic())
    return callee->isDeclaration() &&
           !callee->getName().starts_with("attn_emulator_");
  const StringRef name = callee->getName();
  return name.starts_with("llvm.nvvm.") || name.starts_with("llvm.amdgcn.") ||
         name == "llvm.trap" || name == "llvm.ubsantrap";
}

/// Generic intrinsics that touch memory behind the checker's back.
static bool isUncheckedMemory(const CallInst &call) {
  auto *intrinsic = dyn_cast<IntrinsicInst>(&call);
  if (!intrinsic || isa<MemIntrinsic>(intrinsic) ||
      intrinsic->isAssumeLikeIntrinsic() || intrinsic->doesNotAccessMemory())
    return false;
  return !intrinsic->onlyAccessesInaccessibleMemory() &&
         intrinsic->getIntrinsicID() != Intrinsic::stacksave &&
         intrinsic->getIntrinsicID() != Intrinsic::stackrestore;
}

static Error rewriteFunction(Function &function, SiteTable &sites, bool isAMD) {
  FunctionContext context(function, sites);
  instrumentAccesses(context);
  SmallVector<Instruction *> operations;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      auto *call = dyn_cast<CallInst>(&instruction);
      if (call && isUncheckedMemory(*call) && !isTargetOperation(*call))
        return createStringError("unsupported operation: " +
                                 call->getCalledFunction()->getName());
      if (isa<FenceInst>(instruction) || (call && isTargetOperation(*call)))
        operations.push_back(&instruction);
    }
  SitePositions positions;
  if (isAMD)
    if (Error error = positions.number(context))
      return error;
  std::vector<SitePosition> atOperations;
  for (Instruction *operation : operations)
    atOperations.push_back(positions.findPosition(*operation));
  for (auto [operation, position] : zip(operations, atOperations)) {
    const size_t first = sites.calls.size();
    auto *call = dyn_cast<CallInst>(operation);
    if (call && lowerScalar(*call, context))
      continue;
    if (Error error = call ? lowerOperation(*call, context)
                           : lowerFence(*cast<FenceInst>(operation), context))
      return error;
    for (size_t n = first; n < sites.calls.size(); ++n) {
      sites.calls[n].position = position;
      position.position += 1;
    }
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

/// Parameters follow each other at their natural alignment, as in the argument
/// blocks of the drivers.
static void layOutParameters(const Function &kernel, RetargetResult &result) {
  const DataLayout &layout = kernel.getParent()->getDataLayout();
  uint64_t offset = 0;
  for (const Argument &argument : kernel.args()) {
    Type *type = argument.getParamByRefType();
    const bool isByReference = type != nullptr;
    if (!type)
      type = argument.getType();
    const Align alignment =
        isByReference
            ? argument.getParamAlign().value_or(layout.getABITypeAlign(type))
            : layout.getABITypeAlign(type);
    offset = alignTo(offset, alignment);
    const uint64_t bytes = layout.getTypeStoreSize(type);
    result.parameters.push_back({offset, bytes, isByReference});
    offset += bytes;
  }
  result.argumentBytes = offset;
}

static void makeEntry(Function &kernel, const RetargetResult &result) {
  LLVMContext &context = kernel.getContext();
  IRBuilder<> builder(context);
  Function *entry = Function::Create(
      FunctionType::get(builder.getVoidTy(), {builder.getPtrTy()}, false),
      GlobalValue::ExternalLinkage, entryName, *kernel.getParent());
  builder.SetInsertPoint(BasicBlock::Create(context, "", entry));
  SmallVector<Value *> arguments;
  for (auto [argument, field] : zip(kernel.args(), result.parameters)) {
    Value *address = builder.CreateConstInBoundsGEP1_64(
        builder.getInt8Ty(), entry->getArg(0), field.offset);
    arguments.push_back(
        field.isByReference
            ? builder.CreateAddrSpaceCast(address, argument.getType())
            : static_cast<Value *>(
                  builder.CreateLoad(argument.getType(), address)));
  }
  builder.CreateCall(&kernel, arguments);
  builder.CreateRetVoid();
}

Expected<RetargetResult> attn::emulator::retarget(Module &module,
                                                  StringRef kernelName,
                                                  TargetMachine &host,
                                                  SiteTable &sites) {
  Function *kernel = module.getFunction(kernelName);
  if (!kernel || kernel->isDeclaration())
    return createStringError("no kernel '" + kernelName + "'");
  const bool isAMD = isForAMD(module);
  isolate(module, kernelName);
  if (Error error = lowerFatPointers(module))
    return std::move(error);
  kernel = module.getFunction(kernelName);
  adoptHost(module, host);
  RetargetResult result;
  layOutParameters(*kernel, result);
  for (Function &function : module)
    if (!function.isDeclaration())
      if (Error error = rewriteFunction(function, sites, isAMD))
        return error;
  result.staticSharedBytes = placeSharedMemory(module);
  makeEntry(*kernel, result);
  std::string problems;
  raw_string_ostream os(problems);
  if (verifyModule(module, &os))
    return createStringError("the retargeted module is broken: " + problems);
  return result;
}
