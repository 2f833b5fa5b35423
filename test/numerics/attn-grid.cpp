//===- attn-grid.cpp - Run a table of problems against the reference ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Experiment.h"
#include "Pairs.h"
#include "Sweep.h"
#include "Table.h"

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Context.h"
#include "attn/Compiler/Diagnostics.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <map>

using namespace llvm;
using namespace llvm::opt;
using namespace attn;
using namespace attn::numerics;

//===----------------------------------------------------------------------===//
// The table of options
//===----------------------------------------------------------------------===//

#define ATTN_OPTIONS "GridOptions.inc"
#include "attn/Compiler/OptionTable.def"

//===----------------------------------------------------------------------===//
// One problem
//===----------------------------------------------------------------------===//

namespace {
enum class Verdict { Right, Failed, Invalid, Skipped };

struct Outcome {
  Verdict verdict;
  /// What the check says, or why there is none.
  std::string message;
};

/// Where problems run.
struct Place {
  /// Options of attn-gen and attn-runner behind those of a problem.
  std::string gen, run;
  /// The type of elements that would be f32; empty: f32.
  std::string f32As;
  /// The target of every problem; empty: its own.
  std::string target;
  bool isDevice = false;
  int64_t maxScores = INT64_MAX;
  /// Of a table, the rows first, first + every, ... alone.
  int64_t first = 0, every = 1;
};
} // namespace

/// The generator's options for a problem where `place` is.
static std::string getGen(const Place &place, const Twine &problem) {
  std::string gen = problem.str();
  std::string added = place.gen;
  if (!place.f32As.empty())
    for (auto [option, implied] :
         {std::pair("dtype", "f32"), std::pair("kv-dtype", "")})
      if (findOption(gen, option).value_or(implied) == "f32")
        added += std::string(" --") + option + "=" + place.f32As;
  return gen + added;
}

static Outcome fail(const Twine &message) {
  return {Verdict::Failed, message.str()};
}

static Outcome toOutcome(Error error) {
  Verdict verdict =
      error.isA<RefusedError>() ? Verdict::Invalid : Verdict::Failed;
  return {verdict, toString(std::move(error))};
}

static Edits toEdits(const Row::Values &values) {
  return Edits(values.begin(), values.end());
}

/// Compares the counters of the last call with a count by hand.
static Outcome checkTiles(const Experiment &experiment) {
  auto expected = experiment.countTilesByHand();
  if (!expected)
    return toOutcome(expected.takeError());
  TileCounts counted = experiment.getTileCounts();
  std::string text =
      ("tiles: " + Twine(counted.masked) + " masked, " +
       Twine(counted.unmasked) + " unmasked; by hand " +
       Twine(expected->masked) + " and " + Twine(expected->unmasked))
          .str();
  if (counted == *expected)
    return {Verdict::Right, text};
  return fail(text);
}

/// Runs and checks an experiment whose arrays are ready.
static Outcome runHonestly(Experiment &experiment, bool tiles,
                           const Place &place) {
  if (experiment.countScores() > place.maxScores)
    return {Verdict::Skipped, "more scores than --max-scores"};
  // Devices do not count tiles.
  tiles = tiles && !place.isDevice;
  if (tiles)
    experiment.setCountTiles();
  if (Error error = experiment.compile())
    return toOutcome(std::move(error));
  experiment.call();
  std::string message;
  if (!experiment.check(message))
    return fail(message);
  if (!tiles)
    return {Verdict::Right, message};
  Outcome outcome = checkTiles(experiment);
  outcome.message = message + "; " + outcome.message;
  return outcome;
}

/// Runs what is planted and requires the check to report it.
static Outcome runPlanted(Experiment &experiment, const Row &row,
                          StringRef groupGen, const Place &place,
                          mlir::MLIRContext &context) {
  if (!row.kernel.empty()) {
    auto source = Experiment::create(getGen(place, groupGen + " " + row.kernel),
                                     row.run + place.run, context);
    if (!source)
      return toOutcome(source.takeError());
    if (Error error = experiment.compile(source->get()))
      return toOutcome(std::move(error));
  }
  experiment.call();
  if (Error error = experiment.edit(toEdits(row.after)))
    return toOutcome(std::move(error));
  std::string message;
  if (experiment.check(message))
    return fail("the planted error was not reported: " + message);
  return {Verdict::Right, "reported: " + message};
}

/// Options of attn-runner for a row.
static std::string getRunOptions(const Group &group, const Row &row) {
  std::string options = group.run + " " + row.run;
  for (const auto &[name, values] : row.set)
    options += " --set=" + name + ":" + join(values, ",");
  return options;
}

