//===- Common.cpp - Errors, versions and types ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Objects.h"

#include "attn/Artefact/Version.h"
#include "attn/Support/ElementType.h"

using namespace attn;
using namespace attn::capi;

// Both enumerations are the same numbers, so that one converts to the other.
#define CHECK_TYPE(C_NAME, NAME)                                               \
  static_assert(ATTN_##C_NAME == static_cast<int>(ElementType::NAME))
CHECK_TYPE(F64, F64);
CHECK_TYPE(F32, F32);
CHECK_TYPE(F16, F16);
CHECK_TYPE(BF16, BF16);
CHECK_TYPE(F8E4M3FN, F8E4M3FN);
CHECK_TYPE(F8E5M2, F8E5M2);
CHECK_TYPE(F8E4M3FNUZ, F8E4M3FNUZ);
CHECK_TYPE(F8E5M2FNUZ, F8E5M2FNUZ);
CHECK_TYPE(BOOL, I1);
CHECK_TYPE(I8, I8);
CHECK_TYPE(I32, I32);
CHECK_TYPE(I64, I64);
#undef CHECK_TYPE

/// What there is to say when no memory is left to say it.
static AttnError noMemory{ATTN_ERROR_INTERNAL, "no memory"};

AttnError *capi::makeError(AttnErrorCode code, const char *text) noexcept {
  try {
    return new AttnError{code, text};
  } catch (...) {
    return &noMemory;
  }
}

int attnGetAbiVersion(void) { return ATTN_C_ABI_VERSION; }

const char *attnGetVersion(void) { return ATTN_VERSION; }

AttnErrorCode attnErrorGetCode(const AttnError *error) { return error->code; }

const char *attnErrorGetText(const AttnError *error) {
  return error->text.c_str();
}

void attnErrorDestroy(AttnError *error) {
  if (error != &noMemory)
    delete error;
}

const char *attnTextGetData(const AttnText *text) { return text->text.c_str(); }

size_t attnTextGetSize(const AttnText *text) { return text->text.size(); }

void attnTextDestroy(AttnText *text) { delete text; }
