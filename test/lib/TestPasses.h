//===- TestPasses.h - Passes that only tests use -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_LIB_TESTPASSES_H
#define ATTN_TEST_LIB_TESTPASSES_H

namespace attn::test {

/// --attn-test-mask-ranges: prints the key ranges of every attention op.
void registerTestMaskRangesPass();

} // namespace attn::test

#endif // ATTN_TEST_LIB_TESTPASSES_H
