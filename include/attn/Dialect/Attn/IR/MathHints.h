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

/// Discardable, on an arith.truncf: its operand has no more significant bits
/// than its result, so that nothing is rounded unless the result is subnormal.
inline constexpr llvm::StringLiteral kShortened = "attn.shortened";

} // namespace attn

#endif // ATTN_DIALECT_ATTN_IR_MATHHINTS_H
