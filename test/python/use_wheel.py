# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What wheel.test does with an installed wheel: compile, run, compare, and see
that all libraries but those of every Linux system came from the package."""

import glob
import os
import subprocess

import numpy as np

import attn
from attn import testing

rng = np.random.default_rng(1)
q = rng.standard_normal((1, 100, 4, 32), np.float32)
out, lse = attn.attention(q, q, q, mask=attn.causal(), return_lse=True)
print(testing.check(out, lse, q, q, q, mask=attn.causal()))

BASIC = {
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
    "linux-vdso.so.1",
}
package = os.path.dirname(attn.__file__)
libraries = glob.glob(os.path.join(package, "lib", "libattn*.so"))
assert len(libraries) == 3, libraries
for library in libraries:
    # name => path (address)
    listed = subprocess.run(
        ["/usr/bin/ldd", library], capture_output=True, check=True, text=True
    ).stdout
    for line in listed.splitlines():
        words = line.split()
        is_inside = len(words) > 2 and words[2].startswith(package)
        assert is_inside or os.path.basename(words[0]) in BASIC, line

with open("/proc/self/maps", encoding="utf-8") as maps:
    paths = {line.split()[-1] for line in maps if "libLLVM" in line}
assert paths and all(path.startswith(package) for path in paths), paths
