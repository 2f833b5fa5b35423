//===- TensorMap.h - What stands for a tensor map of the driver -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_OPS_TENSORMAP_H
#define ATTN_LIB_EMULATOR_OPS_TENSORMAP_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace attn::emulator {

/// Plain data, copied into the 128 bytes of a map.
struct TensorMap {
  static constexpr unsigned maxRank = 5;
  static constexpr size_t bytes = 128;
  static constexpr uint64_t expectedMagic = 0x70616D2D6E747461; // "attn-map"

  uint64_t magic = expectedMagic;
  uintptr_t base = 0;
  uint64_t dims[maxRank] = {1, 1, 1, 1, 1};
  /// In bytes.
  uint64_t strides[maxRank] = {};
  uint16_t box[maxRank] = {1, 1, 1, 1, 1};
  uint8_t elementBytes = 0;
  uint8_t rank = 0;
  /// The number of address bits that the swizzle changes, 0 to 3.
  uint8_t swizzleBits = 0;
  bool isSwizzleKnown = true;

  void setSwizzle(uint32_t span) {
    isSwizzleKnown = span == 0 || span == 32 || span == 64 || span == 128;
    swizzleBits = span == 128 ? 3 : span == 64 ? 2 : span == 32 ? 1 : 0;
  }
  uint64_t boxBytes() const {
    uint64_t size = elementBytes;
    for (unsigned d = 0; d < rank; ++d)
      size *= box[d];
    return size;
  }
  /// What is wrong with it, in words, or nothing.
  std::string check() const;
};
static_assert(sizeof(TensorMap) <= TensorMap::bytes, "fits a map");

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_TENSORMAP_H
