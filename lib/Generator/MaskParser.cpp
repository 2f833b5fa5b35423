//===- MaskParser.cpp - Mask expressions of the command line --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Generator/Generator.h"

#include "attn/Compiler/Diagnostics.h"

#include "llvm/ADT/StringExtras.h"

using namespace attn;
using namespace attn::generator;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
using mlir::Attribute;

namespace {
/// Recursive descent over
///   or    = and { "|" and }
///   and   = unary { "&" unary }
///   unary = "!" unary | "(" or ")" | leaf
/// Every function leaves `rest` behind what it read.
class MaskParser {
public:
  MaskParser(StringRef text, mlir::MLIRContext *context)
      : text(text), rest(text), context(context) {}

  Expected<Mask> parse() {
    auto attribute = parseOr();
    if (!attribute)
      return attribute.takeError();
    if (!peek().empty())
      return unexpected("'&', '|' or the end");
    mask.attribute = *attribute;
    return std::move(mask);
  }

private:
  Expected<Attribute> parseOr();
  Expected<Attribute> parseAnd();
  Expected<Attribute> parseUnary();
  Expected<Attribute> parseLeaf();
  Expected<Attribute> parsePerHead();
  Expected<Attribute> parsePrefix();
  Expected<Attribute> parseDense();
  Expected<Attribute> parseCustom();
  Expected<Attribute> parseWindow();
  Expected<int64_t> parseCount(bool allowUnbounded);

  StringRef peek() { return rest = rest.ltrim(); }
  bool consume(StringRef token) {
    peek();
    return rest.consume_front(token);
  }
  Error expect(StringRef token) {
    return consume(token) ? Error::success()
                          : unexpected(("'" + token + "'").str());
  }
  Error unexpected(const Twine &expected) {
    return createError(
        "mask '" + text + "': expected " + expected +
        (peek().empty() ? " at the end" : " at '" + rest.str() + "'"));
  }
  int64_t addOperand(MaskOperand operand) {
    mask.operands.push_back(operand);
    return static_cast<int64_t>(mask.operands.size()) - 1;
  }

  const StringRef text;
  StringRef rest;
  mlir::MLIRContext *context;
  Mask mask;
  /// Nesting is bounded, so that no text overflows the stack.
  int depth = 0;
  static constexpr int maxDepth = 100;
};
} // namespace

Expected<Attribute> MaskParser::parseOr() {
  llvm::SmallVector<Attribute> masks;
  do {
    auto operand = parseAnd();
    if (!operand)
      return operand.takeError();
    masks.push_back(*operand);
  } while (consume("|"));
  return masks.size() == 1 ? masks[0] : OrAttr::get(context, masks);
}

Expected<Attribute> MaskParser::parseAnd() {
  llvm::SmallVector<Attribute> masks;
  do {
    auto operand = parseUnary();
    if (!operand)
      return operand.takeError();
    masks.push_back(*operand);
  } while (consume("&"));
  return masks.size() == 1 ? masks[0] : AndAttr::get(context, masks);
}

Expected<Attribute> MaskParser::parseUnary() {
  if (++depth > maxDepth)
    return createError("mask '" + text.take_front(40) +
                       "...' is nested more than " + Twine(maxDepth) + " deep");
  Expected<Attribute> result = [&]() -> Expected<Attribute> {
    if (consume("!")) {
      auto operand = parseUnary();
      if (!operand)
        return operand.takeError();
      return NotAttr::get(context, *operand);
    }
    if (!consume("("))
      return parseLeaf();
    auto inner = parseOr();
    if (!inner)
      return inner.takeError();
    if (Error error = expect(")"))
      return std::move(error);
    return *inner;
  }();
  --depth;
  return result;
}

Expected<int64_t> MaskParser::parseCount(bool allowUnbounded) {
  if (allowUnbounded && consume("*"))
    return SlidingWindowAttr::kUnbounded;
  peek();
  StringRef digits = rest.take_while(llvm::isDigit);
  int64_t count;
  if (digits.getAsInteger(10, count))
    return unexpected(allowUnbounded ? "a count >= 0 or *" : "a count >= 0");
  rest = rest.drop_front(digits.size());
  return count;
}

Expected<Attribute> MaskParser::parseWindow() {
  if (Error error = expect("("))
    return std::move(error);
  auto left = parseCount(/*allowUnbounded=*/true);
  if (!left)
    return left.takeError();
  if (Error error = expect(","))
    return std::move(error);
  auto right = parseCount(/*allowUnbounded=*/true);
  if (!right)
    return right.takeError();
  if (Error error = expect(")"))
    return std::move(error);
  return SlidingWindowAttr::get(context, *left, *right);
}

