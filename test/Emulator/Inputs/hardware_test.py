#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs gpu_operations.py on the emulator and compares with goldens.json.

usage: hardware_test.py LIBRARY [NAME]

Outputs must be the bits that hardware gave, where the operation is exact or the
data make it so. Sums of random products are compared with their own size: the
hardware cuts bits of the smaller addends off, and does not say which.
"""

import base64
import ctypes
import json
import pathlib
import struct
import sys
import zlib

import gpu_operations

# Per kind of kernel, relative to the largest output of its row or the value.
SUM_BOUND = 2.0**-20
APPROXIMATE_BOUND = {"ex2": 2.0**-21, "lg2": 2.0**-20, "rcp": 2.0**-22, "rsqrt": 2.0**-21}


class Launch(ctypes.Structure):
    _fields_ = [
        ("kernel", ctypes.c_char_p),
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("dynamic_shared_bytes", ctypes.c_uint64),
        ("arguments", ctypes.c_void_p),
        ("argument_bytes", ctypes.c_uint64),
    ]


class Emulator:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.attn_emulator_create.restype = ctypes.c_void_p
        self.library.attn_emulator_error.restype = ctypes.c_char_p

    def run(self, kernel, words):
        """The output, or the error as text."""
        text = kernel.text().encode()
        module = self.library.attn_emulator_create(text, ctypes.c_size_t(len(text)), b"")
        given = struct.pack(f"<{len(words)}I", *words)
        source = ctypes.create_string_buffer(given, len(given))
        result = ctypes.create_string_buffer(kernel.threads * kernel.stores * 4)
        slots = (ctypes.c_uint64 * 2)(ctypes.addressof(source), ctypes.addressof(result))
        launch = Launch(
            kernel.name.encode(), (1, 1, 1), (kernel.threads, 1, 1), kernel.shared,
            ctypes.addressof(slots), 16,
        )  # fmt: skip
        status = 1
        if module:
            status = self.library.attn_emulator_run(
                ctypes.c_void_p(module), ctypes.byref(launch), None, None
            )
        if status:
            return self.library.attn_emulator_error().decode()
        self.library.attn_emulator_destroy(ctypes.c_void_p(module))
        return result.raw


def floats(output):
    return struct.unpack(f"<{len(output) // 4}f", output)


def difference(kernel, ours, theirs):
    """The largest error, relative to what it may be compared with."""
    pairs = [(a, b) for a, b in zip(floats(ours), floats(theirs)) if a != b]
    pairs = [(a, b) for a, b in pairs if a == a or b == b]  # not both NaN
    if kernel.name in APPROXIMATE_BOUND:
        return max((abs(a - b) / max(abs(b), 1) for a, b in pairs), default=0)
    size = max(abs(b) for b in floats(theirs))
    return max((abs(a - b) / size for a, b in pairs), default=0)


def check(kernel, data, ours, theirs):
    if isinstance(ours, str):
        return "error: " + ours
    if ours == theirs:
        return "exact"
    bound = APPROXIMATE_BOUND.get(kernel.name)
    if kernel.name.startswith("mma") and data == "random":
        bound = SUM_BOUND
    found = difference(kernel, ours, theirs)
    if bound is not None and found <= bound:
        return f"within {found:.1e} of {bound:.1e}"
    return f"error: differs by {found:.1e}"


def main():
    emulator = Emulator(sys.argv[1])
    file = pathlib.Path(__file__).with_name("goldens.json")
    goldens = json.loads(file.read_text())
    failures = 0
    for kernel in gpu_operations.kernels():
        for data in gpu_operations.data_of(kernel):
            name = f"{kernel.name} {data}"
            if sys.argv[2:] and sys.argv[2] not in name:
                continue
            theirs = zlib.decompress(base64.b64decode(goldens["outputs"][name]))
            outcome = check(
                kernel, data, emulator.run(kernel, kernel.inputs(data)), theirs
            )
            failures += outcome.startswith("error")
            print(f"{name}: {outcome}")
    print(f"{failures} failures against {goldens['device']}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
