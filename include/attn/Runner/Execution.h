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

/// Calls a kernel on fixed arrays.
class Execution {
public:
  virtual ~Execution() = default;

  /// Calls once; results of the call before are gone. Only devices fail.
  virtual llvm::Error call() = 0;

  /// Calls once and gives the seconds of it, without the way of arrays to a
  /// device and back.
  virtual llvm::Expected<double> time() = 0;

  /// What the function returned by the last call.
  virtual std::vector<TensorView> getResults() const = 0;

  /// Bytes the kernel allocated during the last call, at most at one time,
  /// without its results, and bytes it did not free.
  virtual size_t getPeakScratchBytes() const = 0;
  virtual size_t getLeakedBytes() const = 0;
};

/// On this machine's processor. Owns the results of the last call.
class CpuExecution final : public Execution {
public:
  CpuExecution(const JitKernel &kernel, const Entry &entry,
               llvm::ArrayRef<Tensor> arguments);
  ~CpuExecution() override;

  llvm::Error call() override;
  llvm::Expected<double> time() override;
  std::vector<TensorView> getResults() const override;
  size_t getPeakScratchBytes() const override { return peakScratchBytes; }
  size_t getLeakedBytes() const override { return leakedBytes; }

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
