//===- Mutate.cpp - Kernels with one synchronisation missing --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutate.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Support/raw_ostream.h"

#include <functional>

using namespace llvm;
using namespace attn::emulator;

namespace {
struct Mutant {
  std::string name;
  std::function<void()> apply;
};
} // namespace

//===----------------------------------------------------------------------===//
// What there is to mutate
//===----------------------------------------------------------------------===//

/// Text that names operations which order something; others are no mutants.
static constexpr StringLiteral synchronising[] = {
    "barrier.cta.", "bar.warp.sync",  "bar.sync",        "bar.arrive",
    "barrier.sync", "barrier.arrive", "commit",          "wait.group",
    "wait_group",   "wait.all",       "wait_all",        "mbarrier.",
    "fence.",       "membar",         "s.barrier",       "s_barrier",
    "s.waitcnt",    "s_waitcnt",      "barrier.cluster."};

/// Waits that say how much may still be under way.
static bool isCountedWait(StringRef name) {
  return name.contains("wait.group") || name.contains("wait_group");
}

static bool isSynchronising(StringRef name) {
  return any_of(synchronising,
                [&](StringRef part) { return name.contains(part); });
}

/// "llvm.nvvm.cp.async.wait.group", or the first instruction of inline
/// assembly.
static StringRef nameOf(const CallInst &call) {
  if (auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand()))
    return assembly->getAsmString();
  const Function *callee = call.getCalledFunction();
  return callee ? callee->getName() : StringRef();
}

//===----------------------------------------------------------------------===//
// What is done to it
//===----------------------------------------------------------------------===//

/// A result that lets the kernel go on: a wait has succeeded, a tied register
/// keeps its value.
static Value *resultWithout(CallInst &call) {
  Type *type = call.getType();
  if (type->isIntegerTy(1))
    return ConstantInt::getTrue(type);
  auto *structure = dyn_cast<StructType>(type);
  if (!structure || !call.isInlineAsm())
    return Constant::getNullValue(type);
  Value *all = PoisonValue::get(type);
  IRBuilder<> builder(&call);
  unsigned input = 0;
  for (const InlineAsm::ConstraintInfo &info :
       cast<InlineAsm>(call.getCalledOperand())->ParseConstraints()) {
    if (info.Type != InlineAsm::isInput)
      continue;
    unsigned output;
    if (!info.Codes.empty() &&
        !StringRef(info.Codes.front()).getAsInteger(10, output))
      all = builder.CreateInsertValue(all, call.getArgOperand(input), output);
    ++input;
  }
  return all;
}

static void remove(CallInst &call) {
  if (!call.getType()->isVoidTy())
    call.replaceAllUsesWith(resultWithout(call));
  call.eraseFromParent();
}

/// Waits for one group less.
static void weakenWait(CallInst &call) {
  if (auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand())) {
    const StringRef text = assembly->getAsmString();
    const size_t at = text.find_first_of("0123456789", text.find("wait_group"));
    unsigned count = 0;
    StringRef digits = text.substr(at);
    digits.consumeInteger(10, count);
    const std::string weaker =
        (text.substr(0, at) + Twine(count + 1) + digits).str();
    call.setCalledOperand(InlineAsm::get(
        assembly->getFunctionType(), weaker, assembly->getConstraintString(),
        assembly->hasSideEffects(), assembly->isAlignStack(),
        assembly->getDialect(), assembly->canThrow()));
    return;
  }
  auto *count = cast<ConstantInt>(call.getArgOperand(0));
  call.setArgOperand(
      0, ConstantInt::get(count->getType(), count->getZExtValue() + 1));
}

static bool canWeaken(const CallInst &call) {
  if (!isCountedWait(nameOf(call)))
    return false;
  if (call.isInlineAsm())
    return nameOf(call).find_first_of("0123456789",
                                      nameOf(call).find("wait_group")) !=
           StringRef::npos;
  return call.arg_size() > 0 && isa<ConstantInt>(call.getArgOperand(0));
}

