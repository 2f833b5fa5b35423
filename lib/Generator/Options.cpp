//===- Options.cpp - The command line of attn-gen -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Generator/Options.h"

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Diagnostics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace llvm;
using namespace llvm::opt;
using namespace attn;
using namespace attn::generator;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

#define ATTN_OPTIONS "attn/Generator/Options.inc"
#include "attn/Compiler/OptionTable.def"

//===----------------------------------------------------------------------===//
// Meaning
//===----------------------------------------------------------------------===//

/// Sizes beyond this would overflow products of a few dims.
static constexpr int64_t maxSize = int64_t{1} << 31;

static Error parseInteger(const CommandLine &flags, unsigned id,
                          int64_t fallback, int64_t min, int64_t &result) {
  auto value = flags.getInteger(id, fallback, min, maxSize);
  if (!value)
    return value.takeError();
  result = *value;
  return Error::success();
}

static Error parseOptionalInteger(const CommandLine &flags, unsigned id,
                                  std::optional<int64_t> &result) {
  if (!flags.has(id))
    return Error::success();
  int64_t value = 0;
  if (Error error = parseInteger(flags, id, 0, 1, value))
    return error;
  result = value;
  return Error::success();
}

static Error parseSizes(const CommandLine &flags, Problem &problem) {
  if (Error error = parseInteger(flags, OPT_batch, 1, 0, problem.batch))
    return error;
  if (Error error = parseInteger(flags, OPT_q_heads, 4, 1, problem.headsQ))
    return error;
  if (Error error =
          parseInteger(flags, OPT_kv_heads, problem.headsQ, 1, problem.headsKv))
    return error;
  if (Error error = parseInteger(flags, OPT_sq, 2048, 0, problem.rows))
    return error;
  if (Error error = parseInteger(flags, OPT_skv, problem.rows, 0, problem.keys))
    return error;
  if (Error error = parseInteger(flags, OPT_dqk, 64, 1, problem.headDim))
    return error;
  if (Error error =
          parseInteger(flags, OPT_dv, problem.headDim, 1, problem.valueDim))
    return error;
  if (flags.has(OPT_page_size))
    if (Error error =
            parseInteger(flags, OPT_page_size, 0, 1, problem.pageSize))
      return error;
  const std::pair<unsigned, std::optional<int64_t> *> blocks[] = {
      {OPT_block_q, &problem.blockQ},
      {OPT_block_kv, &problem.blockKv},
      {OPT_block_kv_compute, &problem.blockKvCompute},
      {OPT_num_splits, &problem.numSplits},
      {OPT_split_size, &problem.splitSize}};
  for (auto [id, slot] : blocks)
    if (Error error = parseOptionalInteger(flags, id, *slot))
      return error;
  return Error::success();
}

static Error checkType(StringRef option, StringRef type,
                       ArrayRef<StringRef> allowed) {
  if (is_contained(allowed, type))
    return Error::success();
  return createError(option + ": no type '" + type + "'; there are " +
                     join(allowed, ", "));
}

static Error parseTypes(const CommandLine &flags, Problem &problem) {
  const StringRef inputs[] = {"f32",    "f16",        "bf16",      "f8E4M3FN",
                              "f8E5M2", "f8E4M3FNUZ", "f8E5M2FNUZ"};
  problem.type = flags.get(OPT_dtype, "f32");
  if (Error error = checkType("--dtype", problem.type, inputs))
    return error;
  problem.kvType = flags.get(OPT_kv_dtype, problem.type);
  if (Error error = checkType("--kv-dtype", problem.kvType, inputs))
    return error;
  bool isFp8 = StringRef(problem.type).starts_with("f8");
  problem.outType = flags.get(OPT_out_dtype, isFp8 ? "bf16" : problem.type);
  return checkType("--out-dtype", problem.outType,
                   ArrayRef<StringRef>(inputs).take_front(3));
}

