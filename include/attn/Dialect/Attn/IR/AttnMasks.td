//===- AttnMasks.td - The mask algebra ---------------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Masks are a boolean algebra on visibility. A leaf says which keys `j` a query
// row at position `q_pos` sees; `and`, `or`, `not` and `per_head` combine
// leaves.
// Leaves that need values known only at run time name *slots*: indices into the
// `mask_operands` of the op that carries the mask.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNMASKS_TD
#define ATTN_DIALECT_ATTN_IR_ATTNMASKS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "attn/Dialect/Attn/IR/AttnDialect.td"

class Attn_Mask<string cppName, string attrMnemonic>
    : AttrDef<Attn_Dialect, cppName> {
  let mnemonic = attrMnemonic;
}

def Attn_MaskArray : ArrayRefParameter<"::mlir::Attribute", "masks">;
def Attn_SlotArray : ArrayRefParameter<"int64_t", "slots">;

def Attn_CausalAttr : Attn_Mask<"Causal", "causal"> {
  let summary = "visible iff j <= q_pos";
}

def Attn_SlidingWindowAttr : Attn_Mask<"SlidingWindow", "sliding_window"> {
  let summary = "visible iff q_pos - left <= j <= q_pos + right";
  let description = [{
    Each side is a count >= 0 or `unbounded`. A window of W keys that ends with
    the row's own position is `#attn.sliding_window<W-1, 0>`.
    ```mlir
    #attn.sliding_window<127, 0>
    #attn.sliding_window<unbounded, 16>
    ```
  }];
  let parameters = (ins "int64_t":$left, "int64_t":$right);
  let extraClassDeclaration = [{
    /// The value of a side without bound.
    static constexpr int64_t kUnbounded = -1;
    bool hasLeft() const { return getLeft() != kUnbounded; }
    bool hasRight() const { return getRight() != kUnbounded; }
  }];
  let assemblyFormat = [{
    `<` custom<WindowSide>($left) `,` custom<WindowSide>($right) `>`
  }];
  let genVerifyDecl = 1;
}

def Attn_ChunkedAttr : Attn_Mask<"Chunked", "chunked"> {
  let summary = "visible iff floor(q_pos / c) == floor(j / c)";
  let parameters = (ins "int64_t":$size);
  let assemblyFormat = "`<` $size `>`";
  let genVerifyDecl = 1;
}

def Attn_PrefixAttr : Attn_Mask<"Prefix", "prefix"> {
  let summary = "visible iff j < n";
  let description = [{
    n is a constant, or a value per batch in an i32 mask operand [B].
    ```mlir
    #attn.prefix<16>
    #attn.prefix<slot 0>
    ```
  }];
  let parameters = (ins "int64_t":$length, "int64_t":$slot);
  let builders = [
    AttrBuilder<(ins "int64_t":$length), [{
      return $_get($_ctxt, length, kNoSlot);
    }]>
  ];
  let extraClassDeclaration = [{
    static constexpr int64_t kNoSlot = -1;
    bool hasSlot() const { return getSlot() != kNoSlot; }
  }];
  let assemblyFormat = "`<` custom<PrefixLength>($length, $slot) `>`";
  let genVerifyDecl = 1;
}

def Attn_SegmentsAttr : Attn_Mask<"Segments", "segments"> {
  let summary = "visible iff q_segment[b,i] == kv_segment[b,j]";
  let description = [{
    Both are i32 mask operands, [B, S] or packed [total].
    ```mlir
    #attn.segments<q = 0, kv = 1>
    ```
  }];
  let parameters = (ins "int64_t":$qSlot, "int64_t":$kvSlot);
  let assemblyFormat = "`<` `q` `=` $qSlot `,` `kv` `=` $kvSlot `>`";
  let genVerifyDecl = 1;
}

def Attn_DenseAttr : Attn_Mask<"Dense", "dense"> {
  let summary = "visible iff mask[b,h,i,j], an i1 mask operand";
  let description = [{
    The operand has rank 4, [B, Hq, Sq, Skv]; any dim may be 1 (broadcast).
  }];
  let parameters = (ins "int64_t":$slot);
  let assemblyFormat = "`<` $slot `>`";
  let genVerifyDecl = 1;
}

def Attn_CustomAttr : Attn_Mask<"Custom", "custom"> {
  let summary = "visible iff @function(b, h, q_pos, j, captures...)";
  let description = [{
    The function takes four `index` arguments and one argument per capture slot
    and returns i1. See `attn.attention` for what it may contain.
    ```mlir
    #attn.custom<@tree_mask, [0, 1]>
    ```
  }];
  let parameters = (ins "::mlir::FlatSymbolRefAttr":$function,
                        OptionalArrayRefParameter<"int64_t">:$slots);
  let assemblyFormat = [{
    `<` $function (`,` `[` $slots^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
}

def Attn_PerHeadAttr : Attn_Mask<"PerHead", "per_head"> {
  let summary = "masks[h] for query head h";
  let description = [{
    ```mlir
    #attn.per_head<[#attn.causal, #attn.sliding_window<127, 0>]>
    ```
  }];
  let parameters = (ins Attn_MaskArray:$masks);
  let assemblyFormat = "`<` custom<MaskList>($masks) `>`";
  let genVerifyDecl = 1;
}

def Attn_AndAttr : Attn_Mask<"And", "and"> {
  let summary = "visible iff every operand is; `#attn.and<[]>` shows all";
  let parameters = (ins Attn_MaskArray:$masks);
  let assemblyFormat = "`<` custom<MaskList>($masks) `>`";
  let genVerifyDecl = 1;
}

def Attn_OrAttr : Attn_Mask<"Or", "or"> {
  let summary = "visible iff some operand is; `#attn.or<[]>` shows nothing";
  let parameters = (ins Attn_MaskArray:$masks);
  let assemblyFormat = "`<` custom<MaskList>($masks) `>`";
  let genVerifyDecl = 1;
}

def Attn_NotAttr : Attn_Mask<"Not", "not"> {
  let summary = "visible iff the operand is not; never exposes padding";
  let parameters = (ins "::mlir::Attribute":$mask);
  let assemblyFormat = "`<` $mask `>`";
  let genVerifyDecl = 1;
}

#endif // ATTN_DIALECT_ATTN_IR_ATTNMASKS_TD
