//===- Shadow.h - Who accessed each byte of memory last -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The happens-before check (as in FastTrack): a cell for every word keeps the
// last write and the reads since. A word is split into bytes at the first
// access that is not to the whole of it, so neighbours of 8 and 16 bits do not
// disturb each other.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_SHADOW_H
#define ATTN_LIB_EMULATOR_RUNTIME_SHADOW_H

#include "Clocks.h"

#include <array>
#include <cstddef>
#include <unordered_map>

namespace attn::emulator {

enum class AccessKind : uint8_t { Read, Write, Atomic };

/// How an access is ordered: by what its actor knows now, or, for work handed
/// to an asynchronous engine, by what was known when it was handed over.
struct AccessOrder {
  const Clocks &clocks;
  Epoch epoch;
  const Snapshot *issued = nullptr;
  /// Through the asynchronous proxy: generic writes need a proxy fence.
  bool isProxy = false;
  /// Where the actors of asynchronous engines begin.
  ActorId firstEngine = ~0u;

  bool isAfter(Epoch before) const {
    return issued ? clocks.isOrdered(before, *issued)
                  : clocks.isOrdered(before, epoch.actor);
  }
  bool lacksProxyFence(Epoch before) const {
    return isProxy && issued && before.clock && before.actor < firstEngine &&
           !clocks.isProxied(before, *issued);
  }
};

enum class ConflictKind : uint8_t {
  None,
  WriteWrite,
  /// The access reads what a concurrent one writes, or the other way round.
  ReadAfterWrite,
  WriteAfterRead,
  Uninitialised,
  ProxyFence,
};

struct Conflict {
  ConflictKind kind = ConflictKind::None;
  size_t offset = 0;
  Epoch other;
};

class ShadowCells {
public:
  /// Cells for `bytes`, all of them never accessed.
  void reset(size_t bytes);
  bool isEmpty() const { return words.empty(); }

  /// Checks an access and records it. `mustBeWritten`: a read of bytes that
  /// nobody wrote is an error.
  Conflict access(size_t offset, size_t bytes, AccessKind kind,
                  const AccessOrder &order, bool mustBeWritten);

private:
  struct Cell {
    Epoch write;
    /// The last atomic update; others may be concurrent with it.
    Epoch update;
    Epoch read;
    /// Index + 1 into `readerLists` when several actors have read.
    uint32_t readers = 0;
    /// Of a word: index + 1 into `splitWords`.
    uint32_t split = 0;
    bool isWritten = false;
  };

  ConflictKind check(Cell &cell, AccessKind kind, const AccessOrder &order,
                     bool mustBeWritten, Epoch &other);
  ConflictKind checkReaders(const Cell &cell, const AccessOrder &order,
                            Epoch &other) const;
  void recordRead(Cell &cell, const AccessOrder &order);
  std::array<Cell, 4> &splitWord(Cell &cell);

  std::vector<Cell> words;
  std::vector<std::array<Cell, 4>> splitWords;
  std::vector<std::vector<Epoch>> readerLists;
};

/// Cells for addresses all over memory, made page by page.
class PagedShadow {
public:
  void reset();
  Conflict access(uintptr_t address, size_t bytes, AccessKind kind,
                  const AccessOrder &order);

private:
  static constexpr size_t pageBytes = 4096;
  std::unordered_map<uintptr_t, ShadowCells> pages;
  uintptr_t lastPage = ~uintptr_t(0);
  ShadowCells *lastCells = nullptr;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_RUNTIME_SHADOW_H
