# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The f64 reference, for tests: slow, obvious, and no part of the compiler."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np

from . import _arrays, _library
from ._attention import DEFAULTS
from .errors import AttnError

_SCORE = ctypes.CFUNCTYPE(
    ctypes.c_double, ctypes.c_void_p, ctypes.c_double, *[ctypes.c_int64] * 5
)
_ARRAY = ctypes.POINTER(_library.Array)

_ARRAYS = (
    "q",
    "k",
    "v",
    "cu_seqlens_q",
    "cu_seqlens_kv",
    "block_table",
    "q_lens",
    "kv_lens",
    "q_offset",
    "q_positions",
    "bias",
    "sinks",
    "alibi_slopes",
    "q_descale",
    "k_descale",
    "v_descale",
    "visible",
)


class _Problem(ctypes.Structure):
    """AttnReferenceProblem."""

    _fields_ = (
        [("size", ctypes.c_size_t)]
        + [(name, _ARRAY) for name in _ARRAYS]
        + [
            ("scale", ctypes.c_float),
            ("softcap", ctypes.c_float),
            ("score", _SCORE),
            ("user", ctypes.c_void_p),
        ]
    )


def _load():
    library = ctypes.CDLL(_library.find_library("libattn-reference.so"))
    arguments = [
        ctypes.POINTER(_Problem),
        _ARRAY,
        _ARRAY,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]
    _library.bind(
        library,
        [
            ("attnReferenceEvaluate", ctypes.c_int, arguments),
            ("attnReferenceCheck", ctypes.c_int, arguments),
        ],
    )
    return library


_reference_library = None


def _get_library():
    global _reference_library
    if _reference_library is None:
        _reference_library = _load()
    return _reference_library


