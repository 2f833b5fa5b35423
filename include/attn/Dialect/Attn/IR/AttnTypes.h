//===- AttnTypes.h - Tiles and views -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_ATTNTYPES_H
#define ATTN_DIALECT_ATTN_IR_ATTNTYPES_H

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "mlir/IR/BuiltinTypes.h"

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnTypes.h.inc"

namespace attn {

/// Limit on the elements of a tile. A tile lies in registers or a cache; this
/// is far more, and still fits into memory once per thread.
constexpr int64_t kMaxTileElements = int64_t(1) << 24;

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_ATTNTYPES_H
