//===- Expression.cpp - Elements of tensors as scalar expressions ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

//===----------------------------------------------------------------------===//
// Making
//===----------------------------------------------------------------------===//

Expression *Expressions::add(Expression::Kind kind, Type type) {
  Expression &expression = storage.emplace_back();
  expression.kind = kind;
  expression.type = type;
  return &expression;
}

Expr Expressions::access(Value tensor, ArrayRef<AffineExpr> indices) {
  SmallVector<AffineExpr> simple;
  std::vector<const void *> key = {tensor.getAsOpaquePointer()};
  for (AffineExpr index : indices) {
    simple.push_back(simplify(index));
    key.push_back(simple.back().getAsOpaquePointer());
  }
  Expr &known = accesses[key];
  if (known)
    return known;
  Expression *expr =
      add(Expression::Access, getElementTypeOrSelf(tensor.getType()));
  expr->value = tensor;
  expr->indices = simple;
  return known = expr;
}

Expr Expressions::index(AffineExpr affine, Type type) {
  Expression *expr = add(Expression::Index, type);
  expr->indices.push_back(simplify(affine));
  return expr;
}

Expr Expressions::constant(TypedAttr value) {
  Type type = value.getType();
  if (auto integer = dyn_cast<IntegerAttr>(value))
    if (!type.isInteger(1))
      return index(number(integer.getValue().getSExtValue()), type);
  Expression *expr = add(Expression::Constant, type);
  expr->constant = value;
  return expr;
}

Expr Expressions::call(Function function, ArrayRef<Expr> operands, Type type,
                       Operation *op) {
  Expression *expr = add(Expression::Call, type);
  expr->function = function;
  expr->operands.assign(operands.begin(), operands.end());
  expr->op = op;
  return expr;
}

Expr Expressions::reduce(Function function, ArrayRef<unsigned> variables,
                         Expr body) {
  Expression *expr = add(Expression::Reduce, body->type);
  expr->function = function;
  expr->variables.assign(variables.begin(), variables.end());
  expr->operands = {body};
  return expr;
}

AffineExpr Expressions::symbol(Value value) {
  // A change of width does not change the number: one that does not fit would
  // have overflowed in the program, too.
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<arith::IndexCastOp, arith::ExtSIOp>(op))
      break;
    value = op->getOperand(0);
  }
  symbols.insert(value);
  return getAffineSymbolExpr(llvm::find(symbols, value) - symbols.begin(),
                             context);
}

Expr Expressions::outside(Value scalar) {
  Attribute attribute;
  if (matchPattern(scalar, m_Constant(&attribute)))
    if (auto typed = dyn_cast<TypedAttr>(attribute);
        typed && isa<FloatAttr, IntegerAttr>(typed))
      return constant(typed);
  if (scalar.getType().isIntOrIndex() && !scalar.getType().isInteger(1))
    return index(symbol(scalar), scalar.getType());
  Expression *expr = add(Expression::Scalar, scalar.getType());
  expr->value = scalar;
  return expr;
}

//===----------------------------------------------------------------------===//
// Asking
//===----------------------------------------------------------------------===//

std::optional<double> raise::getNumber(Expr expr) {
  if (expr->kind == Expression::Index)
    if (auto constant = dyn_cast<AffineConstantExpr>(expr->index()))
      return static_cast<double>(constant.getValue());
  if (expr->kind != Expression::Constant)
    return std::nullopt;
  if (auto number = dyn_cast<FloatAttr>(expr->constant))
    return number.getValueAsDouble();
  return std::nullopt;
}

