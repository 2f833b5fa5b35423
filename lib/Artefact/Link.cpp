//===- Link.cpp - Shared objects through LLVM's linker --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/Image.h"

#include "attn/Compiler/Diagnostics.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;
using namespace attn;

/// The linker keeps its state in globals.
static std::mutex linkerMutex;
/// Set when the linker has lost that state.
static bool linkerIsBroken = false;

static Error runLinker(ArrayRef<const char *> arguments) {
  std::lock_guard<std::mutex> lock(linkerMutex);
  if (linkerIsBroken)
    return createError("the linker failed before and cannot be used again");
  std::string output, errors;
  raw_string_ostream outputStream(output), errorStream(errors);
  lld::Result result = lld::lldMain(arguments, outputStream, errorStream,
                                    {{lld::Gnu, &lld::elf::link}});
  linkerIsBroken = !result.canRunAgain;
  if (result.retCode != 0)
    return createError("the linker failed: " + errors);
  return Error::success();
}

static Error writeTemporary(StringRef bytes, SmallVectorImpl<char> &path) {
  int file;
  if (std::error_code code =
          sys::fs::createTemporaryFile("attn-kernel", "o", file, path))
    return createError("cannot make a temporary file: " + code.message());
  raw_fd_ostream stream(file, /*shouldClose=*/true);
  stream << bytes;
  stream.close();
  if (!stream.has_error())
    return Error::success();
  Error error =
      createError("cannot write " + StringRef(path.data(), path.size()) + ": " +
                  stream.error().message());
  stream.clear_error();
  return error;
}

Expected<std::string> attn::linkSharedObject(StringRef object, LinkedFor use) {
  SmallString<128> objectPath, imagePath;
  auto remove = scope_exit([&] {
    for (StringRef path : {objectPath.str(), imagePath.str()})
      if (!path.empty())
        sys::fs::remove(path);
  });
  if (Error error = writeTemporary(object, objectPath))
    return std::move(error);
  if (Error error = writeTemporary("", imagePath))
    return std::move(error);
  SmallVector<const char *> command{"ld.lld", "-shared", "--threads=1"};
  if (use == LinkedFor::Host)
    command.append({"--hash-style=gnu", "-z", "now"});
  else
    command.push_back("--no-undefined");
  command.append({"-o", imagePath.c_str(), objectPath.c_str()});
  if (Error error = runLinker(command))
    return std::move(error);
  auto image = MemoryBuffer::getFile(imagePath, /*IsText=*/false,
                                     /*RequiresNullTerminator=*/false);
  if (!image)
    return createError("cannot read a linked kernel: " +
                       image.getError().message());
  return (*image)->getBuffer().str();
}
