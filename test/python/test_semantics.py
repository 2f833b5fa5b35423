# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every row of docs/semantics.md against the f64 reference."""

import numpy as np
import pytest

import attn

LAYOUTS = {
    "bshd": lambda b, s, h, d: (b, s, h, d),
    "bhsd": lambda b, s, h, d: (b, h, s, d),
}


def problem(make, b=2, sq=37, skv=53, hq=4, hkv=2, d=32, dv=None, **options):
    layout = LAYOUTS[options.get("layout", "bshd")]
    dtype = options.get("dtype", "float32")
    return (
        make(layout(b, sq, hq, d), dtype),
        make(layout(b, skv, hkv, d), dtype),
        make(layout(b, skv, hkv, dv or d), dtype),
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_types_and_layouts(make, check, layout, dtype):
    q, k, v = problem(make, layout=layout, dtype=dtype)
    out, lse = check(q, k, v, layout=layout)
    assert out.dtype == q.dtype and out.shape == q.shape
    assert lse.dtype == np.float32


@pytest.mark.parametrize(
    "sizes",
    [
        dict(sq=1),
        dict(b=1, sq=1, skv=1, hq=1, hkv=1, d=1),
        dict(d=48, dv=80),
        dict(d=7, dv=5),
        dict(hq=6, hkv=1),
        dict(hq=3, hkv=3),
        dict(sq=0),
        dict(skv=0),
        dict(b=0),
        dict(sq=130, skv=257),
    ],
    ids=str,
)
def test_sizes(make, check, sizes):
    check(*problem(make, **sizes))


MASKS = {
    "causal": attn.causal(),
    "window": attn.sliding_window(5, 2),
    "left": attn.sliding_window(None, 3),
    "right": attn.sliding_window(4, None),
    "chunked": attn.chunked(16),
    "prefix": attn.prefix(9),
    "prefix array": attn.prefix(np.array([3, 40])),
    "two prefixes": attn.prefix(np.array([3, 40]))
    & ~attn.prefix(np.array([1, 2])),
    "and": attn.causal() & attn.sliding_window(7),
    "or": attn.causal() | attn.prefix(20),
    "not": ~attn.causal(),
    "nothing": attn.causal() & ~attn.causal(),
    "per head": attn.per_head(
        [
            attn.causal(),
            attn.sliding_window(3),
            attn.chunked(8),
            attn.prefix(5) | attn.causal(),
        ]
    ),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("offset", [0, 11, "bottom_right"])
def test_masks(make, check, name, offset):
    check(*problem(make), mask=MASKS[name], q_offset=offset)


@pytest.mark.parametrize(
    "arguments",
    [
        dict(scale=0.0),
        dict(scale=-0.5),
        dict(softcap=2.0),
        dict(softcap=0.0),
        dict(sinks=[0.0, 1.0, -2.0, 3.0]),
        dict(alibi_slopes=np.array([0.5, 0.25, 0.1, 0.0], np.float32)),
        dict(alibi_slopes=np.full((2, 4), 0.5, np.float32)),
        dict(q_lens=[37, 5]),
        dict(kv_lens=np.array([0, 50], np.int64)),
        dict(q_lens=[3, 0], kv_lens=[7, 1], q_offset="bottom_right"),
        dict(q_offset=np.array([-3, 60])),
        dict(q_offset=-5),
        dict(q_positions=np.arange(74).reshape(2, 37)[:, ::-1] % 50),
        dict(num_splits=3),
        dict(split_size=16),
        dict(block_q=16, block_kv=32),
        dict(block_q=32, block_kv=64, block_kv_compute=32),
        dict(out_dtype="bfloat16"),
        dict(out_dtype=np.float16),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_arguments(make, check, arguments):
    check(*problem(make), mask=attn.causal(), **arguments)


@pytest.mark.parametrize(
    "shape",
    [(53,), (37, 1), (37, 53), (4, 1, 1), (2, 1, 37, 53), (1, 1, 1, 1)],
    ids=str,
)
def test_bias_and_attn_mask_broadcast(make, rng, check, shape):
    q, k, v = problem(make)
    check(q, k, v, bias=make(shape))
    check(q, k, v, bias=make(shape, "bfloat16"))
    check(q, k, v, attn_mask=rng.random(shape) < 0.7)


def test_hidden_by_bias(make, check):
    q, k, v = problem(make)
    bias = np.zeros((37, 53), np.float32)
    bias[:, 10:] = -np.inf
    bias[3] = -np.inf
    v[:, 10:] = np.nan
    out, lse = check(q, k, v, bias=bias)
    assert (out[:, 3] == 0).all() and np.isneginf(lse[:, :, 3]).all()


def test_segments(make, rng, check):
    q, k, v = problem(make)
    ids = np.sort(rng.integers(0, 4, (2, 53)), axis=1)
    check(q, k, v, q_segment_ids=ids[:, :37], kv_segment_ids=ids)


def packed(make, hq=4, hkv=2, d=32):
    q_starts = np.array([0, 5, 5, 70])
    kv_starts = np.array([0, 9, 20, 64])
    return (
        make((70, hq, d)),
        make((64, hkv, d)),
        make((64, hkv, d)),
        dict(layout="thd", cu_seqlens_q=q_starts, cu_seqlens_kv=kv_starts),
    )


@pytest.mark.parametrize("offset", [0, "bottom_right"])
def test_packed(make, check, offset):
    q, k, v, starts = packed(make)
    check(q, k, v, mask=attn.causal(), q_offset=offset, **starts)


def test_packed_segments(make, rng, check):
    q, k, v, starts = packed(make)
    check(
        q,
        k,
        v,
        q_segment_ids=rng.integers(0, 2, 70),
        kv_segment_ids=rng.integers(0, 2, 64),
        **starts,
    )


@pytest.mark.parametrize("page_size", [1, 16, 24])
def test_paged(make, rng, check, page_size):
    lens = np.array([40, 0, 17])
    count = -(-48 // page_size)
    table = rng.permutation(3 * count).reshape(3, count).astype(np.int32)
    table[1] = 10**6  # never looked at
    pages = [make((3 * count, page_size, 2, 32)) for _ in range(2)]
    check(
        make((3, 4, 4, 32)),
        *pages,
        block_table=table,
        kv_lens=lens,
        mask=attn.causal(),
        q_offset="bottom_right",
    )


def test_fp8(make, check):
    q, k, v = problem(make, dtype="float8_e4m3fn")
    check(
        q,
        k,
        v,
        q_descale=np.full((1, 1), 0.5, np.float32),
        k_descale=np.full((2, 2), 2.0, np.float32),
        v_descale=np.full((1, 2), 1.5, np.float32),
    )


def test_rows_without_keys(make):
    q, k, v = problem(make)
    out, lse = attn.attention(
        q, k, v, mask=attn.causal() & ~attn.causal(), return_lse=True
    )
    assert (out == 0).all() and np.isneginf(lse).all()
    sinks = np.arange(4, dtype=np.float32)
    out, lse = attn.attention(
        q, k, v, kv_lens=[0, 0], sinks=sinks, return_lse=True
    )
    assert (out == 0).all()
    assert (lse == sinks[None, :, None]).all()


def test_hidden_values_are_not_read(make, check):
    q, k, v = problem(make)
    k[:, 20:], v[:, 20:] = np.nan, np.inf
    check(q, k, v, kv_lens=[20, 3])


def test_one_key_is_exact(make):
    q, k, v = problem(make, skv=1)
    out = attn.attention(q, k, v)
    assert (out == np.repeat(v, 2, 2)[:, [0] * 37]).all()


def test_runs_are_equal(make):
    q, k, v = problem(make, sq=300, skv=300)
    attn.set_num_threads(1)
    try:
        one = attn.attention(q, k, v, mask=attn.causal())
    finally:
        attn.set_num_threads(0)
    assert (one == attn.attention(q, k, v, mask=attn.causal())).all()
