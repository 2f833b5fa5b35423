//===- Fiber.h - Stackful coroutines, one for every GPU thread ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_FIBER_H
#define ATTN_LIB_EMULATOR_RUNTIME_FIBER_H

#include <cstddef>
#include <cstdint>

namespace attn::emulator {

/// A suspended flow of control: all of it but the stack pointer is on its
/// stack.
struct Fiber {
  void *stackPointer = nullptr;
};

/// The stacks of one worker: equal in size, each above a page that no access
/// survives, so that an overflow cannot reach the neighbour.
class FiberStacks {
public:
  FiberStacks() = default;
  FiberStacks(const FiberStacks &) = delete;
  FiberStacks &operator=(const FiberStacks &) = delete;
  ~FiberStacks();

  /// Makes room for `count` stacks. Those there are lose their contents.
  bool reserve(size_t count);

  /// A fiber on stack `index` that calls `entry` when first switched to.
  Fiber start(size_t index, void (*entry)());

  bool contains(uintptr_t address) const {
    return address - base < count * stackBytes;
  }

private:
  /// Code at -O0 keeps every value in its frame.
  static constexpr size_t stackBytes = 512 * 1024;

  uintptr_t base = 0;
  size_t count = 0;
};

} // namespace attn::emulator

/// Saves the running flow in `from` and goes on with `to`.
extern "C" void attn_emulator_switch(attn::emulator::Fiber *from,
                                     const attn::emulator::Fiber *to);

#endif // ATTN_LIB_EMULATOR_RUNTIME_FIBER_H
