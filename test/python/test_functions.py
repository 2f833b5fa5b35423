# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""score_mod and mask_mod: traced, compiled, compared; refusals by line."""

import numpy as np
import pytest

import attn

SLOPES = np.array([0.5, 0.25, 0.125, 0.0625], np.float32)


def relative(s, b, h, q_pos, kv):
    return s - 0.1 * abs(q_pos - kv)


def capped(s, b, h, q_pos, kv):
    return 5.0 * np.tanh(s / 5.0)


def alibi(s, b, h, q_pos, kv):
    return s - SLOPES[h] * np.abs(q_pos - kv)


def hide_odd(s, b, h, q_pos, kv):
    return np.where(kv % 2 == 1, -np.inf, s)


def root(s, b, h, q_pos, kv):
    return np.power(np.abs(s) + 0.5, 0.7) - abs(q_pos - kv) ** 0.5


@pytest.mark.parametrize(
    "function", [relative, capped, alibi, hide_odd, root]
)
def test_score_mod(make, check, function):
    q, k = make((2, 9, 4, 16)), make((2, 12, 2, 16))
    check(q, k, make((2, 12, 2, 16)), score_mod=function)


def causal(b, h, q_pos, kv):
    return kv <= q_pos


def dilated(b, h, q_pos, kv):
    return (kv <= q_pos) & ((q_pos - kv) % 3 == 0)


def by_head(b, h, q_pos, kv):
    return np.where(h < 2, kv <= q_pos, kv >= q_pos)


@pytest.mark.parametrize("function", [causal, dilated, by_head])
def test_mask_mod(make, check, function):
    q, k = make((2, 9, 4, 16)), make((2, 12, 2, 16))
    check(q, k, make((2, 12, 2, 16)), mask_mod=function)


def test_captured_arrays(make, check):
    documents = np.array([[0] * 5 + [1] * 7, [0] * 9 + [1] * 3], np.int32)

    def same_document(b, h, q_pos, kv, ids):
        return ids[b, q_pos] == ids[b, kv]

    q, k = make((2, 12, 4, 16)), make((2, 12, 2, 16))
    check(
        q,
        k,
        make((2, 12, 2, 16)),
        mask_mod=same_document,
        mod_args=(documents,),
    )


def test_empty_captures(make):
    """A load reads the nearest element, so there must be one."""

    def looks_up(s, b, h, q_pos, kv, table):
        return s + table[kv]

    q, k = make((1, 3, 2, 8)), make((1, 5, 2, 8))
    none = np.zeros(0, np.float32)
    with pytest.raises(ValueError, match="0"):
        attn.attention(q, k, k, score_mod=looks_up, mod_args=(none,))
    # Without a key nothing is read.
    out = attn.attention(
        q, k[:, :0], k[:, :0], score_mod=looks_up, mod_args=(none,)
    )
    assert (np.asarray(out) == 0).all()


def branches(s, b, h, q_pos, kv):
    if kv > q_pos:
        return s
    return s - 1.0


def prints(s, b, h, q_pos, kv):
    return s + float(kv)


def wrong_rank(s, b, h, q_pos, kv):
    return s + SLOPES[h, b]


def whole_array(s, b, h, q_pos, kv):
    return s + SLOPES


def sorts(s, b, h, q_pos, kv):
    return np.sort(s)


def nothing(s, b, h, q_pos, kv):
    s + 1


def truth(s, b, h, q_pos, kv):
    return s + (kv > 1)


@pytest.mark.parametrize(
    "function, line",
    [
        (branches, "if kv > q_pos:"),
        (prints, "return s + float(kv)"),
        (wrong_rank, "return s + SLOPES[h, b]"),
        (whole_array, "return s + SLOPES"),
        (sorts, "return np.sort(s)"),
        (truth, "return s + (kv > 1)"),
        (nothing, "score_mod: returns nothing"),
    ],
)
def test_untraceable(make, function, line):
    q = make((1, 4, 4, 16))
    with pytest.raises(attn.AttnError) as raised:
        attn.attention(q, q, q, score_mod=function)
    assert line in str(raised.value)


def test_mask_mod_must_be_a_truth_value(make):
    q = make((1, 4, 4, 16))
    with pytest.raises(attn.AttnError, match="mask_mod: returns a number"):
        attn.attention(q, q, q, mask_mod=lambda b, h, q_pos, kv: kv)
