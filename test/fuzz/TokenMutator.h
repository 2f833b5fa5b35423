//===- TokenMutator.h - Mutations of program text ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_FUZZ_TOKENMUTATOR_H
#define ATTN_TEST_FUZZ_TOKENMUTATOR_H

#include <random>
#include <string>
#include <string_view>

namespace attn {

/// Changes text by its tokens: numbers become other numbers, words and names
/// other ones of the same kind, tokens and lines are lost, doubled and moved.
/// Such a text parses far more often than one with changed bytes. The parts of
/// a shape (`4x?xf32`) are tokens of their own.
class TokenMutator {
public:
  explicit TokenMutator(unsigned seed) : engine(seed) {}

  /// `text` with one change.
  std::string mutate(std::string_view text);

  /// `text` with a token or lines of `other`.
  std::string cross(std::string_view text, std::string_view other);

private:
  size_t below(size_t bound) { return bound ? engine() % bound : 0; }

  std::mt19937_64 engine;
};

} // namespace attn

#endif // ATTN_TEST_FUZZ_TOKENMUTATOR_H
