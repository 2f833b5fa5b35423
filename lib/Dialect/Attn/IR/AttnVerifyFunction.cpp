//===- AttnVerifyFunction.cpp - User functions of attn.attention ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttnVerify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/CastInterfaces.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// The closed list
//===----------------------------------------------------------------------===//

/// What a user function is made of. Every op is pure or a load from a capture,
/// and has a vector form on every target (docs/functions.md). Remainders of
/// floats and most of math are left out: their only form is a library call.
static bool isInClosedList(StringRef op) {
  static const llvm::StringSet<> list = {
      // Constants, selection and comparison.
      "arith.constant", "arith.select", "arith.cmpi", "arith.cmpf",
      // Integers and index.
      "arith.addi", "arith.subi", "arith.muli", "arith.divsi", "arith.divui",
      "arith.ceildivsi", "arith.ceildivui", "arith.floordivsi", "arith.remsi",
      "arith.remui", "arith.andi", "arith.ori", "arith.xori", "arith.shli",
      "arith.shrsi", "arith.shrui", "arith.minsi", "arith.maxsi", "arith.minui",
      "arith.maxui", "math.absi",
      // Floats.
      "arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.negf",
      "arith.minimumf", "arith.maximumf", "arith.minnumf", "arith.maxnumf",
      "math.fma", "math.absf", "math.copysign", "math.floor", "math.ceil",
      "math.trunc", "math.round", "math.roundeven", "math.sqrt", "math.rsqrt",
      "math.exp", "math.exp2", "math.expm1", "math.log", "math.log2",
      "math.log1p", "math.tanh", "math.erf", "math.sin", "math.cos",
      "math.powf",
      // Conversion.
      "arith.extsi", "arith.extui", "arith.trunci", "arith.index_cast",
      "arith.index_castui", "arith.sitofp", "arith.uitofp", "arith.fptosi",
      "arith.fptoui", "arith.extf", "arith.truncf", "arith.bitcast",
      // Captures.
      "tensor.extract", "memref.load"};
  return list.contains(op);
}

/// Whether a user function may compute with values of `type`.
static bool isComputable(Type type) {
  return type.isIndex() || type.isF32() || type.isSignlessInteger(1) ||
         type.isSignlessInteger(8) || type.isSignlessInteger(16) ||
         type.isSignlessInteger(32) || type.isSignlessInteger(64);
}

/// Other floats are stored in captures, and converted.
static bool isStored(Type type) {
  return isComputable(type) || type.isF16() || type.isBF16() || type.isF64();
}

static bool isLoad(Operation &op) {
  StringRef name = op.getName().getStringRef();
  return name == "tensor.extract" || name == "memref.load";
}

/// The first type that `op` cannot have in a user function, or null.
static Type findWrongType(Operation &op) {
  bool converts =
      isa<CastOpInterface>(op) || op.hasTrait<OpTrait::ConstantLike>();
  auto isAllowed = isLoad(op) || converts ? isStored : isComputable;
  SmallVector<Type> types(op.getResultTypes());
  if (!isLoad(op))
    llvm::append_range(types, op.getOperandTypes());
  for (Type type : types)
    if (!isAllowed(type))
      return type;
  return {};
}

/// What is wrong with `op` in a user function; nothing if it is empty.
static std::string findFault(Operation &op) {
  std::string fault;
  llvm::raw_string_ostream os(fault);
  if (!isInClosedList(op.getName().getStringRef()))
    os << "'" << op.getName()
       << "'; expected an op of the list in docs/functions.md";
  else if (Type type = findWrongType(op))
    os << "'" << op.getName() << "' on " << type
       << "; expected index, i1, i8, i16, i32, i64 or f32, and f16, bf16 or "
          "f64 in loads and conversions alone";
  return fault;
}

static LogicalResult verifyBody(AttentionOp op, func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return op.emitOpError() << "function @" << function.getSymName() << " has "
                            << function.getBody().getBlocks().size()
                            << " blocks; expected a body of one block (C20)";
  for (Operation &inner : function.getBody().front().without_terminator()) {
    std::string fault = findFault(inner);
    if (fault.empty())
      continue;
    InFlightDiagnostic diag = op.emitOpError()
                              << "function @" << function.getSymName()
                              << " contains " << fault << " (C20)";
    diag.attachNote(inner.getLoc()) << "the op is here";
    return diag;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

/// Whether a capture of type `given` may meet an argument of type `wanted`.
static bool isCapture(Type given, Type wanted) {
  if (!isa<IntegerType, IndexType, FloatType, RankedTensorType, MemRefType>(
          given))
    return false;
  // Bufferization gives function arguments the most general layout, and folding
  // of casts makes captures more static.
  bool memrefs = isa<MemRefType>(given) && isa<MemRefType>(wanted);
  bool tensors = isa<RankedTensorType>(given) && isa<RankedTensorType>(wanted);
  if (!memrefs && !tensors)
    return given == wanted;
  if (memrefs && cast<MemRefType>(given).getMemorySpace() !=
                     cast<MemRefType>(wanted).getMemorySpace())
    return false;
  auto givenShaped = cast<ShapedType>(given),
       wantedShaped = cast<ShapedType>(wanted);
  return givenShaped.getElementType() == wantedShaped.getElementType() &&
         llvm::equal(givenShaped.getShape(), wantedShaped.getShape(),
                     [](int64_t size, int64_t argument) {
                       return size == argument ||
                              ShapedType::isDynamic(argument);
                     });
}

static bool hasNoElement(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped && llvm::is_contained(shaped.getShape(), 0);
}

/// A function reads the nearest element of a capture, so there must be one;
/// where there is no row or no key it reads none.
static LogicalResult verifyCaptures(AttentionOp op, FlatSymbolRefAttr symbol,
                                    TypeRange captures) {
  if (hasNoElement(op.getQType()) || hasNoElement(op.getKType()))
    return success();
  for (Type capture : captures)
    if (hasNoElement(capture))
      return op.emitOpError() << "function " << symbol << " captures "
                              << capture << "; expected no dim of 0 (C20)";
  return success();
}

LogicalResult attn::verifyUserFunction(AttentionOp op,
                                       SymbolTableCollection &symbols,
                                       FlatSymbolRefAttr symbol,
                                       ArrayRef<Type> leading,
                                       TypeRange captures, Type result) {
  auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(op, symbol);
  if (!function)
    return op.emitOpError()
           << "names " << symbol << "; expected a func.func in scope (C20)";
  FunctionType type = function.getFunctionType();
  size_t count = leading.size();
  bool fits = type.getNumInputs() == count + captures.size() &&
              type.getInputs().take_front(count) == leading &&
              type.getResults() == ArrayRef<Type>(result);
  if (fits)
    fits = llvm::all_of(
        llvm::zip_equal(captures, type.getInputs().drop_front(count)),
        [](auto pair) {
          return isCapture(std::get<0>(pair), std::get<1>(pair));
        });
  if (fits && failed(verifyCaptures(op, symbol, captures)))
    return failure();
  if (fits)
    return verifyBody(op, function);
  SmallVector<Type> inputs(leading);
  llvm::append_range(inputs, captures);
  return op.emitOpError() << "function " << symbol << " has type " << type
                          << "; expected "
                          << FunctionType::get(op.getContext(), inputs, result)
                          << " with captures of scalar, tensor or memref type "
                             "(C20)";
}
