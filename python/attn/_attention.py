# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.attention."""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence, Union

import numpy as np

from . import _arrays
from ._plan import Plan
from ._problem import has_default_scale
from .masks import Mask

#: Prepared calls by what they look like; the short ones by a key that is made
#: faster.
_plans: dict = {}
_short_calls: dict = {}
#: More plans than this are not kept: callers with ever new shapes would fill
#: the memory.
_MAX_PLANS = 4096

_ndarray = np.ndarray
_NUMBERS = (int, float, np.integer, np.floating)


def signature(value):
    """Equal for values that lead to the same code and descriptors."""
    if value is None:
        return None
    if isinstance(value, _ndarray):
        return (value.shape, value.strides, value.dtype)
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, Mask):
        return (value.key(), tuple(signature(a) for a in value.arrays()))
    if isinstance(value, (list, tuple)):
        return ("list", tuple(signature(item) for item in value))
    if _arrays.is_torch(value):
        return (
            value.shape,
            value.stride(),
            value.dtype,
            value.requires_grad,
            value.device,
        )
    if hasattr(value, "__dlpack__"):
        device = _arrays.get_device(value)
        with _arrays.on_device(device):
            seen = _arrays.view(value, "array")
        return (type(value), seen.shape, seen.strides, seen.dtype, device)
    # Functions, types: themselves.
    return value


#: Arguments whose values shape the code, and are plain: a saved kernel names
#: them.
PLAIN = (
    "layout",
    "num_splits",
    "split_size",
    "block_q",
    "block_kv",
    "block_kv_compute",
    "out_dtype",
    "return_lse",
    "target",
)
#: All of that kind; of the others only the form shapes the code.
STATIC = PLAIN + ("score_mod", "mask_mod", "device")


def _offset_form(call):
    """An integer offset is an operand, but 0 is none."""
    offset = call["q_offset"]
    if isinstance(offset, int) and not isinstance(offset, bool):
        return offset != 0
    return signature(offset)


def _is_number(value):
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _scale_form(call):
    """A scale is an operand unless it is the default."""
    scale, shape = call["scale"], getattr(call["q"], "shape", ())
    if not _is_number(scale) or not shape or not shape[-1]:
        return signature(scale)
    return (has_default_scale(scale, shape[-1]),)


def _softcap_form(call):
    """A softcap is an operand, but 0 is none."""
    softcap = call["softcap"]
    return (softcap > 0,) if _is_number(softcap) else signature(softcap)


def _captured_form(call):
    """Captured arrays are bound when a function is traced."""
    return tuple(
        item if isinstance(item, (int, float, bool, str)) else id(item)
        for item in call["mod_args"]
    )


_SPECIAL_FORMS = {
    "mod_args": _captured_form,
    "q_offset": _offset_form,
    "scale": _scale_form,
    "softcap": _softcap_form,
}


def make_key(call):
    return tuple(
        value
        if name in STATIC
        else _SPECIAL_FORMS[name](call)
        if name in _SPECIAL_FORMS
        else signature(value)
        for name, value in call.items()
    )


def find_plan(call):
    key = make_key(call)
    try:
        plan = _plans.get(key)
    except TypeError:
        return Plan(call)
    if plan is None:
        plan = Plan(call)
        if len(_plans) >= _MAX_PLANS:
            _plans.clear()
        _plans[key] = plan
    return plan


