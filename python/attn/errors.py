# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Attn raises."""


class AttnError(ValueError):
    """An argument breaks the contract; the message names it."""


class UnsupportedError(NotImplementedError):
    """The problem has a meaning, and the target cannot do it yet."""


class CompileError(RuntimeError):
    """The compiler failed on a valid problem: a bug of Attn."""
