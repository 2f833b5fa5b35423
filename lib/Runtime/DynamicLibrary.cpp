//===- DynamicLibrary.cpp - Libraries opened when needed ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/DynamicLibrary.h"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>

using namespace attn;

DynamicLibrary DynamicLibrary::open(std::initializer_list<std::string> names,
                                    std::string &error) {
  DynamicLibrary library;
  std::string reasons;
  for (const std::string &name : names) {
    library.name = name;
    library.handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library.handle)
      return library;
    reasons += (reasons.empty() ? "" : "; ") + std::string(dlerror());
  }
  error = reasons;
  return library;
}

void *DynamicLibrary::findAddress(const char *symbol,
                                  std::string &error) const {
  void *address = dlsym(handle, symbol);
  if (!address)
    error = name + " has no function " + symbol;
  return address;
}

std::string attn::getOwnLibraryFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&getOwnLibraryFolder), &info))
    return "";
  std::string path = info.dli_fname;
  // A program that was found in $PATH is known by the word it was called by.
  char program[PATH_MAX];
  if (path.find('/') == std::string::npos &&
      realpath("/proc/self/exe", program))
    path = program;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}