class _Evaluation:
    """The arguments of attn.attention as the reference takes them."""

    def __init__(self, call):
        self.call = call
        self.keep = []
        layout = call["layout"]
        self.packed = layout == "thd"
        self.swap = layout == "bhsd"
        self.problem = _Problem(ctypes.sizeof(_Problem))
        paged = call["block_table"] is not None
        self.q = self._matrix("q", self.swap)
        self.k = self._matrix("k", self.swap and not paged)
        self.v = self._matrix("v", self.swap and not paged)
        self._lengths()
        self._scores()
        self._visible()

    def _numpy(self, name):
        return np.asarray(_arrays.to_numpy(self.call[name], name))

    def _matrix(self, name, swap):
        array = _arrays.to_numpy(self.call[name], name)
        array = array.swapaxes(1, 2) if swap else array
        self._set(name, array)
        return array

    def describe(self, array):
        """An AttnArray; its parts are kept alive."""
        item = array.itemsize
        sizes = (ctypes.c_int64 * array.ndim)(*array.shape)
        strides = (ctypes.c_int64 * array.ndim)(
            *(stride // item for stride in array.strides)
        )
        result = _library.Array(
            array.__array_interface__["data"][0],
            _library.DATA_TYPES[array.dtype.name],
            array.ndim,
            sizes,
            strides,
        )
        self.keep += [array, sizes, strides, result]
        return ctypes.pointer(result)

    def _set(self, name, array):
        setattr(self.problem, name, self.describe(array))

    def _lengths(self):
        call = self.call
        for name in (
            "cu_seqlens_q",
            "cu_seqlens_kv",
            "block_table",
            "q_lens",
            "kv_lens",
            "q_positions",
        ):
            if call[name] is not None:
                self._set(name, self._numpy(name).astype(np.int64))
        if self.packed:
            self.batch = len(self._numpy("cu_seqlens_q")) - 1
        else:
            self.batch = self.q.shape[0]
        self.row_counts = self._counts("cu_seqlens_q", "q_lens", self.q)
        self.key_counts = self._counts("cu_seqlens_kv", "kv_lens", self.k)
        offset = call["q_offset"]
        if isinstance(offset, str):
            offset = self.key_counts - self.row_counts
        self.offsets = np.broadcast_to(
            np.asarray(_arrays.to_numpy(offset, "q_offset"), np.int64),
            (self.batch,),
        )
        if call["q_positions"] is None:
            self._set("q_offset", self.offsets)

    def _counts(self, starts, lens, array):
        if self.call[starts] is not None:
            return np.diff(self._numpy(starts)).astype(np.int64)
        if self.call[lens] is not None:
            return self._numpy(lens).astype(np.int64)
        return np.full(self.batch, array.shape[1], np.int64)

    def _scores(self):
        call, problem = self.call, self.problem
        scale = call["scale"]
        if scale is None:
            scale = 1 / math.sqrt(self.q.shape[-1])
        problem.scale = scale
        problem.softcap = call["softcap"] or 0
        if call["bias"] is not None:
            bias = _arrays.to_numpy(call["bias"], "bias")
            self._set("bias", bias[(None,) * (4 - bias.ndim)])
        for name in (
            "sinks",
            "alibi_slopes",
            "q_descale",
            "k_descale",
            "v_descale",
        ):
            if call[name] is not None:
                self._set(name, self._numpy(name).astype(np.float32))
        if call["score_mod"] is not None:
            function, extra = call["score_mod"], call["mod_args"]

            def score(user, value, b, h, i, q_pos, j):
                # np.float64: functions of NumPy and its methods apply.
                number = function(np.float64(value), b, h, q_pos, j, *extra)
                return float(number)

            self.callback = _SCORE(score)
            problem.score = self.callback

    def _positions(self):
        """q_pos [B, 1, rows, 1], by the row within its sequence."""
        shape = (self.batch, 1, self.max_rows, 1)
        result = np.arange(self.max_rows).reshape(1, 1, -1, 1)
        result = result + self.offsets.reshape(-1, 1, 1, 1)
        positions = self.call["q_positions"]
        if positions is None:
            return np.broadcast_to(result, shape)
        positions = self._numpy("q_positions")
        result = np.zeros(shape, np.int64)
        for b, part in enumerate(self._per_sequence(positions, "cu_seqlens_q")):
            result[b, 0, : len(part), 0] = part
        return result

    def _per_sequence(self, tokens, starts):
        """[B, S] or packed [total] as one array for each sequence."""
        if self.call[starts] is None:
            return list(tokens)
        return np.split(tokens, self._numpy(starts)[1:-1])

    def _visible(self):
        """The whole mask as one bool array."""
        call = self.call
        self.max_rows = int(
            self.row_counts.max(initial=0) if self.packed else self.q.shape[1]
        )
        if call["block_table"] is not None:
            self.max_keys = int(self.key_counts.max(initial=0))
        else:
            self.max_keys = int(
                self.key_counts.max(initial=0)
                if self.packed
                else self.k.shape[1]
            )
        heads = self.q.shape[-2]
        b = np.arange(self.batch).reshape(-1, 1, 1, 1)
        h = np.arange(heads).reshape(1, -1, 1, 1)
        j = np.arange(self.max_keys).reshape(1, 1, 1, -1)
        q_pos = self._positions()
        shape = (self.batch, heads, self.max_rows, self.max_keys)
        parts = []
        if call["mask"] is not None:
            parts.append(call["mask"].visible(b, h, q_pos, j))
        if call["attn_mask"] is not None:
            mask = _arrays.to_numpy(call["attn_mask"], "attn_mask")
            parts.append(mask.reshape((1,) * (4 - mask.ndim) + mask.shape))
        if call["mask_mod"] is not None:
            parts.append(self._custom(b, h, q_pos, j, shape))
        if call["q_segment_ids"] is not None:
            parts.append(self._segments())
        if not parts:
            return
        visible = np.ones(shape, bool)
        for part in parts:
            visible &= part[..., : self.max_rows, : self.max_keys]
        self._set("visible", visible)

    def _custom(self, b, h, q_pos, j, shape):
        grid = [np.broadcast_to(x, shape).ravel() for x in (b, h, q_pos, j)]
        function, extra = self.call["mask_mod"], self.call["mod_args"]
        values = [
            bool(function(*(int(x) for x in at), *extra)) for at in zip(*grid)
        ]
        return np.array(values, bool).reshape(shape)

    def _segments(self):
        def padded(name, starts, count):
            result = np.zeros((self.batch, count), np.int64)
            parts = self._per_sequence(self._numpy(name), starts)
            for b, part in enumerate(parts):
                part = part[:count]
                result[b, : len(part)] = part
            return result

        q = padded("q_segment_ids", "cu_seqlens_q", self.max_rows)
        kv = padded("kv_segment_ids", "cu_seqlens_kv", self.max_keys)
        return q[:, None, :, None] == kv[:, None, None, :]

    def call_library(self, function, out, lse):
        message = ctypes.create_string_buffer(1024)
        status = function(
            ctypes.byref(self.problem),
            self.describe(out),
            self.describe(lse) if lse is not None else None,
            message,
            len(message),
        )
        if status < 0:
            raise AttnError(message.value.decode())
        return status, message.value.decode()


def _make_call(q, k, v, arguments):
    call = dict(DEFAULTS, q=q, k=k, v=v)
    for name, value in arguments.items():
        if name not in call:
            raise AttnError(f"{name}: no such argument")
        call[name] = value
    return call


def reference(q: Any, k: Any, v: Any, **arguments: Any) -> Any:
    """attn.attention in float64, from its definition.

    Takes the arguments of attn.attention; those that only say how the work is
    done have no effect. Returns NumPy float64 arrays: out, and with return_lse
    also lse.
    """
    evaluation = _Evaluation(_make_call(q, k, v, arguments))
    shape = evaluation.q.shape[:-1] + evaluation.v.shape[-1:]
    out = np.empty(shape, np.float64)
    heads = shape[-2]
    lse = np.empty(
        (heads, shape[0])
        if evaluation.packed
        else (shape[0], heads, shape[1]),
        np.float64,
    )
    evaluation.call_library(
        _get_library().attnReferenceEvaluate, out, lse
    )
    if evaluation.swap:
        out = out.swapaxes(1, 2)
    return (out, lse) if arguments.get("return_lse") else out


def check(out: Any, lse: Any, q: Any, k: Any, v: Any, **arguments: Any) -> str:
    """Compares results of attn.attention with the reference by the rule of
    docs/semantics.md; lse may be None. Returns a line with the errors met, or
    raises AssertionError with it."""
    evaluation = _Evaluation(_make_call(q, k, v, arguments))
    out = _arrays.to_numpy(out, "out")
    if evaluation.swap:
        out = out.swapaxes(1, 2)
    status, message = evaluation.call_library(
        _get_library().attnReferenceCheck,
        out,
        None if lse is None else _arrays.to_numpy(lse, "lse"),
    )
    if not status:
        raise AssertionError(message)
    return message
