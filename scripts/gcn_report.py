#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Resources, lint and modelled matrix utilisation of AMDGPU kernels.

usage: gcn_report.py --chip=CHIP [--at-least=PERCENT] FILE.s...

Reads the assembly that llc printed ("-" is standard input). One line per kernel
and per loop over keys; the utilisation is that of two waves per SIMD in the
cycle model of scripts/gcn/model.py, an estimate and not a measurement. Exit
code 1 when the lint finds something or a loop is below PERCENT.
"""

import argparse
import collections
import sys

from gcn import isa, lint, model

SHOWN = (
    "vgprs",
    "agprs",
    "sgprs",
    "vgpr_spills",
    "scratch",
    "lds",
    "occupancy",
)


def report_loop(loop, chip):
    path = loop.hot_path()
    estimate = model.estimate(path, chip)
    counts = collections.Counter(i.kind for i in path)
    mix = " ".join(f"{kind} {counts[kind]}" for kind in sorted(counts))
    print(
        f"  loop {loop.header.name}: {100 * estimate.utilisation:.0f} % of the"
        f" matrix pipe, {estimate.clocks_per_iteration:.0f} clocks; {mix}"
    )
    return estimate.utilisation


def report_kernel(kernel, options):
    """Prints the kernel's lines; returns what is wrong with it."""
    resources = (f"{n} {kernel.resources.get(n, '?')}" for n in SHOWN)
    print(f"{kernel.name}: {', '.join(resources)}")
    wrong = lint.violations(kernel)
    for loop in isa.main_loops(kernel):
        share = 100 * report_loop(loop, options.chip)
        if share < options.at_least:
            wrong.append(
                f"{kernel.name}: {loop.header.name} uses {share:.1f} % of the"
                f" matrix pipe, wanted {options.at_least:g} %"
            )
    return wrong


def read(path):
    if path == "-":
        return sys.stdin.read()
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--chip", choices=sorted(model.CHIPS), required=True)
    parser.add_argument("--at-least", type=float, default=0, metavar="PERCENT")
    parser.add_argument("files", nargs="+", metavar="FILE.s")
    options = parser.parse_args()
    wrong = []
    for path in options.files:
        kernels = isa.parse_kernels(read(path))
        if not kernels:
            wrong.append(f"{path}: no kernel")
        for kernel in kernels.values():
            wrong += report_kernel(kernel, options)
    for line in wrong:
        print(f"gcn_report: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
