# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One attention problem as IR, with what each call gives it.

Batch, lengths, strides and all operand values are left open in the IR: one
kernel serves them all. Heads, head dims, element types, layouts, masks and
which dims are broadcast shape the code.
"""

import math

import numpy as np

from . import _arrays, masks
from ._arrays import ELEMENT_TYPES, FLOAT_TYPES, view
from .errors import AttnError

OFFSET_LIMIT = 2**63
_MAX_F32 = float(np.finfo(np.float32).max)


class Operand:
    """An argument of the kernel: its IR type, and the array of one call as
    sizes, strides and a function from the call's arguments to memory."""

    def __init__(self, name, ir_type, dtype, sizes, strides, fetch):
        self.name = name
        self.ir_type = ir_type
        self.dtype = dtype
        self.sizes = tuple(sizes)
        self.strides = tuple(strides)
        #: Takes the dict of a call's arguments, gives (pointer, owner).
        self.fetch = fetch


def memref(sizes, strides, element):
    """The type of an array; None is a size or stride left open."""
    dims = "".join(("?" if s is None else str(s)) + "x" for s in sizes)
    text = ", ".join("?" if s is None else str(s) for s in strides)
    return f"memref<{dims}{element}, strided<[{text}]>>"


def fail(name, given, expected):
    raise AttnError(f"{name}: given {given}, expected {expected}")


def describe(shape):
    return "[" + ", ".join(str(size) for size in shape) + "]"


# ---- q, k, v and out ---------------------------------------------------------

# Layout in memory for each layout of the interface: with the head dim
# innermost, and with the sequence dim innermost.
_FORMS = {4: ("bshd", "bhds"), 3: ("thd", "hdt")}


def open_sizes(form, size, is_decoded=False):
    """The sizes in a type: batch and rows are open. A single row to decode
    is not: tiles of such a kernel hold the heads of a group, not rows."""
    return [
        None if d in "bt" or (d == "s" and not is_decoded) else size[d]
        for d in form
    ]


class Matrix:
    """q, k, v or out: sizes by letter, and how it lies in memory."""

    def __init__(self, name, array, letters, fetch_name=None):
        seen = view(array, name)
        if len(seen.shape) != len(letters):
            fail(
                name,
                f"shape {describe(seen.shape)}",
                f"{len(letters)} dims, {letters}",
            )
        self.name = name
        self.view = seen
        self.letters = letters
        self.size = dict(zip(letters, seen.shape))
        self.stride = dict(zip(letters, seen.strides))
        self.form = self._find_form()

    def _find_form(self):
        row = "t" if "t" in self.letters else "s"
        plain, transposed = _FORMS[len(self.letters)]
        if 0 in self.view.shape:
            strides = _arrays.contiguous_strides(self.view.shape)
            self.stride = dict(zip(self.letters, strides))
            if self.stride["d"] != 1:
                self.stride["d"] = 1
        if self.size["d"] == 1:
            self.stride["d"] = 1
        if self.stride["d"] == 1:
            return plain
        if self.stride[row] == 1:
            return transposed
        raise AttnError(
            f"{self.name}: neither the head dim nor the sequence dim is "
            f"contiguous, strides {describe(self.view.strides)} for "
            f"{self.letters}"
        )

    def operand(self):
        is_decoded = self.name in ("q", "out") and self.size.get("s") == 1
        sizes = open_sizes(self.form, self.size, is_decoded)
        strides = [None] * (len(self.form) - 1) + [1]
        name = self.name
        return Operand(
            name,
            memref(sizes, strides, FLOAT_TYPES[self.view.dtype]),
            self.view.dtype,
            [self.size[d] for d in self.form],
            [self.stride[d] for d in self.form],
            fetcher(name, self.view.kind),
        )


