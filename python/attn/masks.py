# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The mask algebra: which keys a query row sees.

A row at position q_pos sees key j if the mask says so. Masks combine with `&`,
`|` and `~`; lengths are not part of the algebra, so `~` never shows padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Union

import numpy as np

from .errors import AttnError


def _is_integer(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


class Mask:
    """A set of visible (row, key) pairs, made by the functions below."""

    def __and__(self, other):
        return _combine("and", self, other)

    def __or__(self, other):
        return _combine("or", self, other)

    def __invert__(self):
        return Not(self)

    def emit(self, slots):
        """The attribute in IR; `slots(role, array)` numbers an operand."""
        raise NotImplementedError

    def visible(self, b, h, q_pos, j):
        """Visibility by NumPy; the arguments are integer arrays that
        broadcast."""
        raise NotImplementedError

    def arrays(self):
        """Arrays that are operands, in the order in which emit meets them."""
        return ()

    def key(self):
        """Equal for masks that compile to the same code."""
        return self


@dataclass(frozen=True)
class Causal(Mask):
    def __str__(self):
        return "causal()"

    def emit(self, slots):
        return "#attn.causal"

    def visible(self, b, h, q_pos, j):
        return j <= q_pos


@dataclass(frozen=True)
class SlidingWindow(Mask):
    left: Optional[int]
    right: Optional[int]

    def __str__(self):
        return f"sliding_window({self.left}, {self.right})"

    def emit(self, slots):
        sides = (
            "unbounded" if side is None else str(side)
            for side in (self.left, self.right)
        )
        return f"#attn.sliding_window<{', '.join(sides)}>"

    def visible(self, b, h, q_pos, j):
        result = np.ones(np.broadcast_shapes(q_pos.shape, j.shape), bool)
        if self.left is not None:
            result &= q_pos - self.left <= j
        if self.right is not None:
            result &= j <= q_pos + self.right
        return result


@dataclass(frozen=True)
class Chunked(Mask):
    size: int

    def __str__(self):
        return f"chunked({self.size})"

    def emit(self, slots):
        return f"#attn.chunked<{self.size}>"

    def visible(self, b, h, q_pos, j):
        return q_pos // self.size == j // self.size


@dataclass(frozen=True)
class Prefix(Mask):
    length: int

    def __str__(self):
        return f"prefix({self.length})"

    def emit(self, slots):
        return f"#attn.prefix<{self.length}>"

    def visible(self, b, h, q_pos, j):
        return j < self.length


@dataclass(frozen=True, eq=False)
class PrefixLengths(Mask):
    lengths: object

    def __str__(self):
        return "prefix(an array)"

    def emit(self, slots):
        return f"#attn.prefix<slot {slots('prefix', self.lengths)}>"

    def visible(self, b, h, q_pos, j):
        return j < np.asarray(self.lengths)[b]

    def arrays(self):
        return (self.lengths,)

    def key(self):
        return "prefix"


@dataclass(frozen=True)
class Dense(Mask):
    """The boolean attn_mask of a call."""

    array: object

    def emit(self, slots):
        return f"#attn.dense<{slots('attn_mask', self.array)}>"


@dataclass(frozen=True)
class Segments(Mask):
    """The segment ids of a call."""

    q: object
    kv: object

    def emit(self, slots):
        q = slots("q_segment_ids", self.q)
        kv = slots("kv_segment_ids", self.kv)
        return f"#attn.segments<q = {q}, kv = {kv}>"


@dataclass(frozen=True, eq=False)
class Custom(Mask):
    """The traced mask_mod of a call."""

    symbol: str
    captures: tuple

    def emit(self, slots):
        numbers = [str(slots("mod_args", array)) for array in self.captures]
        return f"#attn.custom<@{self.symbol}, [{', '.join(numbers)}]>" if (
            numbers
        ) else f"#attn.custom<@{self.symbol}>"


@dataclass(frozen=True)
class Nary(Mask):
    kind: str
    masks: tuple

    def __str__(self):
        if self.kind == "per_head":
            return f"per_head([{', '.join(map(str, self.masks))}])"
        sign = " & " if self.kind == "and" else " | "
        return f"({sign.join(map(str, self.masks))})"

    def emit(self, slots):
        inner = ", ".join(mask.emit(slots) for mask in self.masks)
        return f"#attn.{self.kind}<[{inner}]>"

    def visible(self, b, h, q_pos, j):
        parts = [mask.visible(b, h, q_pos, j) for mask in self.masks]
        if self.kind == "per_head":
            shape = np.broadcast_shapes(
                b.shape, h.shape, q_pos.shape, j.shape
            )
            heads = np.broadcast_to(h, shape)
            result = np.zeros(shape, bool)
            for head, part in enumerate(parts):
                result |= (heads == head) & part
            return result
        reduce = np.logical_and if self.kind == "and" else np.logical_or
        result = parts[0]
        for part in parts[1:]:
            result = reduce(result, part)
        return result

    def arrays(self):
        return tuple(a for mask in self.masks for a in mask.arrays())

    def key(self):
        return (self.kind,) + tuple(mask.key() for mask in self.masks)


@dataclass(frozen=True)
class Not(Mask):
    mask: Mask

    def __str__(self):
        return f"~{self.mask}"

    def emit(self, slots):
        return f"#attn.not<{self.mask.emit(slots)}>"

    def visible(self, b, h, q_pos, j):
        return ~self.mask.visible(b, h, q_pos, j)

    def arrays(self):
        return self.mask.arrays()

    def key(self):
        return ("not", self.mask.key())


def _combine(kind, a, b):
    if not isinstance(b, Mask):
        return NotImplemented
    return Nary(kind, (a, b))


def causal() -> Mask:
    """Visible iff j <= q_pos."""
    return Causal()


def sliding_window(left: Optional[int], right: Optional[int] = 0) -> Mask:
    """Visible iff q_pos - left <= j <= q_pos + right; None is unbounded.

    A window of W keys that ends with the row's own is sliding_window(W - 1).
    """
    for name, side in (("left", left), ("right", right)):
        if side is not None and not (_is_integer(side) and side >= 0):
            raise AttnError(
                f"{name}: given {side!r}, expected an int >= 0 or None"
            )
    return SlidingWindow(
        None if left is None else int(left),
        None if right is None else int(right),
    )


def chunked(size: int) -> Mask:
    """Visible iff floor(q_pos / size) == floor(j / size)."""
    if not (_is_integer(size) and size > 0):
        raise AttnError(f"size: given {size!r}, expected an int > 0")
    return Chunked(int(size))


def prefix(length: Union[int, object]) -> Mask:
    """Visible iff j < length: an int, or an integer array [B]."""
    if _is_integer(length):
        if length < 0:
            raise AttnError(f"length: given {length}, expected an int >= 0")
        return Prefix(int(length))
    if not hasattr(length, "shape"):
        raise AttnError(
            f"length: given {length!r}, expected an int or an array [B]"
        )
    return PrefixLengths(length)


def per_head(masks: Sequence[Mask]) -> Mask:
    """masks[h] for query head h: one mask a head, none of them per_head."""
    masks = tuple(masks)
    for mask in masks:
        if not isinstance(mask, Mask):
            raise AttnError(f"masks: given {mask!r}, expected masks")
    if not masks:
        raise AttnError("masks: given none, expected one per query head")
    return Nary("per_head", masks)
