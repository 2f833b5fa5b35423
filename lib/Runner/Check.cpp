//===- Check.cpp - Comparing with the reference ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Check.h"

#include "attn/Compiler/Diagnostics.h"
#include "attn/Reference/Check.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;
using namespace attn::runner;

Error runner::checkCanCheck(const Entry &entry, ArrayRef<Tensor> arguments) {
  if (entry.attentions.size() != 1)
    return createError("--check needs a function with exactly one "
                       "attn.attention; @" +
                       entry.name + " has " + Twine(entry.attentions.size()));
  AttentionOp op = entry.attentions.front();
  auto bound = bindProblem(op, arguments);
  if (!bound)
    return createError("--check: " + toString(bound.takeError()));
  if (!findOutput(entry, op, 0))
    return createError("--check: out of the attn.attention is neither an "
                       "argument nor a result of the function");
  for (unsigned init : {0, 1}) {
    auto place = findOutput(entry, op, init);
    if (place && !place->isResult && !entry.arguments[place->index].isOutput())
      return createError("--check: " + entry.arguments[place->index].name +
                         " is an input too, and overwritten by the result");
  }
  return Error::success();
}

/// Every row, or as many as the limit on scores allows.
static std::vector<reference::RowIndex>
chooseRows(const reference::AttentionProblem &problem, uint64_t seed) {
  int64_t scores = 0, longest = 1;
  for (int64_t b = 0; b < problem.batch(); ++b) {
    int64_t keys = problem.kvLength(b);
    scores += problem.numQHeads() * problem.numRows(b) * keys;
    longest = std::max(longest, keys);
  }
  if (scores <= maxScoresOfFullCheck)
    return {};
  return reference::sampleRows(
      problem, std::max<int64_t>(maxScoresOfFullCheck / longest, 64), seed);
}

Expected<bool> runner::checkOutputs(const Entry &entry,
                                    ArrayRef<Tensor> arguments,
                                    const Execution &execution, uint64_t seed,
                                    raw_ostream &os) {
  AttentionOp op = entry.attentions.front();
  auto bound = bindProblem(op, arguments);
  if (!bound)
    return bound.takeError();
  std::vector<TensorView> results = execution.getResults();
  auto getView = [&](unsigned init) -> std::optional<TensorView> {
    auto place = findOutput(entry, op, init);
    if (!place)
      return std::nullopt;
    return place->isResult ? results[place->index]
                           : arguments[place->index].view();
  };
  reference::EvaluateOptions options;
  options.rows = chooseRows(bound->problem, seed);
  reference::CheckReport report = reference::check(
      bound->problem, toReferenceOrder(op, *getView(0)), getView(1), options);
  bool leaked = execution.getLeakedBytes() > 0;
  os << "check: " << (report.ok && !leaked ? "ok: " : "FAILED: ")
     << report.message;
  if (!options.rows.empty())
    os << " (" << options.rows.size() << " sampled rows)";
  if (leaked)
    os << "; the kernel did not free " << execution.getLeakedBytes()
       << " bytes";
  os << "\n";
  return report.ok && !leaked;
}
