//===- SharedMemory.cpp - Shared variables in the block's window ----------===//
//-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Retarget.h"

#include "llvm/IR/ReplaceConstant.h"

#include <cstddef>

using namespace llvm;
using namespace attn::emulator;

static constexpr unsigned sharedSpace = 3;

/// Where dynamic shared memory begins: wide enough for every swizzle, which
/// needs patterns of up to 1024 bytes to be aligned.
static constexpr uint64_t dynamicAlignment = 1024;

/// A pointer to `offset` in the window, made at the begin of a function.
static Value *pointerIn(Function &function, GlobalVariable &variable,
                        uint64_t offset) {
  IRBuilder<> builder(&function.getEntryBlock(),
                      function.getEntryBlock().begin());
  FunctionCallee registers = function.getParent()->getOrInsertFunction(
      "attn_emulator_registers", FunctionType::get(builder.getPtrTy(), false));
  Value *record = builder.CreateCall(registers);
  Value *base = builder.CreateLoad(
      builder.getInt64Ty(),
      builder.CreateConstInBoundsGEP1_64(
          builder.getInt8Ty(), record, offsetof(ThreadRegisters, sharedBase)));
  return builder.CreateIntToPtr(
      builder.CreateAdd(base, builder.getInt64(offset)), variable.getType());
}

static void replaceVariable(GlobalVariable &variable, uint64_t offset) {
  convertUsersOfConstantsToInstructions({&variable});
  DenseMap<Function *, Value *> pointers;
  for (Use &use : make_early_inc_range(variable.uses())) {
    auto *user = dyn_cast<Instruction>(use.getUser());
    if (!user)
      continue; // a list of used variables
    Value *&pointer = pointers[user->getFunction()];
    if (!pointer)
      pointer = pointerIn(*user->getFunction(), variable, offset);
    use.set(pointer);
  }
  variable.replaceAllUsesWith(PoisonValue::get(variable.getType()));
  variable.eraseFromParent();
}

size_t attn::emulator::placeSharedMemory(Module &module) {
  const DataLayout &layout = module.getDataLayout();
  auto sizeOf = [&](const GlobalVariable *variable) {
    return layout.getTypeAllocSize(variable->getValueType()).getFixedValue();
  };
  SmallVector<GlobalVariable *> fixed, dynamic;
  for (GlobalVariable &variable : module.globals())
    if (variable.getAddressSpace() == sharedSpace)
      (sizeOf(&variable) ? fixed : dynamic).push_back(&variable);
  uint64_t end = 0;
  for (GlobalVariable *variable : fixed) {
    const uint64_t size = sizeOf(variable);
    end = alignTo(
        end, std::max<uint64_t>(16, variable->getAlign().valueOrOne().value()));
    replaceVariable(*variable, end);
    end += size;
  }
  // All of them are the same memory, behind the static part.
  if (!dynamic.empty())
    end = alignTo(end, dynamicAlignment);
  for (GlobalVariable *variable : dynamic)
    replaceVariable(*variable, end);
  return end;
}
