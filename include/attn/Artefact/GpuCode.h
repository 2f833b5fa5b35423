//===- GpuCode.h - Code for GPUs --------------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From a gpu.module at the `llvm` stage to everything that a device may be
// given, with what the assembler says about it: LLVM bitcode for the emulator,
// PTX and, where ptxas is found, a cubin; or an HSACO.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ARTEFACT_GPUCODE_H
#define ATTN_ARTEFACT_GPUCODE_H

#include "attn/Compiler/Codegen.h"

#include <array>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mlir::gpu {
class GPUModuleOp;
} // namespace mlir::gpu

namespace attn {

/// What the assembler counts of a kernel, by name: "registers", "spill_stores".
using GpuResources = std::vector<std::pair<std::string, int64_t>>;

struct GpuKernel {
  std::string name;
  std::array<int64_t, 3> block = {1, 1, 1};
  /// Dynamic shared memory of a block.
  int64_t sharedBytes = 0;
  /// Empty where there was no assembler.
  GpuResources resources;
};

struct GpuBinary {
  /// "bitcode", "ptx", "cubin", "hsaco".
  std::string kind;
  std::string bytes;
};

struct GpuCode {
  CodegenTarget target;
  /// "ptxas 13.0.88"; why there was none, in words, where there was none.
  std::string assembler;
  /// What the assembler warns of, one line each.
  std::vector<std::string> warnings;
  /// By their number in launches.
  std::vector<GpuKernel> kernels;
  std::vector<GpuBinary> binaries;
};

struct GpuCodeOptions {
  /// ptxas; empty: $CUDA_HOME/bin, then $PATH.
  std::string ptxas;
};

/// Compiles the kernels of a module: its functions with `attn.kernel_index`.
llvm::Expected<GpuCode> compileGpuModule(mlir::gpu::GPUModuleOp module,
                                         const CodegenTarget &target,
                                         const GpuCodeOptions &options);

/// The only gpu.module of a module at the `llvm` stage.
llvm::Expected<mlir::gpu::GPUModuleOp> findGpuModule(mlir::ModuleOp module);

enum class GpuText { LLVMIR, Assembly };

/// Writes what the code generator is given, or the assembly that it makes.
llvm::Error printGpuCode(mlir::ModuleOp module, const CodegenTarget &target,
                         GpuText kind, llvm::raw_ostream &os);

/// Fails, naming them, if a kernel spills registers or the assembler warned.
llvm::Error checkResources(const GpuCode &code);

} // namespace attn

#endif // ATTN_ARTEFACT_GPUCODE_H
