//===- TilingInterfaceImpl.h - Tiling of attn.attention --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_TILINGINTERFACEIMPL_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_TILINGINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace attn {

/// Lets compilers that embed attn.attention tile it, on tensors and memrefs,
/// with tile_using_for and tile_using_forall of the transform dialect or
/// scf::tileUsingSCF, and fuse it into tiled consumers.
///
/// The iteration space is (batch, KV head, query row), all parallel. A tile of
/// KV heads takes the query heads of their groups along, and a tile of rows
/// carries its first row in q_offset, so that positions stay what they were.
/// Packed sequences are not split: the batch and row loops have one iteration.
///
/// Refused, with an error on the op: a split of packed sequences; a split of
/// the batch or heads under score_mod or a custom mask, whose functions are
/// called with their numbers; a split of the heads under per_head at offsets
/// unknown at compile time; and on memrefs a split of the rows under q_lens or
/// an offset per batch, which would need new memory.
void registerTilingInterfaceExternalModels(mlir::DialectRegistry &registry);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_TILINGINTERFACEIMPL_H
