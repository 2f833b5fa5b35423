//===- AttnDialect.td - The attn dialect -------------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNDIALECT_TD
#define ATTN_DIALECT_ATTN_IR_ATTNDIALECT_TD

include "mlir/IR/OpBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::attn";
  let summary = "Attention, from one op down to online-softmax tiles";
  let description = [{
    One op, `attn.attention`, says everything about an attention problem: mask,
    scale, softcap, sinks, lengths, layouts and block sizes. The lowering
    replaces it by loops over *work items* and key ranges whose bodies are *tile
    ops* that carry the online-softmax state (accumulator, row maximum, row
    sum).

    Tiles are values of type `!attn.tile`. Their dims are named (`q`, `kv`, `d`,
    `dv`), and tile ops address dims by name, never by position. The same body
    therefore serves S = Q K^T and S^T = K Q^T: only the layout attribute of the
    tile types differs between targets.

    All logarithms and exponentials at the boundary of the dialect are base e.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();
    void registerGpuOps();
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

#endif // ATTN_DIALECT_ATTN_IR_ATTNDIALECT_TD
