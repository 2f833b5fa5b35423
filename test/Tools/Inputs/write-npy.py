#!/usr/bin/env python3
# Writes small .npy files without NumPy, also ones that are not right:
#   write-npy.py FILE DESCR SHAPE [VALUE...] [--drop=BYTES] [--append=BYTES]
#                [--magic=TEXT] [--order=F]
# SHAPE is "2x3" or "" for a scalar. Missing values are 0.
import struct
import sys

arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
flags = dict(a[2:].split("=") for a in sys.argv[1:] if a.startswith("--"))
path, descr, shape, values = arguments[0], arguments[1], arguments[2], arguments[3:]
dims = [int(d) for d in shape.split("x") if d]
count = 1
for dim in dims:
    count *= dim
code = {"f4": "f", "f8": "d", "f2": "e", "i4": "i", "i8": "q", "u2": "H",
        "b1": "?", "V2": "H", "u1": "B", "c8": "d"}[descr[1:]]
convert = float if code in "fde" else int
data = b"".join(
    struct.pack("<" + code, convert(values[i]) if i < len(values) else convert(0))
    for i in range(min(count, 1 << 20)))
header = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }" % (
    descr, flags.get("order") == "F", "".join("%d, " % d for d in dims))
header += " " * (-(len(header) + 11) % 64) + "\n"
image = (flags.get("magic", "NUMPY").encode("latin-1").join([b"\x93", b""])
         + b"\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)
image = image[:len(image) - int(flags.get("drop", 0))]
image += b"x" * int(flags.get("append", 0))
with open(path, "wb") as file:
    file.write(image)
