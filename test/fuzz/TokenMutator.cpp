//===- TokenMutator.cpp - Mutations of program text -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenMutator.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <vector>

using namespace attn;

namespace {
enum class Kind { Space, Number, Word, Name, String, Punctuation };

struct Token {
  Kind kind;
  std::string text;
};

using Tokens = std::vector<Token>;
} // namespace

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

static bool isDigit(char c) { return c >= '0' && c <= '9'; }

static bool isWordPart(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ||
         c == '$';
}

/// Length of the token that `text` starts with; `previous` is the kind of the
/// one before it.
static size_t measure(std::string_view text, Kind previous, Kind &kind) {
  auto take = [&](size_t from, auto &&belongs) {
    size_t end = from;
    while (end < text.size() && belongs(text[end]))
      ++end;
    return end;
  };
  const char first = text.front();
  if (std::isspace(static_cast<unsigned char>(first))) {
    kind = Kind::Space;
    return take(1, [](char c) {
      return std::isspace(static_cast<unsigned char>(c)) != 0;
    });
  }
  if (isDigit(first) || (first == '-' && text.size() > 1 && isDigit(text[1]))) {
    kind = Kind::Number;
    return take(1, isDigit);
  }
  if (first == 'x' &&
      previous == Kind::Number) { // Between the dims of a shape.
    kind = Kind::Punctuation;
    return 1;
  }
  if (isWordPart(first)) {
    kind = Kind::Word;
    return take(1, isWordPart);
  }
  if (std::string_view("%@#!^").find(first) != std::string_view::npos) {
    kind = Kind::Name;
    return take(1, isWordPart);
  }
  if (first == '"') {
    kind = Kind::String;
    return std::min(take(1, [](char c) { return c != '"'; }) + 1, text.size());
  }
  // A `?` is a dim.
  kind = first == '?' ? Kind::Number : Kind::Punctuation;
  return 1;
}

static Tokens tokenize(std::string_view text) {
  Tokens tokens;
  Kind previous = Kind::Space;
  while (!text.empty()) {
    Kind kind = Kind::Space;
    const size_t length = measure(text, previous, kind);
    tokens.push_back({kind, std::string(text.substr(0, length))});
    text.remove_prefix(length);
    previous = kind;
  }
  return tokens;
}

