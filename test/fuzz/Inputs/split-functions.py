"""Writes each top-level function of an MLIR file, after the private ones, as a
file of its own: small seeds, of which a mutation spoils only one.

usage: split-functions.py FILE FOLDER PREFIX
"""

import pathlib
import re
import sys

source, folder, prefix = sys.argv[1:]
text = pathlib.Path(source).read_text()
text = re.sub(r"^\s*//.*\n", "", text, flags=re.MULTILINE)
chunks = re.split(r"(?m)^(?=func\.func|#|!)", text)
common = [c for c in chunks if not c.startswith("func.func") or " private " in c]
for number, chunk in enumerate(c for c in chunks if c not in common):
    path = pathlib.Path(folder) / f"{prefix}-{number:03}.mlir"
    path.write_text("".join(common) + chunk)