static Outcome runRow(const Group &group, const Row &row, const Place &place,
                      mlir::MLIRContext &context) {
  std::string run = getRunOptions(group, row);
  std::optional<std::string> target = findOption(run, "target");
  if (target && !place.target.empty())
    return {Verdict::Skipped, "the row is about " + *target};
  if (target && !canRun(*target))
    return {Verdict::Skipped, "this machine cannot run " + *target};
  auto experiment = Experiment::create(getGen(place, group.gen + " " + row.gen),
                                       run + place.run, context);
  if (!experiment)
    return toOutcome(experiment.takeError());
  Outcome outcome = runHonestly(**experiment, row.tiles, place);
  if (outcome.verdict != Verdict::Right || !row.isPlanted())
    return outcome;
  return runPlanted(**experiment, row, group.gen, place, context);
}

//===----------------------------------------------------------------------===//
// Many problems
//===----------------------------------------------------------------------===//

namespace {
struct Tally {
  int counts[4] = {};
  int &operator[](Verdict verdict) { return counts[static_cast<int>(verdict)]; }
};
} // namespace

/// The command that does the same.
static std::string getCommand(StringRef gen, StringRef run) {
  std::string command = "attn-gen";
  SmallVector<StringRef> words;
  SplitString(gen, words);
  for (StringRef word : words)
    command += word.find_first_of("()!&|*") == StringRef::npos
                   ? (" " + word).str()
                   : (" '" + word + "'").str();
  command += " | attn-runner - --random --check";
  words.clear();
  SplitString(run, words);
  return command + (words.empty() ? "" : " " + join(words, " "));
}

static std::string describeValues(const char *key, const Row::Values &values) {
  std::string text;
  for (const auto &[name, list] : values)
    text += (text.empty() ? "" : ", ") + name + ": [" + join(list, ", ") + "]";
  return text.empty() ? "" : "\n    " + std::string(key) + ": {" + text + "}";
}

static void report(const char *word, const std::string &what,
                   const std::string &command, const std::string &message) {
  outs() << word << ": " << what << "\n    " << command << "\n    " << message
         << "\n";
  outs().flush();
}

static void listRefusals(const std::map<std::string, int> &refusals) {
  for (const auto &[reason, times] : refusals)
    outs() << "invalid, " << times << " times: " << reason << "\n";
}

/// True if every row is right. A row that the target refuses is an error, but
/// on a device: the table is of what the CPU supports.
static Expected<bool> runTable(StringRef path, ArrayRef<std::string> wanted,
                               const Place &place, bool verbose,
                               mlir::MLIRContext &context) {
  auto groups = readTable(path);
  if (!groups)
    return groups.takeError();
  for (const std::string &name : wanted)
    if (none_of(*groups, [&](const Group &g) { return g.name == name; }))
      return createError(path + " has no group '" + name + "'");
  Tally tally;
  int64_t position = 0;
  std::map<std::string, int> refusals;
  for (const Group &group : *groups) {
    if (!wanted.empty() && !is_contained(wanted, group.name))
      continue;
    for (const Row &row : group.rows) {
      if (position++ % place.every != place.first % place.every)
        continue;
      Outcome outcome = runRow(group, row, place, context);
      ++tally[outcome.verdict];
      bool isRefused = outcome.verdict == Verdict::Invalid;
      if (isRefused && place.isDevice)
        ++refusals[outcome.message];
      bool bad =
          outcome.verdict == Verdict::Failed || (isRefused && !place.isDevice);
      if (!bad && !verbose)
        continue;
      std::string command = getCommand(getGen(place, group.gen + " " + row.gen),
                                       getRunOptions(group, row) + place.run);
      report(bad ? "FAILED" : "right", row.why,
             command + describeValues("after", row.after), outcome.message);
    }
  }
  listRefusals(refusals);
  outs() << "grid: " << tally[Verdict::Right] << " right, "
         << tally[Verdict::Skipped] << " skipped, " << tally[Verdict::Invalid]
         << " invalid, " << tally[Verdict::Failed] << " failed\n";
  return tally[Verdict::Failed] == 0 &&
         (place.isDevice || tally[Verdict::Invalid] == 0);
}

/// The targets of which this machine runs the code.
static std::vector<std::string> getRunnableTargets() {
  std::vector<std::string> targets;
  for (const char *name :
       {"native", "x86-64-v3", "x86-64-v4", "x86-64-v4-bf16"})
    if (canRun(name))
      targets.push_back(name);
  return targets;
}

static Outcome runRandom(const RandomProblem &problem, bool tiles,
                         const Place &place, mlir::MLIRContext &context) {
  auto experiment = Experiment::create(getGen(place, problem.gen),
                                       problem.run + place.run, context);
  if (!experiment)
    return toOutcome(experiment.takeError());
  return runHonestly(**experiment, tiles, place);
}

