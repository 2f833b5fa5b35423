//===- KernelFile.h - Kernels in files --------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel file is the image, the text of its manifest, the key it was stored
// under (empty outside of a cache) and a trailer with sizes and a checksum. Its
// beginning is a shared object that debuggers and disassemblers can open.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_KERNELFILE_H
#define ATTN_RUNTIME_KERNELFILE_H

#include <optional>
#include <string>
#include <string_view>

namespace attn {

struct KernelFile {
  std::string image, manifest, key;
};

std::string packKernelFile(const KernelFile &file);
std::optional<KernelFile> unpackKernelFile(std::string_view bytes,
                                           std::string &error);

/// The bytes of a regular file.
std::optional<std::string> readFile(const std::string &path,
                                    std::string &error);

/// Writes a new file and gives it the name `path`, at once or not at all.
bool replaceFile(const std::string &path, std::string_view bytes,
                 std::string &error);

/// A 128-bit hash as 32 hexadecimal digits.
std::string hashBytes(std::string_view bytes);

} // namespace attn

#endif // ATTN_RUNTIME_KERNELFILE_H
