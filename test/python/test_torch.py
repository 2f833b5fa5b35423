# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.torch against PyTorch, where PyTorch is installed."""

import pytest

torch = pytest.importorskip("torch")

import attn.torch as at  # noqa: E402
from torch.nn.attention.flex_attention import (  # noqa: E402
    create_block_mask,
    flex_attention,
)

import attn  # noqa: E402

sdpa = torch.nn.functional.scaled_dot_product_attention


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(3)


def close(given, expected):
    assert given.shape == expected.shape and given.dtype == expected.dtype
    tolerance = {
        torch.float32: 1e-5,
        torch.float16: 5e-3,
        torch.bfloat16: 4e-2,
    }[given.dtype]
    assert torch.allclose(given, expected, rtol=tolerance, atol=tolerance)


def supported(function, *arguments, **options):
    try:
        return function(*arguments, **options)
    except attn.UnsupportedError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("causal", [False, True])
def test_sdpa(dtype, causal):
    q = torch.randn(2, 4, 33, 32, dtype=dtype)
    k, v = (torch.randn(2, 4, 50, 32, dtype=dtype) for _ in "kv")
    given = at.scaled_dot_product_attention(q, k, v, is_causal=causal)
    close(given, sdpa(q, k, v, is_causal=causal))


def test_sdpa_forms():
    q, k, v = (torch.randn(3, 20, 16) for _ in "qkv")
    close(at.scaled_dot_product_attention(q, k, v), sdpa(q, k, v))
    q = torch.randn(2, 3, 4, 20, 16)
    close(at.scaled_dot_product_attention(q, q, q), sdpa(q, q, q))
    q = torch.randn(2, 20, 4, 16).transpose(1, 2)
    k = torch.randn(2, 2, 20, 16)
    close(
        at.scaled_dot_product_attention(q, k, k, scale=0.3, enable_gqa=True),
        sdpa(q, k, k, scale=0.3, enable_gqa=True),
    )


@pytest.mark.parametrize("shape", [(33, 50), (2, 1, 1, 50), (2, 4, 33, 50)])
@pytest.mark.parametrize("kind", ["bool", "float"])
def test_sdpa_masks(shape, kind):
    q = torch.randn(2, 4, 33, 32)
    k, v = (torch.randn(2, 4, 50, 32) for _ in "kv")
    mask = torch.rand(shape) < 0.8 if kind == "bool" else torch.randn(shape)
    given = supported(
        at.scaled_dot_product_attention, q, k, v, attn_mask=mask
    )
    close(given, sdpa(q, k, v, attn_mask=mask))


def flash_reference(q, k, v, causal=False, window=(-1, -1)):
    rows, keys = q.shape[1], k.shape[1]
    i = torch.arange(rows)[:, None] + keys - rows
    j = torch.arange(keys)[None]
    mask = torch.ones(rows, keys, dtype=torch.bool)
    if causal:
        mask &= j <= i
    if window[0] >= 0:
        mask &= j >= i - window[0]
    if window[1] >= 0:
        mask &= j <= i + window[1]
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    out = sdpa(q, k, v, attn_mask=mask, enable_gqa=True)
    return out.transpose(1, 2)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [(-1, -1), (7, -1), (4, 3)])
def test_flash(causal, window):
    q = torch.randn(2, 20, 4, 32)
    k, v = (torch.randn(2, 31, 2, 32) for _ in "kv")
    out, lse, _ = at.flash_attn_func(
        q,
        k,
        v,
        causal=causal,
        window_size=window,
        deterministic=True,
        return_attn_probs=True,
    )
    close(out, flash_reference(q, k, v, causal, window))
    assert lse.shape == (2, 4, 20)


def test_flash_varlen():
    starts = torch.tensor([0, 5, 5, 30], dtype=torch.int32)
    q = torch.randn(30, 4, 32)
    k, v = (torch.randn(30, 2, 32) for _ in "kv")
    out = supported(
        at.flash_attn_varlen_func, q, k, v, starts, starts, 25, 25, causal=True
    )
    for begin, end in ((0, 5), (5, 30)):
        part = [x[None, begin:end] for x in (q, k, v)]
        close(out[None, begin:end], flash_reference(*part, causal=True))


def test_flex():
    def score(s, b, h, q_idx, kv_idx):
        return s + 0.01 * (kv_idx - q_idx)

    def mask(b, h, q_idx, kv_idx):
        return (q_idx >= kv_idx) & (q_idx - kv_idx < 40)

    q, k, v = (torch.randn(1, 2, 128, 32) for _ in "qkv")
    block_mask = create_block_mask(mask, None, None, 128, 128, device="cpu")
    given = supported(
        at.flex_attention, q, k, v, score_mod=score, block_mask=block_mask
    )
    close(given, flex_attention(q, k, v, score, block_mask))


def test_torch_compile_keeps_one_graph():
    def model(q, k, v):
        a = at.scaled_dot_product_attention(q * 2, k, v, is_causal=True)
        b = at.flash_attn_func(*(x.transpose(1, 2) for x in (q, k, v)))
        return a + b.transpose(1, 2)

    q, k, v = (torch.randn(2, 4, 16, 32) for _ in "qkv")
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    close(compiled(q, k, v), model(q, k, v))


def test_operators_pass_the_checks_of_torch():
    q = torch.randn(2, 4, 16, 32)
    torch.library.opcheck(
        torch.ops.attn.sdpa.default,
        (q, q, q, None, True, None),
        test_utils=("test_schema", "test_faketensor"),
    )


def test_one_openmp():
    q = torch.randn(2, 4, 200, 32)
    at.scaled_dot_product_attention(q, q, q)
    (q @ q.transpose(-1, -2)).sum()
    with open("/proc/self/maps", encoding="utf-8") as maps:
        runtimes = {
            line.split()[-1]
            for line in maps
            if "libgomp" in line or "libiomp" in line or "libomp" in line
        }
    assert len(runtimes) == 1


def test_refusals():
    q = torch.randn(1, 2, 8, 16)
    with pytest.raises(NotImplementedError, match="requires grad"):
        at.scaled_dot_product_attention(q.requires_grad_(), q, q)
    q = q.detach()
    with pytest.raises(NotImplementedError, match="dropout_p"):
        at.scaled_dot_product_attention(q, q, q, dropout_p=0.1)
    with pytest.raises(NotImplementedError, match="dropout_p"):
        at.flash_attn_func(q, q, q, dropout_p=0.1)
    with pytest.raises(ValueError, match="does not go with is_causal"):
        mask = torch.ones(8, 8, dtype=torch.bool)
        at.scaled_dot_product_attention(q, q, q, mask, is_causal=True)
    with pytest.raises(ValueError, match="enable_gqa"):
        at.scaled_dot_product_attention(q, q[:, :1], q[:, :1])
    with pytest.raises(ValueError, match="element type float64"):
        at.scaled_dot_product_attention(q.double(), q, q)
