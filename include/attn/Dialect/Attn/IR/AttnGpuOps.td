//===- AttnGpuOps.td - Kernels of GPUs ---------------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What only the GPU targets use; few files include it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNGPUOPS_TD
#define ATTN_DIALECT_ATTN_IR_ATTNGPUOPS_TD

include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "attn/Dialect/Attn/IR/AttnAttrs.td"
include "attn/Dialect/Attn/IR/AttnTypes.td"

def Attn_LaunchKernelOp : Attn_Op<"launch_kernel", [
    MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Launch a kernel of the device, one block per work item";
  let description = [{
    Enqueues `count` blocks of the kernel; block w plays the work item w.
    Launches of one function run one after the other.

    A slot is 8 bytes. Of every argument of the `attn.launch` that this op
    replaces, the slots are: of a memref, the address of its first element, all
    sizes, all strides (in elements); of a scalar, its bits in the low part of
    one slot.

    Constraints:
    - (C1) kernel is an `llvm.func` with an attribute `attn.kernel_index`.
    - (C2) The kernel has one parameter per slot, each i64 or a pointer to
      global memory, `!llvm.ptr<1>`.

    Example:
    ```mlir
    attn.launch_kernel @attn_gpu::@kernel over %count (%pointer, %size)
    ```
  }];
  let arguments = (ins SymbolRefAttr:$kernel, Index:$count,
                       Variadic<I64>:$slots);
  let assemblyFormat = [{
    $kernel `over` $count `(` ($slots^)? `)` attr-dict
  }];
}

def Attn_OpaqueOp : Attn_Op<"opaque", [MemoryEffects<[MemWrite]>]> {
  let summary = "The same index, and nobody sees that it is";
  let description = [{
    What is computed from the result is not found equal to what was computed
    from `index`, so that it need not live in registers in between. What the
    thread's number decides is computed anew behind it too. The index is the
    same for all threads, and fits 32 bits.

    Example:
    ```mlir
    %again = attn.opaque %item
    ```
  }];
  let arguments = (ins Index:$index);
  let results = (outs Index:$result);
  let assemblyFormat = "$index attr-dict";
}

//===----------------------------------------------------------------------===//
// Tiles in shared memory
//===----------------------------------------------------------------------===//

def Attn_RowsAlignedOp : Attn_Op<"rows_aligned", [Pure]> {
  let summary = "Whether all rows of a view begin at multiples of 16 bytes";
  let description = [{
    Example:
    ```mlir
    %yes = attn.rows_aligned %view : !attn.view<kv, d 64, bf16>
    ```
  }];
  let arguments = (ins Attn_ViewType:$view);
  let results = (outs I1:$result);
  let assemblyFormat = "$view attr-dict `:` qualified(type($view))";
}

def Attn_CopyTileOp
    : Attn_Op<"copy_tile", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Start copying rows of a view to shared memory";
  let description = [{
    Copies rows [row, row + n) of the view, n the rows of `buffer[stage]`, as
    `layout` says; rows from `valid` on, and columns beyond the view's extent,
    become 0. Elements are converted to the buffer's element type, exactly.
    `aligned` as for `attn.load_tile`; without it they go one by one. Done
    for every thread's part after `attn.copy_wait`, and for all threads' after a
    `gpu.barrier` behind that.

    Constraints:
    - (C1) buffer is a static memref of rank 3, [stages][rows][pitch of layout].

    Example:
    ```mlir
    attn.copy_tile %view[%row] valid(%n) to %buffer[%stage]
        <columns = 64, pitch = 64, swizzle = 8>
        : !attn.view<kv, d 64, bf16>, memref<2x64x64xbf16, 3>
    ```
  }];
  let arguments = (ins Attn_ViewType:$view, Index:$row, Index:$valid,
                       AnyMemRef:$buffer, Index:$stage,
                       Attn_SharedAttr:$layout, UnitAttr:$aligned);
  let assemblyFormat = [{
    $view `[` $row `]` `valid` `(` $valid `)` (`aligned` $aligned^)?
    `to` $buffer `[` $stage `]` $layout attr-dict
    `:` qualified(type($view)) `,` type($buffer)
  }];
  let hasVerifier = 1;
}

def Attn_FetchTileOp : Attn_Op<"fetch_tile", [MemoryEffects<[MemRead]>]> {
  let summary = "Start loading this thread's part of a tile";
  let description = [{
    Loads from the view, from `row` on, what this thread has to store to a
    buffer of `rows` rows with `layout`; rows of the view from `valid` on, and
    columns beyond the view's extent, are 0. The view's rows are known to be
    aligned. The parts are opaque to all but the `attn.put_tile` that stores
    them. If its rows are not strided, as those of pages, nothing is loaded.

    Example:
    ```mlir
    %parts:2 = attn.fetch_tile %view[%row] valid(%n) rows 64
        <columns = 64, pitch = 64, swizzle = 8>
        : !attn.view<kv, d 64, bf16> -> vector<8xbf16>, vector<8xbf16>
    ```
  }];
  let arguments = (ins Attn_ViewType:$view, Index:$row, Index:$valid,
                       I64Attr:$rows, Attn_SharedAttr:$layout);
  let results = (outs Variadic<AnyVectorOfNonZeroRank>:$parts);
  let assemblyFormat = [{
    $view `[` $row `]` `valid` `(` $valid `)` `rows` $rows $layout attr-dict `:`
    qualified(type($view)) `->` type($parts)
  }];
}

