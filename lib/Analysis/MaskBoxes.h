//===- MaskBoxes.h - A mask as boxes over its thresholds --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every structured leaf compares the key j with thresholds. Thresholds with a
// known order share an axis; option k of an axis with thresholds t_0 <= t_1 <=
// ... is t_{k-1} <= j < t_k. A choice of one option per axis is a cell, in
// which the mask is constant. Cells are merged to boxes: an interval of options
// per axis.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_MASKBOXES_H
#define ATTN_LIB_ANALYSIS_MASKBOXES_H

#include "attn/Analysis/MaskRanges.h"

namespace attn {

struct Axis {
  enum Kind {
    Difference, ///< Thresholds q_pos + r for r in `cuts`.
    Key,        ///< Thresholds n in `cuts`.
    Slot,       ///< One threshold, the value of slot `cuts[0]`.
    Chunk       ///< c * floor(q_pos / c) and that plus c, for c = `cuts[0]`.
  };
  Kind kind;
  llvm::SmallVector<int64_t> cuts;

  unsigned getNumThresholds() const { return kind == Chunk ? 2 : cuts.size(); }
  unsigned getNumOptions() const { return getNumThresholds() + 1; }
};

/// First and last option on each axis.
struct Box {
  struct Options {
    unsigned first, last;
  };
  llvm::SmallVector<Options, 4> axes;
};

struct MaskBoxes {
  llvm::SmallVector<Axis> axes;
  /// Boxes that cover the pairs that may be visible, and those that may be
  /// hidden. They may overlap, and may reach into cells that no pair of the
  /// problem lies in.
  llvm::SmallVector<Box> visible, hidden;
  llvm::SmallVector<int64_t> slots;
  bool exact = true;
};

/// How a problem is refused; see analyzeKvRanges.
struct Refusal {
  EmitErrorFn emitError;
  bool *beyondLimits = nullptr;

  mlir::LogicalResult error(const llvm::Twine &message) const {
    if (emitError)
      emitError() << message;
    return mlir::failure();
  }
  mlir::LogicalResult limit(const llvm::Twine &message) const {
    if (!beyondLimits)
      return error(message);
    *beyondLimits = true;
    return mlir::failure();
  }
};

mlir::FailureOr<MaskBoxes> computeMaskBoxes(const MaskProblem &problem,
                                            const Refusal &refusal);

} // namespace attn

#endif // ATTN_LIB_ANALYSIS_MASKBOXES_H
