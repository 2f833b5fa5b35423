//===- FatalErrors.h - Errors that LLVM does not return ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM ends the process for some errors (report_fatal_error): what its code
// generators cannot do is found out deep inside them. A library must not end
// the process that uses it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ARTEFACT_FATALERRORS_H
#define ATTN_LIB_ARTEFACT_FATALERRORS_H

#include "attn/Artefact/Service.h"

#include <functional>

namespace attn {

/// Runs `work` in a thread of its own and waits for it. If LLVM wants to end
/// the process there, that thread stops for ever where it is, so that nothing
/// half done is used or destroyed, and the result is a failure with LLVM's
/// reason. What `work` refers to must be its own: it may outlive the call.
ServiceResult runSurvivingFatalErrors(std::function<ServiceResult()> work);

} // namespace attn

#endif // ATTN_LIB_ARTEFACT_FATALERRORS_H
