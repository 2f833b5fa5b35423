//===- Problem.cpp - An attention op as a reference problem ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Problem.h"

#include "attn/Compiler/Diagnostics.h"
#include "attn/Reference/Masks.h"
#include "attn/Runner/UserFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include <cstring>

using namespace attn;
using namespace attn::runner;
using llvm::ArrayRef;
using llvm::cast;
using llvm::dyn_cast;
using llvm::dyn_cast_or_null;
using llvm::Error;
using llvm::Expected;
using llvm::isa;
using llvm::StringRef;
using llvm::Twine;
using mlir::Attribute;
using mlir::Value;

/// Dims of a layout by letter, as TensorView::reorder takes them.
static StringRef getLetters(Layout layout) { return stringifyLayout(layout); }

/// q, k, v or out with dims in the reference's order.
static TensorView reorder(const TensorView &view, Layout layout) {
  // Pages are in the reference's order already.
  if (layout == Layout::paged)
    return view;
  StringRef target = isPacked(layout) ? "thd" : "bshd";
  std::string letters = getLetters(layout).str();
  auto result = view.reorder(letters, target.str());
  assert(result && "a layout is a permutation of its letters");
  return *result;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static Expected<Tensor> toTensor(mlir::DenseElementsAttr elements) {
  auto type = getElementType(elements.getElementType());
  std::string error = "element type of a constant is not supported";
  std::optional<Tensor> tensor;
  if (type)
    tensor = Tensor::create(*type, elements.getType().getShape().vec(), error);
  if (!tensor)
    return createError(error);
  auto *bytes = static_cast<char *>(tensor->data());
  int64_t size = byteSize(*type);
  if (isFloat(*type)) {
    for (const llvm::APFloat &value : elements.getValues<llvm::APFloat>()) {
      llvm::APInt bits = value.bitcastToAPInt();
      std::memcpy(bytes, bits.getRawData(), size);
      bytes += size;
    }
  } else {
    for (const llvm::APInt &value : elements.getValues<llvm::APInt>()) {
      uint64_t bits = value.getZExtValue();
      std::memcpy(bytes, &bits, size);
      bytes += size;
    }
  }
  return std::move(*tensor);
}

/// The elements of a constant tensor, scalar or global memref, or null.
static mlir::DenseElementsAttr getConstant(Value value) {
  Attribute attribute;
  if (matchPattern(value, mlir::m_Constant(&attribute))) {
    if (auto elements = dyn_cast<mlir::DenseElementsAttr>(attribute))
      return elements;
    if (auto scalar = dyn_cast<mlir::TypedAttr>(attribute);
        scalar && isa<mlir::FloatAttr, mlir::IntegerAttr>(attribute))
      return mlir::DenseElementsAttr::get(
          mlir::RankedTensorType::get({}, scalar.getType()), attribute);
  }
  if (auto get = value.getDefiningOp<mlir::memref::GetGlobalOp>()) {
    auto global =
        mlir::SymbolTable::lookupNearestSymbolFrom<mlir::memref::GlobalOp>(
            get, get.getNameAttr());
    if (global && global.getConstant())
      return dyn_cast_or_null<mlir::DenseElementsAttr>(
          global.getInitialValueAttr());
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

static mlir::func::FuncOp lookupFunction(AttentionOp op,
                                         mlir::FlatSymbolRefAttr symbol) {
  return mlir::SymbolTable::lookupNearestSymbolFrom<mlir::func::FuncOp>(op,
                                                                        symbol);
}

namespace {
/// A problem that can be bound but has no meaning.
class EmptyCapture : public llvm::ErrorInfo<EmptyCapture> {
public:
  static char ID;

  explicit EmptyCapture(const TensorView &capture)
      : message("a captured array is " + describe(capture) +
                "; expected no dim of 0") {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  std::string message;
};
} // namespace

char EmptyCapture::ID = 0;

/// A function reads the nearest element of a capture, so there must be one;
/// where there is no row or no key it reads none.
static Error checkCapture(const reference::AttentionProblem &problem,
                          const TensorView &capture) {
  if (capture.numElements() > 0 || problem.q.numElements() == 0 ||
      problem.k.numElements() == 0)
    return Error::success();
  return llvm::make_error<EmptyCapture>(capture);
}

static Expected<reference::MaskFunction>
buildMask(AttentionOp op, Attribute mask, const BoundProblem &bound);

static Expected<std::vector<reference::MaskFunction>>
buildMasks(AttentionOp op, Attribute mask, const BoundProblem &bound) {
  std::vector<reference::MaskFunction> masks;
  for (Attribute operand : getMaskOperands(mask)) {
    auto function = buildMask(op, operand, bound);
    if (!function)
      return function.takeError();
    masks.push_back(std::move(*function));
  }
  return masks;
}

static Expected<reference::MaskFunction>
buildMask(AttentionOp op, Attribute mask, const BoundProblem &bound) {
  if (isa<CausalAttr>(mask))
    return reference::causal();
  if (auto window = dyn_cast<SlidingWindowAttr>(mask)) {
    std::optional<int64_t> left, right;
    if (window.hasLeft())
      left = window.getLeft();
    if (window.hasRight())
      right = window.getRight();
    return reference::slidingWindow(left, right);
  }
  if (auto chunked = dyn_cast<ChunkedAttr>(mask))
    return reference::chunked(chunked.getSize());
  if (auto prefix = dyn_cast<PrefixAttr>(mask)) {
    if (prefix.hasSlot())
      return reference::prefix(bound.maskOperands[prefix.getSlot()]);
    return reference::prefix(prefix.getLength());
  }
  if (auto segments = dyn_cast<SegmentsAttr>(mask))
    return reference::segments(bound.maskOperands[segments.getQSlot()],
                               bound.maskOperands[segments.getKvSlot()],
                               bound.problem.cuSeqlensQ,
                               bound.problem.cuSeqlensKV);
  if (auto dense = dyn_cast<DenseAttr>(mask))
    return reference::dense(bound.maskOperands[dense.getSlot()]);
  if (auto custom = dyn_cast<CustomAttr>(mask)) {
    std::vector<TensorView> captures;
    for (int64_t slot : custom.getSlots()) {
      captures.push_back(bound.maskOperands[slot]);
      if (Error error = checkCapture(bound.problem, captures.back()))
        return std::move(error);
    }
    return compileMaskFunction(lookupFunction(op, custom.getFunction()),
                               std::move(captures));
  }

  auto masks = buildMasks(op, mask, bound);
  if (!masks)
    return masks.takeError();
  if (isa<PerHeadAttr>(mask))
    return reference::perHead(std::move(*masks));
  if (isa<AndAttr>(mask))
    return reference::allOf(std::move(*masks));
  if (isa<OrAttr>(mask))
    return reference::anyOf(std::move(*masks));
  if (isa<NotAttr>(mask))
    return reference::notOf(std::move(masks->front()));
  return createError("a mask of this kind has no reference");
}

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

namespace {
/// Finds the arrays behind values.
class Binder {
public:
  Binder(ArrayRef<Tensor> arguments, std::vector<Tensor> &constants)
      : arguments(arguments), constants(constants) {}

  Expected<TensorView> bind(Value value, const Twine &what) {
    value = lookThroughCasts(value);
    if (auto argument = getFunctionArgument(value))
      return arguments[*argument].view();
    if (mlir::DenseElementsAttr constant = getConstant(value)) {
      auto tensor = toTensor(constant);
      if (!tensor)
        return tensor.takeError();
      constants.push_back(std::move(*tensor));
      return constants.back().view();
    }
    return createError(what + " is neither an argument of the function nor a "
                              "constant");
  }

  /// Binds an optional operand; no operand leaves `slot` empty.
  Error bind(Value value, const Twine &what, std::optional<TensorView> &slot) {
    if (!value)
      return Error::success();
    auto view = bind(value, what);
    if (!view)
      return view.takeError();
    slot = *view;
    return Error::success();
  }

  Error bind(Value value, const Twine &what, float &scalar) {
    std::optional<TensorView> view;
    if (Error error = bind(value, what, view))
      return error;
    if (view)
      scalar = static_cast<float>(view->loadAsDouble({}));
    return Error::success();
  }

private:
  ArrayRef<Tensor> arguments;
  std::vector<Tensor> &constants;
};
} // namespace

static Error bindOperands(AttentionOp op, Binder &binder,
                          reference::AttentionProblem &problem) {
  const std::tuple<Value, const char *, std::optional<TensorView> *>
      operands[] = {
          {op.getBias(), "bias", &problem.bias},
          {op.getSinks(), "sinks", &problem.sinks},
          {op.getAlibiSlopes(), "alibi_slopes", &problem.alibiSlopes},
          {op.getQLens(), "q_lens", &problem.qLens},
          {op.getKvLens(), "kv_lens", &problem.kvLens},
          {op.getDynamicQOffset(), "dynamic_q_offset", &problem.qOffset},
          {op.getQPositions(), "q_positions", &problem.qPositions},
          {op.getCuSeqlensQ(), "cu_seqlens_q", &problem.cuSeqlensQ},
          {op.getCuSeqlensKv(), "cu_seqlens_kv", &problem.cuSeqlensKV},
          {op.getBlockTable(), "block_table", &problem.blockTable},
          {op.getQDescale(), "q_descale", &problem.qDescale},
          {op.getKDescale(), "k_descale", &problem.kDescale},
          {op.getVDescale(), "v_descale", &problem.vDescale}};
  for (auto [value, name, slot] : operands)
    if (Error error = binder.bind(value, name, *slot))
      return error;

  const std::tuple<Value, const char *, Layout, TensorView *> arrays[] = {
      {op.getQ(), "q", op.getQLayout(), &problem.q},
      {op.getK(), "k", op.getKLayout(), &problem.k},
      {op.getV(), "v", op.getVLayout(), &problem.v}};
  for (auto [value, name, layout, slot] : arrays) {
    auto view = binder.bind(value, name);
    if (!view)
      return view.takeError();
    *slot = reorder(*view, layout);
  }

  if (auto scale = op.getScale())
    problem.scale = scale->convertToFloat();
  if (auto softcap = op.getSoftcap())
    problem.softcap = softcap->convertToFloat();
  if (Error error =
          binder.bind(op.getDynamicScale(), "dynamic_scale", problem.scale))
    return error;
  return binder.bind(op.getDynamicSoftcap(), "dynamic_softcap",
                     problem.softcap);
}

static Error bindScoreFunction(AttentionOp op, Binder &binder,
                               reference::AttentionProblem &problem) {
  if (!op.getScoreMod())
    return Error::success();
  std::vector<TensorView> captures;
  for (auto [index, value] : llvm::enumerate(op.getScoreOperands())) {
    auto view = binder.bind(value, "score operand " + Twine(index));
    if (!view)
      return view.takeError();
    if (Error error = checkCapture(problem, *view))
      return error;
    captures.push_back(*view);
  }
  auto score = compileScoreFunction(lookupFunction(op, op.getScoreModAttr()),
                                    std::move(captures));
  if (!score)
    return score.takeError();
  problem.score = std::move(*score);
  return Error::success();
}

Expected<BoundProblem> runner::bindProblem(AttentionOp op,
                                           ArrayRef<Tensor> arguments) {
  BoundProblem bound;
  Binder binder(arguments, bound.constants);
  if (Error error = bindOperands(op, binder, bound.problem))
    return std::move(error);
  if (auto offset = op.getQOffset()) {
    std::string error;
    auto tensor = Tensor::create(ElementType::I64, {}, error);
    if (!tensor)
      return createError(error);
    int64_t value = *offset;
    std::memcpy(tensor->data(), &value, sizeof(value));
    bound.constants.push_back(std::move(*tensor));
    bound.problem.qOffset = bound.constants.back().view();
  }
  for (auto [slot, value] : llvm::enumerate(op.getMaskOperands())) {
    auto view = binder.bind(value, "mask operand " + Twine(slot));
    if (!view)
      return view.takeError();
    bound.maskOperands.push_back(*view);
  }
  if (Error error = bindScoreFunction(op, binder, bound.problem))
    return std::move(error);
  bound.mask = op.getMask().value_or(nullptr);
  if (bound.mask) {
    auto mask = buildMask(op, bound.mask, bound);
    if (!mask)
      return mask.takeError();
    bound.problem.mask = std::move(*mask);
  }
  return bound;
}

std::optional<OutputPlace> runner::findOutput(const Entry &entry,
                                              AttentionOp op, unsigned init) {
  if (init >= op.getOuts().size())
    return std::nullopt;
  Value value = lookThroughCasts(op.getOuts()[init]);
  if (op.hasTensorSemantics()) {
    value = op.getResults()[init];
  } else if (auto argument = getFunctionArgument(value)) {
    return OutputPlace{false, *argument};
  }
  mlir::func::FuncOp function = entry.function;
  if (!function.getBody().hasOneBlock())
    return std::nullopt;
  mlir::Operation *end = function.front().getTerminator();
  for (auto [index, returned] : llvm::enumerate(end->getOperands()))
    if (lookThroughCasts(returned) == value)
      return OutputPlace{true, index};
  return std::nullopt;
}

TensorView runner::toReferenceOrder(AttentionOp op, const TensorView &out) {
  return reorder(out, op.getOutLayout());
}

/// What a layout promises and a type with dynamic strides cannot: its innermost
/// dim is contiguous.
static Error checkContiguous(const Entry &entry, ArrayRef<Tensor> arguments,
                             Value operand, Layout layout) {
  auto argument = dyn_cast<mlir::BlockArgument>(lookThroughCasts(operand));
  mlir::func::FuncOp function = entry.function;
  if (!argument || argument.getOwner() != &function.front())
    return Error::success();
  LayoutDims dims = getLayoutDims(layout);
  int inner = std::max(dims.dim, dims.sequence);
  const TensorView &view = arguments[argument.getArgNumber()].view();
  if (view.dim(inner) <= 1 || view.strides()[inner] == 1)
    return Error::success();
  const ArgumentInfo &info = entry.arguments[argument.getArgNumber()];
  return createError(info.name + ": the stride of dim " + Twine(inner) +
                     " is " + Twine(view.strides()[inner]) + ", layout " +
                     stringifyLayout(layout) + " has it contiguous: 1");
}

Error runner::validateArguments(const Entry &entry,
                                ArrayRef<Tensor> arguments) {
  for (AttentionOp op : entry.attentions) {
    for (auto [operand, layout] : {std::pair(op.getQ(), op.getQLayout()),
                                   std::pair(op.getK(), op.getKLayout()),
                                   std::pair(op.getV(), op.getVLayout()),
                                   std::pair(op.getOut(), op.getOutLayout())})
      if (Error error = checkContiguous(entry, arguments, operand, layout))
        return error;
    auto bound = bindProblem(op, arguments);
    if (!bound) {
      Error error = bound.takeError();
      if (error.isA<EmptyCapture>())
        return error;
      // What cannot be bound is computed by the function, and its business.
      llvm::consumeError(std::move(error));
      continue;
    }
    std::string error;
    if (!reference::validate(bound->problem, error))
      return createError(error);
  }
  return Error::success();
}
