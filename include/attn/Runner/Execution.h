//===- Execution.h - Calling a compiled function ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_EXECUTION_H
#define ATTN_RUNNER_EXECUTION_H

#include "attn/Compiler/Jit.h"
#include "attn/Runner/Entry.h"
#include "attn/Runtime/Memory.h"
#include "attn/Support/Tensor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SetVector.h"
#include <memory>
#include <vector>

namespace attn::runner {

/// Calls a kernel on fixed arrays. Owns the results of the last call.
class Execution {
public:
  Execution(const JitKernel &kernel, const Entry &entry,
            llvm::ArrayRef<Tensor> arguments);
  ~Execution();

  /// Frees the results of the call before and calls.
  void call();

  /// The results of the last call.
  std::vector<TensorView> getResults() const;

  /// Bytes the kernel allocated during the last call, at most at one time,
  /// without its results, and bytes it did not free.
  size_t getPeakScratchBytes() const { return peakScratchBytes; }
  size_t getLeakedBytes() const { return leakedBytes; }

private:
  /// The memory of the results that the caller is to free, each once: a result
  /// may also be an argument, a constant, or the same as another.
  llvm::SmallSetVector<void *, 4> getOwnedResults() const;
  void freeResults();

  const JitKernel &kernel;
  const Entry &entry;
  /// Memref descriptors as 64-bit words: two pointers, offset, sizes, strides.
  std::vector<std::vector<int64_t>> descriptors;
  std::vector<int64_t> results;
  std::vector<void *> pointers;
  /// What the calls have allocated in this thread and not freed.
  AllocationScope allocations;
  size_t peakScratchBytes = 0, leakedBytes = 0;
};

} // namespace attn::runner

#endif // ATTN_RUNNER_EXECUTION_H
