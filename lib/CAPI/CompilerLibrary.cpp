//===- CompilerLibrary.cpp - The compiler, opened when needed -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompilerLibrary.h"

#include "attn/Artefact/Version.h"

#include <dlfcn.h>
#include <sys/stat.h>

using namespace attn;
using namespace attn::capi;

/// libattn-compiler lies beside the library that this code is in.
static std::string getCompilerPath() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&getCompilerPath), &info))
    return "libattn-compiler.so";
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return (slash == std::string::npos ? "" : path.substr(0, slash + 1)) +
         "libattn-compiler.so";
}

namespace {
struct CompilerLibrary {
  const CompilerService *service = nullptr;
  std::string error;
};
} // namespace

static CompilerLibrary openLibrary() {
  CompilerLibrary library;
  void *handle = dlopen(getCompilerPath().c_str(), RTLD_NOW | RTLD_LOCAL);
  auto get = handle ? reinterpret_cast<GetCompilerService>(
                          dlsym(handle, compilerServiceSymbol))
                    : nullptr;
  if (get)
    library.service = get();
  else
    library.error = std::string("cannot open the compiler: ") + dlerror();
  return library;
}

const CompilerService *capi::openCompiler(std::string &error) {
  static const CompilerLibrary library = openLibrary();
  error = library.error;
  return library.service;
}

std::string capi::getCompilerFingerprint() {
  std::string text = "attn " ATTN_VERSION ", LLVM " ATTN_LLVM_VERSION;
  struct stat status;
  // A build of another day has another time or size.
  if (stat(getCompilerPath().c_str(), &status) == 0)
    text += ", " + std::to_string(status.st_size) + " bytes of " +
            std::to_string(status.st_mtim.tv_sec) + "." +
            std::to_string(status.st_mtim.tv_nsec);
  return text;
}
