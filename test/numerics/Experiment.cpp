//===- Experiment.cpp - One problem, compiled, run and checked ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Experiment.h"

#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Generator/Options.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Runner/Arguments.h"
#include "attn/Runner/Check.h"
#include "attn/Runner/DeviceExecution.h"
#include "attn/Runner/Problem.h"
#include "attn/Runtime/Parallel.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstring>

using namespace attn;
using namespace attn::numerics;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

char RefusedError::ID = 0;

void RefusedError::log(llvm::raw_ostream &os) const { os << text; }

std::error_code RefusedError::convertToErrorCode() const {
  return llvm::inconvertibleErrorCode();
}

static Error refuse(Error error) {
  return llvm::make_error<RefusedError>(toString(std::move(error)));
}

/// A command line of the words of `text`.
static std::vector<std::string> splitWords(StringRef tool, StringRef text) {
  llvm::SmallVector<StringRef> words;
  llvm::SplitString(text, words);
  std::vector<std::string> result{tool.str()};
  for (StringRef word : words)
    result.push_back(word.str());
  return result;
}

static std::vector<const char *>
getPointers(const std::vector<std::string> &words) {
  std::vector<const char *> pointers;
  for (const std::string &word : words)
    pointers.push_back(word.c_str());
  return pointers;
}

std::optional<std::string> numerics::findOption(StringRef words,
                                                StringRef name) {
  std::optional<std::string> result;
  std::string prefix = ("--" + name + "=").str();
  for (StringRef word : splitWords("", words))
    if (word.consume_front(prefix))
      result = word.str();
  return result;
}

bool numerics::canRun(StringRef target) {
  auto known = getCodegenTarget(target.empty() ? "native" : target);
  // Whether a device is there shows when it is opened.
  if (known && known->isGpu)
    return true;
  Error error = known ? checkRunsHere(*known) : known.takeError();
  bool runs = !error;
  llvm::consumeError(std::move(error));
  return runs;
}

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<Experiment>>
Experiment::create(StringRef generatorWords, StringRef runnerWords,
                   mlir::MLIRContext &context) {
  context.loadDialect<AttnDialect>();
  std::unique_ptr<Experiment> result(new Experiment());
  std::vector<std::string> words = splitWords("attn-gen", generatorWords);
  std::vector<const char *> argv = getPointers(words);
  auto problem = generator::parseCommandLine(
      static_cast<int>(argv.size()), argv.data(), &context, llvm::nulls());
  if (!problem)
    return problem.takeError();
  auto module = generator::generate((*problem)->problem, &context);
  if (!module)
    return refuse(module.takeError());
  result->module = std::move(*module);

  words = splitWords("attn-runner", runnerWords);
  words.insert(words.end(), {"-", "--random"});
  argv = getPointers(words);
  auto options = runner::parseCommandLine(static_cast<int>(argv.size()),
                                          argv.data(), llvm::nulls());
  if (!options)
    return options.takeError();
  result->options = **options;
  auto entry = runner::findEntry(*result->module, "");
  if (!entry)
    return entry.takeError();
  result->entry = std::move(*entry);
  auto arguments = runner::createArguments(result->entry, result->options);
  if (!arguments)
    return arguments.takeError();
  result->arguments = std::move(*arguments);
  return std::move(result);
}

Experiment::~Experiment() = default;

/// Refusals are a target's "unsupported" and masks beyond the limits of the
/// range analysis; anything else is a failure.
static Error classify(const std::string &message) {
  StringRef text(message);
  if (text.contains("unsupported on ") || text.contains("tile ranges"))
    return llvm::make_error<RefusedError>(message);
  return createError(message);
}

/// Takes `module` to `stage`.
static Error lower(mlir::ModuleOp module, Stage stage, StringRef target,
                   bool countTiles) {
  PipelineOptions options;
  options.target = target.str();
  options.countTiles = countTiles;
  mlir::PassManager passes(module.getContext());
  buildPipelineTo(stage, passes, options);
  DiagnosticCollector diagnostics(module.getContext());
  if (succeeded(passes.run(module)))
    return Error::success();
  return classify(toString(diagnostics.takeError("lowering failed")));
}

Error Experiment::compile(const Experiment *source, const Mutation &mutate) {
  if (Error error = runner::validateArguments(entry, arguments))
    return error;
  if (Error error = runner::checkCanCheck(entry, arguments))
    return error;
  mlir::OwningOpRef<mlir::ModuleOp> copy(
      (source ? source : this)->getModule().clone());
  JitOptions jit;
  jit.target = options.target;
  jit.countTiles = countTiles;
  jit.verifyEach = true;
  if (mutate) {
    if (Error error = lower(*copy, Stage::Online, jit.target, countTiles))
      return error;
    mutate(*copy);
  }
  execution.reset();
  if (options.device != "cpu") {
    auto made =
        runner::DeviceExecution::create(*copy, entry, arguments, options);
    if (!made)
      return classify(toString(made.takeError()));
    execution = std::move(*made);
    return Error::success();
  }
  auto compiled = JitKernel::compile(std::move(copy), entry.name, jit);
  if (!compiled)
    return classify(toString(compiled.takeError()));
  kernel = std::move(*compiled);
  execution = std::make_unique<runner::CpuExecution>(*kernel, entry, arguments);
  return Error::success();
}

void Experiment::setOptions(const DeviceOptions &options) {
  static_cast<runner::DeviceExecution &>(*execution).setOptions(options);
}

