//===- OnlineSoftmax.h - The online softmax, written once ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The state of an attention row is (acc, max, sum): with scores s,
//
//   max = max over visible s
//   sum = sum over visible exp(s - max)
//   acc = sum over visible exp(s - max) v
//
// It has a neutral element and an associative merge, so keys may come in any
// partition. Scores and max count in units of `unit`, a positive factor that
// makes them natural; lse is natural, and base 2 is how exp is computed. A
// scale that nothing but the softmax sees is such a unit: it then costs no
// operation of its own. Every target's tile body is built here.
//
// Tiles of acc and scores are two-dimensional (q x dv, q x kv), max and sum are
// one-dimensional (q).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_TRANSFORMS_ONLINESOFTMAX_H
#define ATTN_DIALECT_ATTN_TRANSFORMS_ONLINESOFTMAX_H

#include "attn/Dialect/Attn/IR/AttnTypes.h"
#include "attn/Dialect/Attn/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

struct OnlineState {
  mlir::Value acc, max, sum;
  /// Where `sum` is one of shortened weights and lse is wanted: that of the
  /// weights as they are. Null elsewhere.
  mlir::Value exactSum = nullptr;

  llvm::SmallVector<mlir::Value, 4> values() const {
    llvm::SmallVector<mlir::Value, 4> all{acc, max, sum};
    if (exactSum)
      all.push_back(exactSum);
    return all;
  }
  static OnlineState fromValues(mlir::ValueRange values) {
    return {values[0], values[1], values[2],
            values.size() > 3 ? values[3] : nullptr};
  }
};

/// The state of rows that have seen no key, with two sums if it
/// `hasExactSum`.
OnlineState buildInitialState(mlir::ImplicitLocOpBuilder &b, int64_t blockQ,
                              int64_t valueHeadDim, bool hasExactSum);

/// The keys of one tile: their `scores` (-inf where hidden), their V, the
/// number of valid keys, whether hidden keys must be kept out of the product
/// with V by more than their weight of 0 (their V may not be finite), and the
/// type of the weights in that product. With such a guard, acc counts every
/// weight times `guardScale`.
struct OnlineTile {
  mlir::Value scores, v, valid, guard, guardScale;
  mlir::Type weightType;
  double unit = 1;
  /// Whether max may lag behind; with a guard it never does.
  bool lazy = false;
  /// Scores times this are in units of `unit`, as max is. Other than 1 for
  /// units of base 2 and lazy max only: scores then become exponents by one
  /// multiply-add. Rows whose max is so large that it would round them too
  /// coarsely are NaN without a guard, and exact with one.
  double factor = 1;
  /// Whether weights lose the bits that their type does not keep before they
  /// are summed: a result of a wider type then shows nothing that all weights
  /// of a row lose. Before that they are relative to a reference
  /// below max.
  bool shortensWeights = false;
};

/// The unit of scores that exponents of base 2 are made of.
inline constexpr double kBase2Unit = 0.693147180559945309417;

/// The state after `tile`. Weights are rounded to their type before they are
/// multiplied with V.
OnlineState buildOnlineStep(mlir::ImplicitLocOpBuilder &b,
                            const OnlineState &state, const OnlineTile &tile);

/// Of a state with two sums, what lse is made of: the reference of its weights
/// and their sum as they are, without acc.
OnlineState buildExactState(mlir::ImplicitLocOpBuilder &b,
                            const OnlineState &state, mlir::Type weightType,
                            double unit);

/// The state, in natural units, of rows that have seen all of their keys, in
/// units of `unit`, and then `sink` (f32, natural), a logit that enters the
/// sums only. It comes last: lazy maxima that begin with it would make the
/// largest weight of a row another number than 1, which rounding then may
/// change.
OnlineState buildWithSink(mlir::ImplicitLocOpBuilder &b, OnlineState state,
                          mlir::Value sink, double unit);

/// out = descale acc / (accScale sum), as a q x dv tile; 0 in rows without
/// visible key and in rows from `rows` on. Both factors are f32; either may
/// be null.
mlir::Value buildOutput(mlir::ImplicitLocOpBuilder &b, const OnlineState &state,
                        mlir::Value rows, mlir::Value accScale,
                        mlir::Value descale);

/// lse = unit max + ln(sum); -inf where nothing was visible and in rows from
/// `rows` on. A row that counts nothing but a sink gives the sink exactly.
mlir::Value buildLse(mlir::ImplicitLocOpBuilder &b, const OnlineState &state,
                     mlir::Value rows, double unit);

/// Creates an attn.map over `inputs` whose body `build` fills: it receives the
/// elements and then the coordinates, and returns the value to yield.
using MapBodyFn = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                                 mlir::ValueRange elements,
                                                 mlir::ValueRange coordinates)>;
mlir::Value buildMap(mlir::ImplicitLocOpBuilder &b, TileType result,
                     mlir::ValueRange inputs, MapBodyFn build);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_TRANSFORMS_ONLINESOFTMAX_H
