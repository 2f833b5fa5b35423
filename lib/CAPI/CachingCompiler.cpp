//===- CachingCompiler.cpp - A compiler that remembers --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CachingCompiler.h"

#include "CompilerLibrary.h"
#include "attn/Runtime/KernelAbi.h"
#include "attn/Support/Environment.h"

using namespace attn;
using namespace attn::capi;

/// Everything that shapes the code.
static std::string makeKey(const KernelSource &source,
                           const std::string &target) {
  std::string key = getCompilerFingerprint() + "\nabi " +
                    std::to_string(kernelAbiVersion) + "\ntarget " + target +
                    "\n";
  if (target == "native")
    key += getProcessorFingerprint();
  else
    key += source.forEmulator ? "for the emulator\n"
                              : getPtxasFingerprint() + "\n";
  key += source.kind == KernelSource::Kind::Problem ? "problem" : "module";
  return key + "\nentry " + source.entry + "\n" + source.text;
}

AttnError *capi::toError(const ServiceResult &result) {
  switch (result.status) {
  case ServiceResult::Status::Ok:
    return nullptr;
  case ServiceResult::Status::Invalid:
    return invalid(result.text);
  case ServiceResult::Status::Unsupported:
    return makeError(ATTN_ERROR_UNSUPPORTED, result.text);
  case ServiceResult::Status::Failed:
    return makeError(ATTN_ERROR_COMPILE, result.text);
  }
  return makeError(ATTN_ERROR_INTERNAL, "the compiler gave no status");
}

std::shared_ptr<CachingCompiler::Slot>
CachingCompiler::getSlot(const std::string &key) {
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<Slot> &slot = slots[key];
  if (!slot)
    slot = std::make_shared<Slot>();
  return slot;
}

AttnError *CachingCompiler::compile(const KernelSource &source,
                                    const std::string &target,
                                    std::shared_ptr<const Kernel> &kernel) {
  std::string key = makeKey(source, target);
  if (!remember)
    return make(source, target, key, kernel);
  std::shared_ptr<Slot> slot = getSlot(key);
  std::lock_guard<std::mutex> lock(slot->mutex);
  if (slot->kernel) {
    ++statistics.foundInMemory;
    kernel = slot->kernel;
    return nullptr;
  }
  if (!loadFile(key, slot->kernel))
    if (AttnError *error = make(source, target, key, slot->kernel))
      return error;
  kernel = slot->kernel;
  return nullptr;
}

bool CachingCompiler::loadFile(const std::string &key,
                               std::shared_ptr<const Kernel> &kernel) {
  KernelFile file;
  KernelCache::Lookup lookup =
      files ? files->load(key, file) : KernelCache::Lookup::Absent;
  if (lookup == KernelCache::Lookup::Damaged)
    ++statistics.damagedFiles;
  if (lookup != KernelCache::Lookup::Found)
    return false;
  std::string error;
  kernel =
      Kernel::create(std::move(file.image), std::move(file.manifest), error);
  if (!kernel) {
    ++statistics.damagedFiles;
    return false;
  }
  ++statistics.foundInFiles;
  return true;
}

AttnError *CachingCompiler::make(const KernelSource &source,
                                 const std::string &target,
                                 const std::string &key,
                                 std::shared_ptr<const Kernel> &kernel) {
  std::string error;
  const CompilerService *service = openCompiler(error);
  if (!service)
    return makeError(ATTN_ERROR_IO, error);
  ServiceResult result = service->compile(source, target);
  if (AttnError *failure = toError(result))
    return failure;
  ++statistics.compiled;
  if (remember && files)
    if (!files->store({result.image, result.manifest, key}, error))
      ++statistics.failedWrites;
  kernel = Kernel::create(std::move(result.image), std::move(result.manifest),
                          error);
  return kernel ? nullptr : makeError(ATTN_ERROR_INTERNAL, error);
}
