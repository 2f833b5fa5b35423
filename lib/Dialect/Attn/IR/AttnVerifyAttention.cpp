//===- AttnVerifyAttention.cpp - Constraints of attn.attention -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttnVerify.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// The problem
//===----------------------------------------------------------------------===//

namespace {
/// One of q, k, v and out with its layout, for checks that treat them alike.
/// Sizes are valid once attention_c1 holds.
struct MainOperand {
  StringRef name;
  ShapedType type;
  Layout layout;

  bool packed() const { return isPacked(layout); }
  bool paged() const { return layout == Layout::paged; }
  Type elements() const { return type.getElementType(); }
  /// Pages of a paged operand, dynamic for a packed one.
  int64_t batch() const { return size(getLayoutDims(layout).batch); }
  int64_t sequence() const { return size(getLayoutDims(layout).sequence); }
  int64_t heads() const { return size(getLayoutDims(layout).head); }
  int64_t dim() const { return size(getLayoutDims(layout).dim); }

private:
  int64_t size(int dim) const {
    return dim < 0 ? ShapedType::kDynamic : type.getDimSize(dim);
  }
};
} // namespace

static MainOperand getQ(AttentionOp op) {
  return {"q", op.getQType(), op.getQLayout()};
}
static MainOperand getK(AttentionOp op) {
  return {"k", op.getKType(), op.getKLayout()};
}
static MainOperand getV(AttentionOp op) {
  return {"v", op.getVType(), op.getVLayout()};
}
static MainOperand getOut(AttentionOp op) {
  return {"out", op.getOutType(), op.getOutLayout()};
}

/// B, where `cumulative` is [B + 1].
static int64_t countSequences(Value cumulative) {
  if (!cumulative)
    return ShapedType::kDynamic;
  auto type = cast<ShapedType>(cumulative.getType());
  if (type.getRank() != 1 || type.isDynamicDim(0) || type.getDimSize(0) == 0)
    return ShapedType::kDynamic;
  return type.getDimSize(0) - 1;
}

ProblemSizes::ProblemSizes(AttentionOp op) {
  MainOperand q = ::getQ(op), k = ::getK(op), v = ::getV(op),
              out = ::getOut(op);
  auto batchOf = [](const MainOperand &operand) {
    return operand.paged() ? ShapedType::kDynamic : operand.batch();
  };
  packedQ = q.packed();
  packedKv = k.packed();
  batch = firstStatic({batchOf(q), batchOf(k), batchOf(v), batchOf(out),
                       countSequences(op.getCuSeqlensQ()),
                       countSequences(op.getCuSeqlensKv())});
  qHeads = firstStatic({q.heads(), out.heads()});
  kvHeads = firstStatic({k.heads(), v.heads()});
  queries = firstStatic({q.sequence(), out.sequence()});
  keys = k.paged() ? ShapedType::kDynamic
                   : firstStatic({k.sequence(), v.sequence()});
}

Shape ProblemSizes::perQuery() const {
  if (packedQ)
    return {{"total_q", queries}};
  return {b(), {"Sq", queries}};
}

Shape ProblemSizes::perKey() const {
  if (packedKv)
    return {{"total_kv", keys}};
  return {b(), {"Skv", keys}};
}

Shape ProblemSizes::scores() const {
  // Packed sequences count i and j from their own start.
  int64_t rows = packedQ ? ShapedType::kDynamic : queries;
  int64_t cols = packedKv ? ShapedType::kDynamic : keys;
  return {{"B", batch, true},
          {"Hq", qHeads, true},
          {"Sq", rows, true},
          {"Skv", cols, true}};
}

//===----------------------------------------------------------------------===//
// q, k, v, out and lse
//===----------------------------------------------------------------------===//

static bool isFp8(Type type) {
  return isa<Float8E4M3FNType, Float8E5M2Type, Float8E4M3FNUZType,
             Float8E5M2FNUZType>(type);
}

