//===- Shadow.cpp - Who accessed each byte of memory last -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shadow.h"

#include <algorithm>

using namespace attn::emulator;

static constexpr size_t wordBytes = 4;

void ShadowCells::reset(size_t bytes) {
  words.assign((bytes + wordBytes - 1) / wordBytes, Cell());
  splitWords.clear();
  readerLists.clear();
}

std::array<ShadowCells::Cell, 4> &ShadowCells::splitWord(Cell &cell) {
  if (!cell.split) {
    std::array<Cell, 4> bytes;
    bytes.fill(cell);
    for (Cell &byte : bytes) {
      if (!cell.readers)
        continue;
      readerLists.push_back(readerLists[cell.readers - 1]);
      byte.readers = static_cast<uint32_t>(readerLists.size());
    }
    splitWords.push_back(bytes);
    cell.split = static_cast<uint32_t>(splitWords.size());
  }
  return splitWords[cell.split - 1];
}

ConflictKind ShadowCells::checkReaders(const Cell &cell,
                                       const AccessOrder &order,
                                       Epoch &other) const {
  if (!cell.readers) {
    other = cell.read;
    return !cell.read.clock || order.isAfter(cell.read)
               ? ConflictKind::None
               : ConflictKind::WriteAfterRead;
  }
  for (Epoch reader : readerLists[cell.readers - 1]) {
    other = reader;
    if (!order.isAfter(reader))
      return ConflictKind::WriteAfterRead;
  }
  return ConflictKind::None;
}

/// Keeps the readers that this one does not come after.
void ShadowCells::recordRead(Cell &cell, const AccessOrder &order) {
  if (!cell.readers && (!cell.read.clock || order.isAfter(cell.read))) {
    cell.read = order.epoch;
    return;
  }
  if (!cell.readers) {
    readerLists.push_back({cell.read});
    cell.readers = static_cast<uint32_t>(readerLists.size());
  }
  std::vector<Epoch> &readers = readerLists[cell.readers - 1];
  readers.erase(
      std::remove_if(readers.begin(), readers.end(),
                     [&](Epoch reader) { return order.isAfter(reader); }),
      readers.end());
  readers.push_back(order.epoch);
}

ConflictKind ShadowCells::check(Cell &cell, AccessKind kind,
                                const AccessOrder &order, bool mustBeWritten,
                                Epoch &other) {
  const bool isWrite = kind != AccessKind::Read;
  if (!isWrite && !cell.isWritten && mustBeWritten)
    return ConflictKind::Uninitialised;
  // Atomic updates are in no conflict with each other.
  const Epoch before[] = {cell.write, cell.update};
  const int count = kind == AccessKind::Atomic ? 1 : 2;
  for (int n = 0; n < count; ++n) {
    const Epoch epoch = other = before[n];
    if (epoch.clock && !order.isAfter(epoch))
      return isWrite ? ConflictKind::WriteWrite : ConflictKind::ReadAfterWrite;
    if (order.lacksProxyFence(epoch))
      return ConflictKind::ProxyFence;
  }
  if (!isWrite) {
    recordRead(cell, order);
    return ConflictKind::None;
  }
  const ConflictKind conflict = checkReaders(cell, order, other);
  if (conflict != ConflictKind::None)
    return conflict;
  if (kind == AccessKind::Atomic)
    cell.update = order.epoch;
  else
    cell.write = order.epoch;
  cell.read = Epoch();
  if (cell.readers)
    readerLists[cell.readers - 1].clear();
  cell.isWritten = true;
  return ConflictKind::None;
}

Conflict ShadowCells::access(size_t offset, size_t bytes, AccessKind kind,
                             const AccessOrder &order, bool mustBeWritten) {
  const size_t end = offset + bytes;
  Conflict conflict;
  for (size_t at = offset; at < end;) {
    Cell &word = words[at / wordBytes];
    const size_t wordEnd = at / wordBytes * wordBytes + wordBytes;
    const bool isWhole = at % wordBytes == 0 && wordEnd <= end;
    if (isWhole && !word.split) {
      conflict.kind = check(word, kind, order, mustBeWritten, conflict.other);
    } else {
      const size_t last = std::min(end, wordEnd);
      for (size_t byte = at; byte < last; ++byte) {
        Cell &cell = splitWord(word)[byte % wordBytes];
        conflict.kind = check(cell, kind, order, mustBeWritten, conflict.other);
        if (conflict.kind != ConflictKind::None)
          break;
      }
    }
    if (conflict.kind != ConflictKind::None) {
      conflict.offset = at;
      return conflict;
    }
    at = wordEnd;
  }
  return conflict;
}

void PagedShadow::reset() {
  pages.clear();
  lastPage = ~uintptr_t(0);
  lastCells = nullptr;
}

Conflict PagedShadow::access(uintptr_t address, size_t bytes, AccessKind kind,
                             const AccessOrder &order) {
  Conflict conflict;
  while (bytes > 0) {
    const uintptr_t page = address / pageBytes;
    const size_t offset = address % pageBytes;
    const size_t part = std::min(bytes, pageBytes - offset);
    if (page != lastPage) {
      ShadowCells &cells = pages[page];
      if (cells.isEmpty())
        cells.reset(pageBytes);
      lastPage = page;
      lastCells = &cells;
    }
    conflict = lastCells->access(offset, part, kind, order, false);
    if (conflict.kind != ConflictKind::None) {
      conflict.offset += page * pageBytes;
      return conflict;
    }
    address += part;
    bytes -= part;
  }
  return conflict;
}
