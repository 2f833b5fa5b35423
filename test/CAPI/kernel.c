//===- kernel.c - Test of attn-c/Kernel.h -------------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: rm -rf %t && mkdir %t && attn-capi-kernel-test %t
//===----------------------------------------------------------------------===//

#include "attn-c/Kernel.h"

#include "AttentionTest.h"

static AttnKernel *compileCausal(void) {
  AttnCompilerOptions options = {sizeof(options), "", 0, 0, 0};
  AttnCompiler *compiler;
  CHECK_OK(attnCompilerCreate(&options, &compiler));
  AttnSource source = getCausalSource();
  AttnKernel *kernel;
  CHECK_OK(attnCompile(compiler, &source, NULL, &kernel));
  attnCompilerDestroy(compiler);
  return kernel;
}

/* The caller's pool: counts its calls and hands out items one by one. */
static void runBackwards(void *user, int64_t count, AttnParallelBody body,
                         void *context) {
  ++*(int *)user;
  for (int64_t i = count; i > 0; --i)
    body(context, i - 1, i);
}

static void testRun(const AttnKernel *kernel) {
  for (int threads = 0; threads < 3; ++threads) {
    Buffers buffers;
    createBuffers(&buffers, 150);
    AttnRunOptions options = {sizeof(options), threads, NULL, NULL};
    CHECK_OK(attnKernelRun(kernel, buffers.arrays, 4, &options));
    checkOutput(&buffers);
    destroyBuffers(&buffers);
  }
  Buffers buffers;
  createBuffers(&buffers, 150);
  int calls = 0;
  AttnRunOptions options = {sizeof(options), 0, runBackwards, &calls};
  CHECK_OK(attnKernelRun(kernel, buffers.arrays, 4, &options));
  CHECK(calls == 1);
  checkOutput(&buffers);
  CHECK_OK(attnKernelRun(kernel, buffers.arrays, 4, NULL));
  CHECK(calls == 1);
  destroyBuffers(&buffers);
}

static void testRefusedOptions(const AttnKernel *kernel) {
  Buffers buffers;
  createBuffers(&buffers, 4);
  const AttnErrorCode code = ATTN_ERROR_INVALID_ARGUMENT;
  AttnRunOptions tooSmall = {4, 0, NULL, NULL};
  CHECK_ERROR(attnKernelRun(kernel, buffers.arrays, 4, &tooSmall), code,
              "options: size is 4");
  AttnRunOptions negative = {sizeof(negative), -1, NULL, NULL};
  CHECK_ERROR(attnKernelRun(kernel, buffers.arrays, 4, &negative), code,
              "options: threads is -1, allowed are 0 to 1024");
  CHECK_ERROR(attnKernelRun(NULL, buffers.arrays, 4, NULL), code, "null");
  CHECK_ERROR(attnKernelRun(kernel, NULL, 4, NULL), code, "null");
  CHECK_ERROR(attnKernelRun(kernel, buffers.arrays, 3, NULL), code,
              "given 3 arrays, the kernel takes 4");
  destroyBuffers(&buffers);
}

/* Runs with one field of one array changed; the field is put back. */
#define CHECK_REFUSED(field, value, text)                                      \
  do {                                                                         \
    Buffers changed = buffers;                                                 \
    for (int i = 0; i < 4; ++i) {                                              \
      changed.arrays[i].sizes = changed.sizes;                                 \
      changed.arrays[i].strides = changed.strides;                             \
    }                                                                          \
    int64_t sizes[5] = {1, 4, numHeads, headDim, 1};                           \
    int64_t strides[5];                                                        \
    memcpy(strides, buffers.strides, sizeof(buffers.strides));                 \
    strides[4] = 1;                                                            \
    changed.arrays[1].sizes = sizes;                                           \
    changed.arrays[1].strides = strides;                                       \
    changed.field = (value);                                                   \
    CHECK_ERROR(attnKernelRun(kernel, changed.arrays, 4, NULL),                \
                ATTN_ERROR_INVALID_ARGUMENT, text);                            \
  } while (0)

