//===- Build.cpp - attn.attention for a match -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr Layout kLayouts[] = {Layout::bshd, Layout::bhsd, Layout::bhds};

AttentionRaiser::Failed AttentionRaiser::fail(const Twine &reason) {
  if (why.empty())
    why = reason.str();
  return {};
}

//===----------------------------------------------------------------------===//
// q, k and v
//===----------------------------------------------------------------------===//

/// The innermost view that has the order of a layout; without `inOrder`, any,
/// which is transposed.
bool AttentionRaiser::buildOperand(Operand &operand, ArrayRef<Expr> views,
                                   bool isQuery, Role dim, bool perMember,
                                   bool inOrder) {
  std::optional<View> found;
  for (Layout layout : kLayouts) {
    Dims wanted = getLayoutDimRoles(layout, isQuery, dim, perMember);
    auto view = findView(roles, views, wanted, inOrder);
    bool deeper = view && (!found || llvm::find(views, view->access) >
                                         llvm::find(views, found->access));
    if (!deeper)
      continue;
    found = view;
    operand.layout = inOrder ? layout : Layout::bhsd;
  }
  if (!found)
    return false;
  operand.tensor =
      convert(b, roles, found->access->value, found->dims,
              getLayoutDimRoles(operand.layout, isQuery, dim, perMember));
  return true;
}

/// K and V with one head per group or, `perMember`, per query head.
bool AttentionRaiser::buildKeys(bool perMember, bool inOrder) {
  return buildOperand(k, match.k, false, Role::HeadDim, perMember, inOrder) &&
         buildOperand(v, match.v, false, Role::ValueDim, perMember, inOrder);
}

Value AttentionRaiser::widen(Value tensor, Type type) {
  auto shaped = cast<RankedTensorType>(tensor.getType());
  if (shaped.getElementTypeBitWidth() >= type.getIntOrFloatBitWidth())
    return tensor;
  return arith::ExtFOp::create(b, shaped.clone(type), tensor);
}

static bool isAttentionType(Type type) {
  return isa<Float32Type, Float16Type, BFloat16Type>(type);
}

/// q, k and v in types that lose nothing: attention rounds the weights to the
/// type of V.
bool AttentionRaiser::buildOperands() {
  bool hasQuery = false;
  for (bool inOrder : {true, false})
    hasQuery = hasQuery || buildOperand(q, match.q, true, Role::HeadDim,
                                        /*perMember=*/true, inOrder);
  if (!hasQuery)
    return fail("q has no form with dims for batch, head, row and head dim");
  bool hasKeys = false;
  for (bool perMember : {false, true})
    for (bool inOrder : {true, false})
      hasKeys = hasKeys || buildKeys(perMember, inOrder);
  if (!hasKeys)
    return fail("k and v have no form with dims for batch, head, key and head "
                "dim");
  for (Operand *operand : {&q, &k, &v})
    if (!isAttentionType(getElementTypeOrSelf(operand->tensor.getType())))
      return fail("q, k or v has another element type than f32, f16 and bf16");
  Type kType = getElementTypeOrSelf(k.tensor.getType());
  Type vType = getElementTypeOrSelf(v.tensor.getType());
  unsigned precision =
      APFloat::semanticsPrecision(cast<FloatType>(vType).getFloatSemantics());
  if (match.weightPrecision > precision || kType != vType)
    kType = vType = b.getF32Type();
  Type qType = getElementTypeOrSelf(q.tensor.getType());
  if (qType.getIntOrFloatBitWidth() < kType.getIntOrFloatBitWidth())
    qType = kType;
  q.tensor = widen(q.tensor, qType);
  k.tensor = widen(k.tensor, kType);
  v.tensor = widen(v.tensor, vType);
  auto sizeOf = [&](const Operand &operand, int dim) {
    return tensor::getMixedSize(b, b.getLoc(), operand.tensor, dim);
  };
  LayoutDims qDims = getLayoutDims(q.layout);
  sizes = {sizeOf(q, qDims.batch), sizeOf(q, qDims.head),
           sizeOf(q, qDims.sequence),
           sizeOf(k, getLayoutDims(k.layout).sequence)};
  return true;
}

//===----------------------------------------------------------------------===//
// Masks and terms
//===----------------------------------------------------------------------===//

/// Whether a term may be -inf. q, k and v are taken to be finite; a run-time
/// tensor of terms is what producers pass masks in.
bool AttentionRaiser::mayHide(Expr term) {
  Expr resolved = in.resolve(term);
  DenseElementsAttr values;
  if (std::optional<double> number = getNumber(resolved))
    return !std::isfinite(*number);
  if (resolved->kind == Expression::Access) {
    if (!matchPattern(resolved->value, m_Constant(&values)) ||
        !isa<FloatType>(values.getElementType()))
      return true;
    return llvm::any_of(values.getValues<APFloat>(),
                        [](const APFloat &value) { return !value.isFinite(); });
  }
  if (resolved->kind != Expression::Call)
    return true;
  auto operandsMayHide = [&](unsigned first) {
    return llvm::any_of(ArrayRef(resolved->operands).drop_front(first),
                        [&](Expr operand) { return mayHide(operand); });
  };
  switch (resolved->function) {
  case Function::Add:
  case Function::Sub:
  case Function::Mul:
  case Function::Neg:
  case Function::AbsF:
  case Function::Cast:
    return operandsMayHide(0);
  case Function::Select:
    return operandsMayHide(1);
  case Function::Tanh:
    return false;
  default:
    return !resolved->op ||
           !isa<arith::SIToFPOp, arith::UIToFPOp>(resolved->op);
  }
}