def Attn_PutTileOp
    : Attn_Op<"put_tile", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Store the fetched part of a tile to shared memory";
  let description = [{
    After a `gpu.barrier` behind it, `buffer[stage]` holds the tile for all
    threads, as an `attn.copy_tile` of the same view, row and valid would have
    left it. What could not be fetched is copied now.

    Constraints:
    - (C1) buffer is a static memref of rank 3, [stages][rows][pitch of layout].

    Example:
    ```mlir
    attn.put_tile %part of %view[%row] valid(%n) to %buffer[%stage]
        <columns = 64, pitch = 64, swizzle = 8> : vector<8xbf16>
        of !attn.view<kv, d 64, bf16>, memref<2x64x64xbf16, 3>
    ```
  }];
  let arguments = (ins Variadic<AnyVectorOfNonZeroRank>:$parts,
                       Attn_ViewType:$view, Index:$row, Index:$valid,
                       AnyMemRef:$buffer, Index:$stage,
                       Attn_SharedAttr:$layout);
  let assemblyFormat = [{
    $parts `of` $view `[` $row `]` `valid` `(` $valid `)` `to`
    $buffer `[` $stage `]` $layout attr-dict `:` type($parts) `of`
    qualified(type($view)) `,` type($buffer)
  }];
  let hasVerifier = 1;
}

