//===- FakeCuda.h - A CUDA driver for tests ---------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libcuda.so.1 without a GPU: memory is the process's, launches are written
// to a log. The functions below, beside the driver's own, steer and read it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_FAKECUDA_H
#define ATTN_TEST_UNIT_FAKECUDA_H

extern "C" {
/// The compute capability of devices opened from now on.
void fakeCudaSetCapability(int major, int minor);
/// The next call of this function returns `result`; null: none does.
void fakeCudaFail(const char *function, int result);
/// What was called since the last call of this, one line each.
const char *fakeCudaTakeLog();
}

#endif // ATTN_TEST_UNIT_FAKECUDA_H
