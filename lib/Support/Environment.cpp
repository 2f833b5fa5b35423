//===- Environment.cpp - What the user's environment says -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Environment.h"

#include <cstdlib>

std::string attn::getDefaultCacheDirectory() {
  if (const char *own = std::getenv("ATTN_CACHE_DIR"))
    return own;
  const char *cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache)
    return std::string(cache) + "/attn";
  const char *home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.cache/attn" : "";
}

std::string attn::getCudaHome() {
  const char *home = std::getenv("CUDA_HOME");
  return home ? home : "";
}
