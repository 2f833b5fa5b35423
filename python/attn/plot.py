# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures and words about a problem: which tiles are skipped, and why."""

from __future__ import annotations

import os
import re
from typing import Any, Optional

import numpy as np

from .errors import AttnError
from .kernel import compile as compile_kernel
from .masks import Mask

EMPTY, PARTIAL, FULL = 0, 1, 2
_NAMES = ("empty", "partial", "full")
_COLOURS = ("#f2f2f2", "#9ecae1", "#08519c")


def tile_map(
    mask: Optional[Mask],
    sq: int,
    skv: Optional[int] = None,
    *,
    block_q: int = 64,
    block_kv: int = 64,
    q_offset: int = 0,
    batch: int = 0,
    head: int = 0,
) -> np.ndarray:
    """Which tiles of a mask are empty (0), partial (1) or full (2): int8
    [ceil(sq / block_q), ceil(skv / block_kv)], for one batch and head."""
    skv = sq if skv is None else skv
    for name, size in (("block_q", block_q), ("block_kv", block_kv)):
        if not isinstance(size, int) or size < 1:
            raise AttnError(f"{name}: given {size!r}, expected an int >= 1")
    rows, columns = -(-sq // block_q), -(-skv // block_kv)
    result = np.full((rows, columns), FULL, np.int8)
    if mask is None:
        return result
    b, h = (np.full((1, 1, 1, 1), n) for n in (batch, head))
    j = np.arange(skv).reshape(1, 1, 1, -1)
    starts = np.arange(0, skv, block_kv)
    for row in range(rows):
        # One row of tiles at a time: memory stays small.
        i = np.arange(row * block_q, min(sq, (row + 1) * block_q))
        q_pos = i.reshape(1, 1, -1, 1) + q_offset
        visible = np.broadcast_to(
            mask.visible(b, h, q_pos, j), (1, 1, len(i), skv)
        )[0, 0]
        if not columns:
            continue
        counts = np.add.reduceat(visible.sum(axis=0), starts)
        sizes = np.minimum(block_kv, skv - starts) * len(i)
        result[row] = np.where(
            counts == 0, EMPTY, np.where(counts == sizes, FULL, PARTIAL)
        )
    return result


def _write_svg(tiles, path, title):
    cell = max(2, min(16, 640 // max(1, *tiles.shape)))
    height, width = tiles.shape[0] * cell, tiles.shape[1] * cell
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 20}" '
        f'height="{height + 50}" font-family="sans-serif" font-size="12">',
        f'<text x="10" y="16">{title}</text>',
        f'<g transform="translate(10, 24)" stroke="#ffffff" '
        f'stroke-width="{0.5 if cell > 4 else 0}">',
    ]
    for row, line in enumerate(tiles):
        for column, kind in enumerate(line):
            parts.append(
                f'<rect x="{column * cell}" y="{row * cell}" width="{cell}" '
                f'height="{cell}" fill="{_COLOURS[kind]}"/>'
            )
    parts += [
        "</g>",
        f'<text x="10" y="{height + 42}">{_legend(tiles)}</text>',
        "</svg>",
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")


def _legend(tiles):
    return ", ".join(
        f"{int((tiles == kind).sum())} {name}"
        for kind, name in enumerate(_NAMES)
    )


def _write_png(tiles, path, title):
    try:
        from matplotlib.colors import ListedColormap
        from matplotlib.figure import Figure
    except ImportError as error:
        raise AttnError(
            "path: a .png needs matplotlib; a .svg needs nothing"
        ) from error
    figure = Figure(figsize=(6, 6))
    axes = figure.add_subplot()
    axes.imshow(
        tiles,
        cmap=ListedColormap(_COLOURS),
        vmin=0,
        vmax=2,
        interpolation="nearest",
    )
    axes.set_title(title)
    axes.set_xlabel(f"key tiles: {_legend(tiles)}")
    axes.set_ylabel("query tiles")
    figure.savefig(path)


def plot_mask(
    mask: Optional[Mask],
    sq: int,
    skv: Optional[int] = None,
    *,
    path: Any,
    block_q: int = 64,
    block_kv: int = 64,
    q_offset: int = 0,
    batch: int = 0,
    head: int = 0,
) -> np.ndarray:
    """Draws which tiles of a mask are empty (never loaded), partial or full
    (no mask code runs) into `path`: .svg, or .png with matplotlib. Returns
    tile_map()."""
    tiles = tile_map(
        mask,
        sq,
        skv,
        block_q=block_q,
        block_kv=block_kv,
        q_offset=q_offset,
        batch=batch,
        head=head,
    )
    title = (
        f"{sq} rows, {sq if skv is None else skv} keys, tiles of "
        f"{block_q} x {block_kv}"
    )
    writers = {".svg": _write_svg, ".png": _write_png}
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in writers:
        raise AttnError(f"path: given {path!s}, expected .svg or .png")
    writers[suffix](tiles, path, title)
    return tiles


def explain(q: Any, k: Any, v: Any, **arguments: Any) -> str:
    """What attn.attention does with these arguments: target, tiles, key
    ranges, how many tiles are computed and how many are skipped, in words."""
    kernel = compile_kernel(q, k, v, **arguments)
    configured = kernel.ir("configured")
    config = re.search(r"#attn\.config<([^>]*<[^>]*>)?[^>]*>", configured)
    sizes = {
        name: int(value)
        for name, value in re.findall(
            r"(block_q|block_kv|block_kv_compute) = (\d+)", configured
        )
    }
    manifest = kernel.manifest
    lines = [
        f"target: {kernel.target} ({manifest['cpu']}), "
        f"{manifest['compiler']}",
        f"tiles: {sizes['block_q']} query rows x {sizes['block_kv']} keys, "
        f"{sizes['block_kv_compute']} keys a step of the online softmax",
        f"config: {config.group(0) if config else 'none'}",
    ]
    return "\n".join(lines + _explain_mask(q, k, arguments, sizes)) + "\n"


def _explain_mask(q, k, arguments, sizes):
    layout = arguments.get("layout", "bshd")
    if layout == "thd" or arguments.get("block_table") is not None:
        return ["key ranges: found for each sequence when the kernel runs"]
    row = {"bshd": 1, "bhsd": 2}[layout]
    sq, skv = q.shape[row], k.shape[row]
    offset = arguments.get("q_offset", 0)
    if isinstance(offset, str):
        offset = skv - sq
    mask = arguments.get("mask")
    if mask is None:
        return [f"key ranges: every row of tiles reads all {skv} keys"]
    if not isinstance(offset, int):
        return ["key ranges: found for each batch when the kernel runs"]
    tiles = tile_map(
        mask,
        sq,
        skv,
        block_q=sizes["block_q"],
        block_kv=sizes["block_kv"],
        q_offset=offset,
    )
    lines = [
        f"mask: {mask}",
        f"tiles of head 0 of batch 0: {_legend(tiles)}; empty ones are never "
        "loaded, full ones run no mask code",
    ]
    for index in sorted({0, len(tiles) // 2, len(tiles) - 1} - {-1}):
        seen = np.flatnonzero(tiles[index])
        first = seen[0] * sizes["block_kv"] if len(seen) else 0
        last = (
            min(skv, (seen[-1] + 1) * sizes["block_kv"]) if len(seen) else 0
        )
        lines.append(
            f"  rows {index * sizes['block_q']} and on: keys {first} to {last}"
        )
    return lines
