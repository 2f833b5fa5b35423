//===- attn-compile.cpp - Compile a function into a kernel file -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/Image.h"
#include "attn/Artefact/Source.h"
#include "attn/Compiler/CommandLine.h"
#include "attn/Compiler/Context.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Runtime/KernelFile.h"
#include "attn/Support/SourceNesting.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::opt;
using namespace attn;

//===----------------------------------------------------------------------===//
// The table of options
//===----------------------------------------------------------------------===//

#define ATTN_OPTIONS "CompileOptions.inc"
#include "attn/Compiler/OptionTable.def"

//===----------------------------------------------------------------------===//
// Input and output
//===----------------------------------------------------------------------===//

/// Options of attn-gen as lines of a description.
static std::string toDescription(StringRef options) {
  SmallVector<StringRef> words;
  SplitString(options, words);
  std::string text;
  for (StringRef word : words) {
    word.consume_front("--");
    text += (word + "\n").str();
  }
  return text;
}

static Expected<KernelSource> readSource(const CommandLine &flags) {
  KernelSource source;
  source.entry = flags.get(OPT_entry, "");
  std::vector<std::string> files = flags.getAll(OPT_INPUT);
  if (auto problem = flags.get(OPT_problem)) {
    if (!files.empty())
      return createError("expected a file or --problem, not both");
    source.kind = KernelSource::Kind::Problem;
    source.text = toDescription(*problem);
    return source;
  }
  if (files.size() != 1)
    return createError("expected one file of MLIR, or --problem");
  std::string message;
  std::unique_ptr<MemoryBuffer> buffer =
      mlir::openInputFile(files.front(), &message);
  if (buffer)
    message = findExcessiveNesting(buffer->getBuffer());
  if (!message.empty())
    return createError(files.front() + ": " + message);
  source.kind = KernelSource::Kind::Module;
  source.text = buffer->getBuffer().str();
  return source;
}

static Error write(const Twine &path, StringRef bytes) {
  std::string error;
  if (replaceFile(path.str(), bytes, error))
    return Error::success();
  return createError(error);
}

/// One line for each kernel: "kernel: 128 threads, 65536 bytes shared,
/// registers 255, spill_stores 0".
static void printReport(const GpuCode &code) {
  outs() << "assembler: " << code.assembler << "\n";
  for (const GpuBinary &binary : code.binaries)
    outs() << binary.kind << ": " << binary.bytes.size() << " bytes\n";
  for (const GpuKernel &kernel : code.kernels) {
    outs() << kernel.name << ": block "
           << join(map_range(kernel.block,
                             [](int64_t n) { return std::to_string(n); }),
                   "x")
           << ", dynamic shared memory " << kernel.sharedBytes << " bytes";
    for (const auto &[name, amount] : kernel.resources)
      outs() << ", " << name << " " << amount;
    outs() << "\n";
  }
  for (const std::string &warning : code.warnings)
    outs() << "warning: " << warning << "\n";
}

/// What the options ask of GPU code.
static Error handleGpuCode(const CommandLine &flags, const Image &image) {
  if (!image.gpuCode) {
    for (unsigned id : {OPT_report, OPT_fail_on_spill, OPT_save_code})
      if (flags.has(id))
        return createError("--report, --fail-on-spill and --save-code are for "
                           "GPU targets");
    return Error::success();
  }
  if (flags.has(OPT_report))
    printReport(*image.gpuCode);
  if (auto prefix = flags.get(OPT_save_code))
    for (const GpuBinary &binary : image.gpuCode->binaries)
      if (Error error = write(*prefix + "." + binary.kind, binary.bytes))
        return error;
  return flags.has(OPT_fail_on_spill) ? checkResources(*image.gpuCode)
                                      : Error::success();
}

static Error compile(const CommandLine &flags) {
  auto source = readSource(flags);
  if (!source)
    return source.takeError();
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto module = readSource(*source, context.get());
  if (!module)
    return module.takeError();
  ImageOptions options;
  options.target = flags.get(OPT_target, "native");
  options.ptxas = flags.get(OPT_ptxas, "");
  if (source->kind == KernelSource::Kind::Problem)
    options.problem = source->text;
  auto image = createImage(**module, source->entry, options);
  if (!image)
    return image.takeError();
  if (Error error = handleGpuCode(flags, *image))
    return error;
  auto path = flags.get(OPT_output);
  if (!path)
    return Error::success();
  return write(*path, packKernelFile({image->object, image->manifest, ""}));
}

static Error run(int argc, char **argv) {
  ToolOptTable table;
  auto flags = CommandLine::parse(table, OPT_UNKNOWN, argc, argv);
  if (!flags)
    return flags.takeError();
  if (!flags->has(OPT_help))
    return compile(*flags);
  table.printHelp(outs(), "attn-compile FILE.mlir -o KERNEL.attnk [options]",
                  "Compiles a function on memrefs into a kernel file, which "
                  "libattn-c runs without a compiler");
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  Error error = run(argc, argv);
  Error written = flushStandardOutput();
  if (!error)
    error = std::move(written);
  consumeError(std::move(written));
  if (!error)
    return 0;
  errs() << "attn-compile: error: " << toString(std::move(error)) << "\n";
  return 2;
}
