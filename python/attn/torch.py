# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attn behind the signatures that PyTorch users know.

Each function has the meaning of the one it is named after: PyTorch's causal is
top-left, flash-attention's is bottom-right. What is not supported raises
NotImplementedError. The kernels run on PyTorch's own OpenMP threads, as many as
torch.get_num_threads() says.
"""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

import torch

from . import masks
from ._attention import attention
from .errors import AttnError, UnsupportedError

Tensor = torch.Tensor


def _refuse_dropout(dropout_p):
    if dropout_p:
        raise UnsupportedError(f"dropout_p: given {dropout_p}, expected 0")


def _check_heads(query_heads, key_heads, enable_gqa):
    if not enable_gqa and query_heads != key_heads:
        raise AttnError(
            f"key: given {key_heads} heads, query has {query_heads}; "
            "enable_gqa allows that"
        )


def _attend(name, *arguments):
    """The registered operator while torch.compile traces, else the function
    behind it, which costs less."""
    if torch.compiler.is_compiling():
        return getattr(torch.ops.attn, name)(*arguments)
    return _FUNCTIONS[name](*arguments)


# ---- scaled_dot_product_attention --------------------------------------------


def _sdpa(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Optional[Tensor],
    is_causal: bool,
    scale: Optional[float],
) -> Tensor:
    is_bool = attn_mask is not None and attn_mask.dtype == torch.bool
    return attention(
        query,
        key,
        value,
        layout="bhsd",
        scale=scale,
        mask=masks.causal() if is_causal else None,
        attn_mask=attn_mask if is_bool else None,
        bias=None if is_bool else attn_mask,
    )


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Optional[Tensor] = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Optional[float] = None,
    enable_gqa: bool = False,
) -> Tensor:
    """torch.nn.functional.scaled_dot_product_attention: [..., H, S, D],
    attn_mask bool (True takes part) or float (added), is_causal top-left. A
    row that sees no key gives 0."""
    _refuse_dropout(dropout_p)
    if is_causal and attn_mask is not None:
        raise AttnError("attn_mask: does not go with is_causal")
    if query.dim() < 2:
        raise AttnError(f"query: given {query.dim()} dims, expected at least 2")
    heads = [t.shape[-3] if t.dim() > 2 else 1 for t in (query, key, value)]
    _check_heads(heads[0], heads[1], enable_gqa)
    if query.dim() == 4:
        return _attend("sdpa", query, key, value, attn_mask, is_causal, scale)
    lead = query.shape[:-3]

    def as_4d(tensor):
        while tensor.dim() < 4:
            tensor = tensor.unsqueeze(0)
        return tensor.flatten(0, -4) if tensor.dim() > 4 else tensor

    mask = attn_mask
    if mask is not None and mask.dim() > 4:
        mask = as_4d(mask.expand(lead + mask.shape[-3:]))
    out = _attend(
        "sdpa", as_4d(query), as_4d(key), as_4d(value), mask, is_causal, scale
    )
    return out.reshape(query.shape[:-1] + value.shape[-1:])


# ---- flash-attention ---------------------------------------------------------


def _window(causal, left, right):
    """flash-attention's causal and window_size, -1 being unbounded."""
    if causal:
        right = 0
    if left < 0 and right < 0:
        return None
    return masks.sliding_window(
        None if left < 0 else left, None if right < 0 else right
    )


def _attend_bottom_right(
    q, k, v, alibi_slopes, scale, causal, left, right, softcap, **packing
):
    return attention(
        q,
        k,
        v,
        scale=scale,
        mask=_window(causal, left, right),
        q_offset="bottom_right",
        softcap=softcap or None,
        alibi_slopes=alibi_slopes,
        return_lse=True,
        **packing,
    )


def _flash(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    alibi_slopes: Optional[Tensor],
    scale: Optional[float],
    causal: bool,
    left: int,
    right: int,
    softcap: float,
) -> Tuple[Tensor, Tensor]:
    return _attend_bottom_right(
        q, k, v, alibi_slopes, scale, causal, left, right, softcap
    )


def _attend_flash(
    name, tensors, alibi_slopes, dropout_p, scale, causal, window, softcap
):
    _refuse_dropout(dropout_p)
    return _attend(name, *tensors, alibi_slopes, scale, causal, *window, softcap)


