//===- PipelineScores.cpp - Scores of the next keys beside this softmax ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "attn/Dialect/Attn/Transforms/TileChain.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"

namespace attn {
#define GEN_PASS_DEF_PIPELINESCORESPASS
#include "attn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static bool isScores(ContractOp contract) {
  return llvm::is_contained(contract.getResult().getType().getDims(), Dim::kv);
}

/// The product of a loop's body with keys that only the number of the iteration
/// chooses; null if there is none. A guarded product belongs to the rare second
/// attempt at a work item.
static ContractOp findScores(scf::ForOp loop) {
  ContractOp scores;
  for (auto contract : loop.getBody()->getOps<ContractOp>()) {
    if (contract.getGuard())
      return {};
    if (!isScores(contract))
      continue;
    if (scores)
      return {};
    scores = contract;
  }
  if (!scores || scores.getInto() ||
      !loop.isDefinedOutsideOfLoop(scores.getRhs()))
    return {};
  auto load = scores.getLhs().getDefiningOp<LoadTileOp>();
  bool isOwn = load && load->getParentOp() == loop &&
               load.getValid() == scores.getValid();
  return isOwn ? scores : ContractOp();
}

/// The map that all of a product's use is, if elements alone are what it needs:
/// it runs ahead with the product.
static MapOp findElementMap(ContractOp scores) {
  if (!scores.getResult().hasOneUse())
    return {};
  auto map = dyn_cast<MapOp>(*scores.getResult().user_begin());
  if (!map || map.getInputs().size() != 1 ||
      map.getResult().getType() != scores.getResult().getType())
    return {};
  Block &body = map.getBody().front();
  bool usesCoordinates = llvm::any_of(
      body.getArguments().drop_front(),
      [](BlockArgument argument) { return !argument.use_empty(); });
  auto loop = cast<scf::ForOp>(scores->getParentOp());
  bool usesLoop =
      map.walk([&](Operation *op) {
           for (Value operand : op->getOperands())
             if (op != map && !loop.isDefinedOutsideOfLoop(operand) &&
                 !map.getBody().isAncestor(operand.getParentRegion()))
               return WalkResult::interrupt();
           return WalkResult::advance();
         })
          .wasInterrupted();
  return usesCoordinates || usesLoop ? MapOp() : map;
}

/// The test in a loop's body whether maxima must follow the scores, and what
/// depends on it; null if maxima follow always.
static AnyAboveOp findTest(scf::ForOp loop) {
  auto tests = loop.getBody()->getOps<AnyAboveOp>();
  if (!llvm::hasSingleElement(tests))
    return {};
  AnyAboveOp test = *tests.begin();
  auto limits = test.getLimits().getDefiningOp<MapOp>();
  bool isOfMaxima =
      limits && limits.getInputs().size() == 1 &&
      llvm::is_contained(loop.getRegionIterArgs(), limits.getInputs()[0]);
  bool decides = test->hasOneUse() && isa<scf::IfOp>(*test->user_begin());
  return isOfMaxima && decides ? test : AnyAboveOp();
}

/// What `map` yields if it hides elements of it, and does nothing else; or
/// null.
static Value findHidden(MapOp map) {
  Block &body = map.getBody().front();
  Value value = cast<YieldOp>(body.getTerminator()).getValue();
  while (auto choice = value.getDefiningOp<arith::SelectOp>()) {
    if (!matchPattern(choice.getFalseValue(), m_NegInfFloat()))
      return {};
    value = choice.getTrueValue();
  }
  auto argument = dyn_cast<BlockArgument>(value);
  bool isElement = argument && argument.getOwner() == &body &&
                   argument.getArgNumber() < map.getInputs().size();
  return isElement ? map.getInputs()[argument.getArgNumber()] : Value();
}

/// Whether `scores` are `product` with elements hidden: none of them is larger.
static bool hidesOnly(Value scores, Value product) {
  while (scores && scores != product) {
    auto map = scores.getDefiningOp<MapOp>();
    scores = map ? findHidden(map) : Value();
  }
  return scores != nullptr;
}

