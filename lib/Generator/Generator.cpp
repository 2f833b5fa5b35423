//===- Generator.cpp - The IR of one attention problem --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Generator/Generator.h"

#include "attn/Compiler/Diagnostics.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace attn;
using namespace attn::generator;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

namespace {
/// A dim of an argument: its size, and whether it is `?` in a dynamic problem.
struct Extent {
  int64_t size;
  bool variable = false;
};
using Extents = llvm::SmallVector<Extent>;

class ProblemBuilder {
public:
  ProblemBuilder(const Problem &problem, MLIRContext *context)
      : problem(problem), builder(context), loc(builder.getUnknownLoc()) {}

  OwningOpRef<ModuleOp> build();

private:
  Type getElement(llvm::StringRef spelling);
  Type getArrayType(const Extents &extents, Type element);
  Extents getArrayExtents(Layout layout, bool isQ, int64_t dim);
  void addDescales();
  Extents getMaskExtents(MaskOperand operand);
  void addArguments();
  void addMaskArguments();
  void addOutputs();
  void addAttention();

  /// Adds an argument and returns its index.
  int add(Type type, const Extents &extents);
  int addArray(const Extents &extents, llvm::StringRef element) {
    return add(getArrayType(extents, getElement(element)), extents);
  }
  int addIf(bool wanted, const Extents &extents, llvm::StringRef element) {
    return wanted ? addArray(extents, element) : -1;
  }
  Value get(int argument) {
    return argument < 0 ? Value() : Value(function.getArgument(argument));
  }
  Value createEmpty(const Extents &extents, Type element);

  bool isPackedQ() const { return isPacked(problem.qLayout); }
  bool isPackedKv() const { return isPacked(problem.kLayout); }
  bool isPaged() const { return problem.pageSize > 0; }
  int64_t getPagesPerSequence() const {
    return (problem.keys + problem.pageSize - 1) / problem.pageSize;
  }
  Extent batch() const { return {problem.batch, true}; }
  /// Rows of a sequence, or of all packed sequences.
  Extent rows() const {
    return {isPackedQ() ? problem.batch * problem.rows : problem.rows, true};
  }
  /// Keys of a sequence, of all packed sequences, or of whole pages.
  Extent keys() const {
    if (isPaged())
      return {getPagesPerSequence() * problem.pageSize, true};
    return {isPackedKv() ? problem.batch * problem.keys : problem.keys, true};
  }

  const Problem &problem;
  OpBuilder builder;
  Location loc;
  func::FuncOp function;
  llvm::SmallVector<Type> types;
  llvm::SmallVector<Attribute> exampleShapes;
  /// Indices of arguments, -1 where there is none.
  int q = -1, k = -1, v = -1, bias = -1, sinks = -1, alibi = -1, qLens = -1,
      kvLens = -1, qOffset = -1, qPositions = -1, cuQ = -1, cuKv = -1,
      blockTable = -1, qDescale = -1, kDescale = -1, vDescale = -1, scale = -1,
      softcap = -1, out = -1, lse = -1;
  llvm::SmallVector<int> maskOperands;
  Extents outExtents, lseExtents;
};
} // namespace

Type ProblemBuilder::getElement(llvm::StringRef spelling) {
  return llvm::StringSwitch<Type>(spelling)
      .Case("f32", builder.getF32Type())
      .Case("f16", builder.getF16Type())
      .Case("bf16", builder.getBF16Type())
      .Case("f8E4M3FN", builder.getType<Float8E4M3FNType>())
      .Case("f8E5M2", builder.getType<Float8E5M2Type>())
      .Case("f8E4M3FNUZ", builder.getType<Float8E4M3FNUZType>())
      .Case("f8E5M2FNUZ", builder.getType<Float8E5M2FNUZType>())
      .Case("i1", builder.getI1Type())
      .Case("i32", builder.getI32Type())
      .Case("i64", builder.getI64Type())
      .Default(Type());
}

Type ProblemBuilder::getArrayType(const Extents &extents, Type element) {
  llvm::SmallVector<int64_t> shape;
  for (Extent extent : extents)
    shape.push_back(problem.dynamic && extent.variable ? kDynamic
                                                       : extent.size);
  if (!problem.onMemrefs)
    return RankedTensorType::get(shape, element);
  if (!problem.strided || shape.size() < 2)
    return MemRefType::get(shape, element);
  // The innermost dim of every layout is contiguous.
  llvm::SmallVector<int64_t> strides(shape.size(), kDynamic);
  strides.back() = 1;
  return MemRefType::get(
      shape, element,
      StridedLayoutAttr::get(builder.getContext(), kDynamic, strides));
}

