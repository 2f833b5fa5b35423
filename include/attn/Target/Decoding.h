//===- Decoding.h - Few rows, many keys -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every target chooses alike for decoding: which heads share the rows of a
// tile, and into how many parts keys are split. See docs/rationale/decoding.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_DECODING_H
#define ATTN_TARGET_DECODING_H

#include "attn/Dialect/Attn/IR/AttnOps.h"
#include <optional>

namespace attn {

/// Up to this many rows of a sequence are decoding, or the verification of a
/// few speculated tokens: its time is that of reading K and V.
inline constexpr int64_t kDecodeRows = 16;

/// A number of rows or keys, if known; at least 1, and no more than a length to
/// which no block is rounded up.
std::optional<int64_t> getStaticLength(int64_t length);

/// The number of rows of a sequence, if known; of packed ones the average.
std::optional<int64_t> getQueryRows(AttentionOp op);

/// Whether scores or visibility take further arrays, by row, key or both.
bool readsArrays(AttentionOp op);

/// The most heads that divide the group and whose rows, rounded up to a
/// multiple of `unit`, make a tile of at most `maxRows`; 1 if more than q and
/// the results differ by head.
int64_t chooseSharedHeads(AttentionOp op, int64_t rows, int64_t unit,
                          int64_t maxRows);

/// A few decoded sequences are split until they make `items` work items, but
/// into parts of at least `keys`: reading them hides the cost of merging.
struct SplitLimits {
  int64_t items, keys;
};

/// The split of the keys that the op asks for, or that decoding with tiles of
/// `heads` heads needs.
SplitAttr chooseDecodeSplit(AttentionOp op, int64_t heads,
                            const SplitLimits &limits);

} // namespace attn

#endif // ATTN_TARGET_DECODING_H
