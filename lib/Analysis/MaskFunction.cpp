//===- MaskFunction.cpp - Mask functions that the algebra has too ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskFunction.h"
#include "attn/Analysis/MaskRanges.h"
#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <variant>

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Symbolic values
//===----------------------------------------------------------------------===//

namespace {

/// q * q_pos + j * key + constant, with factors of -1, 0 and 1. None of these
/// wraps: positions, keys and constants have 48 bits each.
struct Linear {
  int64_t q, j, constant;

  bool isConstant() const { return q == 0 && j == 0; }
  bool isRow() const { return q == 1 && j == 0 && constant == 0; }
  bool isKey() const { return q == 0 && j == 1 && constant == 0; }
};

/// floor(q_pos / size), or floor(key / size).
struct Chunk {
  bool ofRow;
  int64_t size;
};

/// The element of this batch of an i32 [B] capture.
struct Length {
  int64_t slot;
};

/// Unknown, or what an integer or (as a mask) a boolean is for every pair.
using Symbolic = std::variant<std::monostate, Linear, Chunk, Length, Attribute>;

/// Masks, as simply as recognition needs them.
class MaskBuilder {
public:
  explicit MaskBuilder(MLIRContext *context) : context(context) {}

  Attribute all() const { return AndAttr::get(context, ArrayRef<Attribute>()); }
  Attribute none() const { return OrAttr::get(context, ArrayRef<Attribute>()); }
  Attribute both(Attribute a, Attribute b) const {
    return AndAttr::get(context, {a, b});
  }
  Attribute either(Attribute a, Attribute b) const {
    return OrAttr::get(context, {a, b});
  }
  Attribute negate(Attribute a) const { return NotAttr::get(context, a); }
  Attribute differ(Attribute a, Attribute b) const {
    return either(both(a, negate(b)), both(negate(a), b));
  }
  Attribute causal() const { return CausalAttr::get(context); }
  Attribute chunked(int64_t size) const {
    return ChunkedAttr::get(context, size);
  }
  Attribute prefixOfSlot(int64_t slot) const {
    return PrefixAttr::get(context, 0, slot);
  }

  /// key < count.
  Attribute keysBelow(int64_t count) const {
    return count > 0 ? PrefixAttr::get(context, count) : none();
  }
  /// key <= q_pos + distance.
  Attribute upTo(int64_t distance) const {
    constexpr int64_t kUnbounded = SlidingWindowAttr::kUnbounded;
    if (distance == 0)
      return causal();
    if (distance > 0)
      return SlidingWindowAttr::get(context, kUnbounded, distance);
    return negate(SlidingWindowAttr::get(context, -distance - 1, kUnbounded));
  }
  /// key >= q_pos - distance.
  Attribute from(int64_t distance) const {
    if (distance < 0)
      return negate(upTo(-distance - 1));
    return SlidingWindowAttr::get(context, distance,
                                  SlidingWindowAttr::kUnbounded);
  }

private:
  MLIRContext *context;
};

/// Evaluates the body of one function.
class MaskEvaluator {
public:
  MaskEvaluator(func::FuncOp function, const MaskFunctionUse &use)
      : function(function), use(use), masks(function.getContext()) {}

  Attribute run();

private:
  Symbolic evaluate(Operation &op);
  Symbolic evaluateConstant(arith::ConstantOp op);
  Symbolic evaluateSum(Value lhs, Value rhs, int64_t sign);
  Symbolic evaluateQuotient(Value dividend, Value divisor, bool roundsDown,
                            bool isShift);
  Symbolic evaluateLoad(Value array, ValueRange indices);
  Symbolic evaluateLogic(Operation &op);
  Symbolic compare(arith::CmpIPredicate predicate, Value lhs, Value rhs);
  Attribute compareLinear(arith::CmpIPredicate predicate, const Linear &lhs,
                          const Linear &rhs);
  Attribute compareUnsigned(arith::CmpIPredicate predicate, const Linear &lhs,
                            const Linear &rhs);
  Attribute compareChunks(arith::CmpIPredicate predicate, const Chunk &lhs,
                          const Chunk &rhs);
  Attribute compareWithLength(arith::CmpIPredicate predicate,
                              const Length &length);
  Attribute atMostZero(const Linear &value);

  bool isNotNegative(const Linear &value) const;
  std::optional<int64_t> getConstant(Value value) const;
  template <typename T>
  const T *get(Value value) const {
    auto it = values.find(value);
    return it == values.end() ? nullptr : std::get_if<T>(&it->second);
  }
  Attribute getMask(Value value) const {
    const auto *mask = get<Attribute>(value);
    return mask ? *mask : Attribute();
  }