def flash_attn_func(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    dropout_p: float = 0.0,
    softmax_scale: Optional[float] = None,
    causal: bool = False,
    window_size: Tuple[int, int] = (-1, -1),
    softcap: float = 0.0,
    alibi_slopes: Optional[Tensor] = None,
    deterministic: bool = False,
    return_attn_probs: bool = False,
) -> Any:
    """flash_attn.flash_attn_func: q [B, Sq, Hq, D], k and v [B, Skv, Hkv, D],
    causal and windows bottom-right. With return_attn_probs also lse and None.
    Results never depend on threads: deterministic has nothing to do."""
    out, lse = _attend_flash(
        "flash", (q, k, v), alibi_slopes, dropout_p, softmax_scale, causal,
        window_size, softcap,
    )  # fmt: skip
    return (out, lse, None) if return_attn_probs else out


def _flash_varlen(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    cu_seqlens_q: Tensor,
    cu_seqlens_k: Tensor,
    block_table: Optional[Tensor],
    alibi_slopes: Optional[Tensor],
    scale: Optional[float],
    causal: bool,
    left: int,
    right: int,
    softcap: float,
) -> Tuple[Tensor, Tensor]:
    if block_table is None:
        lengths = dict(cu_seqlens_kv=cu_seqlens_k)
    else:
        lengths = dict(block_table=block_table, kv_lens=cu_seqlens_k.diff())
    return _attend_bottom_right(
        q,
        k,
        v,
        alibi_slopes,
        scale,
        causal,
        left,
        right,
        softcap,
        layout="thd",
        cu_seqlens_q=cu_seqlens_q,
        **lengths,
    )


def flash_attn_varlen_func(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    cu_seqlens_q: Tensor,
    cu_seqlens_k: Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    dropout_p: float = 0.0,
    softmax_scale: Optional[float] = None,
    causal: bool = False,
    window_size: Tuple[int, int] = (-1, -1),
    softcap: float = 0.0,
    alibi_slopes: Optional[Tensor] = None,
    deterministic: bool = False,
    return_attn_probs: bool = False,
    block_table: Optional[Tensor] = None,
) -> Any:
    """flash_attn.flash_attn_varlen_func: q [total_q, Hq, D], k and v packed
    too or, with block_table, pages. The maximal lengths are not needed."""
    out, lse = _attend_flash(
        "flash_varlen", (q, k, v, cu_seqlens_q, cu_seqlens_k, block_table),
        alibi_slopes, dropout_p, softmax_scale, causal, window_size, softcap,
    )  # fmt: skip
    return (out, lse, None) if return_attn_probs else out


# ---- flex_attention ----------------------------------------------------------


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Optional[Callable] = None,
    block_mask: Any = None,
    scale: Optional[float] = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    *,
    mask_mod: Optional[Callable] = None,
    mod_args: Tuple = (),
) -> Any:
    """torch.nn.attention.flex_attention: [B, H, S, D], with
    score_mod(score, b, h, q_idx, kv_idx) and the mask of a block_mask, or
    mask_mod(b, h, q_idx, kv_idx). Which tiles are empty is found from the
    mask; a block_mask gives nothing but its function."""
    _check_heads(query.shape[1], key.shape[1], enable_gqa)
    if block_mask is not None:
        if mask_mod is not None:
            raise AttnError("mask_mod: does not go with block_mask")
        mask_mod = block_mask.mask_mod
    return attention(
        query,
        key,
        value,
        layout="bhsd",
        scale=scale,
        score_mod=score_mod,
        mask_mod=mask_mod,
        mod_args=mod_args,
        return_lse=return_lse,
    )


# ---- Operators for torch.compile ---------------------------------------------

_FUNCTIONS = {"sdpa": _sdpa, "flash": _flash, "flash_varlen": _flash_varlen}


def _register():
    def sdpa_like(query, key, value, attn_mask, is_causal, scale):
        return query.new_empty(query.shape[:-1] + value.shape[-1:])

    def flash_like(q, k, v, *rest):
        lse = q.new_empty(
            (q.shape[0], q.shape[2], q.shape[1]), dtype=torch.float32
        )
        return q.new_empty(q.shape[:-1] + v.shape[-1:]), lse

    def varlen_like(q, k, v, *rest):
        lse = q.new_empty((q.shape[1], q.shape[0]), dtype=torch.float32)
        return q.new_empty(q.shape[:-1] + v.shape[-1:]), lse

    for name, like in (
        ("sdpa", sdpa_like),
        ("flash", flash_like),
        ("flash_varlen", varlen_like),
    ):
        operator = torch.library.custom_op(
            f"attn::{name}", _FUNCTIONS[name], mutates_args=()
        )
        operator.register_fake(like)


_register()