def fetch_pointer(kind):
    """How the memory of an array of this kind is found."""
    if kind == "numpy":
        return lambda array: (_arrays.address(array), array)
    if kind == "torch":
        return lambda array: (array.data_ptr(), array)

    def fetch(array):
        seen = view(array, "array")
        return seen.pointer, seen

    return fetch


def fetcher(name, kind):
    pointer = fetch_pointer(kind)
    return lambda call: pointer(call[name])


# ---- Operands of a few numbers -----------------------------------------------


def _check_on_device(array, name, dtype):
    """A view of an array on a device, which nothing is converted for."""
    seen = view(array, name)
    if seen.dtype != dtype:
        fail(name, f"element type {seen.dtype}", f"{dtype} on a device")
    if seen.strides != _arrays.contiguous_strides(seen.shape):
        fail(name, "gaps", "a contiguous array on a device")
    return seen


def address(value):
    """Where what `convert` gives is."""
    if isinstance(value, _arrays.View):
        return value.pointer
    return _arrays.address(value)


def convert(array, name, dtype):
    """A contiguous NumPy array of `dtype` with the same values exactly, or a
    view of an array on a device."""
    if not _arrays.is_on_host():
        return _check_on_device(array, name, dtype)
    given = _arrays.to_numpy(array, name)
    target = np.dtype(dtype)
    if given.dtype == target:
        return np.ascontiguousarray(given)
    is_literal = isinstance(array, (list, tuple, int, float))
    if target.kind == "f":
        narrow = given.dtype.name in ("float16", "bfloat16")
        if not (narrow or (is_literal and given.dtype.kind in "if")):
            fail(name, f"element type {given.dtype.name}", dtype)
        return np.ascontiguousarray(given, target)
    if given.dtype.kind not in "iu":
        if not (is_literal and given.size == 0):
            fail(name, f"element type {given.dtype.name}", "integers")
    limits = np.iinfo(target)
    if given.size and (given.min() < limits.min or given.max() > limits.max):
        raise AttnError(f"{name}: has a value that does not fit {dtype}")
    return np.ascontiguousarray(given, target)


def small(name, array, dtype, shapes):
    """An operand that is converted on every call. `shapes` lists what is
    allowed; None is any size. The first that fits says which dims of the type
    are open."""
    first = convert(array, name, dtype)
    for shape in shapes:
        sizes = [size for size, _ in shape]
        if len(sizes) == len(first.shape) and all(
            wanted is None or wanted == given
            for wanted, given in zip(sizes, first.shape)
        ):
            break
    else:
        texts = [
            describe(["any" if s is None else s for s, _ in shape])
            for shape in shapes
        ]
        fail(name, f"shape {describe(first.shape)}", " or ".join(texts))
    sizes = [
        None if is_open else given
        for (_, is_open), given in zip(shape, first.shape)
    ]
    strides = _arrays.contiguous_strides(first.shape)
    element = ELEMENT_TYPES[dtype]
    if len(sizes) == 1:
        text = "?" if sizes[0] is None else str(sizes[0])
        ir_type = f"memref<{text}x{element}>"
    else:
        ir_type = memref(sizes, [None] * (len(sizes) - 1) + [1], element)

    def fetch(call):
        value = convert(call[name], name, dtype)
        return address(value), value

    return Operand(name, ir_type, dtype, first.shape, strides, fetch)


def fixed(size):
    """A dim of a small operand that shapes the code."""
    return (size, False)


def open_dim(size):
    """A dim of a small operand that is a run-time value."""
    return (size, True)


def scalar(name, ir_type, dtype, compute):
    """A number computed from a call's arguments."""

    def fetch(call):
        value = np.array(compute(call), dtype)
        return _arrays.address(value), value

    return Operand(name, ir_type, dtype, (), (), fetch)


# ---- bias and attn_mask ------------------------------------------------------


