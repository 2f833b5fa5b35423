# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of the package share."""

import numpy as np
import pytest

import attn
from attn import testing


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def make(rng):
    """make(shape, dtype): normal numbers."""
    from attn._arrays import numpy_dtype

    def create(shape, dtype="float32"):
        numbers = rng.standard_normal(shape, np.float32)
        return numbers.astype(numpy_dtype(dtype))

    return create


@pytest.fixture
def check():
    """Runs attn.attention and compares out and lse with the reference. A
    feature without a lowering is a skipped test that says so."""

    def run(q, k, v, **arguments):
        try:
            out, lse = attn.attention(q, k, v, return_lse=True, **arguments)
        except attn.UnsupportedError as error:
            pytest.skip(str(error))
        without = {
            name: value
            for name, value in arguments.items()
            if name not in ("out", "out_dtype")
        }
        testing.check(out, lse, q, k, v, **without)
        return out, lse

    return run
