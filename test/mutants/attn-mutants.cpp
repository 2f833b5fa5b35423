//===- attn-mutants.cpp - Kernels without one of their barriers -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the problems of a table on the emulator: as compiled, which has to be
// right under every schedule, and with each barrier, wait, commit, fence and
// arrival in turn deleted or weakened, which has to be noticed under some. Docs
// of what is noticed: docs/mutants.md.
//
//===----------------------------------------------------------------------===//

#include "Experiment.h"
#include "Table.h"

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Context.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Emulator/Emulator.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace llvm;
using namespace llvm::opt;
using namespace attn;
using namespace attn::numerics;

//===----------------------------------------------------------------------===//
// The table of options
//===----------------------------------------------------------------------===//

#define ATTN_OPTIONS "MutantOptions.inc"
#include "attn/Compiler/OptionTable.def"

//===----------------------------------------------------------------------===//
// Mutants
//===----------------------------------------------------------------------===//

/// "attention_0: delete llvm.nvvm.barrier0 #3" for each mutant of a kernel.
static Expected<std::vector<std::string>> listMutants(const Kernel &kernel) {
  std::string_view bitcode = kernel.findGpuBinary("bitcode");
  attn_emulator *module = attn_emulator_create(
      bitcode.data(), bitcode.size(), kernel.getManifest().gpu->triple.c_str());
  if (!module)
    return createError(attn_emulator_error());
  std::vector<std::string> names;
  for (size_t i = 0; i < attn_emulator_mutant_count(module); ++i)
    names.emplace_back(attn_emulator_mutant_name(module, i));
  attn_emulator_destroy(module);
  return names;
}

/// Late and early copies, turns of warps in order and permuted.
static std::vector<DeviceOptions> getSchedules() {
  std::vector<DeviceOptions> schedules;
  for (bool eager : {false, true})
    for (uint64_t seed = 0; seed < 4; ++seed) {
      DeviceOptions options;
      options.seed = seed;
      options.eagerCopies = eager;
      schedules.push_back(options);
    }
  return schedules;
}

/// The kind of an error; one that is new in full.
static std::string classify(StringRef message) {
  static constexpr std::pair<StringLiteral, StringLiteral> kinds[] = {
      {"check: FAILED", "wrong result"},
      {"race on shared memory", "race"},
      {"race on global memory", "race on global memory"},
      {"read of uninitialised shared memory", "uninitialised"},
      {"deadlock", "deadlock"}};
  for (const auto &[part, kind] : kinds)
    if (message.contains(part))
      return kind.str();
  return message.str();
}

namespace {
/// So many mutants of one kernel, by what they do and what comes next, that
/// need not be noticed: docs/mutants.md says why.
struct Equivalence {
  StringLiteral kernel, mutation;
  int count;
};
} // namespace

static constexpr StringLiteral ofCausal = "causal, a block without keys";
static constexpr StringLiteral ofParts =
    "decoding in parts, some without keys, and a merge";
static constexpr StringLiteral ofSegments =
    "segments: full, empty and partial tiles, and a part without any";

