# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C library: where it is, its functions, its errors."""

import ctypes
import os

from .errors import AttnError, CompileError, UnsupportedError

_ABI_VERSION = 1

# AttnDataType, by NumPy's names of the types.
DATA_TYPES = {
    "float64": 0,
    "float32": 1,
    "float16": 2,
    "bfloat16": 3,
    "float8_e4m3fn": 4,
    "float8_e5m2": 5,
    "float8_e4m3fnuz": 6,
    "float8_e5m2fnuz": 7,
    "bool": 8,
    "int8": 9,
    "int32": 10,
    "int64": 11,
}


class Array(ctypes.Structure):
    """AttnArray."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("type", ctypes.c_int),
        ("rank", ctypes.c_int32),
        ("sizes", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
    ]


PARALLEL_BODY = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)


class RunOptions(ctypes.Structure):
    """AttnRunOptions."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("threads", ctypes.c_int),
        ("parallel_for", ctypes.c_void_p),
        ("user", ctypes.c_void_p),
    ]


class CompilerOptions(ctypes.Structure):
    """AttnCompilerOptions."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("cache_directory", ctypes.c_char_p),
        ("cache_limit", ctypes.c_uint64),
        ("disable_cache", ctypes.c_int),
        ("for_emulator", ctypes.c_int),
    ]


class CompilerStatistics(ctypes.Structure):
    """AttnCompilerStatistics."""

    _fields_ = [("size", ctypes.c_size_t)] + [
        (name, ctypes.c_uint64)
        for name in (
            "compiled",
            "found_in_memory",
            "found_in_files",
            "damaged_files",
            "failed_writes",
        )
    ]


class Source(ctypes.Structure):
    """AttnSource."""

    _fields_ = [
        ("kind", ctypes.c_int),
        ("data", ctypes.c_char_p),
        ("size", ctypes.c_size_t),
        ("entry", ctypes.c_char_p),
    ]


_POINTER = ctypes.c_void_p
_HANDLE = ctypes.POINTER(ctypes.c_void_p)

# Name, result, arguments.
_SIGNATURES = [
    ("attnGetAbiVersion", ctypes.c_int, []),
    ("attnGetVersion", ctypes.c_char_p, []),
    ("attnErrorGetCode", ctypes.c_int, [_POINTER]),
    ("attnErrorGetText", ctypes.c_char_p, [_POINTER]),
    ("attnErrorDestroy", None, [_POINTER]),
    ("attnTextGetData", _POINTER, [_POINTER]),
    ("attnTextGetSize", ctypes.c_size_t, [_POINTER]),
    ("attnTextDestroy", None, [_POINTER]),
    ("attnKernelLoad", _POINTER, [ctypes.c_char_p, _HANDLE]),
    ("attnKernelSave", _POINTER, [_POINTER, ctypes.c_char_p]),
    ("attnKernelDestroy", None, [_POINTER]),
    ("attnKernelGetManifest", ctypes.c_char_p, [_POINTER]),
    (
        "attnKernelRun",
        _POINTER,
        [_POINTER, _POINTER, ctypes.c_size_t, _POINTER],
    ),
    (
        "attnCompilerCreate",
        _POINTER,
        [ctypes.POINTER(CompilerOptions), _HANDLE],
    ),
    (
        "attnCompile",
        _POINTER,
        [_POINTER, ctypes.POINTER(Source), ctypes.c_char_p, _HANDLE],
    ),
    (
        "attnEmit",
        _POINTER,
        [
            _POINTER,
            ctypes.POINTER(Source),
            ctypes.c_char_p,
            ctypes.c_char_p,
            _HANDLE,
        ],
    ),
    (
        "attnCompilerGetStatistics",
        _POINTER,
        [_POINTER, ctypes.POINTER(CompilerStatistics)],
    ),
]


def find_library(name):
    """The path of a library of Attn: in the package, as wheels have it, or in
    the build tree that this package lies in."""
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.path.dirname(os.path.dirname(here))
    places = [os.path.join(here, "lib"), os.path.join(build, "lib")]
    for place in places:
        path = os.path.join(place, name)
        if os.path.exists(path):
            return path
    raise ImportError(f"attn: {name} is in none of {', '.join(places)}")


def bind(library, signatures):
    """Sets results and arguments of the functions of a loaded library."""
    for name, result, arguments in signatures:
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments


def _load():
    library = ctypes.CDLL(find_library("libattn-c.so"))
    bind(library, _SIGNATURES)
    found = library.attnGetAbiVersion()
    if found != _ABI_VERSION:
        raise ImportError(
            f"attn: libattn-c has ABI {found}, this package is for "
            f"{_ABI_VERSION}"
        )
    return library


LIBRARY = _load()


def check(error):
    """Raises the error that a function of the C library returned."""
    if not error:
        return
    code = LIBRARY.attnErrorGetCode(error)
    text = LIBRARY.attnErrorGetText(error).decode()
    LIBRARY.attnErrorDestroy(error)
    kinds = {1: AttnError, 2: UnsupportedError, 3: CompileError, 4: OSError}
    raise kinds.get(code, RuntimeError)(text)
