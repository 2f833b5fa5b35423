//===- Retarget.h - From a GPU's module to one that the host can run ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel keeps its instructions; what only the GPU has is replaced:
// - shared memory by addresses in the block's window,
// - special registers by loads from the running thread's record,
// - scalar operations by functions of the host,
// - every other intrinsic and all inline assembly by a call with a CallSite,
//   operands and results in memory,
// - and every access to memory is announced to the checker first.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_JIT_RETARGET_H
#define ATTN_LIB_EMULATOR_JIT_RETARGET_H

#include "../Runtime/CallSite.h"

#include "llvm/IR/Function.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <deque>

namespace attn::emulator {

/// What the code of a kernel points to.
struct SiteTable {
  std::deque<CallSite> calls;
  std::deque<AccessSite> accesses;
  std::deque<std::string> texts;
};

struct ParameterField {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  /// The parameter is the address of these bytes.
  bool isByReference = false;
};

struct RetargetResult {
  size_t staticSharedBytes = 0;
  std::vector<ParameterField> parameters;
  uint64_t argumentBytes = 0;
};

/// The function that the host calls: `void(const void *arguments)`.
inline constexpr char entryName[] = "attn_emulator_entry";

/// Makes `kernel` the only entry of the module and rewrites everything that it
/// needs. Fails with the name of whatever is not known.
llvm::Expected<RetargetResult> retarget(llvm::Module &module,
                                        llvm::StringRef kernel,
                                        llvm::TargetMachine &host,
                                        SiteTable &sites);

//===----------------------------------------------------------------------===//
// Parts of it
//===----------------------------------------------------------------------===//

/// Values that a function's code shares, made in its entry block.
class FunctionContext {
public:
  FunctionContext(llvm::Function &function, SiteTable &sites);

  llvm::Function &function;
  SiteTable &sites;
  llvm::Module &module;
  llvm::LLVMContext &context;
  const llvm::DataLayout &layout;

  /// The ThreadRegisters of the running thread.
  llvm::Value *registers();
  /// A 32-bit or 64-bit register at an offset of ThreadRegisters.
  llvm::Value *loadRegister(llvm::IRBuilderBase &builder, size_t offset,
                            unsigned bits = 32);
  /// The pointer to a site, as a constant.
  llvm::Constant *pointerTo(const void *object);
  /// Memory for the operands of one call at a time.
  llvm::Value *scratch() { return scratchMemory; }
  void requireScratch(uint64_t bytes);

private:
  llvm::AllocaInst *scratchMemory;
  llvm::Value *registersPointer = nullptr;
  uint64_t scratchBytes = 0;
};

/// Makes fat buffer pointers of AMD (address space 7) buffer resources and
/// offsets, by the target's own pass. Before the module leaves the target.
llvm::Error lowerFatPointers(llvm::Module &module);

/// Replaces the shared variables of the module; returns the bytes they take.
size_t placeSharedMemory(llvm::Module &module);

/// Replaces a call of a special register or a scalar operation. Returns false
/// if it is neither.
bool lowerScalar(llvm::CallInst &call, FunctionContext &context);

/// Replaces a call of a target intrinsic or inline assembly by operations of
/// the registry.
llvm::Error lowerOperation(llvm::CallInst &call, FunctionContext &context);

/// A fence as an operation of the registry; the instruction stays.
llvm::Error lowerFence(llvm::FenceInst &fence, FunctionContext &context);

/// Splits inline assembly into instructions of the registry. Locals are the
/// registers that it declares.
llvm::Error decodeInlineAsm(const llvm::InlineAsm &assembly, bool isAMD,
                            std::vector<CallSite> &instructions,
                            unsigned &numLocals);

/// Announces the memory accesses of a function.
void instrumentAccesses(FunctionContext &context);

/// Sets the positions of the call sites of a wave, see SitePosition. Before
/// anything else is rewritten; later instructions inherit by `findPosition`.
class SitePositions {
public:
  llvm::Error number(FunctionContext &context);
  SitePosition findPosition(const llvm::Instruction &instruction) const;

private:
  llvm::DenseMap<const llvm::BasicBlock *, SitePosition> blocks;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_JIT_RETARGET_H
