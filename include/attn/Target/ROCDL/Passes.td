//===- Passes.td - Passes of the AMD targets ------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_ROCDL_PASSES_TD
#define ATTN_TARGET_ROCDL_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectRocdlConfigPass : Pass<"attn-select-rocdl-config"> {
  let summary = "Choose blocks, waves and stages for an AMD GPU";
  let description = [{
    In: `attn.attention`. Out: the same ops with a `config`; lowering obeys it.
    Block sizes that the op gives are rounded up to whole matrix instructions.
    An op that uses a feature without a lowering is refused with an `unsupported
    on <target>` error.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"gfx942\"",
           "GPU to choose for (docs/targets.md)">
  ];
  let dependentDialects = ["::attn::AttnDialect"];
}

def ConvertGpuToRocdlPass : Pass<"convert-attn-gpu-to-rocdl"> {
  let summary = "Lower the code of one thread to instructions of AMD GPUs";
  let description = [{
    In: a `gpu.module` of kernels on scalars. Out: the same with ROCDL ops in
    place of barriers, shuffles, thread numbers, copies and matrix products, and
    with the hardware's approximation of exp2 and log2.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::ROCDL::ROCDLDialect",
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

#endif // ATTN_TARGET_ROCDL_PASSES_TD
