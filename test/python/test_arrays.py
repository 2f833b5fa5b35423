# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kinds of arrays, strides, out; wrong inputs by the dozen."""

import numpy as np
import pytest

import attn


def test_strides(make, check):
    base = make((2, 40, 4, 64))
    check(base[:, ::2, :, 8:40], base[:, 1::3, ::2, :32], base[::1, 1::3, 1::2, 32:])
    check(base[:, ::-1], base, base)
    # Broadcast over the batch.
    one = np.broadcast_to(base[:1], base.shape)
    check(base, one, one)


@pytest.mark.parametrize("name", ["q", "k", "v"])
def test_sequence_innermost(make, check, name):
    arrays = {n: make((2, 24, 4, 32)) for n in "qkv"}
    moved = np.ascontiguousarray(arrays[name].transpose(0, 2, 3, 1))
    arrays[name] = moved.transpose(0, 3, 1, 2)
    check(arrays["q"], arrays["k"], arrays["v"], mask=attn.causal())


def test_out(make):
    q = make((2, 24, 4, 32))
    expected = attn.attention(q, q, q)
    whole = np.full((2, 24, 8, 32), np.nan, np.float32)
    out = whole[:, :, ::2]
    assert attn.attention(q, q, q, out=out) is out
    assert (out == expected).all()
    assert np.isnan(whole[:, :, 1::2]).all()