static LogicalResult verifyRanks(AttentionOp op) {
  // attention_c8: the number of inits comes first, out is one of them.
  if (op.getOuts().empty() || op.getOuts().size() > 2)
    return op.emitOpError() << "has " << op.getOuts().size()
                            << " inits; expected out, or out and lse (C8)";
  // attention_c1
  for (const MainOperand &x : {getQ(op), getK(op), getV(op), getOut(op)})
    if (x.type.getRank() != getLayoutRank(x.layout))
      return op.emitOpError()
             << x.name << " has rank " << x.type.getRank() << "; expected rank "
             << getLayoutRank(x.layout) << " of layout "
             << stringifyLayout(x.layout) << " (C1)";
  return success();
}

/// attention_c16 and attention_c17 as far as layouts go.
static LogicalResult verifyLayouts(AttentionOp op) {
  auto refuse = [&](const Twine &what, StringRef expected) {
    return op.emitOpError() << what << "; expected " << expected;
  };
  auto layoutOf = [](const MainOperand &x) {
    return (x.name + " has layout " + stringifyLayout(x.layout)).str();
  };
  for (const MainOperand &x : {getQ(op), getOut(op)})
    if (x.paged())
      return refuse(layoutOf(x), "only k and v to be paged (C17)");
  MainOperand q = getQ(op), k = getK(op), v = getV(op), out = getOut(op);
  if (q.packed() != out.packed())
    return refuse(layoutOf(q) + " and " + layoutOf(out),
                  "both or neither to be packed (C16)");
  if (k.packed() != v.packed())
    return refuse(layoutOf(k) + " and " + layoutOf(v),
                  "both or neither to be packed (C16)");
  if (k.paged() != v.paged())
    return refuse(layoutOf(k) + " and " + layoutOf(v),
                  "both or neither to be paged (C17)");
  if (q.packed() != op.isPackedQ())
    return refuse(layoutOf(q) + " and cu_seqlens_q is " +
                      (op.isPackedQ() ? "given" : "absent"),
                  "cu_seqlens_q with packed q and only there (C16)");
  if (k.packed() != op.isPackedKv())
    return refuse(layoutOf(k) + " and cu_seqlens_kv is " +
                      (op.isPackedKv() ? "given" : "absent"),
                  "cu_seqlens_kv with packed k and v and only there (C16)");
  if (k.paged() != op.isPaged())
    return refuse(layoutOf(k) + " and block_table is " +
                      (op.isPaged() ? "given" : "absent"),
                  "block_table with paged k and v and only there (C17)");
  return success();
}

static LogicalResult verifyElementTypes(AttentionOp op) {
  Type q = getQ(op).elements(), k = getK(op).elements();
  // attention_c2
  for (const MainOperand &x : {getQ(op), getK(op), getV(op)})
    if (!isa<Float32Type, Float16Type, BFloat16Type>(x.elements()) &&
        !isFp8(x.elements()))
      return op.emitOpError()
             << x.name << " has element type " << x.elements()
             << "; expected f32, f16, bf16, f8E4M3FN, f8E5M2, f8E4M3FNUZ or "
                "f8E5M2FNUZ (C2)";
  if (k != getV(op).elements())
    return op.emitOpError()
           << "v has element type " << getV(op).elements() << " and k has " << k
           << "; expected the same one (C2)";
  if (q.getIntOrFloatBitWidth() < k.getIntOrFloatBitWidth())
    return op.emitOpError() << "q has element type " << q << " and k has " << k
                            << "; expected q's to be at least as wide (C2)";
  // attention_c3
  Type out = getOut(op).elements();
  if (!isa<Float32Type, Float16Type, BFloat16Type>(out))
    return op.emitOpError() << "out has element type " << out
                            << "; expected f32, f16 or bf16 (C3)";
  if (op.getLse()) {
    Type lse = cast<ShapedType>(op.getLse().getType()).getElementType();
    if (!lse.isF32())
      return op.emitOpError()
             << "lse has element type " << lse << "; expected f32 (C3)";
  }
  return success();
}

/// Fails if `what` of two operands differs.
static LogicalResult expectSame(AttentionOp op, StringRef what,
                                const MainOperand &a, int64_t sizeA,
                                const MainOperand &b, int64_t sizeB,
                                StringRef constraint) {
  if (!differ(sizeA, sizeB))
    return success();
  return op.emitOpError() << a.name << " has " << what << " " << sizeA
                          << " and " << b.name << " has " << sizeB
                          << "; expected the same (" << constraint << ")";
}

