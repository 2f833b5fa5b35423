//===- Options.cpp - The command line of attn-runner ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Runtime/Parallel.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;
using namespace attn;
using namespace attn::runner;

std::vector<std::string> runner::splitList(StringRef text) {
  std::vector<std::string> items;
  if (text.empty())
    return items;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts)
    items.push_back(part.str());
  return items;
}

Expected<ArgumentDims> runner::parseArgumentDims(StringRef text) {
  auto [name, sizes] = text.split(':');
  ArgumentDims result;
  result.argument = name.str();
  SmallVector<StringRef> parts;
  if (!sizes.empty())
    sizes.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim < 0)
      return createError("'" + text + "' is not NAME:AxBx..., for example " +
                         "q:1x8x1024x64 ('" + part + "' is no size)");
    result.dims.push_back(dim);
  }
  if (name.empty() || !text.contains(':'))
    return createError("'" + text + "' is not NAME:AxBx..., for example " +
                       "q:1x8x1024x64");
  return result;
}

namespace {
/// The options as LLVM's parser sees them. See CommandLine.h for why they are
/// not globals.
struct Declarations {
  cl::OptionCategory input{"Input and output"};
  cl::OptionCategory action{"What to do (default: run once)"};
  cl::OptionCategory codegen{"Code and threads"};

  cl::opt<std::string> file{cl::Positional, cl::init("-"),
                            cl::desc("FILE.mlir (or - for standard input)"),
                            cl::cat(input)};
  cl::opt<std::string> entry{
      "entry",
      cl::desc("Function to run (default: the only public function with an "
               "attn.attention)"),
      cl::value_desc("name"), cl::cat(input)};
  cl::opt<std::string> inputs{
      "inputs",
      cl::desc("Input arguments in order: .npy files, or numbers for scalars. "
               "Arguments that only receive results are not inputs"),
      cl::value_desc("a.npy,b.npy,..."), cl::cat(input)};
  cl::opt<std::string> outputs{
      "outputs",
      cl::desc("Files for the results: output arguments in order, then what "
               "the function returns. Written only if all went well"),
      cl::value_desc("out.npy,lse.npy"), cl::cat(input)};
  cl::list<std::string> shapes{
      "shape",
      cl::desc("Size of an argument with dynamic dims, by number or role "
               "(repeatable; default: attn.example_shapes of the function)"),
      cl::value_desc("arg0:1x8x1024x64"), cl::cat(input)};
  cl::list<std::string> strides{
      "strides",
      cl::desc("Strides, in elements, of a memref argument with a strided "
               "layout (repeatable)"),
      cl::value_desc("k:65536x128x1024x1"), cl::cat(input)};
  cl::opt<bool> random{"random",
                       cl::desc("Fill the inputs that --inputs does not give"),
                       cl::cat(input)};
  cl::opt<uint64_t> seed{"seed", cl::desc("Seed of --random (default 0)"),
                         cl::init(0), cl::cat(input)};
  cl::opt<std::string> distribution{
      "distribution",
      cl::desc("Distribution of --random floats: normal (default), uniform, "
               "ones, ints"),
      cl::value_desc("name"), cl::init("normal"), cl::cat(input)};
  cl::opt<std::string> saveInputs{
      "save-inputs",
      cl::desc("Also write the inputs into this directory, as q.npy, k.npy, "
               "..."),
      cl::value_desc("directory"), cl::cat(input)};

  cl::opt<bool> check{
      "check",
      cl::desc("Compare with the f64 reference: every row up to 2^24 scores, "
               "sampled rows beyond. Exit code 1 if wrong"),
      cl::cat(action)};
  cl::opt<bool> bench{
      "bench",
      cl::desc("Measure time, GFLOP/s and the share of this machine's peak"),
      cl::cat(action)};
  cl::opt<bool> printTiles{
      "print-tiles",
      cl::desc("Print how many masked and unmasked tiles the kernel computed"),
      cl::cat(action)};
  cl::opt<bool> timePhases{
      "time-phases", cl::desc("Print the time of each phase of compilation"),
      cl::cat(action)};
  cl::opt<std::string> emit{
      "emit",
      cl::desc("Print a stage instead of running: attn, configured, online, "
               "tile, llvm, llvm-ir, asm, obj"),
      cl::value_desc("stage"), cl::cat(action)};
  cl::opt<std::string> emitFile{"o", cl::desc("File for --emit (default: -)"),
                                cl::value_desc("file"), cl::init("-"),
                                cl::cat(action)};

