//===- MaskFunction.h - Mask functions that the algebra has too -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask function may be causal, a window, a prefix or chunks written as code.
// This analysis evaluates its body symbolically: integers are q_pos + c, j + c,
// q_pos - j + c, their floor quotients by a constant, or a length per batch;
// booleans are masks of the algebra. What is not one of these is not
// recognised, and neither is arithmetic that may wrap for positions and
// constants up to kMaxMaskConstant, or whose meaning for negative positions
// differs from the algebra's, if positions may be negative.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKFUNCTION_H
#define ATTN_ANALYSIS_MASKFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attn {

/// What is known where a mask function is named.
struct MaskFunctionUse {
  /// The mask operand slot of each capture.
  llvm::ArrayRef<int64_t> slots;
  /// Whether q_pos >= 0 for every row.
  bool hasNoNegativePosition = false;
  /// The batch size, or dynamic: a prefix per batch has as many lengths.
  int64_t batch = mlir::ShapedType::kDynamic;
};

/// The mask without custom leaves that shows the same keys as `function`, or
/// null.
mlir::Attribute recognizeMaskFunction(mlir::func::FuncOp function,
                                      const MaskFunctionUse &use);

} // namespace attn

#endif // ATTN_ANALYSIS_MASKFUNCTION_H
