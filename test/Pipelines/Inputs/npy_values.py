# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the f32 values of a .npy file in C order, as `count x value` runs.

Values are rounded to six digits.
"""

import array
import itertools
import sys


def main():
    with open(sys.argv[1], "rb") as file:
        content = file.read()
    start = 10 + int.from_bytes(content[8:10], "little")
    assert b"'<f4'" in content[:start] and b"False" in content[:start]
    values = array.array("f", content[start:])
    for value, run in itertools.groupby(f"{value:.6g}" for value in values):
        print(len(list(run)), "x", value)


if __name__ == "__main__":
    main()
