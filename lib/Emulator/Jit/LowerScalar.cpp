//===- LowerScalar.cpp - Special registers and scalar operations ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What one thread computes for itself needs no call site: a load, an
// instruction of LLVM or a function of the host does it.
//
//===----------------------------------------------------------------------===//

#include "HostFunctions.h"
#include "Retarget.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Intrinsics.h"

#include <cstddef>

using namespace llvm;
using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

/// "x", "y" or "z" as an index.
static std::optional<unsigned> dimension(StringRef name) {
  if (name == "x")
    return 0;
  if (name == "y")
    return 1;
  if (name == "z")
    return 2;
  return std::nullopt;
}

namespace {
struct RegisterGroup {
  StringRef name;
  size_t offset;
};
} // namespace

static constexpr size_t noRegister = ~size_t(0);

/// The offset in ThreadRegisters, or noRegister.
static size_t findRegister(StringRef name) {
  static const RegisterGroup triples[] = {
      {"llvm.nvvm.read.ptx.sreg.tid.", offsetof(ThreadRegisters, threadIndex)},
      {"llvm.nvvm.read.ptx.sreg.ntid.", offsetof(ThreadRegisters, blockSize)},
      {"llvm.nvvm.read.ptx.sreg.ctaid.", offsetof(ThreadRegisters, blockIndex)},
      {"llvm.nvvm.read.ptx.sreg.nctaid.", offsetof(ThreadRegisters, gridSize)},
      {"llvm.nvvm.read.ptx.sreg.clusterid.",
       offsetof(ThreadRegisters, clusterIndex)},
      {"llvm.nvvm.read.ptx.sreg.nclusterid.",
       offsetof(ThreadRegisters, clusterCount)},
      {"llvm.nvvm.read.ptx.sreg.cluster.ctaid.",
       offsetof(ThreadRegisters, blockIndexInCluster)},
      {"llvm.nvvm.read.ptx.sreg.cluster.nctaid.",
       offsetof(ThreadRegisters, clusterSize)},
      {"llvm.amdgcn.workitem.id.", offsetof(ThreadRegisters, threadIndex)},
      {"llvm.amdgcn.workgroup.id.", offsetof(ThreadRegisters, blockIndex)},
  };
  static const RegisterGroup single[] = {
      {"llvm.nvvm.read.ptx.sreg.laneid", offsetof(ThreadRegisters, lane)},
      {"llvm.nvvm.read.ptx.sreg.warpid", offsetof(ThreadRegisters, warp)},
      {"llvm.nvvm.read.ptx.sreg.nwarpid", offsetof(ThreadRegisters, warpCount)},
      {"llvm.nvvm.read.ptx.sreg.warpsize", offsetof(ThreadRegisters, warpSize)},
      {"llvm.amdgcn.wavefrontsize", offsetof(ThreadRegisters, warpSize)},
      {"llvm.amdgcn.wave.id", offsetof(ThreadRegisters, warp)},
      {"llvm.amdgcn.groupstaticsize", offsetof(ThreadRegisters, sharedBytes)},
      {"llvm.nvvm.read.ptx.sreg.cluster.ctarank",
       offsetof(ThreadRegisters, clusterRank)},
      {"llvm.nvvm.read.ptx.sreg.cluster.nctarank",
       offsetof(ThreadRegisters, blocksInCluster)},
      {"llvm.nvvm.read.ptx.sreg.total_smem_size",
       offsetof(ThreadRegisters, sharedBytes)},
      {"llvm.nvvm.read.ptx.sreg.aggr_smem_size",
       offsetof(ThreadRegisters, sharedBytes)},
      {"llvm.nvvm.read.ptx.sreg.dynamic_smem_size",
       offsetof(ThreadRegisters, dynamicSharedBytes)},
  };
  for (const RegisterGroup &entry : triples)
    if (StringRef rest = name; rest.consume_front(entry.name))
      if (std::optional<unsigned> index = dimension(rest))
        return entry.offset + 4 * *index;
  for (const RegisterGroup &entry : single)
    if (name == entry.name)
      return entry.offset;
  return noRegister;
}

/// The lane masks, computed from the lane.
static Value *lowerLaneMask(StringRef name, IRBuilderBase &builder,
                            FunctionContext &context) {
  if (!name.consume_front("llvm.nvvm.read.ptx.sreg.lanemask."))
    return nullptr;
  Value *lane = context.loadRegister(builder, offsetof(ThreadRegisters, lane));
  Value *self = builder.CreateShl(builder.getInt32(1), lane);
  Value *below = builder.CreateSub(self, builder.getInt32(1));
  if (name == "eq")
    return self;
  if (name == "lt")
    return below;
  Value *upTo = builder.CreateOr(below, self);
  if (name == "le")
    return upTo;
  if (name == "ge")
    return builder.CreateNot(below);
  return name == "gt" ? builder.CreateNot(upTo) : nullptr;
}

//===----------------------------------------------------------------------===//
// Scalar operations
//===----------------------------------------------------------------------===//

