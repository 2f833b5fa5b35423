//===- KernelBuilder.h - The body of an online-softmax kernel -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the pass attn-convert-to-online. The steps, in the order of the
// emitted code, each in a file of its own:
//
//   WorkItem.cpp      decode the work item, load the query tile
//   PairOperands.cpp  find and load bias, dense masks, segment ids, positions
//   KeyRanges.cpp     derive the key ranges from the mask
//   Parts.cpp         with a split: which part of them, and where results go
//   KeyLoops.cpp      walk the ranges, store out and lse
//   ScoreTile.cpp     one step: products, scores, visibility, online softmax
//   TileTable.cpp     where a mask reads data: which tiles of a range to visit
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ONLINE_KERNELBUILDER_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ONLINE_KERNELBUILDER_H

#include "../SplitKeys.h"
#include "attn/Analysis/MaskRanges.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "attn/Dialect/Attn/Transforms/MaskPredicate.h"
#include "attn/Dialect/Attn/Transforms/OnlineSoftmax.h"
#include "attn/Dialect/Attn/Transforms/ScoreFunction.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseSet.h"

namespace attn {

/// Executions of the masked and of the unmasked tile body, in this order.
inline constexpr llvm::StringLiteral kTileCounts = "attn_tile_counts";

mlir::Value buildMin(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs,
                     mlir::Value rhs);
/// An integer element of `memref`, as an index.
mlir::Value buildLoadIndex(mlir::ImplicitLocOpBuilder &b, mlir::Value memref,
                           mlir::ValueRange indices);
mlir::Value buildDim(mlir::ImplicitLocOpBuilder &b, mlir::Value memref,
                     int dim);

/// The extents of the work list, on the host or in the kernel. Packed sequences
/// count as one batch, whose blocks attn.packed_block tells apart.
struct WorkExtents {
  mlir::Value batches, heads, qBlocks;
};
/// `cuSeqlensQ` is null unless q is packed.
WorkExtents buildWorkExtents(mlir::ImplicitLocOpBuilder &b, AttentionOp op,
                             mlir::Value q, mlir::Value cuSeqlensQ);

/// Keys of the longest sequence that the operands can hold, by their shapes
/// alone; on the host.
mlir::Value buildKeyCapacity(mlir::ImplicitLocOpBuilder &b, AttentionOp op);

/// Ranges of key tiles that all run the same body.
struct BodyRanges {
  llvm::SmallVector<mlir::Value> begins, ends;

  void append(const BodyRanges &other) {
    begins.append(other.begins);
    ends.append(other.ends);
  }
};

/// Emits one copy of `body` that runs for each of `ranges`.
void forEachRange(
    mlir::ImplicitLocOpBuilder &b, const BodyRanges &ranges,
    llvm::function_ref<void(mlir::Value begin, mlir::Value end)> body);

/// Keys of one tile or step: the first, how many of them are below kv_len, and
/// how many there are.
struct KeyTile {
  mlir::Value first, valid;
  int64_t count = 0;
};

/// An operand with an element per row, per key or per pair of them: bias, a
/// dense mask, segment ids, positions.
struct PairOperand {
  /// The part for the work item's batch and head; memref with a dim for each
  /// of `dims`.
  mlir::Value plane;
  llvm::SmallVector<Dim, 2> dims;
  /// Rows and keys in front of the sequence in `plane`, or null.
  mlir::Value qBase, kvBase;
  /// The tile of the work item's rows, if no element depends on the key.
  mlir::Value rowTile;
  /// While the body of a map is built: the element of the pair.
  mlir::Value element;
};

/// What depends on the work item alone. Rows and keys are counted within their
/// sequence everywhere but in `qBase` and `kvBase`.
struct WorkItem {
  /// Batch, query head (the first one, if several share the tile), KV head.
  mlir::Value batch, head, kvHead;
  /// The number of the block of rows over all sequences.
  mlir::Value blockNumber;
  /// The part of the keys; null without a split.
  mlir::Value part;
  /// The first row of the sequence in the tile, and the number of the tile's
  /// rows below q_len: of each head that shares it.
  mlir::Value firstRow, rows;
  /// Lengths of the sequence and its q_offset.
  mlir::Value qLen, kvLen, qOffset;
  /// The number of rows of q, and of keys, in front of the sequence in memory;
  /// null if every sequence has a batch index of its own.
  mlir::Value qBase, kvBase;
  /// The logit of the sink, or null; parts leave it to the merge.
  mlir::Value sink;
  /// The slope of ALiBi, or null.
  mlir::Value alibiSlope;
  /// What fp8 scores and outputs are multiplied by, or null.
  mlir::Value scoreDescale, outDescale;
};

/// Masks without data whose tile ranges are beyond the limits of the analysis.
/// Their tiles come from a table too.
using IntractableMasks = llvm::SmallDenseSet<mlir::Attribute, 2>;

/// Builds the body of one kernel function.
class KernelBuilder {
public:
  /// `workspace` is empty unless the config has a split. Without a table,
  /// building fails silently if it finds an intractable mask.
  KernelBuilder(AttentionOp op, mlir::func::FuncOp kernel,
                const mlir::IRMapping &args, const Workspace &workspace,
                mlir::Value table, bool fillsTable, bool countTiles,
                IntractableMasks &intractable);

