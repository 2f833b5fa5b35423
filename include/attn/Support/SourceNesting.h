//===- SourceNesting.h - How deep program text is nested --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's parser, printer and many passes call themselves for every level of
// nesting, without a limit: 10,000 brackets end the process by a stack
// overflow. Tools look at the text before they parse it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_SOURCENESTING_H
#define ATTN_SUPPORT_SOURCENESTING_H

#include <string>
#include <string_view>

namespace attn {

/// Levels of brackets, and operators of one affine expression (which is a tree
/// as deep as it has operators), that program text may have.
constexpr unsigned kMaxSourceNesting = 1000;

/// Empty if MLIR text `source` is within the limit, else what is wrong with the
/// line: "line 3: brackets are nested more than 1000 deep". Brackets in strings
/// and comments do not count. Bytecode is accepted unseen.
std::string findExcessiveNesting(std::string_view source);

} // namespace attn

#endif // ATTN_SUPPORT_SOURCENESTING_H
