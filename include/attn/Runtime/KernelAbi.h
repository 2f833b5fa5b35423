//===- KernelAbi.h - What kernel images and loaders share -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel image is a shared object with three symbols: the function to call, a
// manifest, and a table of the runtime functions that the code calls, which the
// loader fills. It depends on nothing but memcpy, memmove and memset.
//
// In the image of a GPU kernel the function computes on descriptors only: it
// announces launches and asks for workspace. The code of the launched kernels
// lies beside it, one symbol for each form of it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_KERNELABI_H
#define ATTN_RUNTIME_KERNELABI_H

namespace attn {

/// Changes with everything in this file and with the manifest's fields.
inline constexpr int kernelAbiVersion = 2;

/// `void attn_invoke(void *const *arguments)`: one pointer per argument, to a
/// memref descriptor or to a scalar.
inline constexpr char invokeSymbol[] = "attn_invoke";
/// A JSON object that ends with a null byte.
inline constexpr char manifestSymbol[] = "attn_manifest";
/// `void *attn_imports[]`: addresses of the functions of importNames, for a GPU
/// of gpuImportNames.
inline constexpr char importsSymbol[] = "attn_imports";

inline constexpr const char *importNames[] = {"attn_parallel_for", "malloc",
                                              "aligned_alloc", "free"};

/// void attn_launch_kernel(int64_t kernel, int64_t count, const int64_t *slots,
///                         int64_t slotCount): `kernel` is a position in the
/// manifest's list, `count` the number of blocks; the slots are the kernel's
/// parameters, 8 bytes each.
/// void *attn_device_alloc(int64_t bytes, int64_t alignment)
/// void attn_device_free(void *)
inline constexpr const char *gpuImportNames[] = {
    "attn_launch_kernel", "attn_device_alloc", "attn_device_free"};

/// Followed by a kind of code: "bitcode", "ptx", "cubin", "hsaco".
inline constexpr char gpuBinaryPrefix[] = "attn_gpu_";

} // namespace attn

#endif // ATTN_RUNTIME_KERNELABI_H
