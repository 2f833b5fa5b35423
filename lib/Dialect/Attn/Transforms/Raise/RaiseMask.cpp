//===- RaiseMask.cpp - Conditions as masks of the algebra -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RaiseMask.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

using Predicate = arith::CmpIPredicate;

/// Constants larger than this are not looked into.
static constexpr int64_t kMaxConstant = 1 << 24;

static const Dims &getPairDims() {
  static const Dims dims = {
      {Role::Batch}, {Role::Group, Role::Member}, {Role::Row}, {Role::Key}};
  return dims;
}

Attribute MaskRaiser::negate(Attribute mask) {
  if (!mask)
    return {};
  return NotAttr::get(b.getContext(), mask);
}

int64_t MaskRaiser::addOperand(Value operand) {
  auto *known = llvm::find(operands, operand);
  int64_t slot = known - operands.begin();
  if (known == operands.end())
    operands.push_back(operand);
  return slot;
}

//===----------------------------------------------------------------------===//
// Comparisons of positions
//===----------------------------------------------------------------------===//

/// What is left of `expr` without coefficient * variable, or null if the
/// variable is in the rest, too.
static AffineExpr takeOff(const Expressions &in, AffineExpr expr,
                          std::optional<unsigned> variable,
                          int64_t coefficient) {
  if (!variable)
    return expr;
  AffineExpr rest = in.simplify(expr - in.dim(*variable) * coefficient);
  return rest.isFunctionOfDim(*variable) ? AffineExpr() : rest;
}

static bool hasDims(AffineExpr expr) {
  bool found = false;
  expr.walk([&](AffineExpr part) { found |= isa<AffineDimExpr>(part); });
  return found;
}

/// j < bound, the bound a constant or a run-time number.
Attribute MaskRaiser::buildPrefix(AffineExpr bound) {
  if (auto constant = dyn_cast<AffineConstantExpr>(bound))
    return PrefixAttr::get(b.getContext(),
                           std::max<int64_t>(constant.getValue(), 0));
  // As i32, which every position fits into.
  Value length = emitSymbolic(b, in, bound);
  length = arith::MaxSIOp::create(b, length, buildIndex(b, 0));
  length = arith::MinSIOp::create(
      b, length, buildIndex(b, std::numeric_limits<int32_t>::max()));
  length = arith::IndexCastOp::create(b, b.getI32Type(), length);
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes.batch, dynamic, shape);
  Value lengths = tensor::SplatOp::create(b, length, shape, dynamic);
  return PrefixAttr::get(b.getContext(), 0, addOperand(lengths));
}

/// j <= i + bound. The first such bound says where row 0 stands.
Attribute MaskRaiser::buildAtMost(AffineExpr bound) {
  MLIRContext *context = b.getContext();
  if (!offset)
    offset = bound;
  auto rest = dyn_cast<AffineConstantExpr>(in.simplify(bound - offset));
  if (!rest)
    return {};
  int64_t right = rest.getValue();
  if (right == 0)
    return CausalAttr::get(context);
  if (right > 0)
    return SlidingWindowAttr::get(context, SlidingWindowAttr::kUnbounded,
                                  right);
  // Not at least q_pos - (-right - 1).
  return negate(SlidingWindowAttr::get(context, -right - 1,
                                       SlidingWindowAttr::kUnbounded));
}

