//===- MaskPredicate.cpp - The mask of one pair, as arith ops -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/MaskPredicate.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

namespace {

class PredicateEmitter {
public:
  PredicateEmitter(OpBuilder &builder, Location loc,
                   const MaskOperands &operands,
                   llvm::function_ref<InFlightDiagnostic()> emitError)
      : builder(builder), loc(loc), operands(operands), emitError(emitError) {}

  /// Null if the mask has no predicate; the error was reported.
  Value emit(Attribute mask);

private:
  Value emitNode(Attribute mask);
  Value emitWindow(SlidingWindowAttr window);
  Value emitChunk(ChunkedAttr chunked);
  Value emitPrefix(PrefixAttr prefix);
  Value emitSegments(SegmentsAttr segments);
  template <typename OpTy>
  Value emitAll(ArrayRef<Attribute> masks, bool neutral);
  Value refuse(StringRef what, StringRef why);

  Value boolean(bool value) {
    return arith::ConstantIntOp::create(builder, loc, value, 1);
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value compare(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, lhs, rhs);
  }

  OpBuilder &builder;
  Location loc;
  const MaskOperands &operands;
  llvm::function_ref<InFlightDiagnostic()> emitError;
  llvm::DenseMap<Attribute, Value> known;
  llvm::DenseMap<int64_t, Value> slots;
};

} // namespace

Value PredicateEmitter::refuse(StringRef what, StringRef why) {
  if (emitError)
    emitError() << "mask has no predicate yet: " << what << " " << why;
  return {};
}

Value PredicateEmitter::emitWindow(SlidingWindowAttr window) {
  Value visible;
  if (window.hasLeft()) {
    Value first = builder.createOrFold<arith::SubIOp>(loc, operands.qPos,
                                                      index(window.getLeft()));
    visible = compare(arith::CmpIPredicate::sge, operands.j, first);
  }
  if (window.hasRight()) {
    Value last = builder.createOrFold<arith::AddIOp>(loc, operands.qPos,
                                                     index(window.getRight()));
    Value right = compare(arith::CmpIPredicate::sle, operands.j, last);
    visible = visible ? builder.createOrFold<arith::AndIOp>(loc, visible, right)
                      : right;
  }
  return visible ? visible : boolean(true);
}

Value PredicateEmitter::emitChunk(ChunkedAttr chunked) {
  uint64_t size = chunked.getSize();
  auto chunkOf = [&](Value position) -> Value {
    if (size == 1)
      return position;
    if (llvm::isPowerOf2_64(size)) // An arithmetic shift rounds down, too.
      return builder.createOrFold<arith::ShRSIOp>(loc, position,
                                                  index(llvm::Log2_64(size)));
    return builder.createOrFold<arith::FloorDivSIOp>(loc, position,
                                                     index(size));
  };
  return compare(arith::CmpIPredicate::eq, chunkOf(operands.qPos),
                 chunkOf(operands.j));
}

Value PredicateEmitter::emitPrefix(PrefixAttr prefix) {
  if (!prefix.hasSlot())
    return compare(arith::CmpIPredicate::slt, operands.j,
                   index(prefix.getLength()));
  Value &length = slots[prefix.getSlot()];
  if (!length)
    length = operands.slotValue(prefix.getSlot());
  return compare(arith::CmpIPredicate::slt, operands.j, length);
}

Value PredicateEmitter::emitSegments(SegmentsAttr segments) {
  if (!operands.slotElement)
    return refuse("segments", "reads segment ids of the row and the key");
  // In this order, which arguments of one call would not have.
  Value ofRow = operands.slotElement(segments.getQSlot());
  Value ofKey = operands.slotElement(segments.getKvSlot());
  return compare(arith::CmpIPredicate::eq, ofRow, ofKey);
}

template <typename OpTy>
Value PredicateEmitter::emitAll(ArrayRef<Attribute> masks, bool neutral) {
  Value all;
  for (Attribute mask : masks) {
    Value visible = emit(mask);
    if (!visible)
      return {};
    all = all ? builder.createOrFold<OpTy>(loc, all, visible) : visible;
  }
  return all ? all : boolean(neutral);
}

Value PredicateEmitter::emitNode(Attribute mask) {
  if (isa<CausalAttr>(mask))
    return compare(arith::CmpIPredicate::sle, operands.j, operands.qPos);
  if (auto window = dyn_cast<SlidingWindowAttr>(mask))
    return emitWindow(window);
  if (auto chunked = dyn_cast<ChunkedAttr>(mask))
    return emitChunk(chunked);
  if (auto prefix = dyn_cast<PrefixAttr>(mask))
    return emitPrefix(prefix);
  if (auto node = dyn_cast<AndAttr>(mask))
    return emitAll<arith::AndIOp>(node.getMasks(), true);
  if (auto node = dyn_cast<OrAttr>(mask))
    return emitAll<arith::OrIOp>(node.getMasks(), false);
  if (auto node = dyn_cast<NotAttr>(mask)) {
    Value visible = emit(node.getMask());
    return visible ? builder.createOrFold<arith::XOrIOp>(loc, visible,
                                                         boolean(true))
                   : visible;
  }
  if (auto segments = dyn_cast<SegmentsAttr>(mask))
    return emitSegments(segments);
  if (auto dense = dyn_cast<DenseAttr>(mask)) {
    if (!operands.slotElement)
      return refuse("dense", "reads a mask tensor");
    return operands.slotElement(dense.getSlot());
  }
  if (auto custom = dyn_cast<CustomAttr>(mask); custom && operands.customValue)
    return operands.customValue(custom);
  if (isa<CustomAttr>(mask))
    return refuse("custom", "calls a function of the module");
  if (isa<PerHeadAttr>(mask))
    return refuse("per_head", "must be expanded to the mask of one head");
  return refuse("its operand", "is no mask of the attn dialect");
}

Value PredicateEmitter::emit(Attribute mask) {
  if (auto it = known.find(mask); it != known.end())
    return it->second;
  Value visible = emitNode(mask);
  return known[mask] = visible;
}

FailureOr<Value>
attn::emitVisible(OpBuilder &builder, Location loc, Attribute mask,
                  const MaskOperands &operands,
                  llvm::function_ref<InFlightDiagnostic()> emitError) {
  PredicateEmitter emitter(builder, loc, operands, emitError);
  if (!mask)
    return Value(arith::ConstantIntOp::create(builder, loc, true, 1));
  Value visible = emitter.emit(mask);
  if (!visible)
    return failure();
  return visible;
}
