//===- AttnOps.td - attn.attention and attn.merge ----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNOPS_TD
#define ATTN_DIALECT_ATTN_IR_ATTNOPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "attn/Dialect/Attn/IR/AttnAttrs.td"
include "attn/Dialect/Attn/IR/AttnTypes.td"

def Attn_Shaped : AnyTypeOf<[AnyRankedTensor, AnyMemRef],
                            "ranked tensor or memref">;
def Attn_Offset : AnyTypeOf<[I64, Attn_Shaped], "i64, or i64 tensor or memref">;

def Attn_AttentionOp : Attn_Op<"attention", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes"]>]> {
  let summary = "softmax(mask(score(scale * Q K^T))) V";
  let description = [{
    For batch b, query head h, query row i, key j and KV head
    g = h / (Hq / Hkv), all in f32:

    ```
    r       = scale * q_descale * k_descale * dot(q[b,i,h,:], k[b,j,g,:])
    s       = softcap > 0 ? softcap * tanh(r / softcap) : r
    s       = s - alibi_slope[h] * |q_pos - j| + bias[b,h,i,j]
    f       = score_mod(s, b, h, q_pos, j, captures...)
    visible = mask(b, h, q_pos, j) and i < q_lens[b] and j < kv_lens[b]
              and bias != -inf and f != -inf
    m       = max over visible f and sinks[h]
    l       = sum over visible exp(f - m) + exp(sinks[h] - m)
    out     = v_descale * sum over visible exp(f - m) * v[b,j,g,:] / l
    lse     = m + ln(l)
    ```

    with q_pos = i + q_offset[b], or q_positions[b,i]. A row that sees no key
    has out = 0 and lse = -inf, or lse = sinks[h]; a padding row (i >=
    q_lens[b], or behind the last sequence of a packed q) has out = 0 and lse =
    -inf. What is not visible never reaches a result, whatever it holds.

    The op is destination-passing: `outs` are tensors and the op has one result
    per init, or memrefs and the op has no result. The second init, if present,
    receives lse.

    | operand | shape | element type |
    |---|---|---|
    | q, k, v | rank 4, packed 3, see `#attn.layout` | f32, f16, bf16, fp8 |
    | out | as q, with v's head dim | f32, f16, bf16 |
    | lse | [B, Hq, Sq], packed [Hq, total_q] | f32 |
    | bias | [B, Hq, Sq, Skv], any dim may be 1 | any float |
    | sinks | [Hq] | f32 |
    | alibi_slopes | [Hq] or [B, Hq] | f32 |
    | q_lens, kv_lens | [B] | i32 |
    | q_offset | scalar or [B] | i64 |
    | q_positions | [B, Sq], packed [total_q] | i64 |
    | cu_seqlens_q, cu_seqlens_kv | [B + 1] | i32 |
    | block_table | [B, max_pages] | i32 |
    | q_descale, k_descale, v_descale | [B or 1, Hkv or 1] | f32 |

    fp8 is f8E4M3FN, f8E5M2, f8E4M3FNUZ or f8E5M2FNUZ.

    Constraints (a dynamic size agrees with every size):
    - (C1) q, k, v and out have the rank of their layout: 4, or 3 for packed
      ones.
    - (C2) q, k and v have a float element type of the table; k and v have the
      same one; the bit width of q's is not smaller than that of k's.
    - (C3) out is f32, f16 or bf16; lse is f32.
    - (C4) q and k have the same head dim; v and out have the same head dim;
      both are static and at least 1.
    - (C5) k and v have the same number of heads, sequence length and batch
      (paged: pages and page size); out has q's batch, heads and sequence
      length; q and k have the same batch where both have one.
    - (C6) q's number of heads is a multiple of k's, and neither is 0.
    - (C7) All of ins, outs and other shaped operands, captures included, are
      tensors, or all are memrefs; tensors have one result per init with the
      init's type, memrefs none.
    - (C8) There are one or two inits; lse is [B, Hq, Sq], packed [Hq, total_q].
    - (C9) Exactly one of scale and dynamic_scale is given; scale is finite.
    - (C10) At most one of softcap and dynamic_softcap; softcap is finite and
      not negative.
    - (C11) At most one of q_offset, dynamic_q_offset and q_positions.
    - (C12) bias has rank 4, a float element type and dims of 1 or of the
      problem. Packed q has any Sq here, packed or paged k any Skv: with those,
      i and j count within the sequence.
    - (C13) sinks is f32 [Hq]; alibi_slopes is f32 [Hq] or [B, Hq].
    - (C14) q_lens and kv_lens are i32 [B].
    - (C15) q_positions is i64 [B, Sq], packed [total_q]; dynamic_q_offset is
      i64 or i64 [B].
    - (C16) q is packed iff out is and iff cu_seqlens_q is given; k is packed
      iff v is and iff cu_seqlens_kv is given; both are i32 [B + 1]. Packed q
      takes no q_lens, packed k and v take no kv_lens.
    - (C17) k is paged iff v is and iff block_table is given, q and out never
      are; block_table is i32 [B, max_pages], and kv_lens is required with it.
    - (C18) mask is a mask of the dialect. Every slot it names has a mask
      operand of the leaf's type (prefix: i32 [B]; segments: i32 [B, Sq] and [B,
      Skv], packed [total]; dense: i1 of rank 4 with dims as those of bias), and
      every mask operand is named.
    - (C19) per_head has one mask per query head and is not nested.
    - (C20) score_operands need score_mod. score_mod is a function (f32, index,
      index, index, index, captures...) -> f32, a custom mask (index, index,
      index, index, captures...) -> i1, both with one block of the scalar ops
      and types that docs/functions.md lists. A capture is an integer, index,
      float, tensor or memref of the argument's type; tensors and memrefs may be
      more static than the argument, and memrefs may have another layout. None
      has a dim of 0, unless q or k has.
    - (C21) Descale factors are f32 [B or 1, Hkv or 1] and need fp8 k and v;
      q_descale needs an fp8 q.
    - (C22) block sizes, num_splits and split_size are >= 1; block_kv_compute
      divides block_kv; at most one of num_splits and split_size.
    - (C23) q, k, v and out as memrefs have strides; the innermost dim of their
      layout has stride 1, unless its size is 1. Where that stride is dynamic,
      it must be 1 at run time.

    Example:
    ```mlir
    %out = attn.attention ins(%q, %k, %v : tensor<1x1024x8x64xf32>,
        tensor<1x1024x2x64xf32>, tensor<1x1024x2x64xf32>)
        mask(#attn.causal) scale(1.250000e-01)
        outs(%init : tensor<1x1024x8x64xf32>) -> tensor<1x1024x8x64xf32>
    ```
  }];
  let arguments = (ins
    Attn_Shaped:$q, Attn_Shaped:$k, Attn_Shaped:$v,
    Optional<Attn_Shaped>:$bias, Optional<Attn_Shaped>:$sinks,
    Optional<Attn_Shaped>:$alibi_slopes, Optional<Attn_Shaped>:$q_lens,
    Optional<Attn_Shaped>:$kv_lens, Optional<Attn_Offset>:$dynamic_q_offset,
    Optional<Attn_Shaped>:$q_positions, Optional<Attn_Shaped>:$cu_seqlens_q,
    Optional<Attn_Shaped>:$cu_seqlens_kv, Optional<Attn_Shaped>:$block_table,
    Optional<Attn_Shaped>:$q_descale, Optional<Attn_Shaped>:$k_descale,
    Optional<Attn_Shaped>:$v_descale, Optional<F32>:$dynamic_scale,
    Optional<F32>:$dynamic_softcap, Variadic<Attn_Shaped>:$mask_operands,
    Variadic<AnyType>:$score_operands, Variadic<Attn_Shaped>:$outs,
    OptionalAttr<AnyAttr>:$mask, OptionalAttr<F32Attr>:$scale,
    OptionalAttr<F32Attr>:$softcap, OptionalAttr<I64Attr>:$q_offset,
    OptionalAttr<FlatSymbolRefAttr>:$score_mod,
    DefaultValuedAttr<Attn_LayoutAttr, "::attn::Layout::bshd">:$q_layout,
    DefaultValuedAttr<Attn_LayoutAttr, "::attn::Layout::bshd">:$k_layout,
    DefaultValuedAttr<Attn_LayoutAttr, "::attn::Layout::bshd">:$v_layout,
    DefaultValuedAttr<Attn_LayoutAttr, "::attn::Layout::bshd">:$out_layout,
    OptionalAttr<I64Attr>:$num_splits, OptionalAttr<I64Attr>:$split_size,
    OptionalAttr<I64Attr>:$block_q, OptionalAttr<I64Attr>:$block_kv,
    OptionalAttr<I64Attr>:$block_kv_compute,
    OptionalAttr<Attn_ConfigAttr>:$config);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v `:` type($q) `,` type($k) `,` type($v) `)`
    (`layout` `(` custom<Layouts>($q_layout, $k_layout, $v_layout, $out_layout)^
    `)`)?
    oilist(
      `mask` `(` $mask `)`
    | `mask_operands` `(` $mask_operands `:` type($mask_operands) `)`
    | `scale` `(` $scale `)`
    | `dynamic_scale` `(` $dynamic_scale `)`
    | `softcap` `(` $softcap `)`
    | `dynamic_softcap` `(` $dynamic_softcap `)`
    | `q_offset` `(` $q_offset `)`
    | `dynamic_q_offset` `(` $dynamic_q_offset `:` type($dynamic_q_offset) `)`
    | `q_positions` `(` $q_positions `:` type($q_positions) `)`
    | `q_lens` `(` $q_lens `:` type($q_lens) `)`
    | `kv_lens` `(` $kv_lens `:` type($kv_lens) `)`
    | `cu_seqlens_q` `(` $cu_seqlens_q `:` type($cu_seqlens_q) `)`
    | `cu_seqlens_kv` `(` $cu_seqlens_kv `:` type($cu_seqlens_kv) `)`
    | `block_table` `(` $block_table `:` type($block_table) `)`
    | `bias` `(` $bias `:` type($bias) `)`
    | `sinks` `(` $sinks `:` type($sinks) `)`
    | `alibi_slopes` `(` $alibi_slopes `:` type($alibi_slopes) `)`
    | `score_mod` `(` $score_mod `)`
    | `score_operands` `(` $score_operands `:` type($score_operands) `)`
    | `q_descale` `(` $q_descale `:` type($q_descale) `)`
    | `k_descale` `(` $k_descale `:` type($k_descale) `)`
    | `v_descale` `(` $v_descale `:` type($v_descale) `)`
    | `num_splits` `(` $num_splits `)`
    | `split_size` `(` $split_size `)`
    | `block_q` `(` $block_q `)`
    | `block_kv` `(` $block_kv `)`
    | `block_kv_compute` `(` $block_kv_compute `)`
    | `config` `(` qualified($config) `)`)
    `outs` `(` $outs `:` type($outs) `)` attr-dict (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getOutsMutable();
    }
    ::mlir::Value getOut() { return getOuts().front(); }
    /// The init that receives lse, or null.
    ::mlir::Value getLse() {
      return getOuts().size() > 1 ? getOuts()[1] : ::mlir::Value();
    }
    bool hasTensorSemantics() {
      return ::mlir::isa<::mlir::RankedTensorType>(getQ().getType());
    }
    /// Index of a dim of q, k, v or out in its layout.
    ::mlir::ShapedType getQType();
    ::mlir::ShapedType getKType();
    ::mlir::ShapedType getVType();
    ::mlir::ShapedType getOutType();
    /// Static head dims (C4).
    int64_t getHeadDim();
    int64_t getValueHeadDim();
    /// The static number of keys of k: of all sequences together if packed, of
    /// the block table's pages if paged; dynamic where it is unknown.
    int64_t getNumKeys();
    bool isPackedQ() { return static_cast<bool>(getCuSeqlensQ()); }
    bool isPackedKv() { return static_cast<bool>(getCuSeqlensKv()); }
    bool isPaged() { return static_cast<bool>(getBlockTable()); }
  }];
}

