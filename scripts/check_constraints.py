#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every numbered constraint of an op has a negative test.

usage: check_constraints.py --llvm-tblgen=PATH --include=DIR... TD TESTS...

Reads the constraints "- (C7) ..." from the descriptions of the ops in the
TableGen file TD. One is tested when a file of TESTS expects an error that ends
in its number, "(C7)", inside a function whose name begins with the op's
mnemonic; where the parser or an operand's type already refuses the IR, a
function named <mnemonic>_c7 is enough. Exit code 1 with one line per constraint
that no test violates, and per test of a constraint that does not exist.
"""

import argparse
import json
import re
import subprocess
import sys

CONSTRAINT = re.compile(r"^\s*- \((C\d+)\)", re.M)
FUNCTION = re.compile(r"func\.func\s+(?:private\s+)?@(\w+)")
CITATION = re.compile(r"expected-error.*\((C\d+)\)")
NAMED = re.compile(r"^(\w+?)_(c\d+)(?:_\w+)?$")


def constraints(records):
    """{mnemonic: {"C1", ...}} of the ops that number theirs."""
    found = {}
    for name in records["!instanceof"]["Op"]:
        op = records[name]
        numbers = set(CONSTRAINT.findall(op["description"] or ""))
        if numbers:
            found[op["opName"]] = numbers
    return found


def citations(path, mnemonics):
    """(mnemonic, number) of every negative test of a file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # The pieces are those of --split-input-file: one negative test each.
    for piece in re.split(r"^// -----.*$", text, flags=re.M):
        names = FUNCTION.findall(piece)
        owners = {op for n in names for op in mnemonics if n.startswith(op)}
        owner = max(owners, key=len, default=None)
        for number in CITATION.findall(piece):
            if owner:
                yield owner, number
        for name in names:
            named = NAMED.match(name)
            if named and "expected-error" in piece and named[1] in mnemonics:
                yield named[1], named[2].upper()


def main():
    parser = argparse.ArgumentParser(description="constraints have tests")
    parser.add_argument("--llvm-tblgen", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("td")
    parser.add_argument("tests", nargs="+")
    options = parser.parse_args()
    command = [options.llvm_tblgen, "--dump-json", options.td]
    command += [f"-I{include}" for include in options.include]
    stated = constraints(json.loads(subprocess.check_output(command)))
    stated = {(op, number) for op in stated for number in stated[op]}
    mnemonics = {op for op, _ in stated}
    tested = {c for path in options.tests for c in citations(path, mnemonics)}
    for op, number in sorted(stated - tested, key=lambda c: (c[0], int(c[1][1:]))):
        print(f"attn.{op}: no negative test of ({number})", file=sys.stderr)
    for op, number in sorted(tested - stated):
        print(f"attn.{op}: a test cites ({number}), which the op does not state",
              file=sys.stderr)
    print(f"{len(stated & tested)} of {len(stated)} constraints are tested")
    return 0 if stated and stated == tested else 1


if __name__ == "__main__":
    sys.exit(main())
