//===- NpyHeader.cpp - The dictionary at the start of an .npy file --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NpyHeader.h"

#include <cstring>

using namespace attn;

/// NumPy's own limit (NPY_MAXDIMS of NumPy 2).
static constexpr size_t maxRank = 64;

namespace {

/// Parses the one Python literal a header holds, like
///   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
/// Every parse function returns false with `error` set.
class HeaderParser {
public:
  HeaderParser(std::string_view text, std::string &error)
      : text(text), error(error) {}

  bool parse(NpyHeader &header);

private:
  bool parseEntry(NpyHeader &header);
  bool parseString(std::string &result);
  bool parseDescription(NpyType &type);
  bool parseBool(bool &result);
  bool parseShape(std::vector<int64_t> &shape);
  bool parseDim(int64_t &dim);

  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }
  bool unexpected(const char *wanted) {
    return fail("malformed header at byte " + std::to_string(position) +
                ": expected " + wanted);
  }
  void skipSpaces() {
    while (position < text.size() &&
           (text[position] == ' ' || text[position] == '\n'))
      ++position;
  }
  bool peek(char wanted) {
    skipSpaces();
    return position < text.size() && text[position] == wanted;
  }
  bool consume(char wanted) {
    if (!peek(wanted))
      return false;
    ++position;
    return true;
  }
  bool consumeWord(std::string_view word) {
    skipSpaces();
    if (text.substr(position, word.size()) != word)
      return false;
    position += word.size();
    return true;
  }

  std::string_view text;
  std::string &error;
  size_t position = 0;
  bool hasType = false;
  bool hasOrder = false;
  bool hasShape = false;
};

} // namespace

bool HeaderParser::parse(NpyHeader &header) {
  if (!consume('{'))
    return unexpected("'{'");
  while (!consume('}')) {
    if (!parseEntry(header))
      return false;
    if (!consume(',') && !peek('}'))
      return unexpected("',' or '}'");
  }
  skipSpaces();
  if (position != text.size())
    return unexpected("nothing but spaces after the dictionary");
  if (!hasType || !hasOrder || !hasShape)
    return fail(std::string("header has no '") +
                (!hasType    ? "descr"
                 : !hasOrder ? "fortran_order"
                             : "shape") +
                "' entry");
  return true;
}

bool HeaderParser::parseEntry(NpyHeader &header) {
  std::string key;
  if (!parseString(key))
    return false;
  bool *seen = key == "descr"           ? &hasType
               : key == "fortran_order" ? &hasOrder
               : key == "shape"         ? &hasShape
                                        : nullptr;
  if (!seen)
    return fail("header has an unknown entry; allowed are 'descr', "
                "'fortran_order' and 'shape'");
  if (*seen)
    return fail("header has two '" + key + "' entries");
  *seen = true;
  if (!consume(':'))
    return unexpected("':'");
  if (seen == &hasType)
    return parseDescription(header.type);
  if (seen == &hasOrder)
    return parseBool(header.isFortranOrder);
  return parseShape(header.shape);
}

bool HeaderParser::parseString(std::string &result) {
  const char quote = peek('"') ? '"' : '\'';
  if (!consume(quote))
    return unexpected("a quoted string");
  // Printable ASCII without escapes: what NumPy writes for the types accepted
  // here, and safe to repeat in a message.
  while (position < text.size() && text[position] != quote) {
    const char c = text[position];
    if (c < ' ' || c > '~' || c == '\\')
      return unexpected("a printable character");
    result += c;
    ++position;
  }
  return consume(quote) || unexpected("the end of a string");
}

bool HeaderParser::parseDescription(NpyType &type) {
  if (peek('['))
    return fail("structured types are not supported");
  std::string spelling;
  if (!parseString(spelling))
    return false;
  if (spelling.size() > 32)
    return fail("the type's name is too long");
  const std::string given = "type '" + spelling + "'";
  if (spelling.size() < 3)
    return fail(given + " is not a NumPy type such as '<f4'");
  const char order = spelling[0];
  const char kind = spelling[1];
  if (kind == 'O')
    return fail(given + ": Python objects are not supported");
  if (order != '<' && order != '|' && order != '=' && order != '>')
    return fail(given + " is not a NumPy type such as '<f4'");
  const std::string size = spelling.substr(2);
  const bool isKnown =
      size.size() == 1 && (kind == 'f'   ? std::strchr("248", size[0])
                           : kind == 'i' ? std::strchr("1248", size[0])
                           : kind == 'u' ? std::strchr("12", size[0])
                           : kind == 'b' ? std::strchr("1", size[0])
                           : kind == 'V' ? std::strchr("12", size[0])
                                         : nullptr) != nullptr;
  if (!isKnown)
    return fail(given + " is not supported; allowed are f2, f4, f8, i1, i2, "
                        "i4, i8, u1, u2, b1, V1 and V2");
  if (order == '>' && size != "1")
    return fail(given + ": big-endian data are not supported");
  if (order == '|' && size != "1" && kind != 'V')
    return fail(given + " has no byte order");
  type = {kind, size[0] - '0'};
  return true;
}

bool HeaderParser::parseBool(bool &result) {
  result = consumeWord("True");
  return result || consumeWord("False") || unexpected("True or False");
}

bool HeaderParser::parseShape(std::vector<int64_t> &shape) {
  if (!consume('('))
    return unexpected("'('");
  while (!consume(')')) {
    if (shape.size() == maxRank)
      return fail("array has more than " + std::to_string(maxRank) + " dims");
    int64_t dim;
    if (!parseDim(dim))
      return false;
    shape.push_back(dim);
    // A tuple of one needs its comma: (5) is a number in Python.
    if (!consume(',') && (shape.size() == 1 || !peek(')')))
      return unexpected("',' or ')'");
  }
  return true;
}

bool HeaderParser::parseDim(int64_t &dim) {
  if (peek('-'))
    return fail("array has a negative dim");
  const size_t begin = position;
  dim = 0;
  while (position < text.size() && text[position] >= '0' &&
         text[position] <= '9') {
    if (__builtin_mul_overflow(dim, int64_t(10), &dim) ||
        __builtin_add_overflow(dim, int64_t(text[position] - '0'), &dim))
      return fail("a dim of the array does not fit 64 bits");
    ++position;
  }
  return position > begin || unexpected("a dim");
}

bool attn::parseNpyHeader(std::string_view text, NpyHeader &header,
                          std::string &error) {
  return HeaderParser(text, error).parse(header);
}
