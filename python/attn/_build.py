# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From the arguments of attn.attention to a problem and its outputs."""

import math

import numpy as np

from . import _arrays, masks
from ._arrays import FLOAT_TYPES
from ._problem import (
    Matrix,
    Operand,
    Problem,
    address,
    check_count,
    check_number,
    check_softcap,
    convert,
    describe,
    f32_text,
    fail,
    fetch_pointer,
    fixed,
    get_default_scale,
    has_default_scale,
    memref,
    open_dim,
    open_sizes,
    pairs,
    scalar,
    simplify,
    small,
)
from ._tracing import trace_mask, trace_score
from .errors import AttnError

LAYOUTS = ("bshd", "bhsd", "thd")
OUT_TYPES = ("float32", "float16", "bfloat16")


def type_name(dtype):
    """The name of an element type that a caller spells as a string, a NumPy
    or a torch type."""
    text = str(dtype)
    if text.startswith("torch."):
        return text[len("torch."):]
    try:
        return np.dtype(dtype).name
    except TypeError:
        return text


class Builder:
    """Builds the problem of one call; `call` has its arguments by name."""

    def __init__(self, call):
        self.call = call
        self.problem = Problem()
        self.packed = call["layout"] == "thd"
        self.paged = call["block_table"] is not None

    def build(self):
        self._read_matrices()
        self._check_combinations()
        names = [
            self.problem.add(matrix.operand())
            for matrix in (self.q, self.k, self.v)
        ]
        self._add_lengths()
        self._add_positions()
        self._add_scores()
        self._add_mask()
        self._add_sizes()
        outputs = self._add_outputs()
        kv_form = "paged" if self.paged else self.k.form
        layouts = (
            f"q = {self.q.form}, k = {kv_form}, "
            f"v = {'paged' if self.paged else self.v.form}, "
            f"out = {self.out_form}"
        )
        self.text = self.problem.text(names, layouts, outputs)
        return self

    # ---- Shapes --------------------------------------------------------------

    def _read_matrices(self):
        call = self.call
        layout = call["layout"]
        if layout not in LAYOUTS:
            fail("layout", repr(layout), " or ".join(map(repr, LAYOUTS)))
        self.q = Matrix("q", call["q"], layout)
        # Pages take the place of the batch.
        kv_letters = "bshd" if self.paged else layout
        self.k = Matrix("k", call["k"], kv_letters)
        self.v = Matrix("v", call["v"], kv_letters)
        for matrix in (self.q, self.k, self.v):
            if matrix.view.dtype not in FLOAT_TYPES:
                fail(
                    matrix.name,
                    f"element type {matrix.view.dtype}",
                    ", ".join(FLOAT_TYPES),
                )
        self._check_shapes()
        row = "t" if self.packed else "s"
        self.rows = self.q.size[row]
        self.keys = self.k.size["s" if self.paged else row]
        self.heads = self.q.size["h"]
        self.kv_heads = self.k.size["h"]
        if self.packed:
            starts = call["cu_seqlens_q"]
            if starts is None:
                fail("cu_seqlens_q", "None", "int32 [B + 1] with layout 'thd'")
            self.batch = len(convert(starts, "cu_seqlens_q", "int32")) - 1
        else:
            self.batch = self.q.size["b"]

    def _check_shapes(self):
        q, k, v = self.q, self.k, self.v
        if k.view.dtype != v.view.dtype:
            fail(
                "v",
                f"element type {v.view.dtype}",
                f"that of k, {k.view.dtype}",
            )
        if q.size["d"] != k.size["d"]:
            fail("k", f"head dim {k.size['d']}", f"that of q, {q.size['d']}")
        for letter in k.letters:
            if letter != "d" and k.size[letter] != v.size[letter]:
                fail(
                    "v",
                    f"shape {describe(v.view.shape)}",
                    f"that of k, {describe(k.view.shape)}, up to the head dim",
                )
        if not self.packed and not self.paged and q.size["b"] != k.size["b"]:
            fail("k", f"batch {k.size['b']}", f"that of q, {q.size['b']}")
        if q.size["d"] < 1 or v.size["d"] < 1:
            fail("q", "head dim 0", "at least 1")
        if k.size["h"] < 1 or q.size["h"] % k.size["h"] or q.size["h"] < 1:
            fail(
                "q",
                f"{q.size['h']} heads",
                f"a multiple of the {k.size['h']} heads of k",
            )

    def _check_combinations(self):
        call = self.call
        given = [name for name in call if call[name] is not None]
        for name in ("cu_seqlens_q", "cu_seqlens_kv"):
            if name in given and not self.packed:
                raise AttnError(f"{name}: needs layout 'thd'")
        if self.packed:
            for name in ("q_lens",) + (() if self.paged else ("kv_lens",)):
                if name in given:
                    raise AttnError(
                        f"{name}: does not go with layout 'thd', whose "
                        "lengths are in cu_seqlens"
                    )
            if ("cu_seqlens_kv" in given) == self.paged:
                raise AttnError(
                    "cu_seqlens_kv: layout 'thd' needs it or block_table"
                )
        if self.paged and "kv_lens" not in given:
            raise AttnError("kv_lens: block_table needs it")
        if ("q_segment_ids" in given) != ("kv_segment_ids" in given):
            raise AttnError(
                "q_segment_ids, kv_segment_ids: give both or neither"
            )
        if "q_positions" in given and self._has_offset():
            raise AttnError(
                "q_offset: does not go with q_positions, which replace it"
            )
        if "num_splits" in given and "split_size" in given:
            raise AttnError("num_splits, split_size: give at most one")

    def _has_offset(self):
        offset = self.call["q_offset"]
        return not (isinstance(offset, int) and offset == 0)

    # ---- Lengths and positions -----------------------------------------------

    def _small(self, keyword, name, dtype, *shapes):
        if self.call[name] is not None:
            self.problem.clause(
                keyword, small(name, self.call[name], dtype, shapes)
            )

    def _add_lengths(self):
        batch = [open_dim(self.batch)]
        self._small("q_lens", "q_lens", "int32", batch)
        self._small("kv_lens", "kv_lens", "int32", batch)
        starts = [open_dim(self.batch + 1)]
        self._small("cu_seqlens_q", "cu_seqlens_q", "int32", starts)
        self._small("cu_seqlens_kv", "cu_seqlens_kv", "int32", starts)
        self._small(
            "block_table",
            "block_table",
            "int32",
            [open_dim(self.batch), open_dim(None)],
        )

    def _add_positions(self):
        rows = (
            [open_dim(self.rows)]
            if self.packed
            else [open_dim(self.batch), open_dim(self.rows)]
        )
        self._small("q_positions", "q_positions", "int64", rows)
        offset = self.call["q_offset"]
        if isinstance(offset, str):
            self._add_bottom_right(offset)
        elif isinstance(offset, (int, np.integer)) and not isinstance(
            offset, bool
        ):
            if offset == 0:
                return
            if not -(2**63) <= offset < 2**63:
                fail("q_offset", offset, "a 64-bit integer")
            self._add_offset("i64", lambda call: call["q_offset"])
        elif isinstance(offset, (list, tuple)) or hasattr(offset, "shape"):
            self._small(
                "dynamic_q_offset", "q_offset", "int64", [open_dim(self.batch)]
            )
        else:
            fail(
                "q_offset",
                repr(offset),
                "an int, an integer array [B] or 'bottom_right'",
            )

    def _add_offset(self, ir_type, compute):
        self.problem.clause(
            "dynamic_q_offset", scalar("q_offset", ir_type, "int64", compute)
        )

    def _add_bottom_right(self, text):
        """q_offset = kv_len - q_len of each sequence."""
        if text != "bottom_right":
            fail("q_offset", repr(text), "an int, an array or 'bottom_right'")
        call = self.call
        lengths = ("q_lens", "kv_lens", "cu_seqlens_q")
        if all(call[name] is None for name in lengths):
            offset = self.keys - self.rows
            if offset:
                self._add_offset("i64", lambda call: offset)
            return
        rows, keys, batch = self.rows, self.keys, self.batch

        def lengths_of(call, starts, lens, size):
            if call[starts] is not None:
                return np.diff(_arrays.to_numpy(call[starts], starts))
            if call[lens] is not None:
                return _arrays.to_numpy(call[lens], lens)
            return size

        def compute(call):
            q = lengths_of(call, "cu_seqlens_q", "q_lens", rows)
            kv = lengths_of(call, "cu_seqlens_kv", "kv_lens", keys)
            return np.subtract(kv, q, dtype=np.int64)

        operand = scalar("q_offset", "memref<?xi64>", "int64", compute)
        operand.sizes, operand.strides = (batch,), (1,)
        self.problem.clause("dynamic_q_offset", operand)

    # ---- Scores --------------------------------------------------------------

    def _pair_sizes(self):
        """[B, Hq, Sq, Skv], None where sequences differ in length."""
        return [
            self.batch,
            self.heads,
            None if self.packed else self.rows,
            None if self.packed or self.paged else self.keys,
        ]

    def _add_scale(self):
        scale, head_dim = self.call["scale"], self.q.size["d"]
        if scale is not None:
            check_number("scale", scale)
        if has_default_scale(scale, head_dim):
            text = f32_text(get_default_scale(head_dim))
            self.problem.attribute("scale", text)
            return
        operand = scalar(
            "scale",
            "f32",
            "float32",
            lambda call: check_number("scale", call["scale"]),
        )
        self.problem.clause("dynamic_scale", operand)

    def _add_softcap(self):
        softcap = self.call["softcap"]
        if softcap is None or check_softcap(softcap) == 0:
            return
        operand = scalar(
            "softcap",
            "f32",
            "float32",
            lambda call: check_softcap(call["softcap"]),
        )
        self.problem.clause("dynamic_softcap", operand)

    def _add_scores(self):
        call, problem = self.call, self.problem
        self._add_scale()
        self._add_softcap()
        if call["bias"] is not None:
            types = {n: FLOAT_TYPES[n] for n in OUT_TYPES}
            problem.clause(
                "bias",
                pairs("bias", call["bias"], self._pair_sizes(), types),
            )
        self._small("sinks", "sinks", "float32", [fixed(self.heads)])
        self._small(
            "alibi_slopes",
            "alibi_slopes",
            "float32",
            [fixed(self.heads)],
            [open_dim(self.batch), fixed(self.heads)],
        )
        for name in ("q_descale", "k_descale", "v_descale"):
            self._small(
                name,
                name,
                "float32",
                [fixed(1), fixed(1)],
                [fixed(1), fixed(self.kv_heads)],
                [open_dim(self.batch), fixed(1)],
                [open_dim(self.batch), fixed(self.kv_heads)],
            )
        if call["score_mod"] is not None:
            self._add_score_mod()

    def _capture(self, array, number):
        """The operand of a captured array."""
        seen = _arrays.view(array, f"captured array {number}")
        contiguous = _arrays.contiguous_strides(seen.shape)
        if seen.strides != contiguous and 0 not in seen.shape:
            fail(f"captured array {number}", "gaps", "a contiguous array")
        dims = "".join("?x" for _ in seen.shape)
        pointer = fetch_pointer(seen.kind)
        return Operand(
            f"captured array {number}",
            f"memref<{dims}{_arrays.ELEMENT_TYPES[seen.dtype]}>",
            seen.dtype,
            seen.shape,
            contiguous,
            lambda call: pointer(array),
        )

    def _add_score_mod(self):
        traced = trace_score(self.call["score_mod"], self.call["mod_args"])
        self.problem.functions.append(traced.text)
        self.problem.attribute("score_mod", "@score_mod")
        operands = [
            self._capture(array, number)
            for number, array in enumerate(traced.captures)
        ]
        if operands:
            names = ", ".join(self.problem.add(o) for o in operands)
            types = ", ".join(o.ir_type for o in operands)
            self.problem.attribute("score_operands", f"{names} : {types}")

    # ---- The mask ------------------------------------------------------------

    def _masks(self):
        call = self.call
        result = []
        if call["mask"] is not None:
            if not isinstance(call["mask"], masks.Mask):
                fail("mask", repr(call["mask"]), "a mask of attn")
            result.append(call["mask"])
        if call["attn_mask"] is not None:
            result.append(masks.Dense(call["attn_mask"]))
        if call["q_segment_ids"] is not None:
            result.append(
                masks.Segments(call["q_segment_ids"], call["kv_segment_ids"])
            )
        if call["mask_mod"] is not None:
            traced = trace_mask(call["mask_mod"], call["mod_args"])
            self.problem.functions.append(traced.text)
            result.append(masks.Custom("mask_mod", tuple(traced.captures)))
        return result

    def _mask_operand(self, role, array, index):
        """The operand of a slot; `index` counts the slots of the mask's own
        arrays."""
        if role == "attn_mask":
            return pairs(role, array, self._pair_sizes(), {"bool": "i1"})
        if role == "mod_args":
            return self._capture(array, index)
        if role == "prefix":
            operand = small(
                "prefix", array, "int32", [[open_dim(self.batch)]]
            )
            operand.fetch = lambda call, index=index: _fetch_small(
                call["mask"].arrays()[index], "prefix"
            )
            return operand
        rows = self.rows if role == "q_segment_ids" else self._key_tokens()
        shape = (
            [open_dim(rows)]
            if self.packed
            else [open_dim(self.batch), open_dim(rows)]
        )
        return small(role, array, "int32", [shape])

    def _key_tokens(self):
        return None if self.paged else self.keys

    def _add_mask(self):
        mask = simplify(self._masks())
        if mask is None:
            return
        operands, prefixes = [], 0

        def slots(role, array):
            nonlocal prefixes
            operands.append(self._mask_operand(role, array, prefixes))
            prefixes += role == "prefix"
            return len(operands) - 1

        self.problem.attribute("mask", mask.emit(slots))
        if operands:
            names = ", ".join(self.problem.add(o) for o in operands)
            types = ", ".join(o.ir_type for o in operands)
            self.problem.attribute("mask_operands", f"{names} : {types}")

    # ---- The rest ------------------------------------------------------------

    def _add_sizes(self):
        for name in (
            "num_splits",
            "split_size",
            "block_q",
            "block_kv",
            "block_kv_compute",
        ):
            if self.call[name] is not None:
                count = check_count(name, self.call[name])
                self.problem.attribute(name, str(count))

    def _add_outputs(self):
        call = self.call
        sizes = dict(self.q.size, d=self.v.size["d"])
        shape = [sizes[letter] for letter in self.q.letters]
        dtype = call["out_dtype"]
        if call["out"] is not None:
            out = Matrix("out", call["out"], self.q.letters)
            if list(out.view.shape) != shape:
                fail(
                    "out",
                    f"shape {describe(out.view.shape)}",
                    describe(shape),
                )
            if dtype is not None and type_name(dtype) != out.view.dtype:
                fail("out", f"element type {out.view.dtype}", f"{dtype}")
            self.out_dtype = out.view.dtype
        else:
            is_fp8 = self.q.view.dtype.startswith("float8")
            self.out_dtype = (
                type_name(dtype)
                if dtype is not None
                else "bfloat16" if is_fp8 else self.q.view.dtype
            )
            out = None
        if self.out_dtype not in OUT_TYPES:
            fail(
                "out_dtype" if out is None else "out",
                f"element type {self.out_dtype}",
                ", ".join(OUT_TYPES),
            )
        self.out_shape = tuple(shape)
        names = [self.problem.add(self._out_operand(out))]
        if call["return_lse"]:
            names.append(self.problem.add(self._lse_operand()))
        return names

    def _out_operand(self, out):
        if out is not None:
            self.out_form = out.form
            operand = out.operand()
            return operand
        letters = self.q.letters
        form = "thd" if self.packed else "bshd"
        self.out_form = form
        size = dict(zip(letters, self.out_shape))
        stride = dict(zip(letters, _arrays.contiguous_strides(self.out_shape)))
        is_decoded = size.get("s") == 1
        return Operand(
            "out",
            memref(
                open_sizes(form, size, is_decoded),
                [None] * (len(form) - 1) + [1],
                FLOAT_TYPES[self.out_dtype],
            ),
            self.out_dtype,
            [size[d] for d in form],
            [stride[d] for d in form],
            None,
        )

    def _lse_operand(self):
        if self.packed:
            self.lse_shape = (self.heads, self.rows)
            sizes = [self.heads, None]
        else:
            self.lse_shape = (self.batch, self.heads, self.rows)
            sizes = [None, self.heads, None]
        strides = _arrays.contiguous_strides(self.lse_shape)
        return Operand(
            "lse",
            memref(sizes, [None] * (len(sizes) - 1) + [1], "f32"),
            "float32",
            self.lse_shape,
            strides,
            None,
        )


def _fetch_small(array, name):
    value = convert(array, name, "int32")
    return address(value), value
