//===- Instrument.cpp - Announcing memory accesses to the checker ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Retarget.h"

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn::emulator;

// Address spaces that NVPTX and AMDGPU share.
static constexpr unsigned sharedSpace = 3;
static constexpr unsigned constantSpace = 4;
static constexpr unsigned privateSpace = 5;

/// Memory of the thread itself, and what no one can write.
static bool needsNoCheck(const Value *pointer) {
  const unsigned space = pointer->getType()->getPointerAddressSpace();
  if (space == constantSpace || space == privateSpace)
    return true;
  if (space == sharedSpace)
    return false;
  const Value *object = getUnderlyingObject(pointer);
  if (auto *argument = dyn_cast<Argument>(object))
    return argument->hasByValAttr() || argument->hasByRefAttr();
  if (auto *variable = dyn_cast<GlobalVariable>(object))
    return variable->getAddressSpace() != sharedSpace;
  return isa<AllocaInst>(object);
}

static const char *keep(SiteTable &sites, std::string text) {
  sites.texts.push_back(std::move(text));
  return sites.texts.back().c_str();
}

static std::string describe(StringRef what, Type *type) {
  std::string text;
  raw_string_ostream os(text);
  os << what << " of " << *type;
  return text;
}

static void announce(Instruction &at, Value *pointer, Value *bytes,
                     AccessSite site, FunctionContext &context) {
  if (needsNoCheck(pointer))
    return;
  if (const DebugLoc &location = at.getDebugLoc())
    site.line = location.getLine();
  context.sites.accesses.push_back(site);
  IRBuilder<> builder(&at);
  FunctionCallee callee = context.module.getOrInsertFunction(
      "attn_emulator_access",
      FunctionType::get(
          builder.getVoidTy(),
          {builder.getPtrTy(), builder.getInt64Ty(), builder.getPtrTy()},
          false));
  Value *address = builder.CreateAddrSpaceCast(pointer, builder.getPtrTy());
  builder.CreateCall(
      callee, {address, builder.CreateZExtOrTrunc(bytes, builder.getInt64Ty()),
               context.pointerTo(&context.sites.accesses.back())});
}

/// An access of a type with a known alignment.
static void announceTyped(Instruction &at, Value *pointer, Type *type,
                          Align alignment, AccessKind kind, StringRef what,
                          AtomicOrdering ordering, FunctionContext &context) {
  AccessSite site;
  site.description = keep(context.sites, describe(what, type));
  site.bytes = static_cast<uint32_t>(context.layout.getTypeStoreSize(type));
  site.alignment = static_cast<uint32_t>(alignment.value());
  site.kind = kind;
  site.isAcquire = isAcquireOrStronger(ordering);
  site.isRelease = isReleaseOrStronger(ordering);
  announce(at, pointer,
           ConstantInt::get(Type::getInt64Ty(context.context), site.bytes),
           site, context);
}

static void announceRange(Instruction &at, Value *pointer, Value *length,
                          MaybeAlign alignment, AccessKind kind,
                          FunctionContext &context) {
  AccessSite site;
  site.description = kind == AccessKind::Read ? "the source of a copy"
                                              : "the target of a copy or fill";
  site.alignment = static_cast<uint32_t>(alignment.valueOrOne().value());
  site.kind = kind;
  announce(at, pointer, length, site, context);
}

static void instrument(Instruction &instruction, FunctionContext &context) {
  constexpr AtomicOrdering plain = AtomicOrdering::NotAtomic;
  if (auto *load = dyn_cast<LoadInst>(&instruction)) {
    announceTyped(
        *load, load->getPointerOperand(), load->getType(), load->getAlign(),
        load->isAtomic() ? AccessKind::Atomic : AccessKind::Read, "a load",
        load->isAtomic() ? load->getOrdering() : plain, context);
  } else if (auto *store = dyn_cast<StoreInst>(&instruction)) {
    announceTyped(*store, store->getPointerOperand(),
                  store->getValueOperand()->getType(), store->getAlign(),
                  store->isAtomic() ? AccessKind::Atomic : AccessKind::Write,
                  "a store", store->isAtomic() ? store->getOrdering() : plain,
                  context);
  } else if (auto *update = dyn_cast<AtomicRMWInst>(&instruction)) {
    announceTyped(*update, update->getPointerOperand(), update->getType(),
                  update->getAlign(), AccessKind::Atomic, "an atomic update",
                  update->getOrdering(), context);
  } else if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(&instruction)) {
    announceTyped(*exchange, exchange->getPointerOperand(),
                  exchange->getCompareOperand()->getType(),
                  exchange->getAlign(), AccessKind::Atomic,
                  "an atomic exchange", exchange->getSuccessOrdering(),
                  context);
  } else if (auto *transfer = dyn_cast<MemTransferInst>(&instruction)) {
    announceRange(*transfer, transfer->getRawSource(), transfer->getLength(),
                  transfer->getSourceAlign(), AccessKind::Read, context);
    announceRange(*transfer, transfer->getRawDest(), transfer->getLength(),
                  transfer->getDestAlign(), AccessKind::Write, context);
  } else if (auto *fill = dyn_cast<MemSetInst>(&instruction)) {
    announceRange(*fill, fill->getRawDest(), fill->getLength(),
                  fill->getDestAlign(), AccessKind::Write, context);
  }
}

/// Calls a function of the host before the instruction.
static void callBefore(Instruction &instruction, StringRef symbol,
                       FunctionContext &context) {
  IRBuilder<> builder(&instruction);
  builder.CreateCall(context.module.getOrInsertFunction(
      symbol, FunctionType::get(builder.getVoidTy(), false)));
}

void attn::emulator::instrumentAccesses(FunctionContext &context) {
  SmallVector<Instruction *> all;
  for (BasicBlock &block : context.function)
    for (Instruction &instruction : block)
      all.push_back(&instruction);
  for (Instruction *instruction : all) {
    if (isa<UnreachableInst>(instruction))
      callBefore(*instruction, "attn_emulator_unreachable", context);
    else
      instrument(*instruction, context);
  }
}
