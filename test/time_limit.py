# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long a test may run before lit kills it and what it started."""

# The longest test takes half a minute on a machine that does nothing else.
SECONDS = 900
# All rows of the grid, and ten times as many random problems.
NIGHTLY_FACTOR = 4
SANITIZED_FACTOR = 10


def get_time_limit(nightly, sanitized):
    return (
        SECONDS
        * (NIGHTLY_FACTOR if nightly else 1)
        * (SANITIZED_FACTOR if sanitized else 1)
    )


def set_time_limit(lit_config, seconds):
    import lit.util  # Only lit itself finds it.

    supported, _ = lit.util.killProcessAndChildrenIsSupported()
    if supported:
        lit_config.maxIndividualTestTime = seconds
    else:
        lit_config.warning(
            "a test that hangs will not be stopped, for lack of Python's psutil"
        )
