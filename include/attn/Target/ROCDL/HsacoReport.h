//===- HsacoReport.h - What an HSACO says of its kernels --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_ROCDL_HSACOREPORT_H
#define ATTN_TARGET_ROCDL_HSACOREPORT_H

#include "attn/Target/GpuResources.h"
#include "llvm/Support/Error.h"

namespace attn {

/// Reads the metadata of a code object: vgprs, of which agprs, sgprs,
/// vgpr_spills, sgpr_spills, lds_bytes, scratch_bytes, and waves_per_simd and
/// blocks_per_compute_unit where the chip's limits are known.
llvm::Expected<KernelResources> readHsacoResources(llvm::StringRef hsaco,
                                                   llvm::StringRef chip);

} // namespace attn

#endif // ATTN_TARGET_ROCDL_HSACOREPORT_H
