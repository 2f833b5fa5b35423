//===- Kernel.h - Running compiled attention ----------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel is machine code with a manifest that says what it takes. It comes
// from a compiler (attn-c/Compiler.h) or from a file; loading and running one
// maps neither LLVM nor MLIR into the process.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_C_KERNEL_H
#define ATTN_C_KERNEL_H

#include "attn-c/Common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AttnKernel AttnKernel;

/// Reads a kernel that attnKernelSave wrote. Refuses files that are damaged,
/// that another version of Attn wrote, or whose code this machine cannot run.
ATTN_C_EXPORT AttnError *attnKernelLoad(const char *path, AttnKernel **kernel);

/// Writes machine code and manifest to one file; an existing file is replaced
/// at once or not at all.
ATTN_C_EXPORT AttnError *attnKernelSave(const AttnKernel *kernel,
                                        const char *path);

ATTN_C_EXPORT void attnKernelDestroy(AttnKernel *kernel);

/// The manifest, a JSON object: target, arguments with names, types, sizes and
/// strides (-1 is any), and what each argument is to the attention ops. Alive
/// as long as the kernel.
ATTN_C_EXPORT const char *attnKernelGetManifest(const AttnKernel *kernel);

/// Number of arrays that attnKernelRun takes.
ATTN_C_EXPORT size_t attnKernelGetNumArguments(const AttnKernel *kernel);

/// Computes the work items [begin, end) of a call.
typedef void (*AttnParallelBody)(void *context, int64_t begin, int64_t end);

/// Covers [0, count) by calls of body(context, begin, end) on disjoint ranges,
/// from any threads, and returns when all have finished.
typedef void (*AttnParallelFor)(void *user, int64_t count,
                                AttnParallelBody body, void *context);

typedef struct AttnRunOptions {
  /// sizeof(AttnRunOptions), which lets later versions add fields.
  size_t size;
  /// Threads to use when parallelFor is null; 0 is one per processor.
  int threads;
  /// The caller's own thread pool, or null.
  AttnParallelFor parallelFor;
  void *user;
} AttnRunOptions;

/// Runs the kernel on `count` arrays, in the order of the manifest. Before
/// anything runs, types, shapes, strides, alignment and the values of lengths,
/// starts, tables and offsets are checked. Results do not depend on the number
/// of threads. `options` may be null.
ATTN_C_EXPORT AttnError *attnKernelRun(const AttnKernel *kernel,
                                       const AttnArray *arrays, size_t count,
                                       const AttnRunOptions *options);

/// Bytes that kernels of this process allocated at most at one time since the
/// last reset, and a reset of that count.
ATTN_C_EXPORT size_t attnGetPeakWorkspace(void);
ATTN_C_EXPORT void attnResetPeakWorkspace(void);

#ifdef __cplusplus
}
#endif

#endif // ATTN_C_KERNEL_H
