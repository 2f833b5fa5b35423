//===- LowerOperation.cpp - Target operations as calls of the registry ----===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Ops/Registry.h"
#include "Retarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Intrinsics.h"

using namespace llvm;
using namespace attn::emulator;

/// Registers that inline assembly declares take the widest.
static constexpr uint32_t localBytes = 8;

//===----------------------------------------------------------------------===//
// Layout in memory
//===----------------------------------------------------------------------===//

namespace {
/// Operands, then results, in the scratch memory.
struct CallLayout {
  std::vector<Field> arguments;
  std::vector<Field> results;
  SmallVector<Type *> resultTypes;
  uint64_t resultBegin = 0;
  uint64_t bytes = 0;
};
} // namespace

static uint64_t place(Type *type, const DataLayout &layout,
                      std::vector<Field> &fields, uint64_t offset) {
  offset = alignTo(offset, layout.getABITypeAlign(type));
  const uint64_t bytes = layout.getTypeStoreSize(type);
  fields.push_back(
      {static_cast<uint32_t>(offset), static_cast<uint32_t>(bytes)});
  return offset + bytes;
}

static CallLayout layOut(const CallInst &call, const DataLayout &layout,
                         unsigned numLocals) {
  CallLayout result;
  uint64_t offset = 0;
  for (const Use &argument : call.args())
    offset = place(argument->getType(), layout, result.arguments, offset);
  for (unsigned n = 0; n < numLocals; ++n) {
    offset = alignTo(offset, localBytes);
    result.arguments.push_back({static_cast<uint32_t>(offset), localBytes});
    offset += localBytes;
  }
  result.resultBegin = alignTo(offset, 64);
  if (auto *structure = dyn_cast<StructType>(call.getType()))
    append_range(result.resultTypes, structure->elements());
  else if (!call.getType()->isVoidTy())
    result.resultTypes.push_back(call.getType());
  offset = 0;
  for (Type *type : result.resultTypes)
    offset = place(type, layout, result.results, offset);
  result.bytes = result.resultBegin + offset;
  return result;
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

static Value *fieldAddress(IRBuilderBase &builder, FunctionContext &context,
                           uint64_t offset) {
  return builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(),
                                            context.scratch(), offset);
}

static void storeOperands(IRBuilderBase &builder, CallInst &call,
                          FunctionContext &context, const CallLayout &layout) {
  for (auto [argument, field] : zip(call.args(), layout.arguments))
    builder.CreateStore(argument, fieldAddress(builder, context, field.offset));
  auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand());
  if (!assembly)
    return;
  // An output that is tied to an input begins with its value.
  unsigned input = 0;
  for (const InlineAsm::ConstraintInfo &info : assembly->ParseConstraints()) {
    if (info.Type != InlineAsm::isInput)
      continue;
    unsigned output;
    if (!info.Codes.empty() &&
        !StringRef(info.Codes.front()).getAsInteger(10, output))
      builder.CreateStore(
          call.getArgOperand(input),
          fieldAddress(builder, context,
                       layout.resultBegin + layout.results[output].offset));
    ++input;
  }
}

static Value *loadResults(IRBuilderBase &builder, CallInst &call,
                          FunctionContext &context, const CallLayout &layout) {
  auto load = [&](size_t index) {
    return builder.CreateLoad(
        layout.resultTypes[index],
        fieldAddress(builder, context,
                     layout.resultBegin + layout.results[index].offset));
  };
  if (!isa<StructType>(call.getType()))
    return load(0);
  Value *all = PoisonValue::get(call.getType());
  for (size_t n = 0; n < layout.resultTypes.size(); ++n)
    all = builder.CreateInsertValue(all, load(n), static_cast<unsigned>(n));
  return all;
}

/// Calls of `operations` before the instruction, with fields in the scratch
/// memory.
static void emitCalls(Instruction &before, FunctionContext &context,
                      const CallLayout &layout,
                      std::vector<CallSite> &operations) {
  IRBuilder<> builder(&before);
  Type *pointer = builder.getPtrTy();
  FunctionCallee callee = context.module.getOrInsertFunction(
      "attn_emulator_call",
      FunctionType::get(builder.getVoidTy(), {pointer, pointer, pointer},
                        false));
  Value *arguments = fieldAddress(builder, context, 0);
  Value *results = fieldAddress(builder, context, layout.resultBegin);
  for (CallSite &operation : operations) {
    operation.arguments = layout.arguments;
    operation.results = layout.results;
    if (const DebugLoc &location = before.getDebugLoc())
      operation.line = location.getLine();
    context.sites.calls.push_back(std::move(operation));
    builder.CreateCall(callee, {context.pointerTo(&context.sites.calls.back()),
                                arguments, results});
  }
}

static void replaceCall(CallInst &call, FunctionContext &context,
                        std::vector<CallSite> &operations, unsigned numLocals) {
  const CallLayout layout = layOut(call, context.layout, numLocals);
  context.requireScratch(layout.bytes);
  IRBuilder<> builder(&call);
  storeOperands(builder, call, context, layout);
  emitCalls(call, context, layout, operations);
  if (!call.getType()->isVoidTy() && !call.use_empty())
    call.replaceAllUsesWith(loadResults(builder, call, context, layout));
  call.eraseFromParent();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static bool isAMD(const FunctionContext &context) {
  return context.module.getModuleFlag("attn.emulator.amd") != nullptr;
}

Error attn::emulator::lowerOperation(CallInst &call, FunctionContext &context) {
  std::vector<CallSite> operations;
  unsigned numLocals = 0;
  if (auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand())) {
    if (Error error =
            decodeInlineAsm(*assembly, isAMD(context), operations, numLocals))
      return error;
  } else {
    Function *callee = call.getCalledFunction();
    if (!callee)
      return createStringError("unsupported operation: an indirect call");
    CallSite site;
    site.name = callee->isIntrinsic()
                    ? Intrinsic::getBaseName(callee->getIntrinsicID()).str()
                    : callee->getName().str();
    site.operation = Registry::get().find(site.name);
    if (!site.operation)
      return createStringError("unsupported operation: " + callee->getName());
    operations.push_back(std::move(site));
  }
  replaceCall(call, context, operations, numLocals);
  return Error::success();
}

Error attn::emulator::lowerFence(FenceInst &fence, FunctionContext &context) {
  SmallVector<StringRef> scopes;
  context.context.getSyncScopeNames(scopes);
  const StringRef scope = scopes[fence.getSyncScopeID()];
  if (scope.starts_with("singlethread"))
    return Error::success();
  CallSite site;
  site.name = isAMD(context) ? "fence.amdgcn" : "fence.nvptx";
  if (isAMD(context) && scope.starts_with("wavefront"))
    site.name = "fence.amdgcn.wavefront";
  site.operation = Registry::get().find(site.name);
  std::vector<CallSite> operations;
  operations.push_back(std::move(site));
  emitCalls(fence, context, CallLayout(), operations);
  return Error::success();
}