static LogicalResult verifyHeadDims(AttentionOp op) {
  // attention_c4
  MainOperand q = getQ(op), k = getK(op), v = getV(op), out = getOut(op);
  for (const MainOperand &x : {q, k, v, out}) {
    if (ShapedType::isDynamic(x.dim()))
      return op.emitOpError() << x.name << " has a dynamic head dim, " << x.type
                              << "; expected a static one (C4)";
    if (x.dim() == 0)
      return op.emitOpError()
             << x.name << " has head dim 0; expected at least 1 (C4)";
  }
  return failure(
      failed(expectSame(op, "head dim", k, k.dim(), q, q.dim(), "C4")) ||
      failed(expectSame(op, "head dim", out, out.dim(), v, v.dim(), "C4")));
}

static LogicalResult verifyShapes(AttentionOp op) {
  MainOperand q = getQ(op), k = getK(op), v = getV(op), out = getOut(op);
  // attention_c5
  StringRef batch = k.paged() ? "number of pages" : "batch";
  StringRef length = k.paged() ? "page size" : "sequence length";
  if (failed(expectSame(op, "number of heads", v, v.heads(), k, k.heads(),
                        "C5")) ||
      failed(expectSame(op, length, v, v.sequence(), k, k.sequence(), "C5")) ||
      failed(expectSame(op, batch, v, v.batch(), k, k.batch(), "C5")) ||
      failed(expectSame(op, "number of heads", out, out.heads(), q, q.heads(),
                        "C5")) ||
      failed(expectSame(op, "sequence length", out, out.sequence(), q,
                        q.sequence(), "C5")) ||
      failed(expectSame(op, "batch", out, out.batch(), q, q.batch(), "C5")))
    return failure();
  if (!k.paged() &&
      failed(expectSame(op, "batch", k, k.batch(), q, q.batch(), "C5")))
    return failure();

  // attention_c6
  ProblemSizes sizes(op);
  if (sizes.qHeads == 0 || sizes.kvHeads == 0)
    return op.emitOpError() << (sizes.qHeads == 0 ? "q" : "k")
                            << " has 0 heads; expected at least 1 (C6)";
  if (!ShapedType::isDynamic(sizes.qHeads) &&
      !ShapedType::isDynamic(sizes.kvHeads) &&
      sizes.qHeads % sizes.kvHeads != 0)
    return op.emitOpError()
           << "k has " << sizes.kvHeads << " heads and q has " << sizes.qHeads
           << "; expected the number of q heads to be a multiple of the number "
              "of k heads (C6)";

  // attention_c8
  if (!op.getLse())
    return success();
  Shape lse = {sizes.b(), sizes.hq(), {"Sq", sizes.queries}};
  if (sizes.packedQ)
    lse = {sizes.hq(), {"total_q", sizes.queries}};
  return expectType(op, "lse", op.getLse().getType(), Elements::F32, lse, "C8");
}

/// attention_c23
static LogicalResult verifyStrides(AttentionOp op) {
  for (const MainOperand &x : {getQ(op), getK(op), getV(op), getOut(op)}) {
    auto type = dyn_cast<MemRefType>(x.type);
    if (!type)
      continue;
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)))
      return op.emitOpError()
             << x.name << " is " << type << "; expected a strided layout (C23)";
    if (type.getShape().back() != 1 && differ(strides.back(), 1))
      return op.emitOpError()
             << x.name << " has stride " << strides.back()
             << " along the innermost dim of layout "
             << stringifyLayout(x.layout) << "; expected 1 (C23)";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Other operands and attributes
//===----------------------------------------------------------------------===//

