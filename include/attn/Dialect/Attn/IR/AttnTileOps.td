//===- AttnTileOps.td - Work items and tiles ---------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an attention op becomes: a launch of a kernel over a range of work
// items, views of the operands and ops on tiles with named dims.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNTILEOPS_TD
#define ATTN_DIALECT_ATTN_IR_ATTNTILEOPS_TD

def Attn_LaunchOp : Attn_Op<"launch", [
    MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Run a kernel over the work items [0, count)";
  let description = [{
    Calls `kernel(args..., begin, end)` on disjoint ranges that cover
    [0, count), in any order and on any number of threads, and returns when all
    are done.

    Constraints:
    - (C1) kernel is a function of this module without results whose arguments
      are the types of args followed by two `index` (begin, end).

    Example:
    ```mlir
    attn.launch @kernel over %count (%q, %out : memref<?xf32>, memref<?xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Index:$count,
                       Variadic<AnyType>:$args);
  let assemblyFormat = [{
    $kernel `over` $count `(` ($args^ `:` type($args))? `)` attr-dict
  }];
}

def Attn_WorkItemOp : Attn_Op<"work_item", [Pure]> {
  let summary = "Decode a linear work index";
  let description = [{
    `index = (batch * heads + head) * q_blocks + n` with q_block = n, or q_block
    = q_blocks - 1 - n when `longest_first`: under a causal mask the last block
    of rows sees the most keys, and starting with it evens out the finish.

    Example:
    ```mlir
    %b, %h, %qb = attn.work_item %w of (%batches, %heads, %q_blocks)
        longest_first
    ```
  }];
  let arguments = (ins Index:$index, Index:$batches, Index:$heads,
                       Index:$q_blocks, UnitAttr:$longest_first);
  let results = (outs Index:$batch, Index:$head, Index:$q_block);
  let assemblyFormat = [{
    $index `of` `(` $batches `,` $heads `,` $q_blocks `)`
    (`longest_first` $longest_first^)? attr-dict
  }];
}

def Attn_PackedBlockOp : Attn_Op<"packed_block", [MemoryEffects<[MemRead]>]> {
  let summary = "Find a block of rows among packed sequences";
  let description = [{
    Sequence s has the rows [cu_seqlens[s], cu_seqlens[s + 1]), and what lies
    behind the last one, up to `total`, counts as one more sequence, number B:
    its rows belong to nobody. The blocks of sequence s are numbered from
    `cu_seqlens[s] / size + s` on, so that its number follows from a search
    without a sum over the sequences in front of it. All numbers are below
    `total / size + B + 1`; up to one number per sequence is left over, and has
    a `row` that is not below `length`.

    `row` is the first row of the block within its sequence, `base` the
    sequence's first row in memory, `length` the number of its rows.

    Constraints:
    - (C1) cu_seqlens is i32 [B + 1].
    - (C2) size is at least 1.

    Example:
    ```mlir
    %s, %row, %base, %length = attn.packed_block %n of %cu_seqlens
        total(%rows) size(64) : memref<?xi32>
    ```
  }];
  let arguments = (ins Index:$number, AnyMemRef:$cu_seqlens, Index:$total,
                       I64Attr:$size);
  let results = (outs Index:$sequence, Index:$row, Index:$base, Index:$length);
  let assemblyFormat = [{
    $number `of` $cu_seqlens `total` `(` $total `)` `size` `(` $size `)`
    attr-dict `:` type($cu_seqlens)
  }];
  let hasVerifier = 1;
}

def Attn_ViewOp : Attn_Op<"view", [Pure]> {
  let summary = "The rows of one batch and head of an operand";
  let description = [{
    In a packed layout the first index is not a batch but the first row of the
    sequence. In the paged one, row i of batch b lies in page
    `block_table[b, i / page_size]`, at row `i % page_size`; a load reads no
    entry of the table but those of its valid rows.

    With `heads` n, the rows of the n heads from `head` on take turns: row r of
    the view is row r / n of head `head` + r % n.

    Constraints:
    - (C1) source has the rank of layout, and its head dim is the view's extent.
    - (C2) source's element type is the view's.
    - (C3) block_table is given iff layout is paged; it is i32 [B, max_pages].
    - (C4) heads is at least 1, and 1 unless the view's rows are `q`.

    Example:
    ```mlir
    %kv = attn.view %k[%b, %g] <bshd>
        : memref<?x?x8x64xf32> -> !attn.view<kv, d 64, f32>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Index:$batch, Index:$head,
                       Optional<AnyMemRef>:$block_table,
                       Attn_LayoutAttr:$layout,
                       DefaultValuedAttr<I64Attr, "1">:$heads);
  let results = (outs Attn_ViewType:$view);
  let assemblyFormat = [{
    $source `[` $batch `,` $head `]` $layout (`heads` `(` $heads^ `)`)?
    (`pages` `(` $block_table^ `:` type($block_table) `)`)? attr-dict
    `:` type($source) `->` qualified(type($view))
  }];
  let hasVerifier = 1;
}

def Attn_LoadTileOp : Attn_Op<"load_tile", [MemoryEffects<[MemRead]>]> {
  let summary = "Load rows [row, row + extent) of a view";
  let description = [{
    Only the first `valid` rows are read; a `q` tile is 0 beyond them, a `kv`
    tile unspecified. Elements are converted to the tile's element type,
    exactly. With `aligned`, rows are whole chunks of 16 bytes that begin at
    multiples of 16 bytes.

    Constraints:
    - (C1) The tile has the sequence dim and the head dim of the view, the
      latter with the view's extent.
    - (C2) The tile's element type is the view's or wider.

    Example:
    ```mlir
    %t = attn.load_tile %view[%row] valid(%n)
        : !attn.view<kv, d 64, f32> -> !attn.tile<kv 128, d 64, f32>
    ```
  }];
  let arguments = (ins Attn_ViewType:$view, Index:$row, Index:$valid,
                       UnitAttr:$aligned);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = [{
    $view `[` $row `]` `valid` `(` $valid `)` (`aligned` $aligned^)? attr-dict
    `:` qualified(type($view)) `->` qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Attn_LoadBoxOp : Attn_Op<"load_box", [
    AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "Load a box of a memref as a tile";
  let description = [{
    Element (i, j) of the tile is `source[offsets[0] + i, offsets[1] + j]`, with
    the tile's dims in the order its type lists them; a stride of 0 repeats one
    element. Only the first `valid` elements of each dim are read; the tile is 0
    beyond them. Floats become f32 (a finite f64 stays finite), i1 becomes i8, 0
    or 1.

    This is how bias, masks, segment ids and positions enter an `attn.map`.

    Constraints:
    - (C1) The tile has dims `q`, `kv` or both; source has its rank, and offsets
      and valid have one value per dim.
    - (C2) The tile's element type is f32 if source's is a float, i8 if it is
      i1, and source's otherwise.

    Example:
    ```mlir
    %t = attn.load_box %bias[%row, %key] valid(%rows, %keys)
        : memref<?x?xbf16> -> !attn.tile<q 64, kv 128, f32>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$offsets,
                       Variadic<Index>:$valid);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = [{
    $source `[` $offsets `]` `valid` `(` $valid `)` attr-dict
    `:` type($source) `->` qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Attn_StoreTileOp
    : Attn_Op<"store_tile", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Store the valid rows of a tile, rounded to the view's type";
  let description = [{
    If `keep_finite` is given and true, only elements of the view that are NaN
    or infinite are overwritten. `aligned` as for `attn.load_tile`.

    Constraints:
    - (C1) The tile has the sequence dim and the head dim of the view, the
      latter with the view's extent.

    Example:
    ```mlir
    attn.store_tile %t, %view[%row] valid(%n)
        : !attn.tile<q 64, dv 64, f32>, !attn.view<q, dv 64, bf16>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile, Attn_ViewType:$view, Index:$row,
                       Index:$valid, Optional<I1>:$keep_finite,
                       UnitAttr:$aligned);
  let assemblyFormat = [{
    $tile `,` $view `[` $row `]` `valid` `(` $valid `)`
    (`keep_finite` `(` $keep_finite^ `)`)? (`aligned` $aligned^)? attr-dict
    `:` qualified(type($tile)) `,` qualified(type($view))
  }];
  let hasVerifier = 1;
}

def Attn_StoreStatsOp : Attn_Op<"store_stats", [MemoryEffects<[MemWrite]>]> {
  let summary = "Store the first valid elements of a row statistic";
  let description = [{
    Element i goes to `memref[..., h, r + i]`, where h and r are the last two
    indices; with `heads` n, to `memref[..., h + i % n, r + i / n]`.

    Constraints:
    - (C1) The tile has one dim, `q`; the number of indices is the memref's
      rank, at least 1; element types are equal.
    - (C2) heads is at least 1; more than 1 needs two indices.

    Example:
    ```mlir
    attn.store_stats %lse, %out[%b, %h, %row] valid(%n)
        : !attn.tile<q 64, f32>, memref<?x8x?xf32>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile, AnyMemRef:$memref,
                       Variadic<Index>:$indices, Index:$valid,
                       DefaultValuedAttr<I64Attr, "1">:$heads);
  let assemblyFormat = [{
    $tile `,` $memref `[` $indices `]` `valid` `(` $valid `)`
    (`heads` `(` $heads^ `)`)? attr-dict
    `:` qualified(type($tile)) `,` type($memref)
  }];
  let hasVerifier = 1;
}

def Attn_FillOp : Attn_Op<"fill", [Pure]> {
  let summary = "A tile whose elements all have one value";
  let description = [{
    Constraints:
    - (C1) value has the element type of the tile.

    Example:
    ```mlir
    %m = attn.fill %minus_inf : f32 -> !attn.tile<q 64, f32>
    ```
  }];
  let arguments = (ins AnyFloat:$value);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = [{
    $value attr-dict `:` type($value) `->` qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Attn_ContractOp : Attn_Op<"contract", [Pure, AttrSizedOperandSegments]> {
  let summary = "Multiply two tiles and sum over the dim they share";
  let description = [{
    Einstein summation over named dims: the dim that both operands have and the
    result has not is summed over, in f32, in ascending order; `into` is added
    to the sum. If `guard` is given and true, terms whose rhs element is exactly
    0 contribute nothing whatever the lhs element holds (a hidden key has weight
    0, and its V may be NaN or infinite), and the others are multiplied by
    `guard_scale`, if that is given.

    Operands of 16 bits beside f32 ones are widened, exactly.

    `valid` bounds the keys: of an operand's kv dim only the first `valid` take
    part in the sum; elements of the result beyond it are unspecified.

    Constraints:
    - (C1) Operands have two dims and share exactly one; the result has the
      other two.
    - (C2) Extents of equally named dims agree.
    - (C3) The result is f32, and `into` has its type.
    - (C4) `guard_scale` needs `guard`.

    Example:
    ```mlir
    %s = attn.contract %k, %q valid(%n) : !attn.tile<kv 128, d 64, f32>,
        !attn.tile<q 64, d 64, f32> -> !attn.tile<q 64, kv 128, f32>
    ```
  }];
  let arguments = (ins Attn_TileType:$lhs, Attn_TileType:$rhs, Index:$valid,
                       Optional<Attn_TileType>:$into, Optional<I1>:$guard,
                       Optional<F32>:$guard_scale);
  let results = (outs Attn_TileType:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `valid` `(` $valid `)`
    (`into` `(` $into^ `:` qualified(type($into)) `)`)?
    (`guard` `(` $guard^ (`scale` $guard_scale^)? `)`)? attr-dict
    `:` qualified(type($lhs)) `,` qualified(type($rhs)) `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Attn_AllFiniteOp : Attn_Op<"all_finite", [Pure]> {
  let summary = "Whether no element of a tile is NaN or infinite";
  let description = [{
    Example:
    ```mlir
    %ok = attn.all_finite %acc : !attn.tile<q 64, dv 64, f32>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile);
  let results = (outs I1:$result);
  let assemblyFormat = "$tile attr-dict `:` qualified(type($tile))";
}

def Attn_MapOp : Attn_Op<"map", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "Elementwise function of tiles and coordinates";
  let description = [{
    The body is evaluated for every element of the result. Its arguments are the
    corresponding element of each input (an input that lacks a dim of the result
    is broadcast along it), then the coordinates of the element in the tile, one
    `index` per dim of the result in the order the result's type lists them. The
    body uses pure scalar ops and values defined outside.

    Constraints:
    - (C1) Every dim of an input is a dim of the result, with the same extent.
    - (C2) The body has one argument per input of its element type and one
      `index` per dim of the result, and yields one value of the result's
      element type.

    Example:
    ```mlir
    %p = attn.map ins(%s, %m : !attn.tile<q 64, kv 128, f32>,
        !attn.tile<q 64, f32>) {
    ^bb0(%x: f32, %max: f32, %i: index, %j: index):
      %d = arith.subf %x, %max : f32
      %e = math.exp2 %d : f32
      attn.yield %e : f32
    } -> !attn.tile<q 64, kv 128, f32>
    ```
  }];
  let arguments = (ins Variadic<Attn_TileType>:$inputs);
  let results = (outs Attn_TileType:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`ins` `(` $inputs^ `:` type($inputs) `)`)? $body attr-dict `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Attn_YieldOp : Attn_Op<"yield", [Pure, Terminator, HasParent<"MapOp">]> {
  let summary = "Value of one element of an attn.map";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Attn_ReduceOp
    : Attn_Op<"reduce", [Pure, AllTypesMatch<["into", "result"]>]> {
  let summary = "Combine a tile along the dim that the result lacks";
  let description = [{
    `into` takes part as one more element. `max` ignores NaN where another
    element is greater; `add` sums the tile in ascending order, then adds
    `into`.

    Constraints:
    - (C1) The result has the dims of the input but one, with the same extents,
      and the input's element type; `into` has the result's type.

    Example:
    ```mlir
    %m1 = attn.reduce max %s into %m0 : !attn.tile<q 64, kv 128, f32>
        -> !attn.tile<q 64, f32>
    ```
  }];
  let arguments = (ins Attn_ReductionKindAttr:$kind, Attn_TileType:$input,
                       Attn_TileType:$into);
  let results = (outs Attn_TileType:$result);
  let assemblyFormat = [{
    custom<ReductionKind>($kind) $input `into` $into attr-dict `:`
    qualified(type($input)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Attn_TileKindOp : Attn_Op<"tile_kind", [Pure]> {
  let summary = "Whether a mask hides, cuts or shows a tile";
  let description = [{
    `counts` holds the number of visible keys of each row of a tile of `keys`
    keys. The result is 0 (empty) if the first `valid` rows see none, 2 (full)
    if each of them sees all keys, and 1 (partial) otherwise.

    Constraints:
    - (C1) counts is f32 and has one dim, `q`.
    - (C2) keys is at least 1 and at most 2^24, where f32 still counts.

    Example:
    ```mlir
    %kind = attn.tile_kind %counts valid(%n) keys(128) : !attn.tile<q 64, f32>
    ```
  }];
  let arguments = (ins Attn_TileType:$counts, Index:$valid, I64Attr:$keys);
  let results = (outs I8:$kind);
  let assemblyFormat = [{
    $counts `valid` `(` $valid `)` `keys` `(` $keys `)` attr-dict
    `:` qualified(type($counts))
  }];
  let hasVerifier = 1;
}

def Attn_DotPairsOp : Attn_Op<"dot_pairs", [
    Pure, AllTypesMatch<["acc", "result"]>, AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "acc[i] + lhs[2i] * rhs[2i] + lhs[2i+1] * rhs[2i+1], in f32";
  let description = [{
    The dot-product instruction of CPUs that multiply 16-bit elements in pairs.
    Products and sums are f32; the order of the two additions is the machine's.

    Constraints:
    - (C1) lhs and rhs have twice as many elements as acc.

    Example:
    ```mlir
    %r = attn.dot_pairs %a, %b, %acc : vector<32xbf16>, vector<16xf32>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [BF16, F16]>:$lhs,
                       VectorOfRankAndType<[1], [BF16, F16]>:$rhs,
                       VectorOfRankAndType<[1], [F32]>:$acc);
  let results = (outs VectorOfRankAndType<[1], [F32]>:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `,` $acc attr-dict `:` type($lhs) `,` type($acc)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_DIALECT_ATTN_IR_ATTNTILEOPS_TD