/// Intrinsics that LLVM has under another name.
static Intrinsic::ID findGeneric(StringRef name) {
  static const StringMap<Intrinsic::ID> table = {
      {"llvm.nvvm.fma.rn.f", Intrinsic::fma},
      {"llvm.nvvm.fma.rn.ftz.f", Intrinsic::fma},
      {"llvm.nvvm.fma.rn.d", Intrinsic::fma},
      {"llvm.nvvm.fma.rn.f16", Intrinsic::fma},
      {"llvm.nvvm.fma.rn.f16x2", Intrinsic::fma},
      {"llvm.nvvm.fma.rn.bf16", Intrinsic::fma},
      {"llvm.nvvm.fma.rn.bf16x2", Intrinsic::fma},
      {"llvm.nvvm.fmax.f", Intrinsic::maximumnum},
      {"llvm.nvvm.fmax.ftz.f", Intrinsic::maximumnum},
      {"llvm.nvvm.fmax.d", Intrinsic::maximumnum},
      {"llvm.nvvm.fmax.f16", Intrinsic::maximumnum},
      {"llvm.nvvm.fmax.f16x2", Intrinsic::maximumnum},
      {"llvm.nvvm.fmax.nan.f", Intrinsic::maximum},
      {"llvm.nvvm.fmax.ftz.nan.f", Intrinsic::maximum},
      {"llvm.nvvm.fmin.f", Intrinsic::minimumnum},
      {"llvm.nvvm.fmin.ftz.f", Intrinsic::minimumnum},
      {"llvm.nvvm.fmin.d", Intrinsic::minimumnum},
      {"llvm.nvvm.fmin.f16", Intrinsic::minimumnum},
      {"llvm.nvvm.fmin.f16x2", Intrinsic::minimumnum},
      {"llvm.nvvm.fmin.nan.f", Intrinsic::minimum},
      {"llvm.nvvm.fmin.ftz.nan.f", Intrinsic::minimum},
      {"llvm.nvvm.sqrt.f", Intrinsic::sqrt},
      {"llvm.nvvm.sqrt.rn.f", Intrinsic::sqrt},
      {"llvm.nvvm.sqrt.rn.ftz.f", Intrinsic::sqrt},
      {"llvm.nvvm.sqrt.rn.d", Intrinsic::sqrt},
      {"llvm.nvvm.sqrt.approx.f", Intrinsic::sqrt},
      {"llvm.nvvm.sqrt.approx.ftz.f", Intrinsic::sqrt},
      {"llvm.amdgcn.sqrt", Intrinsic::sqrt},
  };
  auto found = table.find(name);
  return found == table.end() ? Intrinsic::not_intrinsic : found->second;
}

/// Operations that are one instruction of LLVM.
static Value *lowerArithmetic(StringRef name, CallInst &call,
                              IRBuilderBase &builder) {
  auto operand = [&](unsigned index) { return call.getArgOperand(index); };
  if (name == "llvm.nvvm.add.rn.f" || name == "llvm.nvvm.add.rn.ftz.f" ||
      name == "llvm.nvvm.add.rn.d")
    return builder.CreateFAdd(operand(0), operand(1));
  if (name == "llvm.nvvm.mul.rn.f" || name == "llvm.nvvm.mul.rn.ftz.f" ||
      name == "llvm.nvvm.mul.rn.d")
    return builder.CreateFMul(operand(0), operand(1));
  if (name == "llvm.nvvm.ff2bf16x2.rn" || name == "llvm.nvvm.ff2f16x2.rn") {
    // The first operand becomes the upper half.
    Value *pair =
        PoisonValue::get(FixedVectorType::get(builder.getFloatTy(), 2));
    pair = builder.CreateInsertElement(pair, operand(1), uint64_t(0));
    pair = builder.CreateInsertElement(pair, operand(0), uint64_t(1));
    return builder.CreateFPTrunc(pair, call.getType());
  }
  if (name == "llvm.nvvm.f2bf16.rn")
    return builder.CreateFPTrunc(operand(0), call.getType());
  return nullptr;
}

static void replace(CallInst &call, Value *value) {
  call.replaceAllUsesWith(value);
  call.eraseFromParent();
}

static bool callHostFunction(StringRef name, CallInst &call,
                             FunctionContext &context) {
  const HostFunction *function = findHostFunction(name);
  // The functions are those for f32; overloads for other types are not there.
  auto isOther = [](const Value *value) {
    return value->getType()->isHalfTy() || value->getType()->isDoubleTy();
  };
  if (!function || isOther(&call) || any_of(call.args(), isOther))
    return false;
  FunctionCallee callee = context.module.getOrInsertFunction(
      function->symbol, call.getFunctionType());
  call.setCalledFunction(callee);
  call.setCallingConv(CallingConv::C);
  call.setAttributes(AttributeList());
  return true;
}

bool attn::emulator::lowerScalar(CallInst &call, FunctionContext &context) {
  Function *callee = call.getCalledFunction();
  if (!callee)
    return false;
  const StringRef name = callee->isIntrinsic()
                             ? Intrinsic::getBaseName(callee->getIntrinsicID())
                             : callee->getName();
  IRBuilder<> builder(&call);
  const size_t offset = findRegister(name);
  if (offset != noRegister) {
    Value *value = context.loadRegister(builder, offset);
    replace(call, builder.CreateZExtOrTrunc(value, call.getType()));
    return true;
  }
  if (Value *mask = lowerLaneMask(name, builder, context)) {
    replace(call, mask);
    return true;
  }
  if (const Intrinsic::ID generic = findGeneric(name)) {
    SmallVector<Value *> operands(call.args());
    replace(call, builder.CreateIntrinsic(generic, {call.getType()}, operands));
    return true;
  }
  if (Value *value = lowerArithmetic(name, call, builder)) {
    replace(call, value);
    return true;
  }
  return callHostFunction(name, call, context);
}
