//===- LaunchList.cpp - What a call launches on a GPU ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/LaunchList.h"

#include <algorithm>
#include <cassert>

using namespace attn;

static thread_local LaunchList *currentList = nullptr;

void LaunchList::reset(uintptr_t newWorkspace) {
  launches.clear();
  slots.clear();
  workspace = newWorkspace;
  workspaceBytes = 0;
}

void LaunchList::addLaunch(int64_t kernel, int64_t count,
                           const int64_t *parameters, size_t numParameters) {
  launches.push_back({kernel, count, slots.size(), numParameters});
  slots.insert(slots.end(), parameters, parameters + numParameters);
}

uintptr_t LaunchList::allocate(size_t bytes, size_t alignment) {
  // Whole multiples of the workspace's alignment: parts share no cache line.
  alignment = std::max(alignment, workspaceAlignment);
  size_t begin = (workspaceBytes + alignment - 1) / alignment * alignment;
  workspaceBytes = begin + bytes;
  return workspace + begin;
}

RecordingScope::RecordingScope(LaunchList &list) : outer(currentList) {
  currentList = &list;
}

RecordingScope::~RecordingScope() { currentList = outer; }

void attn_launch_kernel(int64_t kernel, int64_t count, const int64_t *slots,
                        int64_t slotCount) {
  assert(currentList && "host code runs within a RecordingScope");
  // A grid of no blocks is an error of the drivers.
  if (count > 0)
    currentList->addLaunch(kernel, count, slots,
                           static_cast<size_t>(slotCount));
}

void *attn_device_alloc(int64_t bytes, int64_t alignment) {
  assert(currentList && "host code runs within a RecordingScope");
  return reinterpret_cast<void *>(currentList->allocate(
      static_cast<size_t>(bytes), static_cast<size_t>(alignment)));
}

/// Workspace is the caller's, as long as the call's work is in flight.
void attn_device_free(void *) {}
