//===- NpyHeader.h - The dictionary at the start of an .npy file ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_SUPPORT_NPYHEADER_H
#define ATTN_LIB_SUPPORT_NPYHEADER_H

#include "attn/Support/Npy.h"

namespace attn {

/// The three entries of the dictionary in a header.
struct NpyHeader {
  NpyType type;
  bool isFortranOrder = false;
  std::vector<int64_t> shape;
};

/// Parses the header's text behind its length.
bool parseNpyHeader(std::string_view text, NpyHeader &header,
                    std::string &error);

} // namespace attn

#endif // ATTN_LIB_SUPPORT_NPYHEADER_H
