//===- RunnerTest.cpp - Tests of the pieces of attn-runner ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Context.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Generator/Options.h"
#include "attn/Reference/Attention.h"
#include "attn/Runner/Arguments.h"
#include "attn/Runner/Bench.h"
#include "attn/Runner/Entry.h"
#include "attn/Runner/Options.h"
#include "attn/Runner/Problem.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace attn;
using namespace attn::runner;

//===----------------------------------------------------------------------===//
// Command line
//===----------------------------------------------------------------------===//

using Strings = std::vector<std::string>;

static llvm::Expected<std::optional<RunnerOptions>>
parse(std::vector<const char *> arguments) {
  arguments.insert(arguments.begin(), "attn-runner");
  return parseCommandLine(static_cast<int>(arguments.size()), arguments.data(),
                          llvm::nulls());
}

TEST(RunnerOptionsTest, Lists) {
  EXPECT_EQ(splitList(""), Strings{});
  EXPECT_EQ(splitList("a"), Strings{"a"});
  EXPECT_EQ(splitList("a,,b,"), (Strings{"a", "", "b", ""}));
}

TEST(RunnerOptionsTest, Dims) {
  auto dims = parseArgumentDims("kv_lens:12x0x9223372036854775807");
  ASSERT_TRUE(static_cast<bool>(dims));
  EXPECT_EQ(dims->argument, "kv_lens");
  EXPECT_EQ(dims->dims, (std::vector<int64_t>{12, 0, INT64_MAX}));
  auto scalar = parseArgumentDims("arg3:");
  ASSERT_TRUE(static_cast<bool>(scalar));
  EXPECT_TRUE(scalar->dims.empty());
  for (const char *bad : {"", "q", ":1x2", "q:x", "q:1x", "q:1x-2", "q:1 x2",
                          "q:9223372036854775808"}) {
    auto dims = parseArgumentDims(bad);
    EXPECT_FALSE(static_cast<bool>(dims)) << bad;
    EXPECT_NE(llvm::toString(dims.takeError()).find(bad), std::string::npos);
  }
}

TEST(RunnerOptionsTest, EveryOptionArrives) {
  auto parsed = parse({"file.mlir", "--entry=f", "--inputs=a.npy,,2",
                       "--outputs", "o.npy", "--random", "--seed=7",
                       "--distribution=ints", "--save-inputs=dir", "--check",
                       "--bench", "--time-phases", "--threads=3", "--cpu=x",
                       "--shape=q:1x2", "--shape", "arg1:3", "--strides=k:4"});
  ASSERT_TRUE(static_cast<bool>(parsed)) << llvm::toString(parsed.takeError());
  const RunnerOptions &options = **parsed;
  EXPECT_EQ(options.file, "file.mlir");
  EXPECT_EQ(options.entry, "f");
  EXPECT_EQ(options.inputs, (Strings{"a.npy", "", "2"}));
  EXPECT_EQ(options.outputs, Strings{"o.npy"});
  EXPECT_TRUE(options.random && options.check && options.bench &&
              options.timePhases);
  EXPECT_FALSE(options.printTiles);
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.distribution, Distribution::SmallIntegers);
  EXPECT_EQ(options.saveInputs, "dir");
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.target, "x");
  ASSERT_EQ(options.shapes.size(), 2u);
  EXPECT_EQ(options.shapes[1].argument, "arg1");
  EXPECT_EQ(options.strides[0].dims, std::vector<int64_t>{4});
  EXPECT_EQ(options.emission, Emission::Nothing);
}

TEST(RunnerOptionsTest, Defaults) {
  auto parsed = parse({"-"});
  ASSERT_TRUE(static_cast<bool>(parsed));
  EXPECT_EQ((*parsed)->file, "-");
  EXPECT_EQ((*parsed)->target, "native");
  EXPECT_EQ((*parsed)->threads, 1);
  EXPECT_EQ((*parsed)->distribution, Distribution::Normal);
  EXPECT_FALSE((*parsed)->random);
}

//===----------------------------------------------------------------------===//
// Entry and arguments
//===----------------------------------------------------------------------===//

namespace {
struct RunnerTest : public testing::Test {
  /// Parses a module of one function @f; the text may use the types Q and K.
  Entry find(std::string text, llvm::StringRef name = "") {
    for (auto [from, to] : {std::pair("Q", "memref<?x?x4x8xf32>"),
                            std::pair("K", "memref<?x?x2x8xf32>")})
      for (size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, 1, to);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
    EXPECT_TRUE(module);
    auto entry = findEntry(*module, name);
    if (entry)
      return std::move(*entry);
    error = llvm::toString(entry.takeError());
    return Entry();
  }

