//===- BuildAttention.cpp - attn.attention of a plain problem -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/BuildAttention.h"

using namespace mlir;
using namespace attn;

AttentionOp attn::buildAttention(OpBuilder &builder, Location loc, Value q,
                                 Value k, Value v, Value out, float scale) {
  SmallVector<Type> results;
  if (isa<RankedTensorType>(out.getType()))
    results.push_back(out.getType());
  const Value none;
  return AttentionOp::create(
      builder, loc, results, q, k, v, /*bias=*/none, /*sinks=*/none,
      /*alibi_slopes=*/none, /*q_lens=*/none, /*kv_lens=*/none,
      /*dynamic_q_offset=*/none, /*q_positions=*/none, /*cu_seqlens_q=*/none,
      /*cu_seqlens_kv=*/none, /*block_table=*/none, /*q_descale=*/none,
      /*k_descale=*/none, /*v_descale=*/none, /*dynamic_scale=*/none,
      /*dynamic_softcap=*/none, /*mask_operands=*/ValueRange(),
      /*score_operands=*/ValueRange(), out, /*mask=*/Attribute(),
      builder.getF32FloatAttr(scale), /*softcap=*/FloatAttr(),
      /*q_offset=*/IntegerAttr(), /*score_mod=*/FlatSymbolRefAttr(),
      Layout::bshd, Layout::bshd, Layout::bshd, Layout::bshd,
      /*num_splits=*/IntegerAttr(), /*split_size=*/IntegerAttr(),
      /*block_q=*/IntegerAttr(), /*block_kv=*/IntegerAttr(),
      /*block_kv_compute=*/IntegerAttr(), /*config=*/ConfigAttr());
}
