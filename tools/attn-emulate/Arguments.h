//===- Arguments.h - Kernel parameters from the command line --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_EMULATE_ARGUMENTS_H
#define ATTN_TOOLS_EMULATE_ARGUMENTS_H

#include "attn/Emulator/Emulator.h"
#include "attn/Support/Tensor.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <list>
#include <vector>

namespace attn {

/// The argument block of a launch and the arrays that it points to.
class KernelArguments {
public:
  /// Appends what --arg says.
  llvm::Error add(llvm::StringRef text);
  /// Writes what --out says.
  llvm::Error write(llvm::StringRef text) const;

  const std::vector<char> &bytes() const { return block; }
  std::vector<attn_emulator_range> ranges() const;

private:
  void append(const void *value, size_t size);
  void append(Tensor array);

  std::vector<char> block;
  /// By parameter; null for numbers.
  std::vector<const Tensor *> arrays;
  std::list<Tensor> storage;
};

} // namespace attn

#endif // ATTN_TOOLS_EMULATE_ARGUMENTS_H