static Error parseLayout(const CommandLine &flags, unsigned id,
                         StringRef option, Layout &layout) {
  auto text = flags.get(id);
  if (!text)
    return Error::success();
  auto known = symbolizeLayout(*text);
  if (!known || *known == Layout::paged)
    return createError(option + ": no layout '" + *text +
                       "'; there are bshd, bhsd, bhds, thd, htd, hdt "
                       "(--page-size gives paged k and v)");
  layout = *known;
  return Error::success();
}

static Error parseLayouts(const CommandLine &flags, Problem &problem) {
  Layout all = Layout::bshd;
  if (Error error = parseLayout(flags, OPT_layout, "--layout", all))
    return error;
  problem.qLayout = problem.kLayout = problem.vLayout = problem.outLayout = all;
  if (problem.pageSize > 0) {
    if (flags.has(OPT_k_layout) || flags.has(OPT_v_layout))
      return createError("--page-size fixes the layouts of k and v; it does "
                         "not go with --k-layout or --v-layout");
    problem.kLayout = problem.vLayout = Layout::paged;
  }
  const std::tuple<unsigned, StringRef, Layout *> layouts[] = {
      {OPT_q_layout, "--q-layout", &problem.qLayout},
      {OPT_k_layout, "--k-layout", &problem.kLayout},
      {OPT_v_layout, "--v-layout", &problem.vLayout},
      {OPT_out_layout, "--out-layout", &problem.outLayout}};
  for (auto [id, option, layout] : layouts)
    if (Error error = parseLayout(flags, id, option, *layout))
      return error;
  if (isPacked(problem.qLayout) != isPacked(problem.outLayout) ||
      isPacked(problem.kLayout) != isPacked(problem.vLayout))
    return createError("q and out are packed together, and so are k and v");
  return Error::success();
}

static Error parseScale(const CommandLine &flags, Problem &problem) {
  problem.scale =
      static_cast<float>(1.0 / std::sqrt(static_cast<double>(problem.headDim)));
  if (flags.get(OPT_scale, "") == "dynamic") {
    problem.dynamicScale = true;
  } else {
    auto scale = flags.getNumber(OPT_scale);
    if (!scale)
      return scale.takeError();
    if (*scale)
      problem.scale = static_cast<float>(**scale);
  }
  if (flags.get(OPT_softcap, "") == "dynamic") {
    problem.dynamicSoftcap = true;
    return Error::success();
  }
  auto softcap = flags.getNumber(OPT_softcap);
  if (!softcap)
    return softcap.takeError();
  if (*softcap)
    problem.softcap = static_cast<float>(**softcap);
  return Error::success();
}

static Error parseOffset(const CommandLine &flags, Problem &problem) {
  problem.qPositions = flags.has(OPT_q_positions);
  std::string text = flags.get(OPT_q_offset, "");
  if (text == "scalar")
    problem.qOffset = Given::Scalar;
  else if (text == "batch")
    problem.qOffset = Given::PerBatch;
  else if (!text.empty()) {
    problem.qOffset = Given::Attribute;
    auto value =
        flags.getInteger(OPT_q_offset, 0, INT64_MIN / 2, INT64_MAX / 2);
    if (!value)
      return value.takeError();
    problem.qOffsetValue = *value;
  }
  return Error::success();
}

static Error parseLens(const CommandLine &flags, Problem &problem) {
  std::string side = flags.get(OPT_lens, "");
  if (!side.empty() && side != "q" && side != "kv" && side != "both")
    return createError("--lens: no side '" + side +
                       "'; there are q, kv and both");
  problem.qLens = side == "q" || side == "both";
  problem.kvLens = side == "kv" || side == "both";
  return Error::success();
}

/// Which of the dims `letters` an option leaves out.
static Error parseBroadcast(const CommandLine &flags, unsigned id,
                            StringRef option, StringRef letters,
                            std::optional<Broadcast> &broadcast) {
  auto dims = flags.get(id);
  if (!dims)
    return Error::success();
  broadcast = generator::parseBroadcast(*dims, letters);
  if (broadcast)
    return Error::success();
  return createError(option + ": '" + *dims + "' is not made of the letters " +
                     join(map_range(letters.drop_back(),
                                    [](char c) { return std::string(1, c); }),
                          ", ") +
                     " and " + letters.take_back() + " in this order");
}

