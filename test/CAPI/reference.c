//===- reference.c - Test of attn-c/Reference.h -------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: attn-capi-reference-test
//===----------------------------------------------------------------------===//

#include "attn-c/Reference.h"

#include "TestUtils.h"

#include <math.h>

/* q = 0 makes all scores 0: row i of a causal mask is the mean of v[j] = j over
   the keys 0 to i, i / 2, and its lse is log(i + 1). */
enum { length = 5 };

static float zero[length], ramp[length];
static unsigned char causal[length * length];
static const int64_t sizes[4] = {1, length, 1, 1};
static const int64_t strides[4] = {length, 1, 1, 1};
static const int64_t maskSizes[4] = {1, 1, length, length};
static const int64_t maskStrides[4] = {0, 0, length, 1};
static const int64_t lseSizes[3] = {1, 1, length};
static const int64_t lseStrides[3] = {length, length, 1};

static const AttnArray q = {zero, ATTN_F32, 4, sizes, strides};
static const AttnArray v = {ramp, ATTN_F32, 4, sizes, strides};
static const AttnArray visible = {causal, ATTN_BOOL, 4, maskSizes, maskStrides};

static AttnReferenceProblem createProblem(void) {
  for (int i = 0; i < length; ++i) {
    ramp[i] = (float)i;
    for (int j = 0; j < length; ++j)
      causal[i * length + j] = j <= i;
  }
  AttnReferenceProblem problem = {.size = sizeof(problem),
                                  .q = &q,
                                  .k = &q,
                                  .v = &v,
                                  .visible = &visible,
                                  .scale = 1};
  return problem;
}

static void evaluate(const AttnReferenceProblem *problem, double *out,
                     double *lse) {
  const AttnArray outArray = {out, ATTN_F64, 4, sizes, strides};
  const AttnArray lseArray = {lse, ATTN_F64, 3, lseSizes, lseStrides};
  char message[256];
  CHECK(attnReferenceEvaluate(problem, &outArray, lse ? &lseArray : NULL,
                              message, sizeof(message)) == 0);
}

static void testEvaluate(void) {
  AttnReferenceProblem problem = createProblem();
  double out[length], lse[length];
  evaluate(&problem, out, lse);
  for (int i = 0; i < length; ++i) {
    CHECK(fabs(out[i] - 0.5 * i) < 1e-12);
    CHECK(fabs(lse[i] - log(i + 1)) < 1e-12);
  }
  evaluate(&problem, out, NULL);
}

/* All weight on key 0. */
static double preferFirst(void *user, double score, int64_t b, int64_t h,
                          int64_t i, int64_t qPos, int64_t j) {
  CHECK(score == 0 && b == 0 && h == 0 && i == qPos && j <= i);
  ++*(int *)user;
  return j == 0 ? 1000 : 0;
}

static void testScore(void) {
  AttnReferenceProblem problem = createProblem();
  int calls = 0;
  problem.score = preferFirst;
  problem.user = &calls;
  double out[length], lse[length];
  evaluate(&problem, out, lse);
  for (int i = 0; i < length; ++i)
    CHECK(out[i] == 0 && lse[i] == 1000);
  CHECK(calls >= length * (length + 1) / 2);
}

static void testCheck(void) {
  AttnReferenceProblem problem = createProblem();
  float out[length];
  for (int i = 0; i < length; ++i)
    out[i] = 0.5f * (float)i;
  const AttnArray array = {out, ATTN_F32, 4, sizes, strides};
  char message[256];
  CHECK(attnReferenceCheck(&problem, &array, NULL, message, sizeof(message)) ==
        1);
  CHECK(strstr(message, "max error"));
  out[3] += 0.01f;
  CHECK(attnReferenceCheck(&problem, &array, NULL, message, sizeof(message)) ==
        0);
}

static void testRefusals(void) {
  AttnReferenceProblem problem = createProblem();
  double out[length];
  const AttnArray array = {out, ATTN_F64, 4, sizes, strides};
  char message[256];
  problem.k = NULL;
  CHECK(attnReferenceEvaluate(&problem, &array, NULL, message,
                              sizeof(message)) == -1);
  CHECK(!strcmp(message, "q, k and v must not be null"));
  CHECK(attnReferenceCheck(NULL, &array, NULL, message, sizeof(message)) == -1);
  CHECK(attnReferenceCheck(&problem, NULL, NULL, message, sizeof(message)) ==
        -1);
  /* A short buffer holds the beginning. */
  char begin[5];
  CHECK(attnReferenceEvaluate(&problem, &array, NULL, begin, sizeof(begin)) ==
        -1);
  CHECK(!strcmp(begin, "q, k"));
  problem = createProblem();
  problem.size = 1;
  CHECK(attnReferenceEvaluate(&problem, &array, NULL, message,
                              sizeof(message)) == -1);
  CHECK(strstr(message, "size is 1"));
}

int main(void) {
  testEvaluate();
  testScore();
  testCheck();
  testRefusals();
  return 0;
}
