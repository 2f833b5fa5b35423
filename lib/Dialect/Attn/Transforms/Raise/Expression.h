//===- Expression.h - Elements of tensors as scalar expressions -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Producers write attention in many ways: transposes, reshapes, broadcasts and
// casts in other places, one op or ten for the same arithmetic. All of it is
// the same once one asks for *an element*: the element (b, h, i, d) of the
// result as a scalar expression in elements of the inputs, with sums and maxima
// over bound variables. Raising matches such expressions, not ops.
//
// An expression is found one step at a time: an element of a tensor (`Access`)
// is opened only when somebody asks what it is made of, so that what lies
// behind q, k and v is never looked at.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_EXPRESSION_H
#define ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_EXPRESSION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SetVector.h"
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace attn::raise {

/// What a scalar op does; `Other` is one that is only ever copied.
enum class Function {
  Add,
  Sub,
  Mul,
  Div,
  Max,
  Neg,
  Exp,
  Exp2,
  Tanh,
  AbsF,
  AbsI,
  Select,
  CompareF,
  CompareI,
  And,
  Or,
  Xor,
  /// Between float types.
  Cast,
  Other
};

struct Expression {
  enum Kind {
    /// tensor[indices]
    Access,
    /// An integer: an affine expression of variables and run-time symbols.
    Index,
    /// A number of the program text.
    Constant,
    /// A value from outside of any tensor op.
    Scalar,
    /// function(operands)
    Call,
    /// function over all values of the variables of operands[0]
    Reduce
  };

  Kind kind;
  mlir::Type type;
  mlir::Value value;
  llvm::SmallVector<mlir::AffineExpr> indices;
  mlir::TypedAttr constant;
  Function function = Function::Other;
  /// The op that a call stands for; null for those that were made up.
  mlir::Operation *op = nullptr;
  llvm::SmallVector<const Expression *> operands;
  llvm::SmallVector<unsigned> variables;

  mlir::AffineExpr index() const { return indices.front(); }
  bool isCall(Function wanted) const {
    return kind == Call && function == wanted;
  }
  bool isReduce(Function wanted) const {
    return kind == Reduce && function == wanted;
  }
};

using Expr = const Expression *;

/// Expressions about one piece of IR. Variables are dims of affine expressions,
/// run-time integers are symbols.
class Expressions {
public:
  explicit Expressions(mlir::MLIRContext *context) : context(context) {}

  //===--------------------------------------------------------------------===//
  // Variables and symbols
  //===--------------------------------------------------------------------===//

  /// A new variable with values 0 .. extent - 1; the extent may be dynamic.
  unsigned addVariable(int64_t extent) {
    extents.push_back(extent);
    return extents.size() - 1;
  }
  /// A new variable, or 0 for an extent of 1.
  mlir::AffineExpr addIndex(int64_t extent);
  int64_t getExtent(unsigned variable) const { return extents[variable]; }
  unsigned getNumVariables() const { return extents.size(); }
  mlir::AffineExpr dim(unsigned variable) const {
    return mlir::getAffineDimExpr(variable, context);
  }
  mlir::AffineExpr number(int64_t value) const {
    return mlir::getAffineConstantExpr(value, context);
  }
  llvm::ArrayRef<mlir::Value> getSymbols() const {
    return symbols.getArrayRef();
  }
  /// The smallest and largest value of an expression, where known.
  std::optional<int64_t> getMinimum(mlir::AffineExpr expr) const;
  std::optional<int64_t> getMaximum(mlir::AffineExpr expr) const;
  /// As simple as the extents allow.
  mlir::AffineExpr simplify(mlir::AffineExpr expr) const;

  //===--------------------------------------------------------------------===//
  // Expressions
  //===--------------------------------------------------------------------===//

  Expr access(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> indices);
  Expr index(mlir::AffineExpr expr, mlir::Type type);
  Expr constant(mlir::TypedAttr value);
  Expr call(Function function, llvm::ArrayRef<Expr> operands, mlir::Type type,
            mlir::Operation *op = nullptr);
  Expr reduce(Function function, llvm::ArrayRef<unsigned> variables, Expr body);

  /// What an access is made of, one op further; null if that is not known.
  Expr step(Expr expr);
  /// Steps until it is no access or nothing more is known of it.
  Expr resolve(Expr expr);
  /// The same behind casts between float types.
  Expr strip(Expr expr);
  /// `expr` with other indices in place of variables.
  Expr substitute(Expr expr,
                  const llvm::DenseMap<unsigned, mlir::AffineExpr> &map);

  /// Whether two expressions are the same number, up to rounding, by the way
  /// they are written.
  bool areEqual(Expr lhs, Expr rhs);
  /// Whether `expr` surely has the same value for every value of `variable`.
  bool isIndependent(Expr expr, unsigned variable);

  /// The ops that steps have looked into.
  const llvm::SetVector<mlir::Operation *> &getVisited() const {
    return visited;
  }
  /// The op that `step` found this behind; null if it was made otherwise.
  mlir::Operation *getOrigin(Expr expr) const { return origins.lookup(expr); }
  /// Whether the indices of an access may reach a part of the tensor only.
  bool isPartial(Expr access) const { return partial.contains(access); }
  /// Any op among them that computes in a float type wider than f32.
  mlir::Operation *findWideFloat() const;

private:
  friend class BodyReader;
  mlir::AffineExpr simplifyDivisions(mlir::AffineExpr expr) const;
  Expression *add(Expression::Kind kind, mlir::Type type);
  mlir::AffineExpr symbol(mlir::Value value);
  Expr outside(mlir::Value scalar);
  void markPartial(Expr expr);
  Expr stepConstant(Expr expr, mlir::Attribute value);
  Expr stepView(Expr expr, mlir::Operation *op);
  Expr stepElementwise(Expr expr, mlir::Operation *op);
  Expr stepLinalg(Expr expr, mlir::linalg::LinalgOp op);
  Expr stepSoftmax(Expr expr, mlir::linalg::SoftmaxOp op);
  bool areEqual(Expr lhs, Expr rhs, llvm::DenseMap<unsigned, unsigned> &bound);
  bool areEqualOperands(Expr lhs, Expr rhs,
                        llvm::DenseMap<unsigned, unsigned> &bound);

  mlir::MLIRContext *context;
  std::deque<Expression> storage;
  llvm::SmallVector<int64_t> extents;
  llvm::SetVector<mlir::Value> symbols;
  llvm::SetVector<mlir::Operation *> visited;
  /// By tensor and indices.
  std::map<std::vector<const void *>, Expr> accesses;
  llvm::DenseMap<Expr, Expr> steps;
  llvm::DenseSet<Expr> partial;
  llvm::DenseMap<Expr, mlir::Operation *> origins;
};

/// The number that a float or integer constant is, or nothing.
std::optional<double> getNumber(Expr expr);

/// The scalar function that an op of arith or math computes.
Function getFunction(mlir::Operation *op);

} // namespace attn::raise

#endif // ATTN_LIB_DIALECT_ATTN_TRANSFORMS_RAISE_EXPRESSION_H
