//===- Objects.h - What the handles of the C library are --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CAPI_OBJECTS_H
#define ATTN_CAPI_OBJECTS_H

#include "attn-c/Kernel.h"
#include "attn/Runtime/Kernel.h"

#include <exception>
#include <memory>
#include <new>
#include <string>

struct AttnError {
  AttnErrorCode code;
  std::string text;
};

struct AttnText {
  std::string text;
};

struct AttnKernel {
  std::shared_ptr<const attn::Kernel> kernel;
};

namespace attn::capi {

/// Never null, and throws nothing: without memory it is one error object that
/// always exists.
AttnError *makeError(AttnErrorCode code, const char *text) noexcept;
inline AttnError *makeError(AttnErrorCode code,
                            const std::string &text) noexcept {
  return makeError(code, text.c_str());
}
inline AttnError *invalid(const std::string &text) noexcept {
  return makeError(ATTN_ERROR_INVALID_ARGUMENT, text);
}

/// Runs the body of a function of the C interface: no exception leaves it.
template <typename Body>
AttnError *guard(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return makeError(ATTN_ERROR_INTERNAL, "no memory");
  } catch (const std::exception &exception) {
    return makeError(ATTN_ERROR_INTERNAL, exception.what());
  } catch (...) {
    return makeError(ATTN_ERROR_INTERNAL, "an unknown exception");
  }
}

} // namespace attn::capi

#endif // ATTN_CAPI_OBJECTS_H
