//===- Compiler.h - From problems and IR to kernels ---------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler itself, LLVM and MLIR are mapped when something has to be
// compiled or printed, from the library libattn-compiler beside this one.
// Kernels that the cache holds do not need it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_C_COMPILER_H
#define ATTN_C_COMPILER_H

#include "attn-c/Kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AttnCompiler AttnCompiler;

typedef struct AttnCompilerOptions {
  /// sizeof(AttnCompilerOptions), which lets later versions add fields.
  size_t size;
  /// The directory of the kernel cache, made if it is missing; it must belong
  /// to the user and be writable by nobody else. Null: $ATTN_CACHE_DIR, else
  /// attn in $XDG_CACHE_HOME or ~/.cache. Empty: kernels are kept in memory
  /// only.
  const char *cacheDirectory;
  /// When the files of the cache exceed this, the ones that were not used for
  /// longest are removed. 0: 256 MiB.
  uint64_t cacheLimit;
  /// Not 0: nothing is kept, neither in memory nor in files.
  int disableCache;
  /// Not 0: kernels of GPUs are made for the emulator alone, and no assembler
  /// is called.
  int forEmulator;
} AttnCompilerOptions;

/// `options` may be null.
ATTN_C_EXPORT AttnError *attnCompilerCreate(const AttnCompilerOptions *options,
                                            AttnCompiler **compiler);
/// Kernels outlive their compiler.
ATTN_C_EXPORT void attnCompilerDestroy(AttnCompiler *compiler);

typedef enum AttnSourceKind {
  /// A description of one attention problem: lines of `name` or `name=value`
  /// with the options of attn-gen (dtype=bf16, mask=causal & window(127,0)).
  /// A line `---` ends them; MLIR functions that the options name follow.
  ATTN_SOURCE_PROBLEM = 0,
  /// An MLIR module, text or bytecode, with a function on memrefs and scalars
  /// that returns nothing.
  ATTN_SOURCE_MODULE = 1
} AttnSourceKind;

typedef struct AttnSource {
  /// An AttnSourceKind.
  int32_t kind;
  const char *data;
  size_t size;
  /// The function to compile. Null: the only public one with attention.
  const char *entry;
} AttnSource;

/// Compiles for `target`, a name of the target table; null or "native" is this
/// machine. Code for another machine can be saved, not run. Equal sources give
/// the kernel of the cache.
ATTN_C_EXPORT AttnError *attnCompile(AttnCompiler *compiler,
                                     const AttnSource *source,
                                     const char *target, AttnKernel **kernel);

/// What the compiler makes of a source: stage is attn, configured, online,
/// tile, llvm, llvm-ir, asm or object.
ATTN_C_EXPORT AttnError *attnEmit(AttnCompiler *compiler,
                                  const AttnSource *source, const char *target,
                                  const char *stage, AttnText **text);

typedef struct AttnCompilerStatistics {
  /// Set by the caller to sizeof(AttnCompilerStatistics).
  size_t size;
  /// Kernels compiled, found in memory, found in files.
  uint64_t compiled, foundInMemory, foundInFiles;
  /// Damaged files removed; kernels that could not be written.
  uint64_t damagedFiles, failedWrites;
} AttnCompilerStatistics;

ATTN_C_EXPORT AttnError *
attnCompilerGetStatistics(const AttnCompiler *compiler,
                          AttnCompilerStatistics *statistics);

#ifdef __cplusplus
}
#endif

#endif // ATTN_C_COMPILER_H