/// attention_c7
static LogicalResult verifyKinds(AttentionOp op) {
  // In the order of the op's definition.
  static constexpr StringLiteral names[] = {"q",
                                            "k",
                                            "v",
                                            "bias",
                                            "sinks",
                                            "alibi_slopes",
                                            "q_lens",
                                            "kv_lens",
                                            "dynamic_q_offset",
                                            "q_positions",
                                            "cu_seqlens_q",
                                            "cu_seqlens_kv",
                                            "block_table",
                                            "q_descale",
                                            "k_descale",
                                            "v_descale",
                                            "dynamic_scale",
                                            "dynamic_softcap",
                                            "mask_operands",
                                            "score_operands",
                                            "outs"};
  auto name = [&](unsigned index) {
    for (auto [i, name] : llvm::enumerate(names)) {
      auto [start, count] = op.getODSOperandIndexAndLength(i);
      if (index >= start && index < start + count)
        return (name + (i >= 18 ? " #" + Twine(index - start) : Twine())).str();
    }
    llvm_unreachable("operand without a name");
  };
  return expectOneKind(cast<DestinationStyleOpInterface>(op.getOperation()),
                       name, "C7");
}

static LogicalResult verifyScalars(AttentionOp op) {
  // attention_c9
  if (op.getScale().has_value() == static_cast<bool>(op.getDynamicScale()))
    return op.emitOpError() << "has " << (op.getScale() ? "both" : "neither")
                            << " of scale and dynamic_scale; expected exactly "
                               "one (C9)";
  if (op.getScale() && !op.getScale()->isFinite())
    return op.emitOpError() << "scale is " << op.getScaleAttr()
                            << "; expected a finite number (C9)";
  // attention_c10
  if (op.getSoftcap() && op.getDynamicSoftcap())
    return op.emitOpError() << "has both of softcap and dynamic_softcap; "
                               "expected at most one (C10)";
  if (op.getSoftcap() &&
      (!op.getSoftcap()->isFinite() ||
       (op.getSoftcap()->isNegative() && !op.getSoftcap()->isZero())))
    return op.emitOpError() << "softcap is " << op.getSoftcapAttr()
                            << "; expected a finite number >= 0 (C10)";
  // attention_c11
  int offsets = op.getQOffset().has_value() +
                static_cast<bool>(op.getDynamicQOffset()) +
                static_cast<bool>(op.getQPositions());
  if (offsets > 1)
    return op.emitOpError() << "has " << offsets
                            << " of q_offset, dynamic_q_offset and "
                               "q_positions; expected at most one (C11)";
  return success();
}

/// Checks an optional operand.
static LogicalResult expectOptional(AttentionOp op, StringRef name, Value value,
                                    Elements elements, ArrayRef<Shape> shapes,
                                    StringRef constraint) {
  if (!value)
    return success();
  return expectType(op, name, value.getType(), elements, shapes, constraint);
}

static LogicalResult verifyScoreOperands(AttentionOp op,
                                         const ProblemSizes &sizes) {
  Shape perHead = {sizes.hq()};
  Shape perBatchAndHead = {sizes.b(), sizes.hq()};
  // attention_c12
  if (failed(expectOptional(op, "bias", op.getBias(), Elements::AnyFloat,
                            sizes.scores(), "C12")))
    return failure();
  // attention_c13
  return failure(
      failed(expectOptional(op, "sinks", op.getSinks(), Elements::F32, perHead,
                            "C13")) ||
      failed(expectOptional(op, "alibi_slopes", op.getAlibiSlopes(),
                            Elements::F32, {perHead, perBatchAndHead}, "C13")));
}

