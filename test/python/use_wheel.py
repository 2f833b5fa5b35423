# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What ./run wheel does with an installed wheel: compile, run, compare, and
see that LLVM came from the package."""

import os

import numpy as np

import attn
from attn import testing

rng = np.random.default_rng(1)
q = rng.standard_normal((1, 100, 4, 32), np.float32)
out, lse = attn.attention(q, q, q, mask=attn.causal(), return_lse=True)
print(testing.check(out, lse, q, q, q, mask=attn.causal()))

package = os.path.dirname(attn.__file__)
with open("/proc/self/maps", encoding="utf-8") as maps:
    paths = {line.split()[-1] for line in maps if "libLLVM" in line}
assert paths and all(path.startswith(package) for path in paths), paths