/// A term that is 0 or -inf is a mask.
bool AttentionRaiser::addTerm(MaskRaiser &mask, const Term &term) {
  Expr resolved = in.strip(term.expr);
  if (resolved->isCall(Function::Select) && !term.negated) {
    auto yes = getNumber(in.strip(resolved->operands[1]));
    auto no = getNumber(in.strip(resolved->operands[2]));
    if ((yes == 0 && no == -kInfinity) || (yes == -kInfinity && no == 0))
      return succeeded(mask.add({resolved->operands[0], no == 0})) ||
             fail("a mask depends on more than batch, head, row and key");
  }
  DenseElementsAttr values;
  if (resolved->kind == Expression::Access && !term.negated &&
      matchPattern(resolved->value, m_Constant(&values)) &&
      isa<FloatType>(values.getElementType()) &&
      llvm::all_of(values.getValues<APFloat>(), [](const APFloat &value) {
        return value.isZero() || (value.isInfinity() && value.isNegative());
      }))
    return succeeded(mask.addConstant(resolved, values)) ||
           fail("a mask depends on more than batch, head, row and key");
  biases.push_back(term);
  return true;
}

bool AttentionRaiser::buildMask(MaskRaiser &mask) {
  // Upper bounds first: they say where row 0 stands.
  auto isUpper = [&](const Condition &condition) {
    Expr resolved = in.resolve(condition.expr);
    if (!resolved->isCall(Function::CompareI))
      return false;
    Expr lhs = in.resolve(resolved->operands[0]);
    auto key = roles.getVariable(Role::Key);
    bool keyFirst = key && lhs->kind == Expression::Index &&
                    lhs->index().isFunctionOfDim(*key);
    auto predicate = getIntPredicate(resolved);
    bool less = predicate == arith::CmpIPredicate::sle ||
                predicate == arith::CmpIPredicate::slt;
    return less == keyFirst && !condition.negated;
  };
  llvm::stable_sort(match.conditions,
                    [&](auto &a, auto &c) { return isUpper(a) > isUpper(c); });
  for (const Condition &condition : match.conditions)
    if (failed(mask.add(condition)))
      return fail("a mask depends on more than batch, head, row and key");
  for (const Term &term : match.terms)
    if (!addTerm(mask, term))
      return false;
  return true;
}

/// One bias tensor for all terms.
Value AttentionRaiser::buildBias() {
  if (biases.empty())
    return {};
  Dims wanted = {
      {Role::Batch}, {Role::Group, Role::Member}, {Role::Row}, {Role::Key}};
  if (biases.size() == 1 && !biases[0].negated) {
    SmallVector<Expr> views;
    for (Expr view = biases[0].expr; view; view = in.step(view)) {
      if (view->kind == Expression::Access && isAttentionType(view->type))
        views.push_back(view);
      if (view->isCall(Function::Cast) &&
          view->type.getIntOrFloatBitWidth() >
              view->operands[0]->type.getIntOrFloatBitWidth())
        view = view->operands[0];
    }
    for (bool inOrder : {true, false})
      if (auto view = findView(roles, views, wanted, inOrder,
                               /*mayBroadcast=*/true))
        return convert(b, roles, view->access->value, view->dims, wanted);
  }
  return emitPairs(b, roles, sizes, biases, b.getF32Type());
}

/// Sinks as f32 [Hq].
Value AttentionRaiser::buildSink() {
  SmallVector<Expr> views;
  Expr view = in.strip(match.sink);
  if (view->kind == Expression::Access)
    views.push_back(view);
  Dims wanted = {{Role::Group, Role::Member}};
  auto found = findView(roles, views, wanted, /*inOrder=*/true);
  if (!found)
    return {};
  return widen(convert(b, roles, view->value, found->dims, wanted),
               b.getF32Type());
}

