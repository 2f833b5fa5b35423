//===- CApi.cpp - The f64 reference from C --------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn-c/Reference.h"

#include "attn/Reference/Check.h"
#include "attn/Reference/Masks.h"

#include <cstdio>
#include <exception>

using namespace attn;
using namespace attn::reference;

static TensorView toView(const AttnArray &array) {
  return TensorView(
      array.data, static_cast<ElementType>(array.type),
      std::vector<int64_t>(array.sizes, array.sizes + array.rank),
      std::vector<int64_t>(array.strides, array.strides + array.rank));
}

static std::optional<TensorView> toOptional(const AttnArray *array) {
  return array ? std::optional<TensorView>(toView(*array)) : std::nullopt;
}

static AttentionProblem toProblem(const AttnReferenceProblem &given) {
  AttentionProblem problem;
  problem.q = toView(*given.q);
  problem.k = toView(*given.k);
  problem.v = toView(*given.v);
  problem.cuSeqlensQ = toOptional(given.cuSeqlensQ);
  problem.cuSeqlensKV = toOptional(given.cuSeqlensKv);
  problem.blockTable = toOptional(given.blockTable);
  problem.qLens = toOptional(given.qLens);
  problem.kvLens = toOptional(given.kvLens);
  problem.qOffset = toOptional(given.qOffset);
  problem.qPositions = toOptional(given.qPositions);
  problem.bias = toOptional(given.bias);
  problem.sinks = toOptional(given.sinks);
  problem.alibiSlopes = toOptional(given.alibiSlopes);
  problem.qDescale = toOptional(given.qDescale);
  problem.kDescale = toOptional(given.kDescale);
  problem.vDescale = toOptional(given.vDescale);
  problem.scale = given.scale;
  problem.softcap = given.softcap;
  if (given.visible)
    problem.mask = dense(toView(*given.visible));
  if (given.score)
    problem.score = [score = given.score,
                     user = given.user](double value, const Coordinates &at) {
      return score(user, value, at.b, at.h, at.i, at.qPos, at.j);
    };
  return problem;
}

static int fail(const std::string &text, char *message, size_t size) {
  std::snprintf(message, size, "%s", text.c_str());
  return -1;
}

/// What is wrong with the arguments themselves; empty if nothing is.
static std::string findMissing(const AttnReferenceProblem *given,
                               const AttnArray *out) {
  if (!given || !out)
    return "problem and out must not be null";
  if (given->size != sizeof(AttnReferenceProblem))
    return "problem: size is " + std::to_string(given->size) + ", expected " +
           std::to_string(sizeof(AttnReferenceProblem));
  if (!given->q || !given->k || !given->v)
    return "q, k and v must not be null";
  return "";
}

/// The caller's function may not be called from our threads.
static EvaluateOptions getOptions(const AttnReferenceProblem &problem) {
  EvaluateOptions options;
  options.threads = problem.score ? 1 : 0;
  return options;
}

static bool hasShape(const AttnArray &array,
                     const std::vector<int64_t> &shape) {
  return toView(array).shape() == shape && array.type == ATTN_F64;
}

int attnReferenceEvaluate(const AttnReferenceProblem *given,
                          const AttnArray *out, const AttnArray *lse,
                          char *message, size_t messageSize) try {
  std::string error = findMissing(given, out);
  if (!error.empty())
    return fail(error, message, messageSize);
  AttentionProblem problem = toProblem(*given);
  if (!validate(problem, error))
    return fail(error, message, messageSize);
  if (!hasShape(*out, problem.outShape()) ||
      (lse && !hasShape(*lse, problem.lseShape())))
    return fail("out or lse has another shape than the problem, or is not f64",
                message, messageSize);
  AttentionResult result = evaluate(problem, getOptions(*given));
  TensorView outView = toView(*out);
  for (size_t row = 0; row < result.rows.size(); ++row) {
    for (int64_t d = 0; d < result.dimV; ++d)
      outView.storeFromDouble(problem.outIndex(result.rows[row], d),
                              result.out[row * result.dimV + d]);
    if (lse)
      toView(*lse).storeFromDouble(problem.lseIndex(result.rows[row]),
                                   result.lse[row]);
  }
  return 0;
} catch (const std::exception &exception) {
  return fail(exception.what(), message, messageSize);
}

int attnReferenceCheck(const AttnReferenceProblem *given, const AttnArray *out,
                       const AttnArray *lse, char *message,
                       size_t messageSize) try {
  std::string error = findMissing(given, out);
  if (!error.empty())
    return fail(error, message, messageSize);
  AttentionProblem problem = toProblem(*given);
  if (!validate(problem, error))
    return fail(error, message, messageSize);
  CheckReport report =
      check(problem, toView(*out), toOptional(lse), getOptions(*given));
  std::snprintf(message, messageSize, "%s", report.message.c_str());
  return report.ok ? 1 : 0;
} catch (const std::exception &exception) {
  return fail(exception.what(), message, messageSize);
}
