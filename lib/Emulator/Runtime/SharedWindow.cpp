//===- SharedWindow.cpp - Shared memory at addresses of 32 bits -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedWindow.h"

#include <bitset>
#include <mutex>
#include <sys/mman.h>

using namespace attn::emulator;

/// Above what a process has at fixed addresses, and below AddressSanitizer's
/// shadow memory at 2 GiB.
static constexpr uintptr_t firstWindow = 0x10000000;
static constexpr size_t windowBytes =
    SharedWindow::maxBlocks * SharedWindow::blockBytes;
static constexpr size_t maxWindows = 256;

namespace {
/// Addresses belong to the process, so this is the one thing that all emulators
/// in it have in common.
struct WindowTable {
  std::mutex mutex;
  std::bitset<maxWindows> taken;
};
} // namespace

static WindowTable &windowTable() {
  static WindowTable table;
  return table;
}

bool SharedWindow::acquire() {
  if (base)
    return true;
  WindowTable &table = windowTable();
  std::lock_guard<std::mutex> lock(table.mutex);
  for (size_t n = 0; n < maxWindows; ++n) {
    if (table.taken[n])
      continue;
    const uintptr_t address = firstWindow + n * windowBytes;
    void *memory =
        mmap(reinterpret_cast<void *>(address), windowBytes, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0);
    if (memory == MAP_FAILED)
      continue; // something else of the process is there
    table.taken[n] = true;
    base = address;
    slot = n;
    return true;
  }
  return false;
}

bool SharedWindow::open(size_t block, size_t bytes) {
  constexpr size_t page = 4096;
  const size_t rounded = (bytes + page - 1) / page * page;
  if (rounded > blockBytes || block >= maxBlocks)
    return false;
  char *memory = reinterpret_cast<char *>(blockBase(block));
  return mprotect(memory, rounded, PROT_READ | PROT_WRITE) == 0 &&
         (rounded == blockBytes ||
          mprotect(memory + rounded, blockBytes - rounded, PROT_NONE) == 0);
}

SharedWindow::~SharedWindow() {
  if (!base)
    return;
  munmap(reinterpret_cast<void *>(base), windowBytes);
  WindowTable &table = windowTable();
  std::lock_guard<std::mutex> lock(table.mutex);
  table.taken[slot] = false;
}
