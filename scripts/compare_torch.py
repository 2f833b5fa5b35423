#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times attn.torch beside PyTorch's own attention on the CPU.

usage: compare_torch.py [--runs N] [--max-length S]

Both run in this process with torch.get_num_threads() threads, in turns; the
table shows medians and their ratio, above 1 where Attn is faster.
"""

import argparse
import math
import statistics
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import attn.torch


def alternate(functions, runs):
    """The median seconds of each function; they take turns."""
    times = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(runs):
        for function, samples in zip(functions, times):
            start = time.perf_counter()
            function()
            samples.append(time.perf_counter() - start)
    return [statistics.median(samples) for samples in times]


def compare(length, dim, causal, dtype, runs):
    heads = 8
    q, k, v = (
        torch.randn(1, heads, length, dim, dtype=dtype) for _ in range(3)
    )

    def ours():
        attn.torch.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def theirs():
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            torch.nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=causal
            )

    seconds = alternate([ours, theirs], runs)
    pairs = length * (length + 1) / 2 if causal else length * length
    flops = 4 * heads * dim * pairs
    rates = [flops / s * 1e-9 for s in seconds]
    name = str(dtype).removeprefix("torch.")
    print(
        f"| {name} | {length} | {dim} | {'causal' if causal else 'none'} | "
        f"{rates[0]:.0f} | {rates[1]:.0f} | {seconds[1] / seconds[0]:.2f} |",
        flush=True,
    )
    return seconds[1] / seconds[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--max-length", type=int, default=8192)
    options = parser.parse_args()
    print(
        f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}, "
        "B 1, H 8\n"
    )
    print("| type | S | d | mask | Attn GFLOP/s | PyTorch GFLOP/s | ratio |")
    print("|---|---|---|---|---|---|---|")
    ratios = [
        compare(length, dim, causal, dtype, options.runs)
        for dtype in (torch.float32, torch.bfloat16)
        for length in (512, 2048, 8192)
        if length <= options.max_length
        for dim in (64, 128)
        for causal in (False, True)
    ]
    mean = math.exp(statistics.fmean(math.log(r) for r in ratios))
    print(f"\ngeometric mean {mean:.2f}, smallest {min(ratios):.2f}")


if __name__ == "__main__":
    main()
