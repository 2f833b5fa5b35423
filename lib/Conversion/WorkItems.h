//===- WorkItems.h - Decoding of work items --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scalar code that all lowerings of tiles share.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_WORKITEMS_H
#define ATTN_LIB_CONVERSION_WORKITEMS_H

#include "attn/Dialect/Attn/IR/AttnOps.h"

namespace attn {

void lowerWorkItem(WorkItemOp op);
void lowerPackedBlock(PackedBlockOp op);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_WORKITEMS_H