static void testRefusedArrays(const AttnKernel *kernel) {
  Buffers buffers;
  createBuffers(&buffers, 4);
  int64_t other[4] = {1, 4, numHeads, headDim};
  int64_t stride[4] = {64, 16, 8, 1};
  CHECK_REFUSED(arrays[0].type, ATTN_BF16,
                "q: given element type bf16, expected f32");
  CHECK_REFUSED(arrays[0].type, 99, "array 0: no element type");
  CHECK_REFUSED(arrays[1].rank, 5, "k: given shape [1, 4, 2, 8, 1]");
  CHECK_REFUSED(arrays[1].rank, -1, "array 1: rank must be >= 0");
  CHECK_REFUSED(arrays[1].sizes, NULL, "array 1: rank must be >= 0");
  CHECK_REFUSED(arrays[2].data, NULL, "v: the data pointer is null");
  CHECK_REFUSED(arrays[2].data, (char *)buffers.data[2] + 1,
                "v: the data is not aligned");
  other[1] = 5;
  CHECK_REFUSED(arrays[2].sizes, other, "v: k and v differ in their dim 's'");
  CHECK_REFUSED(arrays[3].sizes, other, "out: dim 's' has size 5, expected 4");
  other[1] = -1;
  CHECK_REFUSED(arrays[2].sizes, other, "v: given shape [1, any, 2, 8]");
  other[1] = 4, other[0] = 2;
  CHECK_REFUSED(arrays[0].sizes, other, "q has batch 2, k has batch 1");
  other[0] = 1, other[2] = 3;
  CHECK_REFUSED(arrays[0].sizes, other, "q: given shape [1, 4, 3, 8]");
  stride[3] = 2;
  CHECK_REFUSED(arrays[0].strides, stride, "q: dim 3 has stride 2, expected 1");
  stride[3] = 1, stride[1] = 0;
  CHECK_REFUSED(arrays[3].strides, stride, "dim 1 of an output has stride 0");
  destroyBuffers(&buffers);
}

static void testFiles(const AttnKernel *kernel, const char *directory) {
  char path[4096], other[4096];
  snprintf(path, sizeof(path), "%s/causal.attnk", directory);
  CHECK_OK(attnKernelSave(kernel, path));
  AttnKernel *loaded;
  CHECK_OK(attnKernelLoad(path, &loaded));
  CHECK(strcmp(attnKernelGetManifest(kernel), attnKernelGetManifest(loaded)) ==
        0);
  CHECK(attnKernelGetNumArguments(loaded) == 4);
  testRun(loaded);
  attnKernelDestroy(loaded);

  // One flipped bit anywhere is noticed.
  FILE *file = fopen(path, "r+b");
  CHECK(file && fseek(file, 1000, SEEK_SET) == 0);
  int byte = fgetc(file);
  CHECK(fseek(file, 1000, SEEK_SET) == 0 && fputc(byte ^ 4, file) != EOF);
  CHECK(fclose(file) == 0);
  CHECK_ERROR(attnKernelLoad(path, &loaded), ATTN_ERROR_INVALID_ARGUMENT,
              "damaged");
  snprintf(other, sizeof(other), "%s/missing/x", directory);
  CHECK_ERROR(attnKernelLoad(other, &loaded), ATTN_ERROR_IO, "No such file");
  CHECK_ERROR(attnKernelSave(kernel, other), ATTN_ERROR_IO, "No such file");
  CHECK_ERROR(attnKernelLoad(directory, &loaded), ATTN_ERROR_IO,
              "not a regular file");
  CHECK_ERROR(attnKernelLoad(NULL, &loaded), ATTN_ERROR_INVALID_ARGUMENT,
              "null");
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  AttnKernel *kernel = compileCausal();
  CHECK(strstr(attnKernelGetManifest(kernel), "\"entry\":\"attention\""));
  attnResetPeakWorkspace();
  testRun(kernel);
  // Tiles, not scores: far less than 150 * 150 * 4 bytes for each head.
  CHECK(attnGetPeakWorkspace() < 1 << 20);
  testRefusedOptions(kernel);
  testRefusedArrays(kernel);
  testFiles(kernel, argv[1]);
  attnKernelDestroy(kernel);
  attnKernelDestroy(NULL);
  return 0;
}
