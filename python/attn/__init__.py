# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attn: attention, compiled for your problem and your machine.

    import attn
    out = attn.attention(q, k, v, mask=attn.causal())

See attn.attention for everything it takes.
"""

from ._attention import attention
from .compiler import cache_statistics, get_num_threads, set_num_threads
from .errors import AttnError, CompileError, UnsupportedError
from .kernel import Kernel, compile, load
from .masks import (
    Mask,
    causal,
    chunked,
    per_head,
    prefix,
    sliding_window,
)
from .plot import explain, plot_mask, tile_map
from .testing import reference

__all__ = [
    "AttnError",
    "CompileError",
    "Kernel",
    "Mask",
    "UnsupportedError",
    "attention",
    "cache_statistics",
    "causal",
    "chunked",
    "compile",
    "explain",
    "get_num_threads",
    "load",
    "per_head",
    "plot_mask",
    "prefix",
    "reference",
    "set_num_threads",
    "sliding_window",
    "tile_map",
]
