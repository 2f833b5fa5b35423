#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the examples of a dialect's TableGen descriptions as one IR file.

usage: td_examples.py --llvm-tblgen=PATH [--include=DIR]... TD FRAMES

The example of an op, its ```mlir block, takes the place of the line
"// EXAMPLE <op name>" in FRAMES, an IR file that defines what the example uses.
The example of an attribute or type has one of them per line. Exit code 1 and one
line per complaint: an op that no example shows, an example without a place, a
place without an example.
"""

import argparse
import json
import re
import subprocess
import sys

EXAMPLE = re.compile(r"^ *```mlir\n(.*?)^ *```$", re.M | re.S)
PLACE = re.compile(r"^ *// EXAMPLE (\S+)\n", re.M)


def read_records(options):
    command = [options.llvm_tblgen, "--dump-json", options.td]
    command += [f"-I{include}" for include in options.include]
    return json.loads(subprocess.check_output(command))


def instances(records, cls):
    return [records[name] for name in records["!instanceof"].get(cls, [])]


def op_examples(records, dialect):
    """{op name: its examples}, ops without one included."""
    return {
        f"{dialect}.{op['opName']}": EXAMPLE.findall(op["description"] or "")
        for op in instances(records, "Op")
    }


def literal_examples(records):
    """Every attribute and type of an example."""
    for definition in instances(records, "AttrOrTypeDef"):
        if definition["dialect"]["def"] != "Attn_Dialect":
            continue
        for example in EXAMPLE.findall(definition["description"] or ""):
            for line in example.splitlines():
                literal = line.split("//")[0].strip()
                if literal:
                    yield literal


def main():
    parser = argparse.ArgumentParser(description="examples of a dialect")
    parser.add_argument("--llvm-tblgen", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("td")
    parser.add_argument("frames")
    options = parser.parse_args()
    records = read_records(options)
    examples = op_examples(records, "attn")
    literals = list(literal_examples(records))
    with open(options.frames, encoding="utf-8") as file:
        frames = file.read()

    complaints = [] if literals else ["no attribute or type has an example"]
    shown = "".join(text for texts in examples.values() for text in texts)
    places = PLACE.findall(frames)
    for op, texts in examples.items():
        if not re.search(rf"{re.escape(op)}\b", shown):
            complaints.append(f"{op}: no example shows it")
        if len(texts) != places.count(op):
            complaints.append(
                f"{op}: {len(texts)} examples and {places.count(op)} places"
            )
    complaints += [f"{p}: a place for no op" for p in places if p not in examples]

    print(PLACE.sub(lambda place: examples.get(place[1], [""]).pop(0), frames))
    for literal in literals:
        print(f'"example.literal"() {{value = {literal}}} : () -> ()')
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