static std::string join(const Tokens &tokens) {
  std::string text;
  for (const Token &token : tokens)
    text += token.text;
  return text;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

/// Values at which something changes: extents, limits, overflow.
static const char *const numbers[] = {"0",
                                      "1",
                                      "-1",
                                      "2",
                                      "3",
                                      "4",
                                      "7",
                                      "8",
                                      "16",
                                      "17",
                                      "64",
                                      "127",
                                      "256",
                                      "513",
                                      "65536",
                                      "16777216",
                                      "2147483647",
                                      "-2147483648",
                                      "4294967296",
                                      "1099511627776",
                                      "9223372036854775807",
                                      "-9223372036854775808",
                                      "99999999999999999999",
                                      "?"};

static const char *const words[] = {
    "f32",    "f16",  "bf16",  "f64",   "f8E4M3FN", "f8E5M2", "i1",
    "i8",     "i32",  "i64",   "index", "none",     "tensor", "memref",
    "vector", "bshd", "bhsd",  "bhds",  "thd",      "htd",    "hdt",
    "paged",  "q",    "kv",    "d",     "dv",       "true",   "false",
    "add",    "max",  "pairs", "slot",  "unbounded"};

static const char *const names[] = {
    "#attn.causal",         "#attn.sliding_window<3, 0>",
    "#attn.chunked<5>",     "#attn.prefix<4>",
    "#attn.prefix<slot 0>", "#attn.segments<q = 0, kv = 1>",
    "#attn.dense<0>",       "#attn.and<[]>",
    "#attn.or<[]>",         "#attn.not<#attn.causal>",
    "#attn.in_place",       "#attn.buffer<[kv, q]>",
    "#attn.buffer<[q]>",    "!attn.view<kv, d 16, f32>",
    "!attn.tile<q 8, f32>", "!attn.tile<q 8, kv 4, f32>"};

/// Positions of the tokens of `kind`, or of all that are not space.
static std::vector<size_t> find(const Tokens &tokens,
                                std::optional<Kind> kind = std::nullopt) {
  std::vector<size_t> found;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (kind ? tokens[i].kind == *kind : tokens[i].kind != Kind::Space)
      found.push_back(i);
  return found;
}

/// [begin, end) of whole lines, in tokens.
static std::pair<size_t, size_t> findLine(const Tokens &tokens, size_t at) {
  auto breaks = [](const Token &token) {
    return token.kind == Kind::Space &&
           token.text.find('\n') != std::string::npos;
  };
  size_t begin = at, end = at;
  while (begin > 0 && !breaks(tokens[begin - 1]))
    --begin;
  while (end < tokens.size() && !breaks(tokens[end]))
    ++end;
  return {begin, std::min(end + 1, tokens.size())};
}

std::string TokenMutator::mutate(std::string_view text) {
  Tokens tokens = tokenize(text);
  const std::vector<size_t> all = find(tokens);
  if (all.empty())
    return std::string(text) + "module {}";
  auto pick = [&](const std::vector<size_t> &from) {
    return from[below(from.size())];
  };
  auto position = [&](size_t i) {
    return tokens.begin() + static_cast<std::ptrdiff_t>(i);
  };
  // Types and sizes are written many times: changing one of them is mostly an
  // error at once, changing all is another program.
  auto replace = [&](size_t at, const std::string &by) {
    const std::string old = tokens[at].text;
    const bool everywhere = below(2) == 0;
    for (size_t i = 0; i < tokens.size(); ++i)
      if (i == at || (everywhere && tokens[i].text == old))
        tokens[i].text = by;
  };
  const size_t at = pick(all);
  const auto [begin, end] = findLine(tokens, at);
  const Tokens line(position(begin), position(end));
  switch (below(10)) {
  case 0:
  case 1: // Another number.
    if (const std::vector<size_t> found = find(tokens, Kind::Number);
        !found.empty())
      replace(pick(found), numbers[below(std::size(numbers))]);
    break;
  case 2: // Another word.
    if (const std::vector<size_t> found = find(tokens, Kind::Word);
        !found.empty())
      replace(pick(found), words[below(std::size(words))]);
    break;
  case 3: // Another attribute or type.
    if (const std::vector<size_t> found = find(tokens, Kind::Name);
        !found.empty())
      replace(pick(found), names[below(std::size(names))]);
    break;
  case 4: // Another token of the same kind and the same text.
    replace(at, tokens[pick(find(tokens, tokens[at].kind))].text);
    break;
  case 5:
    tokens.erase(position(at));
    break;
  case 6:
    tokens.insert(position(at), Token(tokens[at]));
    break;
  case 7: {
    const size_t other = pick(all);
    std::swap(tokens[at], tokens[other]);
    break;
  }
  case 8:
    tokens.erase(position(begin), position(end));
    break;
  case 9:
    tokens.insert(position(findLine(tokens, pick(all)).first), line.begin(),
                  line.end());
    break;
  }
  return join(tokens);
}

std::string TokenMutator::cross(std::string_view text, std::string_view other) {
  Tokens tokens = tokenize(text);
  const Tokens donor = tokenize(other);
  const std::vector<size_t> mine = find(tokens), theirs = find(donor);
  if (mine.empty() || theirs.empty())
    return std::string(other);
  const size_t at = mine[below(mine.size())];
  if (below(2) == 0) {
    const std::vector<size_t> same = find(donor, tokens[at].kind);
    if (!same.empty())
      tokens[at].text = donor[same[below(same.size())]].text;
    return join(tokens);
  }
  auto [begin, end] = findLine(donor, theirs[below(theirs.size())]);
  const auto here = static_cast<std::ptrdiff_t>(findLine(tokens, at).first);
  tokens.insert(tokens.begin() + here,
                donor.begin() + static_cast<std::ptrdiff_t>(begin),
                donor.begin() + static_cast<std::ptrdiff_t>(end));
  return join(tokens);
}
