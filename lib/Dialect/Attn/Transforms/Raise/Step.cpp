//===- Step.cpp - What an element of a tensor is made of ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

//===----------------------------------------------------------------------===//
// Scalars in the body of a linalg op
//===----------------------------------------------------------------------===//

namespace attn::raise {
/// Reads the scalar ops of a body as expressions of its loops.
class BodyReader {
public:
  BodyReader(Expressions &in, linalg::LinalgOp op, ArrayRef<AffineExpr> loops)
      : in(in), op(op), loops(loops) {}

  Expr read(Value value);
  /// The element of an operand of the op.
  Expr readOperand(OpOperand &operand);

private:
  Expr readOp(Operation *scalar);
  /// Arithmetic on integers that stays affine, or null.
  Expr readAffine(Operation *scalar, ArrayRef<Expr> operands);
  AffineExpr divide(Operation *scalar, AffineExpr lhs, AffineExpr rhs);

  Expressions &in;
  linalg::LinalgOp op;
  ArrayRef<AffineExpr> loops;
  llvm::DenseMap<Value, Expr> known;
};
} // namespace attn::raise

Expr BodyReader::readOperand(OpOperand &operand) {
  if (!isa<RankedTensorType>(operand.get().getType()))
    return in.outside(operand.get());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<AffineExpr> indices;
  for (AffineExpr result : map.getResults())
    indices.push_back(result.replaceDims(loops));
  return in.access(operand.get(), indices);
}

/// Quotients round down only where they are of numbers >= 0, or say so.
AffineExpr BodyReader::divide(Operation *scalar, AffineExpr lhs,
                              AffineExpr rhs) {
  auto divisor = dyn_cast<AffineConstantExpr>(rhs);
  std::optional<int64_t> least = in.getMinimum(lhs);
  if (!divisor || divisor.getValue() <= 0)
    return {};
  if (!isa<arith::FloorDivSIOp>(scalar) && (!least || *least < 0))
    return {};
  return isa<arith::RemUIOp, arith::RemSIOp>(scalar) ? lhs % rhs
                                                     : lhs.floorDiv(rhs);
}

Expr BodyReader::readAffine(Operation *scalar, ArrayRef<Expr> operands) {
  if (operands.empty() || llvm::any_of(operands, [](Expr operand) {
        return operand->kind != Expression::Index;
      }))
    return nullptr;
  AffineExpr lhs = operands.front()->index(), rhs = operands.back()->index();
  AffineExpr result =
      TypeSwitch<Operation *, AffineExpr>(scalar)
          .Case<arith::AddIOp>([&](auto) { return lhs + rhs; })
          .Case<arith::SubIOp>([&](auto) { return lhs - rhs; })
          .Case<arith::MulIOp>([&](auto) -> AffineExpr {
            if (!isa<AffineConstantExpr>(lhs) && !isa<AffineConstantExpr>(rhs))
              return {};
            return lhs * rhs;
          })
          .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp,
                arith::RemUIOp, arith::RemSIOp>(
              [&](Operation *) { return divide(scalar, lhs, rhs); })
          // Positions fit into 32 bits; what is larger is not cast by anyone.
          .Case<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
                arith::ExtUIOp, arith::TruncIOp>([&](Operation *) {
            Type type = scalar->getResult(0).getType();
            return type.isIndex() || type.getIntOrFloatBitWidth() >= 32
                       ? lhs
                       : AffineExpr();
          })
          .Default([](Operation *) { return AffineExpr(); });
  return result ? in.index(result, scalar->getResult(0).getType()) : nullptr;
}

Expr BodyReader::readOp(Operation *scalar) {
  Type type = scalar->getResult(0).getType();
  if (auto index = dyn_cast<linalg::IndexOp>(scalar))
    return in.index(loops[index.getDim()], type);
  if (auto branch = dyn_cast<scf::IfOp>(scalar)) {
    auto result = cast<OpResult>(branch.getResult(0)).getResultNumber();
    return in.call(Function::Select,
                   {read(branch.getCondition()),
                    read(branch.thenYield()->getOperand(result)),
                    read(branch.elseYield()->getOperand(result))},
                   type);
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(scalar)) {
    SmallVector<AffineExpr> indices;
    for (Value index : extract.getIndices()) {
      Expr expr = read(index);
      if (expr->kind == Expression::Index)
        indices.push_back(expr->index());
    }
    if (indices.size() == extract.getIndices().size()) {
      Expr element = in.access(extract.getTensor(), indices);
      in.markPartial(element);
      return element;
    }
  }
  SmallVector<Expr> operands;
  for (Value operand : scalar->getOperands())
    if (!isa<TensorType>(operand.getType()))
      operands.push_back(read(operand));
  if (Expr affine = readAffine(scalar, operands))
    return affine;
  return in.call(getFunction(scalar), operands, type, scalar);
}

