//===- Reference.h - The f64 reference ----------------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention evaluated in f64 as docs/semantics.md has it, and the rule that
// says when a result is right, for tests. In a library of its own,
// libattn-reference, that shares nothing with the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_C_REFERENCE_H
#define ATTN_C_REFERENCE_H

#include "attn-c/Common.h"

#ifdef __cplusplus
extern "C" {
#endif

/// f(score, b, h, i, q_pos, j), with i the row within its sequence.
typedef double (*AttnReferenceScore)(void *user, double score, int64_t b,
                                     int64_t h, int64_t i, int64_t qPos,
                                     int64_t j);

/// One problem. q, k and v have dims (b,s,h,d), packed (t,h,d), paged
/// (page,slot,h,d) in any strides; the others are null where there is none.
typedef struct AttnReferenceProblem {
  /// sizeof(AttnReferenceProblem).
  size_t size;
  const AttnArray *q, *k, *v;
  const AttnArray *cuSeqlensQ, *cuSeqlensKv, *blockTable, *qLens, *kvLens;
  const AttnArray *qOffset, *qPositions, *bias, *sinks, *alibiSlopes;
  const AttnArray *qDescale, *kDescale, *vDescale;
  /// ATTN_BOOL [B, Hq, Sq, Skv], any dim may be 1: the whole mask.
  const AttnArray *visible;
  float scale, softcap;
  /// Called from one thread.
  AttnReferenceScore score;
  void *user;
} AttnReferenceProblem;

/// Writes out, f64 with dims (b,s,h,d) or (t,h,d), and lse, f64 (b,h,s) or
/// (h,t), which may be null. Returns 0, or -1 with one line in `message`.
ATTN_C_EXPORT int attnReferenceEvaluate(const AttnReferenceProblem *problem,
                                        const AttnArray *out,
                                        const AttnArray *lse, char *message,
                                        size_t messageSize);

/// Compares results, with dims as above, by the tolerance rule. Returns 1 if
/// they are right, 0 if not, -1 if there is nothing to compare; `message` says
/// more in one line.
ATTN_C_EXPORT int attnReferenceCheck(const AttnReferenceProblem *problem,
                                     const AttnArray *out, const AttnArray *lse,
                                     char *message, size_t messageSize);

#ifdef __cplusplus
}
#endif

#endif // ATTN_C_REFERENCE_H
