//===- Invoke.cpp - One way to call every kernel --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Invoke.h"

#include "attn/Compiler/Diagnostics.h"
#include "attn/Runtime/KernelAbi.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ObjectFile.h"

using namespace llvm;

Expected<std::string> attn::addInvokeFunction(Module &module, StringRef entry) {
  Function *callee = module.getFunction(("_mlir_ciface_" + entry).str());
  if (!callee || callee->isDeclaration())
    return createError("function @" + entry +
                       " has no body to call after lowering");
  if (!callee->getReturnType()->isVoidTy())
    return createError("function @" + entry +
                       " returns something that is not a memref");
  IRBuilder<> builder(module.getContext());
  Type *pointer = builder.getPtrTy();
  Function *invoke = Function::Create(
      FunctionType::get(builder.getVoidTy(), {pointer}, /*isVarArg=*/false),
      GlobalValue::ExternalLinkage, invokeSymbol, module);
  builder.SetInsertPoint(
      BasicBlock::Create(module.getContext(), "entry", invoke));
  SmallVector<Value *> operands;
  for (Argument &argument : callee->args()) {
    Value *slot = builder.CreateConstInBoundsGEP1_64(pointer, invoke->getArg(0),
                                                     argument.getArgNo());
    Value *operand = builder.CreateLoad(pointer, slot);
    if (!argument.getType()->isPointerTy())
      operand = builder.CreateLoad(argument.getType(), operand);
    operands.push_back(operand);
  }
  builder.CreateCall(callee, operands);
  builder.CreateRetVoid();
  // The module may use the name; then ours got a suffix.
  return invoke->getName().str();
}

Error attn::checkUndefinedSymbols(MemoryBufferRef object,
                                  ArrayRef<StringRef> provided) {
  auto file = object::ObjectFile::createObjectFile(object);
  if (!file)
    return file.takeError();
  SmallVector<std::string> unknown;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name)
      return joinErrors(flags.takeError(), name.takeError());
    if (!(*flags & object::SymbolRef::SF_Undefined) || name->empty() ||
        *name == "_GLOBAL_OFFSET_TABLE_")
      continue;
    if (!is_contained(provided, *name))
      unknown.push_back(name->str());
  }
  if (unknown.empty())
    return Error::success();
  return createError("the generated code calls " + join(unknown, ", ") +
                     ", which Attn does not provide");
}
