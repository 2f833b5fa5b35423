//===- Image.cpp - Kernels as shared objects ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/Image.h"

#include "attn/Artefact/Describe.h"
#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Compiler/Invoke.h"
#include "attn/Compiler/Jit.h"
#include "attn/Runtime/KernelAbi.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using namespace attn;

/// Makes everything in the module private, under names that no longer collide
/// with those that the loader looks for.
static void internalize(Module &module) {
  for (GlobalValue &value : module.global_values()) {
    if (value.isDeclaration())
      continue;
    value.setLinkage(GlobalValue::InternalLinkage);
    value.setName("attn." + value.getName());
  }
}

/// Gives each runtime function a body that calls through the table of imports:
/// the image then needs no symbol of the process that loads it.
static void defineImports(Module &module) {
  IRBuilder<> builder(module.getContext());
  Type *pointer = builder.getPtrTy();
  auto *type = ArrayType::get(pointer, std::size(importNames));
  auto *table = new GlobalVariable(
      module, type, /*isConstant=*/false, GlobalValue::ExternalLinkage,
      ConstantAggregateZero::get(type), importsSymbol);
  for (auto [position, name] : enumerate(importNames)) {
    Function *function = module.getFunction(name);
    if (!function)
      continue;
    function->setName("attn." + Twine(name));
    function->setLinkage(GlobalValue::InternalLinkage);
    builder.SetInsertPoint(
        BasicBlock::Create(module.getContext(), "entry", function));
    Value *slot = builder.CreateConstInBoundsGEP2_64(type, table, 0, position);
    SmallVector<Value *> arguments(make_pointer_range(function->args()));
    CallInst *call =
        builder.CreateCall(function->getFunctionType(),
                           builder.CreateLoad(pointer, slot), arguments);
    if (function->getReturnType()->isVoidTy())
      builder.CreateRetVoid();
    else
      builder.CreateRet(call);
  }
}

static void embedManifest(Module &module, StringRef manifest) {
  Constant *text = ConstantDataArray::getString(module.getContext(), manifest);
  new GlobalVariable(module, text->getType(), /*isConstant=*/true,
                     GlobalValue::ExternalLinkage, text, manifestSymbol);
}

/// An object of a module at the `llvm` stage.
static Expected<std::string> emitObject(mlir::ModuleOp module, StringRef entry,
                                        StringRef manifest,
                                        TargetMachine &machine,
                                        unsigned irOptLevel) {
  LLVMContext context;
  auto ir = translateToLLVM(module, context, machine);
  if (!ir)
    return ir.takeError();
  // Before internalize(), which renames what this looks up.
  auto invoke = addInvokeFunction(**ir, entry);
  if (!invoke)
    return invoke.takeError();
  internalize(**ir);
  Function *function = (*ir)->getFunction("attn." + *invoke);
  function->setName(invokeSymbol);
  function->setLinkage(GlobalValue::ExternalLinkage);
  defineImports(**ir);
  embedManifest(**ir, manifest);
  optimize(**ir, machine, irOptLevel);
  auto object = emitMachineCode(**ir, machine, MachineCode::Object);
  if (!object)
    return object.takeError();
  if (Error error = checkUndefinedSymbols((*object)->getMemBufferRef(),
                                          {"memcpy", "memmove", "memset"}))
    return std::move(error);
  return (*object)->getBuffer().str();
}

Expected<Image> attn::createImage(mlir::ModuleOp module, StringRef entryName,
                                  const ImageOptions &options) {
  auto target = getCodegenTarget(options.target);
  if (!target)
    return target.takeError();
  auto machine = createTargetMachine(*target, options.codegenOptLevel,
                                     ObjectUse::SharedObject);
  if (!machine)
    return machine.takeError();
  auto entry = runner::findEntry(module, entryName);
  if (!entry)
    return entry.takeError();
  auto manifest = describeKernel(*entry, *target, **machine, options.target);
  if (!manifest)
    return manifest.takeError();

  JitOptions lowering;
  lowering.target = options.target;
  if (Error error = lowerForJit(module, entry->name, lowering))
    return std::move(error);
  auto object =
      emitObject(module, entry->name, *manifest, **machine, options.irOptLevel);
  if (!object)
    return object.takeError();
  auto shared = linkSharedObject(*object);
  if (!shared)
    return shared.takeError();
  return Image{std::move(*shared), std::move(*manifest)};
}
