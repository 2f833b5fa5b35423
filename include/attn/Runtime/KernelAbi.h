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
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_KERNELABI_H
#define ATTN_RUNTIME_KERNELABI_H

namespace attn {

/// Changes with everything in this file and with the manifest's fields.
inline constexpr int kernelAbiVersion = 1;

/// `void attn_invoke(void *const *arguments)`: one pointer per argument, to a
/// memref descriptor or to a scalar.
inline constexpr char invokeSymbol[] = "attn_invoke";
/// A JSON object that ends with a null byte.
inline constexpr char manifestSymbol[] = "attn_manifest";
/// `void *attn_imports[4]`: addresses of the functions of importNames.
inline constexpr char importsSymbol[] = "attn_imports";

inline constexpr const char *importNames[] = {"attn_parallel_for", "malloc",
                                              "aligned_alloc", "free"};

} // namespace attn

#endif // ATTN_RUNTIME_KERNELABI_H
