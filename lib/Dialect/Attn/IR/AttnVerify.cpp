//===- AttnVerify.cpp - Shared parts of the verifiers, attn.merge --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttnVerify.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

int64_t attn::firstStatic(ArrayRef<int64_t> sizes) {
  for (int64_t size : sizes)
    if (!ShapedType::isDynamic(size))
      return size;
  return ShapedType::kDynamic;
}

static StringRef describe(Elements elements) {
  switch (elements) {
  case Elements::I1:
    return "i1";
  case Elements::I32:
    return "i32";
  case Elements::I64:
    return "i64";
  case Elements::F32:
    return "f32";
  case Elements::AnyFloat:
    return "float";
  }
  llvm_unreachable("unknown elements");
}

static bool hasElements(Type type, Elements elements) {
  switch (elements) {
  case Elements::I1:
    return type.isSignlessInteger(1);
  case Elements::I32:
    return type.isSignlessInteger(32);
  case Elements::I64:
    return type.isSignlessInteger(64);
  case Elements::F32:
    return type.isF32();
  case Elements::AnyFloat:
    return isa<FloatType>(type);
  }
  llvm_unreachable("unknown elements");
}

static bool hasShape(ShapedType type, const Shape &shape) {
  if (!type.hasRank() || type.getRank() != static_cast<int64_t>(shape.size()))
    return false;
  for (auto [size, extent] : llvm::zip_equal(type.getShape(), shape))
    if (differ(size, extent.size) && !(extent.orOne && size == 1))
      return false;
  return true;
}

/// Writes `[B, Hq or 1]`.
static void describe(const Shape &shape, InFlightDiagnostic &diag) {
  diag << "[";
  llvm::interleaveComma(shape, diag, [&](const Extent &extent) {
    diag << extent.name << (extent.orOne ? " or 1" : "");
  });
  diag << "]";
}

/// Writes ` with B = 2, Hq = 8`, of what is known.
static void describeSizes(ArrayRef<Shape> shapes, InFlightDiagnostic &diag) {
  SmallVector<StringRef> named;
  for (const Shape &shape : shapes) {
    for (const Extent &extent : shape) {
      if (ShapedType::isDynamic(extent.size) ||
          llvm::is_contained(named, extent.name))
        continue;
      diag << (named.empty() ? " with " : ", ") << extent.name << " = "
           << extent.size;
      named.push_back(extent.name);
    }
  }
}

LogicalResult attn::expectType(Operation *op, const Twine &operand, Type type,
                               Elements elements, ArrayRef<Shape> shapes,
                               StringRef constraint) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (shaped && hasElements(shaped.getElementType(), elements) &&
      llvm::any_of(shapes, [&](const Shape &s) { return hasShape(shaped, s); }))
    return success();
  InFlightDiagnostic diag = op->emitOpError();
  diag << operand << " is " << type << "; expected " << describe(elements)
       << " ";
  llvm::interleave(
      shapes, [&](const Shape &shape) { describe(shape, diag); },
      [&] { diag << " or "; });
  describeSizes(shapes, diag);
  return diag << " (" << constraint << ")";
}

LogicalResult attn::expectOneKind(DestinationStyleOpInterface op,
                                  function_ref<std::string(unsigned)> name,
                                  StringRef constraint) {
  bool tensors = isa<TensorType>(op->getOperand(0).getType());
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = operand.get().getType();
    if (isa<TensorType, BaseMemRefType>(type) &&
        isa<TensorType>(type) != tensors)
      return op->emitOpError()
             << name(operand.getOperandNumber()) << " is " << type << " and "
             << name(0) << " is " << op->getOperand(0).getType()
             << "; expected all to be tensors or all to be memrefs ("
             << constraint << ")";
  }
  SmallVector<Type> expected;
  if (tensors)
    llvm::append_range(expected, op.getDpsInits().getTypes());
  if (!llvm::equal(expected, op->getResultTypes())) {
    InFlightDiagnostic diag = op->emitOpError() << "has results (";
    llvm::interleaveComma(op->getResultTypes(), diag);
    diag << "); expected the types of the tensor inits, (";
    llvm::interleaveComma(expected, diag);
    return diag << ") (" << constraint << ")";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

LogicalResult MergeOp::verify() {
  auto parts = cast<ShapedType>(getPartOuts().getType());
  auto lses = cast<ShapedType>(getPartLses().getType());

  // merge_c1
  Shape shape = {{"P"}, {"B"}, {"Hq"}, {"Sq"}, {"D"}};
  if (failed(expectType(*this, "part_outs", parts, Elements::F32, shape, "C1")))
    return failure();
  for (auto [extent, size] : llvm::zip_equal(shape, parts.getShape()))
    extent.size = size;
  Shape partRows(ArrayRef<Extent>(shape).drop_back());
  if (failed(
          expectType(*this, "part_lses", lses, Elements::F32, partRows, "C1")))
    return failure();
  for (auto [i, size] : llvm::enumerate(lses.getShape()))
    shape[i].size = firstStatic({shape[i].size, size});

  // merge_c2
  if (getOuts().empty() || getOuts().size() > 2)
    return emitOpError() << "has " << getOuts().size()
                         << " inits; expected out, or out and lse (C2)";
  auto out = cast<ShapedType>(getOuts().front().getType());
  Shape outShape(ArrayRef<Extent>(shape).drop_front());
  if (failed(expectType(*this, "out", out, Elements::AnyFloat, outShape, "C2")))
    return failure();
  if (!isa<Float32Type, Float16Type, BFloat16Type>(out.getElementType()))
    return emitOpError() << "out has element type " << out.getElementType()
                         << "; expected f32, f16 or bf16 (C2)";
  Shape rows(ArrayRef<Extent>(outShape).drop_back());
  if (getOuts().size() == 2 &&
      failed(expectType(*this, "lse", getOuts()[1].getType(), Elements::F32,
                        rows, "C2")))
    return failure();

  // merge_c3
  if (getSinks() && failed(expectType(*this, "sinks", getSinks().getType(),
                                      Elements::F32, Shape{shape[2]}, "C3")))
    return failure();

  // merge_c5
  if (getQLens() && failed(expectType(*this, "q_lens", getQLens().getType(),
                                      Elements::I32, Shape{shape[1]}, "C5")))
    return failure();

  // merge_c4
  auto name = [&](unsigned index) -> std::string {
    Value operand = getOperand(index);
    if (index < 2)
      return index == 0 ? "part_outs" : "part_lses";
    if (operand == getSinks())
      return "sinks";
    return operand == getQLens() ? "q_lens" : "an init";
  };
  return expectOneKind(cast<DestinationStyleOpInterface>(getOperation()), name,
                       "C4");
}
