//===- AttnTypes.td - Tiles and views ----------------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNTYPES_TD
#define ATTN_DIALECT_ATTN_IR_ATTNTYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "attn/Dialect/Attn/IR/AttnEnums.td"

def Attn_TileType : TypeDef<Attn_Dialect, "Tile"> {
  let mnemonic = "tile";
  let summary = "A small array with named dims, of one or two dims";
  let description = [{
    ```mlir
    !attn.tile<q 64, kv 128, f32>                        // no layout yet
    !attn.tile<q 64, kv 128, f32, #attn.buffer<[kv, q]>> // tile stage
    !attn.tile<q 64, f32>                                // a row statistic
    ```
    The order in which dims are written has no meaning for tile ops.
  }];
  let parameters = (ins ArrayRefParameter<"::attn::Dim">:$dims,
                        ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        "::mlir::Attribute":$layout);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    TypeBuilder<(ins "::llvm::ArrayRef<::attn::Dim>":$dims,
                     "::llvm::ArrayRef<int64_t>":$shape,
                     "::mlir::Type":$elementType), [{
      return $_get($_ctxt, dims, shape, elementType, ::mlir::Attribute());
    }]>
  ];
  let extraClassDeclaration = [{
    int64_t getRank() const { return getDims().size(); }
    bool hasDim(Dim dim) const;
    /// Extent of `dim`, which the tile must have.
    int64_t getExtent(Dim dim) const;
    TileType withLayout(::mlir::Attribute layout) const;
  }];
}

def Attn_ViewType : TypeDef<Attn_Dialect, "View"> {
  let mnemonic = "view";
  let summary = "The rows of one batch and head of q, k, v or out";
  let description = [{
    A sequence (`q` or `kv`) of rows of `extent` elements along `d` or `dv`,
    wherever they lie: dense, packed or paged.
    ```mlir
    !attn.view<kv, d 64, f32>
    ```
  }];
  let parameters = (ins "::attn::Dim":$sequence, "::attn::Dim":$dim,
                        "int64_t":$extent, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // ATTN_DIALECT_ATTN_IR_ATTNTYPES_TD
