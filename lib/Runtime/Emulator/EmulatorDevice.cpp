//===- EmulatorDevice.cpp - Kernels on the emulator -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Devices.h"
#include "../Driver.h"
#include "attn/Emulator/Emulator.h"
#include "attn/Runtime/DynamicLibrary.h"
#include "attn/Runtime/Memory.h"

#include <chrono>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>

using namespace attn;

namespace {
/// The functions of the emulator's library; every one of them is there.
struct EmulatorLibrary {
#define ATTN_EMULATOR(member, symbol) decltype(&symbol) member = nullptr;
#include "EmulatorSymbols.def"
#undef ATTN_EMULATOR

  /// Opens the library; an error if it is not there. See getDriver().
  bool open(std::string &error);
};
} // namespace

bool EmulatorLibrary::open(std::string &error) {
  // Beside libattn-c, or in the folder beside a tool's.
  std::string own = getOwnLibraryFolder(), name = "libattn-emulator.so";
  DynamicLibrary library =
      DynamicLibrary::open({own + name, own + "../lib/" + name, name}, error);
  if (!library) {
    error = "no emulator: " + error;
    return false;
  }
#define ATTN_EMULATOR(member, symbol)                                          \
  if (!library.find(#symbol, member, error))                                   \
    return false;
#include "EmulatorSymbols.def"
#undef ATTN_EMULATOR
  return true;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

namespace {
class EmulatorProgram final : public DeviceProgram {
public:
  EmulatorProgram(const EmulatorLibrary &library,
                  std::shared_ptr<const DeviceOptions> options)
      : library(library), options(std::move(options)) {}
  ~EmulatorProgram() override {
    if (module)
      library.destroy(module);
  }

  bool load(const ManifestGpu &gpu, std::string_view bitcode,
            std::string &error);
  bool launch(const LaunchList &list,
              const std::vector<MemoryRange> &accessible, void *stream,
              std::string &error) override;
  std::string describe() const override;

private:
  bool mutate(std::string &error);

  const EmulatorLibrary &library;
  const std::shared_ptr<const DeviceOptions> options;
  attn_emulator *module = nullptr;
  int64_t mutant = -1;
  std::vector<ManifestGpuKernel> kernels;
  /// A module is used by one thread at a time.
  std::mutex mutex;
};
} // namespace

bool EmulatorProgram::load(const ManifestGpu &gpu, std::string_view bitcode,
                           std::string &error) {
  kernels = gpu.kernels;
  module = library.create(bitcode.data(), bitcode.size(), gpu.triple.c_str());
  if (!module) {
    error = std::string("emulator: ") + library.getError();
    return false;
  }
  if (!mutate(error))
    return false;
  for (const ManifestGpuKernel &kernel : kernels)
    if (library.compile(module, kernel.name.c_str()) != 0) {
      error = std::string("emulator: ") + library.getError();
      return false;
    }
  return true;
}

/// Makes the module the mutant that is wanted now.
bool EmulatorProgram::mutate(std::string &error) {
  if (options->mutant < 0 || options->mutant == mutant)
    return true;
  mutant = options->mutant;
  if (library.mutate(module, static_cast<size_t>(mutant)) == 0)
    return true;
  error = std::string("emulator: ") + library.getError();
  return false;
}

static attn_emulator_launch describeLaunch(const LaunchList &list,
                                           const GpuLaunch &launch,
                                           const ManifestGpuKernel &kernel) {
  attn_emulator_launch request = {};
  request.kernel = kernel.name.c_str();
  request.grid[0] = static_cast<uint32_t>(launch.count);
  request.grid[1] = request.grid[2] = 1;
  for (int d = 0; d < 3; ++d)
    request.block[d] = static_cast<uint32_t>(kernel.block[d]);
  request.dynamic_shared_bytes = static_cast<uint64_t>(kernel.sharedBytes);
  request.arguments = list.getSlots(launch);
  request.argument_bytes = launch.numSlots * sizeof(int64_t);
  return request;
}

bool EmulatorProgram::launch(const LaunchList &list,
                             const std::vector<MemoryRange> &accessible, void *,
                             std::string &error) {
  std::vector<attn_emulator_range> ranges;
  for (const MemoryRange &range : accessible)
    if (range.bytes > 0)
      ranges.push_back({range.begin, range.bytes});
  attn_emulator_options given = {};
  given.detect_races = options->detectRaces;
  given.eager_copies = options->eagerCopies;
  given.seed = options->seed;
  given.ranges = ranges.data();
  given.range_count = ranges.size();
  std::lock_guard<std::mutex> lock(mutex);
  if (!mutate(error))
    return false;
  for (const GpuLaunch &launch : list.getLaunches()) {
    attn_emulator_launch request =
        describeLaunch(list, launch, kernels.at(launch.kernel));
    if (library.run(module, &request, &given, nullptr) != 0) {
      error = std::string("emulator: ") + library.getError();
      return false;
    }
  }
  return true;
}

std::string EmulatorProgram::describe() const {
  nlohmann::json names = nlohmann::json::array();
  for (const ManifestGpuKernel &kernel : kernels)
    names.push_back({{"name", kernel.name}});
  return nlohmann::json{{"code", "bitcode"}, {"kernels", names}}.dump();
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

namespace {
/// Device memory is the process's own, and calls are over when they return.
class EmulatorDevice final : public Device {
public:
  EmulatorDevice(const EmulatorLibrary &library, const DeviceOptions &options)
      : library(library), options(std::make_shared<DeviceOptions>(options)) {}

  const std::string &getName() const override { return name; }
  ArrayMemory getArrayMemory() const override { return ArrayMemory::Host; }

  std::unique_ptr<DeviceProgram> load(const Kernel &kernel,
                                      std::string &error) override {
    auto program = std::make_unique<EmulatorProgram>(library, options);
    if (!program->load(*kernel.getManifest().gpu,
                       kernel.findGpuBinary("bitcode"), error))
      return nullptr;
    return program;
  }

  void setOptions(const DeviceOptions &changed) override { *options = changed; }

  void *allocate(size_t bytes, std::string &error) override {
    void *pointer = allocateAlignedMemory(workspaceAlignment, bytes);
    if (!pointer)
      error = "no memory for " + std::to_string(bytes) + " bytes";
    return pointer;
  }
  void free(void *pointer) override { freeMemory(pointer); }
  bool copyToDevice(void *to, const void *from, size_t bytes,
                    std::string &) override {
    if (bytes > 0)
      std::memcpy(to, from, bytes);
    return true;
  }
  bool copyToHost(void *to, const void *from, size_t bytes,
                  std::string &) override {
    if (bytes > 0)
      std::memcpy(to, from, bytes);
    return true;
  }
  bool synchronize(std::string &) override { return true; }
  bool time(const std::function<bool()> &enqueue, int count,
            std::vector<double> &seconds, std::string &) override {
    using Clock = std::chrono::steady_clock;
    for (int i = 0; i < count; ++i) {
      auto start = Clock::now();
      if (!enqueue())
        return false;
      seconds.push_back(
          std::chrono::duration<double>(Clock::now() - start).count());
    }
    return true;
  }

private:
  const EmulatorLibrary &library;
  /// Shared with the programs.
  const std::shared_ptr<DeviceOptions> options;
  const std::string name = "the emulator";
};
} // namespace

std::shared_ptr<Device> attn::openEmulator(int ordinal,
                                           const DeviceOptions &options,
                                           std::string &error) {
  if (ordinal != 0) {
    error = describeMissingDevice(ordinal, 1);
    return nullptr;
  }
  const auto *library = getDriver<EmulatorLibrary>(error);
  if (!library)
    return nullptr;
  return std::make_shared<EmulatorDevice>(*library, options);
}