static Error parseBiasType(const CommandLine &flags, Problem &problem) {
  const StringRef types[] = {"f64", "f32", "f16", "bf16", "f8E4M3FN", "f8E5M2"};
  problem.biasType = flags.get(OPT_bias_dtype, "f32");
  return checkType("--bias-dtype", problem.biasType, types);
}

static Error parseScores(const CommandLine &flags, mlir::MLIRContext *context,
                         Problem &problem) {
  if (auto text = flags.get(OPT_mask)) {
    auto mask = parseMask(*text, context);
    if (!mask)
      return mask.takeError();
    problem.mask = std::move(*mask);
  }
  if (auto name = flags.get(OPT_score_mod)) {
    problem.scoreMod = findScoreFunction(*name);
    if (!problem.scoreMod)
      return createError("--score-mod: no function '" + *name +
                         "'; there are " + listScoreFunctions());
  }
  problem.sinks = flags.has(OPT_sinks);
  if (flags.has(OPT_alibi))
    problem.alibi = Given::Scalar;
  if (flags.has(OPT_alibi_batch))
    problem.alibi = Given::PerBatch;
  if (Error error = parseScale(flags, problem))
    return error;
  if (Error error = parseOffset(flags, problem))
    return error;
  if (Error error = parseLens(flags, problem))
    return error;
  if (Error error = parseBroadcast(flags, OPT_bias, "--bias", "bhij",
                                   problem.biasBroadcast))
    return error;
  if (Error error = parseBiasType(flags, problem))
    return error;
  return parseBroadcast(flags, OPT_descales, "--descales", "bh",
                        problem.descaleBroadcast);
}

static Error parseForm(const CommandLine &flags, Problem &problem) {
  problem.function = flags.get(OPT_name, "attention");
  if (problem.function.empty())
    return createError("--name: a function has a name of at least one letter");
  problem.lse = flags.has(OPT_lse);
  problem.dynamic = flags.has(OPT_dynamic);
  problem.strided = flags.has(OPT_strided);
  problem.onMemrefs = flags.has(OPT_memref);
  if (problem.onMemrefs && flags.has(OPT_tensor))
    return createError("--memref and --tensor exclude each other");
  if (problem.strided && !problem.onMemrefs)
    return createError("--strided needs --memref: tensors have no strides");
  return Error::success();
}

static Error parseAll(const CommandLine &flags, mlir::MLIRContext *context,
                      GeneratorOptions &options) {
  if (flags.has(OPT_INPUT))
    return createError("attn-gen takes no file; '" +
                       flags.getAll(OPT_INPUT).front() + "' was given");
  options.outputFile = flags.get(OPT_output, "-");
  if (Error error = parseSizes(flags, options.problem))
    return error;
  if (Error error = parseTypes(flags, options.problem))
    return error;
  if (Error error = parseLayouts(flags, options.problem))
    return error;
  if (Error error = parseForm(flags, options.problem))
    return error;
  return parseScores(flags, context, options.problem);
}

Expected<std::optional<GeneratorOptions>>
generator::parseCommandLine(int argc, const char *const *argv,
                            mlir::MLIRContext *context, raw_ostream &help) {
  ToolOptTable table;
  auto flags = CommandLine::parse(table, OPT_UNKNOWN, argc, argv);
  if (!flags)
    return flags.takeError();
  if (flags->has(OPT_help)) {
    table.printHelp(help, "attn-gen [options]",
                    "Writes the IR of one attention problem, for attn-runner "
                    "and attn-opt:\n\n  attn-gen --sq=1024 --mask=causal | "
                    "attn-runner - --check --bench");
    return std::nullopt;
  }
  GeneratorOptions options;
  if (Error error = parseAll(*flags, context, options))
    return std::move(error);
  return options;
}