static constexpr Equivalence equivalences[] = {
    // In the first iteration, of an unrolled or peeled loop, and in the last.
    {"full", "delete fence release before store <4 x bfloat>", 1},
    {"full", "delete llvm.amdgcn.s.barrier before store <4 x bfloat>", 1},
    {"full", "delete fence acquire before store <4 x bfloat>", 1},
    {ofCausal, "delete fence release before store <4 x bfloat>", 2},
    {ofCausal, "delete llvm.amdgcn.s.barrier before store <4 x bfloat>", 2},
    {ofCausal, "delete fence acquire before store <4 x bfloat>", 2},
    // Behind the last tile, whose iteration is peeled, nobody votes.
    {ofSegments, "delete fence release", 1},
    {ofSegments, "delete llvm.amdgcn.s.barrier", 1},
    {ofSegments, "delete fence acquire", 1},
    // The last tile is put where the loop's last buffers do not lie.
    {"full", "delete fence release before store <4 x i32>", 1},
    {"full", "delete llvm.amdgcn.s.barrier before store <4 x i32>", 1},
    {"full", "delete fence acquire before store <4 x i32>", 1},
    // V's reads are elsewhere than the copies.
    {"full, d 128",
     "delete llvm.nvvm.barrier.cta.sync.aligned.all before "
     "llvm.nvvm.cp.async.cg.shared.global.16.s",
     1},
    // Copies and votes go where nobody reads since V was split.
    {"f32",
     "delete llvm.nvvm.barrier.cta.sync.aligned.all before "
     "llvm.nvvm.cp.async.cg.shared.global.16.s",
     1},
    {"f32", "delete llvm.nvvm.barrier.cta.sync.aligned.all before store i32",
     1},
    // A part without keys makes one attempt.
    {ofParts, "delete llvm.nvvm.cp.async.wait.group before store bfloat", 1},
    {ofParts, "weaken llvm.nvvm.cp.async.wait.group before store bfloat", 1},
    // Queries and keys have buffers of their own.
    {ofParts,
     "delete llvm.nvvm.barrier.cta.sync.aligned.all before store bfloat", 1},
    {"8-bit floats",
     "delete llvm.nvvm.barrier.cta.sync.aligned.all before store <8 x half>",
     1},
    // A tile runs once or not at all.
    {ofSegments,
     "delete llvm.nvvm.cp.async.commit.group before "
     "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3",
     2}};

static int countEquivalent(StringRef kernel, StringRef mutation) {
  for (const Equivalence &known : equivalences)
    if (known.kernel == kernel && known.mutation == mutation)
      return known.count;
  return 0;
}

/// What notices the mutant, or nothing.
static std::string
catchMutant(ArrayRef<std::unique_ptr<Experiment>> experiments, size_t mutant,
            ArrayRef<DeviceOptions> schedules) {
  for (DeviceOptions options : schedules)
    for (const auto &experiment : experiments) {
      options.mutant = static_cast<int64_t>(mutant);
      experiment->setOptions(options);
      experiment->call();
      std::string message;
      if (!experiment->check(message))
        return classify(message);
    }
  return "";
}

//===----------------------------------------------------------------------===//
// Problems
//===----------------------------------------------------------------------===//

namespace {
/// What a mutation is done to, and its outcomes with how often.
using Tally = std::map<std::string, std::map<std::string, int>>;
} // namespace

/// "delete llvm.nvvm.barrier0" of a mutant's name.
static std::string getOperation(StringRef name) {
  StringRef operation = name.split(": ").second;
  return operation.rsplit(" #").first.str();
}

static Error verifyHonest(Experiment &experiment,
                          ArrayRef<DeviceOptions> schedules) {
  for (const DeviceOptions &options : schedules) {
    experiment.setOptions(options);
    experiment.call();
    std::string message;
    if (!experiment.check(message))
      return createError("seed " + Twine(options.seed) +
                         (options.eagerCopies ? ", eager" : "") +
                         ", the kernel as it is: " + message);
  }
  return Error::success();
}

/// A problem on random data, and on that with the values of `set`, for what the
/// former leaves out.
static Expected<std::vector<std::unique_ptr<Experiment>>>
createExperiments(const Group &group, const Row &row, StringRef target,
                  mlir::MLIRContext &context) {
  std::string gen = group.gen + " " + row.gen + " --memref";
  std::vector<std::string> runs = {
      group.run + " " + row.run +
      " --device=emulator --target=" + target.str()};
  for (const auto &[name, values] : row.set)
    runs.push_back(runs.front() + " --set=" + name + ":" + join(values, ","));
  std::vector<std::unique_ptr<Experiment>> experiments;
  for (const std::string &run : runs) {
    auto experiment = Experiment::create(gen, run, context);
    if (!experiment)
      return experiment.takeError();
    if (Error error = (*experiment)->compile())
      return std::move(error);
    experiments.push_back(std::move(*experiment));
  }
  return std::move(experiments);
}

namespace {
/// What to run of a table, and how many mutants nothing noticed.
class MutantRun {
public:
  MutantRun(std::string target, bool list, size_t every,
            mlir::MLIRContext &context)
      : target(std::move(target)), list(list), every(every), context(context) {}

