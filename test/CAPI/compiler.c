//===- compiler.c - Test of attn-c/Compiler.h ---------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// RUN: rm -rf %t %t.bc
// RUN: attn-gen --memref --dynamic --strided --q-heads=2 --dqk=8 \
// RUN:   --mask=causal | attn-opt --emit-bytecode -o %t.bc
// RUN: attn-capi-compiler-test %t %t.bc
//===----------------------------------------------------------------------===//

#include "attn-c/Compiler.h"

#include "AttentionTest.h"

static AttnCompilerStatistics getStatistics(const AttnCompiler *compiler) {
  AttnCompilerStatistics statistics = {.size = sizeof(statistics)};
  CHECK_OK(attnCompilerGetStatistics(compiler, &statistics));
  return statistics;
}

static AttnCompiler *createCompiler(const char *directory, int disableCache) {
  AttnCompilerOptions options = {sizeof(options), directory, 0, disableCache,
                                 0};
  AttnCompiler *compiler;
  CHECK_OK(attnCompilerCreate(&options, &compiler));
  return compiler;
}

static void runCausal(AttnCompiler *compiler, int64_t length) {
  AttnSource source = getCausalSource();
  AttnKernel *kernel;
  CHECK_OK(attnCompile(compiler, &source, "native", &kernel));
  Buffers buffers;
  createBuffers(&buffers, length);
  CHECK_OK(attnKernelRun(kernel, buffers.arrays, 4, NULL));
  checkOutput(&buffers);
  destroyBuffers(&buffers);
  attnKernelDestroy(kernel);
}

/* Lengths are run-time values: a hundred of them, one compilation. */
static void testLengths(AttnCompiler *compiler) {
  for (int64_t length = 0; length < 100; ++length)
    runCausal(compiler, 3 * length);
  AttnCompilerStatistics statistics = getStatistics(compiler);
  CHECK(statistics.compiled == 1);
  CHECK(statistics.foundInMemory == 99);
}

static void testFiles(const char *directory) {
  AttnCompiler *compiler = createCompiler(directory, 0);
  runCausal(compiler, 5);
  CHECK(getStatistics(compiler).compiled == 0);
  CHECK(getStatistics(compiler).foundInFiles == 1);
  CHECK(getStatistics(compiler).failedWrites == 0);
  attnCompilerDestroy(compiler);

  compiler = createCompiler(directory, 1);
  runCausal(compiler, 5);
  runCausal(compiler, 5);
  CHECK(getStatistics(compiler).compiled == 2);
  attnCompilerDestroy(compiler);
}

/* Kernels that are in use at the same time are different code. */
static void testTwoKernels(AttnCompiler *compiler) {
  const char *const problems[2] = {"q-heads=2\ndqk=8\nmemref\nmask=causal",
                                   "q-heads=2\ndqk=8\nmemref\nsq=5"};
  AttnKernel *kernels[2];
  for (int i = 0; i < 2; ++i) {
    AttnSource source = {ATTN_SOURCE_PROBLEM, problems[i], strlen(problems[i]),
                         NULL};
    CHECK_OK(attnCompile(compiler, &source, NULL, &kernels[i]));
  }
  Buffers buffers;
  createBuffers(&buffers, 5);
  CHECK_ERROR(attnKernelRun(kernels[0], buffers.arrays, 4, NULL),
              ATTN_ERROR_INVALID_ARGUMENT, "expected [1, 2048, 2, 8]");
  CHECK_OK(attnKernelRun(kernels[1], buffers.arrays, 4, NULL));
  // Every row sees all five keys.
  CHECK(fabsf(buffers.data[3][0] - 2) < 1e-3f);
  destroyBuffers(&buffers);
  for (int i = 0; i < 2; ++i)
    attnKernelDestroy(kernels[i]);
}

static AttnError *compileText(AttnCompiler *compiler, AttnSourceKind kind,
                              const char *text, const char *target) {
  AttnSource source = {kind, text, strlen(text), NULL};
  AttnKernel *kernel = NULL;
  AttnError *error = attnCompile(compiler, &source, target, &kernel);
  CHECK(error || kernel);
  attnKernelDestroy(kernel);
  return error;
}

static void testRefusals(AttnCompiler *compiler) {
  const AttnErrorCode invalid = ATTN_ERROR_INVALID_ARGUMENT;
  const AttnSourceKind problem = ATTN_SOURCE_PROBLEM;
  const AttnSourceKind module = ATTN_SOURCE_MODULE;
  CHECK_ERROR(compileText(compiler, problem, "mask=casual\nmemref", NULL),
              invalid, "casual");
  CHECK_ERROR(compileText(compiler, problem, "colour=red", NULL), invalid,
              "--colour");
  CHECK_ERROR(compileText(compiler, problem, "--help", NULL), invalid,
              "expected name=value");
  CHECK_ERROR(compileText(compiler, problem, "dqk=8", NULL), ATTN_ERROR_COMPILE,
              "returns something");
  CHECK_ERROR(compileText(compiler, problem, "memref", "z80"), invalid,
              "unknown target 'z80'");
  CHECK_ERROR(compileText(compiler, module, "func.func @f(", NULL), invalid,
              "module:1:");
  CHECK_ERROR(compileText(compiler, module, "", NULL), ATTN_ERROR_COMPILE,
              "no public function has an attn.attention");
  AttnSource source = getCausalSource();
  AttnText *text;
  CHECK_ERROR(attnEmit(compiler, &source, NULL, "ptx", &text), invalid,
              "stage: no stage 'ptx'; there are attn, configured");
  source.kind = 7;
  CHECK_ERROR(attnEmit(compiler, &source, NULL, "attn", &text), invalid,
              "source: no kind 7");
  AttnKernel *kernel;
  CHECK_ERROR(attnCompile(NULL, &source, NULL, &kernel), invalid, "null");
  AttnCompilerStatistics statistics = {.size = 1};
  CHECK_ERROR(attnCompilerGetStatistics(compiler, &statistics), invalid,
              "statistics: size is 1");
}

