//===- AttnVerifyMask.cpp - Masks of attn.attention -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttnVerify.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

/// Every node of a mask once, operands after the nodes that hold them. Masks
/// that share operands are small as a graph and may be huge as a tree.
static llvm::SetVector<Attribute> collectNodes(Attribute mask) {
  llvm::SetVector<Attribute> nodes;
  nodes.insert(mask);
  for (size_t i = 0; i < nodes.size(); ++i)
    for (Attribute operand : getMaskOperands(nodes[i]))
      nodes.insert(operand);
  return nodes;
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

namespace {
/// attention_c18 for one op: leaves ask for operands by slot.
class SlotVerifier {
public:
  SlotVerifier(AttentionOp op, const ProblemSizes &sizes)
      : op(op), sizes(sizes), named(op.getMaskOperands().size()) {}

  LogicalResult verifyLeaf(Attribute leaf) {
    return TypeSwitch<Attribute, LogicalResult>(leaf)
        .Case([&](PrefixAttr prefix) -> LogicalResult {
          if (!prefix.hasSlot())
            return success();
          return expect(leaf, prefix.getSlot(), Elements::I32,
                        Shape{sizes.b()});
        })
        .Case([&](SegmentsAttr segments) -> LogicalResult {
          return failure(failed(expect(leaf, segments.getQSlot(), Elements::I32,
                                       sizes.perQuery())) ||
                         failed(expect(leaf, segments.getKvSlot(),
                                       Elements::I32, sizes.perKey())));
        })
        .Case([&](DenseAttr dense) {
          return expect(leaf, dense.getSlot(), Elements::I1, sizes.scores());
        })
        .Case([&](CustomAttr custom) -> LogicalResult {
          for (int64_t slot : custom.getSlots())
            if (failed(use(leaf, slot)))
              return failure();
          return success();
        })
        .Default([](Attribute) { return success(); });
  }

  LogicalResult verifyAllNamed() {
    for (size_t i = 0; i < named.size(); ++i)
      if (!named[i])
        return op.emitOpError() << "mask_operands #" << i << " is named by no "
                                << "slot of the mask; expected a slot (C18)";
    return success();
  }

private:
  LogicalResult use(Attribute leaf, int64_t slot) {
    size_t count = named.size();
    if (slot < 0 || static_cast<size_t>(slot) >= count)
      return op.emitOpError()
             << "mask " << leaf << " names slot " << slot << " and there are "
             << count << " mask operands; expected a slot below " << count
             << " (C18)";
    named[slot] = true;
    return success();
  }

  LogicalResult expect(Attribute leaf, int64_t slot, Elements elements,
                       const Shape &shape) {
    if (failed(use(leaf, slot)))
      return failure();
    return expectType(op, "mask_operands #" + Twine(slot),
                      op.getMaskOperands()[slot].getType(), elements, shape,
                      "C18");
  }

  AttentionOp op;
  const ProblemSizes &sizes;
  SmallVector<bool> named;
};
} // namespace

/// attention_c19
static LogicalResult verifyPerHead(AttentionOp op, PerHeadAttr perHead,
                                   int64_t heads) {
  if (differ(perHead.getMasks().size(), heads))
    return op.emitOpError() << "per_head has " << perHead.getMasks().size()
                            << " masks and q has " << heads
                            << " heads; expected one mask per query head (C19)";
  for (Attribute node : collectNodes(perHead))
    if (node != perHead && isa<PerHeadAttr>(node))
      return op.emitOpError()
             << "per_head has " << node << " inside; expected no nesting (C19)";
  return success();
}

LogicalResult attn::verifyMask(AttentionOp op, const ProblemSizes &sizes) {
  // attention_c20
  if (!op.getScoreOperands().empty() && !op.getScoreMod())
    return op.emitOpError() << "has score_operands and no score_mod; expected "
                               "both or neither (C20)";
  // attention_c18
  SlotVerifier slots(op, sizes);
  if (Attribute mask = op.getMaskAttr()) {
    if (!isMask(mask))
      return op.emitOpError() << "mask is " << mask
                              << "; expected a mask of the attn dialect (C18)";
    for (Attribute node : collectNodes(mask)) {
      auto perHead = dyn_cast<PerHeadAttr>(node);
      if (perHead && failed(verifyPerHead(op, perHead, sizes.qHeads)))
        return failure();
      if (failed(slots.verifyLeaf(node)))
        return failure();
    }
  }
  return slots.verifyAllNamed();
}

//===----------------------------------------------------------------------===//
// User functions
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Builder builder(getContext());
  SmallVector<Type> leading(5, builder.getIndexType());
  leading.front() = builder.getF32Type();
  if (FlatSymbolRefAttr symbol = getScoreModAttr())
    if (failed(verifyUserFunction(*this, symbols, symbol, leading,
                                  getScoreOperands().getTypes(),
                                  builder.getF32Type())))
      return failure();
  if (!getMaskAttr())
    return success();
  for (Attribute node : collectNodes(getMaskAttr())) {
    auto custom = dyn_cast<CustomAttr>(node);
    if (!custom)
      continue;
    SmallVector<Type> captures;
    for (int64_t slot : custom.getSlots())
      captures.push_back(getMaskOperands()[slot].getType());
    if (failed(verifyUserFunction(*this, symbols, custom.getFunction(),
                                  ArrayRef(leading).drop_front(), captures,
                                  builder.getI1Type())))
      return failure();
  }
  return success();
}