  std::string argumentsError(const Entry &entry, const RunnerOptions &options) {
    auto arguments = createArguments(entry, options);
    if (arguments)
      return "no error";
    return llvm::toString(arguments.takeError());
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string error;
};
} // namespace

static constexpr const char *withLens = R"(
  func.func @f(%q: Q, %k: K, %v: K, %lens: memref<?xi32>, %cap: f32, %o: Q,
               %l: memref<?x4x?xf32>) {
    attn.attention ins(%q, %k, %v : Q, K, K) scale(0.5) dynamic_softcap(%cap)
      kv_lens(%lens : memref<?xi32>) outs(%o, %l : Q, memref<?x4x?xf32>)
    return
  })";

TEST_F(RunnerTest, RolesOfArguments) {
  Entry entry = find(withLens);
  ASSERT_EQ(error, "");
  ASSERT_EQ(entry.arguments.size(), 7u);
  EXPECT_EQ(entry.name, "f");
  EXPECT_EQ(entry.arguments[3].roleName, "kv_lens");
  EXPECT_EQ(entry.arguments[3].element, ElementType::I32);
  EXPECT_EQ(entry.arguments[4].name, "argument 4 (softcap)");
  EXPECT_TRUE(entry.arguments[4].isScalar);
  EXPECT_TRUE(entry.arguments[6].isOutput());
  EXPECT_FALSE(entry.arguments[0].isOutput());
}

TEST_F(RunnerTest, OneArgumentInTwoRolesHasNoRoleNameTwice) {
  Entry entry = find(R"(
    func.func @f(%q: Q, %k: K, %o: Q) {
      attn.attention ins(%q, %k, %k : Q, K, K) scale(0.5) outs(%o : Q)
      attn.attention ins(%q, %k, %k : Q, K, K) scale(0.5) outs(%o : Q)
      return
    })");
  ASSERT_EQ(error, "");
  EXPECT_EQ(entry.attentions.size(), 2u);
  EXPECT_EQ(entry.arguments[1].roleName, "k");
  EXPECT_TRUE(entry.arguments[1].hasRole(Role::V));
}

TEST_F(RunnerTest, EntryErrors) {
  find("func.func @g() { return }");
  EXPECT_EQ(error, "no public function has an attn.attention; name one with "
                   "--entry");
  find("func.func @g() { return }", "f");
  EXPECT_EQ(error, "--entry: the file has no function @f");
  find("func.func private @g()", "g");
  EXPECT_EQ(error, "function @g has no body");
  find("func.func @g(%x: tensor<*xf32>) { return }", "g");
  EXPECT_EQ(error, "argument 0: type tensor<*xf32> cannot be passed; ranked "
                   "tensors and memrefs can");
  find("func.func @g(%x: memref<2xi17>) { return }", "g");
  EXPECT_EQ(error, "argument 0: element type of memref<2xi17> cannot be "
                   "passed");
  find("func.func @g(%x: i32) -> i32 { return %x : i32 }", "g");
  EXPECT_EQ(error, "result 0: type i32 cannot be returned; ranked tensors and "
                   "memrefs can");
}

TEST_F(RunnerTest, ShapesOfOutputsFollowFromTheInputs) {
  Entry entry = find(withLens);
  RunnerOptions options;
  options.random = true;
  options.shapes = {{"q", {2, 5, 4, 8}},
                    {"k", {2, 7, 2, 8}},
                    {"arg2", {2, 7, 2, 8}},
                    {"kv_lens", {2}}};
  auto arguments = createArguments(entry, options);
  ASSERT_TRUE(static_cast<bool>(arguments))
      << llvm::toString(arguments.takeError());
  EXPECT_EQ((*arguments)[5].shape(), (std::vector<int64_t>{2, 5, 4, 8}));
  EXPECT_EQ((*arguments)[6].shape(), (std::vector<int64_t>{2, 4, 5}));
  for (int64_t b = 0; b < 2; ++b) {
    EXPECT_GE((*arguments)[3].view().loadAsInt({b}), 0);
    EXPECT_LE((*arguments)[3].view().loadAsInt({b}), 7);
  }
  EXPECT_EQ((*arguments)[4].view().loadAsDouble({}), 20);
  double poison = (*arguments)[5].view().loadAsDouble({0, 0, 0, 0});
  EXPECT_NE(poison, poison);
  EXPECT_FALSE(static_cast<bool>(validateArguments(entry, *arguments)));
}

TEST_F(RunnerTest, EqualSeedsGiveEqualInputs) {
  Entry entry = find(withLens);
  RunnerOptions options;
  options.random = true;
  options.shapes = {{"q", {1, 3, 4, 8}},
                    {"k", {1, 3, 2, 8}},
                    {"v", {1, 3, 2, 8}},
                    {"kv_lens", {1}}};
  auto first = createArguments(entry, options);
  auto second = createArguments(entry, options);
  options.seed = 1;
  auto third = createArguments(entry, options);
  ASSERT_TRUE(first && second && third);
  EXPECT_EQ(toDoubles((*first)[0].view()), toDoubles((*second)[0].view()));
  EXPECT_NE(toDoubles((*first)[0].view()), toDoubles((*third)[0].view()));
  EXPECT_NE(toDoubles((*first)[1].view()), toDoubles((*first)[2].view()));
}