const Kernel &Experiment::getKernel() const {
  return static_cast<runner::DeviceExecution &>(*execution).getKernel();
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void Experiment::call() {
  for (auto [info, tensor] : llvm::zip(entry.arguments, arguments))
    if (info.isOutput())
      tensor.poison();
  if (void *counts = kernel ? kernel->lookup("attn_tile_counts") : nullptr)
    std::memset(counts, 0, 2 * sizeof(int64_t));
  setThreadCount(options.threads);
  setMemoryPoison(true);
  Error error = execution->call();
  failure = error ? toString(std::move(error)) : "";
  setMemoryPoison(false);
}

bool Experiment::check(std::string &message) const {
  message = failure;
  if (!failure.empty())
    return false;
  llvm::raw_string_ostream os(message);
  auto right =
      runner::checkOutputs(entry, arguments, *execution, options.seed, os);
  message = StringRef(message).rtrim().str();
  if (right)
    return *right;
  message += toString(right.takeError());
  return false;
}

int64_t Experiment::countScores() const {
  int64_t scores = 0;
  for (AttentionOp op : entry.attentions) {
    auto bound = runner::bindProblem(op, arguments);
    if (!bound) {
      llvm::consumeError(bound.takeError());
      continue;
    }
    const reference::AttentionProblem &problem = bound->problem;
    for (int64_t b = 0; b < problem.batch(); ++b)
      scores += problem.numQHeads() * problem.numRows(b) * problem.kvLength(b);
  }
  return scores;
}

TileCounts Experiment::getTileCounts() const {
  auto *counts = static_cast<int64_t *>(kernel->lookup("attn_tile_counts"));
  assert(counts && "setCountTiles() comes before compile()");
  return {counts[0], counts[1]};
}

namespace {
/// What one tile holds.
struct TileContent {
  bool anyVisible = false, anyHidden = false;
};
} // namespace

/// The pairs of a tile: rows of consecutive heads, and keys.
struct TilePlace {
  int64_t b, head, heads, row, rows, key, keys;
};

/// Looks at every pair of a tile. Rows beyond q_len count as nothing, keys
/// beyond kv_len as hidden.
static TileContent inspectTile(const reference::AttentionProblem &problem,
                               const TilePlace &place) {
  TileContent tile;
  int64_t endRow = std::min(place.row + place.rows, problem.qLength(place.b));
  for (int64_t h = place.head; h < place.head + place.heads; ++h)
    for (int64_t i = place.row; i < endRow; ++i)
      for (int64_t j = place.key; j < place.key + place.keys; ++j) {
        reference::Coordinates at{place.b, h, i, problem.qPosition(place.b, i),
                                  j};
        bool visible = j < problem.kvLength(place.b) &&
                       (!problem.mask || problem.mask(at));
        (visible ? tile.anyVisible : tile.anyHidden) = true;
      }
  return tile;
}

Expected<TileCounts> Experiment::countTilesByHand() const {
  mlir::OwningOpRef<mlir::ModuleOp> copy(getModule().clone());
  if (Error error = lower(*copy, Stage::Configured, options.target, false))
    return std::move(error);
  ConfigAttr config;
  copy->walk([&](AttentionOp op) { config = op.getConfigAttr(); });
  TileCounts counts;
  // A mask that shows nothing has folded the op away.
  if (!config)
    return counts;
  AttentionOp op = entry.attentions.front();
  auto bound = runner::bindProblem(op, arguments);
  if (!bound)
    return bound.takeError();
  const reference::AttentionProblem &problem = bound->problem;
  int64_t heads = config.getHeads(), rows = config.getBlockQ() / heads,
          keys = config.getBlockKv();
  for (int64_t b = 0; b < problem.batch(); ++b)
    for (int64_t h = 0; h < problem.numQHeads(); h += heads)
      for (int64_t i = 0; i < problem.qLength(b); i += rows)
        for (int64_t j = 0; j < problem.kvLength(b); j += keys) {
          TileContent tile =
              inspectTile(problem, {b, h, heads, i, rows, j, keys});
          if (tile.anyVisible)
            ++(tile.anyHidden ? counts.masked : counts.unmasked);
        }
  return counts;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

const TensorView *Experiment::find(StringRef argument) const {
  for (auto [info, tensor] : llvm::zip(entry.arguments, arguments))
    if (argument == info.roleName || argument == info.number)
      return &tensor.view();
  return nullptr;
}

const TensorView &Experiment::get(StringRef argument) const {
  const TensorView *view = find(argument);
  if (!view)
    llvm::report_fatal_error("no argument " + argument);
  return *view;
}

TensorView Experiment::getOutput(unsigned init) const {
  auto place = runner::findOutput(entry, entry.attentions.front(), init);
  if (!place)
    llvm::report_fatal_error("no output " + Twine(init));
  return place->isResult ? execution->getResults()[place->index]
                         : arguments[place->index].view();
}

TensorView Experiment::getOut() const { return getOutput(0); }
TensorView Experiment::getLse() const { return getOutput(1); }

Error Experiment::edit(const Edits &edits) {
  for (const auto &[name, texts] : edits) {
    const TensorView *view = find(name);
    if (!view)
      return createError("the problem has no argument '" + name + "'");
    if (Error error = runner::storeValues(name, *view, texts))
      return error;
  }
  return Error::success();
}