  llvm::LogicalResult build();

private:
  mlir::Value arg(mlir::Value operand) const { return args.lookup(operand); }
  /// Rows of the sequence that a tile holds, of each head that shares it.
  int64_t getBlockRows() { return config.getBlockQ() / config.getHeads(); }
  /// The number of rows of the tile, or of a view, for rows of the sequence.
  mlir::Value buildTileRows(mlir::Value rows);

  // WorkItem.cpp
  void buildKeyLength();
  mlir::Value buildQOffset();
  mlir::Value buildAlibiSlope();
  mlir::Value buildDescale(mlir::Value operand);
  void buildDescales();
  void buildWorkItem(mlir::Value index);
  void buildSequence();
  mlir::Value buildView(mlir::Value memref, Layout layout, Dim sequence,
                        Dim dim, int64_t extent);
  mlir::Value loadQueryTile();

  // PairOperands.cpp
  PairOperand buildSequenceOperand(mlir::Value memref, Dim dim,
                                   mlir::Value base);
  void buildMaskPairOperands(mlir::Attribute mask);
  void buildPairOperands();
  mlir::Value loadPairTile(const PairOperand &operand, const KeyTile &keys);
  llvm::SmallVector<PairOperand *> getPairOperands(bool scores,
                                                   bool visibility);
  mlir::Value buildPairMap(TileType type, mlir::ValueRange inputs,
                           llvm::ArrayRef<PairOperand *> operands,
                           const KeyTile &keys, MapBodyFn body);

  // KeyRanges.cpp
  llvm::FailureOr<MaskRanges> analyzeClass(mlir::Attribute mask);
  llvm::LogicalResult buildMaskRanges();
  llvm::LogicalResult buildClassRanges(mlir::Attribute mask, BodyRanges &full,
                                       BodyRanges &partial);
  void selectClass(llvm::ArrayRef<BodyRanges> classes, BodyRanges &merged);

  // Parts.cpp
  mlir::Value buildPart(mlir::Value index);
  void cutRanges();