def pairs(name, array, sizes, allowed):
    """An operand [B, Hq, Sq, Skv] after NumPy broadcasting. `sizes` has None
    where sequences differ; `allowed` maps element types."""
    seen = view(array, name)
    if seen.dtype not in allowed:
        fail(name, f"element type {seen.dtype}", " or ".join(allowed))
    rank = len(seen.shape)
    missing = 4 - rank
    fits = missing >= 0 and all(
        given == 1 or wanted is None or given == wanted
        for given, wanted in zip(seen.shape, sizes[missing:])
    )
    if not fits:
        wanted = ["any" if size is None else size for size in sizes]
        fail(
            name,
            f"shape {describe(seen.shape)}",
            f"one that broadcasts to {describe(wanted)}",
        )
    shape = [1] * missing + list(seen.shape)
    strides = [0] * missing + list(seen.strides)
    broadcast = [
        size == 1 or stride == 0 for size, stride in zip(shape, strides)
    ]
    shape = [1 if flag else size for flag, size in zip(broadcast, shape)]
    strides = [1 if flag else stride for flag, stride in zip(broadcast, strides)]
    type_sizes = [
        1 if flag else (size if dim == 1 else None)
        for dim, (flag, size) in enumerate(zip(broadcast, shape))
    ]
    type_strides = [None, None, None, 1 if strides[3] == 1 else None]
    return Operand(
        name,
        memref(type_sizes, type_strides, allowed[seen.dtype]),
        seen.dtype,
        shape,
        strides,
        fetcher(name, seen.kind),
    )


# ---- The op ------------------------------------------------------------------


class Problem:
    """Collects operands and attributes of one attn.attention."""

    def __init__(self):
        self.operands = []
        self.clauses = []
        self.functions = []

    def add(self, operand):
        """Adds a kernel argument; gives its SSA name."""
        self.operands.append(operand)
        return f"%arg{len(self.operands) - 1}"

    def clause(self, keyword, operand):
        """keyword(%arg : type)."""
        name = self.add(operand)
        suffix = "" if operand.ir_type == "f32" else f" : {operand.ir_type}"
        self.clauses.append(f"{keyword}({name}{suffix})")

    def attribute(self, keyword, text):
        self.clauses.append(f"{keyword}({text})")

    def text(self, inputs, layouts, outputs):
        """The module. `inputs` and `outputs` are names of arguments."""

        def typed(names):
            types = [self.operands[int(n[4:])].ir_type for n in names]
            return f"{', '.join(names)} : {', '.join(types)}"

        arguments = ", ".join(
            f"%arg{i}: {operand.ir_type}"
            for i, operand in enumerate(self.operands)
        )
        body = "\n      ".join(self.clauses)
        return (
            "".join(self.functions)
            + f"func.func @attention({arguments}) {{\n"
            + f"  attn.attention ins({typed(inputs)})\n"
            + f"      layout({layouts})\n      {body}\n"
            + f"      outs({typed(outputs)})\n  return\n}}\n"
        )


def f32_text(value):
    """A number as an f32 attribute."""
    return f"{float(np.float32(value)):.9e}"


def check_number(name, value):
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.floating, np.integer))
        or not abs(value) <= _MAX_F32
    ):
        fail(name, repr(value), "a finite number of float32")
    return float(value)


def check_softcap(value):
    if check_number("softcap", value) < 0:
        fail("softcap", value, "a number >= 0")
    return float(value)


def get_default_scale(head_dim):
    return 1 / math.sqrt(head_dim)


def has_default_scale(scale, head_dim):
    """The scale that nearly all calls have is part of the code, so that they
    take the shortest way; any other is an operand."""
    return scale is None or np.float32(scale) == np.float32(
        get_default_scale(head_dim)
    )


def check_count(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        fail(name, repr(value), "an int >= 1")
    if value < 1:
        fail(name, repr(value), "an int >= 1")
    return int(value)


def simplify(mask_list):
    """One mask that is the conjunction of several; None shows all."""
    if not mask_list:
        return None
    if len(mask_list) == 1:
        return mask_list[0]
    return masks.Nary("and", tuple(mask_list))
