//===- Emulator.cpp - Boundary of the emulator library --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Emulator/Emulator.h"
#include "Jit/Jit.h"
#include "Jit/Mutate.h"
#include "Ops/Registry.h"
#include "Ops/TensorMap.h"

#include "llvm/Support/Error.h"

#include <algorithm>
#include <map>
#include <optional>

using namespace attn::emulator;

struct attn_emulator {
  std::string ir;
  std::string triple;
  std::vector<KernelInfo> kernels;
  std::vector<std::string> mutants;
  std::optional<size_t> mutant;
  /// Compiled at their first launch.
  std::map<std::string, std::unique_ptr<CompiledKernel>> compiled;
  std::mutex mutex;
};

static std::string &lastError() {
  static thread_local std::string text;
  return text;
}

static int fail(std::string text) {
  lastError() = std::move(text);
  return 1;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

attn_emulator *attn_emulator_create(const char *ir, size_t bytes,
                                    const char *triple) {
  auto module = std::make_unique<attn_emulator>();
  module->ir.assign(ir, bytes);
  module->triple = triple ? triple : "";
  llvm::LLVMContext context;
  auto parsed = parseModule(module->ir, module->triple, context);
  if (!parsed) {
    fail(llvm::toString(parsed.takeError()));
    return nullptr;
  }
  module->kernels = findKernels(**parsed);
  module->mutants = listMutants(**parsed);
  return module.release();
}

void attn_emulator_destroy(attn_emulator *module) { delete module; }

const char *attn_emulator_error(void) { return lastError().c_str(); }

size_t attn_emulator_kernel_count(const attn_emulator *module) {
  return module->kernels.size();
}

const char *attn_emulator_kernel_name(const attn_emulator *module,
                                      size_t index) {
  return module->kernels[index].name.c_str();
}

static const KernelInfo *findKernel(const attn_emulator &module,
                                    const std::string &name) {
  for (const KernelInfo &kernel : module.kernels)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

int attn_emulator_block_size(const attn_emulator *module, const char *kernel,
                             uint32_t block[3]) {
  const KernelInfo *info = findKernel(*module, kernel);
  if (!info)
    return fail("no kernel '" + std::string(kernel) + "'");
  std::copy(info->block.begin(), info->block.end(), block);
  return 0;
}

/// The code of a kernel, compiled if it was not yet; null on an error.
static const CompiledKernel *getCode(attn_emulator &module,
                                     const std::string &name) {
  std::lock_guard<std::mutex> lock(module.mutex);
  std::unique_ptr<CompiledKernel> &code = module.compiled[name];
  if (code)
    return code.get();
  auto context = std::make_unique<llvm::LLVMContext>();
  auto parsed = parseModule(module.ir, module.triple, *context);
  if (!parsed) {
    fail(llvm::toString(parsed.takeError()));
    return nullptr;
  }
  if (module.mutant)
    makeMutant(**parsed, *module.mutant);
  auto compiled =
      CompiledKernel::compile(std::move(*parsed), std::move(context), name);
  if (!compiled) {
    fail("kernel " + name + ": " + llvm::toString(compiled.takeError()));
    return nullptr;
  }
  code = std::move(*compiled);
  return code.get();
}

int attn_emulator_compile(attn_emulator *module, const char *kernel) {
  return getCode(*module, kernel) ? 0 : 1;
}

size_t attn_emulator_mutant_count(const attn_emulator *module) {
  return module->mutants.size();
}

const char *attn_emulator_mutant_name(const attn_emulator *module,
                                      size_t index) {
  return module->mutants[index].c_str();
}

/// Forgets the code that mutant `index` differs in: its name begins with the
/// function's, which may be a kernel or be called by any.
static void forgetCode(attn_emulator &module, size_t index) {
  const std::string &name = module.mutants[index];
  const std::string function = name.substr(0, name.find(": "));
  if (findKernel(module, function))
    module.compiled.erase(function);
  else
    module.compiled.clear();
}

int attn_emulator_mutate(attn_emulator *module, size_t index) {
  if (index >= module->mutants.size())
    return fail("no mutant " + std::to_string(index));
  if (module->mutant)
    forgetCode(*module, *module->mutant);
  forgetCode(*module, index);
  module->mutant = index;
  return 0;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

static LaunchOptions readOptions(const attn_emulator_options *options) {
  LaunchOptions result;
  if (!options)
    return result;
  result.detectRaces = options->detect_races != 0;
  result.async = options->eager_copies ? AsyncMode::Eager : AsyncMode::Lazy;
  result.seed = options->seed;
  result.workers = options->workers;
  result.boundsKnown = options->ranges != nullptr;
  for (size_t n = 0; n < options->range_count; ++n)
    result.ranges.push_back(
        {reinterpret_cast<uintptr_t>(options->ranges[n].base),
         static_cast<size_t>(options->ranges[n].bytes)});
  std::sort(result.ranges.begin(), result.ranges.end(),
            [](const MemoryRange &lhs, const MemoryRange &rhs) {
              return lhs.base < rhs.base;
            });
  return result;
}

static std::string text(const Dim3 &dim) {
  return std::to_string(dim[0]) + " x " + std::to_string(dim[1]) + " x " +
         std::to_string(dim[2]);
}

/// What a driver refuses too. Returns the reason, or nothing.
static std::string checkLaunch(const Launch &launch, const KernelInfo &info) {
  constexpr uint64_t maxThreads = 1024;
  const uint64_t threads = volume(launch.block);
  if (threads == 0 || threads > maxThreads)
    return "a block of " + text(launch.block) +
           " threads; 1 to 1024 are "
           "allowed";
  if (info.block[0] && info.block != launch.block)
    return "a block of " + text(launch.block) +
           " threads; the kernel requires " + text(info.block);
  for (int d = 0; d < 3; ++d)
    if (launch.grid[d] % launch.kernel.cluster[d] != 0)
      return "a grid of " + text(launch.grid) +
             " blocks, not a multiple of the cluster of " +
             text(launch.kernel.cluster);
  if (volume(launch.kernel.cluster) > SharedWindow::maxBlocks)
    return "a cluster of " + text(launch.kernel.cluster) +
           " blocks; at most 16 are allowed";
  if (volume(launch.grid) >= uint64_t(1) << 27)
    return "a grid of " + text(launch.grid) + " blocks";
  return {};
}

/// The argument block at an address that suits every parameter.
static std::vector<char> copyArguments(const attn_emulator_launch &request,
                                       char *&aligned) {
  constexpr size_t alignment = 128;
  std::vector<char> memory(request.argument_bytes + alignment);
  const uintptr_t at = reinterpret_cast<uintptr_t>(memory.data());
  aligned = memory.data() + (alignment - at % alignment) % alignment;
  if (request.argument_bytes)
    std::memcpy(aligned, request.arguments, request.argument_bytes);
  return memory;
}

int attn_emulator_run(attn_emulator *module,
                      const attn_emulator_launch *request,
                      const attn_emulator_options *options,
                      attn_emulator_statistics *statistics) {
  const KernelInfo *info = findKernel(*module, request->kernel);
  if (!info)
    return fail("no kernel '" + std::string(request->kernel) + "'");
  const CompiledKernel *code = getCode(*module, info->name);
  if (!code)
    return 1;
  const std::string prefix = "kernel " + info->name + ": ";
  if (request->argument_bytes < code->layout.argumentBytes)
    return fail(prefix + std::to_string(request->argument_bytes) +
                " bytes of arguments; it takes " +
                std::to_string(code->layout.argumentBytes));
  Launch launch;
  launch.kernel = {code->entry,    info->name, code->layout.staticSharedBytes,
                   info->warpSize, info->chip, info->cluster};
  launch.options = readOptions(options);
  std::copy_n(request->grid, 3, launch.grid.begin());
  std::copy_n(request->block, 3, launch.block.begin());
  launch.sharedBytes =
      code->layout.staticSharedBytes + request->dynamic_shared_bytes;
  const std::string refusal = checkLaunch(launch, *info);
  if (!refusal.empty())
    return fail(prefix + refusal);
  char *arguments;
  const std::vector<char> memory = copyArguments(*request, arguments);
  launch.arguments = arguments;
  const bool isDone = volume(launch.grid) == 0 || run(launch);
  if (statistics)
    *statistics = {launch.statistics().switches, launch.statistics().operations,
                   launch.statistics().checks};
  return isDone ? 0 : fail(launch.error());
}

int attn_emulator_encode_tensor(const attn_emulator_tensor *tensor, void *map) {
  TensorMap result;
  result.base = reinterpret_cast<uintptr_t>(tensor->base);
  result.elementBytes = static_cast<uint8_t>(tensor->element_bytes);
  result.rank = static_cast<uint8_t>(tensor->rank);
  if (result.rank < 1 || result.rank > TensorMap::maxRank)
    return fail("a tensor map of rank " + std::to_string(tensor->rank));
  for (unsigned d = 0; d < result.rank; ++d) {
    result.dims[d] = tensor->dims[d];
    result.box[d] = static_cast<uint16_t>(tensor->box[d]);
    result.strides[d] = d ? tensor->strides[d - 1] : result.elementBytes;
  }
  result.setSwizzle(tensor->swizzle_bytes);
  const std::string refusal = result.check();
  if (!refusal.empty())
    return fail("a tensor map with " + refusal);
  std::memset(map, 0, TensorMap::bytes);
  std::memcpy(map, &result, sizeof(result));
  return 0;
}

size_t attn_emulator_operations(const char **names, size_t capacity) {
  static const std::vector<std::string> all = Registry::get().names();
  for (size_t n = 0; n < std::min(capacity, all.size()); ++n)
    names[n] = all[n].c_str();
  return all.size();
}
