//===- TestUtils.h - What the C tests share -----------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_CAPI_TESTUTILS_H
#define ATTN_TEST_CAPI_TESTUTILS_H

#include "attn-c/Common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the test with the place and the condition when the condition is false.
 */
#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__,             \
              #condition);                                                     \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

/* Ends the test if there is an error. */
#define CHECK_OK(call)                                                         \
  do {                                                                         \
    AttnError *failure = (call);                                               \
    if (failure) {                                                             \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,            \
              attnErrorGetText(failure));                                      \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

/* Wants an error of this code with this text in it. */
static inline void expectError(AttnError *error, AttnErrorCode code,
                               const char *text, const char *file, int line) {
  if (error && attnErrorGetCode(error) == code &&
      strstr(attnErrorGetText(error), text)) {
    attnErrorDestroy(error);
    return;
  }
  fprintf(stderr, "%s:%d: expected code %d and '%s', got %d '%s'\n", file, line,
          (int)code, text, error ? (int)attnErrorGetCode(error) : 0,
          error ? attnErrorGetText(error) : "");
  exit(1);
}
#define CHECK_ERROR(call, code, text)                                          \
  expectError((call), (code), (text), __FILE__, __LINE__)

#endif /* ATTN_TEST_CAPI_TESTUTILS_H */
