//===- Operands.cpp - Tensors for the operands of attn.attention ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace attn;
using namespace attn::raise;

//===----------------------------------------------------------------------===//
// Splitting
//===----------------------------------------------------------------------===//

/// A variable that `expr` divides by a number, and the number.
static std::optional<std::pair<unsigned, int64_t>>
findDivision(AffineExpr expr) {
  std::optional<std::pair<unsigned, int64_t>> found;
  expr.walk([&](AffineExpr part) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(part);
    if (!binary || (binary.getKind() != AffineExprKind::FloorDiv &&
                    binary.getKind() != AffineExprKind::Mod))
      return;
    auto dim = dyn_cast<AffineDimExpr>(binary.getLHS());
    auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (dim && divisor && !found)
      found = {dim.getPosition(), divisor.getValue()};
  });
  return found;
}

/// The next split that q, k, v or the result asks for.
static std::optional<std::pair<unsigned, int64_t>>
findSplit(const Expressions &in, const Match &match, Expr out) {
  for (Expr access : {match.q.back(), match.k.back(), match.v.back(), out})
    for (AffineExpr index : access->indices)
      if (auto division = findDivision(index)) {
        int64_t extent = in.getExtent(division->first);
        if (ShapedType::isDynamic(extent) || extent % division->second == 0)
          return division;
      }
  return std::nullopt;
}

