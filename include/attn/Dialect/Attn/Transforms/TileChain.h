//===- TileChain.h - Tiles that loops over keys load, in order --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops over keys that follow each other, over tiles that need no mask and over
// those that do, load one sequence of tiles. What a later iteration loads is
// known ahead of time where it does not depend on what the loops carry.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_TILECHAIN_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_TILECHAIN_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace attn {

/// A loop over keys, and loads that stand directly in it.
struct KeyLoop {
  mlir::scf::ForOp loop;
  llvm::SmallVector<LoadTileOp> loads;
  /// The ops of the loop's body that rows and numbers of keys come from.
  llvm::SetVector<mlir::Operation *> slice;

  /// Finds the slice; whether rows of later iterations can be computed ahead of
  /// time.
  bool canRunAhead();
  /// Whether they can be computed in front of `first`.
  bool canRunBefore(mlir::scf::ForOp first);
  /// Whether the loads are of the same types, and the loops in one block.
  bool loadsLike(const KeyLoop &other) const;
  /// Whether iterations load different rows.
  bool usesIndex();
};

/// The loops that follow the first one of `loops` as one chain with it, and the
/// first one itself.
size_t countChained(llvm::MutableArrayRef<KeyLoop> loops);

/// Which rows a load loads: [row, row + valid), indices.
struct TileRows {
  mlir::Value row, valid;
};

/// What an iteration loads, if there is such an iteration.
struct ChainTile {
  /// An i1.
  mlir::Value exists;
  llvm::SmallVector<TileRows> rows;
};

/// The tile of `iteration`, an index, of loop `number`; of the first iterations
/// of the loops after it, if the loop ends before. Without branches.
ChainTile buildChainTile(mlir::ImplicitLocOpBuilder &b,
                         llvm::MutableArrayRef<KeyLoop> chain, size_t number,
                         mlir::Value iteration);

/// What is loaded `distance` iterations after the one that loop `number` is in;
/// what that one itself loads if there is none, so that no row is loaded that
/// is not loaded anyway. The builder stands in the loop.
llvm::SmallVector<TileRows> buildLaterRows(mlir::ImplicitLocOpBuilder &b,
                                           llvm::MutableArrayRef<KeyLoop> chain,
                                           size_t number, int64_t distance);

/// Whether the loops go through one range of numbers, each from where the one
/// before it ends: an iteration is then known by its number alone.
bool isOneRange(llvm::ArrayRef<KeyLoop> chain);

/// Of a chain that is one range: the iteration `distance` after `iteration`, or
/// the last one. Of 64-bit numbers, some chips compare equality alone in one
/// instruction.
mlir::Value buildNextOfRange(mlir::ImplicitLocOpBuilder &b,
                             llvm::ArrayRef<KeyLoop> chain,
                             mlir::Value iteration, int64_t distance);

/// Of such a chain: what an iteration that exists loads.
llvm::SmallVector<TileRows>
buildRowsOfRange(mlir::ImplicitLocOpBuilder &b,
                 llvm::MutableArrayRef<KeyLoop> chain, mlir::Value iteration);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_TILECHAIN_H
