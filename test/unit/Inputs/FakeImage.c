//===- FakeImage.c - A kernel image for tests ---------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler makes of a function that launches two kernels, written by
// hand: see attn/Runtime/KernelAbi.h. Takes x [n] f32, out [n] f32 and a
// scalar.
//
//===----------------------------------------------------------------------===//

#include <stdint.h>

#ifdef FAKE_EXACT_CHIP
#define CHIP "sm_90a"
#elif defined(FAKE_AMD_CHIP)
#define CHIP "gfx942"
#else
#define CHIP "sm_80"
#endif

#ifdef FAKE_AMD_CHIP
#define TRIPLE "amdgcn-amd-amdhsa"
#define BINARIES "{\"kind\": \"hsaco\", \"bytes\": 10}"
#else
#define TRIPLE "nvptx64-nvidia-cuda"
#define BINARIES                                                               \
  "{\"kind\": \"ptx\", \"bytes\": 8}, {\"kind\": \"cubin\", \"bytes\": 10}"
#endif

#ifdef __x86_64__
#define ARCHITECTURE "x86_64"
#else
#define ARCHITECTURE "aarch64"
#endif

/* Of kernels of a CPU, which are the most. */
void *attn_imports[4];

const char attn_manifest[] =
    "{\"abi\": 2, \"architecture\": \"" ARCHITECTURE "\", \"requires\": [], "
    "\"arguments\": ["
    "{\"name\": \"x\", \"type\": \"f32\", \"sizes\": [-1], "
    "\"strides\": [1]}, "
    "{\"name\": \"out\", \"type\": \"f32\", \"sizes\": [-1], "
    "\"strides\": [1]}, "
    "{\"name\": \"factor\", \"type\": \"i64\", \"sizes\": [], "
    "\"strides\": []}], "
    "\"attentions\": [], "
    "\"gpu\": {\"triple\": \"" TRIPLE "\", \"chip\": \"" CHIP "\", "
    "\"kernels\": ["
    "{\"name\": \"first\", \"block\": [128, 1, 1], \"shared_bytes\": 65536}, "
    "{\"name\": \"second\", \"block\": [32, 2, 1], \"shared_bytes\": 0}], "
    "\"binaries\": [" BINARIES "]}}";

#ifdef FAKE_AMD_CHIP
const char attn_gpu_hsaco[] = "some hsaco";
#else
const char attn_gpu_ptx[] = "some PTX";
const char attn_gpu_cubin[] = "some cubin";
#endif

struct Descriptor {
  char *allocated, *aligned;
  int64_t offset, size, stride;
};

/* first<n blocks>(x, workspace), then second<factor blocks>(workspace, out, n).
 */
void attn_invoke(void *const *arguments) {
  void (*launch)(int64_t, int64_t, const int64_t *, int64_t) =
      (void (*)(int64_t, int64_t, const int64_t *, int64_t))attn_imports[0];
  void *(*allocate)(int64_t, int64_t) =
      (void *(*)(int64_t, int64_t))attn_imports[1];
  void (*release)(void *) = (void (*)(void *))attn_imports[2];
  const struct Descriptor *x = arguments[0], *out = arguments[1];
  int64_t factor = *(const int64_t *)arguments[2];
  void *small = allocate(4, 4);
  void *workspace = allocate(4 * x->size, 64);
  int64_t first[2] = {(int64_t)x->aligned, (int64_t)workspace};
  int64_t second[3] = {(int64_t)workspace, (int64_t)out->aligned, x->size};
  launch(0, x->size, first, 2);
  launch(1, factor, second, 3);
  release(workspace);
  release(small);
}