def attention(
    q: Any,
    k: Any,
    v: Any,
    *,
    layout: str = "bshd",
    scale: Optional[float] = None,
    mask: Optional[Mask] = None,
    q_offset: Union[int, str, Any] = 0,
    q_positions: Any = None,
    attn_mask: Any = None,
    bias: Any = None,
    softcap: Optional[float] = None,
    sinks: Any = None,
    alibi_slopes: Any = None,
    q_segment_ids: Any = None,
    kv_segment_ids: Any = None,
    q_lens: Any = None,
    kv_lens: Any = None,
    cu_seqlens_q: Any = None,
    cu_seqlens_kv: Any = None,
    block_table: Any = None,
    q_descale: Any = None,
    k_descale: Any = None,
    v_descale: Any = None,
    score_mod: Optional[Callable] = None,
    mask_mod: Optional[Callable] = None,
    mod_args: Sequence[Any] = (),
    num_splits: Optional[int] = None,
    split_size: Optional[int] = None,
    block_q: Optional[int] = None,
    block_kv: Optional[int] = None,
    block_kv_compute: Optional[int] = None,
    out: Any = None,
    out_dtype: Any = None,
    return_lse: bool = False,
    target: str = "native",
    device: Optional[str] = None,
) -> Any:
    """softmax(mask(scale * q k^T)) v.

    Arrays are NumPy's, or anything that speaks DLPack; they are not copied,
    and the result is of the same kind. B batch, S tokens, H heads, D head dim:

    q: [B, Sq, Hq, D] ("bshd"), [B, Hq, Sq, D] ("bhsd") or packed
      [total_q, Hq, D] ("thd"); float32, float16, bfloat16 or fp8. Its head
      dim or its sequence dim is contiguous; other strides are free.
    k, v: as q with Skv tokens and Hkv heads, Hq % Hkv == 0; v may have
      another head dim. With block_table [num_pages, page_size, Hkv, D].
    scale: a factor of the scores, 1 / sqrt(D) by default.
    mask: see attn.causal and the others; combine with & | ~.
    q_offset: position of row 0: an int, integers [B], or "bottom_right",
      which is kv_len - q_len.
    q_positions: integers [B, Sq], packed [total_q]; replaces row + q_offset.
    attn_mask: bool, True is visible; bias: float, added to the scores. Both
      broadcast to [B, Hq, Sq, Skv] by NumPy's rule.
    softcap: scores become softcap * tanh(score / softcap).
    sinks: float32 [Hq], one more logit in each row's denominator.
    alibi_slopes: float32 [Hq] or [B, Hq].
    q_segment_ids, kv_segment_ids: integers [B, Sq] and [B, Skv]; a row sees
      the keys of its own segment.
    q_lens, kv_lens: integers [B]; what is beyond is padding.
    cu_seqlens_q, cu_seqlens_kv: integers [B + 1], starts of packed sequences.
    block_table: integers [B, max_pages], pages of k and v; needs kv_lens.
    q_descale, k_descale, v_descale: float32 [B or 1, Hkv or 1], for fp8.
    score_mod: a function (score, b, h, q_pos, kv, *mod_args) -> score;
    mask_mod: a function (b, h, q_pos, kv, *mod_args) -> bool. Both are traced
      once; see docs/python.md.
    num_splits, split_size, block_q, block_kv, block_kv_compute: how the work
      is cut; results keep their meaning.
    out: an array to write to; out_dtype: float32, float16 or bfloat16, q's
      by default (bfloat16 for fp8).
    return_lse: also return the log-sum-exp of each row in natural units,
      float32 [B, Hq, Sq], packed [Hq, total_q].
    target: "native", or a name of docs/targets.md.
    device: "cuda" or "hip" runs on the GPU that holds q, k and v, PyTorch's or
      DLPack's, on PyTorch's current stream; "emulator" runs a target that is a
      GPU on this machine. See docs/gpu.md.

    A row that sees no key gives 0, and lse -inf (or its sink).

    Raises AttnError (a ValueError) that names the argument which breaks the
    contract, and UnsupportedError for what the target cannot do yet.
    """
    key = None
    if (
        q_positions is None
        and attn_mask is None
        and bias is None
        and sinks is None
        and alibi_slopes is None
        and q_segment_ids is None
        and kv_segment_ids is None
        and q_lens is None
        and kv_lens is None
        and cu_seqlens_q is None
        and cu_seqlens_kv is None
        and block_table is None
        and q_descale is None
        and k_descale is None
        and v_descale is None
        and score_mod is None
        and mask_mod is None
        and out is None
        and device is None
        and not mod_args
        and type(q_offset) is int
        and q_offset == 0
    ):
        static = (
            layout,
            scale,
            mask,
            softcap,
            num_splits,
            split_size,
            block_q,
            block_kv,
            block_kv_compute,
            out_dtype,
            return_lse,
            target,
        )
        if type(q) is _ndarray and type(k) is _ndarray and type(v) is _ndarray:
            key = (
                q.shape,
                q.strides,
                q.dtype,
                k.shape,
                k.strides,
                k.dtype,
                v.shape,
                v.strides,
                v.dtype,
                static,
            )
        elif type(q).__module__ == "torch" and type(q) is type(k) is type(v):
            key = (
                q.shape,
                q.stride(),
                q.dtype,
                k.shape,
                k.stride(),
                k.dtype,
                v.shape,
                v.stride(),
                v.dtype,
                q.requires_grad or k.requires_grad or v.requires_grad,
                q.device,
                k.device,
                v.device,
                static,
            )
        try:
            run = _short_calls.get(key)
        except TypeError:
            # Something unhashable, which the long way refuses by name.
            run = key = None
        if run is not None:
            return run(q, k, v)
        del static, run
    call = locals()
    del call["key"]
    plan = find_plan(call)
    run = plan.bind(call) if key is not None else None
    if run is not None:
        if len(_short_calls) >= _MAX_PLANS:
            _short_calls.clear()
        _short_calls[key] = run
    return plan.run(call)


#: The defaults of attention's arguments, by name.
DEFAULTS = dict(q=None, k=None, v=None, **attention.__kwdefaults__)
