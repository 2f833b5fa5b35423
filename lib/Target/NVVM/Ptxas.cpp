//===- Ptxas.cpp - From PTX to cubins -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/NVVM/Ptxas.h"

#include "attn/Support/Environment.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

Expected<std::string> attn::findPtxas(StringRef given) {
  if (!given.empty()) {
    if (sys::fs::can_execute(given))
      return given.str();
    return createStringError("no ptxas: " + given + " is no program");
  }
  if (std::string found = getPtxasPath(); !found.empty())
    return found;
  return createStringError("no ptxas in $CUDA_HOME/bin or $PATH");
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

namespace {
/// A file that is there as long as this.
class TemporaryFile {
public:
  ~TemporaryFile() {
    if (!path.empty())
      sys::fs::remove(path);
  }

  Error create(StringRef suffix, StringRef content) {
    int file;
    if (std::error_code code =
            sys::fs::createTemporaryFile("attn-kernel", suffix, file, path))
      return createStringError("cannot make a temporary file: " +
                               code.message());
    raw_fd_ostream stream(file, /*shouldClose=*/true);
    stream << content;
    stream.close();
    if (!stream.has_error())
      return Error::success();
    std::string message = stream.error().message();
    stream.clear_error();
    return createStringError("cannot write " + getPath() + ": " + message);
  }

  Expected<std::string> read() const {
    auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                        /*RequiresNullTerminator=*/false);
    if (!buffer)
      return createStringError("cannot read " + getPath() + ": " +
                               buffer.getError().message());
    return (*buffer)->getBuffer().str();
  }

  StringRef getPath() const { return path; }

private:
  SmallString<128> path;
};
} // namespace

