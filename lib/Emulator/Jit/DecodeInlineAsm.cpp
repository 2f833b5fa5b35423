//===- DecodeInlineAsm.cpp - Instructions in inline assembly --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The assembly of a GPU is text with operands $0, $1, ...: outputs first, then
// inputs. A few statements only declare or move things around; all others must
// be instructions of the registry. Registers that the text declares become
// further arguments, so that instructions can hand values to each other.
//
//===----------------------------------------------------------------------===//

#include "../Ops/Registry.h"
#include "Retarget.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;
using namespace attn::emulator;

namespace {
class Decoder {
public:
  Decoder(const InlineAsm &assembly, bool isAMD);
  Error decode(std::vector<CallSite> &instructions);
  unsigned numLocals() const { return locals.size(); }

private:
  Error decodeStatement(StringRef statement,
                        std::vector<CallSite> &instructions);
  Error decodeOperands(StringRef text, CallSite &site);
  Expected<AsmOperand> decodeOperand(StringRef text);
  void declare(StringRef text);
  Error fail(const Twine &why) const {
    return createStringError("unsupported inline assembly (" + why +
                             "): " + assembly.getAsmString());
  }

  const InlineAsm &assembly;
  bool isAMD;
  /// What $n is.
  SmallVector<AsmOperand> positions;
  unsigned numInputs = 0;
  bool hasBranch = false;
  StringMap<unsigned> locals;
};
} // namespace

Decoder::Decoder(const InlineAsm &assembly, bool isAMD)
    : assembly(assembly), isAMD(isAMD) {
  unsigned numOutputs = 0;
  for (const InlineAsm::ConstraintInfo &info : assembly.ParseConstraints()) {
    if (info.Type == InlineAsm::isOutput) {
      positions.push_back({AsmOperand::Result, int64_t(numOutputs++)});
    } else if (info.Type == InlineAsm::isInput) {
      // An input tied to an output is the same register.
      if (info.hasMatchingInput() || info.Codes.empty() ||
          !isDigit(info.Codes.front().front()))
        positions.push_back({AsmOperand::Argument, int64_t(numInputs)});
      else
        positions.push_back(
            {AsmOperand::Result, std::stoll(info.Codes.front())});
      ++numInputs;
    }
  }
}

/// ".reg .pred p, q" or ".reg .b32 t"; "%r<4>" declares %r0 to %r3.
void Decoder::declare(StringRef text) {
  text = text.drop_front(StringRef(".reg").size()).ltrim();
  text = text.drop_until([](char c) { return isSpace(c); });
  SmallVector<StringRef> names;
  text.split(names, ',');
  auto add = [&](StringRef name) {
    locals.try_emplace(name, numInputs + locals.size());
  };
  for (StringRef name : names) {
    name = name.trim();
    auto [stem, count] = name.split('<');
    unsigned number = 0;
    if (count.empty() || count.drop_back().getAsInteger(10, number)) {
      add(name);
      continue;
    }
    for (unsigned n = 0; n < number; ++n)
      add((stem + Twine(n)).str());
  }
}

Expected<AsmOperand> Decoder::decodeOperand(StringRef text) {
  text = text.trim();
  if (StringRef rest = text; rest.consume_front("$")) {
    rest.consume_front("{");
    unsigned index;
    if (!rest.consumeInteger(10, index) && index < positions.size())
      return positions[index];
    return fail("operand '" + text + "'");
  }
  auto local = locals.find(text);
  if (local != locals.end())
    return AsmOperand{AsmOperand::Argument, local->second};
  int64_t number;
  if (!text.getAsInteger(0, number))
    return AsmOperand{AsmOperand::Literal, number};
  return fail("operand '" + text + "'");
}

