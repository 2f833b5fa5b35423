//===- Contract.h - Checking what a kernel is given -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_CONTRACT_H
#define ATTN_RUNTIME_CONTRACT_H

#include "attn/Runtime/Manifest.h"

namespace attn {

/// An array in the caller's memory; strides count elements.
struct KernelArray {
  void *data = nullptr;
  ElementType type = ElementType::F32;
  int32_t rank = 0;
  const int64_t *sizes = nullptr, *strides = nullptr;
};

/// Whether this process can read the elements of arrays. Scalars always are in
/// its memory.
enum class ArrayMemory { Host, Device };

/// Refuses, by an error that names the argument, whatever the code would read
/// or write outside of an array and whatever has no meaning. `arrays` has
/// `count` elements. The values of lengths, starts, tables and offsets in
/// memory of a device are not looked at: that would wait for the device.
bool checkArrays(const Manifest &manifest, const KernelArray *arrays,
                 size_t count, ArrayMemory memory, std::string &error);

} // namespace attn

#endif // ATTN_RUNTIME_CONTRACT_H