/// difference `predicate` 0, where the difference is j - i - c or j - c.
Attribute MaskRaiser::buildAffine(Predicate predicate, AffineExpr difference) {
  auto row = roles.getVariable(Role::Row), key = roles.getVariable(Role::Key);
  AffineExpr rest = takeOff(in, difference, key, 1);
  if (!rest || (key && !difference.isFunctionOfDim(*key))) {
    // -j + ...
    rest = takeOff(in, difference, key, -1);
    if (!rest || !difference.isFunctionOfDim(*key))
      return {};
    switch (predicate) {
    case Predicate::slt:
      return buildAffine(Predicate::sgt, in.simplify(difference * -1));
    case Predicate::sle:
      return buildAffine(Predicate::sge, in.simplify(difference * -1));
    case Predicate::sgt:
      return buildAffine(Predicate::slt, in.simplify(difference * -1));
    case Predicate::sge:
      return buildAffine(Predicate::sle, in.simplify(difference * -1));
    default:
      return buildAffine(predicate, in.simplify(difference * -1));
    }
  }
  bool hasRow = row && difference.isFunctionOfDim(*row);
  AffineExpr bound = hasRow ? takeOff(in, rest, row, -1) : rest;
  if (!bound || hasDims(bound))
    return {};
  bound = in.simplify(bound * -1);
  auto atMost = [&](AffineExpr last) {
    return hasRow ? buildAtMost(last) : buildPrefix(in.simplify(last + 1));
  };
  MLIRContext *context = b.getContext();
  auto both = [&]() -> Attribute {
    Attribute high = atMost(bound), low = negate(atMost(bound - 1));
    return high && low ? AndAttr::get(context, {high, low}) : Attribute();
  };
  switch (predicate) {
  case Predicate::sle:
    return atMost(bound);
  case Predicate::slt:
    return atMost(bound - 1);
  case Predicate::sgt:
    return negate(atMost(bound));
  case Predicate::sge:
    return negate(atMost(bound - 1));
  case Predicate::eq:
    return both();
  case Predicate::ne:
    return negate(both());
  default:
    return {};
  }
}

/// (i + offset) / c == j / c
Attribute MaskRaiser::buildChunked(Expr lhs, Expr rhs) {
  auto row = roles.getVariable(Role::Row), key = roles.getVariable(Role::Key);
  auto getQuotient = [](Expr expr) {
    auto binary = expr->kind == Expression::Index
                      ? dyn_cast<AffineBinaryOpExpr>(expr->index())
                      : AffineBinaryOpExpr(nullptr);
    return binary && binary.getKind() == AffineExprKind::FloorDiv
               ? binary
               : AffineBinaryOpExpr(nullptr);
  };
  AffineBinaryOpExpr a = getQuotient(lhs), c = getQuotient(rhs);
  if (!a || !c || a.getRHS() != c.getRHS() || !row || !key)
    return {};
  AffineExpr i = a.getLHS(), j = c.getLHS();
  if (j != in.dim(*key))
    std::swap(i, j);
  AffineExpr start = takeOff(in, i, row, 1);
  auto size = dyn_cast<AffineConstantExpr>(a.getRHS());
  if (j != in.dim(*key) || !start || hasDims(start) || !size)
    return {};
  if (!offset)
    offset = start;
  return offset == start ? ChunkedAttr::get(b.getContext(), size.getValue())
                         : Attribute();
}

//===----------------------------------------------------------------------===//
// Comparisons of data
//===----------------------------------------------------------------------===//

/// The tensor behind an access of i32 elements at exactly these dims.
static Value getIntegers(const Roles &roles, Expr access, Dims wanted) {
  for (RoleList &dim : wanted)
    llvm::erase_if(dim, [&](Role role) { return !roles.getVariable(role); });
  if (access->kind != Expression::Access || !access->type.isInteger(32))
    return {};
  std::optional<Dims> dims = roles.getDims(access);
  return dims && *dims == wanted ? access->value : Value();
}

/// q_segment[b, i] == kv_segment[b, j]
Attribute MaskRaiser::buildSegments(Expr lhs, Expr rhs) {
  Dims queries = {{Role::Batch}, {Role::Row}},
       keys = {{Role::Batch}, {Role::Key}};
  for (bool swapped : {false, true}) {
    Value q = getIntegers(roles, swapped ? rhs : lhs, queries);
    Value kv = getIntegers(roles, swapped ? lhs : rhs, keys);
    if (!q || !kv)
      continue;
    int64_t qSlot = addOperand(q);
    return SegmentsAttr::get(b.getContext(), qSlot, addOperand(kv));
  }
  return {};
}

/// The lengths [B] that `variable` is compared with by lhs < rhs, or null.
static Value getLengths(Expressions &in, const Roles &roles, Expr lhs, Expr rhs,
                        Role role) {
  auto variable = roles.getVariable(role);
  // A cast does not change a length.
  while (rhs->isCall(Function::Other) && rhs->op &&
         isa<arith::IndexCastOp, arith::ExtSIOp>(rhs->op))
    rhs = in.resolve(rhs->operands[0]);
  if (!variable || lhs->kind != Expression::Index ||
      lhs->index() != in.dim(*variable))
    return {};
  return getIntegers(roles, rhs, {{Role::Batch}});
}