class Speaker:
    """An array that speaks DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack(make):
    q = make((2, 24, 4, 32))
    expected = attn.attention(q, q, q)
    out = attn.attention(*[Speaker(q)] * 3)
    assert (out == expected).all()
    target = np.empty_like(q)
    attn.attention(*[Speaker(q)] * 3, out=Speaker(target))
    assert (target == expected).all()


def test_misaligned(make):
    q = make((1, 4, 2, 8))
    raw = np.empty(q.nbytes + 1, np.uint8)
    odd = raw[1:].view(np.float32).reshape(q.shape)
    with pytest.raises(attn.AttnError, match="q: the data is not aligned"):
        attn.attention(odd, q, q)


def arrays():
    return dict(
        q=np.ones((2, 8, 4, 16), np.float32),
        k=np.ones((2, 9, 2, 16), np.float32),
        v=np.ones((2, 9, 2, 16), np.float32),
    )


f32 = np.float32
WRONG = [
    (dict(q=np.ones((2, 8, 4, 16))), "q: given element type float64"),
    (dict(q=np.ones((2, 8, 4, 16), int)), "q: given element type int64"),
    (dict(q=np.ones((8, 4, 16), f32)), "q: given shape"),
    (dict(q=[1, 2]), "q: given list"),
    (dict(q=None), "q: given NoneType"),
    (dict(q=np.ones((2, 8, 3, 16), f32)), "q: given 3 heads"),
    (dict(q=np.ones((3, 8, 4, 16), f32)), "k: given batch 2"),
    (dict(q=np.ones((2, 8, 4, 15), f32)), "k: given head dim 16"),
    (dict(v=np.ones((2, 8, 2, 16), f32)), "v: given shape"),
    (dict(v=np.ones((2, 9, 2, 16), np.float16)), "v: given element type"),
    (dict(k=np.ones((2, 9, 0, 16), f32)), "v: given shape"),
    (dict(q=np.ones((2, 8, 8, 32), f32)[:, :, ::2, ::2]), "q: neither"),
    (dict(layout="sbhd"), "layout: given 'sbhd'"),
    (dict(layout="thd"), "q: given shape"),
    (dict(scale=float("nan")), "scale: given nan"),
    (dict(scale="1"), "scale: given '1'"),
    (dict(scale=True), "scale: given True"),
    (dict(scale=np.ones(1)), "scale: given array"),
    (dict(block_q=[16]), "block_q: given [16]"),
    (dict(softcap=-1.0), "softcap: given -1.0"),
    (dict(softcap=float("inf")), "softcap: given inf"),
    (dict(mask=lambda i, j: True), "mask: given"),
    (dict(mask=attn.per_head([attn.causal()])), "per_head"),
    (
        dict(mask=attn.per_head([attn.per_head([attn.causal()] * 4)] * 4)),
        "per_head",
    ),
    (dict(mask=attn.prefix(np.array([1, 2, 3]))), "prefix: given shape"),
    (dict(q_offset="top_left"), "q_offset: given 'top_left'"),
    (dict(q_offset=1.5), "q_offset: given 1.5"),
    (dict(q_offset=2**63), "q_offset: given"),
    (dict(q_offset=2**63 - 1), "q_offset: 9223372036854775807 takes"),
    (dict(q_offset=np.array([1, 2, 3])), "q_offset: given shape"),
    (dict(q_offset=np.array([1.0, 2.0])), "q_offset: given element type"),
    (dict(q_offset=3, q_positions=np.zeros((2, 8), int)), "q_offset: does"),
    (dict(q_positions=np.zeros((2, 7), int)), "q_positions: given shape"),
    (dict(attn_mask=np.ones((8, 9))), "attn_mask: given element type"),
    (dict(attn_mask=np.ones((8, 8), bool)), "attn_mask: given shape"),
    (dict(bias=np.ones((8, 9))), "bias: given element type float64"),
    (dict(bias=np.ones((3, 8, 9), f32)), "bias: given shape"),
    (dict(bias=np.ones((1, 1, 1, 8, 9), f32)), "bias: given shape"),
    (dict(sinks=np.zeros(3, f32)), "sinks: given shape"),
    (dict(sinks=np.zeros(4)), "sinks: given element type float64"),
    (dict(alibi_slopes=np.zeros((3, 4), f32)), "alibi_slopes: given shape"),
    (dict(q_segment_ids=np.zeros((2, 8), int)), "q_segment_ids, kv_segment"),
    (dict(q_lens=[1, 2, 3]), "q_lens: given shape"),
    (dict(q_lens=[1, 9]), "q_lens[1] is 9, allowed are 0 to 8"),
    (dict(kv_lens=[-1, 9]), "kv_lens[0] is -1, allowed are 0 to 9"),
    (dict(kv_lens=[2**40, 9]), "kv_lens: has a value that does not fit"),
    (dict(kv_lens=np.array([1.0, 2.0])), "kv_lens: given element type"),
    (dict(cu_seqlens_q=[0, 8]), "cu_seqlens_q: needs layout 'thd'"),
    (dict(block_table=np.zeros((2, 1), np.int32)), "kv_lens: block_table"),
    (dict(num_splits=0), "num_splits: given 0"),
    (dict(num_splits=2, split_size=3), "num_splits, split_size"),
    (dict(block_q=-4), "block_q: given -4"),
    (dict(block_kv=1.5), "block_kv: given 1.5"),
    (dict(block_kv=48, block_kv_compute=32), "block_kv"),
    (dict(out=np.empty((2, 8, 4, 15), f32)), "out: given shape"),
    (dict(out=np.empty((2, 8, 4, 16))), "out: given element type"),
    (dict(out_dtype="float64"), "out_dtype: given element type float64"),
    (dict(out=np.empty((2, 8, 4, 16), f32), out_dtype="float16"), "out: "),
    (dict(target="z80"), "unknown target 'z80'"),
    (dict(device="tpu"), "device: given 'tpu'"),
    (dict(score_mod=3), "score_mod: given 3"),
    (dict(q_descale=np.ones((1, 1), f32)), "q_descale"),
]


@pytest.mark.parametrize("change, text", WRONG, ids=lambda x: str(x)[:40])
def test_wrong_input(change, text):
    arguments = dict(arrays(), **change)
    with pytest.raises(attn.AttnError) as raised:
        attn.attention(**arguments)
    assert text in str(raised.value)


def test_read_only_out(make):
    q = make((1, 4, 2, 8))
    out = np.empty_like(q)
    out.flags.writeable = False
    with pytest.raises(attn.AttnError, match="out: is read-only"):
        attn.attention(q, q, q, out=out)


@pytest.mark.parametrize(
    "build, text",
    [
        (lambda: attn.sliding_window(-1), "left: given -1"),
        (lambda: attn.sliding_window(1, 1.5), "right: given 1.5"),
        (lambda: attn.chunked(0), "size: given 0"),
        (lambda: attn.prefix(-1), "length: given -1"),
        (lambda: attn.prefix("a"), "length: given 'a'"),
        (lambda: attn.per_head([]), "masks: given none"),
        (lambda: attn.per_head([1]), "masks: given 1"),
        (lambda: attn.set_num_threads(-1), "count: given -1"),
    ],
)
def test_wrong_masks(build, text):
    with pytest.raises(attn.AttnError) as raised:
        build()
    assert text in str(raised.value)


def test_masks_combine_with_masks_only():
    with pytest.raises(TypeError):
        attn.causal() & True
