//===- AttnAttrs.td - Configurations and tile layouts ------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNATTRS_TD
#define ATTN_DIALECT_ATTN_IR_ATTNATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "attn/Dialect/Attn/IR/AttnEnums.td"
include "attn/Dialect/Attn/IR/AttnMasks.td"

def Attn_ConfigAttr : AttrDef<Attn_Dialect, "Config"> {
  let mnemonic = "config";
  let summary = "What a target chose for one attention op";
  let description = [{
    Written by the target's select-config pass, obeyed by every later pass.
    `block_q` query rows and `block_kv` keys make a tile of the key ranges;
    `block_kv_compute` keys, a divisor of `block_kv`, go through one step of the
    online softmax. `schedule` holds what only the target understands.
  }];
  let parameters = (ins "int64_t":$block_q, "int64_t":$block_kv,
                        "int64_t":$block_kv_compute,
                        "::mlir::Attribute":$schedule);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Attn_VectorScheduleAttr : AttrDef<Attn_Dialect, "VectorSchedule"> {
  let mnemonic = "vector_schedule";
  let summary = "Register tile of the vector lowering";
  let description = [{
    The matrix products keep `rows` x `lanes` f32 accumulators in registers;
    `lanes` query rows lie along the vector lanes, so softmax needs no
    horizontal reduction. `unit` is the number of lanes of one machine register.
    With `pairs` the products multiply adjacent pairs of 16-bit elements and add
    both to an f32 lane (a dot-product instruction); otherwise operands are
    converted to f32 when a tile is loaded.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$lanes, "int64_t":$unit,
                        "bool":$pairs);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Attn_BufferLayoutAttr : AttrDef<Attn_Dialect, "BufferLayout"> {
  let mnemonic = "buffer";
  let summary = "The tile lies in a scratch buffer";
  let description = [{
    `order` lists the dims of the tile, outermost first; the last one is
    contiguous and lies along the vector lanes. With `pairs`, elements 2n and
    2n+1 along the outermost dim, 16 bits each, are adjacent and form one 32-bit
    element.
    ```mlir
    !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>>
    !attn.tile<q 64, kv 128, bf16, #attn.buffer<[kv, q], pairs>>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::attn::Dim">:$order, "bool":$pairs);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Attn_InPlaceLayoutAttr : AttrDef<Attn_Dialect, "InPlaceLayout"> {
  let mnemonic = "in_place";
  let summary = "The tile is read where its view points to, never copied";
}

#endif // ATTN_DIALECT_ATTN_IR_ATTNATTRS_TD