Expected<Attribute> MaskParser::parsePrefix() {
  if (Error error = expect("("))
    return std::move(error);
  Attribute result;
  if (consume("lens")) {
    result = PrefixAttr::get(context, 0, addOperand(MaskOperand::PrefixLens));
  } else {
    auto length = parseCount(/*allowUnbounded=*/false);
    if (!length)
      return length.takeError();
    result = PrefixAttr::get(context, *length);
  }
  if (Error error = expect(")"))
    return std::move(error);
  return result;
}

Expected<Attribute> MaskParser::parseDense() {
  StringRef dims = "bhij";
  if (consume("(")) {
    peek();
    dims = rest.take_while(llvm::isAlpha);
    if (!parseBroadcast(dims, "bhij"))
      return unexpected("letters of b, h, i and j in this order");
    rest = rest.drop_front(dims.size());
    if (Error error = expect(")"))
      return std::move(error);
  }
  mask.denseBroadcasts.push_back(*parseBroadcast(dims, "bhij"));
  return DenseAttr::get(context, addOperand(MaskOperand::Dense));
}

Expected<Attribute> MaskParser::parseCustom() {
  if (Error error = expect("("))
    return std::move(error);
  peek();
  StringRef name =
      rest.take_while([](char c) { return llvm::isAlpha(c) || c == '_'; });
  const ExampleFunction *function = findMaskFunction(name);
  if (!function)
    return unexpected("one of " + listMaskFunctions());
  rest = rest.drop_front(name.size());
  if (Error error = expect(")"))
    return std::move(error);
  if (!llvm::is_contained(mask.functions, function))
    mask.functions.push_back(function);
  llvm::SmallVector<int64_t> slots;
  if (function->capture == Capture::TreeEnds)
    slots.push_back(addOperand(MaskOperand::TreeEnds));
  else if (function->capture == Capture::Documents)
    slots.push_back(addOperand(MaskOperand::Documents));
  auto symbol = mlir::FlatSymbolRefAttr::get(context, function->getSymbol());
  return CustomAttr::get(context, symbol, slots);
}

Expected<Attribute> MaskParser::parsePerHead() {
  if (Error error = expect("("))
    return std::move(error);
  llvm::SmallVector<Attribute> masks;
  do {
    auto operand = parseOr();
    if (!operand)
      return operand.takeError();
    masks.push_back(*operand);
  } while (consume(","));
  if (Error error = expect(")"))
    return std::move(error);
  return PerHeadAttr::get(context, masks);
}

Expected<Attribute> MaskParser::parseLeaf() {
  StringRef before = peek();
  StringRef name =
      rest.take_while([](char c) { return llvm::isAlpha(c) || c == '_'; });
  rest = rest.drop_front(name.size());
  if (name == "causal")
    return CausalAttr::get(context);
  if (name == "window" || name == "sliding_window")
    return parseWindow();
  if (name == "prefix")
    return parsePrefix();
  if (name == "per_head")
    return parsePerHead();
  if (name == "custom")
    return parseCustom();
  if (name == "segments") {
    int64_t q = addOperand(MaskOperand::QSegments);
    return SegmentsAttr::get(context, q, addOperand(MaskOperand::KvSegments));
  }
  if (name == "dense")
    return parseDense();
  if (name == "chunked") {
    if (Error error = expect("("))
      return std::move(error);
    auto size = parseCount(/*allowUnbounded=*/false);
    if (!size)
      return size.takeError();
    if (*size < 1)
      return createError("mask '" + text + "': a chunk has at least 1 key");
    if (Error error = expect(")"))
      return std::move(error);
    return ChunkedAttr::get(context, *size);
  }
  rest = before;
  return unexpected(
      "causal, window(L,R), chunked(N), prefix(N), prefix(lens), "
      "segments, dense, dense(bhij), custom(NAME), per_head(...), "
      "'!' or '('");
}

std::optional<Broadcast> generator::parseBroadcast(StringRef text,
                                                   StringRef letters) {
  Broadcast broadcast;
  for (char letter : letters)
    broadcast.push_back(!text.consume_front(StringRef(&letter, 1)));
  if (!text.empty())
    return std::nullopt;
  return broadcast;
}

Expected<Mask> generator::parseMask(StringRef text,
                                    mlir::MLIRContext *context) {
  return MaskParser(text, context).parse();
}
