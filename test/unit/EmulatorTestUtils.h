//===- EmulatorTestUtils.h - Running kernels given as text ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_EMULATORTESTUTILS_H
#define ATTN_TEST_UNIT_EMULATORTESTUTILS_H

#include "attn/Emulator/Emulator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace attn::emulator {

constexpr char nvidia[] = "nvptx64-nvidia-cuda";
constexpr char amd[] = "amdgcn-amd-amdhsa";

/// One launch of the kernel @k. Arguments are the addresses of the arrays.
struct TestLaunch {
  std::string ir;
  std::string triple = nvidia;
  uint32_t blocks = 1;
  uint32_t threads = 32;
  uint64_t sharedBytes = 0;
  attn_emulator_options options = {1, 0, 0, 0, nullptr, 0};
  std::vector<int64_t> extra;

  /// Runs with arrays of 32-bit words; returns the error, or "".
  std::string run(std::vector<std::vector<uint32_t> *> arrays) {
    attn_emulator *module =
        attn_emulator_create(ir.data(), ir.size(), triple.c_str());
    if (!module)
      return attn_emulator_error();
    std::vector<int64_t> slots;
    std::vector<attn_emulator_range> ranges;
    for (std::vector<uint32_t> *array : arrays) {
      slots.push_back(reinterpret_cast<int64_t>(array->data()));
      ranges.push_back({array->data(), array->size() * 4});
    }
    slots.insert(slots.end(), extra.begin(), extra.end());
    options.ranges = ranges.data();
    options.range_count = ranges.size();
    attn_emulator_launch launch = {
        "k",         {blocks, 1, 1}, {threads, 1, 1},
        sharedBytes, slots.data(),   slots.size() * 8};
    const int status = attn_emulator_run(module, &launch, &options, nullptr);
    const std::string error = status ? attn_emulator_error() : "";
    attn_emulator_destroy(module);
    return error;
  }
};

inline testing::AssertionResult contains(const std::string &text,
                                         const std::string &part) {
  if (text.find(part) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "no '" << part << "' in '" << text << "'";
}

/// A kernel in which every thread reads `inputs` words %i0, %i1, ... of its
/// own, does `body`, and writes %o0, %o1, ...
inline std::string threadwise(const std::string &body, unsigned inputs,
                              unsigned outputs, bool isAMD = false) {
  std::string text = isAMD ? "declare i32 @llvm.amdgcn.workitem.id.x()\n"
                             "define amdgpu_kernel void @k("
                           : "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                             "define ptx_kernel void @k(";
  text += "ptr addrspace(1) %in, ptr addrspace(1) %out) {\n"
          "  %tid = call i32 @llvm.";
  text += isAMD ? "amdgcn.workitem.id.x()\n" : "nvvm.read.ptx.sreg.tid.x()\n";
  auto slot = [&](const char *name, const char *base, unsigned n,
                  unsigned count) {
    const std::string id = name + std::to_string(n);
    text += "  %x" + id + " = mul i32 %tid, " + std::to_string(count) + "\n";
    text +=
        "  %y" + id + " = add i32 %x" + id + ", " + std::to_string(n) + "\n";
    text += "  %p" + id + " = getelementptr i32, ptr addrspace(1) " + base +
            ", i32 %y" + id + "\n";
    return id;
  };
  for (unsigned n = 0; n < inputs; ++n) {
    const std::string id = slot("i", "%in", n, inputs);
    text += "  %" + id + " = load i32, ptr addrspace(1) %p" + id + "\n";
  }
  text += body;
  for (unsigned n = 0; n < outputs; ++n) {
    const std::string id = slot("o", "%out", n, outputs);
    text += "  store i32 %" + id + ", ptr addrspace(1) %p" + id + "\n";
  }
  return text + "  ret void\n}\n";
}

/// Small pseudo random numbers, the same everywhere.
class TestRandom {
public:
  uint32_t next() {
    state = state * 1664525 + 1013904223;
    return state >> 8;
  }
  /// Between -3 and 3: exact in every float type, and so are sums of products.
  int small() { return static_cast<int>(next() % 7) - 3; }

private:
  uint32_t state = 12345;
};

/// Exact for small integers, by definition of the formats.
inline uint32_t smallToFloat16(int value) {
  if (value == 0)
    return 0;
  const uint32_t magnitude = static_cast<uint32_t>(value < 0 ? -value : value);
  uint32_t exponent = 0;
  while (magnitude >> (exponent + 1))
    ++exponent;
  const uint32_t mantissa = (magnitude << (10 - exponent)) & 0x3FF;
  return (value < 0 ? 0x8000u : 0) | (exponent + 15) << 10 | mantissa;
}
inline uint32_t bitsOf(float value) {
  uint32_t bits;
  static_assert(sizeof(bits) == sizeof(value), "f32");
  __builtin_memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline float floatOf(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint32_t smallToFloat32(int value) {
  return bitsOf(static_cast<float>(value));
}

inline uint32_t smallToBFloat16(int value) {
  return bitsOf(static_cast<float>(value)) >> 16;
}

} // namespace attn::emulator

#endif // ATTN_TEST_UNIT_EMULATORTESTUTILS_H
