//===- HsacoReport.cpp - What an HSACO says of its kernels ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/ROCDL/HsacoReport.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/BinaryFormat/MsgPackDocument.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace attn;

using Amounts = std::vector<std::pair<std::string, int64_t>>;

/// Fields of the metadata (AMDGPU usage, "Code Object V5 Metadata").
static constexpr std::pair<const char *, const char *> fields[] = {
    {"vgprs", ".vgpr_count"},
    {"agprs", ".agpr_count"},
    {"sgprs", ".sgpr_count"},
    {"vgpr_spills", ".vgpr_spill_count"},
    {"sgpr_spills", ".sgpr_spill_count"},
    {"lds_bytes", ".group_segment_fixed_size"},
    {"scratch_bytes", ".private_segment_fixed_size"}};

namespace {
/// What the waves of a compute unit share.
struct ChipLimits {
  const char *chip;
  /// Vector registers of a lane, shared by the waves of a SIMD, and the unit
  /// they are given out in.
  int64_t registers, registerUnit;
  int64_t wavesPerSimd, simds, ldsBytes;
};
} // namespace

/// CDNA3 and CDNA4 instruction set documents, "Wave limits".
static constexpr ChipLimits chipLimits[] = {
    {"gfx942", 512, 8, 8, 4, 64 * 1024}, {"gfx950", 512, 8, 8, 4, 160 * 1024}};

namespace {
/// What runs at a time.
struct Occupancy {
  int64_t blocksPerUnit = 0;
  /// On the SIMD that has most: a unit may have fewer waves than SIMDs.
  int64_t wavesPerSimd = 0;
};
} // namespace

static std::optional<Occupancy> getOccupancy(StringRef chip, int64_t registers,
                                             int64_t ldsBytes, int64_t threads,
                                             int64_t waveThreads) {
  for (const ChipLimits &limits : chipLimits) {
    if (chip != limits.chip || registers <= 0 || waveThreads <= 0)
      continue;
    int64_t waves = std::min(
        limits.wavesPerSimd,
        limits.registers /
            static_cast<int64_t>(alignTo(registers, limits.registerUnit)));
    int64_t wavesPerBlock =
        std::max<int64_t>(divideCeil(threads, waveThreads), 1);
    int64_t blocks = waves * limits.simds / wavesPerBlock;
    if (ldsBytes > 0)
      blocks = std::min(blocks, limits.ldsBytes / ldsBytes);
    return Occupancy{blocks, static_cast<int64_t>(divideCeil(
                                 blocks * wavesPerBlock, limits.simds))};
  }
  return std::nullopt;
}

static int64_t getNumber(msgpack::MapDocNode &map, StringRef name) {
  auto found = map.find(map.getDocument()->getNode(name));
  if (found == map.end())
    return 0;
  msgpack::DocNode &node = found->second;
  return node.getKind() == msgpack::Type::UInt
             ? static_cast<int64_t>(node.getUInt())
         : node.getKind() == msgpack::Type::Int ? node.getInt()
                                                : 0;
}

static Amounts readKernel(msgpack::MapDocNode &map, StringRef chip) {
  Amounts amounts;
  for (auto [name, field] : fields)
    amounts.emplace_back(name, getNumber(map, field));
  // Architected and accumulation registers are one file.
  int64_t registers =
      std::max(getNumber(map, ".vgpr_count"), getNumber(map, ".agpr_count"));
  if (auto occupancy = getOccupancy(chip, registers,
                                    getNumber(map, ".group_segment_fixed_size"),
                                    getNumber(map, ".max_flat_workgroup_size"),
                                    getNumber(map, ".wavefront_size"))) {
    amounts.emplace_back("waves_per_simd", occupancy->wavesPerSimd);
    amounts.emplace_back("blocks_per_compute_unit", occupancy->blocksPerUnit);
  }
  return amounts;
}

static KernelResources readMetadata(StringRef bytes, StringRef chip) {
  KernelResources resources;
  msgpack::Document document;
  if (!document.readFromBlob(bytes, /*Multi=*/false) ||
      !document.getRoot().isMap())
    return resources;
  msgpack::MapDocNode &root = document.getRoot().getMap();
  auto kernels = root.find(document.getNode("amdhsa.kernels"));
  if (kernels == root.end() || !kernels->second.isArray())
    return resources;
  for (msgpack::DocNode &node : kernels->second.getArray()) {
    msgpack::MapDocNode &kernel = node.getMap();
    auto name = kernel.find(document.getNode(".name"));
    if (name != kernel.end())
      resources[name->second.getString()] = readKernel(kernel, chip);
  }
  return resources;
}

Expected<KernelResources> attn::readHsacoResources(StringRef hsaco,
                                                   StringRef chip) {
  auto file = object::ELF64LEFile::create(hsaco);
  if (!file)
    return file.takeError();
  auto sections = file->sections();
  if (!sections)
    return sections.takeError();
  for (const object::ELF64LE::Shdr &section : *sections) {
    if (section.sh_type != ELF::SHT_NOTE)
      continue;
    Error error = Error::success();
    for (auto note : file->notes(section, error))
      if (note.getName() == "AMDGPU" &&
          note.getType() == ELF::NT_AMDGPU_METADATA) {
        consumeError(std::move(error));
        return readMetadata(note.getDescAsStringRef(section.sh_addralign),
                            chip);
      }
    if (error)
      return std::move(error);
  }
  return createStringError("the HSACO has no metadata");
}
