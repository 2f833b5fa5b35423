//===- LaunchList.h - What a call launches on a GPU -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The host code of a GPU kernel is run to learn what to launch: it computes the
// kernels' parameters from the descriptors of the arrays, and takes workspace.
// It reads no array and touches no device, so it runs in microseconds, and
// while a stream is being captured.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_LAUNCHLIST_H
#define ATTN_RUNTIME_LAUNCHLIST_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attn {

/// One launch: `count` blocks of the kernel with this number in the manifest.
struct GpuLaunch {
  int64_t kernel = 0, count = 0;
  /// Where its parameters begin among the slots of the list, and how many.
  size_t firstSlot = 0, numSlots = 0;
};

/// The launches of one call, in order, and the workspace they share.
class LaunchList {
public:
  /// Starts anew, keeping the memory of the vectors. Workspace is handed out
  /// from `workspace` on, whether or not memory is there.
  void reset(uintptr_t workspace);

  const std::vector<GpuLaunch> &getLaunches() const { return launches; }
  const int64_t *getSlots(const GpuLaunch &launch) const {
    return slots.data() + launch.firstSlot;
  }
  /// Bytes from the workspace's beginning to the end of what was handed out.
  size_t getWorkspaceBytes() const { return workspaceBytes; }

  void addLaunch(int64_t kernel, int64_t count, const int64_t *parameters,
                 size_t numParameters);
  uintptr_t allocate(size_t bytes, size_t alignment);

private:
  std::vector<GpuLaunch> launches;
  std::vector<int64_t> slots;
  uintptr_t workspace = 0;
  size_t workspaceBytes = 0;
};

/// Workspace must begin at a multiple of this.
inline constexpr size_t workspaceAlignment = 256;

/// While alive, the calling thread's generated host code writes to a list.
class RecordingScope {
public:
  explicit RecordingScope(LaunchList &list);
  ~RecordingScope();
  RecordingScope(const RecordingScope &) = delete;
  RecordingScope &operator=(const RecordingScope &) = delete;

private:
  LaunchList *outer;
};

} // namespace attn

/// What generated host code calls, see KernelAbi.h.
extern "C" {
void attn_launch_kernel(int64_t kernel, int64_t count, const int64_t *slots,
                        int64_t slotCount);
void *attn_device_alloc(int64_t bytes, int64_t alignment);
void attn_device_free(void *pointer);
}

#endif // ATTN_RUNTIME_LAUNCHLIST_H
