# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.plot_mask, attn.tile_map and attn.explain."""

import numpy as np
import pytest

import attn

EMPTY, PARTIAL, FULL = 0, 1, 2


def test_tile_map():
    tiles = attn.tile_map(attn.causal(), 8, block_q=2, block_kv=2)
    expected = [
        [PARTIAL if i == j else FULL if j < i else EMPTY for j in range(4)]
        for i in range(4)
    ]
    assert (tiles == expected).all()
    # A tile at the edge is full when all there is of it is visible.
    tiles = attn.tile_map(attn.prefix(5), 3, 5, block_q=2, block_kv=4)
    assert (tiles == FULL).all()
    assert attn.tile_map(None, 0, 7).shape == (0, 1)


def test_svg(tmp_path):
    path = tmp_path / "mask.svg"
    mask = attn.causal() & attn.sliding_window(100)
    tiles = attn.plot_mask(mask, 1024, path=path)
    text = path.read_text()
    assert text.startswith("<svg") and text.count("<rect") == tiles.size
    assert f"{(tiles == PARTIAL).sum()} partial" in text


def test_png(tmp_path):
    matplotlib = pytest.importorskip("matplotlib.image")
    path = tmp_path / "mask.png"
    tiles = attn.plot_mask(attn.causal(), 256, path=path)
    picture = matplotlib.imread(path)
    assert picture.ndim == 3
    pixels = np.rint(picture[..., :3].reshape(-1, 3) * 255).astype(int)
    seen = {tuple(pixel) for pixel in np.unique(pixels, axis=0)}
    colours = [(0xF2, 0xF2, 0xF2), (0x9E, 0xCA, 0xE1), (0x08, 0x51, 0x9C)]
    assert {colours[kind] for kind in np.unique(tiles)} <= seen


def test_refusals(tmp_path):
    with pytest.raises(attn.AttnError, match="expected .svg or .png"):
        attn.plot_mask(None, 8, path=tmp_path / "mask.jpg")
    with pytest.raises(attn.AttnError, match="block_q: given 0"):
        attn.tile_map(None, 8, block_q=0)


def test_explain():
    q = np.ones((1, 300, 2, 16), np.float32)
    text = attn.explain(q, q, q, mask=attn.causal())
    assert "target: native" in text
    assert "query rows x" in text and "empty ones are never loaded" in text
    assert "reads all 300 keys" in attn.explain(q, q, q)