/// Rows without a visible key give NaN in plain linalg and 0 in attention.
bool AttentionRaiser::checkVisible(const MaskRaiser &mask,
                                   Attribute attribute) {
  if (match.guarded || assumeVisibleRows)
    return true;
  for (const Term &term : biases)
    if (mayHide(term.expr))
      return fail("a row whose bias is -inf everywhere would be NaN here and 0 "
                  "in attention; assume-visible-rows says there is none");
  std::optional<int64_t> offset;
  if (auto constant = dyn_cast<AffineConstantExpr>(mask.getOffset()))
    offset = constant.getValue();
  bool proven = !mask.rowLengths && !mask.keyLengths &&
                everyRowSeesAKey(attribute, offset, roles.getExtent(Role::Row),
                                 roles.getExtent(Role::Key));
  if (!proven)
    return fail("a row without a visible key would be NaN here and 0 in "
                "attention; assume-visible-rows says there is none");
  if (match.deferred && ShapedType::isDynamic(roles.getExtent(Role::Key)))
    return fail("without keys the result would be NaN here and 0 in attention; "
                "assume-visible-rows says there are some");
  return true;
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// An op without anything that is optional.
static AttentionOp createPlain(ImplicitLocOpBuilder &b, Value q, Value k,
                               Value v, Value init) {
  OperationState state(b.getLoc(), AttentionOp::getOperationName());
  state.addOperands({q, k, v, init});
  state.addTypes(init.getType());
  auto &segments =
      state.getOrAddProperties<AttentionOp::Properties>().operandSegmentSizes;
  segments.fill(0);
  // q, k and v come first, the inits last.
  segments[0] = segments[1] = segments[2] = segments.back() = 1;
  AttentionOp::populateDefaultProperties(
      state.name, *state.getRawProperties().as<AttentionOp::Properties *>());
  return cast<AttentionOp>(b.create(state));
}

/// The scale and the softcap, as attributes where they are numbers.
void AttentionRaiser::setScores(AttentionOp op) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  Factor scale = match.scale;
  if (scale.isNumber())
    op.setScaleAttr(b.getF32FloatAttr(scale.constant));
  else
    op.getDynamicScaleMutable().assign(emitFactor(b, scale));
  if (!match.softcap)
    return;
  if (match.softcap->isNumber())
    op.setSoftcapAttr(b.getF32FloatAttr(match.softcap->constant));
  else
    op.getDynamicSoftcapMutable().assign(emitFactor(b, *match.softcap));
}

void AttentionRaiser::setOffset(AttentionOp op, AffineExpr offset) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  auto constant = dyn_cast<AffineConstantExpr>(offset);
  if (constant && constant.getValue() == 0)
    return;
  if (constant) {
    op.setQOffset(constant.getValue());
    return;
  }
  Value value = emitSymbolic(b, in, offset);
  op.getDynamicQOffsetMutable().assign(
      arith::IndexCastOp::create(b, b.getI64Type(), value).getResult());
}

Value AttentionRaiser::buildOp(MaskRaiser &mask, Attribute attribute,
                               Value bias, Value sink) {
  std::optional<Dims> outDims = roles.getDims(out);
  if (!outDims)
    return fail("the result has dims that are no batch, head, row or head dim");
  Layout layout = Layout::bhsd;
  for (Layout candidate : kLayouts)
    if (haveSameOrder(*outDims, getLayoutDimRoles(candidate, true,
                                                  Role::ValueDim, true))) {
      layout = candidate;
      break;
    }
  Dims dims = getLayoutDimRoles(layout, true, Role::ValueDim, true);
  LayoutDims places = getLayoutDims(layout);
  SmallVector<OpFoldResult> shape(4);
  shape[places.batch] = sizes.batch;
  shape[places.head] = sizes.heads;
  shape[places.sequence] = sizes.rows;
  shape[places.dim] = tensor::getMixedSize(b, b.getLoc(), v.tensor,
                                           getLayoutDims(v.layout).dim);
  Value init = tensor::EmptyOp::create(
      b, shape, getElementTypeOrSelf(out->value.getType()));

  AttentionOp op = createPlain(b, q.tensor, k.tensor, v.tensor, init);
  op.setQLayout(q.layout);
  op.setKLayout(k.layout);
  op.setVLayout(v.layout);
  op.setOutLayout(layout);
  if (attribute)
    op.setMaskAttr(attribute);
  op.getMaskOperandsMutable().assign(mask.operands);
  auto assign = [](MutableOperandRange operand, Value value) {
    if (value)
      operand.assign(value);
  };
  assign(op.getBiasMutable(), bias);
  assign(op.getSinksMutable(), sink);
  assign(op.getQLensMutable(), mask.rowLengths);
  assign(op.getKvLensMutable(), mask.keyLengths);
  setScores(op);
  setOffset(op, mask.getOffset());
  return convert(b, roles, op->getResult(0), dims, *outDims);
}

Value AttentionRaiser::build() {
  splitVariables(in, match, out);
  if (failed(roles.assign(match, out, why)) || !buildOperands())
    return {};
  MaskRaiser mask(b, roles, sizes);
  if (!buildMask(mask))
    return {};
  Attribute attribute = mask.getMask();
  if (!checkVisible(mask, attribute))
    return {};
  Value bias = buildBias();
  if (!biases.empty() && !bias)
    return fail("a term of the score depends on more than batch, head, row and "
                "key");
  Value sink = match.sink ? buildSink() : Value();
  if (match.sink && !sink)
    return fail("the sink is not one number per query head");
  return buildOp(mask, attribute, bias, sink);
}
