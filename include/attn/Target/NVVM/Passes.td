//===- Passes.td - Passes of the NVIDIA targets ---------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_NVVM_PASSES_TD
#define ATTN_TARGET_NVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectNvvmConfigPass : Pass<"attn-select-nvvm-config"> {
  let summary = "Choose blocks, warps and stages for an NVIDIA GPU";
  let description = [{
    In: `attn.attention`. Out: the same ops with a `config`; lowering obeys it.
    Block sizes that the op gives are rounded up to whole matrix instructions.
    An op that uses a feature without a lowering is refused with an `unsupported
    on <target>` error.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"",
           "GPU to choose for (docs/targets.md)">
  ];
  let dependentDialects = ["::attn::AttnDialect"];
}

def ConvertGpuToNvvmPass : Pass<"convert-attn-gpu-to-nvvm"> {
  let summary = "Lower the code of one thread to instructions of NVIDIA GPUs";
  let description = [{
    In: a `gpu.module` of kernels on scalars. Out: the same with NVVM ops in
    place of barriers, shuffles, thread numbers, copies, matrix loads and
    products, and with the hardware's approximation of exp2 and log2.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::arith::ArithDialect"
  ];
}

#endif // ATTN_TARGET_NVVM_PASSES_TD