static LogicalResult verifyLengths(AttentionOp op, const ProblemSizes &sizes) {
  Shape perBatch = {sizes.b()};
  // attention_c14
  if (failed(expectOptional(op, "q_lens", op.getQLens(), Elements::I32,
                            perBatch, "C14")) ||
      failed(expectOptional(op, "kv_lens", op.getKvLens(), Elements::I32,
                            perBatch, "C14")))
    return failure();
  // attention_c15
  if (failed(expectOptional(op, "q_positions", op.getQPositions(),
                            Elements::I64, sizes.perQuery(), "C15")))
    return failure();
  if (Value offset = op.getDynamicQOffset();
      offset && !offset.getType().isSignlessInteger(64) &&
      failed(expectType(op, "dynamic_q_offset", offset.getType(), Elements::I64,
                        perBatch, "C15")))
    return failure();
  // attention_c16
  int64_t bounds = sizes.batch;
  if (!ShapedType::isDynamic(bounds))
    bounds = llvm::SaturatingAdd<uint64_t>(bounds, 1);
  Shape perBound = {{"B + 1", bounds}};
  for (auto [name, value] : {std::pair("cu_seqlens_q", op.getCuSeqlensQ()),
                             std::pair("cu_seqlens_kv", op.getCuSeqlensKv())}) {
    if (failed(expectOptional(op, name, value, Elements::I32, perBound, "C16")))
      return failure();
    if (value && cast<ShapedType>(value.getType()).getDimSize(0) == 0)
      return op.emitOpError()
             << name << " is " << value.getType()
             << "; expected i32 [B + 1], at least one element (C16)";
  }
  if (op.isPackedQ() && op.getQLens())
    return op.emitOpError() << "has q_lens and q is packed; expected "
                               "cu_seqlens_q alone (C16)";
  if (op.isPackedKv() && op.getKvLens())
    return op.emitOpError() << "has kv_lens and k is packed; expected "
                               "cu_seqlens_kv alone (C16)";
  // attention_c17
  Shape pages = {sizes.b(), {"max_pages"}};
  if (failed(expectOptional(op, "block_table", op.getBlockTable(),
                            Elements::I32, pages, "C17")))
    return failure();
  if (op.isPaged() && !op.getKvLens())
    return op.emitOpError()
           << "has block_table and no kv_lens; expected both (C17)";
  return success();
}

/// attention_c21
static LogicalResult verifyDescales(AttentionOp op, const ProblemSizes &sizes) {
  Shape shape = {{"B", sizes.batch, true}, {"Hkv", sizes.kvHeads, true}};
  std::tuple<StringRef, Value, MainOperand> descales[] = {
      {"q_descale", op.getQDescale(), getQ(op)},
      {"k_descale", op.getKDescale(), getK(op)},
      {"v_descale", op.getVDescale(), getV(op)}};
  for (auto &[name, value, operand] : descales) {
    if (!value)
      continue;
    if (failed(
            expectType(op, name, value.getType(), Elements::F32, shape, "C21")))
      return failure();
    for (const MainOperand &x : {operand, getK(op)})
      if (!isFp8(x.elements()))
        return op.emitOpError()
               << "has " << name << " and " << x.name << " has element type "
               << x.elements() << "; expected fp8 (C21)";
  }
  return success();
}

/// attention_c22
static LogicalResult verifyBlocks(AttentionOp op) {
  std::pair<StringRef, std::optional<int64_t>> counts[] = {
      {"num_splits", op.getNumSplits()},
      {"split_size", op.getSplitSize()},
      {"block_q", op.getBlockQ()},
      {"block_kv", op.getBlockKv()},
      {"block_kv_compute", op.getBlockKvCompute()}};
  for (auto [name, count] : counts)
    if (count && *count < 1)
      return op.emitOpError()
             << name << " is " << *count << "; expected at least 1 (C22)";
  if (op.getBlockKv() && op.getBlockKvCompute() &&
      *op.getBlockKv() % *op.getBlockKvCompute() != 0)
    return op.emitOpError()
           << "block_kv_compute is " << *op.getBlockKvCompute()
           << " and block_kv is " << *op.getBlockKv()
           << "; expected block_kv to be a multiple of block_kv_compute (C22)";
  if (op.getNumSplits() && op.getSplitSize())
    return op.emitOpError() << "has both of num_splits and split_size; "
                               "expected at most one (C22)";
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyRanks(*this)) || failed(verifyLayouts(*this)) ||
      failed(verifyElementTypes(*this)) || failed(verifyHeadDims(*this)) ||
      failed(verifyShapes(*this)) || failed(verifyKinds(*this)) ||
      failed(verifyStrides(*this)) || failed(verifyScalars(*this)))
    return failure();
  ProblemSizes sizes(*this);
  return failure(
      failed(verifyScoreOperands(*this, sizes)) ||
      failed(verifyLengths(*this, sizes)) || failed(verifyMask(*this, sizes)) ||
      failed(verifyDescales(*this, sizes)) || failed(verifyBlocks(*this)));
}
