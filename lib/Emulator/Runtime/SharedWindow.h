//===- SharedWindow.h - Shared memory at addresses of 32 bits -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pointers to shared memory fit in 32 bits on a GPU, and kernels know it: they
// truncate them, put them into matrix descriptors and compute swizzles from
// their low bits. So shared memory lives below 4 GiB, every block's at a
// multiple of 256 KiB, where the low 18 bits of an address are the offset.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_SHAREDWINDOW_H
#define ATTN_LIB_EMULATOR_RUNTIME_SHAREDWINDOW_H

#include <cstddef>
#include <cstdint>

namespace attn::emulator {

/// The windows of the blocks that one worker runs together: a cluster.
class SharedWindow {
public:
  static constexpr size_t blockBytes = size_t(1) << 18;
  static constexpr size_t maxBlocks = 16;

  SharedWindow() = default;
  SharedWindow(const SharedWindow &) = delete;
  SharedWindow &operator=(const SharedWindow &) = delete;
  ~SharedWindow();

  /// Takes a window that no other worker of the process has.
  bool acquire();

  /// Makes `bytes` of a block accessible, rounded up to pages.
  bool open(size_t block, size_t bytes);

  uintptr_t blockBase(size_t block) const { return base + block * blockBytes; }
  bool contains(uintptr_t address) const {
    return address - base < maxBlocks * blockBytes;
  }

private:
  uintptr_t base = 0;
  size_t slot = 0;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_RUNTIME_SHAREDWINDOW_H