/// True if no problem failed.
static Expected<bool> runSweep(int64_t count, StringRef seed,
                               const Place &place, bool verbose,
                               mlir::MLIRContext &context) {
  std::vector<std::string> targets = getRunnableTargets();
  if (!place.target.empty())
    targets = {place.target};
  uint64_t base = xxh3_64bits(seed);
  Tally tally;
  std::map<std::string, int> refusals;
  for (int64_t i = place.first; i < place.first + count; ++i) {
    RandomProblem problem =
        drawProblem(base + static_cast<uint64_t>(i), targets);
    // The counting kernel is the other half of the problems' kernel.
    Outcome outcome = runRandom(problem, /*tiles=*/i % 2 == 1, place, context);
    ++tally[outcome.verdict];
    if (outcome.verdict == Verdict::Invalid)
      ++refusals[outcome.message];
    if (outcome.verdict == Verdict::Failed || verbose)
      report(outcome.verdict == Verdict::Failed ? "FAILED" : "done",
             "problem " + std::to_string(i) + " of seed " + seed.str(),
             getCommand(getGen(place, problem.gen), problem.run + place.run),
             outcome.message);
  }
  listRefusals(refusals);
  outs() << "sweep: seed " << seed << ": " << tally[Verdict::Right]
         << " right, " << tally[Verdict::Skipped] << " skipped, "
         << tally[Verdict::Invalid] << " invalid, " << tally[Verdict::Failed]
         << " failed\n";
  return tally[Verdict::Failed] == 0;
}

/// True if no problem failed.
static bool runPairs(const Place &place, bool verbose,
                     mlir::MLIRContext &context) {
  const std::vector<Factor> &factors = getFactors();
  Tally tally;
  std::map<std::string, int> refusals;
  for (const Choice &choice : coverPairs(factors)) {
    std::string gen = getOptions(factors, choice);
    Outcome outcome =
        runRandom({gen, "--threads=2"}, /*tiles=*/false, place, context);
    ++tally[outcome.verdict];
    if (outcome.verdict == Verdict::Invalid)
      ++refusals[outcome.message];
    if (outcome.verdict == Verdict::Failed || verbose)
      report(outcome.verdict == Verdict::Failed ? "FAILED" : "done",
             "a problem of --pairs",
             getCommand(getGen(place, gen), "--threads=2" + place.run),
             outcome.message);
  }
  listRefusals(refusals);
  outs() << "pairs: " << tally[Verdict::Right] << " right, "
         << tally[Verdict::Invalid] << " invalid, " << tally[Verdict::Failed]
         << " failed\n";
  return tally[Verdict::Failed] == 0;
}

static void listFeatures() {
  for (const Factor &factor : getFactors())
    for (const Level &level : factor.levels) {
      outs() << level.name << "\n";
      for (StringRef also : split(level.also, ","))
        if (!also.empty())
          outs() << also << "\n";
    }
}

//===----------------------------------------------------------------------===//
// The tool
//===----------------------------------------------------------------------===//

static Expected<Place> getPlace(const CommandLine &flags) {
  Place place;
  place.target = flags.get(OPT_target, "");
  if (!place.target.empty())
    place.run += " --target=" + place.target;
  if (auto device = flags.get(OPT_device)) {
    place.isDevice = true;
    place.run += " --device=" + *device;
    // Devices run functions that return nothing.
    place.gen = " --memref";
  }
  if (auto schedule = flags.get(OPT_schedule))
    place.run += " --schedule=" + *schedule;
  place.f32As = flags.get(OPT_f32_as, "");
  auto maxScores =
      flags.getInteger(OPT_max_scores, place.maxScores, 1, INT64_MAX);
  if (!maxScores)
    return maxScores.takeError();
  place.maxScores = *maxScores;
  auto every = flags.getInteger(OPT_every, 1, 1, 1 << 30);
  if (!every)
    return every.takeError();
  place.every = *every;
  auto first = flags.getInteger(OPT_first, 0, 0, 1 << 30);
  if (!first)
    return first.takeError();
  place.first = *first;
  return place;
}

static Expected<bool> run(int argc, char **argv) {
  ToolOptTable table;
  auto flags = CommandLine::parse(table, OPT_UNKNOWN, argc, argv);
  if (!flags)
    return flags.takeError();
  if (flags->has(OPT_help)) {
    table.printHelp(outs(), "attn-grid TABLE | --sweep=N | --pairs [options]",
                    "Runs problems against the reference");
    return true;
  }
  auto count = flags->getInteger(OPT_sweep, 0, 1, 1 << 30);
  if (!count)
    return count.takeError();
  auto place = getPlace(*flags);
  if (!place)
    return place.takeError();
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  bool verbose = flags->has(OPT_verbose);
  std::vector<std::string> files = flags->getAll(OPT_INPUT);
  if (flags->has(OPT_list_features)) {
    listFeatures();
    return true;
  }
  if (flags->has(OPT_pairs) && files.empty())
    return runPairs(*place, verbose, *context);
  if (flags->has(OPT_sweep) && files.empty())
    return runSweep(*count, flags->get(OPT_seed, "attn"), *place, verbose,
                    *context);
  if (files.size() != 1 || flags->has(OPT_sweep))
    return createError("expected one table, or --sweep and no table");
  return runTable(files.front(), flags->getAll(OPT_group), *place, verbose,
                  *context);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  auto ok = run(argc, argv);
  outs().flush();
  if (ok)
    return *ok ? 0 : 1;
  errs() << "attn-grid: error: " << toString(ok.takeError()) << "\n";
  return 2;
}
