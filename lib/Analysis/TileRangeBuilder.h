//===- TileRangeBuilder.h - Ordering projected boxes to ranges --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_TILERANGEBUILDER_H
#define ATTN_LIB_ANALYSIS_TILERANGEBUILDER_H

#include "MaskBoxes.h"

namespace attn {

/// The ranges of the tiles of the loop's side that the fixed tile sees.
mlir::FailureOr<MaskRanges> buildTileRanges(mlir::MLIRContext *context,
                                            const MaskProblem &problem,
                                            const MaskBoxes &boxes,
                                            bool loopOverKv,
                                            const Refusal &refusal);

} // namespace attn

#endif // ATTN_LIB_ANALYSIS_TILERANGEBUILDER_H
