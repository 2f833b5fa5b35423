//===- Builders.h - Scalars that lowerings emit everywhere --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_BUILDERS_H
#define ATTN_DIALECT_ATTN_IR_BUILDERS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// An index constant.
mlir::Value buildIndex(mlir::ImplicitLocOpBuilder &b, int64_t value);

/// An f32 constant.
mlir::Value buildF32(mlir::ImplicitLocOpBuilder &b, double value);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_BUILDERS_H