Expr BodyReader::read(Value value) {
  Expr &expr = known[value];
  if (expr)
    return expr;
  Expr made;
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == op.getBlock()) {
    made = readOperand(*op.getMatchingOpOperand(argument));
  } else {
    Operation *scalar = value.getDefiningOp();
    Attribute constant;
    bool inside = scalar && op->isAncestor(scalar) &&
                  !matchPattern(value, m_Constant(&constant));
    // One result is all that scalar ops have, but for scf.if.
    made = inside ? readOp(scalar) : in.outside(value);
  }
  return known[value] = made;
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

/// The operand of `combiner` that is not the running value `carried`.
static Value getOther(Operation *combiner, Value carried) {
  if (combiner->getNumOperands() != 2)
    return {};
  Value lhs = combiner->getOperand(0), rhs = combiner->getOperand(1);
  if (lhs == carried && rhs != carried)
    return rhs;
  return rhs == carried && lhs != carried ? lhs : Value();
}

/// Whether `start` does not change a reduction by `function`. A maximum over
/// finite numbers may start with the least one.
static bool isNeutral(Function function, Expr start) {
  if (function == Function::And || function == Function::Or) {
    auto value = start->kind == Expression::Constant
                     ? dyn_cast<IntegerAttr>(start->constant)
                     : nullptr;
    return value && value.getValue().isZero() == (function == Function::Or);
  }
  auto value = start->kind == Expression::Constant
                   ? dyn_cast<FloatAttr>(start->constant)
                   : nullptr;
  if (!value)
    return false;
  const APFloat &number = value.getValue();
  if (function == Function::Add)
    return number.isZero();
  return number.isNegative() && (number.isInfinity() || number.isLargest());
}

/// The indices of all loops for an element of result `init`: new variables
/// where the result has none. Fails if the result does not tell.
static LogicalResult bindLoops(Expressions &in, linalg::LinalgOp op,
                               OpOperand *init, ArrayRef<AffineExpr> indices,
                               SmallVectorImpl<AffineExpr> &loops,
                               SmallVectorImpl<unsigned> &reduced) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  loops.assign(extents.size(), AffineExpr());
  AffineMap map = op.getMatchingIndexingMap(init);
  for (auto [result, index] : llvm::zip_equal(map.getResults(), indices)) {
    if (isa<AffineConstantExpr>(result))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim || loops[dim.getPosition()])
      return failure();
    loops[dim.getPosition()] = index;
  }
  for (auto [loop, extent] : llvm::zip_equal(loops, extents)) {
    if (loop)
      continue;
    loop = in.addIndex(extent);
    if (auto dim = dyn_cast<AffineDimExpr>(loop))
      reduced.push_back(dim.getPosition());
  }
  return success();
}

Expr Expressions::stepLinalg(Expr expr, linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return nullptr;
  unsigned result = cast<OpResult>(expr->value).getResultNumber();
  OpOperand *init = op.getDpsInitOperand(result);
  SmallVector<AffineExpr> loops;
  SmallVector<unsigned> reduced;
  if (failed(bindLoops(*this, op, init, expr->indices, loops, reduced)))
    return nullptr;
  BodyReader reader(*this, op, loops);
  Value yielded = op.getBlock()->getTerminator()->getOperand(result);
  if (op.getNumReductionLoops() == 0)
    return reduced.empty() ? reader.read(yielded) : nullptr;

  Operation *combiner = yielded.getDefiningOp();
  Value carried = op.getMatchingBlockArgument(init);
  Value other = combiner ? getOther(combiner, carried) : Value();
  if (!other)
    return nullptr;
  Function function = getFunction(combiner);
  if (function != Function::Add && function != Function::Max &&
      function != Function::And && function != Function::Or)
    return nullptr;
  Expr body = reader.read(other);
  Expr sum = reduced.empty() ? body : reduce(function, reduced, body);
  Expr start = resolve(reader.readOperand(*init));
  if (isNeutral(function, start))
    return sum;
  return call(function, {start, sum}, expr->type, combiner);
}

/// exp(x - max x) / sum exp(x - max x)
Expr Expressions::stepSoftmax(Expr expr, linalg::SoftmaxOp op) {
  int64_t dim = op.getDimension();
  int64_t extent = cast<ShapedType>(op.getInput().getType()).getDimSize(dim);
  auto at = [&](AffineExpr index) {
    SmallVector<AffineExpr> indices(expr->indices);
    indices[dim] = index;
    return access(op.getInput(), indices);
  };
  auto over = [&](function_ref<Expr(AffineExpr)> body, Function function) {
    AffineExpr index = addIndex(extent);
    auto variable = dyn_cast<AffineDimExpr>(index);
    return variable ? reduce(function, variable.getPosition(), body(index))
                    : body(index);
  };
  auto weigh = [&](AffineExpr index) {
    Expr maximum = over(at, Function::Max);
    Expr shifted = call(Function::Sub, {at(index), maximum}, expr->type);
    return call(Function::Exp, {shifted}, expr->type);
  };
  return call(Function::Div,
              {weigh(expr->indices[dim]), over(weigh, Function::Add)},
              expr->type);
}

