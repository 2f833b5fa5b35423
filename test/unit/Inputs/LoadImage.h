//===- LoadImage.h - Kernels from images for tests --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_LOADIMAGE_H
#define ATTN_TEST_UNIT_LOADIMAGE_H

#include "attn/Runtime/Kernel.h"
#include "attn/Runtime/KernelFile.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

/// The kernel in a file that FakeImage.c became.
inline std::shared_ptr<attn::Kernel> loadKernel(const std::string &path) {
  std::string error;
  auto image = attn::readFile(path, error);
  EXPECT_TRUE(image) << error;
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  EXPECT_TRUE(library);
  std::string manifest =
      static_cast<const char *>(dlsym(library, "attn_manifest"));
  dlclose(library);
  auto kernel =
      attn::Kernel::create(std::move(*image), std::move(manifest), error);
  EXPECT_TRUE(kernel) << error;
  EXPECT_EQ(kernel->getObstacle(), "");
  return kernel;
}

#endif // ATTN_TEST_UNIT_LOADIMAGE_H