/// j < lengths[b]
Attribute MaskRaiser::buildLength(Expr lhs, Expr rhs) {
  Value lengths = getLengths(in, roles, lhs, rhs, Role::Key);
  return lengths ? PrefixAttr::get(b.getContext(), 0, addOperand(lengths))
                 : Attribute();
}

/// Takes i < lengths[b] and j < lengths[b], which hide whatever else a mask
/// says.
bool MaskRaiser::takeLength(Expr condition, bool negated) {
  condition = in.resolve(condition);
  if (negated || !condition->isCall(Function::CompareI))
    return false;
  Expr lhs = in.resolve(condition->operands[0]);
  Expr rhs = in.resolve(condition->operands[1]);
  if (getIntPredicate(condition) == Predicate::sgt)
    std::swap(lhs, rhs);
  else if (getIntPredicate(condition) != Predicate::slt)
    return false;
  for (auto [role, slot] :
       {std::pair(Role::Row, &rowLengths), std::pair(Role::Key, &keyLengths)})
    if (Value lengths = getLengths(in, roles, lhs, rhs, role);
        lengths && (!*slot || *slot == lengths)) {
      *slot = lengths;
      return true;
    }
  return false;
}

/// A constant that is true where j <= i + c for some c.
Attribute MaskRaiser::buildTriangle(const Dims &dims,
                                    DenseElementsAttr values) {
  SmallVector<int64_t> extents;
  for (const RoleList &dim : dims)
    if (!dim.empty())
      extents.push_back(dim.size() == 1 ? roles.getExtent(dim[0]) : -1);
  Dims present;
  llvm::copy_if(dims, std::back_inserter(present),
                [](const RoleList &dim) { return !dim.empty(); });
  if (present != Dims{{Role::Row}, {Role::Key}} ||
      values.getNumElements() > kMaxConstant)
    return {};
  int64_t keys = extents[1], diagonal = -1;
  auto elements = values.getValues<bool>();
  for (int64_t j = 0; j < keys && elements[j]; ++j)
    diagonal = j;
  // Where row 0 sees nothing or everything, the diagonal is not in it.
  if (diagonal < 0 || diagonal == keys - 1)
    return {};
  for (auto [n, visible] : llvm::enumerate(elements)) {
    int64_t i = static_cast<int64_t>(n) / keys, j = n % keys;
    if (visible != (j <= i + diagonal))
      return {};
  }
  return buildAtMost(in.number(diagonal));
}

Attribute MaskRaiser::buildDense(Expr condition) {
  SmallVector<Expr> views;
  for (Expr view = condition; view && view->kind == Expression::Access;
       view = in.step(view))
    if (view->type.isInteger(1))
      views.push_back(view);
  if (!views.empty()) {
    DenseElementsAttr values;
    std::optional<Dims> dims = roles.getDims(views.back());
    if (dims && matchPattern(views.back()->value, m_Constant(&values)))
      if (Attribute triangle = buildTriangle(*dims, values))
        return triangle;
  }
  Value mask;
  for (bool inOrder : {true, false})
    if (auto view = findView(roles, views, getPairDims(), inOrder,
                             /*mayBroadcast=*/true);
        view && !mask)
      mask = convert(b, roles, view->access->value, view->dims, getPairDims());
  if (!mask)
    mask = emitPairs(b, roles, sizes, Term{condition, false}, b.getI1Type());
  return mask ? DenseAttr::get(b.getContext(), addOperand(mask)) : Attribute();
}

