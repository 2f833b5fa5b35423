//===- Passes.td - Passes of the CPU targets ------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CPU_PASSES_TD
#define ATTN_TARGET_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectCpuConfigPass : Pass<"attn-select-cpu-config"> {
  let summary = "Choose blocks and register tiles for a CPU";
  let description = [{
    In: `attn.attention`. Out: the same ops with a `config`; lowering obeys it.
    Block sizes that the op gives are kept. An op that uses a feature without a
    CPU lowering is refused with an `unsupported on cpu` error.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"native\"",
           "CPU to choose for (docs/targets.md)">,
    ListOption<"otherTargets", "other-targets", "std::string",
               "What else there is, for the error about an unknown name">
  ];
  let dependentDialects = ["::attn::AttnDialect"];
}

def ConvertDotPairsToX86Pass : Pass<"convert-attn-dot-pairs-to-x86"> {
  let summary = "Lower attn.dot_pairs of bf16 to x86vector.avx512.dot";
  let description = [{
    Wide vectors are split into registers of 16 f32 lanes.
  }];
  let dependentDialects = ["::mlir::x86vector::X86VectorDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // ATTN_TARGET_CPU_PASSES_TD
