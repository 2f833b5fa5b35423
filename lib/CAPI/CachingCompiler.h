//===- CachingCompiler.h - A compiler that remembers ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CAPI_CACHINGCOMPILER_H
#define ATTN_CAPI_CACHINGCOMPILER_H

#include "Objects.h"
#include "attn/Artefact/Service.h"
#include "attn/Runtime/KernelCache.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

namespace attn::capi {

/// The error that the compiler reports; null if it reports none.
AttnError *toError(const ServiceResult &result);

/// Compiles each source once per process, and, with a directory, once per
/// machine. Threads that ask for one kernel at the same time wait for one
/// compilation; different kernels are compiled side by side.
class CachingCompiler {
public:
  CachingCompiler(std::optional<KernelCache> files, bool remember)
      : files(std::move(files)), remember(remember) {}

  AttnError *compile(const KernelSource &source, const std::string &target,
                     std::shared_ptr<const Kernel> &kernel);

  struct Statistics {
    std::atomic<uint64_t> compiled{0}, foundInMemory{0}, foundInFiles{0},
        damagedFiles{0}, failedWrites{0};
  };
  const Statistics &getStatistics() const { return statistics; }

private:
  /// The kernel of one key; the mutex is held while it is made.
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<const Kernel> kernel;
  };

  std::shared_ptr<Slot> getSlot(const std::string &key);
  AttnError *make(const KernelSource &source, const std::string &target,
                  const std::string &key,
                  std::shared_ptr<const Kernel> &kernel);
  bool loadFile(const std::string &key, std::shared_ptr<const Kernel> &kernel);

  std::optional<KernelCache> files;
  bool remember;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Slot>> slots;
  Statistics statistics;
};

} // namespace attn::capi

#endif // ATTN_CAPI_CACHINGCOMPILER_H
