//===- Ptxas.h - From PTX to cubins -----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_NVVM_PTXAS_H
#define ATTN_TARGET_NVVM_PTXAS_H

#include "attn/Target/GpuResources.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace attn {

/// The assembler: `given` if it is not empty, else $CUDA_HOME/bin/ptxas, else
/// one in $PATH. An error that says where it was looked for.
llvm::Expected<std::string> findPtxas(llvm::StringRef given);

/// A kernel as it will be launched: with so many threads in a block, and so
/// much dynamic shared memory.
struct PtxKernel {
  std::string name;
  int64_t threads = 0, sharedBytes = 0;
};

struct Cubin {
  std::string bytes;
  /// "ptxas 13.0.88".
  std::string assembler;
  /// What costs performance, in the assembler's words.
  std::vector<std::string> warnings;
  /// registers, spill_stores, spill_loads (bytes), local_bytes, and
  /// blocks_per_multiprocessor where the chip's limits are known.
  KernelResources resources;
};

/// Assembles `ptx` for `chip`, which may be newer than the one the text names.
llvm::Expected<Cubin> assemblePtx(llvm::StringRef ptxas, llvm::StringRef ptx,
                                  llvm::StringRef chip,
                                  llvm::ArrayRef<PtxKernel> kernels);

/// Reads what `ptxas -v` prints.
KernelResources parsePtxasReport(llvm::StringRef text,
                                 std::vector<std::string> &warnings);

} // namespace attn

#endif // ATTN_TARGET_NVVM_PTXAS_H