/// The loop with its load of keys, if their product can run ahead. A loop whose
/// iterations all have the same keys only says how often.
static std::optional<KeyLoop> findKeyLoop(scf::ForOp loop) {
  ContractOp scores = findScores(loop);
  if (!scores)
    return std::nullopt;
  KeyLoop found{loop, {scores.getLhs().getDefiningOp<LoadTileOp>()}, {}};
  if (!found.canRunAhead() || !found.usesIndex())
    return std::nullopt;
  return found;
}

namespace {

/// Loops over keys that follow each other, of one query tile.
class ScorePipeliner {
public:
  explicit ScorePipeliner(MutableArrayRef<KeyLoop> chain)
      : chain(chain), scores(findScores(chain[0].loop)),
        load(chain[0].loads[0]) {
    // All loops must continue with what the one before ends with.
    map = findElementMap(scores);
    for (KeyLoop &member : chain.drop_front())
      if (!isSameMap(findElementMap(findScores(member.loop))))
        map = {};
    testsAhead = llvm::all_of(chain, [&](KeyLoop &member) {
      AnyAboveOp test = findTest(member.loop);
      return test &&
             hidesOnly(test.getTile(), getCarried(findScores(member.loop)));
    });
  }

  void run();

private:
  bool isSameMap(MapOp other);
  /// What is carried in place of `product`'s result.
  Value getCarried(ContractOp product) {
    return map ? findElementMap(product).getResult() : product.getResult();
  }
  Value buildScores(ImplicitLocOpBuilder &b, const TileRows &rows);
  Value buildMapped(OpBuilder &b, Value product);
  Value buildFirst(ImplicitLocOpBuilder &b);
  SmallVector<Value> pipeline(size_t number, ArrayRef<Value> first);

  MutableArrayRef<KeyLoop> chain;
  ContractOp scores;
  LoadTileOp load;
  /// What is done with each product at once; null if nothing is.
  MapOp map;
  /// Whether all loops test if maxima must follow, and the carried values tell.
  bool testsAhead;
};

} // namespace

bool ScorePipeliner::isSameMap(MapOp other) {
  return map && other &&
         OperationEquivalence::isRegionEquivalentTo(
             &map.getBody(), &other.getBody(),
             OperationEquivalence::IgnoreLocations);
}

Value ScorePipeliner::buildScores(ImplicitLocOpBuilder &b,
                                  const TileRows &rows) {
  Value keys = LoadTileOp::create(b, load.getTile().getType(), load.getView(),
                                  rows.row, rows.valid, load.getAligned());
  return ContractOp::create(b, scores.getResult().getType(), keys,
                            scores.getRhs(), rows.valid, /*into=*/Value(),
                            /*guard=*/Value(), /*guard_scale=*/Value());
}

/// What is carried in place of `product`.
Value ScorePipeliner::buildMapped(OpBuilder &b, Value product) {
  if (!map)
    return product;
  IRMapping mapping;
  mapping.map(map.getInputs()[0], product);
  return cast<MapOp>(b.clone(*map, mapping)).getResult();
}

/// The product of the first iteration; anything if there is none.
Value ScorePipeliner::buildFirst(ImplicitLocOpBuilder &b) {
  ChainTile first = buildChainTile(b, chain, 0, chain[0].loop.getLowerBound());
  TileType type = scores.getResult().getType();
  auto guarded = scf::IfOp::create(b, TypeRange{type}, first.exists,
                                   /*withElseRegion=*/true);
  ImplicitLocOpBuilder then(b.getLoc(), guarded.getThenBodyBuilder());
  scf::YieldOp::create(then,
                       buildMapped(then, buildScores(then, first.rows[0])));
  ImplicitLocOpBuilder otherwise(b.getLoc(), guarded.getElseBodyBuilder());
  Value zero =
      arith::ConstantOp::create(otherwise, otherwise.getF32FloatAttr(0));
  Value none = FillOp::create(otherwise, type, zero);
  scf::YieldOp::create(otherwise, none);
  return guarded.getResult(0);
}

