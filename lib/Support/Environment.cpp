//===- Environment.cpp - What the user's environment says -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Environment.h"

#include <cstdlib>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

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

static bool isProgram(const std::string &path) {
  return access(path.c_str(), X_OK) == 0;
}

std::string attn::getPtxasPath() {
  std::string home = getCudaHome();
  if (!home.empty() && isProgram(home + "/bin/ptxas"))
    return home + "/bin/ptxas";
  const char *path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (std::string found = folder + "/ptxas"; isProgram(found))
      return found;
  return "";
}

std::string attn::getPtxasFingerprint() {
  std::string path = getPtxasPath();
  struct stat status;
  if (path.empty() || stat(path.c_str(), &status) != 0)
    return "no ptxas";
  return path + " " + std::to_string(status.st_size) + " " +
         std::to_string(status.st_mtim.tv_sec);
}
