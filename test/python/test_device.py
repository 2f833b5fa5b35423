# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Targets that are GPUs, on the emulator."""

import numpy as np
import pytest

import attn


def test_emulator():
    rng = np.random.default_rng(0)
    q, k, v = (
        rng.standard_normal((1, 70, 1, 16)).astype(np.float16)
        for _ in range(3)
    )
    out, lse = attn.attention(
        q, k, v, return_lse=True, target="sm_80", device="emulator"
    )
    expected, expected_lse = attn.attention(q, k, v, return_lse=True)
    # Both are within the tolerance of the reference; half a unit each.
    assert np.abs(out.astype(np.float32) - expected).max() < 4e-3
    assert np.abs(lse - expected_lse).max() < 1e-4


def test_devices_are_named():
    q = np.zeros((1, 8, 1, 16), np.float16)
    with pytest.raises(attn.AttnError, match="device: given 'abacus'"):
        attn.attention(q, q, q, device="abacus")
    with pytest.raises(attn.UnsupportedError, match="the kernel is for sm_80"):
        attn.attention(q, q, q, target="sm_80")
    with pytest.raises(RuntimeError, match="the kernel is made for a CPU"):
        attn.attention(q, q, q, device="emulator")
