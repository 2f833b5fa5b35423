//===- InitAll.h - Registration of all of Attn -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_INITALL_H
#define ATTN_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace attn {

/// Registers the attn dialect and the models of upstream interfaces for its
/// ops. Upstream dialects and models are the caller's to register.
void registerAllAttn(mlir::DialectRegistry &registry);

/// Registers the passes and pipelines of Attn.
void registerAllAttnPasses();

} // namespace attn

#endif // ATTN_INITALL_H
