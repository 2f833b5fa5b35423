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
include "attn/Dialect/Attn/IR/AttnGpuAttrs.td"
include "attn/Dialect/Attn/IR/AttnMasks.td"

def Attn_SplitAttr : AttrDef<Attn_Dialect, "Split"> {
  let mnemonic = "split";
  let summary = "How the keys of a work item are divided into parts";
  let description = [{
    One of three:
    - `count` parts of equal numbers of tiles, of those that the item visits;
    - parts of `size` keys, rounded up to whole tiles: part p holds the keys
      [p * size, (p + 1) * size), whatever else is in the batch;
    - as many parts as give `items` work items, of equal numbers of tiles, but
      of at least `size` keys.

    None depends on the number of threads.
    ```mlir
    #attn.split<count = 4>
    #attn.split<size = 512>
    #attn.split<items = 64, size = 1024>
    ```
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "0">:$count,
                        DefaultValuedParameter<"int64_t", "0">:$items,
                        DefaultValuedParameter<"int64_t", "0">:$size);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Attn_ConfigAttr : AttrDef<Attn_Dialect, "Config"> {
  let mnemonic = "config";
  let summary = "What a target chose for one attention op";
  let description = [{
    Written by the target's select-config pass, obeyed by every later pass.
    `block_q` query rows and `block_kv` keys make a tile of the key ranges;
    `block_kv_compute` keys, a divisor of `block_kv`, go through one step of the
    online softmax. `schedule` holds what only the target understands.

    With `heads`, a tile holds the rows of that many query heads of one KV head:
    row r is row r / heads of the block of the head r % heads, so that K and V
    are read once for all of them. A block then has block_q / heads rows of
    each, rounded down; what is left of the tile is padding. With `split`, parts
    of the keys are work items of their own, merged by a second launch.
  }];
  let parameters = (ins "int64_t":$block_q, "int64_t":$block_kv,
                        "int64_t":$block_kv_compute,
                        "::mlir::Attribute":$schedule,
                        DefaultValuedParameter<"int64_t", "1">:$heads,
                        OptionalParameter<"::attn::SplitAttr">:$split);
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

    With `by_row`, the form for tiles of few query rows, a row lies along the
    lanes instead: its elements of q and acc, its scores and weights. Keys and
    values are read where they are, each once, and scores are sums over lanes.
    `rows` x `lanes` is then the register tile of the product with V.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$lanes, "int64_t":$unit,
                        "bool":$pairs,
                        DefaultValuedParameter<"bool", "false">:$by_row);
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