/// What the program prints, standard output and errors together.
static Expected<std::string> run(ArrayRef<StringRef> command) {
  TemporaryFile output;
  if (Error error = output.create("txt", ""))
    return std::move(error);
  std::string message;
  int status =
      sys::ExecuteAndWait(command.front(), command, /*Env=*/std::nullopt,
                          {StringRef(""), output.getPath(), output.getPath()},
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  auto text = output.read();
  if (!text)
    return text.takeError();
  if (status == 0)
    return text;
  return createStringError(
      "ptxas failed: " +
      (message.empty() ? StringRef(*text).trim().str() : message));
}

/// "ptxas 13.0.88".
static std::string getVersion(StringRef ptxas) {
  auto text = run({ptxas, "--version"});
  SmallVector<StringRef> match;
  if (text && Regex("V([0-9.]+)").match(*text, &match))
    return "ptxas " + match[1].str();
  consumeError(text.takeError());
  return "ptxas";
}

//===----------------------------------------------------------------------===//
// The report
//===----------------------------------------------------------------------===//

/// Adds the numbers of one line to the kernel it is about.
static void parseLine(StringRef line,
                      std::vector<std::pair<std::string, int64_t>> &amounts) {
  static const std::pair<const char *, const char *> patterns[] = {
      {"registers", "Used ([0-9]+) registers"},
      {"spill_stores", "([0-9]+) bytes spill stores"},
      {"spill_loads", "([0-9]+) bytes spill loads"},
      {"local_bytes", "([0-9]+) bytes stack frame"}};
  for (auto [name, pattern] : patterns) {
    SmallVector<StringRef> match;
    int64_t amount;
    if (Regex(pattern).match(line, &match) && to_integer(match[1], amount))
      amounts.emplace_back(name, amount);
  }
}

KernelResources attn::parsePtxasReport(StringRef text,
                                       std::vector<std::string> &warnings) {
  KernelResources resources;
  SmallVector<StringRef> lines, match;
  text.split(lines, '\n', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  const Regex entry("Compiling entry function '([^']+)'");
  std::string kernel;
  for (StringRef line : lines) {
    if (entry.match(line, &match)) {
      kernel = match[1].str();
      continue;
    }
    // Advice on performance has numbers C75xx; some of it is called "info".
    if (line.contains("warning") || line.contains("(C75"))
      warnings.push_back(line.trim().str());
    if (!kernel.empty())
      parseLine(line, resources[kernel]);
  }
  return resources;
}

namespace {
/// What the blocks on one multiprocessor share (CUDA C++ Programming Guide,
/// "Technical Specifications per Compute Capability").
struct ChipLimits {
  const char *chip;
  int64_t warps, sharedBytes, blocks;
};
} // namespace

static constexpr ChipLimits chipLimits[] = {
    {"sm_80", 64, 164 * 1024, 32},  {"sm_86", 48, 100 * 1024, 16},
    {"sm_89", 48, 100 * 1024, 24},  {"sm_90", 64, 228 * 1024, 32},
    {"sm_90a", 64, 228 * 1024, 32}, {"sm_100a", 64, 228 * 1024, 32}};

/// Registers of a multiprocessor, and what a warp takes them in.
static constexpr int64_t numRegisters = 65536, registerUnit = 256,
                         warpThreads = 32;
/// Shared memory that the system takes of each block.
static constexpr int64_t reservedSharedBytes = 1024;

/// Blocks that a multiprocessor holds at a time; nothing if the chip is not in
/// the table.
static std::optional<int64_t>
getOccupancy(StringRef chip, const PtxKernel &kernel, int64_t registers) {
  for (const ChipLimits &limits : chipLimits) {
    if (chip != limits.chip || kernel.threads == 0 || registers == 0)
      continue;
    int64_t warps = divideCeil(kernel.threads, warpThreads);
    int64_t perWarp = alignTo(registers * warpThreads, registerUnit);
    return std::min(
        {limits.blocks, limits.warps / warps, numRegisters / (perWarp * warps),
         limits.sharedBytes / (kernel.sharedBytes + reservedSharedBytes)});
  }
  return std::nullopt;
}

static void addOccupancy(KernelResources &resources, StringRef chip,
                         ArrayRef<PtxKernel> kernels) {
  for (const PtxKernel &kernel : kernels) {
    auto found = resources.find(kernel.name);
    if (found == resources.end())
      continue;
    int64_t registers = 0;
    for (const auto &[name, amount] : found->second)
      if (name == "registers")
        registers = amount;
    if (auto blocks = getOccupancy(chip, kernel, registers))
      found->second.emplace_back("blocks_per_multiprocessor", *blocks);
  }
}

/// Kernels of matrix instructions are written in the order in which they shall
/// run and fill the registers. From -O2 on the assembler moves loads ahead and
/// often spills for it; -O1 ran up to 5 % faster on an H200 and takes half the
/// time. Where that spills, -O3 may not. Scalar code wants -O3.
static ArrayRef<StringRef> getOptimizationLevels(StringRef ptx) {
  static constexpr StringRef levels[] = {"-O1", "-O3"};
  return ArrayRef(levels).drop_front(ptx.contains("mma.sync") ? 0 : 1);
}

/// The bytes that all kernels together spill.
static int64_t countSpills(const KernelResources &resources) {
  int64_t bytes = 0;
  for (const auto &[kernel, amounts] : resources)
    for (const auto &[name, amount] : amounts)
      if (name == "spill_stores" || name == "spill_loads")
        bytes += amount;
  return bytes;
}

/// Assembles `ptx` at one level; the version stays open.
static Expected<Cubin> assembleAt(StringRef level, StringRef ptxas,
                                  StringRef ptx, StringRef chip) {
  TemporaryFile input, output;
  if (Error error = input.create("ptx", ptx))
    return std::move(error);
  if (Error error = output.create("cubin", ""))
    return std::move(error);
  auto report = run({ptxas, "-v", level, "-arch", chip, input.getPath(), "-o",
                     output.getPath()});
  if (!report)
    return report.takeError();
  auto bytes = output.read();
  if (!bytes)
    return bytes.takeError();
  Cubin cubin;
  cubin.bytes = std::move(*bytes);
  cubin.resources = parsePtxasReport(*report, cubin.warnings);
  return cubin;
}

Expected<Cubin> attn::assemblePtx(StringRef ptxas, StringRef ptx,
                                  StringRef chip, ArrayRef<PtxKernel> kernels) {
  std::optional<Cubin> best;
  for (StringRef level : getOptimizationLevels(ptx)) {
    Expected<Cubin> cubin = assembleAt(level, ptxas, ptx, chip);
    if (!cubin)
      return cubin.takeError();
    if (!best || countSpills(cubin->resources) < countSpills(best->resources))
      best = std::move(*cubin);
    if (countSpills(best->resources) == 0)
      break;
  }
  best->assembler = getVersion(ptxas);
  addOccupancy(best->resources, chip, kernels);
  return std::move(*best);
}
