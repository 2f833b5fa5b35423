//===- Fiber.cpp - Stackful coroutines, one for every GPU thread ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fiber.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace attn::emulator;

#ifndef __x86_64__
#error "unsupported host: the emulator switches fibers on x86-64 only"
#endif

// The registers that the System V ABI lets a callee keep, then the stack
// pointer. Some 25 times as fast as swapcontext, which calls the kernel for the
// signal mask.
asm(R"(
  .text
  .globl attn_emulator_switch
  .hidden attn_emulator_switch
  .type attn_emulator_switch, @function
attn_emulator_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov (%rsi), %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size attn_emulator_switch, .-attn_emulator_switch
)");

static constexpr size_t savedRegisters = 6;

FiberStacks::~FiberStacks() {
  if (base)
    munmap(reinterpret_cast<void *>(base), count * stackBytes);
}

bool FiberStacks::reserve(size_t wanted) {
  if (wanted <= count)
    return true;
  void *memory =
      mmap(nullptr, wanted * stackBytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  if (base)
    munmap(reinterpret_cast<void *>(base), count * stackBytes);
  base = reinterpret_cast<uintptr_t>(memory);
  count = wanted;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (size_t index = 0; index < count; ++index)
    mprotect(reinterpret_cast<void *>(base + index * stackBytes), page,
             PROT_NONE);
  return true;
}

Fiber FiberStacks::start(size_t index, void (*entry)()) {
  void **top = reinterpret_cast<void **>(base + (index + 1) * stackBytes);
  // The return address of `entry`, which never returns; it also gives the stack
  // the alignment that the ABI promises a called function.
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(entry);
  for (size_t n = 0; n < savedRegisters; ++n)
    *--top = nullptr;
  return {top};
}
