//===- Emulator.h - C interface of the GPU emulator -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libattn-emulator takes the LLVM IR that a compiler hands to the NVPTX or
// AMDGPU code generator and runs its kernels on the CPU, with checks for races,
// deadlocks, accesses out of bounds and more. Device pointers are pointers of
// the host. See docs/emulator.md.
//
// A module may be used by one thread at a time. Functions that return int give
// 0 for success.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EMULATOR_EMULATOR_H
#define ATTN_EMULATOR_EMULATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The kernels of one LLVM module.
typedef struct attn_emulator attn_emulator;

/// LLVM IR as text or bitcode, copied. `triple` is for modules that have none:
/// "nvptx64-nvidia-cuda" or "amdgcn-amd-amdhsa". Null on an error.
attn_emulator *attn_emulator_create(const char *ir, size_t bytes,
                                    const char *triple);
void attn_emulator_destroy(attn_emulator *module);

/// What the last call that failed on this thread has to say; valid until the
/// next one.
const char *attn_emulator_error(void);

size_t attn_emulator_kernel_count(const attn_emulator *module);
const char *attn_emulator_kernel_name(const attn_emulator *module,
                                      size_t index);
/// The block size that a kernel requires; zeros if it does not say.
int attn_emulator_block_size(const attn_emulator *module, const char *kernel,
                             uint32_t block[3]);
/// Compiles a kernel now; otherwise its first launch does.
int attn_emulator_compile(attn_emulator *module, const char *kernel);

/// Mutants of a module: one barrier, wait, commit, fence or arrival deleted or
/// weakened. A run of a mutant should fail; if it does not, either the
/// operation was not needed or its absence was not noticed.
size_t attn_emulator_mutant_count(const attn_emulator *module);
const char *attn_emulator_mutant_name(const attn_emulator *module,
                                      size_t index);
/// Makes the module that mutant from its next run on.
int attn_emulator_mutate(attn_emulator *module, size_t index);

typedef struct attn_emulator_launch {
  const char *kernel;
  uint32_t grid[3];
  uint32_t block[3];
  /// Beyond the static shared memory of the kernel.
  uint64_t dynamic_shared_bytes;
  /// The parameters one behind the other, each at its natural alignment. For
  /// parameters of 8 bytes it is an array of int64_t.
  const void *arguments;
  uint64_t argument_bytes;
} attn_emulator_launch;

typedef struct attn_emulator_range {
  const void *base;
  uint64_t bytes;
} attn_emulator_range;

typedef struct attn_emulator_options {
  /// Check the order of all accesses to shared and global memory.
  int32_t detect_races;
  /// Asynchronous copies land when they are issued, not when they are waited
  /// for.
  int32_t eager_copies;
  /// 0: warps take turns in order; other values permute them.
  uint64_t seed;
  /// Host threads; 0: one for every core.
  uint32_t workers;
  /// Global memory that may be accessed. Null: not checked.
  const attn_emulator_range *ranges;
  size_t range_count;
} attn_emulator_options;

typedef struct attn_emulator_statistics {
  uint64_t switches;
  uint64_t operations;
  uint64_t checks;
} attn_emulator_statistics;

/// Runs a kernel to its end. `options` may be null: races are detected, copies
/// are late, warps run in order, and bounds are not checked. `statistics` may
/// be null.
int attn_emulator_run(attn_emulator *module,
                      const attn_emulator_launch *request,
                      const attn_emulator_options *options,
                      attn_emulator_statistics *statistics);

/// What a tensor copy (TMA) is fed: an array in global memory, and the box that
/// one copy moves. Sizes are in elements, dim 0 is the innermost.
typedef struct attn_emulator_tensor {
  const void *base;
  uint32_t element_bytes;
  uint32_t rank;
  uint64_t dims[5];
  /// In bytes, of dims 1 and up; dim 0 is contiguous.
  uint64_t strides[4];
  uint32_t box[5];
  /// 0, 32, 64 or 128.
  uint32_t swizzle_bytes;
} attn_emulator_tensor;

/// Writes the 128 bytes that stand for a tensor map in the emulator; they are
/// not those of a driver.
int attn_emulator_encode_tensor(const attn_emulator_tensor *tensor, void *map);

/// Fills in the names of the operations that the emulator knows and returns
/// their number.
size_t attn_emulator_operations(const char **names, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif // ATTN_EMULATOR_EMULATOR_H
