#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the hand-written pages of a tree against its files.

usage: check_docs.py TREE

Relative links must lead to files, and a ```mlir block after a line that names
`examples/<file>` must be that file, comments aside. Exit code 1 and one line per
complaint otherwise.
"""

import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
EXAMPLE = re.compile(r"`(examples/[^`\s]+\.mlir)`[^`]*```mlir\n(.*?)```", re.S)


def lines_of_code(text):
    """The lines of an IR file that are neither empty nor a comment."""
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if line and not line.lstrip().startswith("//")]


def complaints(tree, page):
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        if "://" not in target and not (page.parent / target).exists():
            yield f"no file '{target}'"
    for name, shown in EXAMPLE.findall(text):
        example = tree / name
        if not example.exists():
            yield f"no file '{name}'"
        elif lines_of_code(example.read_text()) != lines_of_code(shown):
            yield f"the example differs from {name}"


def main(arguments):
    if len(arguments) != 1:
        print("usage: check_docs.py TREE", file=sys.stderr)
        return 2
    tree = pathlib.Path(arguments[0])
    found = False
    for page in [tree / "README.md", *sorted(tree.glob("docs/**/*.md"))]:
        for complaint in complaints(tree, page):
            print(f"{page.relative_to(tree)}: {complaint}", file=sys.stderr)
            found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
