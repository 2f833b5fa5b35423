#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times Attn beside PyTorch's own attention on the CPU.

usage: compare_torch.py [--runs N] [--max-length S] [TABLE...]

Tables: sdpa (scaled_dot_product_attention, its flash kernel), window (a
sliding window, beside the compiled flex_attention), decode (one row per
sequence, beside the fastest of PyTorch's ways). Both sides run in this process
with torch.get_num_threads() threads, in turns. Tables show medians and their
ratio, above 1 where Attn is faster. With attn-gen and attn-runner in PATH they
show the shares of the peak that attn-runner measures, too.
"""

import argparse
import math
import re
import statistics
import subprocess
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import (
    create_block_mask,
    flex_attention,
)

import attn
import attn.torch

torch_sdpa = torch.nn.functional.scaled_dot_product_attention


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


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


def measure_peak(*options, unit="peak"):
    """What attn-runner finds that this machine can do with all threads, in
    GFLOP/s or, of reading memory, in GB/s; None without attn-runner."""
    threads = f"--threads={torch.get_num_threads()}"
    try:
        source = subprocess.run(
            ["attn-gen", *options], capture_output=True, check=True
        ).stdout
        report = subprocess.run(
            ["attn-runner", "-", "--random", "--bench", threads],
            input=source,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(rf"measured {unit} ([\d.]+)", report)
    return float(found[1]) if found else None


def measure_flops(dtype):
    short = {torch.float32: "f32", torch.bfloat16: "bf16"}[dtype]
    return measure_peak("--sq=512", "--q-heads=2", f"--dtype={short}")


def cell(rate, peak):
    share = f" ({100 * rate / peak:.0f} %)" if peak else ""
    return f"{rate:.0f}{share}"


def print_row(labels, rates, peak, ratio):
    cells = [*labels, *(cell(rate, peak) for rate in rates), f"{ratio:.2f}"]
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def print_head(*names):
    print(f"\n| {' | '.join(names)} |\n|{'---|' * len(names)}", flush=True)


# ---- scaled_dot_product_attention --------------------------------------------


def compare_sdpa(length, dim, causal, dtype, peak, runs):
    heads = 8
    q, k, v = (
        torch.randn(1, heads, length, dim, dtype=dtype) for _ in range(3)
    )

    def ours():
        attn.torch.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def theirs():
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            torch_sdpa(q, k, v, is_causal=causal)

    seconds = alternate([ours, theirs], runs)
    pairs = length * (length + 1) / 2 if causal else length * length
    flops = 4 * heads * dim * pairs
    ratio = seconds[1] / seconds[0]
    labels = [name_of(dtype), length, dim, "causal" if causal else "none"]
    print_row(labels, [flops / s * 1e-9 for s in seconds], peak, ratio)
    return ratio


def show_sdpa(runs, max_length):
    print_head(
        "type", "S", "d", "mask", "Attn GFLOP/s", "PyTorch GFLOP/s", "ratio"
    )
    ratios = []
    for dtype in (torch.float32, torch.bfloat16):
        peak = measure_flops(dtype)
        ratios += [
            compare_sdpa(length, dim, causal, dtype, peak, runs)
            for length in (512, 2048, 8192)
            if length <= max_length
            for dim in (64, 128)
            for causal in (False, True)
        ]
    mean = math.exp(statistics.fmean(math.log(r) for r in ratios))
    print(f"\ngeometric mean {mean:.2f}, smallest {min(ratios):.2f}")


# ---- A sliding window --------------------------------------------------------


def compare_window(length, window, dim, dtype, peak, runs):
    heads = 8
    q, k, v = (
        torch.randn(1, heads, length, dim, dtype=dtype) for _ in range(3)
    )

    def visible(b, h, q_idx, kv_idx):
        return (q_idx >= kv_idx) & (q_idx - kv_idx < window)

    blocks = create_block_mask(visible, None, None, length, length, "cpu")
    compiled = torch.compile(flex_attention)
    mask = attn.sliding_window(window - 1, 0)

    def ours():
        return attn.attention(q, k, v, layout="bhsd", mask=mask)

    def theirs():
        return compiled(q, k, v, block_mask=blocks)

    torch.testing.assert_close(ours(), theirs(), rtol=2e-2, atol=2e-2)
    seconds = alternate([ours, theirs], runs)
    pairs = window * length - window * (window - 1) / 2
    flops = 4 * heads * dim * pairs
    ratio = seconds[1] / seconds[0]
    labels = [name_of(dtype), f"{window} of {length}", dim]
    print_row(labels, [flops / s * 1e-9 for s in seconds], peak, ratio)


def show_window(runs, max_length):
    print_head(
        "type", "window", "d", "Attn GFLOP/s", "flex_attention GFLOP/s", "ratio"
    )
    length = min(8192, max_length)
    for dtype in (torch.float32, torch.bfloat16):
        peak = measure_flops(dtype)
        for dim in (64, 128):
            compare_window(length, 512, dim, dtype, peak, runs)


# ---- Decode ------------------------------------------------------------------


def list_decoders(q, k, v):
    """PyTorch's ways to one row of each query head."""
    batch, heads, _, dim = q.shape
    kv_heads = k.shape[1]
    # The heads that share keys as rows of one head: the same numbers.
    rows = q.view(batch, kv_heads, heads // kv_heads, dim)
    compiled = torch.compile(flex_attention)

    def backend(which, *arrays, **options):
        with sdpa_kernel(which):
            return torch_sdpa(*arrays, **options)

    flash, plain = SDPBackend.FLASH_ATTENTION, SDPBackend.MATH
    return {
        "flash": lambda: backend(flash, q, k, v, enable_gqa=True),
        "flash, heads as rows": lambda: backend(flash, rows, k, v),
        "math": lambda: backend(plain, q, k, v, enable_gqa=True),
        "math, heads as rows": lambda: backend(plain, rows, k, v),
        "flex_attention": lambda: compiled(q, k, v, enable_gqa=True),
    }


def compare_decode(length, layout, dtype, peak, runs):
    batch, heads, kv_heads, dim = 8, 32, 8, 128
    q = torch.randn(batch, heads, 1, dim, dtype=dtype)
    if layout == "bhsd":
        k, v = (
            torch.randn(batch, kv_heads, length, dim, dtype=dtype)
            for _ in range(2)
        )
    else:
        k, v = (
            torch.randn(batch, length, kv_heads, dim, dtype=dtype).transpose(
                1, 2
            )
            for _ in range(2)
        )
    theirs = list_decoders(q, k, v)

    def ours():
        return attn.attention(q, k, v, layout="bhsd")

    for way in theirs.values():
        torch.testing.assert_close(
            ours(), way().reshape(q.shape), rtol=2e-2, atol=2e-2
        )
    # The fastest way first, then that way and ours in turns.
    times = alternate(list(theirs.values()), 3)
    best = min(zip(times, theirs))[1]
    seconds = alternate([ours, theirs[best]], runs)
    size = 2 * k.numel() * k.element_size()
    ratio = seconds[1] / seconds[0]
    rates = [size / s * 1e-9 for s in seconds]
    print_row([name_of(dtype), length, layout, best], rates, peak, ratio)


def show_decode(runs, max_length):
    print_head(
        "type", "keys", "layout", "PyTorch's best", "Attn GB/s",
        "PyTorch GB/s", "ratio",
    )  # fmt: skip
    # The measured bandwidth is that of reading arrays of this size.
    peak = measure_peak(
        "--batch=8", "--q-heads=32", "--kv-heads=8", "--dqk=128", "--sq=1",
        "--skv=8192", "--dtype=bf16", unit="read bandwidth",
    )  # fmt: skip
    for dtype in (torch.float32, torch.bfloat16):
        for length in (2048, 8192):
            if length <= max_length:
                for layout in ("bhsd", "bshd"):
                    compare_decode(length, layout, dtype, peak, runs)


TABLES = {"sdpa": show_sdpa, "window": show_window, "decode": show_decode}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--max-length", type=int, default=8192)
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    options = parser.parse_args()
    for name in options.tables:
        if name not in TABLES:
            parser.error(f"no table {name!r}; there are {', '.join(TABLES)}")
    print(
        f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}; "
        f"medians of {options.runs} runs"
    )
    for name in options.tables or TABLES:
        TABLES[name](options.runs, options.max_length)


if __name__ == "__main__":
    main()
