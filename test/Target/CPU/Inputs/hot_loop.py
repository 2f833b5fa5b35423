# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Describes the innermost loops of products in x86 assembly.

A hot loop is a block of instructions in a function named *_product_*, but not
*_guarded_product_*, that ends with a jump to its own label and has
multiply-adds. Prints how many there are, each access of theirs to the stack,
each multiply-add on other registers than those asked for, and how many
multiply-adds the shortest of them has.

usage: hot_loop.py ASSEMBLY (ymm | zmm)
"""

import re
import sys

FUNCTION = re.compile(r"^([A-Za-z_]\w*):")
LABEL = re.compile(r"^(\.L\w+):")
MULTIPLY_ADD = re.compile(r"^(vfn?m(add|sub)\d{3}[ps]s|vdpbf16ps)\b")


def functions(lines):
    """The blocks of each function: {function: {label: instructions}}."""
    found = {}
    blocks = label = None
    for line in lines:
        line = line.split("#")[0]
        if match := FUNCTION.match(line):
            blocks = found.setdefault(match.group(1), {})
            label = ""
        elif match := LABEL.match(line):
            label = match.group(1)
        elif blocks is not None and line.strip() and line.strip()[0] != ".":
            blocks.setdefault(label, []).append(" ".join(line.split()))
    return found


def is_product(function):
    return "_product_" in function and "_guarded_product_" not in function


def hot_loops(blocks):
    """The instructions of each hot loop of a function."""
    for label, block in blocks.items():
        jumps = [
            i
            for i, text in enumerate(block)
            if text.startswith("j") and text.split()[-1] == label
        ]
        body = block[: jumps[-1] + 1] if label and jumps else []
        if any(MULTIPLY_ADD.match(text) for text in body):
            yield body


def stack_access(blocks):
    """What an access to the stack looks like in a function."""
    has_frame = any(
        "movq %rsp, %rbp" in block for block in blocks.values()
    )
    return re.compile(r"\(%r[sb]p\b" if has_frame else r"\(%rsp\b")


def main():
    with open(sys.argv[1], encoding="utf-8") as assembly:
        found = functions(assembly)
    register = "%" + sys.argv[2]
    counts = []
    for function, blocks in found.items():
        if not is_product(function):
            continue
        stack = stack_access(blocks)
        for loop in hot_loops(blocks):
            products = [text for text in loop if MULTIPLY_ADD.match(text)]
            counts.append(len(products))
            for text in loop:
                if stack.search(text):
                    print("stack access:", text)
            for text in products:
                if register not in text:
                    print("other registers:", text)
    print("hot loops:", len(counts))
    print("fewest multiply-adds:", min(counts, default=0))


if __name__ == "__main__":
    main()
