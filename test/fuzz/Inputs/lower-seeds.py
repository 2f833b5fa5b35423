"""Writes what the stages make of each MLIR file of a folder, so that there are
seeds for the later passes that never fall behind the ops.

usage: lower-seeds.py ATTN_OPT FOLDER OUTPUT_FOLDER
"""

import pathlib
import subprocess
import sys

attn_opt, folder, output = sys.argv[1:]
for source in sorted(pathlib.Path(folder).glob("*.mlir")):
    for stage in "online", "tile":
        subprocess.run(
            [
                attn_opt,
                source,
                # The target that makes pairs of bf16, and vectors of the rest.
                f"--attn-to-{stage}=target=x86-64-v4-bf16",
                "-o",
                pathlib.Path(output) / stage / source.name,
            ],
            check=True,
        )