def Attn_CopyCommitOp
    : Attn_Op<"copy_commit", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Close the group of copies started since the last one";
  let description = [{
    Example:
    ```mlir
    attn.copy_commit
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Attn_CopyWaitOp
    : Attn_Op<"copy_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Wait until at most `pending` groups of copies are under way";
  let description = [{
    Waits for this thread's copies only.

    Example:
    ```mlir
    attn.copy_wait 1
    ```
  }];
  let arguments = (ins I64Attr:$pending);
  let assemblyFormat = "$pending attr-dict";
}

def Attn_SharedTileOp : Attn_Op<"shared_tile", [MemoryEffects<[MemRead]>]> {
  let summary = "The tile that lies in a buffer of shared memory";
  let description = [{
    The tile is read where it lies: no copy may overwrite the buffer before the
    last use.

    Constraints:
    - (C1) The tile has a shared layout, and buffer is a static memref of rank
      3, [stages][rows][pitch of the layout], of its element type.

    Example:
    ```mlir
    %k = attn.shared_tile %buffer[%stage] : memref<2x64x64xbf16, 3>
        -> !attn.tile<kv 64, d 64, bf16,
                      #attn.shared<columns = 64, pitch = 64, swizzle = 8>>
    ```
  }];
  let arguments = (ins AnyMemRef:$buffer, Index:$stage);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = [{
    $buffer `[` $stage `]` attr-dict `:` type($buffer) `->`
    qualified(type($tile))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Tiles in registers
//===----------------------------------------------------------------------===//

def Attn_CombinePartialOp : Attn_Op<"combine_partial", [Pure]> {
  let summary = "Add up what the threads hold of each element";
  let description = [{
    Constraints:
    - (C1) tile has a partial fragment layout, and the result the same one, not
      partial.

    Example:
    ```mlir
    %sum = attn.combine_partial %parts : !attn.tile<q 16, f32,
            #attn.fragment<[q 2 by 8], [q 4 by 0, q 8 by 1], [], partial>>
        -> !attn.tile<q 16, f32,
            #attn.fragment<[q 2 by 8], [q 4 by 0, q 8 by 1], []>>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile);
  let results = (outs Attn_TileType:$result);
  let assemblyFormat = [{
    $tile attr-dict `:` qualified(type($tile)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Attn_AnyAboveOp : Attn_Op<"any_above", [Pure]> {
  let summary = "Whether an element of a warp's rows is above their limit";
  let description = [{
    True if an element of `tile`, in the part that a warp holds, is greater than
    the element of `limits` of its row. Threads of one warp have the same
    result; warps may differ.

    Constraints:
    - (C1) limits has dim q of tile and no other, with the same extent, and the
      same element type.

    Example:
    ```mlir
    %grows = attn.any_above %scores, %limits
        : !attn.tile<q 64, kv 128, f32>, !attn.tile<q 64, f32>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile, Attn_TileType:$limits);
  let results = (outs I1:$result);
  let assemblyFormat = [{
    $tile `,` $limits attr-dict `:` qualified(type($tile)) `,`
    qualified(type($limits))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// The code of one thread
//===----------------------------------------------------------------------===//

def Attn_SharedPointer : LLVM_PointerInAddressSpace<3>;
def Attn_GlobalPointer : LLVM_PointerInAddressSpace<1>;

def Attn_SharedBaseOp : Attn_Op<"shared_base", [Pure]> {
  let summary = "Where the shared memory of the block begins";
  let description = [{
    Example:
    ```mlir
    %base = attn.shared_base : !llvm.ptr<3>
    ```
  }];
  let results = (outs Attn_SharedPointer:$pointer);
  let assemblyFormat = "attr-dict `:` type($pointer)";
}

def Attn_CopyChunkOp
    : Attn_Op<"copy_chunk", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Start copying 16 bytes to shared memory";
  let description = [{
    Both addresses are multiples of 16. With `bytes`, 0 or 16, that many are
    read, and the rest becomes 0.

    Example:
    ```mlir
    attn.copy_chunk %global to %shared bytes(%n)
    ```
  }];
  let arguments = (ins Attn_GlobalPointer:$source, Attn_SharedPointer:$target,
                       Optional<I32>:$bytes);
  let assemblyFormat = [{
    $source `to` $target (`bytes` `(` $bytes^ `)`)? attr-dict
  }];
}

def Attn_LoadChunkOp : Attn_Op<"load_chunk", [MemoryEffects<[MemRead]>]> {
  let summary = "Load neighbouring elements, or 0 beyond a limit";
  let description = [{
    Loads the result's bytes at base + offset; those from byte `limit` of base
    on are 0 and not read. Offset and limit are unsigned. Base and limit are the
    same for all threads of a warp. The address is a multiple of the result's
    size or of 16 bytes.

    Example:
    ```mlir
    %chunk = attn.load_chunk %base[%offset] below %limit : vector<8xbf16>
    ```
  }];
  let arguments = (ins Attn_GlobalPointer:$base, I32:$offset, I32:$limit);
  let results = (outs AnyVectorOfNonZeroRank:$chunk);
  let assemblyFormat = [{
    $base `[` $offset `]` `below` $limit attr-dict `:` type($chunk)
  }];
}

def Attn_FenceScheduleOp
    : Attn_Op<"fence_schedule", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Keep code generators from mixing what is on both sides";
  let description = [{
    A hint for the order of instructions, without a meaning of its own.

    Example:
    ```mlir
    attn.fence_schedule
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Attn_VoteAnyOp : Attn_Op<"vote_any", []> {
  let summary = "Whether a condition is true in any lane of a warp";
  let description = [{
    All lanes of the warp take part and have the same result.

    Example:
    ```mlir
    %any = attn.vote_any %condition
    ```
  }];
  let arguments = (ins I1:$condition);
  let results = (outs I1:$result);
  let assemblyFormat = "$condition attr-dict";
}

def Attn_LoadMatricesOp
    : Attn_Op<"load_matrices", [MemoryEffects<[MemRead]>]> {
  let summary = "Load 8 x 8 matrices of 16-bit elements from shared memory";
  let description = [{
    As many as there are results. Lane 8 i + r gives the address of row r of
    matrix i, a multiple of 16; lane l receives elements 2 (l mod 4) and
    2 (l mod 4) + 1 of row l / 4, or of the column if `transposed`. All lanes of
    a warp take part.

    Example:
    ```mlir
    %a, %b = attn.load_matrices %pointer transposed
        : vector<2xbf16>, vector<2xbf16>
    ```
  }];
  let arguments = (ins Attn_SharedPointer:$pointer, UnitAttr:$transposed);
  let results = (outs Variadic<AnyVectorOfNonZeroRank>:$matrices);
  let assemblyFormat = [{
    $pointer (`transposed` $transposed^)? attr-dict `:` type($matrices)
  }];
}

def Attn_MmaOp : Attn_Op<"mma", [Pure, AttrSizedOperandSegments]> {
  let summary = "One matrix instruction of a warp: acc + lhs * rhs";
  let description = [{
    Operands are the registers of one thread, as the table of matrix
    instructions says. All lanes of a warp take part.

    Constraints:
    - (C1) There is a result for each register of acc, of the same type.

    Example:
    ```mlir
    %d:4 = attn.mma m16n8k16 %a0, %a1, %a2, %a3 * %b0, %b1 + %c0, %c1, %c2, %c3
        : vector<2xbf16>, vector<2xbf16>, vector<2xbf16>, vector<2xbf16> *
          vector<2xbf16>, vector<2xbf16> + f32, f32, f32, f32
          -> f32, f32, f32, f32
    ```
  }];
  let arguments = (ins Attn_MatrixKindAttr:$kind, Variadic<AnyType>:$lhs,
                       Variadic<AnyType>:$rhs, Variadic<AnyType>:$acc);
  let results = (outs Variadic<AnyType>:$result);
  let assemblyFormat = [{
    $kind $lhs `*` $rhs `+` $acc attr-dict `:` type($lhs) `*` type($rhs) `+`
    type($acc) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_DIALECT_ATTN_IR_ATTNGPUOPS_TD
