//===- Common.h - Errors, versions and types ----------------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface of Attn: one shared library, libattn-c. Its exports are
// listed in lib/CAPI/exports.txt, handles are opaque, and nothing that goes
// wrong ends the process or throws: functions that can fail return an error
// object, or null when all is well.
//
// Every function may be called from any thread; a handle may be used by several
// threads at once, and is destroyed once, when no call uses it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_C_COMMON_H
#define ATTN_C_COMMON_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ATTN_C_EXPORT
#else
#define ATTN_C_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// Changes whenever a program compiled against an older version of these
/// headers would break.
#define ATTN_C_ABI_VERSION 1

/// ATTN_C_ABI_VERSION of the library.
ATTN_C_EXPORT int attnGetAbiVersion(void);

/// The version of Attn, "0.1.0". Never null.
ATTN_C_EXPORT const char *attnGetVersion(void);

typedef enum AttnErrorCode {
  /// An argument breaks the contract; the text names it.
  ATTN_ERROR_INVALID_ARGUMENT = 1,
  /// The problem has a meaning, and this target cannot do it yet.
  ATTN_ERROR_UNSUPPORTED = 2,
  /// The compiler failed on a valid problem.
  ATTN_ERROR_COMPILE = 3,
  /// A file or directory could not be read or written.
  ATTN_ERROR_IO = 4,
  /// A bug of Attn, or no memory.
  ATTN_ERROR_INTERNAL = 5,
  /// A driver or device is missing, or failed.
  ATTN_ERROR_DEVICE = 6
} AttnErrorCode;

/// What went wrong. The caller destroys it.
typedef struct AttnError AttnError;

ATTN_C_EXPORT AttnErrorCode attnErrorGetCode(const AttnError *error);
/// One line, alive as long as the error.
ATTN_C_EXPORT const char *attnErrorGetText(const AttnError *error);
ATTN_C_EXPORT void attnErrorDestroy(AttnError *error);

/// Bytes that the library hands out. The caller destroys it.
typedef struct AttnText AttnText;

/// Ends with a null byte that attnTextGetSize does not count.
ATTN_C_EXPORT const char *attnTextGetData(const AttnText *text);
ATTN_C_EXPORT size_t attnTextGetSize(const AttnText *text);
ATTN_C_EXPORT void attnTextDestroy(AttnText *text);

/// Element types of arrays.
typedef enum AttnDataType {
  ATTN_F64 = 0,
  ATTN_F32 = 1,
  ATTN_F16 = 2,
  ATTN_BF16 = 3,
  ATTN_F8E4M3FN = 4,
  ATTN_F8E5M2 = 5,
  ATTN_F8E4M3FNUZ = 6,
  ATTN_F8E5M2FNUZ = 7,
  /// One byte an element, 0 or 1.
  ATTN_BOOL = 8,
  ATTN_I8 = 9,
  ATTN_I32 = 10,
  ATTN_I64 = 11
} AttnDataType;

/// An array in the caller's memory. Strides count elements and may be 0 or
/// negative. A scalar has rank 0.
typedef struct AttnArray {
  void *data;
  /// An AttnDataType. Fields are numbers, which may hold a wrong one and be
  /// refused.
  int32_t type;
  int32_t rank;
  const int64_t *sizes;
  const int64_t *strides;
} AttnArray;

#ifdef __cplusplus
}
#endif

#endif // ATTN_C_COMMON_H
