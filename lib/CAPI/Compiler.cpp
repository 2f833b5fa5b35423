//===- Compiler.cpp - From problems and IR to kernels ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn-c/Compiler.h"

#include "CachingCompiler.h"
#include "CompilerLibrary.h"
#include "attn/Support/Environment.h"

using namespace attn;
using namespace attn::capi;

struct AttnCompiler {
  CachingCompiler compiler;
  bool forEmulator = false;
};

static constexpr uint64_t defaultCacheLimit = uint64_t{256} << 20;

AttnError *attnCompilerCreate(const AttnCompilerOptions *options,
                              AttnCompiler **compiler) {
  return guard([&]() -> AttnError * {
    if (!compiler)
      return invalid("compiler must not be null");
    if (options && options->size < sizeof(AttnCompilerOptions))
      return invalid("options: size is " + std::to_string(options->size) +
                     ", expected sizeof(AttnCompilerOptions)");
    bool remember = !options || !options->disableCache;
    std::string directory = options && options->cacheDirectory
                                ? options->cacheDirectory
                                : getDefaultCacheDirectory();
    uint64_t limit = options && options->cacheLimit ? options->cacheLimit
                                                    : defaultCacheLimit;
    std::optional<KernelCache> files;
    std::string error;
    if (remember && !directory.empty()) {
      files = KernelCache::open(directory, limit, error);
      if (!files)
        return makeError(ATTN_ERROR_IO, error);
    }
    *compiler = new AttnCompiler{{std::move(files), remember},
                                 options && options->forEmulator};
    return nullptr;
  });
}

void attnCompilerDestroy(AttnCompiler *compiler) { delete compiler; }

static AttnError *readSource(const AttnSource *source, KernelSource &result) {
  if (!source || (source->size > 0 && !source->data))
    return invalid("source and its data must not be null");
  if (source->kind != ATTN_SOURCE_PROBLEM && source->kind != ATTN_SOURCE_MODULE)
    return invalid("source: no kind " + std::to_string(source->kind));
  result.kind = source->kind == ATTN_SOURCE_PROBLEM
                    ? KernelSource::Kind::Problem
                    : KernelSource::Kind::Module;
  result.text.assign(source->data, source->size);
  result.entry = source->entry ? source->entry : "";
  return nullptr;
}

AttnError *attnCompile(AttnCompiler *compiler, const AttnSource *source,
                       const char *target, AttnKernel **kernel) {
  return guard([&]() -> AttnError * {
    if (!compiler || !kernel)
      return invalid("compiler and kernel must not be null");
    KernelSource text;
    if (AttnError *error = readSource(source, text))
      return error;
    text.forEmulator = compiler->forEmulator;
    std::shared_ptr<const Kernel> compiled;
    if (AttnError *error = compiler->compiler.compile(
            text, target ? target : "native", compiled))
      return error;
    *kernel = new AttnKernel{std::move(compiled)};
    return nullptr;
  });
}

AttnError *attnEmit(AttnCompiler *compiler, const AttnSource *source,
                    const char *target, const char *stage, AttnText **text) {
  return guard([&]() -> AttnError * {
    if (!compiler || !stage || !text)
      return invalid("compiler, stage and text must not be null");
    KernelSource input;
    if (AttnError *error = readSource(source, input))
      return error;
    std::string error;
    const CompilerService *service = openCompiler(error);
    if (!service)
      return makeError(ATTN_ERROR_IO, error);
    ServiceResult result =
        service->emit(input, target ? target : "native", stage);
    if (AttnError *failure = toError(result))
      return failure;
    *text = new AttnText{std::move(result.text)};
    return nullptr;
  });
}

AttnError *attnCompilerGetStatistics(const AttnCompiler *compiler,
                                     AttnCompilerStatistics *statistics) {
  return guard([&]() -> AttnError * {
    if (!compiler || !statistics)
      return invalid("compiler and statistics must not be null");
    if (statistics->size < sizeof(AttnCompilerStatistics))
      return invalid("statistics: size is " + std::to_string(statistics->size) +
                     ", expected sizeof(AttnCompilerStatistics)");
    const CachingCompiler::Statistics &counts =
        compiler->compiler.getStatistics();
    statistics->compiled = counts.compiled;
    statistics->foundInMemory = counts.foundInMemory;
    statistics->foundInFiles = counts.foundInFiles;
    statistics->damagedFiles = counts.damagedFiles;
    statistics->failedWrites = counts.failedWrites;
    return nullptr;
  });
}