Function raise::getFunction(Operation *op) {
  return TypeSwitch<Operation *, Function>(op)
      .Case<arith::AddFOp>([](auto) { return Function::Add; })
      .Case<arith::SubFOp>([](auto) { return Function::Sub; })
      .Case<arith::MulFOp>([](auto) { return Function::Mul; })
      .Case<arith::DivFOp>([](auto) { return Function::Div; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>(
          [](auto) { return Function::Max; })
      .Case<arith::NegFOp>([](auto) { return Function::Neg; })
      .Case<math::ExpOp>([](auto) { return Function::Exp; })
      .Case<math::Exp2Op>([](auto) { return Function::Exp2; })
      .Case<math::TanhOp>([](auto) { return Function::Tanh; })
      .Case<math::AbsFOp>([](auto) { return Function::AbsF; })
      .Case<math::AbsIOp>([](auto) { return Function::AbsI; })
      .Case<arith::SelectOp>([](auto) { return Function::Select; })
      .Case<arith::CmpFOp>([](auto) { return Function::CompareF; })
      .Case<arith::CmpIOp>([](auto) { return Function::CompareI; })
      .Case<arith::AndIOp>([](auto) { return Function::And; })
      .Case<arith::OrIOp>([](auto) { return Function::Or; })
      .Case<arith::XOrIOp>([](auto) { return Function::Xor; })
      .Case<arith::ExtFOp, arith::TruncFOp>([](auto) { return Function::Cast; })
      .Default([](Operation *) { return Function::Other; });
}

Expr Expressions::resolve(Expr expr) {
  while (Expr next = step(expr))
    expr = next;
  return expr;
}

Expr Expressions::strip(Expr expr) {
  expr = resolve(expr);
  while (expr->isCall(Function::Cast))
    expr = resolve(expr->operands[0]);
  return expr;
}

Expr Expressions::substitute(Expr expr,
                             const llvm::DenseMap<unsigned, AffineExpr> &map) {
  llvm::DenseMap<AffineExpr, AffineExpr> dims;
  for (auto [variable, replacement] : map)
    dims[dim(variable)] = replacement;
  auto replaceAll = [&](ArrayRef<AffineExpr> indices) {
    return llvm::map_to_vector(
        indices, [&](AffineExpr index) { return index.replace(dims); });
  };
  switch (expr->kind) {
  case Expression::Access: {
    Expr replaced = access(expr->value, replaceAll(expr->indices));
    if (isPartial(expr))
      markPartial(replaced);
    return replaced;
  }
  case Expression::Index:
    return index(expr->index().replace(dims), expr->type);
  case Expression::Constant:
  case Expression::Scalar:
    return expr;
  case Expression::Call:
  case Expression::Reduce:
    break;
  }
  Expression *copy = add(expr->kind, expr->type);
  copy->function = expr->function;
  copy->op = expr->op;
  copy->variables = expr->variables;
  for (Expr operand : expr->operands)
    copy->operands.push_back(substitute(operand, map));
  return copy;
}

bool Expressions::areEqual(Expr lhs, Expr rhs) {
  llvm::DenseMap<unsigned, unsigned> bound;
  return areEqual(lhs, rhs, bound);
}

bool Expressions::areEqual(Expr lhs, Expr rhs,
                           llvm::DenseMap<unsigned, unsigned> &bound) {
  if (lhs == rhs && bound.empty())
    return true;
  lhs = strip(lhs);
  rhs = strip(rhs);
  if (lhs->kind != rhs->kind || lhs->function != rhs->function ||
      lhs->value != rhs->value || lhs->indices.size() != rhs->indices.size() ||
      lhs->operands.size() != rhs->operands.size() ||
      lhs->variables.size() != rhs->variables.size())
    return false;
  if (lhs->kind == Expression::Constant)
    return getNumber(lhs) == getNumber(rhs) &&
           (getNumber(lhs) || lhs->constant == rhs->constant);
  if (lhs->kind == Expression::Call && lhs->op != rhs->op) {
    if (!lhs->op || !rhs->op || lhs->op->getName() != rhs->op->getName() ||
        lhs->op->getAttrDictionary() != rhs->op->getAttrDictionary())
      return lhs->function != Function::Other &&
             lhs->function != Function::CompareF &&
             lhs->function != Function::CompareI &&
             areEqualOperands(lhs, rhs, bound);
  }
  llvm::DenseMap<AffineExpr, AffineExpr> dims;
  for (auto [a, b] : llvm::zip_equal(lhs->variables, rhs->variables)) {
    if (extents[a] != extents[b])
      return false;
    bound[a] = b;
  }
  for (auto [a, b] : bound)
    dims[dim(a)] = dim(b);
  for (auto [a, b] : llvm::zip_equal(lhs->indices, rhs->indices))
    if (a.replace(dims) != b)
      return false;
  return areEqualOperands(lhs, rhs, bound);
}

bool Expressions::areEqualOperands(Expr lhs, Expr rhs,
                                   llvm::DenseMap<unsigned, unsigned> &bound) {
  return llvm::all_of(
      llvm::zip_equal(lhs->operands, rhs->operands), [&](auto pair) {
        return areEqual(std::get<0>(pair), std::get<1>(pair), bound);
      });
}

bool Expressions::isIndependent(Expr expr, unsigned variable) {
  auto names = [&](AffineExpr index) {
    return index.isFunctionOfDim(variable);
  };
  while (expr->kind == Expression::Access) {
    if (llvm::none_of(expr->indices, names))
      return true;
    Expr next = step(expr);
    if (!next)
      return false;
    expr = next;
  }
  return llvm::none_of(expr->indices, names) &&
         llvm::all_of(expr->operands, [&](Expr operand) {
           return isIndependent(operand, variable);
         });
}

Operation *Expressions::findWideFloat() const {
  for (Operation *op : visited)
    for (Value result : op->getResults()) {
      auto type = dyn_cast<FloatType>(getElementTypeOrSelf(result.getType()));
      if (type && type.getWidth() > 32)
        return op;
    }
  return nullptr;
}
