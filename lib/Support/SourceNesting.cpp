//===- SourceNesting.cpp - How deep program text is nested ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/SourceNesting.h"

#include <algorithm>
#include <cctype>
#include <vector>

using namespace attn;

namespace {

/// Follows the brackets of one text.
class NestingScanner {
public:
  explicit NestingScanner(std::string_view source) : source(source) {}

  std::string scan();

private:
  struct Level {
    char bracket;
    /// Of the expression at hand, in this level.
    unsigned operators;
  };

  void skipTo(char end);
  void skipString();
  bool scanToken();
  void close(char open);
  bool countOperator();
  bool isNext(char c) const {
    return at + 1 < source.size() && source[at + 1] == c;
  }
  /// Length of the word at this place, 0 if there is none.
  size_t measureWord() const;

  std::string_view source;
  size_t at = 0;
  std::vector<Level> levels;
  const char *problem = nullptr;
};

} // namespace

void NestingScanner::skipTo(char end) {
  while (at < source.size() && source[at] != end)
    ++at;
}

void NestingScanner::skipString() {
  for (++at; at < source.size(); ++at) {
    // Strings end with their line.
    if (source[at] == '"' || source[at] == '\n')
      return;
    if (source[at] == '\\')
      ++at;
  }
}

/// Goes back to the level that the bracket `open` began. A bracket that closes
/// nothing is no bracket (`->` and comparisons have such).
void NestingScanner::close(char open) {
  auto level =
      std::find_if(levels.rbegin(), levels.rend(),
                   [&](const Level &level) { return level.bracket == open; });
  if (level != levels.rend())
    levels.erase(level.base() - 1, levels.end());
}

/// Affine expressions stand in parentheses, subscripts in brackets.
bool NestingScanner::countOperator() {
  if (levels.empty() ||
      (levels.back().bracket != '(' && levels.back().bracket != '['))
    return true;
  if (++levels.back().operators <= kMaxSourceNesting)
    return true;
  problem = "an expression has more than ";
  return false;
}

size_t NestingScanner::measureWord() const {
  size_t end = at;
  while (end < source.size() &&
         (std::isalnum(static_cast<unsigned char>(source[end])) ||
          source[end] == '_' || source[end] == '.'))
    ++end;
  return end - at;
}

/// One token; false if there is a problem.
bool NestingScanner::scanToken() {
  if (const size_t length = measureWord()) {
    const std::string_view word = source.substr(at, length);
    at += length - 1;
    return (word != "mod" && word != "floordiv" && word != "ceildiv") ||
           countOperator();
  }
  const char c = source[at];
  switch (c) {
  case '"':
    skipString();
    return true;
  case '/':
    if (isNext('/'))
      skipTo('\n');
    return true;
  case '(':
  case '[':
  case '{':
  case '<':
    if (c == '<' && isNext('='))
      return true;
    levels.push_back({c, 0});
    if (levels.size() <= kMaxSourceNesting)
      return true;
    problem = "brackets are nested more than ";
    return false;
  case ')':
    close('(');
    return true;
  case ']':
    close('[');
    return true;
  case '}':
    close('{');
    return true;
  case '>':
    if (!isNext('='))
      close('<');
    return true;
  case ',':
    if (!levels.empty())
      levels.back().operators = 0;
    return true;
  case '-':
    if (isNext('>')) {
      ++at;
      return true;
    }
    return countOperator();
  case '+':
  case '*':
    return countOperator();
  default:
    return true;
  }
}

std::string NestingScanner::scan() {
  // Bytecode begins like this.
  if (source.substr(0, 4) == "ML\xefR")
    return {};
  for (; at < source.size(); ++at) {
    if (scanToken())
      continue;
    const auto begin = source.begin();
    const auto line =
        1 + std::count(begin, begin + static_cast<std::ptrdiff_t>(at), '\n');
    const std::string limit = std::to_string(kMaxSourceNesting);
    const bool nested = levels.size() > kMaxSourceNesting;
    return "line " + std::to_string(line) + ": " + problem + limit +
           (nested ? " deep" : " operators");
  }
  return {};
}

std::string attn::findExcessiveNesting(std::string_view source) {
  return NestingScanner(source).scan();
}
