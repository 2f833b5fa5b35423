//===- Masks.h - The mask algebra as functions ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each factory is its line of the table in docs/semantics.md, "Masks", and
// nothing else; the compiler's masks are tested against these.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_MASKS_H
#define ATTN_REFERENCE_MASKS_H

#include "attn/Reference/Problem.h"

namespace attn::reference {

/// j <= qPos.
MaskFunction causal();

/// qPos - left <= j <= qPos + right; a side without value is unbounded.
/// W keys that include the row's own: left = W - 1, right = 0.
MaskFunction slidingWindow(std::optional<int64_t> left,
                           std::optional<int64_t> right);

/// floor(qPos / size) == floor(j / size), rounding toward -infinity; size > 0.
MaskFunction chunked(int64_t size);

/// j < length.
MaskFunction prefix(int64_t length);
/// j < lengths[b].
MaskFunction prefix(TensorView lengths);

/// qSegments[b,i] == kvSegments[b,j]. Packed sides are rank 1 and come with
/// their sequence starts.
MaskFunction segments(TensorView qSegments, TensorView kvSegments,
                      std::optional<TensorView> cuSeqlensQ = std::nullopt,
                      std::optional<TensorView> cuSeqlensKV = std::nullopt);

/// visible[b,h,i,j], i1 (or i8), any dim may be 1.
MaskFunction dense(TensorView visible);

/// masks[h] for query head h; one mask per head.
MaskFunction perHead(std::vector<MaskFunction> masks);

MaskFunction allOf(std::vector<MaskFunction> masks);
MaskFunction anyOf(std::vector<MaskFunction> masks);
MaskFunction notOf(MaskFunction mask);

} // namespace attn::reference

#endif // ATTN_REFERENCE_MASKS_H
