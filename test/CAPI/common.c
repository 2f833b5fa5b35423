//===- common.c - Test of attn-c/Common.h -------------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: attn-capi-common-test
//===----------------------------------------------------------------------===//

#include "attn-c/Common.h"

#include "TestUtils.h"

int main(void) {
  CHECK(attnGetAbiVersion() == ATTN_C_ABI_VERSION);
  CHECK(strlen(attnGetVersion()) >= 5);
  attnErrorDestroy(NULL);
  attnTextDestroy(NULL);
  return 0;
}
