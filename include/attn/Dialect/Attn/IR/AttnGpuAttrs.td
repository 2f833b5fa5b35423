//===- AttnGpuAttrs.td - Layouts and schedules of GPUs -----*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNGPUATTRS_TD
#define ATTN_DIALECT_ATTN_IR_ATTNGPUATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "attn/Dialect/Attn/IR/AttnEnums.td"

def Attn_MatrixKind
    : I32Enum<"MatrixKind", "matrix instruction of a warp", [
    I32EnumCase<"m16n8k16", 0>, I32EnumCase<"m32n32k8", 1>,
    I32EnumCase<"m16n16k16", 2>]> {
  let cppNamespace = "::attn";
}

def Attn_MatrixKindAttr
    : EnumAttr<Attn_Dialect, Attn_MatrixKind, "matrix_kind"> {
  let assemblyFormat = "$value";
}

def Attn_BlockScheduleAttr : AttrDef<Attn_Dialect, "BlockSchedule"> {
  let mnemonic = "block_schedule";
  let summary = "How a block of threads computes a work item";
  let description = [{
    `warps` warps of `lanes` threads share the query rows of a work item: each
    has its own rows and sees all keys. `instruction` multiplies 16-bit
    operands, m16n16k16 those of f32 too; of others its result layout says who
    has which elements. With `transposed`, the instruction computes S^T = K Q^T
    and O^T = V^T P^T: its columns, not its rows, are query rows.

    Tiles of K and V go through `stages` buffers in shared memory: loads of the
    next ones are under way while one is in use. With `fetches`, for chips that
    cannot copy past registers, a thread loads its part of a tile early and
    stores it late. With `lazy`, the maximum that is subtracted from the scores
    of a row follows them only when they exceed it by a factor of 2^8 in their
    weights: rescaling accumulators is rare then.
    ```mlir
    #attn.block_schedule<instruction=m16n8k16, warps=4, lanes=32, stages=2>
    ```
  }];
  let parameters = (ins EnumParameter<Attn_MatrixKind>:$instruction,
                        "int64_t":$warps, "int64_t":$lanes, "int64_t":$stages,
                        DefaultValuedParameter<"bool", "false">:$transposed,
                        DefaultValuedParameter<"bool", "false">:$fetches,
                        DefaultValuedParameter<"bool", "false">:$lazy);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Attn_FragmentAttr : AttrDef<Attn_Dialect, "Fragment"> {
  let mnemonic = "fragment";
  let summary = "The tile lies in registers of the threads of a block";
  let description = [{
    A map from (register, lane, warp) to an element. Each of the three numbers
    is split into digits of mixed radix, least significant first; a digit
    `dim size by step` adds digit * step to the coordinate along `dim`. Digits
    of step 0 repeat elements: such lanes or warps hold the same value. With
    `partial`, they do not: the element is the sum of their values.
    ```mlir
    #attn.fragment<[kv 2 by 1, q 2 by 8], [kv 4 by 2, q 8 by 1], [q 4 by 16]>
    #attn.fragment<[q 2 by 8], [q 4 by 0, q 8 by 1], [q 4 by 16], partial>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::attn::LayoutDigit">:$registers,
                        ArrayRefParameter<"::attn::LayoutDigit">:$lanes,
                        ArrayRefParameter<"::attn::LayoutDigit">:$warps,
                        "bool":$partial);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Attn_SharedAttr : AttrDef<Attn_Dialect, "Shared"> {
  let mnemonic = "shared";
  let summary = "The tile lies in shared memory";
  let description = [{
    Rows of `pitch` elements, of which `columns` are written: those beyond the
    tile's extent are 0. Of row r, chunk c of 16 bytes lies at chunk
    c xor (r mod `swizzle`), so that `swizzle` neighbouring rows of one chunk
    lie in different banks. The first dim of the tile's view is the row.

    With `transposed`, the other dim is the row and keys are the columns: in
    their order if of 32 bits; else key 16 u + 8 b + 4 h + w is in column
    16 u + 8 h + 4 b + w: a chunk holds a lane's part of two steps of 8 keys.
    Chunk c of row r is at c xor (r / n mod `swizzle`) xor (r / (n `swizzle`)
    mod (`swizzle` / 2)), n being the rows of 128 bytes, at least 1.
    ```mlir
    #attn.shared<columns = 128, pitch = 128, swizzle = 8>
    #attn.shared<columns = 80, pitch = 88>
    #attn.shared<columns = 64, pitch = 64, swizzle = 8, transposed = true>
    ```
  }];
  let parameters = (ins "int64_t":$columns, "int64_t":$pitch,
                        DefaultValuedParameter<"int64_t", "1">:$swizzle,
                        DefaultValuedParameter<"bool", "false">:$transposed);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // ATTN_DIALECT_ATTN_IR_ATTNGPUATTRS_TD
