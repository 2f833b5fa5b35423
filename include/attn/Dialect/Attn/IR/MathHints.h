//===- MathHints.h - What the softmax knows of its operands --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_IR_MATHHINTS_H
#define ATTN_DIALECT_ATTN_IR_MATHHINTS_H

#include "llvm/ADT/StringRef.h"

namespace attn {

/// Discardable, on a math.exp2: its operand is at most 0, or NaN, so that the
/// result cannot overflow.
inline constexpr llvm::StringLiteral kNotPositive = "attn.not_positive";

/// Discardable, on an arith.sitofp: a distance of positions. Where its type
/// does not hold it, it may be rounded twice.
inline constexpr llvm::StringLiteral kDistance = "attn.distance";

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_MATHHINTS_H