static void testCacheDirectories(void) {
  AttnCompilerOptions options = {sizeof(options), "/dev/null", 0, 0, 0};
  AttnCompiler *compiler;
  CHECK_ERROR(attnCompilerCreate(&options, &compiler), ATTN_ERROR_IO,
              "cache directory /dev/null: not a directory");
  options.cacheDirectory = "/tmp";
  CHECK_ERROR(attnCompilerCreate(&options, &compiler), ATTN_ERROR_IO,
              "must belong to this user and be writable by nobody else");
  options.size = 1;
  CHECK_ERROR(attnCompilerCreate(&options, &compiler),
              ATTN_ERROR_INVALID_ARGUMENT, "options: size is 1");
}

/* Every stage has its mark, and modules are compiled as problems are. */
static void testStages(AttnCompiler *compiler) {
  const char *const stages[][2] = {
      {"attn", "attn.attention"}, {"configured", "#attn.config"},
      {"online", "attn.launch"},  {"tile", "!attn.tile"},
      {"llvm", "llvm.func"},      {"llvm-ir", "define "},
      {"asm", ".text"},           {"object", "ELF"}};
  AttnSource source = getCausalSource();
  AttnText *text;
  for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); ++i) {
    CHECK_OK(attnEmit(compiler, &source, NULL, stages[i][0], &text));
    CHECK(strstr(attnTextGetData(text), stages[i][1]));
    CHECK(attnTextGetSize(text) > 100);
    attnTextDestroy(text);
  }
  CHECK_OK(attnEmit(compiler, &source, NULL, "attn", &text));
  CHECK_OK(
      compileText(compiler, ATTN_SOURCE_MODULE, attnTextGetData(text), NULL));
  attnTextDestroy(text);
}

/* MLIR bytecode in the place of text, at any address. */
static void testBytecode(AttnCompiler *compiler, const char *path) {
  FILE *file = fopen(path, "rb");
  CHECK(file);
  char bytes[1 + 65536];
  size_t size = fread(bytes + 1, 1, sizeof(bytes) - 1, file);
  CHECK(feof(file));
  fclose(file);
  AttnSource source = {ATTN_SOURCE_MODULE, bytes + 1, size, NULL};
  AttnKernel *kernel;
  CHECK_OK(attnCompile(compiler, &source, NULL, &kernel));
  Buffers buffers;
  createBuffers(&buffers, 7);
  CHECK_OK(attnKernelRun(kernel, buffers.arrays, 4, NULL));
  checkOutput(&buffers);
  destroyBuffers(&buffers);
  attnKernelDestroy(kernel);
  source.size = size / 2;
  CHECK_ERROR(attnCompile(compiler, &source, NULL, &kernel),
              ATTN_ERROR_INVALID_ARGUMENT, "module");
}

/* What LLVM's code generators refuse is an error and not the end of the
   process, be it reported or fatal; and the next compilation works. */
static void testCodegenErrors(AttnCompiler *compiler) {
  static const char *const functions[][2] = {
      {"llvm.func @f() attributes {garbageCollector = \"none such\"} {\n"
       "  llvm.return\n}\n",
       "the code generator gave up: unsupported GC: none such"},
      {"llvm.func @f() {\n"
       "  llvm.inline_asm has_side_effects \"none such\", \"\" : () -> ()\n"
       "  llvm.return\n}\n",
       "code generation failed: "}};
  AttnSource problem = getCausalSource();
  AttnText *module;
  CHECK_OK(attnEmit(compiler, &problem, NULL, "attn", &module));
  for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); ++i) {
    const char *function = strstr(attnTextGetData(module), "func.func");
    CHECK(function);
    char text[4096];
    snprintf(text, sizeof(text), "%s%.*s", functions[i][0],
             (int)(strstr(function, "\n  }\n") + 5 - function), function);
    CHECK_ERROR(compileText(compiler, ATTN_SOURCE_MODULE, text, NULL),
                ATTN_ERROR_COMPILE, functions[i][1]);
  }
  attnTextDestroy(module);
  runCausal(compiler, 5);
}

/* Code for any target can be made and saved; it runs where it can. */
static void testOtherTarget(AttnCompiler *compiler) {
  AttnSource source = getCausalSource();
  AttnKernel *kernel;
  CHECK_OK(attnCompile(compiler, &source, "aarch64", &kernel));
  Buffers buffers;
  createBuffers(&buffers, 3);
  AttnError *error = attnKernelRun(kernel, buffers.arrays, 4, NULL);
#if defined(__x86_64__)
  CHECK_ERROR(error, ATTN_ERROR_UNSUPPORTED, "the kernel is for aarch64");
#else
  attnErrorDestroy(error);
#endif
  destroyBuffers(&buffers);
  attnKernelDestroy(kernel);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  AttnCompiler *compiler = createCompiler(argv[1], 0);
  testLengths(compiler);
  testFiles(argv[1]);
  testTwoKernels(compiler);
  testRefusals(compiler);
  testCacheDirectories();
  testStages(compiler);
  testBytecode(compiler, argv[2]);
  testCodegenErrors(compiler);
  testOtherTarget(compiler);
  attnCompilerDestroy(compiler);
  attnCompilerDestroy(NULL);
  return 0;
}
