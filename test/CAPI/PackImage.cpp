//===- PackImage.cpp - A kernel file from an image ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: attn-pack-image IMAGE.so KERNEL.attnk
//
// Makes a kernel file of an image that was not made by the compiler.
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/KernelAbi.h"
#include "attn/Runtime/KernelFile.h"

#include <cstdio>
#include <dlfcn.h>

using namespace attn;

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  std::string error;
  auto image = readFile(argv[1], error);
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  auto *manifest =
      library ? static_cast<const char *>(dlsym(library, manifestSymbol))
              : nullptr;
  if (!image || !manifest) {
    std::fprintf(stderr, "attn-pack-image: %s: no image\n", argv[1]);
    return 1;
  }
  if (replaceFile(argv[2], packKernelFile({*image, manifest, ""}), error))
    return 0;
  std::fprintf(stderr, "attn-pack-image: %s\n", error.c_str());
  return 1;
}