/// Expects 16 bytes less than come.
static void expectLess(CallInst &call) {
  IRBuilder<> builder(&call);
  call.setArgOperand(
      1, builder.CreateSub(
             call.getArgOperand(1),
             ConstantInt::get(call.getArgOperand(1)->getType(), 16)));
}

static bool isShared(const Value *pointer) {
  constexpr unsigned sharedSpace = 3;
  auto *type = dyn_cast<PointerType>(pointer->getType());
  return type && type->getAddressSpace() == sharedSpace;
}

/// The access to shared memory that comes next on some path, "store i32", for
/// people and tables to know an operation by; its number depends on the code in
/// front of it.
static std::string describeNext(const Instruction &at) {
  constexpr size_t maxBlocks = 32;
  SmallVector<const BasicBlock *> blocks{at.getParent()};
  const Instruction *instruction = at.getNextNode();
  for (size_t n = 0; n < blocks.size() && n < maxBlocks; ++n) {
    if (n > 0)
      instruction = &blocks[n]->front();
    for (; instruction; instruction = instruction->getNextNode()) {
      auto *call = dyn_cast<CallInst>(instruction);
      if (call && !call->arg_empty() && isShared(call->getArgOperand(0)))
        return (" before " + nameOf(*call)).str();
      const Value *pointer = getLoadStorePointerOperand(instruction);
      if (!pointer || !isShared(pointer))
        continue;
      std::string text;
      raw_string_ostream(text) << " before " << instruction->getOpcodeName()
                               << " " << *getLoadStoreType(instruction);
      return text;
    }
    for (const BasicBlock *next : successors(blocks[n]))
      if (!is_contained(blocks, next))
        blocks.push_back(next);
  }
  return "";
}

/// Lanes of a wave run in step: such a fence is for compilers.
static bool isOfWave(const FenceInst &fence) {
  SmallVector<StringRef> scopes;
  fence.getContext().getSyncScopeNames(scopes);
  return scopes[fence.getSyncScopeID()] == "wavefront";
}

static std::vector<Mutant> findMutants(Module &module) {
  std::vector<Mutant> mutants;
  StringMap<unsigned> seen;
  auto add = [&](const Instruction &at, const Twine &what,
                 std::function<void()> apply) {
    const std::string name =
        (at.getFunction()->getName() + ": " + what + describeNext(at)).str();
    mutants.push_back(
        {name + " #" + std::to_string(seen[name]++), std::move(apply)});
  };
  for (Function &function : module)
    for (BasicBlock &block : function)
      for (Instruction &instruction : block) {
        auto *fence = dyn_cast<FenceInst>(&instruction);
        if (fence && !isOfWave(*fence))
          add(*fence, Twine("delete fence ") + toIRString(fence->getOrdering()),
              [fence] { fence->eraseFromParent(); });
        auto *call = dyn_cast<CallInst>(&instruction);
        if (!call || !isSynchronising(nameOf(*call)))
          continue;
        std::string name = nameOf(*call).str();
        replace(name, '\n', ' ');
        add(*call, "delete " + name, [call] { remove(*call); });
        if (canWeaken(*call))
          add(*call, "weaken " + name, [call] { weakenWait(*call); });
        if (StringRef(name).contains("expect.tx") && !call->isInlineAsm())
          add(*call, "expect less by " + name, [call] { expectLess(*call); });
      }
  return mutants;
}

std::vector<std::string> attn::emulator::listMutants(Module &module) {
  std::vector<std::string> names;
  for (const Mutant &mutant : findMutants(module))
    names.push_back(mutant.name);
  return names;
}

bool attn::emulator::makeMutant(Module &module, size_t index) {
  std::vector<Mutant> mutants = findMutants(module);
  if (index >= mutants.size())
    return false;
  mutants[index].apply();
  return true;
}