  // ScoreTile.cpp
  mlir::Value buildQueryPosition(mlir::ImplicitLocOpBuilder &b,
                                 mlir::Value row);
  mlir::Value buildQueryHead(mlir::ImplicitLocOpBuilder &b, mlir::Value row);
  mlir::Value buildCustom(mlir::ImplicitLocOpBuilder &b, CustomAttr custom,
                          const MaskOperands &at);
  mlir::FailureOr<mlir::Value> buildVisible(mlir::ImplicitLocOpBuilder &b,
                                            mlir::ValueRange at,
                                            const KeyTile &keys);
  bool hasWholeTiles();
  bool isFetched();
  mlir::Value buildKeysOfTile(mlir::Value number, int64_t all);
  KeyTile buildKeyTile(mlir::Value number, mlir::Value firstKey, int64_t count,
                       TileKind kind);
  mlir::FailureOr<mlir::Value> buildScores(mlir::Value dots,
                                           const KeyTile &keys, TileKind kind);
  bool isLazy();
  bool isPrescaled();
  bool isFused();
  bool shortensWeights();
  double getExponentFactor();
  /// What the scores of a step are multiplied by to be natural.
  double getUnit();
  mlir::Value buildPrescaled(mlir::Value dots);
  mlir::FailureOr<OnlineState> buildStep(const OnlineState &state,
                                         mlir::Value tileNumber,
                                         mlir::Value firstKey, TileKind kind);

  // TileTable.cpp
  mlir::Value buildTableRow();
  mlir::FailureOr<mlir::Value> buildTileVisibility(mlir::Value tile);
  llvm::LogicalResult buildTableRanges(const BodyRanges &ranges, TileKind kind);
  llvm::LogicalResult fillTableRow();
  bool canBeFull();
  mlir::Value buildTimes(mlir::Value tile, TileKind kind);

  // KeyLoops.cpp
  mlir::FailureOr<OnlineState> buildRangeLoops(const OnlineState &state,
                                               const BodyRanges &ranges,
                                               TileKind kind);
  mlir::FailureOr<OnlineState> buildTileLoop(const OnlineState &state,
                                             mlir::Value begin, mlir::Value end,
                                             TileKind kind);
  mlir::FailureOr<OnlineState> buildTile(const OnlineState &state,
                                         mlir::Value tile, TileKind kind);
  mlir::FailureOr<OnlineState>
  buildComputeSteps(const OnlineState &state, mlir::Value tile, TileKind kind);
  void buildTileCount(TileKind kind);
  void storeTile(mlir::Value out, mlir::Value lse, mlir::Value keepFinite);
  void storeResults(const OnlineState &state);
  void storePadding();
  llvm::LogicalResult buildSequenceItem();
  llvm::LogicalResult buildPackedItem();

  // Attempts.cpp
  bool masksByVote();
  mlir::FailureOr<OnlineState> buildKeys(const OnlineState &state);
  mlir::FailureOr<mlir::Value> buildAttempt();
  llvm::LogicalResult buildAttemptLoop(int64_t begin);
  llvm::LogicalResult buildAttempts();

  AttentionOp op;
  ConfigAttr config;
  const mlir::IRMapping &args;
  const Workspace &workspace;
  /// What a data-dependent or intractable mask shows of each tile, or null; see
  /// TileTable.h.
  mlir::Value table;
  /// Whether the kernel fills the table, or computes attention.
  bool fillsTable;
  bool countTiles;
  IntractableMasks &intractable;
  mlir::ImplicitLocOpBuilder b;
  /// The work items of this call: [begin, end).
  mlir::Value begin, end;

  /// Where results go, and how out lies there; lse may be null.
  mlir::Value out, lse;
  Layout outLayout;

  WorkItem item;
  mlir::Value queryTile, kView, vView;
  /// i1: whether products with V must skip keys of weight 0; and the factor by
  /// which they then keep accumulators small.
  mlir::Value guard, guardScale;
  /// Whether tiles without hidden keys go through the masked body too.
  bool oneBody = false;
  std::optional<ScoreFunction> score;
  std::optional<PairOperand> bias, positions;
  /// Those of the mask, by slot.
  llvm::SmallVector<std::optional<PairOperand>> maskPairs;
  /// The row of the table that belongs to the work item.
  mlir::Value tableRow;

  /// Heads with equal masks form a class; `headClass` is null if all agree.
  llvm::SmallVector<mlir::Attribute> classMasks;
  llvm::SmallVector<int64_t> classOfHead;
  mlir::Value headClass;
  BodyRanges full, partial;
};

} // namespace attn

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_ONLINE_KERNELBUILDER_H