LogicalResult MaskRaiser::addConstant(Expr access, DenseElementsAttr values) {
  SmallVector<bool> visible;
  for (const APFloat &value : values.getValues<APFloat>())
    visible.push_back(!value.isInfinity());
  auto type = cast<RankedTensorType>(values.getType()).clone(b.getI1Type());
  auto booleans = DenseElementsAttr::get(type, visible);
  Value tensor = arith::ConstantOp::create(b, booleans);
  return add({in.access(tensor, access->indices), /*negated=*/false});
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

static Predicate negatePredicate(Predicate predicate) {
  switch (predicate) {
  case Predicate::eq:
    return Predicate::ne;
  case Predicate::ne:
    return Predicate::eq;
  default:
    return arith::invertPredicate(predicate);
  }
}

Attribute MaskRaiser::buildComparison(Expr compare, bool negated) {
  Predicate predicate = getIntPredicate(compare);
  Expr lhs = in.resolve(compare->operands[0]);
  Expr rhs = in.resolve(compare->operands[1]);
  if (predicate == Predicate::eq || predicate == Predicate::ne) {
    Attribute mask = buildChunked(lhs, rhs);
    if (!mask)
      mask = buildSegments(lhs, rhs);
    if (mask)
      return (predicate == Predicate::ne) != negated ? negate(mask) : mask;
  }
  if (predicate == Predicate::slt || predicate == Predicate::sgt)
    if (Attribute mask = predicate == Predicate::slt ? buildLength(lhs, rhs)
                                                     : buildLength(rhs, lhs))
      return negated ? negate(mask) : mask;
  if (lhs->kind != Expression::Index || rhs->kind != Expression::Index)
    return {};
  auto isNatural = [&](Expr expr) {
    std::optional<int64_t> least = in.getMinimum(expr->index());
    return least && *least >= 0;
  };
  static constexpr std::pair<Predicate, Predicate> kUnsigned[] = {
      {Predicate::ult, Predicate::slt},
      {Predicate::ule, Predicate::sle},
      {Predicate::ugt, Predicate::sgt},
      {Predicate::uge, Predicate::sge}};
  for (auto [unsignedOne, signedOne] : kUnsigned)
    if (predicate == unsignedOne) {
      if (!isNatural(lhs) || !isNatural(rhs))
        return {};
      predicate = signedOne;
    }
  if (negated)
    predicate = negatePredicate(predicate);
  return buildAffine(predicate, in.simplify(lhs->index() - rhs->index()));
}

Attribute MaskRaiser::build(Expr condition, bool negated) {
  MLIRContext *context = b.getContext();
  Expr resolved = in.resolve(condition);
  if (resolved->kind == Expression::Constant)
    if (auto value = dyn_cast<IntegerAttr>(resolved->constant)) {
      bool visible = !value.getValue().isZero() != negated;
      return visible ? Attribute(AndAttr::get(context, {}))
                     : Attribute(OrAttr::get(context, {}));
    }
  bool isAnd = resolved->isCall(Function::And);
  if (isAnd || resolved->isCall(Function::Or)) {
    Attribute lhs = build(resolved->operands[0], negated);
    Attribute rhs = build(resolved->operands[1], negated);
    if (!lhs || !rhs)
      return {};
    if (isAnd != negated)
      return AndAttr::get(context, {lhs, rhs});
    return OrAttr::get(context, {lhs, rhs});
  }
  if (resolved->isCall(Function::Xor)) {
    Expr one = in.resolve(resolved->operands[1]);
    auto flip = one->kind == Expression::Constant
                    ? dyn_cast<IntegerAttr>(one->constant)
                    : nullptr;
    if (flip)
      return build(resolved->operands[0], negated == flip.getValue().isZero());
  }
  if (resolved->isCall(Function::CompareI))
    if (Attribute mask = buildComparison(resolved, negated))
      return mask;
  Attribute mask = buildDense(condition);
  return negated ? negate(mask) : mask;
}

LogicalResult MaskRaiser::add(const Condition &condition) {
  Expr resolved = in.resolve(condition.expr);
  // A conjunction is taken apart, so that lengths are found in it.
  if (resolved->isCall(condition.negated ? Function::Or : Function::And))
    return failure(failed(add({resolved->operands[0], condition.negated})) ||
                   failed(add({resolved->operands[1], condition.negated})));
  if (takeLength(condition.expr, condition.negated))
    return success();
  Attribute mask = build(condition.expr, condition.negated);
  if (!mask)
    return failure();
  masks.push_back(mask);
  return success();
}

Attribute MaskRaiser::getMask() const {
  if (masks.empty())
    return {};
  return simplifyMask(AndAttr::get(b.getContext(), masks));
}
