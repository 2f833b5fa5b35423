# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""JAX arrays on the CPU, through DLPack."""

import numpy as np
import pytest

import attn

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_result_is_a_jax_array(make, dtype):
    numbers = make((2, 24, 4, 32), dtype)
    q = jnp.asarray(numbers)
    out, lse = attn.attention(
        q, q, q, mask=attn.causal(), kv_lens=jnp.array([20, 24]), return_lse=True
    )
    assert isinstance(out, jax.Array) and isinstance(lse, jax.Array)
    assert out.dtype == q.dtype and lse.dtype == jnp.float32
    expected = attn.attention(
        *[numbers] * 3, mask=attn.causal(), kv_lens=[20, 24], return_lse=True
    )
    for given, wanted in zip((out, lse), expected):
        assert (np.asarray(given) == wanted).all()


def test_against_jax(make):
    q, k = jnp.asarray(make((2, 24, 4, 32))), jnp.asarray(make((2, 40, 2, 32)))
    bias = jnp.asarray(make((4, 24, 40)))
    expected = jax.nn.dot_product_attention(q, k, k, bias=bias[None])
    given = attn.attention(q, k, k, bias=bias)
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5)
