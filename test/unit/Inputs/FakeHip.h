//===- FakeHip.h - A HIP runtime for tests ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libamdhip64.so without a GPU, as FakeCuda.h is a driver of NVIDIA's.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_FAKEHIP_H
#define ATTN_TEST_UNIT_FAKEHIP_H

extern "C" {
/// The next call of this function returns `result`; null: none does.
void fakeHipFail(const char *function, int result);
/// What was called since the last call of this, one line each.
const char *fakeHipTakeLog();
/// The thread's device.
int fakeHipGetDevice();
}

#endif // ATTN_TEST_UNIT_FAKEHIP_H
