//===- Jit.h - A module compiled into this process --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_COMPILER_JIT_H
#define ATTN_COMPILER_JIT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>

namespace attn {

struct JitOptions {
  /// As in PipelineOptions.
  std::string target = "native";
  bool countTiles = false;
  /// The verifier runs when a module is parsed. Running it again after every
  /// pass doubles the time of the passes; tests and attn-opt do.
  bool verifyEach = false;
  /// LLVM's optimiser finds nothing in tile code that pays for its time.
  unsigned irOptLevel = 0;
  unsigned codegenOptLevel = 2;
};

/// Milliseconds of each phase of a compilation.
struct JitTimings {
  double passes = 0, translate = 0, optimize = 0, codegen = 0, link = 0;
  double total() const {
    return passes + translate + optimize + codegen + link;
  }
};

/// A function of a module as machine code in this process.
///
/// Machine code can only call what this class provides: the memory functions of
/// attn/Runtime/Memory.h under their C names, memcpy, memmove, memset, and
/// attn_parallel_for. Needing anything else is an error of compile().
class JitKernel {
public:
  ~JitKernel();

  /// Lowers `module`, from any stage before `llvm`, and makes `entry` callable.
  /// `entry` returns nothing or ranked memrefs once lowered.
  static llvm::Expected<std::unique_ptr<JitKernel>>
  compile(mlir::OwningOpRef<mlir::ModuleOp> module, llvm::StringRef entry,
          const JitOptions &options);

  /// Calls the entry. Per argument of the lowered function there is one
  /// pointer: for a memref to its descriptor (two pointers, offset, sizes,
  /// strides), for a scalar to its value. If the function has results, the
  /// first pointer, before those of the arguments, is to a struct of their
  /// descriptors, which the call fills; the caller frees their memory.
  void invoke(void *const *arguments) const { invokeFunction(arguments); }

  /// The address of a public global of the module, or null.
  void *lookup(llvm::StringRef symbol) const;

  /// The object file that was linked.
  llvm::MemoryBufferRef getObject() const { return object->getMemBufferRef(); }

  const JitTimings &getTimings() const { return timings; }

private:
  struct Session;
  JitKernel();

  std::unique_ptr<Session> session;
  std::unique_ptr<llvm::MemoryBuffer> object;
  void (*invokeFunction)(void *const *) = nullptr;
  JitTimings timings;
};

/// Prepares `entry` of `module` for JitKernel and runs the pipeline to the
/// `llvm` stage.
llvm::Error lowerForJit(mlir::ModuleOp module, llvm::StringRef entry,
                        const JitOptions &options);

} // namespace attn

#endif // ATTN_COMPILER_JIT_H