/// The same test of the next iteration, whose scores are `next` before some are
/// hidden: at worst maxima are looked at that then stay.
static Value buildNextTest(scf::ForOp loop, AnyAboveOp test, Value next) {
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  ImplicitLocOpBuilder b(test.getLoc(), yield);
  auto limits = test.getLimits().getDefiningOp<MapOp>();
  auto maxima = cast<BlockArgument>(limits.getInputs()[0]);
  IRMapping mapping;
  mapping.map(maxima, loop.getTiedLoopYieldedValue(maxima)->get());
  Value later = cast<MapOp>(b.clone(*limits, mapping)).getResult();
  return AnyAboveOp::create(b, b.getI1Type(), next, later);
}

/// Makes the loop carry its product, and the test of maxima, from `first` on;
/// returns what it ends with.
SmallVector<Value> ScorePipeliner::pipeline(size_t number,
                                            ArrayRef<Value> first) {
  KeyLoop &member = chain[number];
  ContractOp now = findScores(member.loop);
  AnyAboveOp test = testsAhead ? findTest(member.loop) : AnyAboveOp();
  // The body computes the next product; what follows uses the carried one. A
  // branch in the body would part the product from the softmax.
  ImplicitLocOpBuilder b(now.getLoc(), member.loop.getBody(),
                         member.loop.getBody()->begin());
  if (test)
    b.setInsertionPointAfter(*test->user_begin());
  Value product =
      buildScores(b, buildLaterRows(b, chain, number, /*distance=*/1)[0]);
  // Mapped before the carried value has had its last use, the product would
  // need registers of its own, and moves.
  b.setInsertionPoint(member.loop.getBody()->getTerminator());
  if (map)
    FenceScheduleOp::create(b);
  SmallVector<Value> next{buildMapped(b, product)};
  if (test)
    next.push_back(buildNextTest(member.loop, test, next[0]));
  IRRewriter rewriter(now.getContext());
  rewriter.setInsertionPoint(member.loop);
  FailureOr<LoopLikeOpInterface> carrying =
      member.loop.replaceWithAdditionalYields(
          rewriter, first, /*replaceInitOperandUsesInLoop=*/false,
          [&](OpBuilder &, Location, ArrayRef<BlockArgument>) { return next; });
  assert(succeeded(carrying) && "scf.for takes further values");
  member.loop = cast<scf::ForOp>(carrying->getOperation());
  auto carried = member.loop.getRegionIterArgs().take_back(next.size());
  rewriter.replaceAllUsesWith(getCarried(now), carried[0]);
  if (test)
    rewriter.replaceOp(test, carried[1]);
  return SmallVector<Value>(member.loop.getResults().take_back(next.size()));
}

void ScorePipeliner::run() {
  ImplicitLocOpBuilder b(scores.getLoc(), chain[0].loop);
  SmallVector<Value> carried{buildFirst(b)};
  if (testsAhead)
    carried.push_back(arith::ConstantOp::create(b, b.getBoolAttr(true)));
  SmallVector<ContractOp> old;
  for (KeyLoop &member : chain)
    old.push_back(findScores(member.loop));
  for (size_t number = 0; number < chain.size(); ++number)
    carried = pipeline(number, carried);
  for (ContractOp product : old) {
    if (map)
      findElementMap(product).erase();
    auto keys = product.getLhs().getDefiningOp<LoadTileOp>();
    product.erase();
    if (keys->use_empty())
      keys.erase();
  }
}

/// Whether both are products of the same query tile and view of keys.
static bool multipliesLike(KeyLoop &a, KeyLoop &b) {
  ContractOp first = findScores(a.loop), second = findScores(b.loop);
  return first.getRhs() == second.getRhs() &&
         first.getResult().getType() == second.getResult().getType() &&
         a.loads[0].getView() == b.loads[0].getView();
}

namespace {
struct PipelineScoresPass
    : attn::impl::PipelineScoresPassBase<PipelineScoresPass> {
  void runOnOperation() override {
    SmallVector<KeyLoop> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (std::optional<KeyLoop> found = findKeyLoop(loop))
        loops.push_back(std::move(*found));
    });
    for (MutableArrayRef<KeyLoop> rest(loops); !rest.empty();) {
      size_t count = countChained(rest);
      while (count > 1 && !multipliesLike(rest[0], rest[count - 1]))
        --count;
      ScorePipeliner(rest.take_front(count)).run();
      rest = rest.drop_front(count);
    }
  }
};
} // namespace