int ProblemBuilder::add(Type type, const Extents &extents) {
  llvm::SmallVector<int64_t> sizes;
  for (Extent extent : extents)
    sizes.push_back(extent.size);
  types.push_back(type);
  exampleShapes.push_back(builder.getDenseI64ArrayAttr(sizes));
  return static_cast<int>(types.size()) - 1;
}

/// Dims of q, k, v or out.
Extents ProblemBuilder::getArrayExtents(Layout layout, bool isQ, int64_t dim) {
  LayoutDims dims = getLayoutDims(layout);
  Extents extents(getLayoutRank(layout));
  if (layout == Layout::paged) {
    extents[dims.batch] = {problem.batch * getPagesPerSequence(), true};
    extents[dims.sequence] = {problem.pageSize, true};
  } else {
    if (dims.batch >= 0)
      extents[dims.batch] = batch();
    extents[dims.sequence] = isQ ? rows() : keys();
  }
  extents[dims.head] = {isQ ? problem.headsQ : problem.headsKv};
  extents[dims.dim] = {dim};
  return extents;
}

/// `extents` with 1 where a dim is broadcast.
static Extents getBroadcast(Extents extents,
                            const std::vector<bool> &broadcast) {
  for (auto [extent, isOne] : llvm::zip_equal(extents, broadcast))
    if (isOne)
      extent = {1};
  return extents;
}

void ProblemBuilder::addDescales() {
  if (!problem.descaleBroadcast)
    return;
  Extents extents =
      getBroadcast({batch(), {problem.headsKv}}, *problem.descaleBroadcast);
  if (llvm::StringRef(problem.type).starts_with("f8"))
    qDescale = addArray(extents, "f32");
  kDescale = addArray(extents, "f32");
  vDescale = addArray(extents, "f32");
}

Extents ProblemBuilder::getMaskExtents(MaskOperand operand) {
  switch (operand) {
  case MaskOperand::PrefixLens:
    return {batch()};
  case MaskOperand::QSegments:
    return isPackedQ() ? Extents{rows()} : Extents{batch(), rows()};
  case MaskOperand::KvSegments:
    return isPackedKv() ? Extents{keys()} : Extents{batch(), keys()};
  case MaskOperand::Dense:
    return {batch(), {problem.headsQ}, rows(), keys()};
  }
  llvm_unreachable("every mask operand has dims");
}

void ProblemBuilder::addArguments() {
  q = addArray(getArrayExtents(problem.qLayout, true, problem.headDim),
               problem.type);
  k = addArray(getArrayExtents(problem.kLayout, false, problem.headDim),
               problem.kvType);
  v = addArray(getArrayExtents(problem.vLayout, false, problem.valueDim),
               problem.kvType);
  if (problem.biasBroadcast)
    bias = addArray(getBroadcast({batch(), {problem.headsQ}, rows(), keys()},
                                 *problem.biasBroadcast),
                    "f32");
  sinks = addIf(problem.sinks, {{problem.headsQ}}, "f32");
  alibi = addIf(problem.alibi, {{problem.headsQ}}, "f32");
  qLens = addIf(problem.qLens, {batch()}, "i32");
  kvLens = addIf(problem.kvLens || isPaged(), {batch()}, "i32");
  if (problem.qOffset == Given::Scalar)
    qOffset = add(builder.getI64Type(), {});
  else
    qOffset = addIf(problem.qOffset == Given::PerBatch, {batch()}, "i64");
  qPositions =
      addIf(problem.qPositions,
            isPackedQ() ? Extents{rows()} : Extents{batch(), rows()}, "i64");
  Extent starts{problem.batch + 1, true};
  cuQ = addIf(isPackedQ(), {starts}, "i32");
  cuKv = addIf(isPackedKv(), {starts}, "i32");
  if (isPaged())
    blockTable = addArray({batch(), {getPagesPerSequence(), true}}, "i32");
  addDescales();
  if (problem.dynamicScale)
    scale = add(builder.getF32Type(), {});
  if (problem.dynamicSoftcap)
    softcap = add(builder.getF32Type(), {});
  addMaskArguments();
}

void ProblemBuilder::addMaskArguments() {
  for (MaskOperand operand : problem.mask.operands)
    maskOperands.push_back(addArray(
        getMaskExtents(operand), operand == MaskOperand::Dense ? "i1" : "i32"));
}

