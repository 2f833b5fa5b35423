//===- Entry.cpp - What the function to run takes and gives ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Entry.h"

#include "attn/Compiler/Diagnostics.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace attn;
using namespace attn::runner;

llvm::StringRef runner::stringify(Role role) {
  static constexpr llvm::StringLiteral names[] = {"q",
                                                  "k",
                                                  "v",
                                                  "bias",
                                                  "sinks",
                                                  "alibi_slopes",
                                                  "q_lens",
                                                  "kv_lens",
                                                  "q_offset",
                                                  "q_positions",
                                                  "cu_seqlens_q",
                                                  "cu_seqlens_kv",
                                                  "block_table",
                                                  "q_descale",
                                                  "k_descale",
                                                  "v_descale",
                                                  "scale",
                                                  "softcap",
                                                  "prefix_lens",
                                                  "q_segments",
                                                  "kv_segments",
                                                  "dense_mask",
                                                  "capture",
                                                  "out",
                                                  "lse"};
  return names[static_cast<int>(role)];
}

Value runner::lookThroughCasts(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CastOp, memref::CastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

std::optional<unsigned> runner::getFunctionArgument(Value value) {
  auto argument = dyn_cast<BlockArgument>(lookThroughCasts(value));
  if (!argument || !argument.getOwner()->isEntryBlock() ||
      !isa<func::FuncOp>(argument.getOwner()->getParentOp()))
    return std::nullopt;
  return argument.getArgNumber();
}

/// Finds the roles of the mask operands: each is named by a leaf of the mask.
static void addMaskRoles(AttentionOp op, Attribute mask,
                         llvm::SmallVectorImpl<RoleValue> &roles) {
  if (!mask)
    return;
  auto add = [&](int64_t slot, Role role) {
    roles.push_back({role, lookThroughCasts(op.getMaskOperands()[slot])});
  };
  if (auto prefix = dyn_cast<PrefixAttr>(mask); prefix && prefix.hasSlot())
    add(prefix.getSlot(), Role::PrefixLens);
  if (auto segments = dyn_cast<SegmentsAttr>(mask)) {
    add(segments.getQSlot(), Role::QSegments);
    add(segments.getKvSlot(), Role::KvSegments);
  }
  if (auto dense = dyn_cast<DenseAttr>(mask))
    add(dense.getSlot(), Role::DenseMask);
  if (auto custom = dyn_cast<CustomAttr>(mask))
    for (int64_t slot : custom.getSlots())
      add(slot, Role::Capture);
  for (Attribute operand : getMaskOperands(mask))
    addMaskRoles(op, operand, roles);
}

llvm::SmallVector<RoleValue> runner::getRoles(AttentionOp op) {
  llvm::SmallVector<RoleValue> roles;
  auto add = [&](Role role, Value value) {
    if (value)
      roles.push_back({role, lookThroughCasts(value)});
  };
  add(Role::Q, op.getQ());
  add(Role::K, op.getK());
  add(Role::V, op.getV());
  add(Role::Bias, op.getBias());
  add(Role::Sinks, op.getSinks());
  add(Role::AlibiSlopes, op.getAlibiSlopes());
  add(Role::QLens, op.getQLens());
  add(Role::KvLens, op.getKvLens());
  add(Role::QOffset, op.getDynamicQOffset());
  add(Role::QPositions, op.getQPositions());
  add(Role::CuSeqlensQ, op.getCuSeqlensQ());
  add(Role::CuSeqlensKv, op.getCuSeqlensKv());
  add(Role::BlockTable, op.getBlockTable());
  add(Role::QDescale, op.getQDescale());
  add(Role::KDescale, op.getKDescale());
  add(Role::VDescale, op.getVDescale());
  add(Role::Scale, op.getDynamicScale());
  add(Role::Softcap, op.getDynamicSoftcap());
  addMaskRoles(op, op.getMask().value_or(nullptr), roles);
  for (Value capture : op.getScoreOperands())
    add(Role::Capture, capture);
  add(Role::Out, op.getOut());
  add(Role::Lse, op.getLse());
  return roles;
}

bool ArgumentInfo::hasRole(Role role) const {
  return llvm::any_of(roles, [&](auto &known) { return known.first == role; });
}

bool ArgumentInfo::isOutput() const {
  return !roles.empty() && llvm::all_of(roles, [](auto &known) {
    return known.first == Role::Out || known.first == Role::Lse;
  });
}

std::optional<ElementType> runner::getElementType(Type type) {
  if (type.isIndex())
    return ElementType::I64;
  // Unsigned integers have the bits of ours but not the meaning.
  if (auto integer = dyn_cast<IntegerType>(type);
      integer && !integer.isSignless())
    return std::nullopt;
  std::string spelling;
  llvm::raw_string_ostream stream(spelling);
  type.print(stream);
  return parseElementType(spelling);
}

static llvm::Expected<ArgumentInfo> describeArgument(BlockArgument argument) {
  ArgumentInfo info;
  info.number = ("arg" + Twine(argument.getArgNumber())).str();
  info.name = ("argument " + Twine(argument.getArgNumber())).str();
  llvm::raw_string_ostream stream(info.type);
  argument.getType().print(stream);

  Type element = argument.getType();
  if (auto shaped = dyn_cast<ShapedType>(element)) {
    if (!isa<RankedTensorType, MemRefType>(shaped))
      return createError(info.name + ": type " + info.type +
                         " cannot be passed; ranked tensors and memrefs can");
    element = shaped.getElementType();
    info.shape.assign(shaped.getShape().begin(), shaped.getShape().end());
    info.isTensor = isa<RankedTensorType>(shaped);
  } else {
    info.isScalar = true;
  }
  if (auto memref = dyn_cast<MemRefType>(argument.getType())) {
    llvm::SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(memref.getStridesAndOffset(strides, offset)) ||
        (offset != 0 && !ShapedType::isDynamic(offset)))
      return createError(info.name + ": the layout of " + info.type +
                         " is not supported; strides with offset 0 or ? are");
    info.strides.assign(strides.begin(), strides.end());
  }
  auto known = getElementType(element);
  if (!known)
    return createError(info.name + ": element type of " + info.type +
                       " cannot be passed");
  info.element = *known;
  return info;
}