def Attn_MergeOp : Attn_Op<"merge", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Merge attention over disjoint parts of the keys";
  let description = [{
    ```
    lse = log sum over p of exp(lse_p)
    out = sum over p of exp(lse_p - lse) out_p
    ```
    A part without visible keys (lse_p = -inf) contributes exactly 0, whatever
    its out_p holds; all parts empty give out = 0, lse = -inf. A sink is one
    more part (out = 0, lse = sinks[h]), merged once. Padding rows (i >=
    q_lens[b]) give out = 0, lse = -inf, sink or not. Serves split KV, cascades
    over a shared prefix and ring attention alike.

    Constraints:
    - (C1) part_outs is f32 [P, B, Hq, Sq, D], part_lses f32 [P, B, Hq, Sq].
    - (C2) There are one or two inits: out [B, Hq, Sq, D] of type f32, f16 or
      bf16, then lse, f32 [B, Hq, Sq].
    - (C3) sinks is f32 [Hq].
    - (C4) All are tensors, with one result per init of the init's type, or all
      are memrefs, without results.
    - (C5) q_lens is i32 [B].

    Example:
    ```mlir
    %o = attn.merge ins(%outs, %lses : tensor<4x1x8x16x64xf32>,
        tensor<4x1x8x16xf32>) outs(%init : tensor<1x8x16x64xbf16>)
        -> tensor<1x8x16x64xbf16>
    ```
  }];
  let arguments = (ins Attn_Shaped:$part_outs, Attn_Shaped:$part_lses,
                       Optional<Attn_Shaped>:$sinks,
                       Optional<Attn_Shaped>:$q_lens,
                       Variadic<Attn_Shaped>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $part_outs `,` $part_lses `:` type($part_outs) `,`
    type($part_lses) `)` (`sinks` `(` $sinks^ `:` type($sinks) `)`)?
    (`q_lens` `(` $q_lens^ `:` type($q_lens) `)`)?
    `outs` `(` $outs `:` type($outs) `)` attr-dict (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getOutsMutable();
    }
  }];
}

include "attn/Dialect/Attn/IR/AttnTileOps.td"

#endif // ATTN_DIALECT_ATTN_IR_ATTNOPS_TD
