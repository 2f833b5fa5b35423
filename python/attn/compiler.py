# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler of this process and the kernels it makes."""

import contextlib
import ctypes
import json
import os
import re
import sys
import threading
import time

from . import _library
from ._library import LIBRARY, check

_lock = threading.Lock()
#: By whether they compile for the emulator alone.
_compilers: dict = {}
_threads = 0


def _get_compiler(for_emulator=False):
    with _lock:
        if for_emulator not in _compilers:
            options = _library.CompilerOptions(
                ctypes.sizeof(_library.CompilerOptions),
                for_emulator=for_emulator,
            )
            handle = ctypes.c_void_p()
            check(
                LIBRARY.attnCompilerCreate(
                    ctypes.byref(options), ctypes.byref(handle)
                )
            )
            _compilers[for_emulator] = handle
    return _compilers[for_emulator]


def _source(text):
    data = text.encode()
    return _library.Source(1, data, len(data), None)


def set_num_threads(count: int) -> None:
    """Threads of calls from now on; 0 is one per processor."""
    global _threads
    if not isinstance(count, int) or not 0 <= count <= 1024:
        raise _library.AttnError(
            f"count: given {count!r}, expected an int from 0 to 1024"
        )
    _threads = count
    RUN_OPTIONS.threads = count


def get_num_threads() -> int:
    """What set_num_threads was given."""
    return _threads


RUN_OPTIONS = _library.RunOptions(ctypes.sizeof(_library.RunOptions))


def cache_statistics() -> dict:
    """How often this process compiled a kernel or found it in a cache."""
    names = [name for name, _ in _library.CompilerStatistics._fields_[1:]]
    total = dict.fromkeys(names, 0)
    for for_emulator in (False, True):
        if for_emulator and for_emulator not in _compilers:
            continue
        result = _library.CompilerStatistics(
            ctypes.sizeof(_library.CompilerStatistics)
        )
        check(
            LIBRARY.attnCompilerGetStatistics(
                _get_compiler(for_emulator), ctypes.byref(result)
            )
        )
        for name in names:
            total[name] += getattr(result, name)
    return total


class Binary:
    """Machine code with its manifest: a handle of the C library."""

    def __init__(self, handle):
        self.handle = handle
        self.manifest = json.loads(LIBRARY.attnKernelGetManifest(handle))

    def __del__(self):
        LIBRARY.attnKernelDestroy(self.handle)

    def save(self, path):
        check(LIBRARY.attnKernelSave(self.handle, os.fsencode(path)))


#: A compilation that takes longer than this many seconds says so.
PROGRESS_DELAY = 1.0


def _describe(text):
    """q, k and v of a module: "q f32 [?, ?, 8, 64], k ..."; ? is any size."""
    # The last one: a note may quote the module.
    inputs = text.rsplit("attn.attention ins(", 1)[-1].split("\n", 1)[0]
    types = re.findall(r"memref<((?:[?\d]+x)+)(\w+)", inputs)
    return ", ".join(
        f"{name} {element} [{sizes[:-1].replace('x', ', ')}]"
        for name, (sizes, element) in zip("qkv", types)
    )


@contextlib.contextmanager
def _progress(text, target):
    """Says on stderr what a long compilation is waited for, and when it is
    done, unless ATTN_PROGRESS is 0."""
    if os.environ.get("ATTN_PROGRESS") == "0":
        yield
        return
    start = time.monotonic()
    has_spoken = threading.Event()

    def say(text):
        print(f"attn: {text}", file=sys.stderr, flush=True)

    def announce():
        has_spoken.set()
        say(f"compiling attention of {_describe(text)} for {target} ...")

    timer = threading.Timer(PROGRESS_DELAY, announce)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if has_spoken.is_set():
            say(f"... done after {time.monotonic() - start:.1f} s")


def compile_text(text: str, target: str, device=None) -> Binary:
    """Compiles a module of IR, or finds it in a cache. For the emulator, a
    kernel of a GPU holds no machine code."""
    handle = ctypes.c_void_p()
    with _progress(text, target):
        error = LIBRARY.attnCompile(
            _get_compiler(device == "emulator"),
            ctypes.byref(_source(text)),
            str(target).encode(),
            ctypes.byref(handle),
        )
    check(error)
    return Binary(handle)


def load_binary(path) -> Binary:
    handle = ctypes.c_void_p()
    check(LIBRARY.attnKernelLoad(os.fsencode(path), ctypes.byref(handle)))
    return Binary(handle)


def emit_text(text: str, target: str, stage: str):
    """A stage of a module: text, or the bytes of an object."""
    handle = ctypes.c_void_p()
    check(
        LIBRARY.attnEmit(
            _get_compiler(),
            ctypes.byref(_source(text)),
            str(target).encode(),
            str(stage).encode(),
            ctypes.byref(handle),
        )
    )
    try:
        data = ctypes.string_at(
            LIBRARY.attnTextGetData(handle), LIBRARY.attnTextGetSize(handle)
        )
    finally:
        LIBRARY.attnTextDestroy(handle)
    return data if stage == "object" else data.decode()
