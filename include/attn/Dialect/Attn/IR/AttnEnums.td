//===- AttnEnums.td - Layout and tile enumerations ---------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNENUMS_TD
#define ATTN_DIALECT_ATTN_IR_ATTNENUMS_TD

include "mlir/IR/EnumAttr.td"
include "attn/Dialect/Attn/IR/AttnDialect.td"

def Attn_Layout : I32Enum<"Layout", "order of the dims of q, k, v or out", [
    I32EnumCase<"bshd", 0>, I32EnumCase<"bhsd", 1>, I32EnumCase<"bhds", 2>,
    I32EnumCase<"thd", 3>, I32EnumCase<"htd", 4>, I32EnumCase<"hdt", 5>,
    I32EnumCase<"paged", 6>]> {
  let cppNamespace = "::attn";
}

def Attn_LayoutAttr : EnumAttr<Attn_Dialect, Attn_Layout, "layout"> {
  let summary = "Order of the dims of one operand, outermost first";
  let description = [{
    | case | dims | innermost, contiguous |
    |---|---|---|
    | `bshd` | batch, sequence, head, head dim | head dim |
    | `bhsd` | batch, head, sequence, head dim | head dim |
    | `bhds` | batch, head, head dim, sequence | sequence |
    | `thd` | packed tokens, head, head dim | head dim |
    | `htd` | head, packed tokens, head dim | head dim |
    | `hdt` | head, head dim, packed tokens | sequence |
    | `paged` | page, row of the page, kv head, head dim | head dim |

    Outer dims of a memref may have any stride.
  }];
  let assemblyFormat = "`<` $value `>`";
}

def Attn_Dim : I32Enum<"Dim", "named dim of a tile", [
    I32EnumCase<"q", 0>, I32EnumCase<"kv", 1>, I32EnumCase<"d", 2>,
    I32EnumCase<"dv", 3>]> {
  let cppNamespace = "::attn";
}

def Attn_ReductionKind : I32Enum<"ReductionKind", "reduction over a tile dim", [
    I32EnumCase<"add", 0>, I32EnumCase<"max", 1>]> {
  let cppNamespace = "::attn";
}

def Attn_ReductionKindAttr
    : EnumAttr<Attn_Dialect, Attn_ReductionKind, "reduction"> {
  let assemblyFormat = "$value";
}

def Attn_TileVisibility
    : I32Enum<"TileVisibility", "what a mask shows of a tile", [
    I32EnumCase<"empty", 0>, I32EnumCase<"partial", 1>,
    I32EnumCase<"full", 2>]> {
  let cppNamespace = "::attn";
}

#endif // ATTN_DIALECT_ATTN_IR_ATTNENUMS_TD