  func::FuncOp function;
  const MaskFunctionUse &use;
  MaskBuilder masks;
  llvm::DenseMap<Value, Symbolic> values;
};

} // namespace

/// A linear value, if its factors and constant are small.
static Symbolic makeLinear(int64_t q, int64_t j, int64_t constant) {
  if (std::abs(q) > 1 || std::abs(j) > 1 ||
      std::abs(constant) > kMaxMaskConstant)
    return {};
  return Linear{q, j, constant};
}

static Symbolic fromMask(Attribute mask) {
  return mask ? Symbolic(mask) : Symbolic();
}

std::optional<int64_t> MaskEvaluator::getConstant(Value value) const {
  const auto *linear = get<Linear>(value);
  return linear && linear->isConstant() ? std::optional(linear->constant)
                                        : std::nullopt;
}

bool MaskEvaluator::isNotNegative(const Linear &value) const {
  return value.constant >= 0 && value.j >= 0 &&
         (value.q == 0 || (value.q == 1 && use.hasNoNegativePosition));
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Symbolic MaskEvaluator::evaluateConstant(arith::ConstantOp op) {
  auto integer = dyn_cast<IntegerAttr>(op.getValue());
  if (!integer)
    return {};
  if (op.getType().isInteger(1))
    return integer.getValue().isZero() ? masks.none() : masks.all();
  if (!integer.getValue().isSignedIntN(62))
    return {};
  return makeLinear(0, 0, integer.getValue().getSExtValue());
}

Symbolic MaskEvaluator::evaluateSum(Value lhs, Value rhs, int64_t sign) {
  const auto *a = get<Linear>(lhs), *b = get<Linear>(rhs);
  if (!a || !b)
    return {};
  return makeLinear(a->q + sign * b->q, a->j + sign * b->j,
                    a->constant + sign * b->constant);
}

/// `roundsDown`: to -infinity, also for a negative dividend.
Symbolic MaskEvaluator::evaluateQuotient(Value dividend, Value divisor,
                                         bool roundsDown, bool isShift) {
  const auto *value = get<Linear>(dividend);
  std::optional<int64_t> size = getConstant(divisor);
  if (!value || !size)
    return {};
  if (isShift)
    size = *size >= 0 && *size < 48 ? int64_t(1) << *size : 0;
  if (*size < 1 || !(roundsDown || isNotNegative(*value)))
    return {};
  if (value->isConstant())
    return makeLinear(0, 0, llvm::divideFloorSigned(value->constant, *size));
  if (*size == 1)
    return *value;
  if (value->isRow() || value->isKey())
    return Chunk{value->isRow(), *size};
  return {};
}

/// lengths[b].
Symbolic MaskEvaluator::evaluateLoad(Value array, ValueRange indices) {
  auto argument = dyn_cast<BlockArgument>(array);
  auto type = cast<ShapedType>(array.getType());
  bool isPerBatch = argument && indices.size() == 1 &&
                    indices[0] == function.getArgument(0) &&
                    type.getElementType().isSignlessInteger(32) &&
                    !ShapedType::isDynamic(use.batch) &&
                    type.getDimSize(0) == use.batch;
  if (!isPerBatch)
    return {};
  return Length{use.slots[argument.getArgNumber() - 4]};
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// value <= 0.
Attribute MaskEvaluator::atMostZero(const Linear &value) {
  int64_t c = value.constant;
  if (value.isConstant())
    return c <= 0 ? masks.all() : masks.none();
  if (value.q == 0)
    return value.j > 0 ? masks.keysBelow(1 - c)
                       : masks.negate(masks.keysBelow(c));
  if (value.q == -1 && value.j == 1)
    return masks.upTo(-c);
  if (value.q == 1 && value.j == -1)
    return masks.from(-c);
  return {};
}

/// a < b as b > a and so on: `lhs` and `rhs` change places.
static arith::CmpIPredicate swapSides(arith::CmpIPredicate predicate) {
  using arith::CmpIPredicate;
  switch (predicate) {
  case CmpIPredicate::slt:
    return CmpIPredicate::sgt;
  case CmpIPredicate::sle:
    return CmpIPredicate::sge;
  case CmpIPredicate::sgt:
    return CmpIPredicate::slt;
  case CmpIPredicate::sge:
    return CmpIPredicate::sle;
  case CmpIPredicate::ult:
    return CmpIPredicate::ugt;
  case CmpIPredicate::ule:
    return CmpIPredicate::uge;
  case CmpIPredicate::ugt:
    return CmpIPredicate::ult;
  case CmpIPredicate::uge:
    return CmpIPredicate::ule;
  default:
    return predicate;
  }
}

Attribute MaskEvaluator::compareLinear(arith::CmpIPredicate predicate,
                                       const Linear &lhs, const Linear &rhs) {
  using arith::CmpIPredicate;
  Symbolic difference =
      makeLinear(lhs.q - rhs.q, lhs.j - rhs.j, lhs.constant - rhs.constant);
  const auto *value = std::get_if<Linear>(&difference);
  if (!value)
    return {};
  // lhs >= rhs is not (lhs - rhs + 1 <= 0).
  Attribute atMost = atMostZero(*value);
  Attribute below = atMostZero({value->q, value->j, value->constant + 1});
  if (!atMost || !below)
    return {};
  switch (predicate) {
  case CmpIPredicate::sle:
    return atMost;
  case CmpIPredicate::slt:
    return below;
  case CmpIPredicate::sgt:
    return atMostZero({-value->q, -value->j, 1 - value->constant});
  case CmpIPredicate::sge:
    return atMostZero({-value->q, -value->j, -value->constant});
  case CmpIPredicate::eq:
    return masks.both(atMost, masks.negate(below));
  case CmpIPredicate::ne:
    return masks.either(masks.negate(atMost), below);
  default:
    return compareUnsigned(predicate, lhs, rhs);
  }
}

/// Unsigned comparisons mean the signed ones if no side is negative. Beside
/// that, value < limit means 0 <= value < limit.
Attribute MaskEvaluator::compareUnsigned(arith::CmpIPredicate predicate,
                                         const Linear &lhs, const Linear &rhs) {
  using arith::CmpIPredicate;
  CmpIPredicate asSigned;
  switch (predicate) {
  case CmpIPredicate::ult:
    asSigned = CmpIPredicate::slt;
    break;
  case CmpIPredicate::ule:
    asSigned = CmpIPredicate::sle;
    break;
  case CmpIPredicate::ugt:
    asSigned = CmpIPredicate::sgt;
    break;
  default:
    asSigned = CmpIPredicate::sge;
  }
  Attribute compared = compareLinear(asSigned, lhs, rhs);
  if (!compared || (isNotNegative(lhs) && isNotNegative(rhs)))
    return compared;
  bool isLess =
      predicate == CmpIPredicate::ult || predicate == CmpIPredicate::ule;
  const Linear &value = isLess ? lhs : rhs, &limit = isLess ? rhs : lhs;
  if (!limit.isConstant() || limit.constant < 0)
    return {};
  Attribute isPositive = compareLinear(CmpIPredicate::sge, value, {0, 0, 0});
  return isPositive ? masks.both(isPositive, compared) : Attribute();
}

/// The chunk of the key (lhs) beside that of the row.
Attribute MaskEvaluator::compareChunks(arith::CmpIPredicate predicate,
                                       const Chunk &lhs, const Chunk &rhs) {
  using arith::CmpIPredicate;
  if (lhs.size != rhs.size || lhs.ofRow == rhs.ofRow)
    return {};
  if (lhs.ofRow)
    return compareChunks(swapSides(predicate), rhs, lhs);
  Attribute same = masks.chunked(lhs.size);
  Attribute upTo = masks.either(masks.causal(), same);
  Attribute before = masks.both(masks.causal(), masks.negate(same));
  switch (predicate) {
  case CmpIPredicate::eq:
    return same;
  case CmpIPredicate::ne:
    return masks.negate(same);
  case CmpIPredicate::sle:
    return upTo;
  case CmpIPredicate::slt:
    return before;
  case CmpIPredicate::sge:
    return masks.negate(before);
  case CmpIPredicate::sgt:
    return masks.negate(upTo);
  default:
    return {};
  }
}

/// The key (lhs) beside a length.
Attribute MaskEvaluator::compareWithLength(arith::CmpIPredicate predicate,
                                           const Length &length) {
  Attribute below = masks.prefixOfSlot(length.slot);
  if (predicate == arith::CmpIPredicate::slt)
    return below;
  if (predicate == arith::CmpIPredicate::sge)
    return masks.negate(below);
  return {};
}

Symbolic MaskEvaluator::compare(arith::CmpIPredicate predicate, Value lhs,
                                Value rhs) {
  using arith::CmpIPredicate;
  if (Attribute a = getMask(lhs), b = getMask(rhs); a && b) {
    if (predicate == CmpIPredicate::ne)
      return masks.differ(a, b);
    if (predicate == CmpIPredicate::eq)
      return masks.negate(masks.differ(a, b));
    return {};
  }
  const auto *a = get<Linear>(lhs), *b = get<Linear>(rhs);
  if (a && b)
    return fromMask(compareLinear(predicate, *a, *b));
  if (const auto *length = get<Length>(rhs); length && a && a->isKey())
    return fromMask(compareWithLength(predicate, *length));
  if (const auto *length = get<Length>(lhs); length && b && b->isKey())
    return fromMask(compareWithLength(swapSides(predicate), *length));
  const auto *c = get<Chunk>(lhs), *d = get<Chunk>(rhs);
  return c && d ? fromMask(compareChunks(predicate, *c, *d)) : Symbolic();
}

//===----------------------------------------------------------------------===//
// Booleans
//===----------------------------------------------------------------------===//

Symbolic MaskEvaluator::evaluateLogic(Operation &op) {
  SmallVector<Attribute> operands;
  for (Value operand : op.getOperands()) {
    operands.push_back(getMask(operand));
    if (!operands.back())
      return {};
  }
  return llvm::TypeSwitch<Operation *, Symbolic>(&op)
      .Case([&](arith::AndIOp) { return masks.both(operands[0], operands[1]); })
      .Case(
          [&](arith::OrIOp) { return masks.either(operands[0], operands[1]); })
      .Case(
          [&](arith::XOrIOp) { return masks.differ(operands[0], operands[1]); })
      .Case([&](arith::SelectOp) {
        if (operands[1] == masks.all())
          return masks.either(operands[0], operands[2]);
        if (operands[2] == masks.none())
          return masks.both(operands[0], operands[1]);
        return masks.either(masks.both(operands[0], operands[1]),
                            masks.both(masks.negate(operands[0]), operands[2]));
      })
      .Default(Symbolic());
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// index and i64 have the same values.
static bool has64Bits(Type type) {
  return type.isIndex() || type.isSignlessInteger(64);
}

Symbolic MaskEvaluator::evaluate(Operation &op) {
  return llvm::TypeSwitch<Operation *, Symbolic>(&op)
      .Case([&](arith::ConstantOp op) { return evaluateConstant(op); })
      .Case([&](arith::AddIOp op) {
        return evaluateSum(op.getLhs(), op.getRhs(), 1);
      })
      .Case([&](arith::SubIOp op) {
        return evaluateSum(op.getLhs(), op.getRhs(), -1);
      })
      .Case([&](arith::FloorDivSIOp op) {
        return evaluateQuotient(op.getLhs(), op.getRhs(), true, false);
      })
      .Case<arith::DivSIOp, arith::DivUIOp>([&](auto op) {
        return evaluateQuotient(op.getLhs(), op.getRhs(), false, false);
      })
      .Case([&](arith::ShRSIOp op) {
        return evaluateQuotient(op.getLhs(), op.getRhs(), true, true);
      })
      .Case([&](arith::ShRUIOp op) {
        return evaluateQuotient(op.getLhs(), op.getRhs(), false, true);
      })
      .Case([&](arith::CmpIOp op) {
        return compare(op.getPredicate(), op.getLhs(), op.getRhs());
      })
      .Case<tensor::ExtractOp>([&](auto op) {
        return evaluateLoad(op.getTensor(), op.getIndices());
      })
      .Case<memref::LoadOp>([&](auto op) {
        return evaluateLoad(op.getMemRef(), op.getIndices());
      })
      .Case<arith::IndexCastOp, arith::ExtSIOp>([&](auto op) {
        // Lengths may grow, other integers are of 64 bits already.
        Value in = op.getIn();
        bool keeps = has64Bits(op.getType()) &&
                     (has64Bits(in.getType()) || get<Length>(in));
        return keeps ? values.lookup(in) : Symbolic();
      })
      .Default([&](Operation *op) { return evaluateLogic(*op); });
}

/// Whether arithmetic on values of `type` is that of 64-bit integers or of
/// booleans. Narrower integers may wrap.
static bool isExact(Type type) {
  return has64Bits(type) || type.isSignlessInteger(1);
}

Attribute MaskEvaluator::run() {
  values[function.getArgument(2)] = Linear{1, 0, 0};
  values[function.getArgument(3)] = Linear{0, 1, 0};
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator()) {
    Value result = op.getResult(0);
    Symbolic value = evaluate(op);
    bool isLength = std::holds_alternative<Length>(value);
    if (isExact(result.getType()) || isLength)
      values[result] = value;
  }
  return getMask(body.getTerminator()->getOperand(0));
}

Attribute attn::recognizeMaskFunction(func::FuncOp function,
                                      const MaskFunctionUse &use) {
  return MaskEvaluator(function, use).run();
}
