//===- Emit.cpp - Expressions back to tensors -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emit.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

Value raise::emitF32(ImplicitLocOpBuilder &b, Value value) {
  Type type = value.getType();
  if (type.isF32())
    return value;
  if (type.getIntOrFloatBitWidth() > 32)
    return arith::TruncFOp::create(b, b.getF32Type(), value);
  return arith::ExtFOp::create(b, b.getF32Type(), value);
}

Value raise::emitFactor(ImplicitLocOpBuilder &b, const Factor &factor) {
  Value product;
  if (factor.constant != 1 || factor.times.empty())
    product = buildF32(b, factor.constant);
  for (Expr scalar : factor.times) {
    Value value = emitF32(b, scalar->value);
    product =
        product ? arith::MulFOp::create(b, product, value).getResult() : value;
  }
  for (Expr scalar : factor.over)
    product = arith::DivFOp::create(b, product, emitF32(b, scalar->value));
  return product;
}

/// The symbols as values of type index.
static SmallVector<Value> getSymbols(ImplicitLocOpBuilder &b,
                                     const Expressions &in) {
  SmallVector<Value> symbols;
  for (Value symbol : in.getSymbols())
    symbols.push_back(
        symbol.getType().isIndex()
            ? symbol
            : arith::IndexCastOp::create(b, b.getIndexType(), symbol));
  return symbols;
}

/// An index expression as a value; `dims` are the values of the variables.
static Value emitIndex(ImplicitLocOpBuilder &b, const Expressions &in,
                       AffineExpr expr, ArrayRef<Value> dims) {
  SmallVector<Value> operands(dims), symbols;
  bool hasSymbols = false;
  expr.walk(
      [&](AffineExpr part) { hasSymbols |= isa<AffineSymbolExpr>(part); });
  if (hasSymbols)
    symbols = getSymbols(b, in);
  AffineMap map = AffineMap::get(dims.size(), symbols.size(), expr);
  operands.append(symbols);
  SmallVector<OpFoldResult> folded = llvm::map_to_vector(
      operands, [](Value value) -> OpFoldResult { return value; });
  OpFoldResult result =
      affine::makeComposedFoldedAffineApply(b, b.getLoc(), map, folded);
  return getValueOrCreateConstantIndexOp(b, b.getLoc(), result);
}

Value raise::emitSymbolic(ImplicitLocOpBuilder &b, const Expressions &in,
                          AffineExpr expr) {
  return emitIndex(b, in, expr, {});
}

namespace {
/// Emits the expression of one pair.
class PairEmitter {
public:
  PairEmitter(ImplicitLocOpBuilder &b, const Expressions &in,
              ArrayRef<Value> dims)
      : b(b), in(in), dims(dims) {}

  Value emit(Expr expr);

private:
  Value emitCall(Expr call);

  ImplicitLocOpBuilder &b;
  const Expressions &in;
  ArrayRef<Value> dims;
};
} // namespace

Value PairEmitter::emitCall(Expr call) {
  OperationState state(b.getLoc(), call->op->getName());
  for (Expr operand : call->operands)
    state.operands.push_back(emit(operand));
  state.types.push_back(call->type);
  state.attributes = call->op->getAttrDictionary();
  return b.create(state)->getResult(0);
}

Value PairEmitter::emit(Expr expr) {
  switch (expr->kind) {
  case Expression::Access: {
    SmallVector<Value> indices;
    for (AffineExpr index : expr->indices)
      indices.push_back(emitIndex(b, in, index, dims));
    return tensor::ExtractOp::create(b, expr->value, indices);
  }
  case Expression::Index: {
    Value index = emitIndex(b, in, expr->index(), dims);
    return expr->type.isIndex()
               ? index
               : arith::IndexCastOp::create(b, expr->type, index).getResult();
  }
  case Expression::Constant:
    return arith::ConstantOp::create(b, expr->constant);
  case Expression::Scalar:
    return expr->value;
  case Expression::Call:
    return emitCall(expr);
  case Expression::Reduce:
    break;
  }
  llvm_unreachable("canEmit has refused it");
}