//===----------------------------------------------------------------------===//
// Other ops on tensors
//===----------------------------------------------------------------------===//

/// The element of a constant. A row of numbers in equal steps, an iota, is an
/// index expression.
Expr Expressions::stepConstant(Expr expr, Attribute value) {
  auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements)
    return nullptr;
  if (elements.isSplat()) {
    auto splat = dyn_cast<TypedAttr>(elements.getSplatValue<Attribute>());
    return splat ? constant(splat) : nullptr;
  }
  auto type = cast<ShapedType>(elements.getType());
  if (type.getRank() != 1 || !type.getElementType().isIntOrIndex() ||
      type.getElementType().isInteger(1))
    return nullptr;
  auto numbers = elements.getValues<APInt>();
  int64_t first = numbers[0].getSExtValue();
  int64_t stride = numbers[1].getSExtValue() - first;
  for (auto [i, number] : llvm::enumerate(numbers))
    if (number.getSExtValue() != first + static_cast<int64_t>(i) * stride)
      return nullptr;
  return index(expr->indices[0] * stride + first, expr->type);
}

/// The indices of an element of the collapsed tensor in the larger one.
static void delinearize(AffineExpr index, ArrayRef<int64_t> group,
                        ArrayRef<int64_t> shape,
                        MutableArrayRef<AffineExpr> indices) {
  for (int64_t dim : llvm::reverse(group.drop_front())) {
    indices[dim] = index % shape[dim];
    index = index.floorDiv(shape[dim]);
  }
  indices[group.front()] = index;
}

Expr Expressions::stepView(Expr expr, Operation *op) {
  SmallVector<AffineExpr> indices;
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return isa<RankedTensorType>(cast.getSource().getType())
               ? access(cast.getSource(), expr->indices)
               : nullptr;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    ArrayRef<int64_t> shape = expand.getResultType().getShape();
    for (const ReassociationIndices &group : expand.getReassociationIndices()) {
      AffineExpr index = expr->indices[group.front()];
      for (int64_t dim : ArrayRef(group).drop_front()) {
        if (ShapedType::isDynamic(shape[dim]))
          return nullptr;
        index = index * shape[dim] + expr->indices[dim];
      }
      indices.push_back(index);
    }
    return access(expand.getSrc(), indices);
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    ArrayRef<int64_t> shape = collapse.getSrcType().getShape();
    indices.assign(shape.size(), number(0));
    for (auto [group, index] :
         llvm::zip_equal(collapse.getReassociationIndices(), expr->indices)) {
      if (llvm::any_of(ArrayRef(group).drop_front(), [&](int64_t dim) {
            return ShapedType::isDynamic(shape[dim]) || shape[dim] == 0;
          }))
        return nullptr;
      delinearize(index, group, shape, indices);
    }
    return access(collapse.getSrc(), indices);
  }
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return outside(splat.getInput());
  if (auto elements = dyn_cast<tensor::FromElementsOp>(op))
    if (elements.getElements().size() == 1)
      return outside(elements.getElements().front());
  return nullptr;
}

/// Ops of arith and math on whole tensors.
Expr Expressions::stepElementwise(Expr expr, Operation *op) {
  if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1)
    return nullptr;
  SmallVector<Expr> operands;
  for (Value operand : op->getOperands())
    operands.push_back(isa<RankedTensorType>(operand.getType())
                           ? access(operand, expr->indices)
                           : outside(operand));
  return call(getFunction(op), operands, expr->type, op);
}

void Expressions::markPartial(Expr expr) {
  if (expr->kind == Expression::Access)
    partial.insert(expr);
  for (Expr operand : expr->operands)
    markPartial(operand);
}

Expr Expressions::step(Expr expr) {
  if (expr->kind != Expression::Access)
    return nullptr;
  if (auto known = steps.find(expr); known != steps.end())
    return known->second;
  Operation *op = expr->value.getDefiningOp();
  Attribute value;
  Expr next = nullptr;
  if (op && matchPattern(expr->value, m_Constant(&value)))
    next = stepConstant(expr, value);
  else if (auto structured = dyn_cast_or_null<linalg::LinalgOp>(op))
    next = stepLinalg(expr, structured);
  else if (auto softmax = dyn_cast_or_null<linalg::SoftmaxOp>(op))
    next = stepSoftmax(expr, softmax);
  else if (op && isa_and_nonnull<tensor::TensorDialect>(op->getDialect()))
    next = stepView(expr, op);
  else if (op)
    next = stepElementwise(expr, op);
  if (next) {
    visited.insert(op);
    origins[next] = op;
  }
  if (next && isPartial(expr))
    markPartial(next);
  return steps[expr] = next;
}
