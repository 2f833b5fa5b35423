//===- Environment.h - What the user's environment says ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_ENVIRONMENT_H
#define ATTN_SUPPORT_ENVIRONMENT_H

#include <string>

namespace attn {

/// Where compiled kernels are kept unless the caller says: $ATTN_CACHE_DIR,
/// else attn in $XDG_CACHE_HOME or ~/.cache. Empty, as ATTN_CACHE_DIR may be,
/// for nowhere.
std::string getDefaultCacheDirectory();

/// Where a CUDA toolkit is: $CUDA_HOME; empty if it is not set.
std::string getCudaHome();

/// ptxas of $CUDA_HOME/bin or $PATH; empty if there is none.
std::string getPtxasPath();

/// Differs where another ptxas, or none, is found: where it is, its size and
/// when it was installed.
std::string getPtxasFingerprint();

} // namespace attn

#endif // ATTN_SUPPORT_ENVIRONMENT_H
