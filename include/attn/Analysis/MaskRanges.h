//===- MaskRanges.h - Which tiles a mask shows, symbolically ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A structured mask cuts the (q tile, KV tile) grid into empty tiles, which no
// row sees, full tiles, in which every pair is visible, and partial ones. For
// one q tile (or one KV tile) this analysis gives the non-empty tiles of the
// other side as a short list of ranges whose bounds are quasi-affine in the
// tile's index, the offset, the lengths and the per-batch prefix values: loop
// bounds, with no table and no test per tile.
//
// Method. Every structured leaf is a threshold on the key, monotone in the
// position of the row: j < q_pos + r, j < n, j < c * floor(q_pos / c). A mask
// is therefore a union of boxes over these thresholds (MaskBoxes.h). Visible
// boxes and hidden boxes are projected onto the tile index, exactly, because
// every variable that is eliminated has coefficients of one magnitude
// (TileSystem.h). Full tiles are the gaps between projected hidden boxes,
// partial tiles are the projected visible boxes less the full ones.
//
// Cost. Boxes are found by visiting the product of the thresholds' options: one
// more than the number of distinct constants on an axis (windows and causal
// share one axis, constant prefixes another), 2 for each prefix slot and 3 for
// each chunk size. The number of cells is exponential in the number of prefix
// slots and distinct chunk sizes. Where two ranges have no order that holds for
// all parameters the analysis splits into cases. Both are bounded by the limits
// below; a mask beyond them is refused, never approximated.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKRANGES_H
#define ATTN_ANALYSIS_MASKRANGES_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Attributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/IntegerSet.h"
#include <optional>

namespace attn {

/// Largest magnitude of window sides, prefix lengths, chunk sizes, block sizes
/// and static offsets and lengths. Bounds are computed in 64 bits at run time,
/// which run-time offsets and lengths of this magnitude do not overflow.
constexpr int64_t kMaxMaskConstant = int64_t(1) << 48;

/// Limits of the analysis; beyond them a problem is refused.
struct MaskLimits {
  /// Distinct nodes of the mask attribute.
  unsigned nodes = 1024;
  /// Cells of the thresholds' product.
  unsigned cells = 4096;
  /// Visible boxes, hidden boxes, and projections of either kind.
  unsigned boxes = 64;
  /// Ranges of one problem, over all cases.
  unsigned ranges = 128;
  /// Case distinctions on the parameters.
  unsigned cases = 32;
  /// Entries of all simplex tableaus that emptiness queries were put to; half
  /// a million take up to 50 ms. Met by some masks that mix several chunk sizes
  /// or prefix slots; other masks do not come near it.
  unsigned tableauEntries = 500000;
};

struct MaskProblem {
  /// Null: every pair is visible. Must not contain per_head (expandPerHead).
  mlir::Attribute mask;
  /// Rows and keys of a tile, >= 1.
  int64_t blockQ = 1, blockKv = 1;
  /// Values known statically; the others are symbols. Lengths are >= 0.
  std::optional<int64_t> qOffset, qLen, kvLen;
  /// Rows have arbitrary positions (operand q_positions): what depends on q_pos
  /// is data-dependent.
  bool arbitraryPositions = false;
  /// Nothing is asked of the mask: it counts as a leaf that only data decides.
  bool opaque = false;
  MaskLimits limits;
};

/// Partial: some pair may be hidden (or a key is beyond kv_len): the body
/// masks. Full: every pair of a row below q_len with any of the blockKv keys is
/// visible and all of these keys are below kv_len.
enum class TileKind { Partial, Full };

/// One alternative of a bound. It counts where `guard` holds (null: always).
/// Dim d0 is the index of the fixed tile (the q tile for analyzeKvRanges);
/// symbols are s0 = q_offset, s1 = q_len, s2 = kv_len, s3... = the values of
/// the prefix slots in the order of MaskRanges::slots. Symbols of static values
/// keep their position and are not used.
struct RangeBound {
  mlir::AffineMap map;
  mlir::IntegerSet guard;

  /// IntegerSet converts to bool only when it is not const.
  bool hasGuard() const { return static_cast<bool>(mlir::IntegerSet(guard)); }
};

/// Tiles [begin, end) of one kind. `begin` is the least, over the alternatives
/// of `begins`, of the greatest result of the map, but no less than the
/// previous end. `end` is the greatest, over the alternatives of `ends`, of the
/// least result. Only alternatives whose guard holds count. The range is empty
/// if end <= begin, or if on one side no alternative counts. The previous end
/// is that of the nearest range before it in the list that is not empty, or 0.
/// `begins` and `ends` are not empty.
struct TileRange {
  llvm::SmallVector<RangeBound, 1> begins, ends;
  TileKind kind;
};

/// The non-empty tiles of a fixed tile, in ascending order and disjoint. The
/// fixed index must be >= 0, and, when the fixed side's length is static, below
/// its number of tiles; with a symbolic length, ranges of a tile beyond it are
/// empty. Every Partial tile has a hidden pair or a key beyond kv_len, and
/// every tile of the list has a visible pair, if `exact`.
struct MaskRanges {
  llvm::SmallVector<TileRange> ranges;
  /// Mask operand slots of the prefixes, ascending: symbols s3, s4, ...
  llvm::SmallVector<int64_t> slots;
  /// False iff the mask is opaque or has data-dependent leaves (segments,
  /// dense, custom, or positions when these are arbitrary). Such a leaf may
  /// show and may hide any pair: no visible tile is left out and no Full tile
  /// has a hidden pair.
  bool exact = true;
};

using EmitErrorFn = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// The KV tiles of each q tile. A mask that is beyond the limits is an error as
/// others are; with `beyondLimits`, that is set instead of emitting one.
mlir::FailureOr<MaskRanges> analyzeKvRanges(mlir::MLIRContext *context,
                                            const MaskProblem &problem,
                                            EmitErrorFn emitError = nullptr,
                                            bool *beyondLimits = nullptr);

/// The q tiles that see each KV tile (backward).
mlir::FailureOr<MaskRanges> analyzeQRanges(mlir::MLIRContext *context,
                                           const MaskProblem &problem,
                                           EmitErrorFn emitError = nullptr,
                                           bool *beyondLimits = nullptr);

/// Whether `mask` has a leaf that only data decides; see MaskRanges::exact.
bool isDataDependent(mlir::Attribute mask, bool arbitraryPositions);

/// The mask of each query head: `per_head` replaced by that head's operand,
/// wherever it stands. Equal heads get the same (uniqued) attribute. A mask
/// without per_head, or a null one, is repeated. Every per_head must have
/// `heads` operands.
llvm::SmallVector<mlir::Attribute> expandPerHead(mlir::Attribute mask,
                                                 int64_t heads);

/// A range at given values of the dim and the symbols.
struct ConcreteRange {
  int64_t begin, end;
  TileKind kind;
};

/// Evaluates `ranges` at d0 = `tile` and the symbols q_offset, q_len, kv_len,
/// prefix values...; empty ranges are dropped.
llvm::SmallVector<ConcreteRange>
evaluateRanges(const MaskRanges &ranges, int64_t tile,
               llvm::ArrayRef<int64_t> symbols);

} // namespace attn

#endif // ATTN_ANALYSIS_MASKRANGES_H