/// Whether `expr` is made of what a body may compute: elements, numbers, and
/// calls of ops that exist.
static bool canEmit(const Roles &roles, Expr expr) {
  for (AffineExpr index : expr->indices) {
    bool bound = true;
    index.walk([&](AffineExpr part) {
      if (auto dim = dyn_cast<AffineDimExpr>(part))
        bound &= roles.getRole(dim.getPosition()).has_value();
    });
    if (!bound)
      return false;
  }
  if (expr->kind == Expression::Reduce)
    return false;
  if (expr->kind == Expression::Call &&
      (!expr->op || expr->op->getNumRegions() > 0 ||
       expr->op->getNumOperands() != expr->operands.size()))
    return false;
  return llvm::all_of(expr->operands,
                      [&](Expr operand) { return canEmit(roles, operand); });
}

namespace {
/// The loops over pairs, and which of them anything depends on.
struct PairLoops {
  PairLoops(const Roles &roles, ArrayRef<Term> terms) : roles(roles) {
    Expressions &in = roles.in;
    for (const Term &term : terms)
      for (unsigned role = 0; role < kNumRoles; ++role) {
        auto variable = roles.getVariable(static_cast<Role>(role));
        if (variable && !in.isIndependent(term.expr, *variable))
          used[getLoop(static_cast<Role>(role))] = true;
      }
  }

  static unsigned getLoop(Role role) {
    switch (role) {
    case Role::Batch:
      return 0;
    case Role::Group:
    case Role::Member:
      return 1;
    case Role::Row:
      return 2;
    case Role::Key:
      return 3;
    case Role::HeadDim:
    case Role::ValueDim:
      return kForeign;
    }
    llvm_unreachable("unknown role");
  }

  /// Whether something depends on a head dim, which pairs do not have.
  bool isForeign() const { return used[kForeign]; }

  /// The values of all variables, made from those of the loops.
  SmallVector<Value> getVariables(ImplicitLocOpBuilder &b,
                                  unsigned numVariables) const {
    SmallVector<Value> values(numVariables, buildIndex(b, 0));
    auto set = [&](Role role, Value value) {
      if (auto variable = roles.getVariable(role))
        values[*variable] = value;
    };
    set(Role::Batch, linalg::IndexOp::create(b, 0));
    Value head = linalg::IndexOp::create(b, 1);
    Value members = buildIndex(b, roles.getExtent(Role::Member));
    bool grouped = roles.getVariable(Role::Member).has_value();
    set(Role::Group,
        grouped ? arith::DivUIOp::create(b, head, members).getResult() : head);
    set(Role::Member, arith::RemUIOp::create(b, head, members));
    set(Role::Row, linalg::IndexOp::create(b, 2));
    set(Role::Key, linalg::IndexOp::create(b, 3));
    return values;
  }

  static constexpr unsigned kForeign = 4;
  const Roles &roles;
  bool used[kForeign + 1] = {};
};
} // namespace

Value raise::emitPairs(ImplicitLocOpBuilder &b, const Roles &roles,
                       const Sizes &sizes, ArrayRef<Term> terms, Type element) {
  PairLoops loops(roles, terms);
  if (loops.isForeign() || llvm::any_of(terms, [&](const Term &term) {
        return !canEmit(roles, term.expr);
      }))
    return {};
  SmallVector<OpFoldResult> shape = {sizes.batch, sizes.heads, sizes.rows,
                                     sizes.keys};
  for (unsigned loop = 0; loop < shape.size(); ++loop)
    if (!loops.used[loop])
      shape[loop] = b.getIndexAttr(1);
  Value init = tensor::EmptyOp::create(b, shape, element);
  SmallVector<utils::IteratorType> parallel(4, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, b.getLoc(), init.getType(), ValueRange(), init,
      b.getMultiDimIdentityMap(4), parallel,
      [&](OpBuilder &nested, Location loc, ValueRange) {
        ImplicitLocOpBuilder inner(loc, nested);
        SmallVector<Value> variables =
            loops.getVariables(inner, roles.in.getNumVariables());
        PairEmitter emitter(inner, roles.in, variables);
        Value sum;
        for (const Term &term : terms) {
          Value value = emitter.emit(term.expr);
          if (element.isF32())
            value = emitF32(inner, value);
          if (term.negated)
            value = element.isF32()
                        ? arith::NegFOp::create(inner, value).getResult()
                        : arith::XOrIOp::create(
                              inner, value,
                              arith::ConstantIntOp::create(inner, 1, 1));
          sum = sum ? arith::AddFOp::create(inner, sum, value).getResult()
                    : value;
        }
        linalg::YieldOp::create(inner, sum);
      });
  return generic.getResult(0);
}
