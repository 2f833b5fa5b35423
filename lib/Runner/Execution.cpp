//===- Execution.cpp - Calling a compiled function ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Execution.h"

#include <algorithm>
#include <chrono>

using namespace attn;
using namespace attn::runner;

/// Words of a descriptor of a memref of this rank.
static size_t getDescriptorSize(int64_t rank) { return 3 + 2 * rank; }

static int64_t toWord(void *pointer) {
  static_assert(sizeof(void *) == sizeof(int64_t), "memref descriptors are "
                                                   "taken apart as words");
  return reinterpret_cast<int64_t>(pointer);
}

CpuExecution::CpuExecution(const JitKernel &kernel, const Entry &entry,
                           llvm::ArrayRef<Tensor> arguments)
    : kernel(kernel), entry(entry) {
  size_t words = 0;
  for (const ResultInfo &result : entry.results)
    words += getDescriptorSize(result.rank);
  results.assign(words, 0);
  if (!results.empty())
    pointers.push_back(results.data());

  for (auto [info, tensor] : llvm::zip(entry.arguments, arguments)) {
    if (info.isScalar) {
      pointers.push_back(tensor.data());
      continue;
    }
    const TensorView &view = tensor.view();
    std::vector<int64_t> words{toWord(view.data()), toWord(view.data()), 0};
    words.insert(words.end(), view.shape().begin(), view.shape().end());
    words.insert(words.end(), view.strides().begin(), view.strides().end());
    descriptors.push_back(std::move(words));
    pointers.push_back(descriptors.back().data());
  }
}

CpuExecution::~CpuExecution() { freeResults(); }

llvm::SmallSetVector<void *, 4> CpuExecution::getOwnedResults() const {
  llvm::SmallSetVector<void *, 4> owned;
  size_t position = 0;
  for (const ResultInfo &result : entry.results) {
    void *allocated = reinterpret_cast<void *>(results[position]);
    if (allocations.owns(allocated))
      owned.insert(allocated);
    position += getDescriptorSize(result.rank);
  }
  return owned;
}

void CpuExecution::freeResults() {
  for (void *pointer : getOwnedResults())
    freeMemory(pointer);
  std::fill(results.begin(), results.end(), 0);
}

llvm::Error CpuExecution::call() {
  freeResults();
  resetMemoryStatistics();
  size_t before = getMemoryStatistics().currentBytes;
  kernel.invoke(pointers.data());
  MemoryStatistics statistics = getMemoryStatistics();
  size_t resultBytes = 0;
  for (void *pointer : getOwnedResults())
    resultBytes += getMemorySize(pointer);
  peakScratchBytes = statistics.peakBytes - before - resultBytes;
  leakedBytes = statistics.currentBytes - before - resultBytes;
  return llvm::Error::success();
}

llvm::Expected<double> CpuExecution::time() {
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  if (llvm::Error error = call())
    return std::move(error);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<TensorView> CpuExecution::getResults() const {
  std::vector<TensorView> views;
  size_t position = 0;
  for (const ResultInfo &result : entry.results) {
    const int64_t *words = results.data() + position;
    const int64_t *sizes = words + 3, *strides = sizes + result.rank;
    char *aligned = reinterpret_cast<char *>(words[1]);
    views.emplace_back(aligned + words[2] * byteSize(result.element),
                       result.element,
                       std::vector<int64_t>(sizes, sizes + result.rank),
                       std::vector<int64_t>(strides, strides + result.rank));
    position += getDescriptorSize(result.rank);
  }
  return views;
}
