//===- BufferAMD.cpp - Buffer resources and accesses through them ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Raw buffers (stride 0): a dword at an offset is inside if all of it lies
// below the number of records, which are bytes. A load from outside gives 0, a
// store is dropped, dword by dword. The scalar offset takes part in the check.
//
//===----------------------------------------------------------------------===//

#include "Registry.h"
#include "WaveMemory.h"

#include <algorithm>
#include <deque>

using namespace attn::emulator;

namespace {
struct Resource {
  uint64_t base = 0;
  uint64_t records = 0;

  uint32_t bytesInside(uint64_t offset, uint32_t bytes) const {
    const uint64_t inside = offset < records ? records - offset : 0;
    if (inside >= bytes)
      return bytes;
    return bytes < 4 ? 0 : static_cast<uint32_t>(inside / 4 * 4);
  }
};

/// Of a block. A pointer to a resource is the address of an entry here.
struct Resources : OperationState {
  std::deque<Resource> all;
};
} // namespace

/// (base, stride, records, flags)
static void makeResource(Group &group) {
  const Thread &thread = group.thread();
  if (integerArgument(thread, 1) != 0)
    group.fail(group.site().name + " with a stride");
  const Resource made = {integerArgument(thread, 0),
                         integerArgument(thread, 2)};
  std::deque<Resource> &all = group.block().state<Resources>().all;
  auto found = std::find_if(all.begin(), all.end(), [&](const Resource &other) {
    return other.base == made.base && other.records == made.records;
  });
  if (found == all.end())
    found = all.insert(all.end(), made);
  setResult(thread, reinterpret_cast<uintptr_t>(&*found));
}

static const Resource &resourceOf(const Thread &thread, size_t index) {
  return *reinterpret_cast<const Resource *>(integerArgument(thread, index));
}

/// The sum of the offsets in arguments `first` and the next one.
static uint64_t offsetOf(const Thread &thread, size_t first) {
  return uint64_t(argument<uint32_t>(thread, first)) +
         argument<uint32_t>(thread, first + 1);
}

static void check(Thread &thread, uintptr_t address, uint32_t bytes,
                  AccessKind kind) {
  AccessSite site;
  site.description =
      kind == AccessKind::Read ? "a buffer load" : "a buffer store";
  site.bytes = bytes;
  site.alignment = std::min<uint32_t>(4, bytes);
  site.kind = kind;
  if (bytes)
    thread.machine->checkAccess(thread, address, site);
}

/// (resource, vector offset, scalar offset, cache policy)
static void load(Group &group) {
  Thread &thread = group.thread();
  const Resource &resource = resourceOf(thread, 0);
  const uint64_t offset = offsetOf(thread, 1);
  const uint32_t bytes = thread.site->results[0].bytes;
  const uint32_t inside = resource.bytesInside(offset, bytes);
  check(thread, resource.base + offset, inside, AccessKind::Read);
  std::memcpy(resultBytes(thread),
              reinterpret_cast<const void *>(resource.base + offset), inside);
  std::memset(resultBytes(thread) + inside, 0, bytes - inside);
}

/// (value, resource, vector offset, scalar offset, cache policy)
static void store(Group &group) {
  Thread &thread = group.thread();
  const Resource &resource = resourceOf(thread, 1);
  const uint64_t offset = offsetOf(thread, 2);
  const uint32_t inside =
      resource.bytesInside(offset, thread.site->arguments[0].bytes);
  check(thread, resource.base + offset, inside, AccessKind::Write);
  std::memcpy(reinterpret_cast<void *>(resource.base + offset),
              argumentBytes(thread, 0), inside);
}

/// (resource, LDS base, bytes, vector offset, scalar offset, offset of both,
/// cache policy)
static void copyToLds(Group &group) {
  const uint32_t bytes = argument<uint32_t>(group.thread(), 2);
  const uint32_t both = argument<uint32_t>(group.thread(), 5);
  std::vector<LaneCopy> lanes;
  group.forEachActive([&](Thread &thread) {
    const Resource &resource = resourceOf(thread, 0);
    const uint64_t offset = offsetOf(thread, 3) + both;
    LaneCopy copy;
    copy.lane = &thread;
    copy.bytes = bytes;
    copy.target = lanePlace(group, thread.registers.lane, 1, bytes) + both;
    copy.source = resource.base + offset;
    copy.sourceBytes = resource.bytesInside(offset, bytes);
    lanes.push_back(copy);
  });
  issueCopies(group, std::move(lanes));
}

void attn::emulator::addBufferOperationsAMD(Registry &registry) {
  const std::string base = "llvm.amdgcn.";
  registry.add(base + "make.buffer.rsrc", Scope::Thread, makeResource);
  registry.add(base + "raw.ptr.buffer.load", Scope::Thread, load);
  registry.add(base + "raw.ptr.buffer.store", Scope::Thread, store);
  registry.add(base + "raw.ptr.buffer.load.lds", Scope::Wave, copyToLds);
}