TEST_F(RunnerTest, ArgumentErrors) {
  Entry entry = find(withLens);
  RunnerOptions options;
  options.inputs = {""};
  EXPECT_EQ(argumentsError(entry, options),
            "argument 0 (q), memref<?x?x4x8xf32>: no input; name a file with "
            "--inputs or use --random");
  options.inputs.clear();
  EXPECT_EQ(argumentsError(entry, options),
            "argument 0 (q), memref<?x?x4x8xf32>: dynamic dims; give its size "
            "with --shape=q:...");
  options.shapes = {{"q", {1, 2, 3, 8}}};
  EXPECT_EQ(argumentsError(entry, options),
            "argument 0 (q): --shape has shape 1x2x3x8, the function takes "
            "?x?x4x8 (memref<?x?x4x8xf32>)");
  options.shapes = {{"x", {1}}};
  EXPECT_EQ(argumentsError(entry, options),
            "--shape: no argument 'x'; there are arg0 or q, arg1 or k, arg2 or "
            "v, arg3 or kv_lens, arg4 or softcap, arg5 or out, arg6 or lse");
  options.shapes.clear();
  options.random = true;
  options.inputs = {"", "", "", "", "four"};
  EXPECT_EQ(argumentsError(entry, options),
            "argument 4 (softcap): 'four' is no f32");
  options.inputs = {"", "", "", "", "", "o.npy"};
  EXPECT_EQ(argumentsError(entry, options),
            "--inputs names 6 inputs, function @f takes 5: argument 0 (q), "
            "argument 1 (k), argument 2 (v), argument 3 (kv_lens), argument 4 "
            "(softcap)");
  options.inputs = {"no-such-file.npy"};
  EXPECT_NE(argumentsError(entry, options).find("no-such-file.npy"),
            std::string::npos);
}

TEST_F(RunnerTest, LengthsBeyondTheSequenceAreRefused) {
  Entry entry = find(withLens);
  RunnerOptions options;
  options.random = true;
  options.shapes = {{"q", {1, 3, 4, 8}},
                    {"k", {1, 3, 2, 8}},
                    {"v", {1, 3, 2, 8}},
                    {"kv_lens", {1}}};
  auto arguments = createArguments(entry, options);
  ASSERT_TRUE(static_cast<bool>(arguments));
  for (double length : {-1.0, 4.0}) {
    (*arguments)[3].view().storeFromDouble({0}, length);
    llvm::Error refused = validateArguments(entry, *arguments);
    ASSERT_TRUE(static_cast<bool>(refused)) << length;
    EXPECT_NE(llvm::toString(std::move(refused)).find("kv"), std::string::npos);
  }
}

/// Sizes, forms and operands that together use every role.
static std::vector<std::vector<const char *>> getForms() {
  return {{},
          {"--kv-heads=2", "--lens=both", "--sinks", "--alibi", "--bias=hij"},
          {"--layout=bhds", "--q-offset=batch", "--scale=dynamic"},
          {"--layout=bhsd", "--q-offset=scalar", "--softcap=dynamic"},
          {"--q-positions", "--mask=causal & !prefix(lens)"},
          {"--mask=segments | dense", "--dtype=bf16"},
          {"--layout=thd", "--mask=segments"},
          {"--layout=htd", "--q-positions"},
          {"--layout=hdt", "--q-layout=thd", "--out-layout=htd"},
          {"--page-size=4"},
          {"--page-size=3", "--layout=thd"},
          {"--dtype=f8E4M3FN", "--descales=bh"},
          {"--mask=per_head(causal, chunked(3), prefix(2), window(1,*))"}};
}