void ProblemBuilder::addOutputs() {
  outExtents = getArrayExtents(problem.outLayout, true, problem.valueDim);
  lseExtents = isPackedQ() ? Extents{{problem.headsQ}, rows()}
                           : Extents{batch(), {problem.headsQ}, rows()};
  if (!problem.onMemrefs)
    return;
  out = addArray(outExtents, problem.outType);
  lse = addIf(problem.lse, lseExtents, "f32");
}

/// A tensor to write into, with the dynamic sizes of q.
Value ProblemBuilder::createEmpty(const Extents &extents, Type element) {
  auto type = cast<RankedTensorType>(getArrayType(extents, element));
  LayoutDims dims = getLayoutDims(problem.qLayout);
  llvm::SmallVector<Value> sizes;
  // Of the dims of an output only batch and rows are dynamic, in this order.
  bool isBatch = dims.batch >= 0;
  for (int64_t dim : type.getShape()) {
    if (!ShapedType::isDynamic(dim))
      continue;
    sizes.push_back(tensor::DimOp::create(
        builder, loc, get(q), isBatch ? dims.batch : dims.sequence));
    isBatch = false;
  }
  return tensor::EmptyOp::create(builder, loc, type, sizes);
}

void ProblemBuilder::addAttention() {
  llvm::SmallVector<Value> outs, masks;
  if (problem.onMemrefs) {
    outs.push_back(get(out));
    if (problem.lse)
      outs.push_back(get(lse));
  } else {
    outs.push_back(createEmpty(outExtents, getElement(problem.outType)));
    if (problem.lse)
      outs.push_back(createEmpty(lseExtents, builder.getF32Type()));
  }
  for (int operand : maskOperands)
    masks.push_back(get(operand));
  llvm::SmallVector<Type> results;
  if (!problem.onMemrefs)
    results.assign(ValueRange(outs).getTypes().begin(),
                   ValueRange(outs).getTypes().end());
  auto integer = [&](std::optional<int64_t> value) {
    return value ? builder.getI64IntegerAttr(*value) : IntegerAttr();
  };
  auto layout = [&](Layout value) {
    return LayoutAttr::get(builder.getContext(), value);
  };
  auto op = AttentionOp::create(
      builder, loc, results, get(q), get(k), get(v), get(bias), get(sinks),
      get(alibi), get(qLens), get(kvLens), get(qOffset), get(qPositions),
      get(cuQ), get(cuKv), get(blockTable), get(qDescale), get(kDescale),
      get(vDescale), get(scale), get(softcap), masks,
      /*score_operands=*/ValueRange(), outs, problem.mask.attribute,
      problem.dynamicScale ? FloatAttr()
                           : builder.getF32FloatAttr(problem.scale),
      problem.softcap && !problem.dynamicSoftcap
          ? builder.getF32FloatAttr(*problem.softcap)
          : FloatAttr(),
      problem.qOffset == Given::Attribute
          ? builder.getI64IntegerAttr(problem.qOffsetValue)
          : IntegerAttr(),
      /*score_mod=*/FlatSymbolRefAttr(), layout(problem.qLayout),
      layout(problem.kLayout), layout(problem.vLayout),
      layout(problem.outLayout), integer(problem.numSplits),
      integer(problem.splitSize), integer(problem.blockQ),
      integer(problem.blockKv), integer(problem.blockKvCompute),
      /*config=*/ConfigAttr());
  func::ReturnOp::create(builder, loc, op.getResults());
}

OwningOpRef<ModuleOp> ProblemBuilder::build() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  addArguments();
  addOutputs();
  llvm::SmallVector<Type> results;
  if (!problem.onMemrefs) {
    results.push_back(getArrayType(outExtents, getElement(problem.outType)));
    if (problem.lse)
      results.push_back(getArrayType(lseExtents, builder.getF32Type()));
  }
  builder.setInsertionPointToStart(module->getBody());
  function = func::FuncOp::create(builder, loc, problem.function,
                                  builder.getFunctionType(types, results));
  if (problem.dynamic)
    function->setAttr("attn.example_shapes",
                      builder.getArrayAttr(exampleShapes));
  builder.setInsertionPointToStart(function.addEntryBlock());
  addAttention();
  return module;
}

llvm::Expected<OwningOpRef<ModuleOp>>
generator::generate(const Problem &problem, MLIRContext *context) {
  context->loadDialect<AttnDialect, func::FuncDialect, memref::MemRefDialect,
                       tensor::TensorDialect>();
  DiagnosticCollector diagnostics(context);
  OwningOpRef<ModuleOp> module = ProblemBuilder(problem, context).build();
  if (failed(verify(*module)))
    return diagnostics.takeError("the problem does not verify");
  return std::move(module);
}
