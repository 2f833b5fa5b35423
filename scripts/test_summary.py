#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Closing line of a test run: `N passed, N failed[, N skipped]`.

Reads the xunit file that lit wrote. Exit code 0 when something passed and
nothing failed, 1 otherwise, 2 when the file is missing or no xunit file.
"""

import collections
import sys
import xml.etree.ElementTree as ElementTree

# lit lists the tests that a filter left out as skipped too; they were not
# meant to run and do not count.
NOT_SELECTED = "Test not selected"
# What lit writes for the result "skipped", which here is always a GTEST_SKIP.
INTERRUPT = "User interrupt"


def count(cases):
    """Numbers of passed and failed cases, and reasons of skipped ones."""
    passed = failed = 0
    skipped = collections.Counter()
    for case in cases:
        skip = case.find("skipped")
        reason = "" if skip is None else skip.get("message", "no reason given")
        if case.find("failure") is not None:
            failed += 1
        elif skip is None:
            passed += 1
        elif not reason.startswith(NOT_SELECTED):
            skipped["by the unit test" if reason == INTERRUPT else reason] += 1
    return passed, failed, skipped


def main(arguments):
    if len(arguments) != 1:
        print("usage: test_summary.py RESULTS.xml", file=sys.stderr)
        return 2
    try:
        results = ElementTree.parse(arguments[0])
    except (OSError, ElementTree.ParseError) as error:
        print(f"test_summary.py: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    passed, failed, skipped = count(results.iter("testcase"))
    for reason, number in sorted(skipped.items()):
        print(f"skipped {number}: {reason}")
    line = f"{passed} passed, {failed} failed"
    if skipped:
        line += f", {sum(skipped.values())} skipped"
    print(line)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