void raise::splitVariables(Expressions &in, Match &match, Expr &out) {
  while (auto split = findSplit(in, match, out)) {
    auto [variable, size] = *split;
    int64_t extent = in.getExtent(variable);
    AffineExpr outer =
        in.addIndex(ShapedType::isDynamic(extent) ? extent : extent / size);
    AffineExpr inner = in.addIndex(size);
    llvm::DenseMap<unsigned, AffineExpr> map;
    map[variable] = outer * size + inner;
    auto replace = [&](Expr &expr) {
      if (expr)
        expr = in.substitute(expr, map);
    };
    for (SmallVector<Expr> *views : {&match.q, &match.k, &match.v})
      for (Expr &view : *views)
        replace(view);
    for (Term &term : match.terms)
      replace(term.expr);
    for (Condition &condition : match.conditions)
      replace(condition.expr);
    replace(match.sink);
    replace(out);
  }
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

static llvm::SmallSet<unsigned, 8> getVariables(Expr access) {
  llvm::SmallSet<unsigned, 8> variables;
  for (AffineExpr index : access->indices)
    index.walk([&](AffineExpr part) {
      if (auto dim = dyn_cast<AffineDimExpr>(part))
        variables.insert(dim.getPosition());
    });
  return variables;
}

std::optional<Role> Roles::getRole(unsigned variable) const {
  for (unsigned role = 0; role < kNumRoles; ++role)
    if (variables[role] == variable)
      return static_cast<Role>(role);
  return std::nullopt;
}

int64_t Roles::getExtent(Role role) const {
  std::optional<unsigned> variable = getVariable(role);
  return variable ? in.getExtent(*variable) : 1;
}

/// Whether some index is outer * extent(inner) + ..., so that `outer` and
/// `inner` were one dim.
static bool areAdjacent(const Expressions &in, ArrayRef<Expr> views,
                        unsigned outer, unsigned inner) {
  int64_t extent = in.getExtent(inner);
  if (ShapedType::isDynamic(extent))
    return false;
  AffineExpr sum = in.simplify(in.dim(outer) * extent + in.dim(inner));
  return llvm::any_of(
      views, [&](Expr view) { return llvm::is_contained(view->indices, sum); });
}

/// Which of two variables of the queries alone counts the query heads of a
/// group. The mask does not name it; it was one dim with the group; it follows
/// a variable that the keys have.
static unsigned chooseMember(Expressions &in, const Match &match,
                             ArrayRef<unsigned> order,
                             ArrayRef<unsigned> shared,
                             ArrayRef<unsigned> own) {
  bool named[2] = {false, false};
  for (int i : {0, 1}) {
    for (const Condition &condition : match.conditions)
      named[i] |= !in.isIndependent(condition.expr, own[i]);
    if (llvm::any_of(shared, [&](unsigned group) {
          return areAdjacent(in, match.q, group, own[i]);
        }))
      return own[i];
  }
  if (named[0] != named[1])
    return own[named[0] ? 1 : 0];
  for (size_t i = order.size(); i-- > 1;)
    if (llvm::is_contained(own, order[i]) &&
        llvm::is_contained(shared, order[i - 1]))
      return order[i];
  return own[0];
}

/// `order` has the variables of the result: those that keys have, and those of
/// the queries alone. `rank` is that of the result.
LogicalResult Roles::assignHeads(ArrayRef<unsigned> order,
                                 ArrayRef<unsigned> shared,
                                 ArrayRef<unsigned> own, const Match &match,
                                 size_t rank, std::string &why) {
  auto set = [&](Role role, unsigned variable) {
    variables[static_cast<unsigned>(role)] = variable;
  };
  if (shared.size() > 2 || own.size() > 2) {
    why = "there are more dims than a batch, heads and rows";
    return failure();
  }
  std::optional<unsigned> member;
  if (own.size() == 2)
    set(Role::Member, *(member = chooseMember(in, match, order, shared, own)));
  if (!own.empty())
    set(Role::Row, own[0] == member ? own.back() : own[0]);
  auto joinsMember = [&](unsigned variable) {
    return member && areAdjacent(in, match.q, variable, *member);
  };
  if (shared.size() == 1) {
    // Of one dim that both have nobody can tell what it is; a result with four
    // dims has a batch of 1.
    bool isGroup = joinsMember(shared[0]) || (rank >= 4 && !member);
    set(isGroup ? Role::Group : Role::Batch, shared[0]);
  }
  if (shared.size() == 2) {
    bool swapped = joinsMember(shared[0]) ||
                   areAdjacent(in, match.q, shared[1], shared[0]);
    set(Role::Batch, shared[swapped ? 1 : 0]);
    set(Role::Group, shared[swapped ? 0 : 1]);
  }
  return success();
}

LogicalResult Roles::assign(const Match &match, Expr out, std::string &why) {
  variables[static_cast<unsigned>(Role::Key)] = match.key;
  variables[static_cast<unsigned>(Role::HeadDim)] = match.headDim;
  auto ofQ = getVariables(match.q.front()), ofK = getVariables(match.k.back()),
       ofV = getVariables(match.v.back());
  SmallVector<unsigned> order, shared, own;
  for (AffineExpr index : out->indices) {
    Expr single = in.index(index, IndexType::get(out->type.getContext()));
    SmallVector<std::pair<int64_t, unsigned>> terms;
    for (unsigned variable : getVariables(single)) {
      if (ofV.contains(variable) && !ofQ.contains(variable) &&
          !ofK.contains(variable)) {
        if (getVariable(Role::ValueDim)) {
          why = "the values have more than one dim of their own";
          return failure();
        }
        variables[static_cast<unsigned>(Role::ValueDim)] = variable;
      } else {
        // Outer ones come before inner ones.
        int64_t stride = 1;
        index.walk([&](AffineExpr part) {
          auto product = dyn_cast<AffineBinaryOpExpr>(part);
          if (product && product.getKind() == AffineExprKind::Mul &&
              product.getLHS() == in.dim(variable))
            if (auto factor = dyn_cast<AffineConstantExpr>(product.getRHS()))
              stride = factor.getValue();
        });
        terms.push_back({-stride, variable});
      }
    }
    llvm::sort(terms);
    for (auto [stride, variable] : terms) {
      order.push_back(variable);
      (ofK.contains(variable) || ofV.contains(variable) ? shared : own)
          .push_back(variable);
    }
  }
  return assignHeads(order, shared, own, match, out->indices.size(), why);
}

//===----------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------===//

/// index = sum of stride * variable, each stride the product of the extents of
/// the variables after it.
std::optional<RoleList> Roles::getDim(AffineExpr index, int64_t size) const {
  RoleList dim;
  int64_t expected = 1;
  while (!(isa<AffineConstantExpr>(index))) {
    // Take the innermost variable off.
    std::optional<unsigned> innermost;
    for (unsigned role = 0; role < kNumRoles && !innermost; ++role)
      if (variables[role]) {
        AffineExpr rest =
            in.simplify(index - in.dim(*variables[role]) * expected);
        if (!rest.isFunctionOfDim(*variables[role]) &&
            index.isFunctionOfDim(*variables[role])) {
          innermost = *variables[role];
          dim.insert(dim.begin(), static_cast<Role>(role));
          index = rest;
        }
      }
    if (!innermost || ShapedType::isDynamic(expected))
      return std::nullopt;
    int64_t extent = in.getExtent(*innermost);
    expected = ShapedType::isDynamic(extent) ? extent : expected * extent;
  }
  if (cast<AffineConstantExpr>(index).getValue() != 0)
    return std::nullopt;
  // Sizes that differ: a part of a larger tensor, or of nobody knows which.
  return size == expected ? std::optional(dim) : std::nullopt;
}

std::optional<Dims> Roles::getDims(Expr access) const {
  auto shape = cast<ShapedType>(access->value.getType()).getShape();
  Dims dims;
  for (auto [index, size] : llvm::zip_equal(access->indices, shape)) {
    std::optional<RoleList> dim = getDim(index, size);
    if (!dim || (ShapedType::isDynamic(size) && in.isPartial(access)))
      return std::nullopt;
    dims.push_back(*dim);
  }
  return dims;
}

Dims raise::getLayoutDimRoles(Layout layout, bool isQuery, Role dim,
                              bool perMember) {
  LayoutDims places = getLayoutDims(layout);
  Dims dims(4);
  dims[places.batch] = {Role::Batch};
  dims[places.head] =
      perMember ? RoleList{Role::Group, Role::Member} : RoleList{Role::Group};
  dims[places.sequence] = {isQuery ? Role::Row : Role::Key};
  dims[places.dim] = {dim};
  return dims;
}

static SmallVector<Role> flatten(const Dims &dims) {
  SmallVector<Role> roles;
  for (const RoleList &dim : dims)
    llvm::append_range(roles, dim);
  return roles;
}

bool raise::haveSameOrder(const Dims &from, const Dims &to) {
  SmallVector<Role> present = flatten(from), wanted = flatten(to);
  llvm::erase_if(wanted,
                 [&](Role role) { return !llvm::is_contained(present, role); });
  return present == wanted;
}

std::optional<View> raise::findView(const Roles &roles, ArrayRef<Expr> views,
                                    const Dims &wanted, bool inOrder,
                                    bool mayBroadcast) {
  SmallVector<Role> needed = flatten(wanted);
  llvm::erase_if(needed, [&](Role role) { return !roles.getVariable(role); });
  for (Expr view : llvm::reverse(views)) {
    std::optional<Dims> dims = roles.getDims(view);
    if (!dims)
      continue;
    SmallVector<Role> present = flatten(*dims);
    bool known = llvm::all_of(
        present, [&](Role role) { return llvm::is_contained(needed, role); });
    // Broadcast dims are absent as a whole.
    bool complete = llvm::all_of(wanted, [&](const RoleList &dim) {
      auto has = [&](Role role) { return llvm::is_contained(present, role); };
      auto is = [&](Role role) { return llvm::is_contained(needed, role); };
      return llvm::all_of(dim, [&](Role role) {
        return has(role) || !is(role) ||
               (mayBroadcast && llvm::none_of(dim, has));
      });
    });
    if (known && complete && (!inOrder || haveSameOrder(*dims, wanted)))
      return View{view, *dims};
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// One dim per role, none of size 1.
static Dims getAtomic(const Dims &dims) {
  Dims atomic;
  for (Role role : flatten(dims))
    atomic.push_back({role});
  return atomic;
}

/// The dims of `fine` that make up each dim of `coarse`: those of its roles,
/// and dims of size 1 beside them.
static SmallVector<ReassociationIndices> getReassociation(const Dims &fine,
                                                          const Dims &coarse) {
  SmallVector<ReassociationIndices> groups(coarse.size());
  size_t next = 0;
  for (auto [group, dim] : llvm::zip_equal(groups, coarse)) {
    size_t left = dim.size();
    while (next < fine.size() && (left > 0 || fine[next].empty())) {
      left -= fine[next].size();
      group.push_back(next++);
    }
  }
  return groups;
}

static RankedTensorType getShape(const Roles &roles, const Dims &dims,
                                 Type element) {
  SmallVector<int64_t> shape;
  for (const RoleList &dim : dims) {
    int64_t size = 1;
    for (Role role : dim) {
      int64_t extent = roles.getExtent(role);
      size = ShapedType::isDynamic(extent) || ShapedType::isDynamic(size)
                 ? ShapedType::kDynamic
                 : size * extent;
    }
    shape.push_back(size);
  }
  return RankedTensorType::get(shape, element);
}

/// Without the roles that no variable has, whose extent is 1.
static Dims dropAbsent(const Roles &roles, Dims dims) {
  for (RoleList &dim : dims)
    llvm::erase_if(dim, [&](Role role) { return !roles.getVariable(role); });
  return dims;
}

Value raise::convert(ImplicitLocOpBuilder &b, const Roles &roles, Value tensor,
                     Dims from, Dims to) {
  from = dropAbsent(roles, from);
  to = dropAbsent(roles, to);
  if (from == to)
    return tensor;
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  Dims source = from;
  auto collapseTo = [&](const Dims &dims) {
    if (source == dims)
      return;
    tensor =
        tensor::CollapseShapeOp::create(b, getShape(roles, dims, element),
                                        tensor, getReassociation(source, dims));
    source = dims;
  };
  auto expandTo = [&](const Dims &dims) {
    if (source == dims)
      return;
    tensor =
        tensor::ExpandShapeOp::create(b, getShape(roles, dims, element), tensor,
                                      getReassociation(dims, source));
    source = dims;
  };
  Dims packed;
  llvm::copy_if(from, std::back_inserter(packed),
                [](const RoleList &dim) { return !dim.empty(); });
  Dims atomic = getAtomic(packed);
  Dims wanted = getAtomic(to);
  llvm::erase_if(wanted, [&](const RoleList &dim) {
    return !llvm::is_contained(atomic, dim);
  });
  if (atomic != wanted) {
    collapseTo(packed);
    expandTo(atomic);
    SmallVector<int64_t> permutation;
    for (const RoleList &dim : wanted)
      permutation.push_back(llvm::find(atomic, dim) - atomic.begin());
    Value init = tensor::EmptyOp::create(
        b,
        applyPermutation(tensor::getMixedSizes(b, b.getLoc(), tensor),
                         permutation),
        element);
    tensor =
        linalg::TransposeOp::create(b, tensor, init, permutation)->getResult(0);
    source = wanted;
  } else {
    collapseTo(packed);
  }
  // Dims of several roles, without those of size 1.
  Dims target, present;
  for (const RoleList &dim : to) {
    RoleList kept;
    llvm::copy_if(dim, std::back_inserter(kept), [&](Role role) {
      return llvm::is_contained(wanted, RoleList{role});
    });
    target.push_back(kept);
    if (!kept.empty())
      present.push_back(kept);
  }
  if (source != present) {
    expandTo(wanted);
    collapseTo(present);
  }
  expandTo(target);
  return tensor;
}