/// "a, {b, c}, [d], [e, {f, g}]"
Error Decoder::decodeOperands(StringRef text, CallSite &site) {
  int depth = 0;
  SmallVector<StringRef> parts;
  size_t begin = 0;
  for (size_t n = 0; n < text.size(); ++n) {
    depth += text[n] == '{' || text[n] == '[';
    depth -= text[n] == '}' || text[n] == ']';
    if (text[n] == ',' && depth == 0) {
      parts.push_back(text.slice(begin, n));
      begin = n + 1;
    }
  }
  if (!text.substr(begin).trim().empty())
    parts.push_back(text.substr(begin));
  for (StringRef part : parts) {
    std::vector<AsmOperand> list;
    while (!part.empty()) {
      const size_t end = part.find_first_of(",[]{}");
      const StringRef one = part.substr(0, end).trim();
      part = end == StringRef::npos ? StringRef() : part.substr(end + 1);
      if (one == "$") // "${0}": the brace belongs to the operand
        return fail("operand with a modifier");
      if (one.empty() || one == "_")
        continue;
      // "address + 16" is an operand with an offset; the offset follows it.
      auto [base, offset] = one.split('+');
      for (StringRef piece : {base, offset}) {
        if (piece.empty())
          continue;
        Expected<AsmOperand> operand = decodeOperand(piece);
        if (!operand)
          return operand.takeError();
        list.push_back(*operand);
      }
      if (!offset.empty())
        return fail("address with an offset");
    }
    site.operands.push_back(std::move(list));
  }
  return Error::success();
}

Error Decoder::decodeStatement(StringRef statement,
                               std::vector<CallSite> &instructions) {
  if (statement.starts_with(".reg")) {
    declare(statement);
    return Error::success();
  }
  CallSite site;
  site.text = statement.str();
  if (StringRef rest = statement; rest.consume_front("@")) {
    site.isPredicateNegated = rest.consume_front("!");
    auto [guard, instruction] = getToken(rest);
    Expected<AsmOperand> predicate = decodeOperand(guard);
    if (!predicate)
      return predicate.takeError();
    if (predicate->kind != AsmOperand::Argument)
      return fail("predicate '" + guard + "'");
    site.predicate = static_cast<int>(predicate->value);
    statement = instruction.ltrim();
  }
  const auto [name, operands] = getToken(statement);
  // Branches close the loop around a wait, which returns when it is over.
  if (!isAMD && (name == "bra" || name == "bra.uni")) {
    hasBranch = true;
    return Error::success();
  }
  site.name = name.str();
  site.operation =
      Registry::get().findInstruction(isAMD ? "amdgcn:" : "ptx:", name.str());
  if (!site.operation)
    return fail("instruction '" + name + "'");
  if (!isAMD)
    if (Error error = decodeOperands(operands, site))
      return error;
  if (site.operands.empty())
    site.operands.emplace_back(); // tells it from an intrinsic
  instructions.push_back(std::move(site));
  return Error::success();
}

Error Decoder::decode(std::vector<CallSite> &instructions) {
  SmallVector<StringRef> statements;
  StringRef text = assembly.getAsmString();
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef line : lines)
    line.split("//").first.split(statements, ';');
  for (StringRef statement : statements) {
    statement = statement.trim(" \t\r{");
    // A label ends with a colon before anything else.
    const size_t colon = statement.find(':');
    if (colon != StringRef::npos &&
        !statement.substr(colon).starts_with("::") &&
        statement.substr(0, colon).find_first_of(" \t$.[") == StringRef::npos)
      statement = statement.substr(colon + 1).ltrim();
    if (statement.empty() || statement == "}")
      continue;
    if (Error error = decodeStatement(statement, instructions))
      return error;
  }
  for (CallSite &instruction : instructions) {
    if (hasBranch && !StringRef(instruction.name).contains("_wait"))
      return fail("a branch around something else than a wait");
    instruction.isLooped = hasBranch;
  }
  return Error::success();
}

Error attn::emulator::decodeInlineAsm(const InlineAsm &assembly, bool isAMD,
                                      std::vector<CallSite> &instructions,
                                      unsigned &numLocals) {
  Decoder decoder(assembly, isAMD);
  if (Error error = decoder.decode(instructions))
    return error;
  numLocals = decoder.numLocals();
  return Error::success();
}
