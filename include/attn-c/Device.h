//===- Device.h - Running compiled attention on GPUs -------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels that were compiled for a GPU run on a device: a GPU through the CUDA
// or HIP driver, or the emulator, which runs the same code on the CPU and
// checks it. Neither a driver nor the emulator is needed until a device of
// theirs is opened; LLVM is needed by the emulator alone.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_C_DEVICE_H
#define ATTN_C_DEVICE_H

#include "attn-c/Kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AttnDevice AttnDevice;

typedef struct AttnDeviceOptions {
  /// sizeof(AttnDeviceOptions), which lets later versions add fields.
  size_t size;
  /// The driver's number of the device. The emulator has device 0.
  int ordinal;
  /// Of the emulator: what its schedules are drawn from.
  uint64_t seed;
  /// Of the emulator, not 0: data races are not looked for.
  int ignoreRaces;
  /// Of the emulator, not 0: asynchronous copies land when they are issued, not
  /// when they are waited for.
  int eagerCopies;
} AttnDeviceOptions;

/// Opens a device: `kind` is "cuda", "hip" or "emulator". `options` may be
/// null. A CUDA device uses the primary context, as PyTorch does.
ATTN_C_EXPORT AttnError *attnDeviceOpen(const char *kind,
                                        const AttnDeviceOptions *options,
                                        AttnDevice **device);
ATTN_C_EXPORT void attnDeviceDestroy(AttnDevice *device);

/// For people: "NVIDIA H200, compute capability 9.0". Alive as long as the
/// device.
ATTN_C_EXPORT const char *attnDeviceGetName(const AttnDevice *device);

/// A kernel loaded on a device.
typedef struct AttnDeviceKernel AttnDeviceKernel;

/// Loads the GPU code of `kernel`; it is refused if the device cannot run it.
/// Kernel and device may be destroyed before what this creates.
ATTN_C_EXPORT AttnError *
attnDeviceKernelCreate(const AttnDevice *device, const AttnKernel *kernel,
                       AttnDeviceKernel **deviceKernel);
ATTN_C_EXPORT void attnDeviceKernelDestroy(AttnDeviceKernel *kernel);

/// A JSON object: the form of the code that was loaded ("cubin", or "ptx" that
/// the driver translated), and per kernel what the device says of it. What the
/// compiler says of it is in the kernel's manifest, field "gpu". Alive as long
/// as the kernel.
ATTN_C_EXPORT const char *
attnDeviceKernelGetReport(const AttnDeviceKernel *kernel);

/// The bytes of device memory that a call on arrays of these shapes needs
/// beside them. Their elements are not looked at.
ATTN_C_EXPORT AttnError *
attnDeviceKernelGetWorkspaceSize(const AttnDeviceKernel *kernel,
                                 const AttnArray *arrays, size_t count,
                                 size_t *bytes);

typedef struct AttnDeviceRunOptions {
  /// sizeof(AttnDeviceRunOptions), which lets later versions add fields.
  size_t size;
  /// CUstream or hipStream_t; null is the default stream.
  void *stream;
  /// Device memory, in use until the stream has got past the call; a multiple
  /// of 256. Null if the call needs none.
  void *workspace;
  size_t workspaceSize;
} AttnDeviceRunOptions;

/// Enqueues the kernel on `count` arrays of device memory (of host memory for
/// the emulator); scalars are in host memory. Types, shapes, strides and
/// alignment are checked. The values of lengths, starts, tables and offsets in
/// device memory are the caller's responsibility: looking at them would wait
/// for the device. Allocates no device memory and waits for nothing, so a
/// stream may be capturing. The emulator is done when this returns. `options`
/// may be null.
ATTN_C_EXPORT AttnError *
attnDeviceKernelRun(const AttnDeviceKernel *kernel, const AttnArray *arrays,
                    size_t count, const AttnDeviceRunOptions *options);

/// GPU code of a kernel: kind is "ptx", "cubin", "hsaco" or "bitcode". Refused
/// if the kernel has no code of this kind.
ATTN_C_EXPORT AttnError *attnKernelGetGpuCode(const AttnKernel *kernel,
                                              const char *kind,
                                              AttnText **code);

#ifdef __cplusplus
}
#endif

#endif // ATTN_C_DEVICE_H