/// Binds and evaluates whatever the generator makes of `flags`.
static void checkForm(std::vector<const char *> flags,
                      mlir::MLIRContext *context) {
  std::string name;
  for (const char *flag : flags)
    name += std::string(flag) + " ";
  flags.insert(flags.begin(), {"attn-gen", "--batch=3", "--sq=5", "--skv=7",
                               "--dqk=8", "--lse"});
  auto parsed = generator::parseCommandLine(
      static_cast<int>(flags.size()), flags.data(), context, llvm::nulls());
  ASSERT_TRUE(parsed && *parsed) << name;
  auto module = generator::generate((*parsed)->problem, context);
  ASSERT_TRUE(static_cast<bool>(module))
      << name << llvm::toString(module.takeError());
  auto entry = findEntry(**module, "");
  ASSERT_TRUE(static_cast<bool>(entry)) << name;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    RunnerOptions options;
    options.seed = seed;
    auto arguments = createArguments(*entry, options);
    ASSERT_TRUE(static_cast<bool>(arguments))
        << name << llvm::toString(arguments.takeError());
    auto bound = bindProblem(entry->attentions[0], *arguments);
    ASSERT_TRUE(static_cast<bool>(bound))
        << name << llvm::toString(bound.takeError());
    std::string error;
    ASSERT_TRUE(reference::validate(bound->problem, error)) << name << error;
    auto result = reference::evaluate(bound->problem);
    EXPECT_EQ(static_cast<int64_t>(result.rows.size()),
              bound->problem.lseShape().size() == 2 ? 15 * 4 : 3 * 4 * 5)
        << name;
  }
}

TEST_F(RunnerTest, RandomInputsFitTheContractInEveryForm) {
  context->loadDialect<AttnDialect>();
  for (const std::vector<const char *> &flags : getForms())
    checkForm(flags, context.get());
}

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

/// Pairs that the reference's own mask function shows.
static int64_t countByAsking(const BoundProblem &bound) {
  const reference::AttentionProblem &problem = bound.problem;
  int64_t pairs = 0;
  for (int64_t b = 0; b < problem.batch(); ++b)
    for (int64_t h = 0; h < problem.numQHeads(); ++h)
      for (int64_t i = 0; i < problem.qLength(b); ++i)
        for (int64_t j = 0; j < problem.kvLength(b); ++j)
          pairs += !problem.mask ||
                   problem.mask({b, h, i, problem.qPosition(b, i), j});
  return pairs;
}

TEST_F(RunnerTest, VisiblePairsAreThoseOfTheReference) {
  const char *masks[] = {
      "#attn.causal",
      "#attn.sliding_window<3, 2>",
      "#attn.sliding_window<unbounded, 0>",
      "#attn.sliding_window<9223372036854775807, 9223372036854775807>",
      "#attn.chunked<5>",
      "#attn.prefix<4>",
      "#attn.prefix<slot 0>",
      "#attn.and<[]>",
      "#attn.or<[]>",
      "#attn.not<#attn.causal>",
      "#attn.or<[#attn.not<#attn.chunked<4>>, #attn.prefix<3>]>",
      "#attn.and<[#attn.not<#attn.sliding_window<1, 1>>, "
      "#attn.not<#attn.chunked<7>>]>",
      "#attn.per_head<[#attn.causal, #attn.prefix<2>, #attn.and<[]>, "
      "#attn.not<#attn.causal>]>"};
  for (llvm::StringRef mask : masks)
    for (int offset : {-4, 0, 6}) {
      bool slot = mask.contains("slot");
      Entry entry =
          find("func.func @f(%q: Q, %k: K, %v: K, %n: memref<?xi32>, %o: Q) {"
               "  attn.attention ins(%q, %k, %v : Q, K, K) mask(" +
               mask.str() + ") scale(0.5) q_offset(" + std::to_string(offset) +
               ") " +
               (slot ? "mask_operands(%n : memref<?xi32>)"
                     : "kv_lens(%n : memref<?xi32>)") +
               " outs(%o : Q) return }");
      ASSERT_EQ(error, "");
      RunnerOptions options;
      options.random = true;
      options.shapes = {{"q", {2, 9, 4, 8}},
                        {"k", {2, 13, 2, 8}},
                        {"v", {2, 13, 2, 8}},
                        {"arg3", {2}}};
      auto arguments = createArguments(entry, options);
      ASSERT_TRUE(static_cast<bool>(arguments));
      auto bound = bindProblem(entry.attentions[0], *arguments);
      ASSERT_TRUE(static_cast<bool>(bound));
      EXPECT_EQ(countVisiblePairs(*bound), countByAsking(*bound))
          << mask.str() << " offset " << offset;
    }
}

TEST(RunnerBenchTest, OrderStatistics) {
  Times one = summarize({3});
  EXPECT_EQ(one.median, 3);
  EXPECT_EQ(one.low, 3);
  EXPECT_EQ(one.high, 3);
  std::vector<double> seconds;
  for (int i = 11; i >= 1; --i)
    seconds.push_back(i);
  Times times = summarize(seconds);
  EXPECT_EQ(times.calls, 11);
  EXPECT_EQ(times.min, 1);
  EXPECT_EQ(times.median, 6);
  EXPECT_EQ(times.low, 2);
  EXPECT_EQ(times.high, 10);
  EXPECT_EQ(summarize({4, 1, 2, 3}).median, 2.5);
}

TEST(RunnerBenchTest, FlopsOfTwoProducts) {
  EXPECT_EQ(countFlops(10, 64, 32), 2.0 * 10 * 96);
}
