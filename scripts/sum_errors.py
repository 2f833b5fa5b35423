#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How far f32 sums take a constant V from itself: docs/rationale/sums.md.

An output is sum(w v) / sum(w). Weights are exp(s - max) of normal scores, v is
constant per trial and uniform in [0.5, 1), where an ulp is 2^-24. Prints, for
several ways to sum, the largest error in ulp and the share of errors above 2.

usage: sum_errors.py        (needs NumPy)
"""

import numpy as np

TRIALS = 1000
TILE = 128


def fused_sum(weights, factor):
    """f32 multiply-adds, one after the other; products are exact in f64."""
    total = np.zeros(weights.shape[0], np.float32)
    for column in weights.T.astype(np.float64):
        total = (total + column * factor).astype(np.float32)
    return total


def tiled_sum(weights, factor):
    """Tiles that begin at 0, added up, as the kernel does."""
    total = np.zeros(weights.shape[0], np.float32)
    for first in range(0, weights.shape[1], TILE):
        total += fused_sum(weights[:, first : first + TILE], factor)
    return total


def pairwise_sum(weights, factor):
    terms = (weights.astype(np.float64) * factor[:, None]).astype(np.float32)
    while terms.shape[1] > 1:
        if terms.shape[1] % 2:
            terms = np.pad(terms, ((0, 0), (0, 1)))
        terms = terms[:, 0::2] + terms[:, 1::2]
    return terms[:, 0]


def rounded_sum(weights, factor):
    products = weights.astype(np.float64) * factor[:, None]
    return products.sum(axis=1).astype(np.float32)


def describe(total, weights, v):
    ones = np.ones_like(v)
    out = total(weights, v) / total(weights, ones)
    ulps = np.abs(out.astype(np.float64) - v) * 2.0**24
    share = 100 * np.mean(ulps > 2)
    return f"{ulps.max():.0f}, " + (f"{share:.2g} %" if share else "none")


def main():
    random = np.random.default_rng(0)
    for keys in (2, 8, 128, 301, 2048, 16384):
        scores = random.standard_normal((TRIALS, keys))
        scores -= scores.max(axis=1, keepdims=True)
        weights = np.exp(scores).astype(np.float32)
        v = random.uniform(0.5, 1, TRIALS).astype(np.float32).astype(np.float64)
        cells = [
            describe(total, weights, v)
            for total in (fused_sum, tiled_sum, pairwise_sum, rounded_sum)
        ]
        print(f"| {keys} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
