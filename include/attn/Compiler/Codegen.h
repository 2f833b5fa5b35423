//===- Codegen.h - From the llvm stage to machine code ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The steps after the `llvm` stage, each usable alone: translate to LLVM IR,
// optimise it, write assembly or an object. Errors have one-line messages.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_COMPILER_CODEGEN_H
#define ATTN_COMPILER_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace attn {

/// Which processor machine code is made for, in LLVM's words.
struct CodegenTarget {
  /// For example "x86_64-pc-linux-gnu".
  std::string triple;
  /// For example "znver4".
  std::string cpu;
  /// Features as the back end spells them, with + or -, separated by commas;
  /// added to what `cpu` implies.
  std::string features;
  /// Kernels run on it; the functions that launch them run on the host.
  bool isGpu = false;
};

/// The processor behind a target name of the pipelines; "native" is this
/// machine.
llvm::Expected<CodegenTarget> getCodegenTarget(llvm::StringRef name);

/// Any machine of this machine's architecture.
CodegenTarget getGenericHostTarget();

/// Fails, naming the missing features, if this machine cannot run code made for
/// `target`.
llvm::Error checkRunsHere(const CodegenTarget &target);

/// What becomes of an object: linked into this process, where it may lie far
/// from what it calls, or into a shared object.
enum class ObjectUse { Jit, SharedObject };

/// A code generator of level `optLevel`, 1 to 3. Level 0 is refused: its
/// register allocator makes kernels several times slower.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const CodegenTarget &target, unsigned optLevel,
                    ObjectUse use = ObjectUse::Jit);

/// Registers the translations that translateToLLVM needs.
void registerTranslations(mlir::DialectRegistry &registry);

/// Translates a module at the `llvm` stage.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                llvm::TargetMachine &machine);

/// Runs LLVM's default pipeline of `level` 1 to 3; 0 leaves the module alone,
/// since the stages before have already optimised what counts.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              unsigned level);

enum class MachineCode { Assembly, Object };

/// Assembly text or an object file.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
emitMachineCode(llvm::Module &module, llvm::TargetMachine &machine,
                MachineCode kind);

} // namespace attn

#endif // ATTN_COMPILER_CODEGEN_H
