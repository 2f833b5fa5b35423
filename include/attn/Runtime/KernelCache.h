//===- KernelCache.h - Kernels kept in a directory --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_KERNELCACHE_H
#define ATTN_RUNTIME_KERNELCACHE_H

#include "attn/Runtime/KernelFile.h"

#include <cstdint>

namespace attn {

/// Kernel files in a directory that belongs to the user alone, shared by any
/// number of processes: files appear whole or not at all, a damaged one is
/// removed and counts as absent. No call is interrupted by another process that
/// removes files.
class KernelCache {
public:
  /// Makes the directory if it is missing. Refuses one of another user, and
  /// one in which others may write.
  static std::optional<KernelCache> open(const std::string &directory,
                                         uint64_t limit, std::string &error);

  enum class Lookup { Found, Absent, Damaged };

  /// Finds the kernel stored under exactly `key`.
  Lookup load(const std::string &key, KernelFile &file) const;

  /// Stores a kernel under file.key, and removes the files that were not used
  /// for longest when all exceed the limit.
  bool store(const KernelFile &file, std::string &error) const;

private:
  KernelCache(std::string directory, uint64_t limit)
      : directory(std::move(directory)), limit(limit) {}

  std::string getPath(const std::string &key) const;
  void evict() const;

  std::string directory;
  uint64_t limit;
};

} // namespace attn

#endif // ATTN_RUNTIME_KERNELCACHE_H