/// Fills in what each argument is to the attention ops.
static void addRoles(Entry &entry) {
  for (AttentionOp op : entry.attentions)
    for (RoleValue use : getRoles(op))
      if (auto argument = getFunctionArgument(use.value))
        entry.arguments[*argument].roles.push_back({use.role, op});
  llvm::StringMap<int> uses;
  for (ArgumentInfo &info : entry.arguments)
    if (!info.roles.empty())
      ++uses[stringify(info.roles.front().first)];
  for (ArgumentInfo &info : entry.arguments) {
    if (info.roles.empty())
      continue;
    llvm::StringRef role = stringify(info.roles.front().first);
    info.name += (" (" + role + ")").str();
    if (uses[role] == 1)
      info.roleName = role.str();
  }
}

static llvm::Expected<Entry> describe(func::FuncOp function) {
  Entry entry;
  entry.name = function.getName().str();
  entry.function = function;
  if (function.isDeclaration())
    return createError("function @" + function.getName() + " has no body");
  function.walk([&](AttentionOp op) { entry.attentions.push_back(op); });
  for (BlockArgument argument : function.getArguments()) {
    auto info = describeArgument(argument);
    if (!info)
      return info.takeError();
    entry.arguments.push_back(std::move(*info));
  }
  addRoles(entry);
  for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
    auto shaped = dyn_cast<ShapedType>(type);
    auto element = shaped && shaped.hasRank()
                       ? getElementType(shaped.getElementType())
                       : std::nullopt;
    if (!element) {
      std::string text;
      llvm::raw_string_ostream(text) << type;
      return createError("result " + Twine(index) + ": type " + text +
                         " cannot be returned; ranked tensors and memrefs can");
    }
    entry.results.push_back(
        {("result " + Twine(index)).str(), *element, shaped.getRank()});
  }
  return entry;
}

llvm::Expected<Entry> runner::findEntry(ModuleOp module, llvm::StringRef name) {
  if (!name.empty()) {
    auto function = module.lookupSymbol<func::FuncOp>(name);
    if (!function)
      return createError("--entry: the file has no function @" + name);
    return describe(function);
  }
  llvm::SmallVector<func::FuncOp> candidates;
  for (auto function : module.getOps<func::FuncOp>()) {
    bool found = false;
    function.walk([&](AttentionOp) { found = true; });
    if (found && function.isPublic())
      candidates.push_back(function);
  }
  if (candidates.size() == 1)
    return describe(candidates.front());
  if (candidates.empty())
    return createError("no public function has an attn.attention; name one "
                       "with --entry");
  std::string names = llvm::join(
      llvm::map_range(candidates,
                      [](func::FuncOp f) { return ("@" + f.getName()).str(); }),
      ", ");
  return createError("several functions have an attn.attention (" + names +
                     "); choose one with --entry");
}
