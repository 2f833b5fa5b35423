//===- AttentionTest.h - One attention problem for the C tests ----*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// q = 0 makes all scores equal: row i of causal attention is the mean of
// v over the keys 0 to i: with v[j] = j it is i / 2, whatever the sizes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_CAPI_ATTENTIONTEST_H
#define ATTN_TEST_CAPI_ATTENTIONTEST_H

#include "TestUtils.h"
#include "attn-c/Compiler.h"

#include <math.h>

enum { numHeads = 2, headDim = 8 };

static const char causalProblem[] = "q-heads=2\n"
                                    "dqk=8\n"
                                    "mask=causal\n"
                                    "memref\n"
                                    "strided\n"
                                    "dynamic\n";

static inline AttnSource getCausalSource(void) {
  AttnSource source = {ATTN_SOURCE_PROBLEM, causalProblem,
                       sizeof(causalProblem) - 1, NULL};
  return source;
}

/* q, k, v and out of one sequence. */
typedef struct Buffers {
  int64_t sizes[4], strides[4];
  float *data[4];
  AttnArray arrays[4];
} Buffers;

static inline void createBuffers(Buffers *buffers, int64_t length) {
  const int64_t sizes[4] = {1, length, numHeads, headDim};
  memcpy(buffers->sizes, sizes, sizeof(sizes));
  int64_t stride = 1;
  for (int d = 3; d >= 0; --d) {
    buffers->strides[d] = stride;
    stride *= sizes[d];
  }
  for (int i = 0; i < 4; ++i) {
    buffers->data[i] = calloc((size_t)stride + 1, sizeof(float));
    AttnArray array = {buffers->data[i], ATTN_F32, 4, buffers->sizes,
                       buffers->strides};
    buffers->arrays[i] = array;
  }
  for (int64_t i = 0; i < stride; ++i) {
    buffers->data[2][i] = (float)(i / (numHeads * headDim));
    buffers->data[3][i] = NAN;
  }
}

static inline void destroyBuffers(Buffers *buffers) {
  for (int i = 0; i < 4; ++i)
    free(buffers->data[i]);
}

static inline void checkOutput(const Buffers *buffers) {
  const int64_t rowSize = numHeads * headDim;
  for (int64_t i = 0; i < buffers->sizes[1] * rowSize; ++i)
    CHECK(fabsf(buffers->data[3][i] - (float)(i / rowSize) / 2) < 1e-3f);
}

#endif /* ATTN_TEST_CAPI_ATTENTIONTEST_H */