  /// Prints the rows of the table for one problem.
  Error run(const Group &group, const Row &row);
  bool isAllNoticed() const { return missed == 0; }
  void printHeader() const;

private:
  void printTally(StringRef kernel, const Tally &tally) const;

  std::string target;
  bool list;
  size_t every, number = 0, missed = 0;
  mlir::MLIRContext &context;
};
} // namespace

void MutantRun::printHeader() const {
  outs() << (list ? "| kernel | number | mutant | noticed as |\n"
                    "|---|---|---|---|\n"
                  : "| kernel | mutation | noticed as |\n|---|---|---|\n");
}

void MutantRun::printTally(StringRef kernel, const Tally &tally) const {
  for (const auto &[operation, outcomes] : tally) {
    outs() << "| " << kernel << " | `" << operation << "` |";
    StringRef separator = " ";
    for (const auto &[outcome, times] : outcomes) {
      outs() << separator << times << " " << outcome;
      separator = ", ";
    }
    outs() << " |\n";
  }
}

Error MutantRun::run(const Group &group, const Row &row) {
  auto experiments = createExperiments(group, row, target, context);
  if (!experiments)
    return experiments.takeError();
  std::vector<DeviceOptions> schedules = getSchedules();
  for (const auto &experiment : *experiments)
    if (Error error = verifyHonest(*experiment, schedules))
      return error;
  auto names = listMutants(experiments->front()->getKernel());
  if (!names)
    return names.takeError();
  Tally tally;
  StringMap<int> equivalent;
  for (auto [index, name] : enumerate(*names)) {
    if (number++ % every != 0)
      continue;
    std::string outcome = catchMutant(*experiments, index, schedules);
    if (outcome.empty()) {
      std::string mutation = getOperation(name);
      bool isKnown =
          equivalent[mutation]++ < countEquivalent(row.why, mutation);
      outcome = isKnown ? "equivalent" : "not noticed";
      missed += !isKnown;
    }
    ++tally[getOperation(name)][outcome];
    if (list)
      outs() << "| " << row.why << " | " << index << " | " << name << " | "
             << outcome << " |\n";
    outs().flush();
  }
  if (!list)
    printTally(row.why, tally);
  outs().flush();
  return Error::success();
}

static Error runTable(StringRef path, ArrayRef<std::string> wanted,
                      MutantRun &run) {
  auto groups = readTable(path);
  if (!groups)
    return groups.takeError();
  for (const std::string &name : wanted)
    if (none_of(*groups,
                [&](const Group &group) { return group.name == name; }))
      return createError(path + " has no group '" + name + "'");
  run.printHeader();
  for (const Group &group : *groups) {
    if (!wanted.empty() && !is_contained(wanted, group.name))
      continue;
    for (const Row &row : group.rows)
      if (Error error = run.run(group, row))
        return createError(row.why + ": " + toString(std::move(error)));
  }
  return Error::success();
}

static Expected<bool> run(int argc, char **argv) {
  ToolOptTable table;
  auto flags = CommandLine::parse(table, OPT_UNKNOWN, argc, argv);
  if (!flags)
    return flags.takeError();
  if (flags->has(OPT_help)) {
    table.printHelp(outs(), "attn-mutants TABLE --target=NAME [options]",
                    "Deletes the synchronisation of kernels, one by one");
    return true;
  }
  std::vector<std::string> files = flags->getAll(OPT_INPUT);
  if (files.size() != 1 || !flags->has(OPT_target))
    return createError("expected one table, and --target");
  constexpr int64_t kMost = 1000;
  auto every = flags->getInteger(OPT_every, 1, 1, kMost);
  if (!every)
    return every.takeError();
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  MutantRun run(flags->get(OPT_target, ""), flags->has(OPT_list_all),
                static_cast<size_t>(*every), *context);
  if (Error error = runTable(files.front(), flags->getAll(OPT_group), run))
    return std::move(error);
  return run.isAllNoticed();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  auto ok = run(argc, argv);
  outs().flush();
  if (ok)
    return *ok ? 0 : 1;
  errs() << "attn-mutants: error: " << toString(ok.takeError()) << "\n";
  return 2;
}