  cl::opt<std::string> target{
      "target",
      cl::desc("CPU to make code for: 'native' (default) or a name of "
               "docs/targets.md"),
      cl::value_desc("name"), cl::init("native"), cl::cat(codegen)};
  cl::alias cpu{"cpu", cl::desc("The same as --target"), cl::aliasopt(target),
                cl::cat(codegen)};
  cl::opt<int> threads{
      "threads",
      cl::desc("Threads of the kernel (default 1); 0 is one per processor"),
      cl::init(1), cl::cat(codegen)};
};
} // namespace

static Expected<Emission> parseEmission(StringRef text) {
  if (text.empty())
    return Emission::Nothing;
  const std::pair<StringRef, Emission> stages[] = {
      {"attn", Emission::Attn},     {"configured", Emission::Configured},
      {"online", Emission::Online}, {"tile", Emission::Tile},
      {"llvm", Emission::LLVM},     {"llvm-ir", Emission::LLVMIR},
      {"asm", Emission::Assembly},  {"obj", Emission::Object}};
  for (auto [name, emission] : stages)
    if (name == text)
      return emission;
  return createError("--emit: no stage '" + text +
                     "'; there are attn, configured, online, tile, llvm, "
                     "llvm-ir, asm and obj");
}

static Expected<std::vector<ArgumentDims>>
parseDimsList(StringRef option, const cl::list<std::string> &texts) {
  std::vector<ArgumentDims> result;
  for (const std::string &text : texts) {
    auto dims = parseArgumentDims(text);
    if (!dims)
      return createError("--" + option + ": " + toString(dims.takeError()));
    result.push_back(std::move(*dims));
  }
  return result;
}

/// Options that cannot go together.
static Error checkCombination(const RunnerOptions &options) {
  if (options.emission != Emission::Nothing &&
      (options.check || options.bench || options.printTiles ||
       !options.outputs.empty()))
    return createError("--emit prints code and runs nothing; it does not go "
                       "with --check, --bench, --print-tiles or --outputs");
  if (options.emission == Emission::Nothing && options.emitFile != "-")
    return createError("-o is the file of --emit, which is not given");
  if (options.printTiles && options.bench)
    return createError("--print-tiles makes a kernel that counts, which "
                       "--bench must not measure; use them one at a time");
  return Error::success();
}

Expected<RunnerOptions> runner::parseCommandLine(int argc,
                                                 const char *const *argv) {
  clearCommandLine();
  Declarations flags;
  if (Error error = attn::parseCommandLine(
          argc, argv,
          "Compiles a function with an attention op, runs it on arrays, checks "
          "and measures it.\n\nExit code: 0 all well, 1 a result is wrong, 2 "
          "bad input.\n"))
    return std::move(error);

  RunnerOptions options;
  options.file = flags.file;
  options.entry = flags.entry;
  options.inputs = splitList(flags.inputs);
  options.outputs = splitList(flags.outputs);
  options.random = flags.random;
  options.seed = flags.seed;
  options.saveInputs = flags.saveInputs;
  options.check = flags.check;
  options.bench = flags.bench;
  options.printTiles = flags.printTiles;
  options.timePhases = flags.timePhases;
  options.emitFile = flags.emitFile;
  options.target = flags.target;
  options.threads = flags.threads;

  auto shapes = parseDimsList("shape", flags.shapes);
  if (!shapes)
    return shapes.takeError();
  options.shapes = std::move(*shapes);
  auto strides = parseDimsList("strides", flags.strides);
  if (!strides)
    return strides.takeError();
  options.strides = std::move(*strides);

  std::string name = flags.distribution;
  auto distribution = parseDistribution(name == "ints" ? "integers" : name);
  if (!distribution)
    return createError("--distribution: no distribution '" + name +
                       "'; there are normal, uniform, ones and ints");
  options.distribution = *distribution;

  if (options.threads < 0 || options.threads > maxThreadCount)
    return createError("--threads: " + Twine(options.threads) +
                       " is not between 0 and " + Twine(maxThreadCount));
  auto emission = parseEmission(flags.emit);
  if (!emission)
    return emission.takeError();
  options.emission = *emission;
  if (Error error = checkCombination(options))
    return std::move(error);
  return options;
}
